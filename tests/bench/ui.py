# SPDX-License-Identifier: GPL-3.0-or-later
"""./dev bench ui: how quick and how quiet the window is. The real application on a display of its
own, drawn in software, so that frames cost more than with a graphics card."""

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "ui"))
import driver  # noqa: E402
import shots  # noqa: E402
import talk  # noqa: E402
from driver import App, Desktop, wait  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")


def seed(data, chats, tokens, models):
    """Returns the number of the long chat."""
    folder = os.path.join(data, "models", "example", "Many-GGUF")
    os.makedirs(folder)
    for n in range(models):
        path = os.path.join(folder, f"Model-{n:03}-Q8_0.gguf")
        subprocess.run(["cp", shots.MODEL, path], check=True)
    done = subprocess.run([os.path.join(driver.BUILD, "tests", "ui", "seed"), data, str(chats),
                           str(tokens)], text=True, capture_output=True, check=True)
    return done.stdout.strip()


def window(desktop, data, **env):
    now = str(time.monotonic_ns() // 1000)
    return App(desktop, data, {"PARLEY_WATCHDOG": now, "PARLEY_VULKAN_DEVICE": "none",
                               "PARLEY_HUB": "http://127.0.0.1:9", **env})


def report(app, data):
    path = os.path.join(data, "watchdog.json")
    app.do("watchdog", f"'{path}'")
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def pss(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:")) / 1024


def start_and_rest(desktop):
    """Returns the longest stall: milliseconds, and how many of them were computed."""
    with tempfile.TemporaryDirectory() as data:
        seed(data, 1000, 1000, 200)
        drawn = []
        for n in range(4):  # the first fills the catalogue
            with window(desktop, data) as app:
                longest = cpu = 0

                def painted(app=app):
                    nonlocal longest, cpu
                    latest = report(app, data)
                    longest = max(longest, latest["longest"])
                    cpu = max(cpu, latest["cpu_longest"])
                    return latest["first_drawn"]
                drawn.append(wait(painted, "the first frame"))
                if n < 3:
                    continue
                time.sleep(8)
                latest = report(app, data)
                stall = max(longest, latest["longest"]), max(cpu, latest["cpu_longest"])
                before = cpu_seconds(app.process.pid)
                time.sleep(10)
                used = cpu_seconds(app.process.pid) - before
                memory = pss(app.process.pid)
        print(f"start, 1,000 chats and 200 models: first {drawn[0]:.0f} ms, then "
              f"{min(drawn[1:]):.0f}-{max(drawn[1:]):.0f} ms to the first frame (aim 600)")
        print(f"longest stall of the start: {stall[0]:.0f} ms, {stall[1]:.0f} ms of them computed "
              "(aim 100)")
        print(f"idle: {used * 10:.1f} % CPU over 10 s (aim 0), PSS {memory:.0f} MB (aim 120)",
              flush=True)
        return stall


def stream(desktop, tokens):
    """A reply of 300 tokens, one each 10 ms, under a history of so many tokens."""
    with tempfile.TemporaryDirectory() as data:
        chat = seed(data, 3, tokens, 1)
        with window(desktop, data, PARLEY_TEST_PACE="10") as app:
            app.do("show-chat", f"int64 {chat}")
            talk.settings(app, Temperature=0, Longest_reply=300)
            talk.write(app)
            app.find("push button", "Forget the Oldest", 60).click()
            wait(lambda: talk.Stored(data).state == "answering" and talk.Stored(data).text,
                 "the reply", 60)
            before = report(app, data)
            wait(lambda: talk.Stored(data).state != "answering", "its end", 60)
            figures = report(app, data)
            figures["before"] = before
    print(f"streaming under {tokens:,} tokens: {figures['frames']} frames, our own work median "
          f"{figures['own_median']:.2f} ms, p99 {figures['own_p99']:.2f} ms (aim 4), of the processor's "
          f"time {figures['cpu_median']:.2f} and {figures['cpu_p99']:.2f} ms; with the "
          f"toolkit's layout and drawing in software median {figures['median']:.2f} ms, p99 "
          f"{figures['p99']:.2f} ms; longest {figures['longest']:.1f} ms (aim 16)", flush=True)
    return figures


def write_chats(folder, n, messages):
    """Exported chats of so many messages with 5 kB each. Returns the paths."""
    os.makedirs(folder)
    paths = [os.path.join(folder, f"{i:04}.json") for i in range(n)]
    text = "Once upon a time. " * 280
    for i, path in enumerate(paths):
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"format": "parley-chat", "version": 1, "title": f"Bulk {i:04}", "messages": [
                {"id": k, "parent": k - 1 or None, "role": "user" if k % 2 else "assistant",
                 "parts": [{"kind": "text", "text": text}]} for k in range(1, messages + 1)]}, file)
    return paths


def bulk(desktop):
    """Many chats, and a large one, come in and go out: 50 MB each time."""
    with tempfile.TemporaryDirectory() as data:
        first = int(seed(data, 3, 1000, 1))
        many = write_chats(os.path.join(data, "many"), 1000, 10)
        large = write_chats(os.path.join(data, "large"), 1, 10000)
        copy, out = os.path.join(data, "copy.db"), os.path.join(data, "out.json")

        def ask(sql):
            with contextlib.closing(sqlite3.connect(f"file:{data}/parley.db?mode=ro", uri=True,
                                                    timeout=5)) as db:
                return (db.execute(sql).fetchone() or [None])[0]

        def chats():
            return ask("SELECT count(*) FROM chat")

        def shown():
            """The window writes down at once what it shows."""
            return int(ask("SELECT value FROM setting WHERE key = 'window/chat'") or 0)

        def measure(app, name, begin, over):
            report(app, data)
            since = time.monotonic()
            begin()
            wait(over, name, 600)
            seconds = time.monotonic() - since
            time.sleep(1)
            latest = report(app, data)
            print(f"{name}: {seconds:.1f} s; longest stall {latest['longest']:.0f} ms, of which "
                  f"{latest['cpu_longest']:.0f} ms were computed (aim 100)", flush=True)

        with window(desktop, data) as app:
            time.sleep(5)
            before = chats()
            measure(app, "import of 1,000 chats, 50 MB", lambda: app.do("import-files", str(many)),
                    lambda: chats() == before + 1000)
            measure(app, "back-up of them", lambda: app.do("back-up-file", f"'{copy}'"),
                    lambda: os.path.exists(copy))
            there = ask("SELECT max(id) FROM chat")
            measure(app, "import of a chat of 10,000 messages, 50 MB, until it is shown",
                    lambda: app.do("import-file", f"'{large[0]}'"), lambda: shown() > there)
            whole = shown()
            measure(app, "export of it", lambda: app.do("export-file", f"'{out}'"),
                    lambda: os.path.exists(out))
            assert os.path.getsize(out) > 50e6, "another chat was exported"
            app.do("show-chat", f"int64 {first}")
            wait(lambda: shown() == first, "another chat")
        with window(desktop, data) as app:
            time.sleep(5)
            measure(app, "showing of it, read from the store",
                    lambda: app.do("show-chat", f"int64 {whole}"), lambda: shown() == whole)
        with window(desktop, data) as app:
            time.sleep(5)
            app.do("delete-data")
            button = wait(lambda: [n for n in app.root.all("push button", "Delete")
                                   if "visible" in n.states()], "the question")[-1]
            # At its end the log is emptied.
            measure(app, "deletion of all data", button.click,
                    lambda: chats() == 0 and os.path.getsize(f"{data}/parley.db-wal") == 0)


def rest_and_stream(desktop):
    start = start_and_rest(desktop)
    short, long = stream(desktop, 1000), stream(desktop, 100000)
    ratio = {key: long[key] / max(short[key], 0.001)
             for key in ("own_median", "own_p99", "cpu_median", "cpu_p99", "median", "p99")}
    print(f"100,000 against 1,000 tokens (aim 1.2): our own work median x {ratio['own_median']:.2f}, "
          f"p99 x {ratio['own_p99']:.2f}, of the processor's time x {ratio['cpu_median']:.2f} and x "
          f"{ratio['cpu_p99']:.2f}; with layout and drawing median x {ratio['median']:.2f}, "
          f"p99 x {ratio['p99']:.2f}")
    streaming, opening = [[max(f[key] for f in figures) for key in ("longest", "cpu_longest")]
                          for figures in ((short, long), (short["before"], long["before"]))]
    ever = [max(all_of) for all_of in zip(start, streaming, opening)]
    print("longest stall, and how much of it was computed rather than taken by other programs: "
          f"{streaming[0]:.0f} and {streaming[1]:.0f} ms while streaming (aim 16), "
          f"{opening[0]:.0f} and {opening[1]:.0f} ms while chats and dialogs open, "
          f"{ever[0]:.0f} and {ever[1]:.0f} ms ever (aim 100)")


PARTS = {"rest": rest_and_stream, "bulk": bulk}


def run(build, parts=()):
    driver.BUILD = str(build)
    missing = driver.needs()
    if missing or not os.path.exists(shots.MODEL):
        print(f"ui: {missing or 'there is no model ' + shots.MODEL}")
        return
    for part in parts or PARTS:
        with Desktop() as desktop:
            PARTS[part](desktop)
