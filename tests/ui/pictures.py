# SPDX-License-Identifier: GPL-3.0-or-later
"""What the window looks like, by its pixels."""

import os

import gi

gi.require_version("GdkPixbuf", "2.0")
from gi.repository import GdkPixbuf  # noqa: E402


def luminance(red, green, blue):
    """Relative, as WCAG 2 has it; of values from 0 to 255."""
    parts = [v / 255 / 12.92 if v <= 10 else ((v / 255 + 0.055) / 1.055) ** 2.4
             for v in (red, green, blue)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one, other):
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


class Picture:
    """The window as it is drawn now."""

    def __init__(self, app, folder):
        path = os.path.join(folder, "picture.png")
        app.picture(path)
        self.pixels = GdkPixbuf.Pixbuf.new_from_file(path)
        self.bytes = self.pixels.get_pixels()

    def luminances(self, left, top, width, height):
        """Of the pixels there that the picture has."""
        step, row = self.pixels.get_n_channels(), self.pixels.get_rowstride()
        seen = {bytes(self.bytes[y * row + x * step:y * row + x * step + 3])
                for y in range(max(top, 0), min(top + height, self.pixels.get_height()))
                for x in range(max(left, 0), min(left + width, self.pixels.get_width()))}
        return [luminance(*colour) for colour in seen]
