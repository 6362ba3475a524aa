# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the window share: a case has a hub, a desktop and a data folder of its own, and
runs in a process of its own. Prints TAP."""

import concurrent.futures
import json
import os
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

import driver
import shots
import talk
from driver import App, Desktop


# Seconds that a case may take, which the longest form of one needs.
LONG = bool(os.environ.get("PARLEY_TEST_LONG"))
LONGEST = 1800 if LONG else 300


class Case:
    """What a case has: the hub, the desktop, the data folder, and the way to start a window."""

    def __init__(self, hub, desktop, data):
        self.hub, self.desktop, self.data = hub, desktop, data
        self.model = os.path.join(data, "models", "example", "Stories-260K-GGUF",
                                  "Stories-260K-Q8_0.gguf")

    def window(self, **env):
        return App(self.desktop, self.data,
                   {"PARLEY_HUB": self.hub.address, "PARLEY_VULKAN_DEVICE": "0", **env})

    def ask(self, app, n_tokens):
        """A new chat, the likeliest words, so many of them."""
        app.do("new-chat")
        talk.settings(app, Temperature=0, Longest_reply=n_tokens)
        talk.write(app)


def query(case, sql, *values):
    """Rows of the case's database."""
    db = sqlite3.connect(f"file:{case.data}/parley.db?mode=ro", uri=True, timeout=5)
    try:
        return db.execute(sql, values).fetchall()
    finally:
        db.close()


def kept(case, **values):
    """Waits until the store has them: place="models" stands for window/place."""
    rows = {}

    def there():
        rows.clear()
        rows.update(query(case, "SELECT key, value FROM setting WHERE key LIKE 'window/%'"))
        return {key: rows.get(f"window/{key}") for key in values} == values

    try:
        driver.wait(there, f"{values} in the store")
    except AssertionError as error:
        raise AssertionError(f"{error}: {rows}") from None


def set_setting(case, key, value):
    """Before there is a window."""
    with sqlite3.connect(os.path.join(case.data, "parley.db"), timeout=5) as db:
        db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (key, value))
    db.close()


class Hub(shots.Hub):
    def look(self):
        with urllib.request.urlopen(self.address + "/_control", timeout=10) as answer:
            return json.load(answer)

    def quiet(self):
        """Nothing was sent for a moment."""
        before = self.look()["bytes"]
        time.sleep(0.3)
        return self.look()["bytes"] == before

    @property
    def real(self):
        """The repository whose file is a model that runs."""
        address = self.address + "/api/models?filter=gguf&search=stories&limit=5"
        with urllib.request.urlopen(address, timeout=10) as answer:
            return json.load(answer)[0]["id"]


def run(case, downloading):
    """One case on a desktop of its own, in a process of its own: a failure ends only that."""
    with Hub(shots.MODEL) as hub, Desktop() as desktop, tempfile.TemporaryDirectory() as data:
        if case.__name__ not in downloading:
            shots.seed(data)
        case(Case(hub, desktop, data))


def synth(path, *options, preset="tiny", kind="f32"):
    """A model with random weights."""
    subprocess.run([os.path.join(driver.BUILD, "tests", "tools", "synth-model"), "--preset", preset,
                    "--type", kind, *options, path], check=True, stdout=subprocess.DEVNULL)


def make_model(folder):
    """Where no trained model is at hand: one of the same shape."""
    path = os.path.join(folder, "stories260k.gguf")
    synth(path)
    return path


def rename_inside(source, path, name):
    """A copy of a model that calls itself otherwise."""
    sizes = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
    with open(source, "rb") as file:
        data = file.read()
    n_tensors, n_keys = struct.unpack_from("<QQ", data, 8)

    def string_end(at):
        return at + 8 + struct.unpack_from("<Q", data, at)[0]

    def value_end(kind, at):
        if kind == 8:
            return string_end(at)
        if kind != 9:
            return at + sizes[kind]
        kind, n = struct.unpack_from("<IQ", data, at)
        at += 12
        if kind in sizes:
            return at + n * sizes[kind]
        for _ in range(n):
            at = value_end(kind, at)
        return at

    at, keys, found, alignment = 24, b"", False, 32
    for _ in range(n_keys):
        begin, at = at, string_end(at)
        key = data[begin + 8:at]
        kind, = struct.unpack_from("<I", data, at)
        end = value_end(kind, at + 4)
        if key == b"general.alignment":
            alignment, = struct.unpack_from("<I", data, at + 4)
        if key != b"general.name":
            keys += data[begin:end]
        found |= key == b"general.name"
        at = end
    tensors = at
    for _ in range(n_tensors):
        at = string_end(at)
        at += 4 + 8 * struct.unpack_from("<I", data, at)[0] + 12
    text = name.encode()
    head = data[:16] + struct.pack("<Q", n_keys + (not found)) + \
        struct.pack("<Q", 12) + b"general.name" + struct.pack("<IQ", 8, len(text)) + text + keys + \
        data[tensors:at]
    with open(path, "wb") as file:
        file.write(head + bytes(-len(head) % alignment) + data[at + -at % alignment:])


def main(cases, file, downloading=(), long=()):
    """Runs the case that is named, or all of them; those of `long` only where that is wanted."""
    if len(sys.argv) > 1:
        run(next(case for case in cases if case.__name__ == sys.argv[1]), downloading)
        return 0
    missing = driver.needs()
    print(f"1..{len(cases)}", flush=True)
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        model = shots.MODEL
        if not missing and not os.path.exists(model):
            model = make_model(folder)
        names = [case.__name__ for case in cases]
        put_off = set() if LONG else set(long)

        def apart(name):
            return subprocess.run([sys.executable, "-W", "ignore", file, name], text=True,
                                  timeout=LONGEST, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, check=False,
                                  env={**os.environ, "PARLEY_TEST_MODELS": os.path.dirname(model)})

        # Two at a time: each waits for most of its life.
        pool = concurrent.futures.ThreadPoolExecutor(min(2, os.cpu_count() or 1))
        results = pool.map(apart, [n for n in names if not missing and n not in put_off])
        for number, name in enumerate(names, 1):
            if missing or name in put_off:
                print(f"ok {number} - {name} # SKIP {missing or 'only with --long'}", flush=True)
                continue
            done = next(results)
            failed += done.returncode != 0
            for line in done.stdout.splitlines():
                if done.returncode or line.startswith("#"):
                    print("# " + line.removeprefix("# "))
            print(f"{'not ' if done.returncode else ''}ok {number} - {name}", flush=True)
    return 1 if failed else 0
