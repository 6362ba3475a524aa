#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""shots.py --out FOLDER [--build FOLDER] [NAME…]: a picture of every page and dialog, light and dark, wide and 360 pixels.

Runs the real application on a display of its own against the stand-in hub. With names, only the
pictures that begin with one of them are taken.
"""

import argparse
import gettext
import json
import multiprocessing
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import driver  # noqa: E402
from driver import App, Desktop, wait  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
SIZES = {"wide": (1120, 760), "narrow": (360, 720)}
LOOKS = ("high-contrast", "large-text")
MODELS = os.environ.get("PARLEY_TEST_MODELS", os.path.join(HERE, "../../../shared/models"))
MODEL = os.path.join(MODELS, "stories260k.gguf")


class Hub:
    """The stand-in hub; ends with its standard input. `models`: to be had from it."""

    def __init__(self, models=None):
        self.models = models

    def __enter__(self):
        argv = [sys.executable, os.path.join(HERE, "..", "hub", "standin.py")]
        if self.models:
            argv += ["--models", self.models]
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.address = json.loads(self.process.stdout.readline())["hub"]
        return self

    def control(self, **command):
        import urllib.request
        request = urllib.request.Request(self.address + "/_control", json.dumps(command).encode(),
                                         {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=10).read()

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


class Shots:
    def __init__(self, folder, wanted):
        self.folder = folder
        self.wanted = wanted

    def wants(self, name):
        return not self.wanted or any(name.startswith(w) for w in self.wanted)

    def take(self, app, name, settle=0.5):
        """Two equal pictures in a row: nothing moves any more."""
        if not self.wants(name):
            return
        path = os.path.join(self.folder, name + ".png")
        pathlib.Path(path).unlink(missing_ok=True)
        before = None
        end = time.monotonic() + 8
        time.sleep(settle)
        while time.monotonic() < end:
            app.picture(path)
            # A window that was not drawn yet has no picture.
            now = pathlib.Path(path).read_bytes() if os.path.exists(path) else None
            if now is not None and now == before:
                break
            before = now
            time.sleep(0.25)
        print(f"  {name}.png", flush=True)


def seed(data):
    """Chats, and the model where there is one. Returns the first chat's number."""
    if os.path.exists(MODEL):
        folder = os.path.join(data, "models", "example", "Stories-260K-GGUF")
        os.makedirs(folder)
        shutil.copy(MODEL, os.path.join(folder, "Stories-260K-Q8_0.gguf"))
    done = subprocess.run([os.path.join(driver.BUILD, "tests", "ui", "seed"), data], text=True,
                          capture_output=True, check=True)
    return done.stdout.strip()


def words_of(language, locales):
    """What turns a text of the program into this language, as its catalogue has it."""
    folder = locales if language == "rtl" else os.path.join(driver.BUILD, "po")
    name = "qps" if language == "rtl" else language
    if not language:
        return str
    return gettext.translation("parley", folder, [name]).gettext


def close_dialog(app, count):
    app.key("Escape")
    wait(lambda: len(app.windows()) == count, "the dialog to close")


def series(shots, hub, scheme, size, language, look, locales):
    """All pictures in one colour scheme and size."""
    tail = "-".join(["", scheme, size] + [word for word in (language, look) if word])
    width, height = SIZES[size]

    def desktop_of(height):
        # Large text: a half more, the most that the system's switch makes of it.
        return Desktop(width, height, text_scale=1.5 if look == "large-text" else 1)

    env = {"XDG_CACHE_HOME": shots.cache, "PARLEY_HUB": hub.address, "PARLEY_VULKAN_DEVICE": os.environ.get("PARLEY_VULKAN_DEVICE", "0"), "ADW_DEBUG_COLOR_SCHEME": f"prefer-{scheme}"}
    if look == "high-contrast":
        env["ADW_DEBUG_HIGH_CONTRAST"] = "1"
    if language:
        env["LANGUAGE"] = "qps" if language == "rtl" else language
    if language == "rtl":
        subprocess.run([sys.executable, os.path.join(ROOT, "po", "pseudo.py"), locales], check=True)
        env["PARLEY_LOCALE_DIR"] = locales
    say = words_of(language, locales)

    # The first run: nothing is there yet.
    if any(shots.wants(n) for n in ("welcome", "models-empty")):
        with tempfile.TemporaryDirectory() as data, desktop_of(height) as desktop, \
                App(desktop, data, env) as app:
            app.resize(width, height)
            shots.take(app, "welcome" + tail, 1.5)
            app.do("show-models")
            shots.take(app, "models-empty" + tail)

    if shots.wants("formulas"):
        formulas(shots, tail, width, desktop_of(3600), env)

    # The display is as large as the window, so that popovers stay inside.
    with tempfile.TemporaryDirectory() as data, desktop_of(height) as desktop:
        chat = seed(data)
        with App(desktop, data, env) as app:
            app.resize(width, height)
            if size == "narrow":
                shots.take(app, "chats" + tail, 1)
            app.do("show-chat", f"int64 {chat}")
            shots.take(app, "chat" + tail, 1)
            if shots.wants("chat"):
                across = 80 if language == "rtl" else width - 80
                app.xdotool("mousemove", str(across), str(height // 2), "click", "--repeat", "80",
                            "--delay", "5", "4")
                shots.take(app, "chat-top" + tail)
            if shots.wants("open-link"):
                app.do("open-link", "'https://example.org/memory'")
                shots.take(app, "open-link" + tail)
                close_dialog(app, 1)
            if shots.wants("rename"):
                app.do("rename-chat", f"int64 {chat}")
                shots.take(app, "rename" + tail)
                close_dialog(app, 1)
            if shots.wants("settings"):
                app.do("chat-settings")
                shots.take(app, "settings" + tail)
                next(n for n in app.root.walk()
                     if n.name == say("All Settings") and n.role != "label").click()
                app.xdotool("mousemove", "180", "400", "click", "--repeat", "30", "--delay", "5",
                            "5")
                shots.take(app, "settings-all" + tail)
                close_dialog(app, 1)
            app.do("new-chat")
            shots.take(app, "new-chat" + tail)
            if shots.wants("model-picker"):
                app.do("pick-model")
                shots.take(app, "model-picker" + tail)
                app.key("Escape")
            if os.path.exists(MODEL) and any(shots.wants(n) for n in
                                             ("reply", "load-panel", "export")):
                app.do("new-chat")
                reply(app, data, say, "Once upon a time")
                shots.take(app, "reply" + tail)
                app.do("load-panel")
                shots.take(app, "load-panel" + tail, 1)
                app.key("Escape")
            if shots.wants("attachment"):
                attachments(shots, app, data, say, tail)
            app.do("show-models")
            shots.take(app, "models" + tail)
            if os.path.exists(MODEL) and shots.wants("export"):
                next(n for n in app.root.all("list item") if "row.delete" in n.actions()
                     ).act("row.export")
                app.find("check box", "Once upon a time").click()
                shots.take(app, "export" + tail)
                close_dialog(app, 1)
            if shots.wants("compare"):
                for repo in repos(hub):
                    app.do("compare", f"'{repo}'")
                shots.take(app, "compare" + tail, 3)
                app.find("combo box", say("Computer")).press()
                app.key("Down", "Down", "Down", "Down", "Down", "Return")
                shots.take(app, "compare-card" + tail, 1.5)
            app.do("show-computer")
            shots.take(app, "computer" + tail, 1)
            app.do("show-discover")
            shots.take(app, "discover" + tail, 2)
            app.do("search", "'nothing-is-called-this'")
            shots.take(app, "discover-nothing" + tail, 1.5)
            if shots.wants("discover-model"):
                repo = first_repo(hub)
                app.do("search", f"'{repo}'")
                shots.take(app, "discover-model" + tail, 3)
            if shots.wants("discover-offline"):
                hub.control(fault={"on": "search", "do": "status", "code": 403, "times": 99})
                app.do("search", "'qwen'")
                shots.take(app, "discover-error" + tail, 3)
                hub.control(reset=True)
            for topic in ("", "choosing"):
                name = f"help-{topic}" if topic else "help"
                if shots.wants(name):
                    app.do("help", f"'{topic}'")
                    shots.take(app, name + tail)
                    close_dialog(app, 1)
            for dialog in ("preferences", "shortcuts", "about"):
                if shots.wants(dialog):
                    app.do(dialog)
                    shots.take(app, dialog + tail)
                    close_dialog(app, 1)
            if shots.wants("delete"):
                app.do("show-chats")
                app.do("delete-chat", f"int64 {chat}")
                shots.take(app, "delete" + tail)


def formulas(shots, tail, width, display, env):
    """The forty formulas of tests/unit/formulas.h, all in one tall picture."""
    with open(os.path.join(HERE, "..", "unit", "formulas.h"), encoding="utf-8") as file:
        rows = file.read().split("formulas[] = {")[1]
    texts = [json.loads("".join(re.findall(r'"((?:\\.|[^"\\])*)"', first)).join('""'))
             for first in re.findall(r'\{ ((?:"(?:\\.|[^"\\])*"\s*)+),', rows)]
    reply = "\n\n".join(f"$${latex}$$" for latex in texts)
    with tempfile.TemporaryDirectory() as data, display as desktop, \
            App(desktop, data, env) as app:
        app.resize(width, 3600)
        path = os.path.join(data, "formulas.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"format": "parley-chat", "version": 1, "title": "Formulas", "messages": [
                {"id": 1, "parent": None, "role": "user",
                 "parts": [{"kind": "text", "text": "Forty formulas, please."}]},
                {"id": 2, "parent": 1, "role": "assistant",
                 "parts": [{"kind": "text", "text": reply}]}], "path": [1, 2]}, file)
        app.do("import-file", f"'{path}'")
        app.find("image", "E = mc2", 30)
        shots.take(app, "formulas" + tail, 1)


def attachments(shots, app, data, say, tail):
    """Files beside what is being written, and in the message that takes them along."""
    texts = {"Shopping list.txt": "Flour, salt, and yeast if there is none at home.\n" * 4,
             "Minutes of the meeting about the new bakery.md": "# Minutes\n\nWe agreed.\n" * 60}
    app.do("new-chat")
    for name, text in texts.items():
        path = os.path.join(data, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        app.do("attach-file", f"'{path}'")
    take_off = [say("Take off %s") % name for name in texts]
    app.find("push button", take_off[1])
    wait(lambda: not app.root.all("label", say("Reading…")), "what the files cost")
    app.find("text", say("Message")).set_text("What do we have to buy?")
    shots.take(app, "attachment" + tail)
    if not os.path.exists(MODEL):
        return
    app.find("push button", take_off[1]).click()  # too long for this model
    wait(lambda: not app.root.all("push button", take_off[1]), "one file")
    reply(app, data, say, "What do we have to buy?")
    shots.take(app, "attachment-sent" + tail)


def reply(app, data, say, text):
    """To this message: waits for the end of it."""
    before = replies(data)
    app.find("text", say("Message")).set_text(text)
    app.find("push button", say("Send")).click()
    wait(lambda: replies(data) > before, "the reply", 90)


def replies(data):
    """Finished replies in the store."""
    with sqlite3.connect(f"file:{data}/parley.db?mode=ro", uri=True) as db:
        return db.execute("SELECT count(*) FROM generation").fetchone()[0]


def repos(hub):
    import urllib.request
    address = hub.address + "/api/models?filter=gguf&search=&sort=downloads&limit=5"
    with urllib.request.urlopen(address, timeout=10) as answer:
        return [model["id"] for model in json.load(answer)]


def first_repo(hub):
    return repos(hub)[0]


def apart(shots, hub, scheme, size, language, look):
    """A series in a process of its own, so that a failure ends only that. Tells whether it failed."""
    with tempfile.TemporaryDirectory() as locales:
        process = multiprocessing.get_context("fork").Process(
            target=series, args=(shots, hub, scheme, size, language, look, locales))
        process.start()
        process.join()
        return process.exitcode != 0


def main():
    parser = argparse.ArgumentParser(
        description="A picture of every page and dialog: without options in all colours, sizes, "
        "languages and looks.")
    parser.add_argument("--out", default="shots")
    parser.add_argument("--build", default=driver.BUILD)
    parser.add_argument("--scheme", choices=["light", "dark"], action="append")
    parser.add_argument("--language", choices=["de", "rtl"], action="append",
                        help="rtl: an invented one, from right to left")
    parser.add_argument("--size", choices=list(SIZES), action="append")
    parser.add_argument("--look", choices=["usual", *LOOKS], action="append",
                        help="as people set it who see badly")
    parser.add_argument("names", nargs="*", help="only pictures that begin so")
    options = parser.parse_args()
    missing = driver.needs()
    if missing:
        print(f"shots.py: {missing}", file=sys.stderr)
        return 1
    driver.BUILD = os.path.abspath(options.build)
    shots = Shots(options.out, options.names)
    os.makedirs(shots.folder, exist_ok=True)
    shots.cache = tempfile.mkdtemp(prefix="parley-shots-")
    # Figures for the pictures: measured once, as on a first start.
    subprocess.run([os.path.join(driver.BUILD, "src", "cli", "parley-cli"), "devices", "--measure"],
                   env=dict(os.environ, XDG_CACHE_HOME=shots.cache,
                            PARLEY_VULKAN_DEVICE=os.environ.get("PARLEY_VULKAN_DEVICE", "0")),
                   stdout=subprocess.DEVNULL, check=False)
    failed = False
    with Hub() as hub:
        for scheme in options.scheme or ["light", "dark"]:
            for size in options.size or list(SIZES):
                for language in options.language or [None]:
                    for look in options.look or ["usual"]:
                        failed |= apart(shots, hub, scheme, size, language,
                                        None if look == "usual" else look)
        if not any((options.scheme, options.size, options.language, options.look)):
            for size in SIZES:
                for language, look in [("de", None), ("rtl", None), *((None, look) for look in LOOKS)]:
                    failed |= apart(shots, hub, "light", size, language, look)
    shutil.rmtree(shots.cache, ignore_errors=True)
    print(f"{len(os.listdir(shots.folder))} pictures in {shots.folder}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
