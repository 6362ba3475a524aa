#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks Parley Guide the held-out questions through Parley's own engine and prints what came of it.

    evaluate.py PARLEY_CLI [MODEL] [--gpu-layers N] [--verbose] [--card FILE]

An answer is right when it has the keywords of its intent, well-formed when it is whole sentences of
words that the corpus knows, without repetition. Perplexity is that of the reference answers (and of
the questions) of the held-out set. The likeliest token is taken every time, so the figures are the
same at every run; with --card they go into the model card. Exit status 1: below the aims."""

import argparse
import array
import hashlib
import json
import math
import os
import random
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
MARKS = "<!-- figures of evaluate.py -->", "<!-- end of figures -->"


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


def tokenize(cli, model, texts):
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        for number, text in enumerate(texts):
            file.write(json.dumps({"id": number, "text": text, "add_special": False,
                                   "parse_special": True}) + "\n")
        file.flush()
        done = subprocess.run([cli, "tokenize", model, "--jsonl", file.name], text=True,
                              capture_output=True, check=True)
    return [json.loads(line)["ids"] for line in done.stdout.splitlines()]


def conversations(cli, model, corpus, questions):
    """[(tokens, kinds)]: the held-out questions with the answers that they should get, in
    conversations of about 1,000 tokens. A kind: 0 of an answer, 1 of a question, None of neither."""
    texts = []
    for _, name, question in random.Random(1).sample(questions, len(questions)):
        texts += [question.lower(), corpus.intents[name].answers[0], "<|user|>", "<|end|>",
                  "<|end|><|assistant|>", f"<|{name}|>"]
    ids, result, tokens, kinds = tokenize(cli, model, texts), [], [], []
    for asked, said, user, end, assistant, topic in zip(*(ids[i::6] for i in range(6))):
        tokens += user + asked + assistant + topic + said + end
        kinds += [None] * len(user) + [1] * len(asked) + [None] * (len(assistant) + len(topic))
        kinds += [0] * (len(said) + len(end))
        if len(tokens) > 1000:
            result.append((tokens, kinds))
            tokens, kinds = [], []
    return result + [(tokens, kinds)] if tokens else result


def perplexity(cli, model, corpus, questions):
    """(of answers, of questions)"""
    sums, counts = [0.0, 0.0], [0, 0]
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "logits")
        for tokens, kinds in conversations(cli, model, corpus, questions):
            subprocess.run([cli, "logits", model, "--tokens", ",".join(map(str, tokens)), "--out",
                            out, "--precision", "exact", "--ctx", "2048"], check=True,
                           capture_output=True)
            rows = array.array("f")
            with open(out, "rb") as file:
                rows.frombytes(file.read())
            width = len(rows) // len(tokens)
            for i, kind in enumerate(kinds):
                if kind is None or i == 0:
                    continue
                row = rows[(i - 1) * width:i * width]
                top = max(row)
                sums[kind] += top + math.log(sum(math.exp(x - top) for x in row)) - row[tokens[i]]
                counts[kind] += 1
    return [math.exp(total / n) for total, n in zip(sums, counts)]


def write_card(path, model, lines):
    """Puts the figures between the marks of the card."""
    with open(model, "rb") as file:
        data = file.read()
    facts = [f"- {line}" for line in lines]
    facts.append(f"- the file: {len(data)} bytes, SHA-256 `{hashlib.sha256(data).hexdigest()}`")
    with open(path, encoding="utf-8") as file:
        before, rest = file.read().split(MARKS[0])
        after = rest.split(MARKS[1])[1]
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + MARKS[0] + "\n" + "\n".join(facts) + "\n" + MARKS[1] + after)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cli")
    parser.add_argument("model", nargs="?", default=MODEL)
    parser.add_argument("--gpu-layers", default="0")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--no-perplexity", action="store_true")
    parser.add_argument("--card")
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
    lines = [
        f"questions about Parley and local models: {right[0]} of {right[1]} answered with the "
        f"intended facts ({right[0] / right[1]:.1%})",
        f"questions beyond it: {declined[0]} of {declined[1]} declined "
        f"({declined[0] / declined[1]:.1%})",
        f"well-formed answers: {formed} of {len(answers)} ({formed / len(answers):.1%})",
    ]
    if not options.no_perplexity:
        of_answers, of_questions = perplexity(options.cli, options.model, corpus, questions)
        lines.append(f"perplexity on held-out conversations: {of_answers:.2f} for answers behind "
                     f"the token of their topic, {of_questions:.1f} for questions")
    print("\n".join(lines))
    if options.card:
        write_card(options.card, options.model, lines)
    return int(right[0] < RIGHT * right[1] or declined[0] < DECLINED * declined[1] or
               formed < len(answers))


if __name__ == "__main__":
    sys.exit(main())
