#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every control of every page, dialog and popover has a name and a role for assistive technologies,
what is folded says so, and all can be reached by keyboard; and names that others gave are text.
Prints TAP."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cases  # noqa: E402
import talk  # noqa: E402
from driver import wait  # noqa: E402

# What has to be named by itself, and what may be by the texts in it.
CONTROLS = {"push button", "toggle button", "slider", "spin button", "text", "entry", "combo box",
            "check box", "progress bar", "menu item", "check menu item", "radio menu item",
            "password text", "switch", "image map"}
ROWS = {"list item"}
# What takes the keyboard beside them: lists, what scrolls, and text that can be selected.
OTHERS_WITH_FOCUS = {"list item", "list", "scroll pane", "label", "heading", "frame", "dialog",
                     "menu", "page tab", "link"}
# What a click on which would do, nobody could know.
NO_CONTROLS = {"panel", "filler", "unknown", "invalid", "section", "grouping", "label", "image"}
# The toolkit's own, inside of what has a name: the button of a combo box, the text of an entry.
INSIDE = {"combo box", "text", "entry", "spin button", "push button"}


class Walk:
    """Looks at one place after the other; `nameless` is what was found."""

    def __init__(self, app):
        self.app, self.nameless, self.roleless, self.seen = app, set(), set(), 0
        self.headings, self.pictures, self.folding = set(), set(), {}

    def look(self, place):
        def named(node):
            return node.name and not node.name.startswith(("Gtk", "Adw"))

        def walk(node, parent):
            if "visible" not in node.states():
                return
            states = node.states()
            if node.role == "heading":
                self.headings.add(node.name)
            if node.role == "image":
                self.pictures.add(node.name)
                # The toolkit's own: of an arrow, of a place in a switcher, in an entry of a list.
                if not named(node) and not (parent and (
                        parent.role in INSIDE | {"list item"} or parent.name == "AdwIndicatorBin" or
                        "AdwGizmo" in [n.name for n in parent.children()])):
                    self.nameless.add(f"{place}: an image below {parent and parent.name!r}")
            if "expandable" in states:
                self.folding[node.name] = "expanded" in states
            if "focusable" in states and node.role not in CONTROLS | OTHERS_WITH_FOCUS and \
                    node.name != "GtkListItemWidget":  # a choice of a combo box
                self.roleless.add(f"{place}: a {node.role} {node.name!r} takes the keyboard")
            if node.role in NO_CONTROLS and {"click", "press", "toggle"} & set(node.actions()):
                self.roleless.add(f"{place}: a {node.role} {node.name!r} is pressed")
            if node.role in CONTROLS:
                self.seen += 1
                inner = parent is not None and parent.role in INSIDE and named(parent)
                # The eye in the toolkit's own entry for passwords.
                inner |= node.name == "GtkImage" and place == "preferences"
                if not named(node) and not inner:
                    inside = [n.name for n in node.walk() if n.is_label() and n.name]
                    self.nameless.add(f"{place}: a {node.role} with {inside}")
            elif node.role in ROWS and not named(node) and \
                    not [n for n in node.walk() if n.is_label() and named(n)]:
                self.nameless.add(f"{place}: an empty {node.role}")
            for child in node.children():
                walk(child, node)
        def all_is_seen():
            for window in self.app.root.children():
                walk(window, None)
            return True
        wait(all_is_seen, place)  # a widget may be made anew while it is looked at

    def dialog(self, place, *action):
        """Opens it with an action of the window, looks, closes it."""
        before = len(self.app.windows())
        self.app.do(*action)
        wait(lambda: len(self.app.windows()) > before, place)
        wait(lambda: self.app.root.all("push button", "Close") or
             self.app.root.all("push button", "Cancel"), "what is in " + place)
        self.look(place)
        self.close(place, before)

    def close(self, place, before):
        self.app.key("Escape")
        wait(lambda: len(self.app.windows()) == before, place + " to close")

    def popover(self, name):
        """Opens the last menu of this name, looks, closes it."""
        def opened():
            return [n for n in self.app.root.all("push button", name) if "expanded" in n.states()]
        wait(lambda: self.app.root.all("push button", name), name)[-1].click()
        wait(opened, name + " to open")
        self.look(name)
        self.app.key("Escape")
        wait(lambda: not opened(), name + " to close")

    def end(self, headings=(), pictures=(), folding=()):
        """What was to be seen beside the controls: headings, beginnings of what is said of
        pictures, and buttons that tell whether something is folded below them."""
        assert self.seen > 0
        assert set(headings) <= self.headings, set(headings) - self.headings
        assert set(folding) <= self.folding.keys(), set(folding) - self.folding.keys()
        for begin in pictures:
            assert [name for name in self.pictures if name.startswith(begin)], self.pictures
        print(f"# {self.seen} controls looked at")
        assert not self.nameless | self.roleless, "\n".join(sorted(self.nameless | self.roleless))


def on_a_fresh_computer(case):
    with case.window() as app:
        walk = Walk(app)
        app.find("push button", "Try Parley Guide", 30)
        walk.look("the first run")
        for place in ("discover", "models", "compare", "computer"):
            app.do("show-" + place)
            wait(lambda: len(app.root.all("label")) > 3, place)
            walk.look(place)
        walk.end()


def in_conversations(case):
    with case.window() as app:
        walk = Walk(app)
        chat = cases.query(case, "SELECT id FROM chat WHERE title = 'Memory of long chats'")[0][0]
        app.do("show-chat", f"int64 {chat}")
        app.find("list item", "Reply")
        walk.look("a conversation")
        for menu in ("Main Menu", "Chat Menu", "More Actions"):
            walk.popover(menu)
        walk.dialog("a new title", "rename-chat", f"int64 {chat}")
        walk.dialog("a new folder", "move-chat", f"int64 {chat}")
        walk.dialog("the question about a link", "open-link", "'https://example.org/'")
        walk.dialog("the end of all data", "delete-data")
        other = cases.query(case, "SELECT id FROM chat WHERE NOT pinned LIMIT 1")[0][0]
        app.do("move-chat", f"int64 {other}")
        app.find("text", "Name of the folder").set_text("Kitchen")
        app.find("push button", "Move").click()
        app.find("push button", "Kitchen")
        walk.popover("Folder Menu")
        walk.dialog("a new name of a folder", "rename-folder", "'Kitchen'")
        app.find("entry", "Search chats").set_text("litres")
        wait(lambda: any("litres" in n.name for n in app.root.all("label")), "a hit")
        walk.look("search")
        walk.end(headings=("In short", "Rename Chat"), pictures=("Done", "Not done"),
                 folding=("Thoughts", "Kitchen"))


def in_settings(case):
    with case.window() as app:
        walk = Walk(app)
        before = len(app.windows())
        app.do("chat-settings")
        app.find("spin button", "Temperature")
        walk.look("chat settings")
        app.find("push button", "Choose").click()
        wait(lambda: app.root.all("push button", "Save as Preset…"), "the presets")
        walk.look("presets")
        app.find("push button", "Save as Preset…").click()
        app.find("text", "Name of the preset")
        walk.look("a new preset")
        walk.close("a new preset", before + 1)
        wait(lambda: [n for n in app.root.walk() if n.name == "All Settings" and n.role != "label"],
             "All Settings")[0].click()
        app.find("spin button", "DRY")
        walk.look("all chat settings")
        walk.close("chat settings", before)
        for dialog in ("preferences", "shortcuts"):
            walk.dialog(dialog, dialog)
        walk.dialog("help", "help", "''")
        walk.dialog("a page of help", "help", "'choosing'")
        walk.end()


def around_a_reply(case):
    path = os.path.join(case.data, "poem.txt")
    with open(path, "w", encoding="utf-8") as file:
        file.write("Roses are red.\n")
    with case.window() as app:
        walk = Walk(app)
        app.do("temporary-chat")
        app.do("attach-file", f"'{path}'")
        wait(lambda: talk.says(app, "token"), "what the file costs")
        walk.look("a temporary chat with a file")
        app.do("new-chat")
        app.do("pick-model")
        wait(lambda: app.root.all("push button", "Parley Guide"), "the models")
        walk.look("model picker")
        app.key("Escape")
        case.ask(app, 12)
        talk.ended(case.data)
        walk.look("a reply")
        app.do("load-panel")
        app.find("slider", "Layers on the GPU")
        walk.look("load panel")
        wait(lambda: [n for n in app.root.walk() if n.name == "All settings" and n.role != "label"],
             "All settings")[0].click()
        walk.look("load panel with all settings")
        walk.end(pictures=("Main memory, ",), folding=("All settings",))


def among_models(case):
    with case.window() as app:
        walk = Walk(app)
        app.do("show-models")
        own = wait(lambda: [n for n in app.root.all("list item") if "row.delete" in n.actions()
                            and n.all("push button", "Chat with " + n.name)], "the model")[0]
        walk.look("models")
        walk.popover("Import Models")
        for action in ("row.details", "row.defaults", "row.rename", "row.tags"):
            before = len(app.windows())
            own.act(action)
            wait(lambda before=before: len(app.windows()) > before, action)
            walk.look(action)
            walk.close(action, before)
        app.do("show-discover")
        wait(lambda: [n for n in app.root.all("list item") if n.name == "Kestrel-7B-Instruct"],
             "what the hub has", 30)
        walk.look("discover")
        app.find("push button", "Filters").click()
        app.find("combo box", "Size")
        walk.look("filters")
        app.do("search", f"'{case.hub.real}'")
        wait(lambda: [n for n in app.root.all("push button") if n.name.startswith("Download ")],
             "its files", 30)
        walk.look("a model of the hub")
        for repo in ("fixture/plain", "tidepool-ai/Heron-12B-Chat-GGUF"):
            app.do("search", f"'{repo}'")
            app.find("push button", "Open Page", 30)
            walk.look(repo)
        app.do("compare", f"'{case.hub.real}'")
        wait(lambda: [n for n in app.root.all("push button") if "Leave" in n.name or
                      "Remove" in n.name], "a model that is compared", 30)
        walk.look("compare")
        walk.popover("Add Models")
        walk.popover("Save")
        walk.end(headings=("Folders and Space", "On the Hub", "Files"),
                 pictures=("This computer, ",))


def all_is_reached_by_tab(case):
    """From the message that is written through the whole window and back: each control that takes
    the keyboard has it once."""
    def controls(window):
        # The toolkit leaves the window's own buttons out.
        return {n.path: n for n in talk.seen(window) if n.role in CONTROLS and n.name != "Close" and
                {"focusable", "sensitive"} <= n.states() and min(n.extents()[2:]) > 0}

    with case.window() as app:
        chat = cases.query(case, "SELECT id FROM chat WHERE title = 'Memory of long chats'")[0][0]
        app.do("show-chat", f"int64 {chat}")
        app.find("list item", "Reply")
        wanted = controls(next(app.root.children()))
        reached, rounds = set(), 0
        while rounds < 120 and not set(wanted) <= reached:
            app.key("Tab")
            reached |= {n.path for n in app.root.walk() if "focused" in n.states()}
            rounds += 1
        missed = [wanted[path] for path in set(wanted) - reached]
        print(f"# {len(wanted)} controls, Tab pressed {rounds} times")
        assert not missed, [(n.role, n.name, n.extents()) for n in missed]


def names_of_others_are_text(case):
    """What a file calls itself is shown as it stands and shortened, wherever it is shown, and the
    window stays as wide as it was: also that of a telephone."""
    name, file_name = "<b>&amp;\u202e " + "x y" * 33333, "<i>x&amp;.gguf"
    begin, most = "<b>&amp; x yx y", 200
    note = os.path.join(case.data, "<i>note&amp;" + "y" * 200 + ".txt")
    cases.rename_inside(case.model, os.path.join(os.path.dirname(case.model), file_name), name)
    os.unlink(case.model)
    with open(note, "w", encoding="utf-8") as file:
        file.write("Roses are red.")
    with case.window() as app:
        def shown(what, *roles):
            found = wait(lambda: [n for window in app.root.children() for n in talk.seen(window)
                                  if n.role in roles and what in n.name], f"{what} as text", 30)
            assert all(len(n.name) <= most + len(note) for n in found), found[0].name
            assert not any("\u202e" in n.name for n in app.root.walk()), "it turns the line around"
            assert app.size() == size, f"the window is {app.size()}, not {size}"
            return found

        for size in ((1120, 760), (360, 720)):
            app.resize(*size)
            wait(lambda size=size: app.size() == size, "the window's size")
            app.do("show-models")
            shown(begin, "list item")
            app.do("new-chat")
            app.do("pick-model")
            shown(begin, "label")
            app.key("Escape")
        app.do("load-model")
        wait(lambda: talk.workers(app), "the model to be loaded", 60)
        shown(begin, "push button")  # the header's
        app.do("load-panel")
        shown(begin, "push button")
        app.key("Escape")
        app.do("attach-file", f'"{note}"')
        shown("<i>note&amp;", "label")
        app.do("show-models")
        row = next(n for n in app.root.all("list item") if "row.delete" in n.actions()
                   and n.name.startswith(begin))
        row.act("row.details")
        shown(file_name, "label")
        app.key("Escape")
        row.act("row.delete")
        shown(begin, "label")
        assert [n for n in talk.says(app, begin) if n.name.endswith("B")], "the toast"


CASES = [on_a_fresh_computer, in_conversations, in_settings, around_a_reply, among_models,
         all_is_reached_by_tab,
         names_of_others_are_text]

if __name__ == "__main__":
    sys.exit(cases.main(CASES, __file__, ("on_a_fresh_computer",)))
