#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""TAP: templates.py PARLEY-CLI OWN-CASES: the interpreter against our own cases and, where
$PARLEY_CONFORMANCE is, against the reference set with its attacks."""
import json
import os
import subprocess
import sys

cli, own = sys.argv[1:3]
reference = os.environ.get("PARLEY_CONFORMANCE", "")
judge = os.path.join(reference, "check_text.py")
number = failures = 0


def report(ok, name, why=""):
    global number, failures
    number += 1
    failures += not ok
    for line in why.splitlines():
        print("# " + line)
    print(("ok" if ok else "not ok"), number, "-", name)


def answers(requests):
    text = "".join(json.dumps(r) + "\n" for r in requests)
    done = subprocess.run([cli, "render", "--jsonl", "-"], input=text.encode(), capture_output=True)
    lines = [json.loads(line) for line in done.stdout.decode().split("\n") if line]
    return {a["id"]: a for a in lines}


with open(own, encoding="utf-8") as f:
    cases = [json.loads(line) for line in f if line.strip()]
got = answers([{"id": i, "template": c["template"], "context": c.get("context", {}),
                "now": "2025-11-09T07:05:03"} for i, c in enumerate(cases)])
wrong = []
for i, case in enumerate(cases):
    answer = got.get(i, {})
    ok = "error" in answer if case.get("fails") else answer.get("text") == case.get("text")
    if not ok:
        wrong.append(f"{case['template']!r}: {answer}")
report(not wrong, f"own cases ({len(cases)})", "\n".join(wrong))

bad_line = subprocess.run([cli, "render", "--jsonl", "-"], input=b"{]\n{\"id\":1,\"template\":\"a\"}\n",
                          capture_output=True)
report(bad_line.stdout.count(b"\n") == 2 and b'"text":"a"' in bad_line.stdout,
       "a damaged request does not end the run", bad_line.stdout.decode())

for part in "cases", "units", "attacks":
    if not os.path.exists(judge):
        number += 1
        print(f"ok {number} - reference {part} # SKIP no reference data")
        continue
    memory = ["--attack-mb", "0"] if "asan" in os.environ.get("PARLEY_TEST_SANITIZE", "") else []
    done = subprocess.run([sys.executable, judge, "--part", part] + memory
                          + ["template", os.path.join(reference, "template"), "--",
                             cli, "render", "--jsonl", "{file}"], capture_output=True)
    text = done.stdout.decode("utf-8", "replace")
    report(done.returncode == 0, f"reference {part}: {text.strip().splitlines()[-1]}",
           "" if done.returncode == 0 else text)
print(f"1..{number}")
sys.exit(failures != 0)
