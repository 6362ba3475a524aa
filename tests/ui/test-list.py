#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of chats and the search, in the real window: what was found stands in view, and what the
menus of chats and folders do reaches the store. Prints TAP."""

import json
import os
import sqlite3
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cases  # noqa: E402
import library  # noqa: E402
import talk  # noqa: E402
from cases import query  # noqa: E402
from drag import middle  # noqa: E402
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
            begin = word.split()[0]
            wait(lambda begin=begin: [n for n in app.find("list", "Chats").all("list item", "A zoo")
                                      if any(begin in label.name for label in n.all("label"))],
                 f"{word} in the list")[0].click()
            wait(lambda: marked(app, case.data, message), f"{word} in view")
            labels = [n for n in app.root.all("label") if "visible" in n.states()]
            version = "1/2" if word == "axolotl" else "2/2"
            assert [n for n in labels if n.name == version], version
            if word in ("numbat", "wombat", "axolotl"):  # in short lines, and not in the sidebar
                assert [n for n in labels if word in n.name for left, y, _, height in [n.extents()]
                        if left > 300 and 60 < y and y + height < bottom], f"{word} is not in view"


def replies_go_on_while_others_are_found(case):
    """A version that cannot be shown yet is said to be one; a reply that was stopped goes on."""
    with case.window(PARLEY_TEST_PACE="60") as app:
        case.ask(app, 30)
        talk.hurry(app)
        words = talk.ended(case.data).text.split()
        word = max((w for w in words if w.isalpha()), key=len, default=words[0])
        talk.settings(app, Longest_reply=300)
        app.find("push button", "Answer again").click()
        wait(lambda: query(case, "SELECT id FROM message WHERE state = 1"), "another reply")
        search = app.find("entry", "Search chats")
        search.set_text(word)
        wait(lambda: [n for n in app.find("list", "Chats").all("list item", talk.PROMPT)
                      if any(word in label.name for label in n.all("label"))],
             f"{word} in the list")[0].click()
        wait(lambda: talk.says(app, "This is in another version of the chat"), "why it stays away")
        search.set_text("")
        talk.grown(app, 20, 0)
        app.do("stop")
        cut = talk.ended(case.data, "stopped")
        app.find("push button", "Continue").click()
        talk.grown(app, 20)
        talk.hurry(app)
        done = wait(lambda: next(s for s in [talk.Stored(case.data)] if s.state == "complete"),
                    "the rest", 60)
        assert done.text.startswith(cut.text) and len(done.text) > len(cut.text)
        assert done.generation["message"] == cut.generation["message"], "it is another message"
        talk.same(done, talk.greedy(300), 100)


# ---- order ----

def choose(app, title, item):
    """In the menu that a chat's row shows to the pointer."""
    app.xdotool("mousemove", *map(str, middle(app, app.find("list item", title))))
    wait(lambda: app.find("list item", title).all("push button", "Chat menu"),
         f"the menu of {title}")[0].click()
    pick(app, item)


def pick(app, item):
    wait(lambda: app.root.all("menu item", item), item)[-1].click()


def write_in(app, entry, text, button):
    """In a question."""
    app.find("text", entry).set_text(text)
    app.find("push button", button).click()
    wait(lambda: not app.root.all("text", entry), "the question to close")


def titles(app):
    return [node.name for node in app.find("list", "Chats").all("list item")]


def menus_keep_order(case):
    """Folders, pins, names, copies and the bin, by what a person presses, and in the store."""
    def of(column, title):
        return [value for value, in query(case, f"SELECT {column} FROM chat WHERE title = ?"
                                                " AND deleted_at = 0 ORDER BY id", title)]

    def heading(app, name):
        return app.root.all("label", name) + app.root.all("push button", name)

    bread, tables, dates, walk = ("Sourdough timetable", "Explain page tables",
                                  "Regular expressions for dates",
                                  "Packing list for a week of walking")
    with case.window() as app:
        choose(app, bread, "Move to Folder…")
        write_in(app, "Name of the folder", "Kitchen", "Move")
        wait(lambda: of("folder", bread) == ["Kitchen"], "the new folder in the store")
        choose(app, walk, "Move to Folder…")
        wait(lambda: app.root.all("push button", "Kitchen"), "the folder there is")[-1].click()
        wait(lambda: app.find("text", "Name of the folder").text() == "Kitchen", "its name")
        app.find("push button", "Move").click()
        wait(lambda: of("folder", walk) == ["Kitchen"], "the other chat in the folder")
        wait(lambda: not app.root.all("text", "Name of the folder"), "the question to close")
        app.find("push button", "Kitchen").click()
        wait(lambda: query(case, "SELECT value FROM setting WHERE key LIKE '%folded%'")
             == [("Kitchen\n",)], "it to be folded for good")
        assert not [n for n in talk.says(app, walk) if n.extents()[2] > 0], "it is still open"
        app.find("push button", "Folder Menu").click()
        pick(app, "Rename Folder…")
        write_in(app, "Name of the folder", "Home", "Rename")
        wait(lambda: of("folder", bread) == of("folder", walk) == ["Home"], "its new name")
        wait(lambda: heading(app, "Home") and not heading(app, "Kitchen"), "it in the list")
        wait(lambda: query(case, "SELECT value FROM setting WHERE key LIKE '%folded%'")
             == [("Home\n",)], "it to be folded still")
        app.find("push button", "Home").click()

        choose(app, tables, "Pin")
        wait(lambda: of("pinned", tables) == [1], "the pin in the store")
        wait(lambda: titles(app).index(tables) <= 1, "it to stand above the folders")
        choose(app, tables, "Unpin")
        wait(lambda: of("pinned", tables) == [0] and titles(app).index(tables) > 2, "it to go back")

        app.find("push button", "Folder Menu").click()
        pick(app, "Remove Folder")
        wait(lambda: of("folder", bread) == of("folder", walk) == [None], "the folder to go")
        wait(lambda: not heading(app, "Home") and walk in titles(app), "its chats to stay")
        library.undo(app)
        wait(lambda: of("folder", bread) == of("folder", walk) == ["Home"], "it to come back")

        choose(app, dates, "Rename…")
        write_in(app, "Name of the chat", "Wombats by date", "Rename")
        wait(lambda: of("title_given", "Wombats by date") == [1], "the name in the store")
        choose(app, walk, "Rename…")
        write_in(app, "Name of the chat", " ", "Rename")  # of a chat that was not opened
        wait(lambda: of("title_given", "What do I take along?") == [0], "its first words")
        choose(app, "Wombats by date", "Duplicate")
        wait(lambda: len(of("id", "Wombats by date")) == 2, "the copy")
        texts = [query(case, "SELECT role, kind, text FROM message JOIN part ON message = id"
                             " WHERE chat = ? ORDER BY id", chat)
                 for chat in of("id", "Wombats by date")]
        assert texts[0] == texts[1] and len(texts[0]) == 2, texts

        # From what a search finds, too: by its name and by what was said there.
        search = app.find("entry", "Search chats")
        search.set_text("wombats")
        wait(lambda: titles(app) == ["Wombats by date"] * 2, "both by their name")
        search.set_text("starter")
        wait(lambda: titles(app) == [bread], "it by what was said")
        choose(app, bread, "Delete")
        wait(lambda: of("id", bread) == [], "the chat to be deleted")
        wait(lambda: titles(app) == [], "what was found in it to go")
        library.undo(app)
        wait(lambda: of("folder", bread) == ["Home"], "it to come back")
        search.set_text("")
        wait(lambda: bread in titles(app), "it in the list")
        wait(lambda: talk.says(app, "When do I feed the starter"), "what was said in it")


def chats_get_titles(case):
    """From what they begin with, until a person says otherwise."""
    def title():
        return query(case, "SELECT title, title_given FROM chat ORDER BY id DESC LIMIT 1")[0]

    with case.window() as app:
        app.do("new-chat")
        talk.settings(app, Longest_reply=2)
        talk.write(app, "Once upon a time there was a cat. It sat.")
        talk.ended(case.data)
        assert title() == ("Once upon a time there was a cat", 0), title()
        wait(lambda: title()[0] in titles(app), "it in the list")
        app.key("F2")
        write_in(app, "Name of the chat", "The cat", "Rename")
        wait(lambda: title() == ("The cat", 1), "the name in the store")
        talk.write(app, "Another thing altogether.")
        wait(lambda: query(case, "SELECT count(*) FROM generation WHERE model LIKE 'Tiny%'")
             == [(2,)], "the next reply", 30)
        assert title() == ("The cat", 1) and "The cat" in titles(app), title()


# ---- files ----

def save_as(app, suggested, path):
    """In the toolkit's own dialog, which suggests a name."""
    name = wait(lambda: [n for n in app.root.all("text") if n.text() == suggested],
                f"{suggested!r} as the name")[0]
    name.set_text(path)
    wait(lambda: name.text() == path, "the path")
    app.key("Return")
    wait(lambda: os.path.exists(path) and os.path.getsize(path) and len(app.windows()) == 1, path)


def chats_go_out_and_come_back(case):
    """As text and as data, each by its menu; and all of them in a back-up."""
    title = "Memory of long chats"

    def told(chat):
        rows = query(case, "SELECT role, state, kind, text, parent IS NULL FROM message JOIN part"
                           " ON message = id WHERE chat = ? ORDER BY id, n", chat)
        return rows, query(case, "SELECT model, reply_tokens, stop FROM generation JOIN message"
                                 " ON id = message WHERE chat = ? ORDER BY id", chat)

    (before,), = query(case, "SELECT id FROM chat WHERE title = ?", title)
    text, data, copy = (os.path.join(case.desktop.home, name)
                        for name in ("out.md", "out.json", "all.db"))
    with case.window() as app:
        choose(app, title, "Export as Text…")
        save_as(app, title + ".md", text)
        with open(text, encoding="utf-8") as file:
            said = file.read()
        for words in (title, "Why does a long chat need more memory", "| 8B at 4 bits | 4.7 GB",
                      "print(kv_bytes(32", "Then you decide"):
            assert words in said, (words, said)
        assert "grows with every token." not in said, "a version that is not shown went out"
        choose(app, title, "Export as Data…")
        save_as(app, title + ".json", data)
        with open(data, encoding="utf-8") as file:
            chat = json.load(file)
        assert chat["format"] == "parley-chat" and len(chat["messages"]) == 5, chat
        choose(app, title, "Delete")
        wait(lambda: title not in titles(app), "it to go")
        app.find("push button", "Main Menu").click()
        pick(app, "Import Chats…")
        wait(lambda: len(app.windows()) == 2, "the dialog")
        app.type(data)
        wait(lambda: [n for n in app.root.all("text") if n.text() == data], "the path in it")
        app.key("Return")
        wait(lambda: title in titles(app), "it to come back")
        (after,), = query(case, "SELECT id FROM chat WHERE title = ? AND deleted_at = 0", title)
        assert after != before and told(after) == told(before), (told(after), told(before))
        wait(lambda: talk.says(app, "Then you decide"), "it on the page")
        assert [n for n in talk.says(app, "2/2") if n.name == "2/2"], "its versions are gone"
        app.do("preferences")
        wait(lambda: [n for n in app.root.all("push button") if n.name.startswith("Back Up…")],
             "Back Up")[0].click()
        suggested = wait(lambda: [n.text() for n in app.root.all("text")
                                  if n.text().endswith(".db")], "a name for the back-up")[0]
        save_as(app, suggested, copy)
        # After what was said of all that went before, each for some seconds.
        wait(lambda: talk.says(app, "The back-up is complete"), "that it is there", 60)
    with sqlite3.connect(copy) as db:
        assert db.execute("SELECT text FROM part JOIN message ON id = message WHERE chat = ?"
                          " AND text LIKE 'Then you decide%'", (after,)).fetchone()
    db.close()


CASES = [found_words_stand_in_view, replies_go_on_while_others_are_found, menus_keep_order,
         chats_get_titles, chats_go_out_and_come_back]

if __name__ == "__main__":
    sys.exit(cases.main(CASES, __file__))
