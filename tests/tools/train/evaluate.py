#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks Parley Guide the held-out questions through Parley's own engine and prints what came of it.

    evaluate.py PARLEY_CLI [MODEL] [--gpu-layers N] [--verbose]

An answer is right when it has the keywords of its intent, well-formed when it is whole sentences of
words that the corpus knows, without repetition. Perplexity is that of the reference answers (and of
the questions) of the held-out set. The likeliest token is taken every time, so the figures are the
same at every run. Exit status 1: below what the model card promises."""

import argparse
import array
import math
import os
import re
import subprocess
import sys
import tempfile

import heldout
from corpus import Corpus

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
MODEL = os.path.join(ROOT, "data", "models", "parley-guide.gguf")
DECLINES = "beyond"  # the topic of intents that decline, and the held-out file of the same name
RIGHT, DECLINED = 0.90, 0.80


def ask(cli, model, questions, gpu_layers="0"):
    """The answers, each to a conversation of its own."""
    lines = "".join(f"{question}\n/new\n" for question in questions)
    done = subprocess.run([cli, "chat", model, "--temp", "0", "--max-tokens", "200",
                           "--gpu-layers", gpu_layers], input=lines, text=True,
                          capture_output=True, check=True, timeout=1800)
    answers = done.stdout.splitlines()
    if len(answers) != len(questions):
        raise SystemExit(f"{len(questions)} questions got {len(answers)} lines of answers")
    return answers


def has_keys(intent, answer):
    text = answer.lower()
    return all(any(word in text for word in key) for key in intent.keys)


def declines(corpus, answer):
    """Whether `answer` is one of those that decline, of whatever intent."""
    return any(answer in intent.answers for intent in corpus.intents.values()
               if intent.topic == DECLINES)


def words_of(text):
    return re.findall(r"[a-z0-9']+", text.lower())


def is_well_formed(answer, known):
    words = words_of(answer)
    runs = list(zip(*(words[i:] for i in range(6))))
    return (bool(words) and answer[0].isupper() and answer[-1] in ".?!\"" and
            answer.count('"') % 2 == 0 and all(word in known for word in words) and
            len(set(runs)) == len(runs))


def perplexity(cli, model, corpus, questions):
    """(of answers, of questions), a turn at a time."""
    texts = []
    for _, name, question in questions:
        answer = corpus.intents[name].answers[0]
        texts.append((question.lower(), answer))
    sums, counts = [0.0, 0.0], [0, 0]
    with tempfile.TemporaryDirectory() as folder:
        for question, answer in texts:
            asked = tokenize(cli, model, f"<|user|>{question}<|end|><|assistant|>")
            said = tokenize(cli, model, f"{answer}<|end|>")
            tokens, out = asked + said, os.path.join(folder, "logits")
            subprocess.run([cli, "logits", model, "--tokens", ",".join(map(str, tokens)), "--out",
                            out, "--precision", "exact"], check=True, capture_output=True)
            rows = array.array("f")
            with open(out, "rb") as file:
                rows.frombytes(file.read())
            width = len(rows) // len(tokens)
            for i in range(len(tokens) - 1):
                if i + 1 in (len(asked) - 1, len(asked) - 2):
                    continue  # the marks between question and answer
                row = rows[i * width:(i + 1) * width]
                top = max(row)
                loss = top + math.log(sum(math.exp(x - top) for x in row)) - row[tokens[i + 1]]
                kind = 0 if i + 1 >= len(asked) else 1
                sums[kind] += loss
                counts[kind] += 1
    return [math.exp(total / n) for total, n in zip(sums, counts)]


def tokenize(cli, model, text):
    import json
    request = json.dumps({"id": 0, "text": text, "add_special": False, "parse_special": True})
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.write(request + "\n")
        file.flush()
        done = subprocess.run([cli, "tokenize", model, "--jsonl", file.name], text=True,
                              capture_output=True, check=True)
    return json.loads(done.stdout)["ids"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cli")
    parser.add_argument("model", nargs="?", default=MODEL)
    parser.add_argument("--gpu-layers", default="0")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--no-perplexity", action="store_true")
    options = parser.parse_args()
    corpus, questions = Corpus(), heldout.questions()
    known = {word for intent in corpus.intents.values()
             for text in [*intent.answers, intent.more or ""] for word in words_of(text)}
    answers = ask(options.cli, options.model, [q for _, _, q in questions], options.gpu_layers)
    right, declined, formed = [0, 0], [0, 0], 0
    for (file, name, question), answer in zip(questions, answers):
        intent = corpus.intents[name]
        if file == DECLINES:
            good = declines(corpus, answer)
            count = declined
        else:
            good = has_keys(intent, answer) and not declines(corpus, answer)
            count = right
        count[0] += good
        count[1] += 1
        well = is_well_formed(answer, known)
        formed += well
        if options.verbose and not (good and well):
            print(f"{'MALFORMED' if good else 'WRONG'} {name}: {question}\n    {answer}")
    print(f"questions about Parley and local models: {right[0]} of {right[1]} answered with the "
          f"intended facts ({right[0] / right[1]:.1%})")
    print(f"questions beyond it: {declined[0]} of {declined[1]} declined "
          f"({declined[0] / declined[1]:.1%})")
    print(f"well-formed answers: {formed} of {len(answers)}")
    if not options.no_perplexity:
        of_answers, of_questions = perplexity(options.cli, options.model, corpus, questions)
        print(f"perplexity on held-out conversations: {of_answers:.2f} for answers, "
              f"{of_questions:.1f} for questions")
    return int(right[0] < RIGHT * right[1] or declined[0] < DECLINED * declined[1] or
               formed < len(answers))


if __name__ == "__main__":
    sys.exit(main())
