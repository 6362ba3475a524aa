#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 at random moments of downloading, importing, moving and deleting a model: nothing that
was there is lost, nothing half-made is listed, and the next run finishes the work. Prints TAP.

    test-kills.py PARLEY_CLI

200 kills; 10,000 with PARLEY_TEST_LONG. PARLEY_TEST_SEED repeats a run.
"""

import concurrent.futures
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time

import catalogue
from terminal import CLI, LONG, Case, Standin, run_all, sha256

SEED = int(os.environ.get("PARLEY_TEST_SEED", random.randrange(1 << 30)))
SANITIZED = os.environ.get("PARLEY_TEST_SANITIZE") == "asan"
POINTS = 2500 if LONG else 10 if SANITIZED else 50  # of each kind of work
REPOS = catalogue.everything()
WORK = tempfile.mkdtemp(prefix="parley-kills-")
PARTS = []  # paths of a model in three parts, outside of any library


def make_parts():
    made = REPOS["fixture/sharded"]
    for path, item in made.trees[made.commit].items():
        if path.startswith("F32/"):
            PARTS.append(os.path.join(WORK, os.path.basename(path)))
            with open(PARTS[-1], "wb") as f:
                f.write(item.file.read(0, item.file.size))


def sums(folder):
    return sorted(sha256(os.path.join(p, n)) for p, _, names in os.walk(folder) for n in names
                  if n.endswith(".gguf"))


def killed(case, delay, *words):
    """Runs the command and kills it after `delay` seconds. True: it had ended by itself."""
    process = subprocess.Popen([CLI, *words], env=case.environment, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    try:
        process.wait(timeout=delay)
        assert process.returncode == 0, process.stderr.read()
        return True
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return False
    finally:
        process.stderr.close()


def whole_or_absent(case, must_be_there):
    models = case.facts("list")
    assert len(models) <= 1, models
    assert all(m["state"] == "ready" for m in models), models
    assert models or not must_be_there, "the model is lost"
    return models


def no_remains(case):
    found = [n for p, folders, names in os.walk(case.home) for n in folders + names
             if n.startswith(".import-") or n.endswith((".part", ".part.json", ".moving"))]
    assert not found, found


class Download:
    def __init__(self, standin):
        self.standin = standin
        self.wanted = sorted(REPOS["fixture/sharded"].trees[REPOS["fixture/sharded"].commit][p].sha256
                             for p in ("F32/big-F32-%05d-of-00003.gguf" % i for i in (1, 2, 3)))

    def case(self):
        return Case(self.standin)

    def words(self, case):
        return ["pull", "-q", "fixture/sharded:F32"]

    def check(self, case, ended):
        whole_or_absent(case, ended)

    def finish(self, case):
        case.run(*self.words(case))
        assert sums(case.models) == self.wanted


class Import:
    move = False

    def __init__(self, _):
        self.wanted = sorted(map(sha256, PARTS))

    def case(self):
        case = Case()
        os.makedirs(os.path.join(case.home, "from"))
        for path in PARTS:
            shutil.copy(path, os.path.join(case.home, "from"))
        return case

    def words(self, case):
        first = os.path.join(case.home, "from", os.path.basename(PARTS[0]))
        return ["import", "-q", first] + (["--move"] if self.move else [])

    def check(self, case, ended):
        models = whole_or_absent(case, ended)
        there = sums(os.path.join(case.home, "from"))
        if not self.move:
            assert there == self.wanted, "an original is lost"
        assert there == self.wanted or models, "an original is lost before its copy was whole"

    def finish(self, case):
        if os.path.exists(self.words(case)[2]):
            case.run(*self.words(case))
        assert sums(case.models) == self.wanted
        whole_or_absent(case, True)


class ImportMoving(Import):
    move = True

    def finish(self, case):
        if sums(os.path.join(case.home, "from")) == self.wanted:
            case.run(*self.words(case))
        assert sums(case.models) == self.wanted
        whole_or_absent(case, True)


class Move:
    def __init__(self, _):
        self.wanted = sorted(map(sha256, PARTS))

    def case(self):
        case = Case()
        for folder in ("disk", "data/models/o/r"):
            os.makedirs(os.path.join(case.home, folder))
        for path in PARTS:
            shutil.copy(path, os.path.join(case.models, "o/r"))
        case.run("folders", "--add", os.path.join(case.home, "disk"))
        case.run("set", "o/r/big-F32", "--tag", "kept")
        return case

    def words(self, case):
        return ["move", "-q", "big", os.path.join(case.home, "disk")]

    def check(self, case, ended):
        models = [m for m in case.facts("list") if m["state"] == "ready"]
        # For a moment it is at both places, the new one not yet in the catalogue.
        assert 1 <= len(models) <= 2 and any(m["tags"] == ["kept"] for m in models), models

    def finish(self, case):
        if any(m["path"].startswith(case.models) for m in case.facts("list")
               if m["state"] == "ready"):
            case.run("move", "-q", "o/r/big-F32", os.path.join(case.home, "disk"))
        models = [m for m in case.facts("list") if m["state"] == "ready"]
        assert len(models) == 1 and models[0]["tags"] == ["kept"], models
        assert set(self.wanted) <= set(sums(os.path.join(case.home, "disk")))


class Delete:
    def __init__(self, _):
        self.wanted = sorted(map(sha256, PARTS))

    def case(self):
        case = Case()
        os.makedirs(os.path.join(case.models, "o/r"))
        for path in PARTS:
            shutil.copy(path, os.path.join(case.models, "o/r"))
        return case

    def words(self, case):
        return ["rm", "o/r/big-F32"]

    def check(self, case, ended):
        models = whole_or_absent(case, False)
        assert not (ended and models)

    def finish(self, case):
        if case.facts("list"):
            case.run(*self.words(case))
        assert case.facts("list") == []


def duration(work):
    case = work.case()
    start = time.monotonic()
    case.run(*work.words(case))
    case.close()
    return time.monotonic() - start


def one_point(work, delay):
    case = work.case()
    try:
        ended = killed(case, delay, *work.words(case))
        work.check(case, ended)
        work.finish(case)
        no_remains(case)
        return ended
    finally:
        case.close()


def kills(work, random_source):
    usual = max(duration(work) for _ in range(2))
    delays = [random_source.uniform(0.001, usual) for _ in range(POINTS)]
    # Several at once: most of the time goes into waiting for the disk.
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        ended = list(pool.map(lambda delay: one_point(work, delay), delays))
    print("# seed %d: %d kills, %d runs ended before" % (SEED, ended.count(False), ended.count(True)))
    assert ended.count(False) >= POINTS // 10


def main():
    make_parts()
    standin = Standin()
    source = random.Random(SEED)
    kinds = [Download, Import, ImportMoving, Move, Delete] if LONG else [Download, Import, Move,
                                                                         Delete]
    try:
        run_all([(kind.__name__, lambda kind=kind: kills(kind(standin), source))
                 for kind in kinds])
    finally:
        standin.stop()
        shutil.rmtree(WORK)


main()
