#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of models in the real window: what a person makes of a model, where it lies, how it
goes to another computer and back, and one queue with the terminal. Prints TAP."""

import hashlib
import os
import sqlite3
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cases  # noqa: E402
import driver  # noqa: E402
import library  # noqa: E402
import talk  # noqa: E402
from driver import App, wait  # noqa: E402
from library import own_model, undo  # noqa: E402


def models_are_kept_in_order(case):
    """Verified, tagged, found, pinned, deleted, and taken back."""
    def own():
        return own_model(app)

    def checksum():
        with sqlite3.connect(f"file:{case.data}/parley.db?mode=ro", uri=True) as db:
            return db.execute("SELECT sha256 FROM artifact").fetchone()[0]

    with open(case.model, "rb") as file:
        before = file.read()
    with case.window() as app:
        app.do("show-models")
        name = own().name
        assert talk.says(app, "free of"), "the space is not shown"
        own().act("row.verify")
        wait(lambda: checksum() == hashlib.sha256(before).hexdigest(), "its checksum", 30)
        own().act("row.tags")
        app.find("text", "Tags of the model").set_text("bedtime, small")
        app.find("push button", "Set Tags").click()
        wait(lambda: talk.says(app, "bedtime · small"), "the tags")
        search = app.find("entry", "Search models on this computer")
        search.set_text("nothing is called so")
        wait(lambda: talk.says(app, "Nothing here is called so."), "that nothing is found")
        search.set_text("bedtime")
        wait(lambda: own().name == name, "the one with the tag")
        search.set_text("")
        own().act("row.pin")
        wait(lambda: talk.says(app, "Pinned"), "that it is pinned")
        own().act("row.delete")
        wait(lambda: not os.path.exists(case.model), "the file to go")
        undo(app)
        wait(lambda: os.path.exists(case.model), "the file to come back")
        assert own().name == name
        wait(lambda: talk.says(app, "bedtime · small"), "its tags")
    with open(case.model, "rb") as file:
        assert file.read() == before, "it came back changed"


def undo_that_fails_loses_nothing(case):
    with open(case.model, "rb") as file:
        before = file.read()
    with case.window() as app:
        app.do("show-models")
        own_model(app).act("row.delete")
        wait(lambda: not os.path.exists(case.model), "the file to go")
        os.makedirs(os.path.dirname(case.model), exist_ok=True)
        with open(case.model, "wb"):
            pass  # another file is where it was
        undo(app)
        wait(lambda: talk.says(app, "is kept, but not put back yet"), "why it is not back")
    os.unlink(case.model)
    with case.window() as app:
        wait(lambda: os.path.exists(case.model), "the file to come back")
    with open(case.model, "rb") as file:
        assert file.read() == before, "it came back changed"


# ---- what a person makes of models ----

def models_are_named_sorted_and_moved(case):
    """By the menu of their row, to another folder, which is then away and comes back."""
    disk = os.path.join(case.desktop.home, "a_disk")  # in menus that sign has a meaning
    os.mkdir(disk)
    library.cli(case.data, "folders", "--add", disk)
    with open(case.model, "rb") as file:
        before = file.read()
    with case.window() as app:
        def names():
            return [n.name for n in app.root.all("list item")
                    if "row.export" in n.actions() and n.name != "Parley Guide"]

        app.do("show-models")
        own_model(app).act("row.rename")
        app.find("text", "Name of the model").set_text("Zebra")
        app.find("push button", "Rename").click()
        wait(lambda: own_model(app).name == "Zebra", "the new name")
        other = os.path.join(case.desktop.home, "Aardvark.gguf")
        subprocess.run([os.path.join(driver.BUILD, "tests", "tools", "synth-model"), "--preset",
                        "tiny", "--type", "q8_0", "--embd", "32", "--ffn", "32", "--heads", "1",
                        "--kv-heads", "1", "--vocab", "512", other],
                       check=True, stdout=subprocess.DEVNULL)
        library.cli(case.data, "import", "-q", other)
        library.cli(case.data, "set", "Aardvark", "--name", "Aardvark")
        wait(lambda: names() == ["Aardvark", "Zebra"], "both models, by name", 30)
        app.root.all("combo box", "Order")[1].press()  # the first is that of Discover
        app.key("Down", "Down", "Return")
        wait(lambda: names() == ["Zebra", "Aardvark"], "the largest first")
        next(n for n in app.root.all("push button", "More about Zebra")
             if "click" in n.actions()).click()
        wait(lambda: app.root.all("menu item", "Move To"), "the menu")[0].click()
        wait(lambda: app.root.all("menu item", disk), "the other folder")[0].click()
        moved = os.path.join(disk, os.path.relpath(case.model, os.path.join(case.data, "models")))
        wait(lambda: os.path.exists(moved) and not os.path.exists(case.model), "the move", 30)
        wait(lambda: "Zebra" in names(), "its name at the other place")
        os.rename(disk, disk + ".gone")
        wait(lambda: talk.says(app, "Not plugged in"), "that its disk is away", 30)
        wait(lambda: not [n for n in app.root.all("push button", "Chat with Zebra")
                          if "visible" in n.states()], "no chat with what is away")
        os.rename(disk + ".gone", disk)
        app.do("show-chats")
        app.do("show-models")
        wait(lambda: not talk.says(app, "Not plugged in"), "that it is back", 30)
    with open(moved, "rb") as file:
        assert file.read() == before, "it was changed on the way"


# ---- the account and the connection ----

def write_in(app, before, n_tabs, text):
    """With the keyboard, because a row is applied only then: so many steps behind another row."""
    wait(lambda: talk.says(app, "Where Things Are"), "the preferences", 30)
    for _ in range(40):
        app.key("Tab")
        if [n for n in app.root.all("list item", before) if "focused" in n.states()]:
            break
    app.key(*["Tab"] * n_tabs)
    app.type(text)
    app.key("Return")


def signing_in_keeps_the_token(case):
    """In the keyring, or without one until the end; and it is told to the hub alone."""
    def sign_in(app, token):
        app.do("preferences")
        write_in(app, "Not signed in", 1, token)

    def asked():
        return [r for r in case.hub.look()["log"] if not r["path"].startswith("/_control")]

    with library.keyring(case, {}) as folder:
        with case.window() as app:
            sign_in(app, library.TOKEN)
            wait(lambda: talk.says(app, "The token is kept in your keyring"), "that it is kept")
            assert talk.says(app, "Signed in as wanderer")
            assert library.kept(folder) == {case.hub.address: library.TOKEN}
        with case.window() as app:
            wait(lambda: case.hub.quiet(), "the hub to be quiet")
            n = len(asked())
            app.do("search", "'fixture/plain'")
            app.find("push button", "Download Q8_0", 30).click()
            wait(lambda: os.path.exists(os.path.join(
                case.data, "models", "fixture", "plain", "plain-Q8_0.gguf")), "the file", 60)
            seen = asked()[n:]
            assert all(r["token"] for r in seen if r["origin"] == "hub"), seen
            assert [r for r in seen if r["origin"] == "cdn"] and case.hub.look()["leaks"] == 0
    with case.window() as app:
        sign_in(app, library.TOKEN)
        wait(lambda: talk.says(app, "Until Parley ends"), "that there is no keyring", 30)
    with open(os.path.join(case.data, "parley.db"), "rb") as file:
        assert library.TOKEN.encode() not in file.read(), "the token is in the database"


def offline_asks_nobody_and_another_hub_is_asked(case):
    def hub_setting():
        with sqlite3.connect(f"file:{case.data}/parley.db?mode=ro", uri=True) as db:
            return dict(db.execute("SELECT key, value FROM setting WHERE key LIKE 'hub/%'"))

    with case.window(PARLEY_HUB="") as app:
        app.do("preferences")
        write_in(app, "Downloads at a time", 2, "gopher://x.example/")
        wait(lambda: talk.says(app, "This is not the address of a hub"), "the refusal")
        app.key("ctrl+a")
        app.type(case.hub.address)
        app.key("Return")
        wait(lambda: case.hub.address in hub_setting().values(), "the address")
    with case.window(PARLEY_HUB="") as app:
        app.do("search", "'fixture/plain'")
        app.find("push button", "Download Q8_0", 30)
        app.do("preferences")
        app.find("check box", "Offline").click()
        app.key("Escape")
        wait(lambda: not talk.says(app, "Where Things Are"), "the preferences to close")
        wait(lambda: case.hub.quiet(), "the hub to be quiet")
        before = len(case.hub.look()["log"])
        app.do("search", "'fixture/many'")
        wait(lambda: talk.says(app, "offline") or talk.says(app, "Offline"), "that it is offline")
        app.find("push button", "Download Q8_0").click()
        wait(lambda: talk.says(app, "ffline"), "why nothing comes")
        assert len(case.hub.look()["log"]) == before, "somebody was asked"


# ---- to another computer and back ----

def save_as(app, path):
    """In the toolkit's own dialog."""
    name = wait(lambda: [n for n in app.root.all("text") if n.text().endswith(".tar.zst")],
                "the name of the file")[0]
    name.set_text(path)
    wait(lambda: name.text() == path, "the name")
    app.key("Return")


def exports_take_chosen_chats(case):
    archive = os.path.join(case.desktop.home, "with chats.tar.zst")
    with case.window() as app:
        case.ask(app, 20)
        talk.ended(case.data)
        app.do("show-models")
        model = own_model(app)
        model.act("row.tags")
        app.find("text", "Tags of the model").set_text("bedtime")
        app.find("push button", "Set Tags").click()
        wait(lambda: talk.says(app, "bedtime"), "the tag")
        own_model(app).act("row.export")
        wait(lambda: talk.says(app, "No chat goes along"), "the question about chats")
        assert len(talk.says(app, "With this model")) == 1, "which chats were held with the model"
        app.find("push button", "Choose All With This Model").click()
        wait(lambda: talk.says(app, "1 chat goes along"), "one chat")
        boxes = app.root.all("check box")
        names = [boxes[0].name, boxes[2].name]
        assert ["checked" in n.states() for n in boxes[:3]] == [True, False, False]
        boxes[2].click()
        wait(lambda: talk.says(app, "2 chats go along"), "two chats")
        app.find("push button", "Export…").click()
        save_as(app, archive)
        wait(lambda: talk.says(app, "was exported with 2 chats"), "the end of the export", 30)
    before = library.cli(case.data, "info", "--json", "Stories")
    with tempfile.TemporaryDirectory() as other:
        with App(case.desktop, other, {"PARLEY_HUB": case.hub.address,
                                       "PARLEY_VULKAN_DEVICE": "none"}) as app:
            app.find("push button", "New Chat", 30)
            subprocess.run([app.program, archive], env=app.env, timeout=60, check=True)
            wait(lambda: talk.says(app, "1 model was imported. 2 chats came with it."),
                 "the end of the import", 30)
            app.do("show-chats")
            for name in names:
                wait(lambda name=name: talk.says(app, name), f"the chat {name!r}")
        after = library.cli(other, "info", "--json", "Stories")
        for key in ("id", "name", "tags", "pinned", "sha256", "bytes", "repo"):
            if key != "sha256" or before[key]:
                assert after[key] == before[key], (key, before[key], after[key])
        assert after["tags"] == ["bedtime"]


# ---- one queue with the terminal ----

def downloads_change_places(case):
    """The order is that of the queue, in the terminal too, and outlives the window."""
    def order():
        return [os.path.basename(d["path"]) for d
                in library.cli(case.data, "downloads", "--json", PARLEY_HUB=case.hub.address)]

    with sqlite3.connect(os.path.join(case.data, "parley.db")) as db:
        db.execute("INSERT INTO setting VALUES ('downloads/at-once', '1')")
    db.close()
    with case.window() as app:
        app.do("search", "'fixture/plain'")
        app.find("push button", "Download Q8_0", 30)
        case.hub.control(rate=50000)
        for name in ("F32", "Q8_0"):
            app.find("push button", "Download " + name).click()
            wait(lambda name=name: any(name in n for n in order()), f"{name} in the queue")
        assert order() == ["plain-F32.gguf", "plain-Q8_0.gguf"], order()
        app.do("show-models")
        first = wait(lambda: [n for n in app.root.all("push button", "Download before the others")
                              if "visible" in n.states()], "the way to come first")
        assert len(first) == 1, "only what waits behind others can come before them"
        first[0].click()
        wait(lambda: order() == ["plain-Q8_0.gguf", "plain-F32.gguf"], "the other order")
    with case.window() as app:
        app.do("show-models")
        names = wait(lambda: [n.name for n in app.root.all("label") if n.name.startswith("plain-")
                              and "visible" in n.states()], "the downloads")
        assert names == ["plain-Q8_0.gguf", "plain-F32.gguf"], names


def one_queue_with_the_terminal(case):
    part = os.path.join(case.data, "models", "fixture", "plain", "plain-F32.gguf.part")

    def there():
        return os.path.getsize(part) if os.path.exists(part) else 0

    def downloads():
        return library.cli(case.data, "downloads", "--json", PARLEY_HUB=case.hub.address)

    case.hub.control(rate=30000)  # minutes: nothing may be done before it was looked at
    pull = library.start_cli(case.data, "pull", "-q", "fixture/plain:F32",
                             PARLEY_HUB=case.hub.address)
    try:
        wait(lambda: there() > 30000, "the terminal to download")
        with case.window() as app:
            app.do("show-models")
            wait(lambda: talk.says(app, "Another Parley downloads this file"),
                 "what the terminal downloads", 30)
            app.find("push button", "Pause download").click()
            assert pull.wait(20) == 1 and "paused in another Parley" in pull.stderr.read()
            wait(lambda: downloads()[0]["state"] == "paused", "the pause, in the terminal")
            before = there()
            wait(lambda: talk.says(app, "Paused, "), "the pause, in the window")
            app.find("push button", "Resume download").click()
            wait(lambda: there() > before, "the window to go on")
            shown, = downloads()
            assert shown["state"] == "downloading" and shown["bytes_done"] >= before, shown
            library.cli(case.data, "downloads", "--remove", "all", PARLEY_HUB=case.hub.address)
            wait(lambda: not os.path.exists(os.path.dirname(part)), "the files to go")
            wait(lambda: not talk.says(app, "plain-F32.gguf"), "the row to go")
            assert downloads() == []
    finally:
        pull.kill()
        pull.communicate()


CASES = [models_are_kept_in_order, models_are_named_sorted_and_moved,
         undo_that_fails_loses_nothing, signing_in_keeps_the_token,
         offline_asks_nobody_and_another_hub_is_asked, exports_take_chosen_chats,
         downloads_change_places, one_queue_with_the_terminal]


if __name__ == "__main__":
    sys.exit(cases.main(CASES, __file__))
