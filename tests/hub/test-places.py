#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The library in a terminal: folders of other programs, several folders, unplugged disks, names,
tags, moving, verifying, export and import. Prints TAP.

    test-places.py PARLEY_CLI SYNTH_MODEL
"""

import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile

from ggufs import entry
from terminal import Case, run_all, sha256

SYNTH = sys.argv[2]
WORK = tempfile.mkdtemp(prefix="parley-places-")
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def made(seed):
    path = os.path.join(WORK, "model-%d.gguf" % seed)
    if not os.path.exists(path):
        subprocess.run([SYNTH, "--preset", "tiny", "--type", "q8_0", "--embd", "64", "--ffn", "64",
                        "--heads", "2", "--kv-heads", "1", "--vocab", "512", "--seed", str(seed),
                        path], check=True, stdout=subprocess.DEVNULL)
    return path


def put(case, below, seed=1):
    path = os.path.join(case.home, below)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    shutil.copy(made(seed), path)
    return path


def write(case, below, text):
    path = os.path.join(case.home, below)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)


def snapshot(folder):
    return {os.path.join(p, n): (os.lstat(os.path.join(p, n)).st_mtime_ns,
                                 os.lstat(os.path.join(p, n)).st_ino)
            for p, _, names in os.walk(folder) for n in names}


def finds(case, wanted):
    """wanted: id -> program. Each is listed, runs, and stays as it was."""
    case.environment.pop("PARLEY_OTHER_PROGRAMS", None)
    before = {p: v for p, v in snapshot(case.home).items() if not p.startswith(case.data)}
    models = {m["id"]: m for m in case.facts("list")}
    assert {i: m["owner"] for i, m in models.items()} == wanted, models
    for model in models.values():
        assert model["state"] == "ready", model
        # Drawn at random, a word of a model of random weights may be one that is not shown.
        out = case.run("chat", model["id"], "--raw", "--prompt", "a", "--max-tokens", "8",
                       "--temp", "0", "--gpu-layers", "0", "--ctx", "256")
        assert out.strip(), "%s says nothing" % model["id"]
        assert "left alone" in case.run("rm", model["id"], status=1)
    after = {p: v for p, v in snapshot(case.home).items() if p in before}
    assert after == before
    case.close()
    return models


def lm_studio():
    case = Case()
    put(case, ".lmstudio/models/pub/Model-GGUF/Model-Q8_0.gguf")
    put(case, ".lmstudio/models/pub/Model-GGUF/mmproj-Model-F16.gguf", 2)
    put(case, ".lmstudio/models/pub/Model-GGUF/downloading_x.gguf", 3)
    models = finds(case, {"lm-studio/pub/Model-GGUF/Model-Q8_0": "LM Studio"})
    assert models["lm-studio/pub/Model-GGUF/Model-Q8_0"]["repo"] == "pub/Model-GGUF"


def lm_studio_elsewhere():
    case = Case()
    write(case, ".lmstudio-home-pointer", os.path.join(case.home, "studio") + "\n")
    write(case, "studio/settings.json", json.dumps({"downloadsFolder": case.home + "/big/models"}))
    put(case, "big/models/pub/m/M.gguf")
    finds(case, {"lm-studio/pub/m/M": "LM Studio"})


def ollama(home=".ollama/models", slug="ollama", program="Ollama"):
    case = Case()
    digest = sha256(made(1))
    put(case, home + "/blobs/sha256-" + digest)
    manifest = {"schemaVersion": 2, "layers": [
        {"mediaType": "application/vnd.ollama.image.template", "digest": "sha256:" + "0" * 64},
        {"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:" + digest}]}
    write(case, home + "/manifests/registry.ollama.ai/library/tiny/8b", json.dumps(manifest))
    write(case, home + "/manifests/hf.co/owner/repo/Q8_0", json.dumps(manifest))
    bad = {"layers": [{"mediaType": "application/vnd.ollama.image.model",
                       "digest": "sha256:../../../../etc/passwd"}]}
    write(case, home + "/manifests/registry.ollama.ai/library/evil/x", json.dumps(bad))
    write(case, home + "/manifests/registry.ollama.ai/library/noise/x", "[" * 100000)
    case.environment.pop("PARLEY_OTHER_PROGRAMS", None)
    models = case.facts("list")
    assert len(models) == 1 and models[0]["sha256"] == digest, models  # two names, one blob
    finds(case, {models[0]["id"]: program})
    # Whichever order the file system has them in: a model's settings are kept by its name.
    assert models[0]["id"] == slug + "/owner/repo:Q8_0", models
    assert models[0]["name"] == "owner/repo:Q8_0", models


def alpaca():
    ollama(".var/app/com.jeffser.Alpaca/data/.ollama/models", "alpaca", "Alpaca")


def hub_cache():
    case = Case()
    digest = sha256(made(1))
    root = ".cache/huggingface/hub/models--owner--Name-GGUF"
    blob = put(case, root + "/blobs/" + digest)
    link = os.path.join(case.home, root, "snapshots", COMMIT, "Q8_0", "Name-Q8_0.gguf")
    os.makedirs(os.path.dirname(link))
    os.symlink(os.path.relpath(blob, os.path.dirname(link)), link)
    put(case, root + "/blobs/x.incomplete", 2)
    case.environment["XDG_CACHE_HOME"] = os.path.join(case.home, ".cache")
    models = finds(case, {"hf/owner/Name-GGUF/Q8_0/Name-Q8_0": "Hugging Face"})
    model, = models.values()
    assert model["repo"] == "owner/Name-GGUF" and model["commit"] == COMMIT, model
    assert model["sha256"] == digest, model


def llama_cpp():
    case = Case()
    case.environment["XDG_CACHE_HOME"] = os.path.join(case.home, ".cache")
    put(case, ".cache/llama.cpp/owner_Name-GGUF_Name-Q8_0.gguf")
    write(case, ".cache/llama.cpp/owner_Name-GGUF_Name-Q8_0.gguf.json", "{}")
    finds(case, {"llama.cpp/owner_Name-GGUF_Name-Q8_0": "llama.cpp"})


def jan():
    case = Case()
    put(case, ".local/share/Jan/data/llamacpp/models/some-model/model.gguf")
    put(case, ".local/share/Jan/data/llamacpp/models/some-model/mmproj.gguf", 2)
    models = finds(case, {"jan/some-model/model": "Jan"})
    assert models["jan/some-model/model"]["name"] == "some-model"


def gpt4all():
    case = Case()
    put(case, ".local/share/nomic.ai/GPT4All/A-Q8_0.gguf")
    put(case, ".local/share/nomic.ai/GPT4All/incomplete-B.gguf", 2)
    put(case, "chosen/C.gguf", 3)
    write(case, ".config/nomic.ai/GPT4All.ini", "[General]\nmodelPath=%s/chosen\n" % case.home)
    finds(case, {"gpt4all/A-Q8_0": "GPT4All", "gpt4all/C": "GPT4All"})


def unreadable():
    case = Case()
    folder = os.path.join(case.home, ".ollama/models")
    os.makedirs(folder)
    os.chmod(folder, 0)
    case.environment.pop("PARLEY_OTHER_PROGRAMS", None)
    place = [p for p in case.facts("folders") if p["program"] == "Ollama"]
    os.chmod(folder, 0o700)
    if os.geteuid() != 0:
        assert len(place) == 1 and "cannot be read" in place[0]["problem"], place
    case.close()


def one_file_is_one_model():
    """Hard links and equal checksums are one model, with the other places noted."""
    case = Case()
    first = put(case, "data/models/o/r/A.gguf")
    os.makedirs(os.path.join(case.home, ".lmstudio/models/p/m"))
    second = os.path.join(case.home, ".lmstudio/models/p/m/A.gguf")
    os.link(first, second)
    case.environment.pop("PARLEY_OTHER_PROGRAMS", None)
    model, = case.facts("list")
    assert model["id"] == "o/r/A" and model["also"] == [second], model
    case.close()


def headers_tell_adapters():
    """A model may be called after an adapter; what its header calls one is none."""
    case = Case()
    mine = put(case, "data/models/o/r/my-lora-tune-Q8_0.gguf")
    adapter = struct.pack("<4sIQQ", b"GGUF", 3, 0, 2) + \
        entry("general.type", "adapter") + entry("general.architecture", "llama")
    with open(os.path.join(os.path.dirname(mine), "pirate-lora-F16.gguf"), "wb") as f:
        f.write(adapter)
    write(case, "data/models/o/r/torn-adapter.gguf", "GGUF")
    model, = case.facts("list")
    assert (model["id"], model["state"]) == ("o/r/my-lora-tune-Q8_0", "ready"), model
    archive = os.path.join(case.home, "some.tar")
    with tarfile.open(archive, "w") as tar:
        tar.add(made(2), "other-adapter.gguf")
        tar.add(os.path.join(os.path.dirname(mine), "pirate-lora-F16.gguf"), "pirate-lora-F16.gguf")
    result, = case.facts("import", archive)
    assert result["imported"] == [os.path.join(case.models, "imported/other-adapter.gguf")], result
    case.close()


def places_and_folders():
    case = Case()
    disk = os.path.join(case.home, "disk")
    put(case, "disk/sub/A.gguf")
    put(case, "mine/B.gguf", 2)
    case.run("folders", "--add", disk)
    case.run("folders", "--use", os.path.join(case.home, "mine"))
    models = {m["id"]: m for m in case.facts("list")}
    assert sorted(models) == ["disk/sub/A", "mine/B"], models
    case.run("set", "disk/sub/A", "--tag", "fast", "--name", "Old friend", "--pin")
    os.rename(disk, disk + ".gone")
    away = case.facts("info", "Old friend")
    assert away["state"] == "away" and "Plug its disk in" in away["message"], away
    assert away["tags"] == ["fast"] and away["pinned"], away
    assert "disk" in case.run("rm", "Old friend", status=1)
    os.rename(disk + ".gone", disk)
    assert case.facts("info", "Old friend")["state"] == "ready"
    measured = case.facts("bench", "Old friend", "--prompt-tokens", "4", "--gen-tokens", "2",
                          "--repeat", "1", "--gpu-layers", "0", "--ctx", "256")
    assert measured["layers"] > 0 and measured["generation"]["tokens_per_second"] > 0, measured
    case.run("rm", "Old friend")
    assert not os.path.exists(os.path.join(disk, "sub"))
    assert "left alone" in case.run("rm", "mine/B", status=1)
    case.run("folders", "--remove", os.path.join(case.home, "mine"))
    assert case.facts("list") == []
    assert "no folder" in case.run("folders", "--add", "/nonexistent", status=1)
    assert "whole computer" in case.run("folders", "--use", "/", status=1)
    case.close()


def names_and_tags():
    case = Case()
    put(case, "data/models/o/r/A.gguf")
    put(case, "data/models/o/r/B.gguf", 2)
    case.run("set", "o/r/A", "--name", "Daily", "--tag", "b", "--tag", "a", "--tag", "b", "--pin",
             "--default", "context=2048", "--default", "kv=q8_0")
    model = case.facts("list")[0]
    assert (model["name"], model["tags"], model["pinned"]) == ("Daily", ["a", "b"], True), model
    assert "already" in case.run("set", "o/r/B", "--name", "Daily", status=1)
    assert "cannot contain" in case.run("set", "o/r/B", "--name", "a/b", status=1)
    assert "sets nothing" in case.run("set", "o/r/A", "--default", "x=1", status=2)
    case.run("set", "Daily", "--untag", "a", "--unpin", "--name", "")
    model = case.facts("info", "o/r/A")
    assert model["name"] != "Daily" and model["tags"] == ["b"] and not model["pinned"], model
    case.close()


def verifying():
    case = Case()
    path = put(case, "data/models/o/r/A.gguf")
    assert "known from now on" in case.run("verify", "o/r/A")
    assert "as it was downloaded" in case.run("verify", "o/r/A")
    with open(path, "r+b") as f:
        f.seek(os.path.getsize(path) - 5)
        f.write(b"\xff\x55")
    assert "SHA-256 differs" in case.run("verify", "o/r/A", status=1)
    case.close()


def moving():
    case = Case()
    put(case, "data/models/o/r/A.gguf")
    disk = os.path.join(case.home, "disk")
    os.makedirs(disk)
    digest = sha256(made(1))
    assert "no models folder" in case.run("move", "o/r/A", disk, status=1)
    case.run("folders", "--add", disk)
    case.run("set", "o/r/A", "--tag", "kept")
    case.run("move", "o/r/A", disk)
    model, = case.facts("list")
    assert model["path"] == os.path.join(disk, "o/r/A.gguf") and model["sha256"] == digest, model
    assert model["tags"] == ["kept"] and model["also"] == [], model
    assert not os.path.exists(os.path.join(case.models, "o"))
    case.run("move", "A", case.models)
    model, = case.facts("list")
    assert model["id"] == "o/r/A" and model["tags"] == ["kept"], model
    case.close()


def importing():
    case = Case()
    path = put(case, "elsewhere/A.gguf")
    put(case, "elsewhere/deep/o/B.gguf", 2)
    result, = case.facts("import", path)
    assert result["imported"] == [os.path.join(case.models, "imported/A.gguf")], result
    assert sha256(path) == sha256(result["imported"][0])
    result, = case.facts("import", os.path.dirname(path))
    assert result["imported"] == [os.path.join(case.models, "deep/o/B.gguf")], result
    assert result["known"] == [os.path.join(case.models, "imported/A.gguf")], result
    other = put(case, "other/A.gguf", 3)
    result, = case.facts("import", "--move", other)
    assert result["imported"] == [os.path.join(case.models, "imported-2/A.gguf")], result
    assert not os.path.exists(other)
    assert len(case.facts("list")) == 3
    assert "There is no such file" in case.run("import", "/nonexistent.gguf", status=1)
    assert "there is no /none" in case.run("import", "--in-place", "/none/x.gguf", status=1)
    assert "no models folder" in case.run("import", "--to", case.home, path, status=1)
    put(case, "mixed/Good.gguf", 4)
    for name in ("page.gguf", "cut.gguf"):
        with open(os.path.join(case.home, "mixed", name), "wb") as f:
            f.write(b"<html>" if name == "page.gguf" else b"GGUF\x03\0")
    mixed = os.path.join(case.home, "mixed")
    err = case.run("import", mixed, status=1)
    assert err.count("left out: ") == 2 and "page.gguf" in err and "cut.gguf" in err, err
    assert os.path.join(case.models, "imported/mixed/Good.gguf") in [m["path"] for m
                                                                     in case.facts("list")]
    os.unlink(os.path.join(mixed, "Good.gguf"))
    assert "no sound GGUF file" in case.run("import", mixed, status=1)
    case.run("rm", "imported/mixed/Good")
    case.run("import", "--in-place", os.path.join(case.home, "elsewhere"))
    assert "elsewhere" in case.run("folders")
    case.close()


def exporting():
    case = Case()
    put(case, "data/models/o/r/A-Q8_0.gguf")
    case.run("set", "o/r/A-Q8_0", "--name", "Mine", "--tag", "one", "--tag", "two", "--pin",
             "--default", "context=4096", "--default", "system-prompt=Be brief.")
    case.run("verify", "Mine")
    before = case.facts("info", "Mine")
    archive = os.path.join(case.home, "mine.tar.zst")
    exported = case.facts("export", "Mine", archive)
    assert exported["model"] == "o/r/A-Q8_0", exported
    assert "already" in case.run("export", "Mine", archive, status=1)
    assert "write mine.zip.tar.zst" in case.run("export", "Mine", "mine.zip", status=2)
    assert "no folder" in case.run("export", "Mine", "/nonexistent/x.tar.zst", status=1)
    assert "there is no chat" in case.run("export", "Mine", case.home, "--chat", "x", status=1)
    assert case.run("export", "Mine", case.home) == os.path.join(case.home, "Mine.tar.zst") + "\n"
    case.run("rm", "Mine")
    assert case.facts("list") == []
    result, = case.facts("import", archive)
    assert result["imported"] == [before["path"]], result
    after = case.facts("info", "Mine")
    assert after == before, (before, after)
    case.close()


def exported_state_travels():
    first, second = Case(), Case()
    put(first, "data/models/o/r/A-Q8_0.gguf")
    first.run("set", "o/r/A-Q8_0", "--name", "Mine", "--tag", "one", "--default", "kv=q8_0")
    archive = os.path.join(second.home, "a.tar.zst")
    first.run("export", "o/r/A-Q8_0", archive)
    result, = second.facts("import", archive)
    assert result["known"] == [] and len(result["imported"]) == 1, result
    model, = second.facts("list")
    assert (model["id"], model["name"], model["tags"]) == ("o/r/A-Q8_0", "Mine", ["one"]), model
    again = os.path.join(second.home, "b.tar.zst")
    second.run("export", "Mine", again)
    assert hashlib.sha256(open(archive, "rb").read()).digest() == \
        hashlib.sha256(open(again, "rb").read()).digest()
    damaged = bytearray(open(archive, "rb").read())
    damaged[len(damaged) // 2] ^= 1
    with open(again, "wb") as f:
        f.write(damaged)
    second.run("rm", "Mine")
    second.run("import", again, status=1)
    assert second.facts("list") == []
    first.close()
    second.close()


def main():
    tests = [lm_studio, lm_studio_elsewhere, ollama, alpaca, hub_cache, llama_cpp, jan, gpt4all,
             unreadable, one_file_is_one_model, headers_tell_adapters,
             places_and_folders, names_and_tags, verifying, moving, importing, exporting,
             exported_state_travels]
    try:
        run_all([(test.__name__, test) for test in tests])
    finally:
        shutil.rmtree(WORK)


main()
