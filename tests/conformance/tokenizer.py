#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text to tokens and back against answers from elsewhere: tokenizer.py PARLEY_CLI.

One TAP line for each vocabulary: our own, read in plain Python (own/vocabularies.py), and those of
$PARLEY_CONFORMANCE/tokenizer.  tokenizer.py --write FOLDER: only makes our own."""
import base64
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "own"))
import vocabularies  # noqa: E402

REFERENCE = os.path.join(os.environ.get("PARLEY_CONFORMANCE", ""), "tokenizer")
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


def check_cases(cli, folder, name):
    path = os.path.join(folder, name)
    run = subprocess.run([cli, "tokenize", path + ".gguf", "--jsonl", path + ".jsonl"],
                         capture_output=True, timeout=120, check=False)
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    with open(path + ".jsonl", encoding="utf-8") as f:
        cases = [json.loads(line) for line in f]
    if run.returncode or len(answers) != len(cases):
        return [f"{len(answers)} answers for {len(cases)} cases: {run.stderr.decode()}"]
    return [f"{case['id']}: {answer.get('ids')}, not {case.get('ids')}"
            for case, answer in zip(cases, answers) if not passes(case, answer)]


def check_facts(cli, name, facts):
    out = subprocess.run([cli, "inspect", "--json", os.path.join(REFERENCE, name + ".gguf")],
                         capture_output=True, timeout=120, check=True).stdout
    found = json.loads(out)["vocabulary"]
    return [f"{theirs}: {found[ours]}, not {facts[theirs]}" for theirs, ours in FIELDS.items()
            if found[ours] != facts[theirs]]


def check_all(cli, own):
    """(name, what is wrong) for each vocabulary."""
    for name in vocabularies.write(own):
        yield name, check_cases(cli, own, name)
    if not os.path.isdir(REFERENCE):
        return
    with open(os.path.join(REFERENCE, "vocabs.json"), encoding="utf-8") as f:
        facts = json.load(f)
    for name in sorted(n[:-5] for n in os.listdir(REFERENCE) if n.endswith(".gguf")):
        wrong = check_cases(cli, REFERENCE, name)
        yield name, wrong + (check_facts(cli, name, facts[name]) if name in facts else [])


def main(arguments):
    if arguments[0] == "--write":
        vocabularies.write(arguments[1])
        return 0
    failed = n = 0
    with tempfile.TemporaryDirectory(prefix="parley-vocabularies-") as own:
        for n, (name, wrong) in enumerate(check_all(arguments[0], own), 1):
            for line in wrong[:5]:
                print(f"# {line}")
            print(f"{'not ok' if wrong else 'ok'} {n} - {name}")
            failed += bool(wrong)
    print(f"1..{n}")
    return 1 if failed or not n else 0


sys.exit(main(sys.argv[1:]))
