#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drives the real window: a private display and session bus, the window's actions over D-Bus, its
widgets through AT-SPI.

    with Desktop() as desktop, App(desktop, data="folder") as app:
        app.do("show-discover")
        app.find("push button", "Download Q4_K_M").click()

Nothing here sleeps for a fixed time: every wait polls for its effect and fails with what it waited
for.
"""

import os
import shutil
import subprocess
import tempfile
import time

APP_ID = "io.github.parleychat.Parley"
WINDOW = "/io/github/parleychat/Parley/window/1"
BUILD = os.environ.get("PARLEY_TEST_BUILD", ".")

SETTINGS = """[Settings]
gtk-cursor-blink=0
gtk-enable-animations=0
gtk-font-name={font}
gtk-decoration-layout=:close
"""


class Timeout(AssertionError):
    pass


def wait(condition, what, seconds=15):
    """The first true value of condition(), polled; errors on the way count as not yet."""
    end = time.monotonic() + seconds
    last = None
    while True:
        try:
            value = condition()
            if value:
                return value
        except Exception as error:  # a widget may go away while it is read
            last = error
        if time.monotonic() > end:
            raise Timeout(f"waited {seconds} s for {what}" + (f" ({last})" if last else ""))
        time.sleep(0.03)


def needs():
    """What is missing to run at all, or None."""
    for program in ("Xvfb", "dbus-daemon", "gdbus", "xdotool", "xev", "xwininfo"):
        if not shutil.which(program):
            return f"{program} is not installed"
    return None


class Desktop:
    """A display and a session bus of its own; its environment is in `env`."""

    def __init__(self, width=1400, height=900, font="Cantarell 11"):
        self.size = f"{width}x{height}x24"
        self.font = font
        self.children = []

    def __enter__(self):
        self.home = tempfile.mkdtemp(prefix="parley-home-")
        runtime = os.path.join(self.home, "run")
        os.mkdir(runtime, 0o700)
        config = os.path.join(self.home, ".config", "gtk-4.0")
        os.makedirs(config)
        with open(os.path.join(config, "settings.ini"), "w", encoding="utf-8") as file:
            file.write(SETTINGS.format(font=self.font))
        gone = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "WAYLAND_DISPLAY",
                "DBUS_SESSION_BUS_ADDRESS", "DISPLAY")
        self.env = {k: v for k, v in os.environ.items() if k not in gone}
        self.env.update(HOME=self.home, XDG_RUNTIME_DIR=runtime, GDK_BACKEND="x11",
                        GSK_RENDERER="cairo", GTK_A11Y="atspi", GSETTINGS_BACKEND="memory",
                        PARLEY_MEASURE="never",
                        GTK_USE_PORTAL="0", ADW_DISABLE_PORTAL="1", LC_ALL="C.UTF-8")
        reader, writer = os.pipe()
        self._start(["Xvfb", "-displayfd", str(writer), "-screen", "0", self.size, "-nolisten",
                     "tcp", "-noreset"], pass_fds=[writer])
        os.close(writer)
        with os.fdopen(reader) as pipe:
            self.env["DISPLAY"] = ":" + pipe.readline().strip()
        bus = self._start(["dbus-daemon", "--session", "--nofork", "--print-address=1"],
                          stdout=subprocess.PIPE, text=True)
        self.env["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().strip()
        return self

    def _start(self, argv, **how):
        child = subprocess.Popen(argv, env=self.env, stderr=subprocess.DEVNULL, **how)
        self.children.append(child)
        return child

    def __exit__(self, *_):
        for child in reversed(self.children):
            child.terminate()
            child.wait()
            if child.stdout:
                child.stdout.close()
        shutil.rmtree(self.home, ignore_errors=True)


class Node:
    """A widget as assistive technologies see it."""

    def __init__(self, app, accessible):
        self.app = app
        self.at = accessible

    @property
    def role(self):
        return self.at.get_role_name()

    @property
    def name(self):
        return self.at.get_name() or ""

    def children(self):
        for i in range(self.at.get_child_count()):
            child = self.at.get_child_at_index(i)
            if child:
                yield Node(self.app, child)

    def walk(self):
        yield self
        for child in self.children():
            yield from child.walk()

    def states(self):
        return {state.value_nick for state in self.at.get_state_set().get_states()}

    def all(self, role=None, name=None):
        found = []
        for node in self.walk():
            try:
                if (role is None or node.role == role) and (name is None or node.name == name):
                    found.append(node)
            except Exception:
                continue
        return found

    def find(self, role=None, name=None, seconds=15):
        return wait(lambda: self.all(role, name), f"{role} {name!r}", seconds)[0]

    def text(self):
        iface = self.at.get_text_iface()
        return iface.get_text(0, iface.get_character_count()) if iface else ""

    def set_text(self, text):
        self.at.get_editable_text_iface().set_text_contents(text)

    def value(self):
        return self.at.get_value_iface().get_current_value()

    def set_value(self, value):
        self.at.get_value_iface().set_current_value(value)

    def click(self):
        """By its own action; the effect comes a moment later, so wait for that."""
        for node in self.walk():
            action = node.at.get_action_iface()
            for i in range(action.get_n_actions() if action else 0):
                if action.get_action_name(i) in ("click", "toggle", "activate"):
                    action.do_action(i)
                    return
        self.press()

    def press(self):
        """With the mouse, for widgets without an action."""
        from gi.repository import Atspi
        box = self.at.get_component_iface().get_extents(Atspi.CoordType.WINDOW)
        x, y = self.app.origin()
        self.app.xdotool("mousemove", str(x + box.x + box.width // 2),
                         str(y + box.y + box.height // 2), "click", "1")


class App:
    """The application, running on a Desktop."""

    def __init__(self, desktop, data, env=(), program=None):
        self.desktop = desktop
        self.env = dict(desktop.env, PARLEY_DATA_DIR=data, **dict(env))
        self.program = program or os.path.join(BUILD, "src", "app", "parley")
        self.log = tempfile.TemporaryFile()

    def __enter__(self):
        self.process = subprocess.Popen([self.program], env=self.env, stderr=self.log,
                                        stdout=self.log)
        wait(self._answers, "the window's actions", 40)
        return self

    def _answers(self):
        if self.process.poll() is not None:
            raise SystemExit(f"the application ended: {self.messages()}")
        return self.gdbus("org.gtk.Actions.List").returncode == 0

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()

    def messages(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    # ---- D-Bus ----

    def gdbus(self, method, *arguments):
        return subprocess.run(["gdbus", "call", "--session", "--dest", APP_ID, "--object-path",
                               WINDOW, "--method", method, *arguments], env=self.env, text=True,
                              capture_output=True, timeout=60, check=False)

    def do(self, action, parameter=None):
        """Activates win.ACTION; returns when its handler has run."""
        value = "[]" if parameter is None else f"[<{parameter}>]"
        done = self.gdbus("org.gtk.Actions.Activate", action, value, "{}")
        if done.returncode != 0:
            raise AssertionError(f"{action}: {done.stderr.strip()}")

    def picture(self, path):
        self.do("screenshot", f"'{os.path.abspath(path)}'")

    # ---- X ----

    def xdotool(self, *arguments):
        return subprocess.run(["xdotool", *arguments], env=self.env, text=True,
                              capture_output=True, timeout=60, check=False).stdout

    def windows(self):
        return self.xdotool("search", "--onlyvisible", "--pid", str(self.process.pid)).split()

    def origin(self):
        geometry = self.xdotool("getwindowgeometry", "--shell", self.windows()[-1])
        values = dict(line.split("=") for line in geometry.split())
        return int(values["X"]), int(values["Y"])

    def resize(self, width, height):
        self.xdotool("windowsize", self.windows()[0], str(width), str(height))

    def key(self, *keys):
        self.xdotool("key", *keys)

    def type(self, text):
        self.xdotool("type", text)

    # ---- AT-SPI ----

    @property
    def root(self):
        """The application's root; AT-SPI reads the bus from this process's environment."""
        os.environ.update({k: self.env[k] for k in ("DBUS_SESSION_BUS_ADDRESS", "DISPLAY",
                                                    "XDG_RUNTIME_DIR")})
        import gi
        gi.require_version("Atspi", "2.0")
        from gi.repository import Atspi
        Atspi.init()

        def ours():
            desktop = Atspi.get_desktop(0)
            for i in range(desktop.get_child_count()):
                child = desktop.get_child_at_index(i)
                if child and child.get_process_id() == self.process.pid:
                    return Node(self, child)
            return None

        return wait(ours, "the application on the accessibility bus", 30)

    def find(self, role=None, name=None, seconds=15):
        return wait(lambda: self.root.all(role, name), f"{role} {name!r}", seconds)[0]
