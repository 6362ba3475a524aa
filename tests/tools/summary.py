#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds up the TAP lines in meson's test logs: `N passed, N failed, N skipped` is the last line.
With --tables SUITE what the tests of that suite say beside their results is shown before. What a
case that failed said, in comments before its line, stands below its name; so does what a program
said last that did not finish.

A program that dies, times out or prints no plan counts as one failure more, whatever it said
before; one that skips everything is shown with its reason."""
import argparse
import json
import re
import sys

CASE = re.compile(r"^(not )?ok\b[ \t]*\d*[ \t]*-?[ \t]*(.*)$")
SKIP = re.compile(r"#\s*SKIP\b\s*(.*)$", re.IGNORECASE)
MOST_LINES = 30  # of what a failed case said


def count(test):
    passed, failed, skipped = 0, [], []
    planned, said = None, []
    for line in test.get("stdout", "").splitlines():
        plan = re.match(r"^1\.\.(\d+)", line)
        if plan:
            planned = int(plan.group(1))
            reason = SKIP.search(line)
            if planned == 0 and reason:
                skipped.append((test["name"], reason.group(1)))
            continue
        case = CASE.match(line)
        if not case:
            said += [line[2:]] if line.startswith("# ") else []
            continue
        told, said = said[-MOST_LINES:], []
        reason = SKIP.search(line)
        if case.group(1):
            failed.append("\n  ".join([case.group(2), *told]))
        elif reason:
            skipped.append((SKIP.sub("", case.group(2)).strip(), reason.group(1)))
        else:
            passed += 1
    total = passed + len(failed) + len(skipped)
    if planned is None or (planned and planned != total):
        failed.append("\n  ".join([f"{test['name']} did not finish ({test['result']})",
                                   *said[-MOST_LINES:]]))
    elif test["result"] in ("TIMEOUT", "ERROR") and not failed:
        failed.append(f"{test['name']}: {test['result']}")
    return passed, failed, skipped


def show_tables(test):
    lines = [line[2:] for line in test.get("stdout", "").splitlines() if line.startswith("# ")]
    if lines:
        print(f"{test['name']}:", *lines, sep="\n  ")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tables", metavar="SUITE", action="append", default=[])
    parser.add_argument("logs", nargs="+")
    options = parser.parse_args()
    shown = tuple(f"parley:{suite} / " for suite in options.tables)
    passed, failed, skipped = 0, [], []
    for path in options.logs:
        with open(path, encoding="utf-8") as log:
            for line in log:
                test = json.loads(line)
                if test["name"].startswith(shown):
                    show_tables(test)
                p, f, s = count(test)
                passed += p
                failed += f
                skipped += s
    by_reason = {}
    for name, reason in skipped:
        by_reason.setdefault(reason or "no reason given", []).append(name)
    for reason, names in sorted(by_reason.items()):
        shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        print(f"skipped: {reason}: {shown}")
    for name in failed:
        print(f"failed: {name}")
    print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
