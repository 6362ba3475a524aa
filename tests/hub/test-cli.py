#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""parley-cli against the stand-in of a hub: what a person does in a terminal, from the search to
the deletion, and what an interrupted or killed download leaves behind. Prints TAP.

    test-cli.py PARLEY_CLI
"""

import json
import os
import shutil
import signal
import sqlite3

import catalogue
from terminal import GOOD_TOKEN, Case, Standin, run_all, sha256, wait_for

REPOS = catalogue.everything()


def item(repo, path):
    made = REPOS[repo]
    return made.trees[made.commit][path]


def search(standin):
    case = Case(standin)
    found = case.facts("search", "kestrel", "--sort", "downloads")
    assert [m["repo"] for m in found] == ["northwind-labs/Kestrel-7B-Instruct-GGUF",
                                          "northwind-labs/Kestrel-1.5B-Instruct-GGUF"], found
    assert len(case.facts("search", "--limit", "7")) == 7
    assert "Kestrel-7B" in case.run("search", "kestrel")
    assert "Nothing was found" in case.run("search", "no such model anywhere")
    found = case.facts("search", "--size", "3B-9B", "--license", "apache-2.0")
    assert len(found) == 4 and all(3e9 <= m["parameters"] < 9e9 for m in found), found
    assert [m["repo"] for m in case.facts("search", "kestrel", "--family", "llama", "--size", "-2B")] == [
        "northwind-labs/Kestrel-1.5B-Instruct-GGUF"]
    assert "no such family" in case.run("search", "--family", "Aunts", status=2)
    assert "no range of sizes" in case.run("search", "--size", "large", status=2)
    assert "no such order" in case.run("search", "x", "--sort", "beauty", status=2)
    case.close()


def show(standin):
    case = Case(standin)
    shown = case.facts("show", "northwind-labs/Kestrel-7B-Instruct-GGUF")
    labels = [f["quantisation"] for f in shown["files"]]
    assert labels == ["Q2_K", "Q3_K_M", "IQ4_XS", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "F16"], labels
    assert all(len(f["sha256"]) == 64 and f["bytes"] > 1e9 for f in shown["files"])
    assert [f["approximate"] for f in shown["files"]].count(False) == 1
    # Words for programs, in every language the same.
    assert [f["quality"] for f in shown["files"]] == [
        "weak", "weaker", "good", "good", "close", "very-close", "practically-original",
        "original"], shown
    assert {f["kind"] for f in shown["files"]} == {"model"}, shown
    assert all(f["fit"] in ("gpu", "partly", "ram", "too-large") for f in shown["files"]), shown
    plain = case.facts("show", "fixture/plain")
    assert sorted(f["kind"] for f in plain["companions"]) == ["adapter", "other", "projector"], plain
    large = case.facts("show", "quarry/Basalt-70B-GGUF")
    assert [f["parts"] for f in large["files"]] == [2, 2, 3]
    assert "terms must be accepted" in case.run("show", "brightwater/Osprey-9B-it-GGUF")
    assert "does not exist" in case.run("show", "no/such", status=1)
    assert "names no repository" in case.run("show", "../etc", status=1)
    case.close()


def pull_list_info_rm(standin):
    case = Case(standin)
    result = case.facts("pull", "fixture/plain:Q8_0")
    path = os.path.join(case.models, "fixture/plain/plain-Q8_0.gguf")
    wanted = item("fixture/plain", "plain-Q8_0.gguf")
    assert result["path"] == path and result["sha256"] == wanted.sha256, result
    assert sha256(path) == wanted.sha256
    assert case.files() == ["fixture/plain/plain-Q8_0.gguf"], case.files()
    models = case.facts("list")
    assert [m["id"] for m in models] == ["fixture/plain/plain-Q8_0"], models
    model = case.facts("info", "fixture/plain/pla")
    assert model["repo"] == "fixture/plain" and model["sha256"] == wanted.sha256, model
    assert model["commit"] == REPOS["fixture/plain"].commit
    with sqlite3.connect(os.path.join(case.data, "parley.db")) as db:
        details, = db.execute("SELECT details FROM artifact").fetchone()
    assert json.loads(details)["card"] == "# Fixture\n", details
    asked = [r["path"] for r in standin.state()["log"] if r["path"].endswith("README.md")]
    assert len([path for path in asked if "/resolve/" in path]) == 1, asked
    assert model["state"] == "ready" and model["layers"] == 2, model
    assert case.facts("info", path)["bytes"] == wanted.file.size
    assert case.facts("info", "fixture/plain:q8_0")["id"] == model["id"]
    assert "no model" in case.run("info", "nothing", status=1)
    assert "deleted" in case.run("rm", "plain")
    assert case.files() == [] and case.facts("list") == []
    assert "no models yet" in case.run("list")
    case.close()


def parts(standin):
    case = Case(standin)
    case.run("pull", "fixture/sharded:F32")
    names = ["fixture/sharded/F32/big-F32-%05d-of-00003.gguf" % i for i in (1, 2, 3)]
    assert case.files() == names, case.files()
    model, = case.facts("list")
    assert model["parts"] == 3 and model["id"] == "fixture/sharded/F32/big-F32", model
    assert model["bytes"] == sum(os.path.getsize(os.path.join(case.models, n)) for n in names)
    os.unlink(os.path.join(case.models, names[1]))
    model, = case.facts("list")
    assert model["state"] == "incomplete" and "2 of 3" in model["message"], model
    case.run("rm", "big")
    assert case.files() == []
    case.close()


def killed_and_resumed(standin):
    """kill -9 at several places: each time the rest is fetched, and only the rest."""
    wanted = item("fixture/plain", "plain-F32.gguf")
    for fraction in (0.1, 0.5, 0.9):
        case = Case(standin)
        standin.tell(rate=1500000)
        part = os.path.join(case.models, "fixture/plain/plain-F32.gguf.part")
        process = case.start("pull", "fixture/plain:F32")
        wait_for(part, int(wanted.file.size * fraction))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        there = os.path.getsize(part)
        assert there < wanted.file.size
        assert case.facts("list") == []
        standin.tell(rate=0)
        case.run("pull", "fixture/plain:F32")
        assert standin.ranges() == ["bytes=0-", "bytes=%d-" % there], (there, standin.ranges())
        assert sha256(part[: -len(".part")]) == wanted.sha256
        assert case.files() == ["fixture/plain/plain-F32.gguf"], case.files()
        case.close()


def interrupted_politely(standin):
    case = Case(standin)
    standin.tell(rate=1500000)
    part = os.path.join(case.models, "fixture/plain/plain-F32.gguf.part")
    process = case.start("pull", "fixture/plain:F32")
    wait_for(part, 500000)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 1 and "run the same command again" in err, err
    there = os.path.getsize(part)
    standin.tell(rate=0)
    case.run("pull", "fixture/plain:F32")
    assert standin.ranges()[-1] == "bytes=%d-" % there
    case.close()


def two_at_once(standin):
    """Two processes want one file: one fetches it, both succeed."""
    case = Case(standin)
    standin.tell(rate=3000000)
    both = [case.start("pull", "fixture/plain:F32") for _ in range(2)]
    for process in both:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    wanted = item("fixture/plain", "plain-F32.gguf")
    assert standin.state()["bytes"] == wanted.file.size, standin.state()["bytes"]
    assert case.files() == ["fixture/plain/plain-F32.gguf"], case.files()
    case.close()


def one_queue(standin):
    """What one process downloads another one lists, pauses, moves and removes."""
    def states():
        return [(os.path.basename(d["path"]), d["state"]) for d in case.facts("downloads")]

    case = Case(standin)
    assert "No download is unfinished" in case.run("downloads")
    wanted = item("fixture/plain", "plain-F32.gguf")
    standin.tell(rate=800000)
    process = case.start("pull", "fixture/plain:F32")
    part = os.path.join(case.models, "fixture/plain/plain-F32.gguf.part")
    wait_for(part, 200000)
    shown, = case.facts("downloads")
    assert shown["state"] == "downloading" and shown["bytes"] == wanted.file.size, shown
    assert 200000 <= shown["bytes_done"] < shown["bytes"], shown
    shown, = case.facts("downloads", "--pause", "plain-F32.gguf")
    assert shown["state"] == "paused", shown
    _, err = process.communicate(timeout=20)
    assert process.returncode == 1 and "paused in another Parley" in err, err
    there = os.path.getsize(part)
    assert states() == [("plain-F32.gguf", "paused")], states()

    process = case.start("pull", "fixture/plain:Q8_0")
    wait_for(os.path.join(case.models, "fixture/plain/plain-Q8_0.gguf.part"), 100000)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert states() == [("plain-F32.gguf", "paused"), ("plain-Q8_0.gguf", "waiting")], states()
    case.run("downloads", "--first", "fixture/plain:q8_0")
    assert [name for name, _ in states()] == ["plain-Q8_0.gguf", "plain-F32.gguf"], states()
    assert "several downloads" in case.run("downloads", "--first", "fixture/plain", status=1)
    assert "no unfinished download" in case.run("downloads", "--pause", "x", status=1)
    assert case.facts("downloads", "--resume", "all")[1]["state"] == "waiting"
    standin.tell(rate=0)
    out = case.run("downloads", "--run").split()
    assert sorted(map(os.path.basename, out)) == ["plain-F32.gguf", "plain-Q8_0.gguf"], out
    assert "bytes=%d-" % there in standin.ranges(), standin.ranges()
    assert sha256(part[: -len(".part")]) == wanted.sha256
    assert len(case.facts("list")) == 2 and case.facts("downloads") == []

    standin.tell(rate=800000)
    process = case.start("pull", "fixture/sharded:F32")
    wait_for(os.path.join(case.models, "fixture/sharded/F32/big-F32-00001-of-00003.gguf"), 1)
    case.run("downloads", "--remove", "fixture/sharded")
    _, err = process.communicate(timeout=20)
    assert process.returncode == 1 and "removed in another Parley" in err, err
    assert not os.path.exists(os.path.join(case.models, "fixture/sharded")), case.files()
    case.close()


def damage(standin):
    case = Case(standin)
    standin.tell(fault={"on": "cdn", "do": "flip", "at": 123456})
    err = case.run("pull", "fixture/plain:Q8_0", status=1)
    assert "SHA-256" in err, err
    assert case.files() == [] and case.facts("list") == []
    case.run("pull", "fixture/plain:Q8_0")
    assert standin.ranges() == ["bytes=0-", "bytes=0-"]
    case.close()


def refusals(standin):
    case = Case(standin)
    err = case.run("pull", "fixture/automatic", status=1)
    assert "accept its terms" in err and "HF_TOKEN" in err, err
    assert case.files() == [], case.files()
    err = case.run("pull", "fixture/plain:Q9_9", status=1)
    assert "Choose one of: Q8_0, F32" in err, err
    err = case.run("pull", "fixture/sharded:Q8_0", status=1)
    assert "missing" in err, err
    err = case.run("pull", "fixture/hostile/../x.gguf", status=1)
    assert "names no repository" in err, err
    case.run("pull", status=2)
    assert "did you mean search?" in case.run("serach", status=2)
    assert "did you mean pull?" in case.run("download", status=2)
    assert "mean" not in case.run("xyz", status=2)
    assert "FILE" not in case.run("show", "fixture/empty")
    shown = case.run("show", "fixture/sharded")
    assert "parts are missing" in shown and "is not known" not in shown, shown
    case.close()
    case = Case(standin, HF_TOKEN="hf_wrong")
    assert "access token" in case.run("pull", "fixture/plain", status=1)
    case.close()
    case = Case(standin, HF_HUB_OFFLINE="1")
    assert "HF_HUB_OFFLINE" in case.run("search", "x", status=1)
    case.close()


def the_token_stays_with_the_hub(standin):
    case = Case(standin, HF_TOKEN=GOOD_TOKEN)
    case.run("pull", "fixture/plain:Q8_0")
    state = standin.state()
    assert state["leaks"] == 0
    asked = [r for r in state["log"] if not r["path"].startswith("/_control")]
    assert all(r["token"] for r in asked if r["origin"] == "hub"), asked
    assert any(r["origin"] == "cdn" for r in asked)
    case.close()


def files_of_others(standin):
    """Anything may lie in the models folder."""
    case = Case(standin)
    os.makedirs(os.path.join(case.models, "somebody/else"))
    with open(os.path.join(case.models, "somebody/else/noise-Q4_0.gguf"), "wb") as f:
        f.write(b"GGUF\x03\0\0\0" + b"\xff" * 1000)
    with open(os.path.join(case.models, "page.gguf"), "wb") as f:
        f.write(b"<html>not a model</html>")
    with open(os.path.join(case.models, "empty.gguf"), "wb"):
        pass
    with open(os.path.join(case.models, "fake.gguf.part.json"), "w") as f:
        f.write("{}")
    models = case.facts("list")
    assert len(models) == 3 and all(m["state"] == "damaged" and m["message"] for m in models), models
    outside = os.path.join(case.home, "mine.gguf")
    shutil.copy(os.path.join(case.models, "page.gguf"), outside)
    assert "left alone" in case.run("rm", outside, status=1)
    assert os.path.exists(outside)
    case.close()


def main():
    standin = Standin()
    tests = [search, show, pull_list_info_rm, parts, killed_and_resumed, interrupted_politely,
             two_at_once, one_queue, damage, refusals, the_token_stays_with_the_hub, files_of_others]
    run_all([(test.__name__, lambda test=test: test(standin)) for test in tests])


main()
