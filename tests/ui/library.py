# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the window know about the models on this computer, and about the account."""

import contextlib
import json
import os
import subprocess
import sys

import driver
from driver import wait

TOKEN = "hf_standinstandinstandinstandinstandin01"  # one that the stand-in hub knows


def from_the_end(node):
    """The widgets of a window, last ones first: messages lie above everything else."""
    for child in reversed(list(node.children())):
        yield from from_the_end(child)
    yield node


def own_model(app):
    """The row of the model that is no part of Parley."""
    return wait(lambda: [n for n in app.root.all("list item")
                         if "row.delete" in n.actions()
                         and n.all("push button", "Chat with " + n.name)], "the model")[0]


def undo(app):
    wait(lambda: next(n for n in from_the_end(app.root)
                      if n.role == "push button" and n.name.startswith("Undo")), "Undo").click()


def start_cli(data, *words, **env):
    """parley-cli on a data folder."""
    return subprocess.Popen([os.path.join(driver.BUILD, "src", "cli", "parley-cli"), *words],
                            env={**os.environ, "PARLEY_DATA_DIR": data, **env}, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def cli(data, *words, **env):
    """What it prints; with --json, what that says."""
    with start_cli(data, *words, **env) as process:
        out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, f"{words}: {errors}"
    return json.loads(out) if "--json" in words else out


@contextlib.contextmanager
def keyring(case, kept):
    """A keyring on the case's desktop; its folder, see keyring.py."""
    folder = os.path.join(case.desktop.home, "keyring")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "kept"), "w", encoding="utf-8") as file:
        json.dump(kept, file)
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "keyring.py")
    with subprocess.Popen([sys.executable, "-W", "ignore", program, folder], text=True,
                          env=case.desktop.env, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield folder
        finally:
            process.terminate()


def kept(folder):
    """What a keyring has: address of a hub -> token."""
    with open(os.path.join(folder, "kept"), encoding="utf-8") as file:
        return json.load(file)
