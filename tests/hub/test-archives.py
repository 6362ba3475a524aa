#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives from anywhere: sound ones become models, hostile ones leave nothing behind, nothing
outside the models folder changes, and memory stays small. Prints TAP.

    test-archives.py PARLEY_CLI
"""

import functools
import gzip
import io
import json
import lzma
import os
import struct
import subprocess
import sys
import tarfile
import zipfile

import ggufs
from catalogue import SHAPES
from terminal import CLI, Case, run_all

MEMORY = 64 << 20
SANITIZED = os.environ.get("PARLEY_TEST_SANITIZE") == "asan"


def model(seed=1, part=None, parts=1):
    made = ggufs.MadeFile("Packed", SHAPES["tiny"], "Q8_0", seed, part, parts)
    return made.read(0, made.size)


GOOD = model()
SMALL = b"GGUF" + b"\0" * 100


# ---- tar ----

def tar(*entries, mode="w"):
    """entries: (name, bytes) or tarfile.TarInfo with optional data."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=tarfile.PAX_FORMAT) as archive:
        for entry in entries:
            if isinstance(entry[0], tarfile.TarInfo):
                info, data = entry
            else:
                info, data = tarfile.TarInfo(entry[0]), entry[1]
            if data is not None:
                info.size = len(data)
            archive.addfile(info, io.BytesIO(data) if data is not None else None)
    return out.getvalue()


def special(name, kind, link="", data=None, **more):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    for key, value in more.items():
        setattr(info, key, value)
    return info, data


def half(data):
    return data[: len(data) // 2]


def corrupt(data, at, with_bytes):
    return data[:at] + with_bytes + data[at + len(with_bytes):]


def header(name, size_field, kind=b"0"):
    """A raw ustar header whose size field is as given."""
    block = bytearray(512)
    block[0:len(name)] = name
    block[100:108] = b"0000644\0"
    block[124:136] = size_field
    block[136:148] = b"00000000000\0"
    block[148:156] = b" " * 8
    block[156:157] = kind
    block[257:265] = b"ustar\x0000"
    total = sum(block)
    block[148:156] = b"%06o\0 " % total
    return bytes(block)


# ---- zip ----

def zipped(*entries, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in entries:
            archive.writestr(name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name), data,
                             compress_type=method)
    return out.getvalue()


def zip_link(name, target):
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = 0o120777 << 16
    return zipped((info, target))


# ---- zstd by hand: frames of raw and of repeated blocks ----

def zstd_frame(blocks, window_log=None):
    """blocks: bytes (raw, at most 128 KiB each) or (byte, count)."""
    out = bytearray(b"\x28\xb5\x2f\xfd")
    out += bytes([0x00, ((window_log or 17) - 10) << 3])
    for i, block in enumerate(blocks):
        last = int(i == len(blocks) - 1)
        if isinstance(block, bytes):
            out += struct.pack("<I", len(block) << 3 | last)[:3] + block
        else:
            out += struct.pack("<I", block[1] << 3 | 1 << 1 | last)[:3] + bytes([block[0]])
    return bytes(out)


def zstd(data):
    step = 1 << 17
    return zstd_frame([data[i:i + step] for i in range(0, len(data), step)] or [b""])


def bomb_zstd(gigabytes, name=b"bomb.gguf"):
    n = gigabytes << 30
    head = header(name, b"%011o\0" % min(n, 8 ** 11 - 1))
    return zstd_frame([head] + [(0, 1 << 17)] * (n >> 17))


def many(n, name):
    return [(name % i, b"x") for i in range(n)]


def hostile():
    t, z = tarfile, zipfile
    yield "parent", ".tar", tar(("../escape.gguf", GOOD))
    yield "parent deep", ".tar", tar(("a/../../escape.gguf", GOOD))
    yield "parent at the end", ".tar", tar(("a/..", GOOD))
    yield "parent of a text", ".tar", tar(("../canary/kept.txt", b"overwritten"))
    yield "absolute", ".tar", tar(("/tmp/parley-escape.gguf", GOOD))
    yield "absolute after dots", ".tar", tar((".//../x.gguf", GOOD))
    yield "drive", ".tar", tar(("C:\\escape.gguf", GOOD))
    yield "drive with slash", ".tar", tar(("C:/escape.gguf", GOOD))
    yield "share", ".tar", tar(("\\\\host\\share\\x.gguf", GOOD))
    yield "backslashes", ".tar", tar(("..\\..\\escape.gguf", GOOD))
    yield "link and file through it", ".tar", tar(
        special("out", t.SYMTYPE, "../canary"), ("out/kept.gguf", GOOD))
    yield "link to root", ".tar", tar(special("r", t.SYMTYPE, "/"), ("r/tmp/x.gguf", GOOD))
    yield "chain of links", ".tar", tar(special("a", t.SYMTYPE, "b"), special("b", t.SYMTYPE, ".."),
                                        ("a/x.gguf", GOOD))
    yield "link named as a model", ".tar", tar(special("x.gguf", t.SYMTYPE, "/etc/passwd"))
    yield "link to itself", ".tar", tar(special("x.gguf", t.SYMTYPE, "x.gguf"))
    yield "link after the file", ".tar", tar(("x.gguf", GOOD), special("x.gguf", t.SYMTYPE, "/etc"))
    yield "hard link outside", ".tar", tar(special("x.gguf", t.LNKTYPE, "../canary/kept.txt"))
    yield "hard link absolute", ".tar", tar(special("x.gguf", t.LNKTYPE, "/etc/passwd"))
    yield "hard link to itself", ".tar", tar(special("x.gguf", t.LNKTYPE, "x.gguf"))
    yield "hard link inside", ".tar", tar(("a.gguf", GOOD), special("b.gguf", t.LNKTYPE, "a.gguf"))
    yield "character device", ".tar", tar(special("x.gguf", t.CHRTYPE, devmajor=1, devminor=5))
    yield "block device", ".tar", tar(special("x.gguf", t.BLKTYPE, devmajor=8))
    yield "pipe", ".tar", tar(special("x.gguf", t.FIFOTYPE))
    yield "device of another name", ".tar", tar(special("null", t.CHRTYPE, devmajor=1, devminor=3))
    yield "twice", ".tar", tar(("x.gguf", GOOD), ("x.gguf", GOOD))
    yield "twice by case", ".tar", tar(("x.gguf", GOOD), ("X.GGUF", GOOD))
    yield "twice by composition", ".tar", tar(("caf\u00e9.gguf", GOOD), ("cafe\u0301.gguf", GOOD))
    yield "twice through a dot", ".tar", tar(("x.gguf", GOOD), ("./x.gguf", GOOD))
    yield "file then folder", ".tar", tar(("a.gguf", GOOD), ("a.gguf/b.gguf", GOOD))
    yield "folder then file", ".tar", tar(("a.gguf/b.gguf", GOOD), ("a.gguf", GOOD))
    yield "too many", ".tar", tar(*many(65, "m%d.gguf"))
    yield "far too many", ".tar.gz", gzip.compress(tar(*many(5000, "m%d.bin")), 1)
    yield "deep folders", ".tar", tar(("d/" * 100 + "x.gguf", GOOD))
    yield "very deep folders", ".tar", tar(("d/" * 20000 + "x.gguf", SMALL))
    yield "long name", ".tar", tar(("n" * 300 + ".gguf", GOOD))
    yield "very long name", ".tar", tar(("n" * 65536 + ".gguf", SMALL))
    yield "device name", ".tar", tar(("CON.gguf", GOOD))
    yield "device folder", ".tar", tar(("nul/x.gguf", GOOD))
    yield "newline", ".tar", tar(("a\nb.gguf", GOOD))
    yield "escape sequence", ".tar", tar(("\x1b[2Jx.gguf", GOOD))
    yield "direction", ".tar", tar(("a\u202egguf.exe.gguf", GOOD))
    yield "colon", ".tar", tar(("a:b.gguf", GOOD))
    yield "our own name", ".tar", tar(("x.gguf.part.json", b"{}"), ("x.gguf", SMALL))
    yield "final dot", ".tar", tar(("x./y.gguf", GOOD))
    yield "empty", ".tar", b""
    yield "zeros", ".tar", b"\0" * 10240
    yield "noise", ".tar", os.urandom(4096)
    yield "html", ".tar.gz", b"<html>sign in</html>" * 100
    yield "no model", ".tar", tar(("README.md", b"hello"))
    yield "not a model", ".tar", tar(("x.gguf", b"<html></html>"))
    yield "no sound model", ".tar", tar(("x.gguf", b"GGUF\x03\0\0\0" + b"\xff" * 500))
    yield "truncated model", ".tar", tar(("x.gguf", GOOD[: len(GOOD) // 2]))
    yield "truncated tar", ".tar", tar(("x.gguf", GOOD))[:200000]
    yield "wrong checksum", ".tar", corrupt(tar(("x.gguf", GOOD)), 148, b"777777")
    yield "negative size", ".tar", header(b"x.gguf", b"\xff" * 12) + GOOD
    yield "huge size", ".tar", header(b"x.gguf", b"\x80" + b"\0" * 3 + b"\x7f" + b"\xff" * 7) + SMALL
    yield "size of letters", ".tar", header(b"x.gguf", b"zzzzzzzzzzz\0") + SMALL
    yield "parts missing", ".tar", tar(("m-00001-of-00003.gguf", model(3, 0, 3)))
    yield "sparse", ".tar", tar(special(
        "x.gguf", t.REGTYPE, data=b"1\n0\n1\n",
        pax_headers={"GNU.sparse.major": "1", "GNU.sparse.minor": "0",
                     "GNU.sparse.name": "x.gguf", "GNU.sparse.realsize": str(1 << 42)}))
    yield "path by extension", ".tar", tar(special(
        "x.gguf", t.REGTYPE, data=GOOD, pax_headers={"path": "../escape.gguf"}))
    yield "link by extension", ".tar", tar(special(
        "x.gguf", t.SYMTYPE, "y", pax_headers={"linkpath": "/etc/passwd"}))
    yield "size by extension", ".tar", tar(special(
        "x.gguf", t.REGTYPE, data=GOOD, pax_headers={"size": str(1 << 62)}))
    yield "gzip cut", ".tar.gz", half(gzip.compress(tar(("x.gguf", GOOD)), 1))
    yield "gzip damaged", ".tar.gz", corrupt(gzip.compress(tar(("x.gguf", GOOD)), 1), 3000, b"\0" * 64)
    yield "gzip bomb", ".tar.gz", gzip.compress(
        header(b"x.gguf", b"%011o\0" % (1 << 30)) + bytes(300 << 20), 9)
    yield "xz cut", ".tar.xz", half(lzma.compress(tar(("x.gguf", GOOD)), preset=0))
    yield "xz window", ".tar.xz", lzma.compress(
        tar(("x.gguf", GOOD)), filters=[{"id": lzma.FILTER_LZMA2, "preset": 1, "dict_size": 1 << 30}])
    yield "xz bomb", ".tar.xz", lzma.compress(
        header(b"x.gguf", b"%011o\0" % (1 << 30)) + bytes(200 << 20), preset=0)
    yield "zstd cut", ".tar.zst", zstd(tar(("x.gguf", GOOD)))[:70000]
    yield "zstd window", ".tar.zst", zstd_frame([tar(("x.gguf", SMALL))], 31)
    yield "zstd window 128 MB", ".tar.zst", zstd_frame([tar(("x.gguf", SMALL))], 27)
    yield "zstd bomb", ".tar.zst", bomb_zstd(8)
    yield "zstd bomb left out", ".tar.zst", bomb_zstd(8, b"bomb.bin")
    yield "zstd second frame", ".tar.zst", zstd(tar(("x.gguf", SMALL))) + zstd_frame([b"x"], 31)
    yield "zip parent", ".zip", zipped(("../escape.gguf", GOOD))
    yield "zip absolute", ".zip", zipped(("/tmp/parley-escape.gguf", GOOD))
    yield "zip backslashes", ".zip", zipped(("..\\escape.gguf", GOOD))
    yield "zip drive", ".zip", zipped(("C:/x.gguf", GOOD))
    yield "zip link", ".zip", zip_link("x.gguf", "/etc/passwd")
    yield "zip link folder", ".zip", zip_link("out", "../canary")
    yield "zip twice", ".zip", zipped(("x.gguf", GOOD), ("X.gguf", GOOD))
    yield "zip bomb", ".zip", zipped(("x.gguf", bytes(300 << 20)))
    yield "zip lzma", ".zip", zipped(("x.gguf", GOOD), method=z.ZIP_LZMA)
    yield "zip bzip2", ".zip", zipped(("x.gguf", GOOD), method=z.ZIP_BZIP2)
    yield "zip cut", ".zip", half(zipped(("x.gguf", GOOD)))
    yield "zip damaged", ".zip", corrupt(zipped(("x.gguf", GOOD)), 3000, b"\0" * 64)
    local = zipped(("safe.gguf", GOOD), method=z.ZIP_STORED)
    yield "zip two names", ".zip", local.replace(b"safe.gguf", b"../x.gguf"[:9], 1)
    flagged = bytearray(local)
    flagged[6] |= 1
    flagged[flagged.rfind(b"PK\x01\x02") + 8] |= 1
    yield "zip encrypted", ".zip", bytes(flagged)
    yield "archive in an archive", ".tar", tar(("inner.tar", tar(("x.gguf", GOOD))))


# ---- running ----

def tree(folder):
    """Everything below a folder: names, kinds, sizes, bytes of small files."""
    found = {}
    for path, folders, names in os.walk(folder):
        for name in folders + names:
            whole = os.path.join(path, name)
            info = os.lstat(whole)
            data = open(whole, "rb").read() if os.path.isfile(whole) and info.st_size < 4096 else b""
            found[os.path.relpath(whole, folder)] = (info.st_mode, info.st_nlink, info.st_ino, data)
    return found


def canary(case):
    """Files around the models folder that nothing may touch."""
    os.makedirs(case.models)
    for place in (case.home, case.data, os.path.join(case.home, "canary"),
                  os.path.join(case.data, "canary")):
        os.makedirs(place, exist_ok=True)
        for name in ("kept.txt", "kept.gguf", "escape.gguf.kept"):
            with open(os.path.join(place, name), "w") as f:
                f.write("canary of " + place)


# A process keeps the mark of the memory that it was forked with, so another small one forks it.
LAUNCHER = """
import json, os, sys
pid = os.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024]))
"""


def run_import(case, path):
    """Exit status, errors, and the most memory that the process had."""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", LAUNCHER, CLI, "import", "-q", path],
                          env=case.environment, capture_output=True, text=True, timeout=120)
    status, memory = json.loads(done.stdout.splitlines()[-1])
    return status, done.stderr, memory


@functools.cache
def attacked():
    """One home for all attacks: each leaves it as it was."""
    case = Case()
    canary(case)
    run_import(case, os.devnull)  # the database is there from now on
    return case


def refused(name, suffix, data):
    case = attacked()
    path = os.path.join(case.home, "attack" + suffix)
    with open(path, "wb") as f:
        f.write(data)
    del data
    keep = lambda: {k: v for k, v in tree(case.home).items()  # noqa: E731
                    if "parley.db" not in k and not k.startswith("cache")}
    before = keep()
    escapes = ["/tmp/parley-escape.gguf", os.path.join(case.home, "escape.gguf")]
    status, errors, memory = run_import(case, path)
    assert status == 1, (status, errors)
    assert errors.startswith("parley-cli: cannot import: ") and len(errors) < 1000, errors
    assert "\x1b" not in errors
    after = keep()
    assert after == before, (set(after) ^ set(before))
    assert not any(os.path.exists(e) for e in escapes)
    assert SANITIZED or memory < MEMORY, memory
    os.unlink(path)


def sound(name, suffix, data, ids):
    case = Case()
    canary(case)
    path = os.path.join(case.home, "good" + suffix)
    with open(path, "wb") as f:
        f.write(data)
    status, errors, memory = run_import(case, path)
    assert status == 0, errors
    found = [m["id"] for m in case.facts("list")]
    assert found == ids, found
    assert all(m["state"] == "ready" and len(m["sha256"]) == 64 for m in case.facts("list"))
    assert not [n for n in os.listdir(case.models) if n.startswith(".")], os.listdir(case.models)
    again = case.facts("import", path)[0]
    assert again["imported"] == [] and len(again["known"]) == len(ids), again
    assert SANITIZED or memory < MEMORY, memory
    case.close()


def good():
    one = tar(("x.gguf", GOOD), ("README.md", b"# Hello"), ("picture.png", b"x"), ("._x.gguf", b"x"))
    yield "plain", ".tar", one, ["imported/x"]
    yield "gzip", ".tar.gz", gzip.compress(one, 1), ["imported/x"]
    yield "xz", ".tar.xz", lzma.compress(one, preset=0), ["imported/x"]
    yield "zstd", ".tar.zst", zstd(one), ["imported/x"]
    yield "two frames", ".tar.zst", zstd(one[:300000]) + zstd(one[300000:]), ["imported/x"]
    yield "zip", ".zip", zipped(("x.gguf", GOOD), ("d/", b"")), ["imported/x"]
    yield "zip stored", ".zip", zipped(("x.gguf", GOOD), method=zipfile.ZIP_STORED), ["imported/x"]
    yield "folders", ".tar", tar(special("o", tarfile.DIRTYPE), ("o/r/x.gguf", GOOD)), ["o/r/x"]
    yield "parts", ".tar", tar(*[("m-%05d-of-00003.gguf" % (i + 1), model(3, i, 3))
                                 for i in (2, 0, 1)]), ["imported/m/m"]


def main():
    tests = [("sound: " + name, lambda a=(name, *rest): sound(*a)) for name, *rest in good()]
    bad = list(hostile())
    assert len(bad) >= 80, len(bad)
    tests += [("hostile: " + name, lambda a=(name, *rest): refused(*a)) for name, *rest in bad]
    try:
        run_all(tests)
    finally:
        attacked().close()


main()
