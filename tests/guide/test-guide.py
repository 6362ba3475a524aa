#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parley Guide, the model that comes with Parley: what it is made from, what it answers on the CPU
and on a GPU, and how it stands in the library. Prints TAP.

    test-guide.py PARLEY_CLI SOURCE_ROOT
"""

import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile

CLI, ROOT = sys.argv[1:3]
TRAIN = os.path.join(ROOT, "tests", "tools", "train")
MODEL = os.path.join(ROOT, "data", "models", "parley-guide.gguf")
sys.path.insert(0, TRAIN)
import bpe  # noqa: E402
import evaluate  # noqa: E402
import gguf  # noqa: E402
import heldout  # noqa: E402
from corpus import Corpus  # noqa: E402
from rows import Rows  # noqa: E402

ENVIRONMENT = dict(os.environ, PARLEY_DATA_DIR=tempfile.mkdtemp(prefix="parley-guide-"))
CORPUS = Corpus()

# Said here and nowhere else; the intent tells which words the answer has to have.
CHAT = [
    ("greet", "hello there, little guide"),
    ("who-are-you", "Who are you?"),
    ("thanks", "thank you for that"),
    ("gguf", "What is a GGUF file?"),
    ("quantisation", "What is a quantisation?"),
    ("slider", "What does the slider do?"),
    ("fits-8", "Which model size fits 8 GB?"),
    ("slow", "Why is it so slow?"),
    ("download", "How do I download a model?"),
    ("privacy", "Do my chats stay private?"),
    ("offline", "Does it work offline?"),
    ("people", "Who was Napoleon?"),
    ("maths", "What is 12 + 30?"),
]


def run(*words, status=0, **environment):
    done = subprocess.run([CLI, *words], env=ENVIRONMENT | environment, text=True,
                          capture_output=True, timeout=120)
    assert done.returncode == status, (words, done.returncode, done.stdout, done.stderr)
    return done


# ---- what it is made from ----

def same_seed_same_text():
    def draw(seed, hashing):
        return subprocess.run([sys.executable, os.path.join(TRAIN, "corpus.py"), "--seed", seed,
                               "--turns", "3000"], env=dict(os.environ, PYTHONHASHSEED=hashing),
                              capture_output=True, check=True).stdout

    first = draw("1", "1")
    assert first.count(b"\n") == 3000
    assert first == draw("1", "2")
    assert first != draw("2", "1")


def many_ways_to_ask():
    rng = random.Random(5)
    few = {}
    for intent in CORPUS.intents.values():
        ways = {CORPUS.question(rng, intent) for _ in range(200)}
        if len(ways) < 60:
            few[intent.name] = len(ways)
    assert not few, few
    print(f"# {len(CORPUS.intents)} intents")


def answers_have_their_facts():
    known = {word for intent in CORPUS.intents.values() for text in intent.answers
             for word in evaluate.words_of(text)}
    for intent in CORPUS.intents.values():
        assert intent.keys and intent.answers, intent.name
        for answer in intent.answers:
            assert evaluate.has_keys(intent, answer), (intent.name, answer)
            assert evaluate.is_well_formed(answer, known), (intent.name, answer)


def held_out_stays_out():
    forbidden = heldout.forbidden()
    asked = heldout.questions()
    assert len([1 for file, _, _ in asked if file != evaluate.DECLINES]) >= 300
    assert "WHICH MODEL SIZE fits in 8 gb!!" in forbidden and "never asked" not in forbidden
    for _, name, question in asked:
        assert name in CORPUS.intents, name
    seen = []

    class Watching(bpe.Tokenizer):
        def encode(self, text, rng=None):
            seen.append(text)
            return super().encode(text, rng)

    rows = Rows(CORPUS, Watching([], CORPUS.topics), 7, 2048, forbidden)
    for _ in range(150):
        tokens, weights, positions = rows.row(256)
        assert len(tokens) == 257 and len(weights) == len(positions) == 256
    assert len(seen) > 300 and not [text for text in seen if text in forbidden]


def tokenizer_is_the_engines():
    texts = [text for intent in CORPUS.intents.values() for text in intent.answers]
    texts += [question for _, _, question in heldout.questions()]
    texts += ["x_y  z\n\n a", "don't 'round we'll", "100 % of 3.5 GB (a/b) ~/.local", "caf\u00e9 \u20ac 5"]
    # Merges of a small vocabulary meet more different cases than those of a large one.
    small = bpe.learn(texts, 400)
    assert small.merges == bpe.learn(list(reversed(texts)), 400).merges
    merges = gguf.read_metadata(MODEL)["tokenizer.ggml.merges"]
    tokenizer = bpe.Tokenizer([tuple(merge.split(" ")) for merge in merges])
    requests = "".join(json.dumps({"id": i, "text": text, "add_special": False,
                                   "parse_special": False}) + "\n"
                       for i, text in enumerate(texts))
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.write(requests)
        file.flush()
        lines = run("tokenize", MODEL, "--jsonl", file.name).stdout.splitlines()
    assert len(lines) == len(texts)
    for text, line in zip(texts, lines):
        assert json.loads(line)["ids"] == tokenizer.encode(text), text
        assert tokenizer.decode(tokenizer.encode(text)) == text


def topics_are_never_text():
    """Their tokens are there, in the corpus' order, and what people write never becomes one."""
    entries = gguf.read_metadata(MODEL)
    tokens, kinds = entries["tokenizer.ggml.tokens"], entries["tokenizer.ggml.token_type"]
    wanted = [f"<|{name}|>" for name in CORPUS.topics]
    assert tokens[-len(wanted):] == wanted and set(kinds[-len(wanted):]) == {3}
    said = run("chat", "parley", "--prompt", "<|gguf|>", "--temp", "0").stdout
    assert "<|" not in said, said


def the_card_is_of_this_file():
    with open(MODEL, "rb") as file:
        data = file.read()
    with open(os.path.join(ROOT, "data", "models", "README.md"), encoding="utf-8") as file:
        card = file.read()
    assert len(data) <= 6 * 1000 * 1000, len(data)
    assert hashlib.sha256(data).hexdigest() in card, "another file than the one in the card"


# ---- what it answers ----

def talks(gpu_layers, on_gpu, **environment):
    lines = "".join(f"{question}\n/new\n" for _, question in CHAT)
    done = subprocess.run([CLI, "chat", "--temp", "0", "--max-tokens", "200", "--gpu-layers",
                           gpu_layers], input=lines, env=ENVIRONMENT | environment, text=True,
                          capture_output=True, timeout=240)
    assert done.returncode == 0, done.stderr
    if on_gpu and "0 of 5 layers on the GPU" in done.stderr:
        return "no Vulkan device"
    assert f"{on_gpu} of 5 layers on the GPU" in done.stderr, done.stderr
    answers = done.stdout.splitlines()
    assert len(answers) == len(CHAT), done.stdout
    known = {word for intent in CORPUS.intents.values() for text in intent.answers
             for word in evaluate.words_of(text)}
    for (name, question), answer in zip(CHAT, answers):
        assert evaluate.has_keys(CORPUS.intents[name], answer), (question, answer)
        assert evaluate.is_well_formed(answer, known), (question, answer)
        print(f"# {question} {answer}")
    return None


def talks_on_the_cpu():
    return talks("0", 0, PARLEY_VULKAN_DEVICE="none")


def talks_on_a_gpu():
    return talks("5", 5, PARLEY_VULKAN_DEVICE="0")


def remembers_the_conversation():
    """Turns before the question do not disturb it, and "tell me more" is about the last one."""
    lines = "".join(question + "\n" for _, question in CHAT[:8])
    lines += "What is a quantisation?\ntell me more\n"
    done = subprocess.run([CLI, "chat", "--temp", "0", "--gpu-layers", "0"], input=lines,
                          env=ENVIRONMENT, text=True, capture_output=True, timeout=240)
    answers = done.stdout.splitlines()
    last = CORPUS.intents["quantisation"]
    assert answers[-2] in last.answers, answers[-2]
    assert answers[-1] == last.more, answers[-1]


# ---- the library ----

def stands_in_the_library():
    models = json.loads(run("list", "--json").stdout)
    assert [model["id"] for model in models] == ["parley-guide"], models
    assert models[0]["state"] == "ready" and os.path.samefile(models[0]["path"], MODEL)
    assert "comes with Parley" in run("rm", "parley-guide", status=1).stderr
    assert os.path.exists(MODEL)
    one = run("chat", "parley", "--prompt", "What is VRAM?", "--temp", "0").stdout
    assert "graphics card" in one, one
    said = run("chat", "--prompt", "hello", "--temp", "0").stderr
    assert "tiny demonstration" in said, said


CASES = [same_seed_same_text, many_ways_to_ask, answers_have_their_facts, held_out_stays_out,
         tokenizer_is_the_engines, topics_are_never_text, the_card_is_of_this_file,
         talks_on_the_cpu, talks_on_a_gpu, remembers_the_conversation, stands_in_the_library]


def main():
    failed = 0
    print(f"1..{len(CASES)}")
    for number, case in enumerate(CASES, 1):
        name = case.__name__.replace("_", " ")
        try:
            reason = case()
            print(f"ok {number} - {name}" + (f" # SKIP {reason}" if reason else ""), flush=True)
        except Exception as problem:  # noqa: BLE001
            failed += 1
            print(f"not ok {number} - {name}\n# {type(problem).__name__}: {problem}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
