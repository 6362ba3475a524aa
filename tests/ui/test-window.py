#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real window, driven as a person would: find a model, see what it would do here, download it,
talk to it, move its layers while it answers. Prints TAP."""

import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import driver  # noqa: E402
import shots  # noqa: E402
from driver import App, Desktop, wait  # noqa: E402

ENOUGH = 60  # characters of a reply: the model samples, so its words differ from run to run
NAMED = {"push button", "toggle button", "slider", "text", "entry", "combo box", "check box",
         "list item", "progress bar"}


def write(app, text):
    entry = app.find("text", "Message")
    entry.set_text(text)
    app.find("push button", "Send").click()


def reply(app):
    """The text of the last reply, as far as it is shown."""
    texts = [node.text() for node in app.find("list item", "Reply").all("label")]
    return max(texts, key=len, default="")


def slider(app):
    return app.find("slider", "Layers on the GPU")


def worker(app):
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


def chat(app, _hub):
    app.do("new-chat")
    write(app, "Once upon a time")
    wait(lambda: len(reply(app)) > ENOUGH, "the reply", 90)
    wait(lambda: any("tokens/s" in n.name for n in app.root.all("label")), "its speed", 60)


def layers_move_while_answering(app, _hub):
    app.do("new-chat")
    write(app, "Once upon a time")
    wait(lambda: len(reply(app)) > 40, "the first words", 60)
    before = worker(app)
    app.do("load-panel")
    scale = wait(lambda: slider(app), "the slider")
    top = scale.at.get_value_iface().get_maximum_value()
    for target in (0, top):
        length = len(reply(app))
        scale.set_value(target)
        said = "No layers" if target == 0 else f"All {int(top)} layers"
        wait(lambda: any(n.name.startswith(said) for n in app.root.all("label")), said)
        wait(lambda length=length: len(reply(app)) > length + 20, "words after the move", 60)
    assert worker(app) == before, "the engine process is another one"
    app.key("Escape")
    app.do("stop")


def search_download_chat(app, hub):
    app.do("search", f"'{hub.real}'")
    app.find("label", hub.real.split("/")[1].removesuffix("-GGUF"), 30)
    wait(lambda: any(re.search("RAM|GPU", n.name) for n in app.root.all("label")), "a verdict", 30)
    button = wait(lambda: [n for n in app.root.all("push button")
                           if n.name.startswith("Download ")], "Download")[0]
    talk = button.name.replace("Download ", "Chat with ")  # the same row's; Models has its own
    button.click()
    app.find("push button", talk, 60).click()
    wait(lambda: worker(app), "the engine process")  # the click has had its effect
    write(app, "Once upon a time")
    wait(lambda: len(reply(app)) > ENOUGH, "the reply", 90)


def everything_has_a_name(app, _hub):
    nameless = []
    for place in ("chats", "discover", "models", "computer"):
        app.do("show-" + place)
        wait(lambda: len(app.root.all("label")) > 3, place)
        for node in app.root.walk():
            try:
                if node.role in NAMED and (not node.name or node.name.startswith("Gtk")):
                    texts = [n.name for n in node.walk() if n.role == "label" and n.name]
                    if not texts:
                        nameless.append(f"{place}: {node.role} {node.name!r}")
            except Exception:
                continue
    assert not nameless, "\n".join(sorted(set(nameless)))


def real_repo(hub):
    """The repository of the stand-in whose file is a model that runs."""
    address = hub.address + "/api/models?filter=gguf&search=stories&limit=5"
    with urllib.request.urlopen(address, timeout=10) as answer:
        return json.load(answer)[0]["id"]


CASES = [chat, layers_move_while_answering, search_download_chat, everything_has_a_name]


def run(case):
    """One case on a desktop of its own. A process can speak to one accessibility bus in its life,
    so each case has its own process."""
    with shots.Hub(shots.MODEL) as hub, Desktop() as desktop, \
            tempfile.TemporaryDirectory() as data:
        hub.real = real_repo(hub)
        if case is not search_download_chat:
            shots.seed(data)
        env = {"PARLEY_HUB": hub.address, "PARLEY_VULKAN_DEVICE": "0"}
        if case is layers_move_while_answering:
            env["PARLEY_TEST_PACE"] = "25"
        with App(desktop, data, env) as app:
            try:
                case(app, hub)
            except BaseException:
                print(app.messages())
                raise


def main():
    if len(sys.argv) > 1:
        run(next(case for case in CASES if case.__name__ == sys.argv[1]))
        return 0
    missing = driver.needs() or (None if os.path.exists(shots.MODEL) else "no model to talk to")
    print(f"1..{len(CASES)}", flush=True)
    failed = 0
    for number, case in enumerate(CASES, 1):
        name = case.__name__
        if missing:
            print(f"ok {number} - {name} # SKIP {missing}", flush=True)
            continue
        done = subprocess.run([sys.executable, __file__, name], text=True, timeout=300,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            failed += 1
            print("# " + done.stdout.rstrip().replace("\n", "\n# "))
        print(f"{'not ' if done.returncode else ''}ok {number} - {name}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
