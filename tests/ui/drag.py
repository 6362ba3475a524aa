# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the window know about dragging: with the mouse, out of a window of another
program (drag-source.c) or out of our own."""

import os
import queue
import subprocess
import threading

import driver
from driver import wait

PLACE = (1240, 40)  # of the other window, beside ours


def middle(app, node):
    """Where a widget is on the display."""
    left, top, width, height = node.extents()
    x, y = app.origin()
    return x + left + width // 2, y + top + height // 2


def drag(app, start, end, is_there=lambda: True):
    """Lets go when is_there() says so: then what is below the pointer has answered."""
    app.xdotool("mousemove", *map(str, start), "mousedown", "1")
    for n in range(1, 11):
        at = [str(a + (b - a) * n // 10) for a, b in zip(start, end)]
        app.xdotool("mousemove", *at, "sleep", "0.02")
    try:
        wait(is_there, "what is below the pointer to answer", 5)
    finally:
        app.xdotool("mouseup", "1")


class Source:
    """Another program's window with files or a text to be dragged away."""

    def __init__(self, app, *arguments):
        self.app = app
        program = os.path.join(driver.BUILD, "tests", "ui", "drag-source")
        self.process = subprocess.Popen([program, *arguments], env=app.env, text=True,
                                        stdout=subprocess.PIPE)
        self.said = queue.SimpleQueue()
        self.last = None
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self.process.stdout:
            self.said.put(line.strip())

    def hears(self, word):
        while not self.said.empty():
            self.last = self.said.get()
        return self.last == word

    def __enter__(self):
        wait(lambda: self.hears("ready"), "the window to drag from")
        window = wait(lambda: self.app.xdotool("search", "--onlyvisible", "--pid",
                                               str(self.process.pid)).split(), "it on the display")
        self.app.xdotool("windowmove", "--sync", window[-1], *map(str, PLACE))
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def drop_on(self, place):
        """Where it is accepted."""
        start = [n + 60 for n in PLACE]
        drag(self.app, start, place, lambda: self.hears("accepted"))
        wait(lambda: self.hears("done") or self.hears("cancelled"), "the drop")


def drop(app, place, *arguments):
    with Source(app, *arguments) as source:
        source.drop_on(place)
