#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of chats and the search, in the real window: what was found stands in view, and what the
menus of chats and folders do reaches the store. Prints TAP."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cases  # noqa: E402
import talk  # noqa: E402
from cases import query  # noqa: E402
from driver import wait  # noqa: E402
from gi.repository import GdkPixbuf  # noqa: E402

# ---- search ----

def zoo():
    """A long chat with a beast in every kind of place, all of them far up: in thoughts, code, a
    table, a long paragraph, and in a version that is not shown."""
    line = "Nothing much happens in this one, and then a little more of nothing. "
    thoughts = "\n\n".join([line * 40, "There the numbat hides.", line * 5])
    code = [f"line_{n} = {n}" for n in range(150)]
    code[120] = "far = '" + "." * 220 + " quokka " + "'"
    table = "| Row | What |\n|---|---|\n" + "".join(
        f"| {n} | {'wombat' if n == 35 else 'nobody'} |\n" for n in range(40))
    text = f"```python\n{chr(10).join(code)}\n```\n\n{table}\n\n" + line * 80 + \
        "the pangolin of them all " + line * 20 + "\n\nOf them one is the last, of them all."
    hidden = line * 80 + "\n\nAn axolotl is elsewhere."
    messages = [
        {"id": 1, "role": "user", "parts": [{"kind": "text", "text": "Who lives here?"}]},
        {"id": 2, "parent": 1, "role": "assistant", "parts": [{"kind": "text", "text": hidden}]},
        {"id": 3, "parent": 1, "role": "assistant",
         "parts": [{"kind": "reasoning", "text": thoughts}, {"kind": "text", "text": text}],
         "generation": {"model": "Pangolin 7B", "reply_tokens": 40, "reply_seconds": 2.0}}]
    for n in range(4, 50):
        messages.append({"id": n, "parent": n - 1, "role": "assistant" if n % 2 else "user",
                         "parts": [{"kind": "text", "text": line}]})
    return {"format": "parley-chat", "version": 1, "title": "A zoo", "messages": messages,
            "path": [1] + list(range(3, 50))}


def marked(app, folder, message):
    """Whether a marked word is to be seen in the conversation: the picture has its yellow.
    `message`: where one is written."""
    path = os.path.join(folder, "marked.png")
    app.picture(path)
    picture = GdkPixbuf.Pixbuf.new_from_file(path)
    left, bottom, _, _ = message.extents()
    pixels, stride, n = picture.get_pixels(), picture.get_rowstride(), picture.get_n_channels()

    def is_yellow(at):
        red, green, blue = pixels[at:at + 3]
        return red > 220 and green > 200 and green - blue > 60

    rows = [y for y in range(60, bottom - 20, 2) if any(
        is_yellow(y * stride + x * n) for x in range(left - 40, picture.get_width(), 3))]
    return len(rows) > 4


def found_words_stand_in_view(case):
    path = os.path.join(case.data, "zoo.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(zoo(), file)
    with case.window() as app:
        # Asked for once: the tree of a long chat takes long to fetch.
        message, search = app.find("text", "Message"), app.find("entry", "Search chats")
        app.do("import-file", f"'{path}'")
        wait(lambda: talk.says(app, "Nothing much happens"), "the chat")
        bottom = message.place()[1]
        for word in ("quokka", "numbat", "wombat", "pangolin of", "axolotl", "quokka"):
            search.set_text(word)
            wait(lambda word=word: [n for n in app.find("list", "Chats").all("list item", "A zoo")
                                    if any(word.split()[0] in label.name for label in n.all("label"))],
                 f"{word} in the list")[0].click()
            wait(lambda: marked(app, case.data, message), f"{word} in view")
            labels = [n for n in app.root.all("label") if "visible" in n.states()]
            version = "1/2" if word == "axolotl" else "2/2"
            assert [n for n in labels if n.name == version], version
            if word in ("numbat", "wombat", "axolotl"):  # in short lines, and not in the sidebar
                assert [n for n in labels if word in n.name for left, y, _, height in [n.extents()]
                        if left > 300 and 60 < y and y + height < bottom], f"{word} is not in view"


CASES = [found_words_stand_in_view]

if __name__ == "__main__":
    sys.exit(cases.main(CASES, __file__))
