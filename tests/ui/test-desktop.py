#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The window among others: what is dropped on it, the computer that stays awake while it works, and
notifications while nobody looks at it. Prints TAP."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tarfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cases  # noqa: E402
import library  # noqa: E402
import talk  # noqa: E402
from cases import query  # noqa: E402
from drag import drag, drop, middle  # noqa: E402
from driver import APP_ID, wait  # noqa: E402
from session import SUSPEND, Session  # noqa: E402

def change(case, sql, *values):
    """The database, before there is a window."""
    with sqlite3.connect(os.path.join(case.data, "parley.db")) as db:
        db.execute(sql, values)
    db.close()


def write_file(folder, name, content):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(content)
    return path


# ---- dropping ----

def chips(app):
    """Names of the files that go along with the message."""
    return [n.name.removeprefix("Take off ") for n in app.root.all("push button")
            if n.name.startswith("Take off ")]


def conversation(app):
    """A place in it."""
    message = app.find("text", "Message")
    wait(lambda: message.extents()[2] > 0, "it to be laid out")
    x, y, width, _ = message.extents()
    left, top = app.origin()
    return left + x + width // 2, top + y - 200


def has_chooser(app, title):
    """The button opened the toolkit's own dialog for files."""
    wait(lambda: app.root.all("dialog", title) or [n for n in app.root.children()
                                                   if n.name == title], f"the dialog {title!r}")
    app.key("Escape")
    wait(lambda: len(app.windows()) == 1, "the dialog to close")


def texts_are_dropped_on_a_chat(case):
    """On the conversation and on what is being written; with the message they go."""
    poem = write_file(case.data, "poem.txt", b"Roses are <b>red</b>,\nviolets are blue.\n")
    list_ = write_file(case.data, "list.md", b"# Shopping\n\n- salt\n")
    with case.window() as app:
        drop(app, conversation(app), poem)
        wait(lambda: chips(app) == ["poem.txt"], "the first file")
        drop(app, middle(app, app.find("text", "Message")), list_)
        wait(lambda: chips(app) == ["poem.txt", "list.md"], "the second file")
        wait(lambda: len(talk.says(app, "≈ ")) == 2, "what both cost")
        assert app.find("text", "Message").text() == "", "the file's path was written"
        app.find("push button", "Take off list.md").click()
        wait(lambda: chips(app) == ["poem.txt"], "one to be taken off")
        talk.settings(app, Longest_reply=4)
        talk.write(app, "What is blue?")
        wait(lambda: chips(app) == [], "the files to go")
        talk.ended(case.data)
        (name, text), = query(case, "SELECT name, text FROM part WHERE kind = 'attachment'")
        assert name == "poem.txt" and "<b>red</b>" in text, (name, text)
        drop(app, middle(app, app.find("text", "Message")), "--text", "a word")
        wait(lambda: app.find("text", "Message").text() == "a word", "a text to stay one")
        app.find("push button", "Attach Files").click()
        has_chooser(app, "Attach Files")


def what_cannot_go_along_is_refused(case):
    folder = os.path.join(case.desktop.home, "holiday")
    os.mkdir(folder)
    pipe = os.path.join(folder, "pipe.txt")
    os.mkfifo(pipe)
    large = write_file(folder, "large.txt", b"")
    os.truncate(large, 33 << 20)
    hostile = {
        folder: "“holiday” cannot be attached: it is a folder.",
        pipe: "“pipe.txt” cannot be attached: it is no file with a text.",
        "/proc/self/mem": "“mem” cannot be attached: it cannot be read (",
        large: "“large.txt” cannot be attached: it is larger than 32 MB.",
        write_file(folder, "noise.txt", bytes(range(256))):
            "“noise.txt” cannot be attached: it is neither text nor PDF.",
    }
    with case.window() as app:
        drop(app, conversation(app), *hostile)
        missing = set(hostile.values())
        while missing:  # a sentence waits for the one before it
            told = wait(lambda: talk.says(app, "cannot be attached"), f"{missing}")[0].name
            assert told.endswith("."), told
            missing.remove(next(start for start in missing if told.startswith(start)))
            # The button of the message is the last of all.
            next(n for n in library.from_the_end(app.root) if n.role == "push button").click()
            wait(lambda told=told: not talk.says(app, told), "it to go")
        assert chips(app) == [], chips(app)


def models_are_dropped_on_the_window(case):
    """On a chat as on the list of models; and addresses of models."""
    folder = os.path.join(case.desktop.home, "more")
    os.mkdir(folder)
    with open(case.model, "rb") as file:
        content = file.read()
    one = write_file(case.desktop.home, "Dropped.GGUF", content)
    # Others: what has the same bytes is in the library already.
    cases.rename_inside(case.model, os.path.join(folder, "other.gguf"), "Another")
    boxed = os.path.join(case.desktop.home, "boxed.gguf")
    cases.rename_inside(case.model, boxed, "TinyStories boxed")
    broken = write_file(case.desktop.home, "broken.gguf", b"GGUF" + bytes(60))
    archive = os.path.join(case.desktop.home, "boxed.tar.gz")
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(boxed, "boxed.gguf")
    os.remove(case.model)

    def files():
        return sorted(name for _, _, names in os.walk(os.path.join(case.data, "models"))
                      for name in names if name.lower().endswith(".gguf"))

    with case.window() as app:
        drop(app, conversation(app), one, archive)
        wait(lambda: files() == ["Dropped.GGUF", "boxed.gguf"], f"both, not {files()}", 30)
        wait(lambda: [n for n in app.root.all("push button")
                      if n.name.startswith("Chat with TinyStories")], "it in the list")
        app.do("show-chats")
        assert chips(app) == [], "it goes along with the message too"
        assert os.path.exists(one), "it was moved away"
    with case.window() as app:
        app.do("show-chats")  # it comes back with the place that it had a second before its end
        page = conversation(app)
        app.do("show-models")
        app.root.all("push button", "Import Models")[-1].click()
        def choices():
            return {n.name for n in app.root.walk() if "visible" in n.states()} & {
                "Import Files or Archives…", "Import a Folder…"}
        wait(lambda: len(choices()) == 2, "what the menu has")
        app.key("Escape")
        wait(lambda: not choices(), "the menu to close")
        drop(app, page, broken)
        wait(lambda: talk.says(app, "broken.gguf"), "why the broken one is left out")
        drop(app, page, folder)
        wait(lambda: talk.says(app, "1 model was imported."), "the models of a folder", 30)
        app.do("show-computer")
        drop(app, page, "--text", "just a word")
        wait(lambda: talk.says(app, "What you dropped names no model on the hub."), "why not", 30)
        drop(app, page, "--text", "https://huggingface.co/fixture/plain")
        app.find("push button", "Download Q8_0", 30)


def chats_are_dragged_into_folders(case):
    """As their menu does it."""
    def folder_of(title):
        return query(case, "SELECT folder FROM chat WHERE title = ?", title)[0][0]

    change(case, "UPDATE chat SET folder = 'Kitchen' WHERE title = 'Sourdough timetable'")
    with case.window() as app:
        title = "Explain page tables"
        row = app.find("list item", title)
        drag(app, middle(app, row), middle(app, app.find("push button", "Kitchen")))
        wait(lambda: folder_of(title) == "Kitchen", "it in the folder")
        app.xdotool("mousemove", *map(str, middle(app, app.find("list item", title))))
        app.find("push button", "Chat menu").click()
        wait(lambda: [n for n in app.root.walk() if n.name == "Move to Folder…"], "its menu")


# ---- awake ----

def awake_while_answering(case):
    """Until it is stopped, until its engine dies, until its end."""
    with Session(case.desktop) as session, case.window(PARLEY_TEST_PACE="30") as app:
        case.ask(app, 400)
        talk.grown(app, 8, 0)
        assert list(session.inhibited.values()) == [(APP_ID, "Answering", SUSPEND)], \
            session.inhibited
        app.do("stop")
        wait(lambda: not session.inhibited, "the stop to let it sleep")
        talk.write(app)
        wait(lambda: session.inhibited, "the next reply to keep it awake")
        talk.ended(case.data, "answering")
        os.kill(talk.workers(app)[0], signal.SIGKILL)
        wait(lambda: not session.inhibited, "the engine's death to let it sleep")
        app.do("temporary-chat")
        talk.write(app)
        wait(lambda: session.inhibited, "a reply that is not kept to keep it awake")
        app.do("new-chat")
        wait(lambda: not session.inhibited, "leaving it to let it sleep")
        talk.settings(app, Longest_reply=8)
        talk.write(app)
        wait(lambda: session.inhibited, "the last reply to keep it awake")
        wait(lambda: not session.inhibited, "its end to let it sleep", 30)
        assert session.n_inhibitions == 4, session.n_inhibitions


def awake_while_downloading(case):
    with Session(case.desktop) as session, case.window() as app:
        app.do("search", "'fixture/plain'")
        app.find("push button", "Download Q8_0", 30)
        case.hub.control(rate=20000)
        app.find("push button", "Download Q8_0").click()
        wait(lambda: list(session.inhibited.values()) == [(APP_ID, "Downloading", SUSPEND)],
             "the download to keep it awake")
        app.find("push button", "Pause download").click()
        wait(lambda: not session.inhibited, "the pause to let it sleep")
        app.find("push button", "Resume download").click()
        wait(lambda: session.inhibited, "going on to keep it awake")
        case.hub.control(rate=0)
        wait(lambda: not session.inhibited, "the end to let it sleep", 30)
        assert session.n_inhibitions == 2, session.n_inhibitions


# ---- notifications ----

class Elsewhere:
    """Another window, which has the focus."""

    def __init__(self, app):
        self.app = app

    def __enter__(self):
        command = ["xev", "-name", "elsewhere", "-geometry", "90x90+1200+400"]
        self.process = subprocess.Popen(command, env=self.app.env, stdout=subprocess.DEVNULL)
        self.window = wait(lambda: self.app.xdotool("search", "--onlyvisible", "--name",
                                                    "elsewhere").split(), "another window")[0]
        self.take()
        return self

    def take(self):
        # Without a window manager the pointer's window has a share in the focus.
        self.app.xdotool("mousemove", "1240", "440", "windowfocus", "--sync", self.window)
        wait(lambda: not self.is_ours(), "ours to lose the focus")

    def is_ours(self):
        """The application's window is the active one."""
        return any("active" in n.states() for n in self.app.root.children())

    def is_below(self):
        """The application's window was raised above it."""
        names = self.app.stack()
        return names.index("elsewhere") > next(n for n, name in enumerate(names)
                                               if name.startswith("Parley"))

    def leave(self):
        self.app.xdotool("mousemove", "300", "20", "windowfocus", "--sync", self.app.windows()[-1])
        wait(self.is_ours, "ours to get the focus")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


BAIT = "Click <a href=x>here</a> & <b>now</b>"
ESCAPED = BAIT.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def baited(case, *titles):
    """Chats whose replies are markup to Markdown and to desktops, and too long to be told whole."""
    settings = {"grammar": f'root ::= "**{BAIT}**\\n\\n{"So it goes. " * 16}"'}
    for title in titles:
        change(case, "UPDATE chat SET settings = ? WHERE title = ?", json.dumps(settings), title)


def ask(case, app, title, text):
    chat = query(case, "SELECT id FROM chat WHERE title = ?", title)[0][0]
    app.do("show-chat", f"int64 {chat}")
    talk.write(app, text)
    wait(lambda: query(case, "SELECT 1 FROM message, part ON part.message = message.id"
                       " WHERE chat = ? AND text = ?", chat, text), "the message in the store")
    return chat


def n_replies(case):
    return query(case, "SELECT count(*) FROM generation")[0][0]


def replies_are_told(case):
    """To those who are elsewhere, once, as text; a click leads to the chat, and who reads it there
    is told no more."""
    seen, told, read = "Sourdough timetable", "Explain page tables", "Regular expressions for dates"
    change(case, "UPDATE chat SET settings = ? WHERE title = ?", json.dumps({"max_tokens": 24}),
           seen)
    baited(case, told, read)
    with Session(case.desktop) as session, case.window(PARLEY_TEST_PACE="400") as app:
        before = n_replies(case)
        ask(case, app, seen, "And on Sunday?")
        ask(case, app, told, "And a cache?")  # it waits for the others, which takes long enough
        last = ask(case, app, read, "And of years?")
        app.do("new-chat")
        app.do("preferences")  # ours too
        wait(lambda: n_replies(case) == before + 1, "a reply to end while the window is in use", 90)
        app.key("Escape")
        wait(lambda: len(app.windows()) == 1, "the preferences to close")
        with Elsewhere(app) as elsewhere:
            talk.hurry(app)
            wait(lambda: len(session.shown) == 2, "two notifications", 90)
            numbers = {shown.title: number for number, shown in session.shown.items()}
            assert sorted(numbers) == sorted([told, read]), session.shown
            for shown in session.shown.values():
                assert shown.body.startswith(ESCAPED + "\nSo it goes. So"), shown.body
                text = shown.body.replace(ESCAPED, BAIT)
                assert text.endswith("…") and len(text) <= 201, text
                assert shown.actions == ["default"], shown
            session.activate(numbers[told])
            wait(elsewhere.is_below, "the window")
            wait(lambda: talk.says(app, "And a cache?"), "its chat")
            elsewhere.leave()
            assert list(session.shown) == [numbers[read]], "what was not read yet was withdrawn"
            app.do("show-chat", f"int64 {last}")
            wait(lambda: not session.shown, "what is read now to be withdrawn")
        assert len(session.all_shown) == 2, session.all_shown


def replies_in_the_background_are_told(case):
    """If that is wanted; and as they are where a desktop reads no markup."""
    titles = {False: "Sourdough timetable", True: "Explain page tables"}
    baited(case, *titles.values())
    change(case, "INSERT INTO setting VALUES ('background', '1'), ('notify', '0')")
    for wanted, title in titles.items():
        with Session(case.desktop, ("actions", "body")) as session, \
                case.window(PARLEY_TEST_PACE="20") as app:
            if wanted:
                app.do("preferences")
                app.find("check box", "Notifications").click()
                wait(lambda: query(case, "SELECT value FROM setting WHERE key = 'notify'")
                     == [("1",)], "notifications to be wanted")
                app.key("Escape")
                wait(lambda: len(app.windows()) == 1, "the preferences to close")
            ask(case, app, title, "And then?")
            talk.ended(case.data, "answering")
            app.key("ctrl+w")
            wait(lambda: not app.windows(), "the window to hide")
            wait(lambda: app.process.poll() is not None, "the program to end with the reply", 60)
            session.settle(app)
            assert len(session.all_shown) == wanted, session.all_shown
            assert not wanted or session.all_shown[0].body.startswith(BAIT), session.all_shown


def downloads_are_told(case):
    def download(repo, name):
        app.do("search", f"'fixture/{repo}'")
        app.find("push button", "Download " + name, 30).click()
        app.find("push button", "Chat with " + name, 30)

    with Session(case.desktop) as session, case.window() as app:
        download("plain", "Q8_0")
        with Elsewhere(app) as elsewhere:
            download("plain", "F32")
            number = wait(lambda: list(session.shown), "the notification")[0]
            assert session.shown[number].title == "Download finished", session.shown
            assert "F32" in session.shown[number].body, session.shown
            session.activate(number)
            wait(elsewhere.is_below, "the window")
            wait(lambda: any(n.extents()[2] > 0 for n in app.root.all("push button",
                                                                      "Import Models")),
                 "the list of models")
            elsewhere.take()
            download("sharded", "F32")
            wait(lambda: session.shown, "the next notification")
            elsewhere.leave()
            wait(lambda: not session.shown, "it to be withdrawn")
        assert len(session.all_shown) == 2, session.all_shown


CASES = [texts_are_dropped_on_a_chat, what_cannot_go_along_is_refused,
         models_are_dropped_on_the_window, chats_are_dragged_into_folders, awake_while_answering,
         awake_while_downloading, replies_are_told,
         replies_in_the_background_are_told, downloads_are_told]


if __name__ == "__main__":
    sys.exit(cases.main(CASES, __file__, ()))
