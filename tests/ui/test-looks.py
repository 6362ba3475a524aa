#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every page, dialog and popover on a telephone's screen, in other languages and with large text;
words that can be read in high contrast; and colours that change while the window is open. Prints
TAP."""

import contextlib
import os
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cases  # noqa: E402
import pictures  # noqa: E402
import shots  # noqa: E402
import talk  # noqa: E402
import tour  # noqa: E402
from driver import Desktop, wait  # noqa: E402
from gi.repository import GLib  # noqa: E402

WIDTH, HEIGHT, LOW = 360, 720, 294
EDGE = 5  # of the window itself, where the display has no shadows
SHADOW = 23  # of a popover
LEAST = 4.5  # of contrast between words and what they are on
CONTROLS = {"push button", "toggle button", "slider", "spin button", "text", "entry", "combo box",
            "check box", "switch", "password text"}


# ---- the screen of a telephone ----

@contextlib.contextmanager
def telephone(case, language=None, text_scale=1, height=HEIGHT, font="Cantarell 11"):
    """A case whose screen is one, the window all over it. Yields the case, the window, and what
    turns texts into its language."""
    with sqlite3.connect(os.path.join(case.data, "parley.db")) as db:
        db.executemany("INSERT OR REPLACE INTO setting VALUES (?, ?)",
                       [("window/width", str(WIDTH)), ("window/height", str(height))])
    db.close()
    env, locales = {}, os.path.join(case.data, "locales")
    if language:
        env["LANGUAGE"] = "qps" if language == "rtl" else language
    if language == "rtl":
        subprocess.run([sys.executable, os.path.join(shots.ROOT, "po", "pseudo.py"), locales],
                       check=True)
        env["PARLEY_LOCALE_DIR"] = locales
    with Desktop(WIDTH + 2 * EDGE, height + 2 * EDGE, font, text_scale) as desktop:
        ours = cases.Case(case.hub, desktop, case.data)
        with ours.window(**env) as app:
            app.resize(WIDTH + 2 * EDGE, height + 2 * EDGE)
            yield ours, app, shots.words_of(language, locales)


def width_of(app, window):
    """Without edge or shadow, and how much it may be: a popover is what the screen lets it be."""
    about = subprocess.run(["xwininfo", "-id", window], env=app.env, text=True, capture_output=True,
                           check=True).stdout
    width = int(about.split("Width:")[1].split()[0])
    if "Override Redirect State: yes" in about:
        return width - 2 * SHADOW, WIDTH + 2 * EDGE
    return width - 2 * EDGE, WIDTH


def too_wide(app, place):
    """What of this place lies beyond the edges of the screen."""
    found = [f"{place}: a window is {width} wide"
             for width, most in (width_of(app, window) for window in app.windows())
             if width > most]
    if len(app.windows()) > len(list(app.root.children())):
        return found  # what a popover has in it is told its place in the window
    for window in app.root.children():
        width = window.extents()[2]
        for node in talk.seen(window):
            if node.role not in CONTROLS:
                continue
            left, _, wide, high = node.extents()
            # Wholly outside is what is not shown at all: other pages, the sidebar.
            if wide > 0 and high > 0 and left < width and left + wide > 0 and \
                    (left < 0 or left + wide > width):
                found.append(f"{place}: {node.role} {node.name!r} reaches from {left} to "
                             f"{left + wide} of {width}")
    return found


def fits(case, pages_only=False, **how):
    found, n = [], 0
    with telephone(case, **how) as (ours, app, say):
        for place in tour.places(ours, app, say):
            if pages_only and len(list(app.root.children())) > 1:
                continue
            n += 1
            # The toolkit's own dialog has two buttons beside each other that do not wrap.
            if place != "about" or how.get("text_scale", 1) == 1:
                found += too_wide(app, place)
    print(f"# {n} places")
    assert not found, "\n".join(found)


def low_windows_are_possible(case):
    """GNOME's smallest screen: 360 by 294, what a telephone on its side leaves beside its bars."""
    with telephone(case, height=LOW) as (_, app, _):
        for place in ("chats", "discover", "models", "compare", "computer"):
            app.do("show-" + place)
            tour.settled(app, place)
            assert app.size() == (WIDTH + 2 * EDGE, LOW + 2 * EDGE), f"{place}: {app.size()}"


def all_fits_a_telephone(case):
    fits(case)


def german_fits_a_telephone(case):
    fits(case, language="de")


def large_german_fits_a_telephone(case):
    """As the desktop's switch for large text has it."""
    fits(case, language="de", text_scale=1.25)


def larger_text_fits_a_telephone(case):
    fits(case, text_scale=1.5)


def larger_german_fits_a_telephone(case):
    """Of a wider font than GNOME's, as other desktops have."""
    fits(case, language="de", text_scale=1.5, font="DejaVu Sans 11")


def pages_fit_with_text_twice_as_large(case):
    fits(case, pages_only=True, text_scale=2)


def fits_from_right_to_left(case):
    fits(case, language="rtl")


def facts_stand_from_right_to_left(case):
    """Each an isolate, after a mark that gives the line its direction."""
    with telephone(case, language="rtl") as (_, app, _):
        app.do("show-models")
        facts = wait(lambda: talk.says(app, " · "), "facts about a model")[0].name
        assert all(fact.startswith("\u200f\u2068") and fact.endswith("\u2069")
                   for fact in facts.split(" · ")), ascii(facts)


# ---- colours ----

def is_cut(at, panes):
    """An edge of what scrolls goes through it: of its letters there may be little more than edges."""
    return any(at[0] < left + width and left < at[0] + at[2] and
               any(at[1] < edge + EDGE and edge - EDGE < at[1] + at[3] for edge in (top, top + height))
               for left, top, width, height in panes)


def hard_to_read(case, app, place, known):
    """Words of this place that hardly stand out. `known`: labels of the places before, by path."""
    picture, found = pictures.Picture(app, case.data), []
    nodes = list(talk.seen(next(app.root.children())))
    panes = [node.extents() for node in nodes if node.role == "scroll pane"]
    for node in nodes:
        at = node.extents()
        if node.role not in ("label", "heading") or not node.name.strip() or \
                "sensitive" not in node.states() or min(at[2:]) <= 0 or known.get(node.path) == at:
            continue
        known[node.path] = at
        values = picture.luminances(at[0] + EDGE, at[1] + EDGE, *at[2:])
        ratio = pictures.contrast(min(values), max(values)) if values else 1
        # Below 1.2 nothing is drawn there: it is scrolled away.
        if 1.2 < ratio < LEAST and not is_cut(at, panes):
            found.append(f"{place}: {ratio:.1f}:1 {node.name[:40]!r}")
    return found


def words_stand_out(case, scheme):
    known, found = {}, []
    with case.window(ADW_DEBUG_COLOR_SCHEME=f"prefer-{scheme}", ADW_DEBUG_HIGH_CONTRAST="1") as app:
        for part in (tour.conversations, tour.models):
            for place in part(case, app, str):
                if len(app.windows()) == 1:  # a dialog has a picture of its own
                    found += hard_to_read(case, app, place, known)
    print(f"# {len(known)} labels")
    assert len(known) > 60, "hardly anything was looked at"
    assert not found, "\n".join(found)


def words_stand_out_in_high_contrast(case):
    words_stand_out(case, "light")


def words_stand_out_in_the_dark(case):
    words_stand_out(case, "dark")


def colour_of(node, word):
    """The colour of the text's own that a word in it has: red, green, blue to 255; None: none."""
    attributes, *_ = node.access.call(node.path, "Text.GetAttributeRun", GLib.Variant(
        "(ib)", (node.text().index(word), False)))
    colour = attributes.get("fg-color")
    return colour and tuple(int(value) >> 8 for value in colour.split(","))


def colours_change_at_once(case):
    """Links and code of a conversation that is open."""
    def of_link():
        label = talk.says(app, "the documentation")[0]
        return pictures.luminance(*colour_of(label, "documentation"))

    def of_code():
        """The darkest and the lightest there."""
        app.key("ctrl+Home")
        left, top, *size = app.root.all("text", "Code")[0].extents()
        return pictures.Picture(app, case.data).luminances(left + EDGE, top + EDGE, *size)

    chat = cases.query(case, "SELECT id FROM chat WHERE title = 'Memory of long chats'")[0][0]
    with case.window() as app:
        app.do("show-chat", f"int64 {chat}")
        app.find("list item", "Reply")
        light = of_link()
        assert light < 0.2 and min(of_code()) < 0.1, (light, of_code())
        for row, dark in ((2, True), (1, False)):
            app.do("preferences")
            talk.choose(app, "Colours", row)
            wait(lambda dark=dark: (talk.brightness(app, case.data) < 0.4) == dark, "the colours")
            app.key("Escape")
            wait(lambda: not talk.says(app, "Where Things Are"), "the preferences to close")
            link, code = of_link(), of_code()
            assert (link > 0.25) if dark else link == light, link
            assert (max(code) > 0.5) if dark else min(code) < 0.1, code


CASES = [all_fits_a_telephone, german_fits_a_telephone, large_german_fits_a_telephone,
         larger_text_fits_a_telephone, larger_german_fits_a_telephone,
         pages_fit_with_text_twice_as_large, fits_from_right_to_left,
         facts_stand_from_right_to_left, low_windows_are_possible,
         words_stand_out_in_high_contrast, words_stand_out_in_the_dark, colours_change_at_once]

if __name__ == "__main__":
    sys.exit(cases.main(CASES, __file__, long=[
        "all_fits_a_telephone", "large_german_fits_a_telephone", "larger_text_fits_a_telephone",
        "larger_german_fits_a_telephone", "pages_fit_with_text_twice_as_large",
        "fits_from_right_to_left", "words_stand_out_in_the_dark"]))
