#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chats in the real window: deletions, search, files, several models at once, a full context, and
accidents of the disk and the engine. Prints TAP."""

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cases  # noqa: E402
import driver  # noqa: E402
import library  # noqa: E402
import pictures  # noqa: E402
import talk  # noqa: E402
from cases import query  # noqa: E402
from driver import wait  # noqa: E402

KILLS = 50 if cases.LONG else 4


def rows(app):
    """Titles of the chats that the sidebar shows, also those in folded folders."""
    return [node.name for node in app.find("list", "Chats").all("list item")]


def labels(app):
    return [n for window in app.root.children() for n in talk.seen(window) if n.is_label()]


def press(app, name):
    app.find("push button", name).click()


# ---- order in the sidebar ----

def deletions_are_undone(case):
    """The last one first; and a message comes back in its chat, wherever one looks meanwhile."""
    with case.window() as app:
        title, second = "Sourdough timetable", "Explain page tables"
        chat = query(case, "SELECT id FROM chat WHERE title = ?", title)[0][0]
        other = query(case, "SELECT id FROM chat WHERE title = ?", second)[0][0]
        app.find("list", "Chats")  # once, as what is offered stays for some seconds only
        app.do("delete-chat", f"int64 {chat}")
        app.do("delete-chat", f"int64 {other}")
        library.undo(app)
        wait(lambda: title in rows(app), "the chat to come back")
        assert second not in rows(app), "Undo brought the wrong one back"
        wait(lambda: talk.says(app, f"Deleted “{second}”"), "what is offered next")
        library.undo(app)
        wait(lambda: second in rows(app), "the second to come back")

        app.do("show-chat", f"int64 {chat}")
        n = wait(lambda: len(messages(app)), "the messages")
        app.root.all("push button", "More Actions")[-1].click()
        wait(lambda: app.root.all("menu item", "Delete Message"), "Delete")[-1].click()
        wait(lambda: len(messages(app)) < n, "the message to go")
        app.do("new-chat")
        library.undo(app)
        wait(lambda: len(messages(app)) == n, "the message to come back, in its chat")


def messages(app):
    return app.find(name="Conversation").all("list item")


def long_chat(case):
    """Its number, and those of its messages."""
    seed = os.path.join(driver.BUILD, "tests", "ui", "seed")
    chat = int(subprocess.run([seed, case.data, "1", "30000"], text=True, capture_output=True,
                              check=True).stdout)
    found = [row[0] for row in query(case, "SELECT id FROM message WHERE chat = ? ORDER BY id", chat)]
    assert len(found) > 100, len(found)
    return chat, found


def long_chats_come_in_parts(case):
    """The end at once, the last forty soon, those before when they are asked for; and what is in
    view stays where it is."""
    chat, _ = long_chat(case)
    with case.window() as app:
        app.do("show-chat", f"int64 {chat}")
        wait(lambda: len(messages(app)) == 40, "the last forty")
        app.xdotool("mousemove", "900", "400", "click", "--repeat", "400", "--delay", "5", "4")
        button = app.find("push button", "Show earlier messages")
        wait(lambda: button.place()[1] > 0, "the beginning of them")
        top = button.place()[1]
        app.xdotool("click", "5")  # ends the wheel's swing, which at the top is unseen
        wait(lambda: button.place()[1] < top, "the way down")
        last = None
        while last != (last := messages(app)[0].place()):
            pass
        first = messages(app)[0]
        button.click()
        wait(lambda: len(messages(app)) == 80, "forty more")
        wait(lambda: abs(first.place()[1] - last[1]) <= 2,
             f"the first to be at {last}, not at {first.place()}")
        # What is out of sight is not drawn, and is as soon as it comes into sight. The pointer draws
        # what it is over again.
        app.xdotool("mousemove", "5", "5")
        press(app, "To the end")
        all_are_drawn(case, app)
        height = app.size()[1]
        app.resize(1000, 880)
        wait(lambda: app.size()[1] > height, "a higher window")
        all_are_drawn(case, app)


def all_are_drawn(case, app):
    """The texts of messages in sight have pixels of their own."""
    pane, = [n for n in app.root.all("scroll pane") if n.all(name="Conversation")]
    _, top, _, height = pane.extents()

    def drawn():
        picture = pictures.Picture(app, case.data)
        places = [n.extents() for message in messages(app) for n in talk.seen(message)
                  if n.is_label() and n.name.strip()]
        in_sight = [at for at in places if top <= at[1] and at[1] + at[3] <= top + height]
        colours = [picture.luminances(*at) for at in in_sight]
        return in_sight and all(pictures.contrast(min(c), max(c)) > 1.5 for c in colours)
    wait(drawn, "all messages in sight to be drawn")


def long_messages_come_in_smaller_parts(case):
    """As many as make 64 kB of text; a long bubble is as wide as its line, a short one is not."""
    chat, known = long_chat(case)
    text = "Once upon a time. " * 280
    with sqlite3.connect(os.path.join(case.data, "parley.db")) as db:
        db.execute(f"UPDATE part SET text = ? WHERE message IN ({str(known)[1:-1]})", (text,))
        last = db.execute("SELECT max(id) FROM message WHERE chat = ? AND role = 'user'",
                          (chat,)).fetchone()[0]
        db.execute("UPDATE part SET text = 'Brief.' WHERE message = ?", (last,))
    db.close()
    step = 65536 // len(text)
    with case.window() as app:
        app.do("show-chat", f"int64 {chat}")
        # The brief one comes on top.
        wait(lambda: len(messages(app)) == step + 1, f"the last {step + 1}")
        widths = {}
        for label in labels(app):
            if label.text() in (text, "Brief."):
                widths.setdefault(label.text() == text, []).append(label.extents()[2])
        assert max(widths[False]) < 100 < min(widths[True]), widths
        app.find("push button", "Show earlier messages").click()
        wait(lambda: len(messages(app)) == 2 * step + 1, f"{step} more")


def search_goes_far_up(case):
    """Only what is around the hit gets rows, more on the way down, and the end at a press."""
    chat, known = long_chat(case)
    with sqlite3.connect(os.path.join(case.data, "parley.db")) as db:
        for message, text in ((known[5], "a quokka"), (known[-1], "the last word")):
            db.execute("UPDATE part SET text = ? WHERE message = ?", (text, message))
            db.execute("DELETE FROM search WHERE rowid = ?", (message,))
            db.execute("INSERT INTO search (rowid, text) VALUES (?, ?)", (message, text))
    db.close()

    def shows(app, text):
        return any(n.text() == text for n in labels(app))

    with case.window() as app:
        app.do("find")
        app.find("entry", "Search chats").set_text("quokka")
        wait(lambda: [n for n in app.find("list", "Chats").all("list item")
                      if any("quokka" in label.name for label in n.all("label"))],
             "the hit")[0].click()
        wait(lambda: shows(app, "a quokka"), "the message that was found")
        wait(lambda: len(messages(app)) == 44, "four before it and forty from it on")
        app.xdotool("mousemove", "900", "400", "click", "--repeat", "200", "--delay", "5", "5")
        wait(lambda: len(messages(app)) > 44, "more on the way down")
        assert not shows(app, "the last word"), "the end has a row already"
        press(app, "To the end")
        wait(lambda: len(messages(app)) == 40 and shows(app, "the last word"), "the end")
        wait(lambda: not app.root.all("push button", "To the end"), "the button to go")


def search_shows_the_hit(case):
    with case.window() as app:
        app.do("find")
        app.find("entry", "Search chats").set_text("litres")
        row = wait(lambda: [n for n in app.find("list", "Chats").all("list item")
                            if n.name == "Packing list for a week of walking"
                            and any("litres" in label.name for label in n.all("label"))],
                   "the hit with what is around it")[0]
        row.click()
        wait(lambda: any(n.text() == "two litres of water"
                         for n in labels(app)), "the message that was found")
        app.find("entry", "Search chats").set_text("nowhere-to-be-found")
        wait(lambda: talk.says(app, "Nothing was found"), "that nothing was found")
        app.do("find")
        app.key("Escape")
        wait(lambda: len(rows(app)) == 5, "all chats again")
        app.do("show-models")
        app.do("find")
        app.type("tiny")
        wait(lambda: app.find("entry", "Search models on this computer").text() == "tiny",
             "the search for models")


def reply_shows_its_parts(case):
    """Thoughts unfold, code is copied, a tool's card opens, a link asks before it goes anywhere."""
    chat = {"format": "parley-chat", "version": 1, "title": "Parts", "path": [1, 2], "messages": [
        {"id": 1, "role": "user", "state": "complete",
         "parts": [{"kind": "text", "text": "How warm is it?"}]},
        {"id": 2, "parent": 1, "role": "assistant", "state": "complete",
         "parts": [{"kind": "reasoning", "text": "They want to know the weather."},
                   {"kind": "tool-call", "name": "weather", "text": '{"town": "Bath"}'},
                   {"kind": "text", "text": "It is **warm**:\n\n| Town | °C |\n|---|---|\n"
                    "| Bath | 21 |\n\n- [x] asked\n\n```python\nprint(21)\n```\n\n"
                    "[The forecast](https://example.org/bath)"}],
         "generation": {"model": "Fake 1B", "reply_tokens": 40, "reply_seconds": 2.0,
                        "first_token_seconds": 0.5, "reasoning_seconds": 3.0, "stop": "length"}}]}
    path = os.path.join(case.data, "parts.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(chat, file)

    def shows(app, words):
        return any(words in n.name for n in labels(app))

    with case.window() as app:
        app.do("import-file", f"'{path}'")
        wait(lambda: shows(app, "The forecast"), "the chat")
        assert shows(app, "20 tokens/s") and shows(app, "first after 0.5 s"), "no figures"
        for name in ("°C", "Bath", "21"):
            assert any(n.text() == name for n in labels(app)), name
        for name, words in (("Thought for 3.0 s", "They want to know"), ("Calls weather", "")):
            button = app.find("push button", name)
            assert "expandable" in button.states() and "expanded" not in button.states(), name
            button.click()
            wait(lambda n=name: "expanded" in app.find("push button", n).states(), name + " to open")
            wait(lambda w=words: shows(app, w), words)
        wait(lambda: [n for n in app.root.all("text") if '"town"' in n.text()], "what it was asked")
        link = next(n for n in labels(app) if n.text() == "The forecast")
        place = None
        while place != (place := link.place()):  # what was unfolded still moves it
            time.sleep(0.3)
        x, y = (a + b for a, b in zip(app.origin(), place))
        app.xdotool("mousemove", str(x + 20), str(y + 8), "click", "1")
        wait(lambda: shows(app, "https://example.org/bath"), "where the link goes")
        app.key("Escape")
        wait(lambda: not shows(app, "https://example.org/bath"), "the question to go")
        app.root.all("push button", "Copy code")[-1].click()  # the first is of the tool
        wait(lambda: shows(app, "Code copied"), "that it was copied")
        app.root.all("push button", "Copy code")[-1].click()  # the first is of the tool
        wait(lambda: shows(app, "Code copied"), "that it was copied")
        app.find("text", "Message").press()
        app.key("ctrl+v")
        wait(lambda: app.find("text", "Message").text() == "print(21)", "the code in the entry")


# ---- how words are chosen ----

def all_settings_of_a_chat(case):
    """Those in the second level reach the store; what cannot be used does not."""
    def sampling():
        return json.loads(query(case, "SELECT settings FROM chat WHERE id = ?", chat)[0][0])

    chat = query(case, "SELECT id FROM chat WHERE title = ?", "Sourdough timetable")[0][0]
    with sqlite3.connect(os.path.join(case.data, "parley.db")) as db:
        db.execute("UPDATE chat SET settings = ? WHERE id = ?",
                   (json.dumps({"grammar": 'root ::= "maybe"'}), chat))
    db.close()
    with case.window() as app:
        app.do("show-chat", f"int64 {chat}")
        app.do("chat-settings")
        app.find("spin button", "Temperature")
        assert "DRY" not in [n.name for n in labels(app)], "all settings are shown at once"
        wait(lambda: [n for n in app.root.walk() if n.name == "All Settings" and n.role != "label"],
             "All Settings")[0].click()
        wait(lambda: "DRY" in [n.name for n in labels(app)], "all settings")
        for name, value in (("DRY", 0.8), ("XTC", 0.5), ("Typical-p", 0.9)):
            app.find("spin button", name).set_value(value)
        bias = next(n for n in app.root.walk() if n.name == "Token bias" and n.role == "text")
        bias.set_text("42=oops")
        wait(lambda: [n for n in labels(app) if "such as 42=-inf" in n.name], "what is wrong")
        bias.set_text("42=-inf")
        wait(lambda: not [n for n in labels(app) if "such as 42=-inf" in n.name], "that it is over")
        rules = app.find("text", "Schema or rules")
        assert rules.text() == 'root ::= "maybe"', rules.text()
        rules.set_text("root ::= (")
        wait(lambda: [n for n in labels(app) if "the grammar has" in n.name],
             "what is wrong with the rules")
        rules.set_text('root ::= "yes" | "no"')
        wait(lambda: sampling() == {"dry_multiplier": 0.8, "xtc_probability": 0.5, "typical_p": 0.9,
                                    "logit_bias": "42=-inf", "grammar": 'root ::= "yes" | "no"'},
             "all of it in the store")
        app.key("Escape")
        wait(lambda: not app.root.all("spin button", "Temperature"), "the settings to close")


def form_binds_the_reply(case):
    """A schema does not outlive the change to rules; rules bind what the model says."""
    def form():
        settings = query(case, "SELECT settings FROM chat WHERE id = ?", chat)[0][0]
        found = json.loads(settings or "{}")
        return found.get("json_schema"), found.get("grammar")

    def kind(name):
        x, y = app.origin()  # of the dialog; the mouse stays beside what the wheel would change
        app.xdotool("mousemove", str(x + 20), str(y + 350), "click", "--repeat", "60",
                    "--delay", "10", "5")
        app.find("check box", name).press()

    chat = query(case, "SELECT id FROM chat WHERE title = ?", "Sourdough timetable")[0][0]
    schema, rules = '{"type": "boolean"}', 'root ::= "Yes, it was a cat." | "No, it was a dog."'
    with case.window() as app:
        app.do("show-chat", f"int64 {chat}")
        app.do("chat-settings")
        app.find("spin button", "Longest reply").set_value(100)
        wait(lambda: [n for n in app.root.walk() if n.name == "All Settings" and n.role != "label"],
             "All Settings")[0].click()
        kind("JSON of a schema")
        text = app.find("text", "Schema or rules")
        text.set_text(schema)
        wait(lambda: form() == (schema, None), "the schema in the store")
        kind("Rules of a grammar")
        wait(lambda: form() == (None, None) and text.text() == "", "the schema to be left")
        text.set_text('root ::= "maybe"')
        wait(lambda: form() == (None, 'root ::= "maybe"'), "rules in the store")
        kind("JSON of a schema")
        wait(lambda: form() == (schema, None) and text.text() == schema, "the schema again")
        kind("Rules of a grammar")
        text.set_text(rules)
        app.key("Escape")  # at once: what was typed last counts all the same
        wait(lambda: form() == (None, rules), "the rules in the store")
        before = talk.Stored(case.data).text
        talk.write(app)
        reply = wait(lambda: next(s for s in [talk.Stored(case.data)]
                                  if s.state == "complete" and s.text != before), "the reply", 60)
        assert reply.text in ("Yes, it was a cat.", "No, it was a dog."), repr(reply.text)


def defaults_are_of_one_model(case):
    """What an empty chat got from one model does not stay when another is chosen."""
    subprocess.run([os.path.join(driver.BUILD, "src", "cli", "parley-cli"), "set", case.model,
                    "-d", "system-prompt=Answer as a sailor.", "-d",
                    'sampling={"temperature": 0.2}'],
                   env={**os.environ, "PARLEY_DATA_DIR": case.data}, check=True)

    def last():
        return query(case, "SELECT value FROM setting WHERE key = 'chat/last-model'")

    def pick(name):
        before = last()
        app.do("pick-model")
        wait(lambda: [b for b in app.root.all("push button", name)
                      if "expandable" not in b.states()], name)[-1].click()
        wait(lambda: last() != before, "the choice")
        app.do("chat-settings")
        prompt, spin = app.find("text", "System prompt"), app.find("spin button", "Temperature")
        found = prompt.text(), round(spin.value(), 2)
        app.key("Escape")
        wait(lambda: not app.root.all("spin button", "Temperature"), "the settings to close")
        return found

    with case.window() as app:
        app.do("new-chat")
        assert pick("TinyStories 260K") == ("Answer as a sailor.", 0.2)
        assert pick("Parley Guide") == ("", 0.8), "the defaults of the other model stayed"
        assert pick("TinyStories 260K") == ("Answer as a sailor.", 0.2)


# ---- what goes in and out ----

def files_go_along(case):
    path = os.path.join(case.data, "poem.txt")
    with open(path, "w", encoding="utf-8") as file:
        file.write("Roses are <b>red</b>,\nviolets are blue.\n")
    with case.window() as app:
        app.do("attach-file", f"'{path}'")
        wait(lambda: any("token" in n.name for n in labels(app)), "what the file costs")
        app.do("attach-file", f"'{os.path.join(case.data, 'parley.db')}'")
        wait(lambda: talk.says(app, "neither text nor PDF"), "why the other one is refused")
        press(app, "Send")
        wait(lambda: query(case, "SELECT text FROM part WHERE kind = 'attachment'"), "it is stored")
        assert "<b>red</b>" in query(case, "SELECT text FROM part WHERE kind = 'attachment'")[0][0]
        talk.ended(case.data)


PDF = b"""%PDF-1.4
1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj
2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj
3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 300 100]/Contents 4 0 R\
/Resources<</Font<</F 5 0 R>>>>>> endobj
4 0 obj <</Length 44>> stream
BT /F 18 Tf 10 50 Td (Forty-two pages) Tj ET
endstream endobj
5 0 obj <</Type/Font/Subtype/Type1/BaseFont/Helvetica>> endobj
trailer <</Root 1 0 R>>
%%EOF
"""


def files_are_counted(case):
    """A guess until a model can count; and what waits to be sent fills the context already."""
    def costs(app):
        return [n.name for files in app.root.walk() if files.name == "Attached files"
                for n in files.all("label") if n.name.endswith("tokens")]

    path, pdf = (os.path.join(case.data, name) for name in ("poem.txt", "pages.pdf"))
    with open(path, "w", encoding="utf-8") as file:
        file.write("Roses are red,\nviolets are blue.\n" * 4)
    with open(pdf, "wb") as file:
        file.write(PDF)
    with case.window() as app:
        app.do("new-chat")
        app.do("attach-file", f"'{path}'")
        wait(lambda: [c for c in costs(app) if c.startswith("≈")], "a guess")
        app.do("load-model")
        exact = wait(lambda: (c := costs(app)) and not c[0].startswith("≈") and c[0],
                     "what the model counts", 60)
        number = int(exact.split()[0].replace(",", ""))
        assert number > 30, exact
        wait(lambda: talk.says(app, f"{number} of "), "the context with the file in it")
        app.do("attach-file", f"'{pdf}'")
        more = wait(lambda: len(c := costs(app)) == 2 and not c[1].startswith("≈") and c[1]
                    or talk.says(app, "built without"), "what the PDF costs", 10)
        if isinstance(more, str):
            number += int(more.split()[0])
            wait(lambda: talk.says(app, f"{number} of "), "the context with both")
        else:
            print("# built without PDF")


def chats_come_from_files(case):
    path = os.path.join(case.data, "chat.json")
    hostile = "<b>Not bold</b> \u202e[link](javascript:alert(1)) " + "x" * 3000
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"format": "parley-chat", "version": 1, "title": "<i>Imported</i> & more",
                   "messages": [
                       {"id": 1, "parent": None, "role": "user",
                        "parts": [{"kind": "text", "text": hostile}]},
                       {"id": 2, "parent": 1, "role": "assistant",
                        "parts": [{"kind": "text", "text": "See [this](javascript:alert(1)) and "
                                   "[that](file:///etc/passwd) \x1b[31mred\n\n" +
                                   "> " * 500 + "deep\n\n" + "- " * 300 + "list\n\n$x^2$\n"}]}],
                   "path": [1, 2]}, file)
    with case.window() as app:
        app.do("import-file", f"'{path}'")
        wait(lambda: "<i>Imported</i> & more" in rows(app), "its title as text")
        wait(lambda: any(hostile[:30] in n.text() for n in labels(app)), "its text as text")
        wait(lambda: any("See this and that" in n.text() for n in labels(app)), "the reply")
        app.do("open-link", "'javascript:alert(1)'")
        wait(lambda: talk.says(app, "Not Opened"), "that it is not opened")
        app.key("Escape")
        copy = os.path.join(case.data, "copy.db")
        app.do("back-up-file", f"'{copy}'")
        wait(lambda: os.path.exists(copy), "the back-up")
        app.do("delete-data")
        press(app, "Delete")
        wait(lambda: not query(case, "SELECT 1 FROM chat"), "that all is gone")
        wait(lambda: talk.says(app, "Your chats will be listed here"), "the empty list")
    with sqlite3.connect(copy) as db:
        assert db.execute("SELECT count(*) FROM chat").fetchone()[0] > 5
    db.close()


def write_chats(folder, n, size):
    """Exported chats, of which every twentieth is damaged. Returns the paths."""
    os.makedirs(folder)
    paths = [os.path.join(folder, f"{i:04}.json") for i in range(n)]
    for i, path in enumerate(paths):
        chat = {"format": "parley-chat", "version": 1, "title": f"Bulk {i:04}", "messages": [
            {"id": k, "parent": k - 1 or None, "role": "assistant" if k % 2 == 0 else "user",
             "parts": [{"kind": "text", "text": f"{i} {k} " + "word " * (size // 50)}]}
            for k in range(1, 11)]}
        text = json.dumps(chat)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text[:-9] if i % 20 == 7 else text)
    return paths


def many_files_come_in_and_go_out(case):
    def came():
        return query(case, "SELECT count(*) FROM chat WHERE title LIKE 'Bulk %'")[0][0]

    few = write_chats(os.path.join(case.data, "few"), 40, 5000)
    many = write_chats(os.path.join(case.data, "many"), 800, 50000)
    folder, pipe, out = (os.path.join(case.data, name) for name in ("many", "pipe", "out.json"))
    os.mkfifo(pipe)
    with case.window() as app:
        wait(lambda: rows(app), "the list")  # the first look takes longer than a toast stays
        app.do("import-files", str(few))
        wait(lambda: talk.says(app, "38 chats were imported. 2 files were left out. 0007.json"),
             "what came in", 60)
        assert came() == 38, came()
        wait(lambda: "Bulk 0039" in rows(app), "the chats in the list")

        # What was cancelled keeps what is in, whole.
        app.do("import-files", str(many))
        button = app.find("push button", "Cancel: Importing 800 chats")
        wait(lambda: came() > 45, "some of them")
        button.click()
        wait(lambda: not app.root.all("push button", "Cancel: Importing 800 chats"), "the end")
        n = came()
        assert 45 < n < 700, n
        counts = query(case, "SELECT DISTINCT (SELECT count(*) FROM message WHERE chat = chat.id) "
                             "FROM chat WHERE title LIKE 'Bulk %'")
        assert counts == [(10,)], counts

        app.do("import-file", f"'{few[3]}'")
        wait(lambda: any(n.text().startswith("3 10 word") for n in labels(app)), "the one chat")
        app.do("export-file", f"'{out}'")
        wait(lambda: talk.says(app, "The chat was exported"), "that it was exported")
        with open(out, encoding="utf-8") as file:
            written, read = json.load(file), json.load(open(few[3], encoding="utf-8"))
        assert [m["parts"] for m in written["messages"]] == [m["parts"] for m in read["messages"]]
        assert os.stat(out).st_mode & 0o777 == 0o600, "others can read it"
        for path, words in ((folder, "it is a folder"), (pipe, "it is not a usual file"),
                            (os.path.join(case.data, "none", "a.md"), "No such file")):
            app.do("export-file", f"'{path}'")
            wait(lambda w=words: talk.says(app, w), words)
    left = [name for name in os.listdir(case.data) if name.startswith(".parley-")]
    assert not left, left


def rows_are_made_of_the_latest_chats(case):
    """However many come in at once: eighty, and more when they are asked for."""
    paths = write_chats(os.path.join(case.data, "many"), 316, 50)
    with case.window() as app:
        before = len(wait(lambda: rows(app), "the list"))
        app.do("import-files", str(paths))
        wait(lambda: talk.says(app, "300 chats were imported."), "what came in", 60)
        assert before < 80, before
        # Those before them are pinned, in folders, or have rows already.
        assert 80 <= len(rows(app)) <= 80 + before, (before, rows(app))
        press(app, "Show Older Chats")
        wait(lambda: len(rows(app)) == 300 + before, "all of them")
        assert not app.root.all("push button", "Show Older Chats")


def temporary_chats_leave_nothing(case):
    before = query(case, "SELECT count(*) FROM message")
    with case.window(PARLEY_TEST_PACE="1") as app:
        app.do("temporary-chat")
        wait(lambda: talk.says(app, "Temporary chat"), "what a temporary chat is")
        talk.write(app)
        talk.grown(app, 40, 0)
        app.do("stop")
        assert len(rows(app)) == 5, rows(app)
        app.do("temporary-chat")
        wait(lambda: not talk.says(app, talk.PROMPT), "another temporary chat, still empty")
        app.do("new-chat")
        wait(lambda: not talk.says(app, "Temporary chat"), "a chat that is kept")
    assert query(case, "SELECT count(*) FROM message") == before


# ---- several at once ----

def two_models_answer_at_once(case):
    other = os.path.join(os.path.dirname(case.model), "Other-260K-Q8_0.gguf")
    shutil.copy(case.model, other)
    with case.window(PARLEY_TEST_PACE="60") as app:
        def pick_one_that_rests():
            app.do("pick-model")

            def resting():
                rows = [b for b in app.root.all("push button", "TinyStories 260K")
                        if any("F32" in n.name for n in b.all("label"))
                        and "expandable" not in b.states()]  # that is the picker itself
                return len(rows) == 2 and [b for b in rows if not b.all("label", "Loaded")]
            wait(resting, "the models")[-1].click()

        for n in (1, 2):
            app.do("new-chat")
            pick_one_that_rests()
            wait(lambda n=n: len(talk.workers(app)) == n, f"{n} engine processes", 60)
            talk.settings(app, Temperature=0, Longest_reply=400)
            talk.write(app)
            talk.grown(app, 8, 0)
        wait(lambda: query(case, "SELECT count(*) FROM message WHERE state = 1")[0][0] == 2,
             "two replies at once", 30)
        talk.hurry(app)
        wait(lambda: query(case, "SELECT count(*) FROM generation WHERE reply_tokens = 400")
             [0][0] == 2, "both replies", 90)
        texts = query(case, "SELECT p.text FROM part p JOIN generation g ON g.message = p.message"
                      " WHERE g.reply_tokens = 400")
        assert texts[0] == texts[1], "the same model said two things"
        assert len(talk.workers(app)) == 2, "one of them was unloaded"


def full_context_is_decided_by_the_person(case):
    with case.window() as app:
        app.do("new-chat")
        talk.settings(app, Temperature=0, Longest_reply=4)
        talk.write(app, "Once upon a time there was a little girl. " * 18)
        talk.ended(case.data)
        talk.write(app, "She had a cat and a dog and a bird and a fish. " * 18)
        wait(lambda: talk.says(app, "The model was made for at most 512 tokens."), "no larger one")
        assert not [n for n in app.root.all("push button") if n.name.startswith("Enlarge")]
        press(app, "Forget the Oldest")
        wait(lambda: talk.says(app, "memory starts here"), "the line where its memory starts", 30)
        wait(lambda: query(case, "SELECT count(*) FROM generation WHERE model LIKE 'Tiny%'")
             [0][0] == 2, "the reply", 60)
        press(app, "Remember All")
        wait(lambda: not talk.says(app, "memory starts here"), "the line to go")


# ---- accidents ----

def engine_dies_many_times(case):
    # So slow that all of them are dead before the context is full. On the CPU, where a new process
    # has no shaders to compile before it goes on.
    with case.window(PARLEY_TEST_PACE="500", PARLEY_VULKAN_DEVICE="none") as app:
        case.ask(app, 400)
        length = 0
        for _ in range(KILLS):
            length = talk.grown(app, 1, length)
            seen = talk.shown(app)
            os.kill(wait(lambda: talk.workers(app), "the engine process")[0], signal.SIGKILL)
            cut = talk.ended(case.data, "interrupted")
            assert seen in talk.bare(cut.text), f"{seen!r} is not in {cut.text!r}"
            length = len(talk.shown(app))
            app.find("push button", "Continue", 30).click()
        talk.grown(app, 1, length)
        talk.hurry(app)
        talk.same(talk.ended(case.data), talk.greedy(400), 100)


def database_is_locked(case):
    with case.window(PARLEY_TEST_PACE="5") as app:
        case.ask(app, 60)
        talk.ended(case.data)
        db = sqlite3.connect(os.path.join(case.data, "parley.db"), timeout=5)
        db.execute("BEGIN IMMEDIATE")
        talk.write(app, "And then")
        wait(lambda: [n for n in labels(app) if "locked" in n.name], "what is wrong", 60)
        db.rollback()
        db.close()
        wait(lambda: not [n for n in labels(app) if "locked" in n.name], "that it is over", 60)
        wait(lambda: query(case, "SELECT 1 FROM part WHERE text = 'And then'"),
             "what was written meanwhile")


@contextlib.contextmanager
def on_a_disk(case, *options):
    """The case's data on a file system of its own; None where this user may not make one."""
    with tempfile.TemporaryDirectory() as place:
        done = subprocess.run(["mount", "-t", "tmpfs", "none", place, "-o", "size=16m"],
                              capture_output=True, check=False)
        if done.returncode != 0:
            print("# this user may not mount a file system: nothing was tried")
            yield None
            return
        try:
            shutil.copytree(case.data, place, dirs_exist_ok=True)
            case.data = place
            for option in options:
                subprocess.run(["mount", "-o", option, place], check=True)
            yield place
        finally:
            subprocess.run(["umount", "--lazy", place], check=True)


def database_is_read_only(case):
    chat = query(case, "SELECT id FROM chat WHERE title = ?", "Sourdough timetable")[0][0]
    with on_a_disk(case, "remount,ro") as place:
        if place is None:
            return
        with case.window() as app:
            wait(lambda: [n for n in labels(app) if "read but not changed" in n.name],
                 "that nothing can be changed")
            app.do("show-chat", f"int64 {chat}")
            wait(lambda: app.root.all("list item", "Reply"), "the chat")
            app.do("delete-chat", f"int64 {chat}")
            app.do("new-chat")
            talk.write(app)
            assert app.process.poll() is None, app.messages()


def disk_is_full_while_chatting(case):
    with on_a_disk(case) as place:
        if place is None:
            return
        filler = os.path.join(place, "filler")
        with case.window(PARLEY_TEST_PACE="150") as app:
            case.ask(app, 300)
            talk.grown(app, 20, 0)
            with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
            length = talk.grown(app, 10)
            wait(lambda: [n for n in labels(app) if "is full" in n.name], "what is wrong", 60)
            talk.grown(app, 10, length)
            seen = talk.shown(app)
            os.remove(filler)
            wait(lambda: not [n for n in labels(app) if "is full" in n.name], "that it is over", 60)
            talk.hurry(app)
            reply = talk.ended(case.data)
            assert seen in talk.bare(reply.text), f"{seen!r} is not in {reply.text!r}"
            talk.same(reply, talk.greedy(300), 100)


def model_is_deleted_under_its_chat(case):
    with case.window(PARLEY_TEST_PACE="5") as app:
        case.ask(app, 40)
        talk.grown(app, 8, 0)
        os.remove(case.model)
        reply = talk.ended(case.data)
        assert reply.generation["reply_tokens"] == 40, "the reply did not go on"


def window_closes_mid_reply(case):
    with case.window(PARLEY_TEST_PACE="30") as app:
        case.ask(app, 400)
        talk.grown(app, 20, 0)
        seen = talk.shown(app)
        app.key("ctrl+w")
        wait(lambda: app.process.poll() is not None, "the program to end")
        assert app.process.returncode == 0, app.messages()
    cut = talk.Stored(case.data)
    assert cut.state in ("interrupted", "stopped"), cut.state
    assert seen in talk.bare(cut.text)


CASES = [deletions_are_undone, long_chats_come_in_parts, long_messages_come_in_smaller_parts,
         search_goes_far_up, search_shows_the_hit, reply_shows_its_parts, all_settings_of_a_chat, form_binds_the_reply,
         defaults_are_of_one_model, files_go_along, files_are_counted, chats_come_from_files,
         many_files_come_in_and_go_out, rows_are_made_of_the_latest_chats,
         temporary_chats_leave_nothing, two_models_answer_at_once,
         full_context_is_decided_by_the_person, engine_dies_many_times, database_is_locked,
         database_is_read_only, disk_is_full_while_chatting, model_is_deleted_under_its_chat,
         window_closes_mid_reply]


if __name__ == "__main__":
    sys.exit(cases.main(CASES, __file__, ("long_chats_come_in_parts",)))
