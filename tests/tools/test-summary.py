#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What summary.py makes of a log.

    test-summary.py SUMMARY"""
import json
import subprocess
import sys
import tempfile

LOG = [
    {"name": "parley:fit / accuracy", "result": "OK",
     "stdout": "# model  planned  taken\n# small      1.0    1.0\nok 1 - small\n1..1\n"},
    {"name": "parley:unit / plan", "result": "OK", "stdout": "# not asked for\nok 1\nok 2\n1..2\n"},
    {"name": "parley:unit / one", "result": "OK", "stdout": "ok 1 - gone # SKIP no card\n1..1\n"},
]
DEAD = {"name": "parley:fit / dead", "result": "ERROR", "stdout": "# it was about to\nok 1\n"}
BROKEN = {"name": "parley:ui / window", "result": "ERROR",
          "stdout": "1..3\n# all well\nok 1 - opens\n# waited\n# 15 s\nnot ok 2 - closes\n"
                    "# nothing\nok 3 - ends\n"}
failures = 0


def summary(log, *options):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write("".join(json.dumps(test) + "\n" for test in log))
        file.flush()
        done = subprocess.run([sys.executable, sys.argv[1], *options, file.name],
                              capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def expect(number, name, got, wanted):
    global failures
    failures += got != wanted
    print(f"{'ok' if got == wanted else 'not ok'} {number} - {name}")
    if got != wanted:
        print(f"# {got!r} is not {wanted!r}")


COUNTED = "skipped: no card: gone\n3 passed, 0 failed, 1 skipped\n"
expect(1, "results_are_added_up", summary(LOG), (0, COUNTED))
expect(2, "tables_are_shown_where_asked_for", summary(LOG, "--tables", "fit"),
       (0, "parley:fit / accuracy:\n  model  planned  taken\n  small      1.0    1.0\n" + COUNTED))
expect(3, "a_program_that_dies_is_a_failure", summary([DEAD]),
       (1, "failed: parley:fit / dead did not finish (ERROR)\n1 passed, 1 failed, 0 skipped\n"))
expect(4, "what_a_failed_case_said_is_shown", summary([BROKEN, {**DEAD, "stdout": "# on its way\n"}]),
       (1, "failed: closes\n  waited\n  15 s\nfailed: parley:fit / dead did not finish (ERROR)\n"
        "  on its way\n2 passed, 2 failed, 0 skipped\n"))
print("1..4")
sys.exit(failures > 0)
