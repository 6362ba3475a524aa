#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text to tokens and back against recorded answers: tokenizer.py PARLEY_CLI.

Reads the vocabularies and cases of $PARLEY_CONFORMANCE/tokenizer; one TAP line for each vocabulary.
"""
import base64
import json
import os
import subprocess
import sys

FOLDER = os.path.join(os.environ.get("PARLEY_CONFORMANCE", ""), "tokenizer")
FIELDS = {"n_tokens": "tokens", "bos": "bos", "eos": "eos", "eot": "eot", "sep": "separator",
          "pad": "padding", "add_bos": "add_bos", "add_eos": "add_eos",
          "add_sep": "add_separator", "eog": "ends_generation"}


def raw(case, key, otherwise=None):
    if key in case:
        return case[key].encode()
    if key + "_b64" in case:
        return base64.b64decode(case[key + "_b64"])
    return otherwise


def passes(case, answer):
    detok = raw(answer, "detok")
    if "decode" in case:
        return detok == raw(case, "detok")
    text = raw(case, "text")
    if case.get("lossless") and detok is not None and detok.endswith(text):
        return True
    if answer.get("ids") == case["ids"]:
        return detok == raw(case, "detok", text)
    return answer.get("ids") in case.get("also", [])


def check_cases(cli, name):
    path = os.path.join(FOLDER, name)
    run = subprocess.run([cli, "tokenize", path + ".gguf", "--jsonl", path + ".jsonl"],
                         capture_output=True, timeout=120, check=False)
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    with open(path + ".jsonl", encoding="utf-8") as f:
        cases = [json.loads(line) for line in f]
    if run.returncode or len(answers) != len(cases):
        return [f"{len(answers)} answers for {len(cases)} cases: {run.stderr.decode()}"]
    return [case["id"] for case, answer in zip(cases, answers) if not passes(case, answer)]


def check_facts(cli, name, facts):
    out = subprocess.run([cli, "inspect", "--json", os.path.join(FOLDER, name + ".gguf")],
                         capture_output=True, timeout=120, check=True).stdout
    found = json.loads(out)["vocabulary"]
    return [f"{theirs}: {found[ours]}, not {facts[theirs]}" for theirs, ours in FIELDS.items()
            if found[ours] != facts[theirs]]


def main():
    if not os.path.isdir(FOLDER):
        print("ok 1 - tokenizers # SKIP no conformance set\n1..1")
        return 0
    with open(os.path.join(FOLDER, "vocabs.json"), encoding="utf-8") as f:
        facts = json.load(f)
    names = sorted(n[:-5] for n in os.listdir(FOLDER) if n.endswith(".gguf"))
    failed = 0
    for i, name in enumerate(names, 1):
        wrong = check_cases(sys.argv[1], name)
        if name in facts:
            wrong += check_facts(sys.argv[1], name, facts[name])
        for line in wrong[:5]:
            print(f"# {line}")
        print(f"{'not ok' if wrong else 'ok'} {i} - {name}")
        failed += bool(wrong)
    print(f"1..{len(names)}")
    return 1 if failed or not names else 0


sys.exit(main())
