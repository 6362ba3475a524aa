# SPDX-License-Identifier: GPL-3.0-or-later
"""A walk through the pages, dialogs and popovers of the window in any language, size and look.

    for place in tour.places(case, app, say):
        ...                       # it is shown now, and `place` is its name here
"""

import time

import cases
import talk
from driver import wait


def settled(app, what):
    """Waits until two looks in a row find the same; returns the tree."""
    def look():
        root = wait(lambda: app.root, what)
        return root, [(n.role, n.name) for window in root.children() for n in talk.seen(window)]

    before, end = look(), time.monotonic() + 30
    while time.monotonic() < end:
        now = look()
        if now[1] == before[1]:
            return now[0]
        before = now
    raise AssertionError(f"{what} does not come to rest")


def dialog(app, place, begin):
    """A dialog that `begin` opens; closed when the caller goes on."""
    app.xdotool("mousemove", "1", "1")  # a tooltip is a window, too
    wait(lambda: len(app.windows()) == len(list(app.root.children())), "tooltips to go")
    n = len(app.windows())
    begin()
    wait(lambda: len(app.windows()) > n, place)
    settled(app, place)
    yield place
    app.key("Escape")
    wait(lambda: len(app.windows()) == n, place + " to close")


def unfold(app, name):
    """Shows what is folded under this name."""
    wait(lambda: [n for n in app.root.walk() if n.name == name and n.role != "label"],
         name)[-1].click()


def own_model(app):
    """The row of the model that is no part of Parley, in whatever language."""
    return wait(lambda: [n for n in app.root.all("list item") if "row.delete" in n.actions()],
                "the model")[0]


def conversations(case, app, say):
    chat, = cases.query(case, "SELECT id FROM chat WHERE title = 'Memory of long chats'")[0]
    settled(app, "the list of chats")
    yield "the list of chats"
    app.do("show-chat", f"int64 {chat}")
    app.find("list item", say("Reply"))
    settled(app, "a conversation")
    yield "a conversation"
    for place, *action in (("a new title", "rename-chat", f"int64 {chat}"),
                           ("another folder", "move-chat", f"int64 {chat}"),
                           ("the question about a link", "open-link", "'https://example.org/'"),
                           ("the end of all data", "delete-data")):
        yield from dialog(app, place, lambda action=action: app.do(*action))
    app.do("new-chat")
    app.do("pick-model")
    settled(app, "the models to choose from")
    yield "the models to choose from"
    app.key("Escape")


def settings(_, app, say):
    opened = dialog(app, "the chat's settings", lambda: app.do("chat-settings"))
    yield next(opened)
    unfold(app, say("All Settings"))
    app.find("spin button", say("DRY"))
    settled(app, "all of the chat's settings")
    yield "all of the chat's settings"
    yield from opened
    for name in ("preferences", "shortcuts", "about"):
        yield from dialog(app, name, lambda name=name: app.do(name))
    for page in ("", "choosing"):
        yield from dialog(app, f"help {page}", lambda page=page: app.do("help", f"'{page}'"))


def models(case, app, say):
    app.do("show-models")
    own_model(app)
    settled(app, "models")
    yield "models"
    for action in ("row.details", "row.defaults", "row.rename", "row.tags"):
        yield from dialog(app, action, lambda action=action: own_model(app).act(action))
    app.do("show-discover")
    wait(lambda: app.root.all("list item", "Kestrel-7B-Instruct"), "what the hub has", 30)
    settled(app, "discover")
    yield "discover"
    app.do("search", f"'{case.hub.real}'")
    app.find("push button", say("Open Page"), seconds=30)
    settled(app, "a model of the hub")
    yield "a model of the hub"
    app.do("compare", f"'{case.hub.real}'")
    app.find("combo box", say("Computer"), seconds=30)
    settled(app, "compare")
    yield "compare"
    app.do("show-computer")
    settled(app, "this computer")
    yield "this computer"


def loaded(_, app, say):
    app.do("new-chat")
    app.do("load-model")
    wait(lambda: talk.workers(app), "the model to be loaded", 60)
    app.do("load-panel")
    app.find("slider", say("Layers on the GPU"))
    unfold(app, say("All settings"))
    settled(app, "layers and memory")
    yield "layers and memory"
    app.key("Escape")


def places(case, app, say=str):
    for part in (conversations, settings, models, loaded):
        yield from part(case, app, say)
