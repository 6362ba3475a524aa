#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""live.py PARLEY_CLI: whether Parley still understands the real hub. Reads only: searches, pages of
models, one remote header, and the start of what Parley suggests. Not part of the tests, because it
needs a network and counts as traffic there; `./dev live-hub` runs it. Prints TAP; without a network
everything is skipped."""

import json
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
HUB = (os.environ.get("PARLEY_HUB") or os.environ.get("HF_ENDPOINT")
       or "https://huggingface.co").rstrip("/")
SMALL = "Qwen/Qwen3-0.6B-GGUF"
with open(os.path.join(ROOT, "resources", "suggestions.json"), encoding="utf-8") as _file:
    SUGGESTED = json.load(_file)["models"]


UNTESTED = """\
# Nothing was tested. This asks the real hub, reading only: searches, filters, the pages and one
# header of models, a refusal, and each model that Parley suggests, some {} requests in all.
# Connect to the internet, or name another hub: PARLEY_HUB=https://... ./dev live-hub"""


def reachable():
    """None, or why the hub cannot be reached."""
    if os.environ.get("HF_HUB_OFFLINE", "0") not in ("", "0"):
        return "HF_HUB_OFFLINE is set"
    try:
        urllib.request.urlopen(HUB + "/api/models?limit=1", timeout=10).read()
    except (OSError, urllib.error.URLError) as error:
        return f"{HUB} cannot be reached: {getattr(error, 'reason', error)}"
    return None


class Live:
    def __init__(self, cli, folder):
        self.cli = cli
        # A home of its own: nothing is kept, and no cache answers in place of the hub.
        self.env = dict(os.environ, PARLEY_DATA_DIR=os.path.join(folder, "data"),
                        XDG_CACHE_HOME=os.path.join(folder, "cache"), PARLEY_HUB=HUB)

    def run(self, *words, status=0):
        done = subprocess.run([self.cli, *words], env=self.env, capture_output=True, text=True,
                              timeout=180, check=False)
        assert done.returncode == status, f"{words}: status {done.returncode}: {done.stderr}"
        return done.stdout if status == 0 else done.stderr

    def facts(self, *words):
        return json.loads(self.run(*words, "--json"))


def searches_and_pages(live):
    for sort in ("trending", "downloads", "likes", "updated"):
        found = live.facts("search", "qwen", "--sort", sort, "--limit", "5")
        assert len(found) == 5 and all("/" in m["repo"] for m in found), found
    # More than a page of 100: the cursor is followed.
    many = live.facts("search", "--sort", "downloads", "--limit", "120")
    assert len({m["repo"] for m in many}) == 120, len(many)


def filters(live):
    found = live.facts("search", "--license", "apache-2.0", "--size", "3B-9B", "--family", "qwen",
                       "--limit", "5")
    assert found, "nothing passes the filters"
    for model in found:
        assert model["license"] == "apache-2.0" and 3e9 <= model["parameters"] < 9e9, model


def files_and_their_header(live):
    shown = live.facts("show", SMALL)
    assert shown["license"] and shown["architecture"] and shown["parameters"] > 1e8, shown
    assert shown["files"] and len(shown["commit"]) == 40
    for file in shown["files"]:
        assert len(file["sha256"]) == 64 and file["bytes"] > 1e8 and file["complete"], file
    # The remote header was read: there is a verdict, exact for one file.
    assert [f["approximate"] for f in shown["files"]].count(False) == 1, shown["files"]


def refusals(live):
    assert "does not exist" in live.run("show", "parley-chat-nobody/no-such-model", status=1)


def suggestions(live):
    """Which of them the hub no longer knows."""
    gone = []
    for entry in SUGGESTED:
        try:
            urllib.request.urlopen(f"{HUB}/api/models/{entry['repo']}", timeout=30).read()
        except urllib.error.HTTPError as error:
            gone.append(f"{entry['repo']}: {error.code}")
    assert not gone, "\n".join(gone)


CASES = [searches_and_pages, filters, files_and_their_header, refusals, suggestions]


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    why = reachable()
    if why:
        print(f"1..0 # SKIP {why}")
        print(UNTESTED.format(20 + len(SUGGESTED)))
        return 0
    failed = 0
    print(f"1..{len(CASES)}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        live = Live(sys.argv[1], folder)
        for number, case in enumerate(CASES, 1):
            try:
                case(live)
                print(f"ok {number} - {case.__name__}", flush=True)
            except Exception as error:  # every failure is a line of the report
                failed += 1
                print("# " + str(error).replace("\n", "\n# "))
                print(f"not ok {number} - {case.__name__}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
