# SPDX-License-Identifier: GPL-3.0-or-later
"""The widgets of an application as assistive technologies see them, fetched all at once: a walk
that asks for one thing at a time takes a second for a window of ours.

The toolkit's cache tells everything about every widget that somebody has asked for by name once.
Which children a widget has is asked for: the cache does not know all of them, and keeps some that
are hidden now.
"""

import collections
import time

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, Gio, GLib  # noqa: E402

ROOT = "/org/a11y/atspi/accessible/root"
REGISTRY = "org.a11y.atspi.Registry"
FLAGS = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | \
    Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
ROLES = [Atspi.role_get_name(Atspi.Role(n)) for n in range(int(Atspi.Role.LAST_DEFINED))]
STATES = [Atspi.StateType(n).value_nick for n in range(int(Atspi.StateType.LAST_DEFINED))]

Item = collections.namedtuple("Item", "n_children interfaces role name states")
MANY = 10  # widgets to ask for one by one
SWITCH = 130  # what older toolkits call a toggle button


def role_name(number):
    """Also where the toolkit knows more roles than the library here."""
    return ROLES[number] if number < len(ROLES) else "switch" if number == SWITCH else f"role {number}"


class Connection:
    """To a bus."""

    def __init__(self, address):
        self.bus = Gio.DBusConnection.new_for_address_sync(address, FLAGS, None, None)

    def call(self, name, path, method, arguments=None, seconds=60):
        """`method` with its interface before a dot; the answer's values, the only one by itself."""
        interface, _, member = method.rpartition(".")
        answer = self.bus.call_sync(name, path, interface, member, arguments, None,
                                    Gio.DBusCallFlags.NO_AUTO_START, seconds * 1000, None).unpack()
        return answer[0] if len(answer) == 1 else answer

    def call_each(self, name, paths, method):
        """The same of many at once, which takes less time than one after another: answers by path;
        None: an error."""
        interface, _, member = method.rpartition(".")
        answers, context = {}, GLib.MainContext.new()

        def answered(bus, result, path):
            try:
                answers[path] = bus.call_finish(result).unpack()[0]
            except GLib.Error:
                answers[path] = None

        context.push_thread_default()
        try:
            for path in paths:
                self.bus.call(name, path, interface, member, None, None,
                              Gio.DBusCallFlags.NO_AUTO_START, 60000, None, answered, path)
            while len(answers) < len(paths):
                context.iteration(True)
        finally:
            context.pop_thread_default()
        return answers

    def close(self):
        self.bus.close_sync(None)


class Accessibility:
    """What an application shows on the accessibility bus of a session."""

    def __init__(self, session, is_ours):
        self.connection = Connection(session.call("org.a11y.Bus", "/org/a11y/bus",
                                                  "org.a11y.Bus.GetAddress"))
        self.name = next(name for name, _ in self.connection.call(
            REGISTRY, ROOT, "org.a11y.atspi.Accessible.GetChildren") if is_ours(self, name))

    def pid(self, name):
        return self.connection.call("org.freedesktop.DBus", "/org/freedesktop/DBus",
                                    "org.freedesktop.DBus.GetConnectionUnixProcessID",
                                    GLib.Variant("(s)", (name,)))

    def call(self, path, method, arguments=None):
        return self.connection.call(self.name, path, "org.a11y.atspi." + method, arguments)

    def get(self, path, interface, name):
        return self.connection.call(
            self.name, path, "org.freedesktop.DBus.Properties.Get",
            GLib.Variant("(ss)", ("org.a11y.atspi." + interface, name)))

    def put(self, path, interface, name, value):
        self.connection.call(
            self.name, path, "org.freedesktop.DBus.Properties.Set",
            GLib.Variant("(ssv)", ("org.a11y.atspi." + interface, name, value)))

    def children(self, paths):
        """Of each, by path; None: it is gone."""
        answers = self.connection.call_each(self.name, paths,
                                            "org.a11y.atspi.Accessible.GetChildren")
        return {path: answer and [child for _, child in answer]
                for path, answer in answers.items()}

    def cached(self):
        """What the toolkit lists; it may be on the bus for a moment before it has the list."""
        end = time.monotonic() + 5
        while True:
            try:
                return self.call("/org/a11y/atspi/cache", "Cache.GetItems")
            except GLib.Error as error:
                if "UnknownMethod" not in error.message or time.monotonic() > end:
                    raise
            time.sleep(0.05)

    def items(self):
        found = {}
        for (_, path), _, _, _, n, interfaces, name, role, _, states in self.cached():
            found[path] = Item(n, interfaces, role_name(role), name, states)
        return found

    def item(self, path):
        """One widget that the list of all has left out: some that were shown late are."""
        try:
            return Item(self.get(path, "Accessible", "ChildCount"),
                        self.call(path, "Accessible.GetInterfaces"),
                        role_name(self.call(path, "Accessible.GetRole")),
                        self.get(path, "Accessible", "Name"),
                        self.call(path, "Accessible.GetState"))
        except GLib.Error:  # it is gone
            return None

    def tree(self):
        """Items by path, and the paths of everybody's children, at one moment."""
        for _ in range(5):
            items, tree, todo, unknown, complete = self.items(), {}, [ROOT], [], True
            while todo:
                unknown += [path for path in todo if path not in items]
                asked = {path for path in todo
                         if path == ROOT or path not in items or items[path].n_children}
                found = self.children(asked)
                complete &= None not in found.values()
                tree.update((path, found.get(path) or []) for path in todo)
                todo = [child for path in todo for child in tree[path]]
            # Asked for their children, most are known now: that is one call, and not some for each.
            late = self.items() if len(unknown) > MANY else {}
            for path in unknown:
                item = late.get(path) or self.item(path)
                complete &= item is not None
                if item:
                    items[path] = item
            if complete:
                break
        return items, tree


class Node:
    """A widget, with all below it, as it was when the tree was fetched. What a person can change in
    it (its value, its text) is asked for anew."""

    def __init__(self, app, access, items, tree, path=ROOT):
        self.app, self.access, self.items, self.tree, self.path = app, access, items, tree, path

    @classmethod
    def root(cls, app, access):
        return cls(app, access, *access.tree())

    @property
    def role(self):
        return self.items[self.path].role

    @property
    def name(self):
        return self.items[self.path].name

    def states(self):
        low, high = self.items[self.path].states
        bits = low | high << 32
        return {nick for n, nick in enumerate(STATES) if bits >> n & 1}

    def children(self):
        for path in self.tree[self.path]:
            if path in self.items:  # else it came while the tree was fetched
                yield Node(self.app, self.access, self.items, self.tree, path)

    def walk(self):
        yield self
        for child in self.children():
            yield from child.walk()

    def is_label(self):
        """A heading is one, too."""
        return self.role in ("label", "heading")

    def all(self, role=None, name=None):
        return [node for node in self.walk()
                if (role is None or (node.is_label() if role == "label" else node.role == role)) and
                (name is None or node.name == name)]

    def alike(self, items, tree):
        """Those of its role and name in such a tree."""
        return [node for node in Node(self.app, self.access, items, tree).walk()
                if node.role == self.role and node.name == self.name]

    def lasting(self, do):
        """do() with it, or with the one that took its place since: lists make rows anew."""
        try:
            return do(self)
        except GLib.Error as error:
            if "UnknownMethod" not in error.message:
                raise
            before = [node.path for node in self.alike(self.items, self.tree)]
            now = self.alike(*self.access.tree())
            if self.path not in before or len(now) != len(before):
                raise
            return do(now[before.index(self.path)])

    def text(self):
        if "org.a11y.atspi.Text" not in self.items[self.path].interfaces:
            return ""
        return self.access.call(self.path, "Text.GetText", GLib.Variant("(ii)", (0, 2 ** 31 - 1)))

    def set_text(self, text):
        self.lasting(lambda node: self.access.call(
            node.path, "EditableText.SetTextContents", GLib.Variant("(s)", (text,))))

    def value(self):
        return self.access.get(self.path, "Value", "CurrentValue")

    def maximum(self):
        return self.access.get(self.path, "Value", "MaximumValue")

    def set_value(self, value):
        self.access.put(self.path, "Value", "CurrentValue", GLib.Variant("d", value))

    def actions(self):
        """The names of its actions."""
        if "org.a11y.atspi.Action" not in self.items[self.path].interfaces:
            return []
        def name(i):
            try:
                return self.access.call(self.path, "Action.GetName", GLib.Variant("(i)", (i,)))
            except GLib.Error:  # the toolkit counts some that it does not have
                return ""
        return [name(i) for i in range(self.access.get(self.path, "Action", "NActions"))]

    def act(self, name):
        """Does one of them, as its menu does."""
        self.lasting(lambda node: node.do_action(name))

    def do_action(self, name):
        number = self.actions().index(name)
        self.access.call(self.path, "Action.DoAction", GLib.Variant("(i)", (number,)))

    def click(self):
        """By its own action; the effect comes a moment later, so wait for that."""
        self.lasting(Node.do_click)

    def do_click(self):
        for node in self.walk():
            for name in node.actions():
                if name in ("click", "toggle", "activate"):
                    node.do_action(name)
                    return
        self.press()

    def extents(self):
        """In its window, as they are now: left, upper edge, width, height."""
        return self.lasting(lambda node: tuple(self.access.call(
            node.path, "Component.GetExtents", GLib.Variant("(u)", (
                int(Atspi.CoordType.WINDOW),)))))

    def place(self):
        """Pixels from the left and the upper edge of the window."""
        return self.extents()[:2]

    def press(self):
        """With the mouse, for widgets without an action."""
        left, top, width, height = self.extents()
        x, y = self.app.origin()
        self.app.xdotool("mousemove", str(x + left + width // 2), str(y + top + height // 2),
                         "click", "1")
