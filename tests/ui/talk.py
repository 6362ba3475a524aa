# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the window know about a conversation: what is shown of a reply, what is stored
of it, which engine process writes it, and which text it has to become."""

import functools
import os
import re
import signal
import sqlite3
import subprocess
import time

import gi

import driver
import shots
from driver import wait

gi.require_version("GdkPixbuf", "2.0")
from gi.repository import GdkPixbuf  # noqa: E402

PROMPT = "Once upon a time"
STATES = ["complete", "answering", "stopped", "interrupted", "failed"]


# ---- the text it has to become ----

def written():
    """The reply as the model's README gives it, or None where that is absent."""
    path = os.path.join(os.path.dirname(shots.MODEL), "README.md")
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        blocks = re.findall(r"(?:^    .*\n)+", file.read(), re.MULTILINE)
    at = next(i for i, block in enumerate(blocks) if block.strip() == PROMPT)
    return squeeze(blocks[at + 1])


@functools.cache
def greedy(n_tokens):
    """The likeliest reply as the command line computes it on the CPU, with nothing moved. None for
    a model of random weights: there rounding decides between words that are all but equal."""
    if written() is None:
        return None
    program = os.path.join(driver.BUILD, "src", "cli", "parley-cli")
    done = subprocess.run([program, "chat", shots.MODEL, "--raw", "--prompt", PROMPT, "--temp", "0",
                           "-n", str(n_tokens), "--gpu-layers", "0"], text=True,
                          capture_output=True, check=True, timeout=120)
    return squeeze(done.stdout)


def squeeze(text):
    """Lines joined: where a text wraps is no part of it."""
    return " ".join(text.split())


def bare(text):
    """Letters and digits: what Markdown shows of a text, whatever it takes for markup."""
    return "".join(filter(str.isalnum, text))


# ---- the window ----

def seen(node):
    """The nodes below that are not hidden, nor anything above them."""
    if "visible" not in node.states():
        return
    yield node
    for child in node.children():
        yield from seen(child)


def settings(app, **numbers):
    """Sets numbers of the chat in its dialog: Temperature=0, Longest_reply=200."""
    app.do("chat-settings")
    for name, value in numbers.items():
        spin = app.find("spin button", name.replace("_", " "))
        spin.set_value(value)
        wait(lambda spin=spin, value=value: abs(spin.value() - value) < 1e-6, name)
    app.key("Escape")
    wait(lambda: not app.root.all("spin button", "Temperature"), "the settings to close")


def write(app, text=PROMPT):
    app.find("text", "Message").set_text(text)
    app.find("push button", "Send").click()


def shown(app):
    """Letters and digits of the last reply as far as it is shown. (The first label is its author;
    a row with a button for it says why a reply ended.)"""
    def words(node):
        if "visible" not in node.states() or node.role == "push button":
            return
        if node.is_label():
            yield node.text()
        children = list(node.children())
        if not any(n.role == "push button" and n.name == "Continue" for n in children):
            for child in children:
                yield from words(child)
    return bare("".join(list(words(app.find("list item", "Reply")))[1:]))


def grown(app, by, since=None):
    """Waits until the shown reply is longer by so many letters; returns how long."""
    start = len(shown(app)) if since is None else since
    return wait(lambda: max(len(shown(app)) - start - by, 0) and len(shown(app)),
                f"{by} more letters", 60)


def choose(app, name, row):
    """A row of a menu of choices, counted from the first."""
    app.find("combo box", name).click()
    wait(lambda: [n for n in app.find("combo box", name).all("list item")
                  if "focused" in n.states()], "the choices")
    app.key("Home", *["Down"] * row, "Return")


def brightness(app, folder):
    """Of the window, from 0 to 1."""
    path = os.path.join(folder, f"{os.urandom(4).hex()}.png")
    app.picture(path)
    pixels = GdkPixbuf.Pixbuf.new_from_file(path).get_pixels()[::31]
    return sum(pixels) / len(pixels) / 255


def says(app, words):
    return [n for n in app.root.all("label") if "visible" in n.states() and words in n.name]


def measured(app):
    """Tokens a second of the reply under way, as the load panel has them; None: not yet."""
    return says(app, "measured just now") and \
        next((float(n.name.split()[0].replace(",", "")) for n in says(app, "tokens/s")
              if n.name[0].isdigit()), None)


# ---- the store ----

class Stored:
    """The latest reply in the database."""

    def __init__(self, data):
        with sqlite3.connect(f"file:{data}/parley.db?mode=ro", uri=True, timeout=5) as db:
            db.row_factory = sqlite3.Row
            row = db.execute("SELECT id, chat, state FROM message WHERE role = 'assistant'"
                             " ORDER BY created_at DESC, id DESC LIMIT 1").fetchone()
            if row is None:
                raise LookupError("no reply is stored")
            self.chat, self.state = row["chat"], STATES[row["state"]]
            texts = db.execute(
                "SELECT text FROM (SELECT text, 0 AS later, n AS at FROM part WHERE message = :id"
                " UNION ALL SELECT text, 1, id FROM reply_chunk WHERE message = :id)"
                " ORDER BY later, at", {"id": row["id"]})
            self.text = "".join(text[0] for text in texts)
            self.generation = db.execute("SELECT * FROM generation WHERE message = ?",
                                         (row["id"],)).fetchone()
        db.close()


def ended(data, state="complete"):
    """Waits until the latest reply is in this state for good; returns it."""
    return wait(lambda: next(s for s in [Stored(data)] if s.state == state), f"a reply {state}", 90)


def same(reply, expected, at_least):
    """The stored text is the beginning of the expected one."""
    text = squeeze(reply.text)
    assert len(text) >= at_least, f"only {len(text)} characters: {text!r}"
    if expected is None:
        print("# random weights: the text is not compared")
        return
    n = min(len(text), len(expected))
    assert n >= at_least, f"only {n} characters are known"
    assert text[:n] == expected[:n], f"{text!r}\nis not\n{expected!r}"


# ---- the engine process ----

def workers(app):
    """Process numbers of the engine processes that serve (not the probe)."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                stat = file.read()
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                command = file.read()
        except OSError:
            continue
        parent = int(stat[stat.rindex(")") + 1:].split()[1])
        if parent == app.process.pid and b"parley-worker" in command and b"--probe" not in command:
            found.append(int(pid))
    return found


def hurry(app):
    """Ends the pace that $PARLEY_TEST_PACE sets: what was to be seen in the middle was seen."""
    for pid in workers(app):
        os.kill(pid, signal.SIGUSR1)


class Reading:
    """What a process has read and has open, where the kernel tells it to this user."""

    def __init__(self, pid, path):
        try:
            with open(f"/proc/{pid}/io", encoding="ascii") as file:
                counts = dict(line.split(": ") for line in file.read().splitlines())
            links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        except PermissionError:
            self.known = False
            return
        self.known = True
        self.from_disk = int(counts["read_bytes"])
        self.open = sum(link == os.path.realpath(path) for link in links)


class Watch:
    """What was shown when, so that it can be told what was there some time before an end."""

    def __init__(self, app):
        self.app, self.seen = app, []

    def until(self, n_letters):
        def enough():
            text = shown(self.app)
            self.seen.append((time.monotonic(), text))
            return len(text) >= n_letters
        wait(enough, f"{n_letters} letters", 60)

    def before(self, moment):
        return next((text for when, text in reversed(self.seen) if when <= moment), "")
