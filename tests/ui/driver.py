#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drives the real window: a private display and session bus, the window's actions over D-Bus, its
widgets as assistive technologies see them (accessible.py).

    with Desktop() as desktop, App(desktop, data="folder") as app:
        app.do("show-discover")
        app.find("push button", "Download Q4_K_M").click()

Nothing here sleeps for a fixed time: every wait polls for its effect and fails with what it waited
for.
"""

import os
import re
import shutil
import subprocess
import tempfile
import time

from gi.repository import GLib

from accessible import Accessibility, Connection, Node

APP_ID = "io.github.parleychat.Parley"
WINDOW = "/io/github/parleychat/Parley/window/1"
BUILD = os.environ.get("PARLEY_TEST_BUILD", ".")

SETTINGS = """[Settings]
gtk-cursor-blink=0
gtk-enable-animations={animations}
gtk-font-name={font}
gtk-decoration-layout=:close
"""


class Timeout(AssertionError):
    pass


def wait(condition, what, seconds=15):
    """The first true value of condition(), polled; errors on the way count as not yet. A look at
    the whole tree takes the window's time too, which is left to it as long again."""
    end = time.monotonic() + seconds
    last = None
    while True:
        begun = time.monotonic()
        try:
            value = condition()
            if value:
                return value
        except Exception as error:  # a widget may go away while it is read
            last = error
        if time.monotonic() > end:
            raise Timeout(f"waited {seconds} s for {what}" + (f" ({last})" if last else ""))
        time.sleep(min(max(0.03, time.monotonic() - begun), 0.3))


def needs():
    """What is missing to run at all, or None."""
    for program in ("Xvfb", "dbus-daemon", "xdotool", "xev", "xwininfo"):
        if not shutil.which(program):
            return f"{program} is not installed"
    return None


class Desktop:
    """A display and a session bus of its own; its environment is in `env`."""

    def __init__(self, width=1400, height=900, font="Cantarell 11", text_scale=1, animations=0):
        self.size = f"{width}x{height}x24"
        self.font, self.animations = font, animations
        self.dpi = round(96 * text_scale)
        self.children = []

    def __enter__(self):
        self.home = tempfile.mkdtemp(prefix="parley-home-")
        runtime = os.path.join(self.home, "run")
        os.mkdir(runtime, 0o700)
        config = os.path.join(self.home, ".config", "gtk-4.0")
        os.makedirs(config)
        with open(os.path.join(config, "settings.ini"), "w", encoding="utf-8") as file:
            file.write(SETTINGS.format(font=self.font, animations=self.animations))
        # On X11 GTK asks the X resources for it, and they win over settings.ini.
        with open(os.path.join(self.home, ".Xdefaults"), "w", encoding="utf-8") as file:
            file.write(f"Xft.dpi: {self.dpi}\n")
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


class App:
    """The application, running on a Desktop."""

    def __init__(self, desktop, data, env=(), program=None):
        self.desktop = desktop
        self.env = dict(desktop.env, PARLEY_DATA_DIR=data, **dict(env))
        self.program = program or os.path.join(BUILD, "src", "app", "parley")
        self.log = tempfile.TemporaryFile()

    def __enter__(self):
        self.process = subprocess.Popen(self.command(), env=self.env, stderr=self.log,
                                        stdout=self.log)
        self.session = Connection(self.env["DBUS_SESSION_BUS_ADDRESS"])
        self.access = None
        wait(self.is_ready, "the window's actions", 40)
        return self

    def command(self):
        return [self.program]

    def again(self):
        """Starts it once more: it goes on where it is."""
        done = subprocess.run(self.command(), env=self.env, capture_output=True, timeout=60,
                              check=False)
        assert done.returncode == 0, done.stderr

    def is_ready(self):
        """Of a program that has just been started."""
        return self._answers()

    def _answers(self):
        if self.process.poll() is not None:
            raise SystemExit(f"the application ended: {self.messages()}")
        return self.session.call(APP_ID, WINDOW, "org.gtk.Actions.List")

    def __exit__(self, failed, *_):
        if failed:
            print(f"# exit status {self.process.poll()}, said: {self.messages().strip()}")
        for connection in (self.session, self.access and self.access.connection):
            if connection:
                connection.close()
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

    def do(self, action, parameter=None):
        """Activates win.ACTION; returns when its handler has run."""
        value = [] if parameter is None else [GLib.Variant.parse(None, parameter, None, None)]
        try:
            self.session.call(APP_ID, WINDOW, "org.gtk.Actions.Activate",
                              GLib.Variant("(sava{sv})", (action, value, {})))
        except GLib.Error as error:
            raise AssertionError(f"{action}: {error.message}") from error

    def picture(self, path):
        self.do("screenshot", f"'{os.path.abspath(path)}'")

    # ---- X ----

    def xdotool(self, *arguments):
        return subprocess.run(["xdotool", *arguments], env=self.env, text=True,
                              capture_output=True, timeout=60, check=False).stdout

    def windows(self):
        return self.xdotool("search", "--onlyvisible", "--pid", str(self.process.pid)).split()

    def stack(self):
        """Names of the windows of the display, the topmost first."""
        tree = subprocess.run(["xwininfo", "-root", "-tree"], env=self.env, text=True,
                              capture_output=True, check=True).stdout
        return [line.split('"')[1] for line in tree.splitlines() if re.match(r' {5}0x\w+ "', line)]

    def origin(self):
        geometry = self.xdotool("getwindowgeometry", "--shell", self.windows()[-1])
        values = dict(line.split("=") for line in geometry.split())
        return int(values["X"]), int(values["Y"])

    def size(self):
        geometry = self.xdotool("getwindowgeometry", "--shell", self.windows()[0])
        values = dict(line.split("=") for line in geometry.split())
        return int(values["WIDTH"]), int(values["HEIGHT"])

    def resize(self, width, height):
        self.xdotool("windowsize", self.windows()[0], str(width), str(height))

    def key(self, *keys):
        self.xdotool("key", *keys)

    def type(self, text):
        self.xdotool("type", text)

    # ---- as assistive technologies see it ----

    def is_ours(self, access, name):
        return access.pid(name) == self.process.pid

    @property
    def root(self):
        """The application's root, with everything below it as it is now."""
        if not self.access:
            self.access = wait(lambda: Accessibility(self.session, self.is_ours),
                               "the application on the accessibility bus", 30)
        return Node.root(self, self.access)

    def find(self, role=None, name=None, seconds=15):
        return wait(lambda: self.root.all(role, name), f"{role} {name!r}", seconds)[0]
