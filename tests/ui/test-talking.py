#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people do in the middle of a conversation: write before the model is there, while it answers
and while it answers others, change their minds, close the window. Prints TAP."""

import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cases  # noqa: E402
import talk  # noqa: E402
from cases import kept, query, set_setting  # noqa: E402
from driver import wait  # noqa: E402


def press(app, name):
    app.find("push button", name).click()


def shown(app, words):
    """Labels with these words that are not hidden, nor anything above them."""
    return [n for window in app.root.children() for n in talk.seen(window)
            if n.is_label() and words in n.name]


def pick(app, *facts):
    """Chooses the model whose line in the picker says all that, and is not loaded."""
    app.do("pick-model")

    def resting():
        return [b for b in app.root.all("push button", "TinyStories 260K")
                if "expandable" not in b.states() and not b.all("label", "Loaded")
                and all(any(fact in n.name for n in b.all("label")) for fact in facts)]
    wait(resting, "a model that is not loaded")[-1].click()


# ---- before the model is there ----

def messages_wait_for_the_first_model(case):
    """On a fresh computer: three to choose from; what is written meanwhile is answered by the one
    that comes, not by the demonstration."""
    with case.window() as app:
        for kind in ("Fast: ", "Balanced: ", "Best that fits: "):
            card = wait(lambda kind=kind: [n for n in app.root.all("push button")
                                           if n.name.startswith(kind)], kind)[0]
            facts = [n.name for n in card.all("label")][1]
            assert "GB" in facts and "Apache 2.0" in facts, facts
        app.do("search", f"'{case.hub.real}'")
        button = wait(lambda: [n for n in app.root.all("push button")
                               if n.name.startswith("Download ")], "Download", 30)[0]
        case.hub.control(rate=10000)  # minutes, if nobody hurried it
        button.click()
        app.do("new-chat")
        talk.write(app)
        wait(lambda: shown(app, "Your message is answered as soon as"), "what it waits for")
        wait(lambda: [b for b in app.root.all("progress bar") if 0 < b.value() < 1], "how far it is")
        assert not talk.workers(app), "another model was loaded"
        app.do("new-chat")  # it is answered whether it is looked at or not
        wait(lambda: not shown(app, "Your message is answered"), "the other chat")
        case.hub.control(rate=0)
        reply = talk.ended(case.data)
    assert reply.generation["model"] == "TinyStories 260K", reply.generation["model"]


def unanswered_messages_are_answered_later(case):
    """The program ended while one waited: it is there, and one press away from its answer."""
    set_setting(case, "chat/last-model", "gone")
    other = os.path.join(os.path.dirname(case.model), "Other-260K-Q8_0.gguf")
    shutil.copy(case.model, other)
    with case.window() as app:
        app.do("new-chat")
        talk.write(app)
        wait(lambda: shown(app, "Choose the model you want to talk to"), "the question")
        chat = wait(lambda: query(case, "SELECT chat FROM part JOIN message ON message.id ="
                                  " part.message WHERE text = ?", talk.PROMPT), "it in the store")
        app.process.kill()
        app.process.wait()
    os.remove(other)
    with case.window() as app:
        app.do("show-chat", f"int64 {chat[0][0]}")
        wait(lambda: shown(app, "This message was not answered"), "that nobody answered")
        press(app, "Answer")
        talk.ended(case.data)
        wait(lambda: not shown(app, "This message was not answered"), "the note to go")
        assert query(case, "SELECT count(*) FROM message WHERE chat = ?", chat[0][0]) == [(2,)]


# ---- while it answers ----

def messages_wait_for_the_reply(case):
    with case.window(PARLEY_TEST_PACE="150") as app:
        case.ask(app, 120)  # 18 s, if nobody hurried it
        talk.grown(app, 8, 0)
        app.find("text", "Message").set_text("And then")
        app.key("Return")
        wait(lambda: shown(app, "1 message is answered after this reply"), "that it waits")
        app.find("text", "Message").set_text("And after that")
        app.key("Return")
        wait(lambda: shown(app, "2 messages are answered after this reply"), "that both wait")
        talk.hurry(app)
        wait(lambda: query(case, "SELECT count(*) FROM generation WHERE reply_tokens > 0"
                           " AND model LIKE 'Tiny%'") == [(2,)], "both replies", 60)
        assert not shown(app, "answered after this reply")
    roles = [role for role, in query(case, "SELECT role FROM message WHERE chat ="
                                     " (SELECT max(chat) FROM message) ORDER BY id")]
    assert roles == ["user", "assistant", "user", "user", "assistant"], roles


def replies_queue_for_one_model(case):
    with case.window(PARLEY_TEST_PACE="60") as app:
        case.ask(app, 300)
        first = talk.grown(app, 8, 0) and talk.Stored(case.data).chat
        case.ask(app, 40)
        wait(lambda: shown(app, "Waiting for its turn"), "that the second waits")
        press(app, "Stop")
        wait(lambda: not shown(app, "Waiting for its turn"), "waiting to end")
        assert query(case, "SELECT state FROM message WHERE chat = ? AND role = 'assistant'",
                     first) == [(1,)], "the first ended with the second"
        app.do("regenerate")
        wait(lambda: shown(app, "Waiting for its turn"), "that it waits again")
        assert len(talk.workers(app)) == 1
        app.do("show-chat", f"int64 {first}")
        talk.grown(app, 4)
        talk.hurry(app)
        wait(lambda: [n for n, in query(case, "SELECT reply_tokens FROM generation WHERE"
                                        " reply_tokens > 0 AND model LIKE 'Tiny%'"
                                        " ORDER BY message")] == [300, 40],
             "both replies, and nothing of the one that was stopped", 90)


def another_model_gives_way(case):
    """There is room for one: who has to wait, for whom, and who went, is said; and waiting ends
    when a person says so."""
    other = os.path.join(os.path.dirname(case.model), "Other-260K-Q8_0.gguf")
    shutil.copy(case.model, other)
    with case.window(PARLEY_TEST_PACE="60", PARLEY_VULKAN_DEVICE="none",
                     PARLEY_BUDGETS="cpu=4300000") as app:
        app.do("new-chat")
        pick(app, "F32")
        talk.settings(app, Temperature=0, Longest_reply=400)
        talk.write(app)
        talk.grown(app, 8, 0)
        before = talk.workers(app)
        app.do("new-chat")
        pick(app, "F32")
        wait(lambda: shown(app, "Waiting until TinyStories 260K has answered"), "for whom it waits")
        assert talk.workers(app) == before, "it was not waited for"
        talk.write(app)
        press(app, "Cancel")
        wait(lambda: not shown(app, "Waiting until"), "the end of waiting")
        wait(lambda: shown(app, "This message was not answered"), "what was not answered")
        assert talk.Stored(case.data).state == "answering", "the reply ended"

        pick(app, "F32")
        talk.write(app)
        wait(lambda: shown(app, "Waiting until TinyStories 260K has answered"), "for whom it waits")
        talk.hurry(app)
        wait(lambda: talk.says(app, "TinyStories 260K was unloaded to make room"), "who went", 60)
        wait(lambda: talk.workers(app) and talk.workers(app) != before, "the other one", 30)
        wait(lambda: query(case, "SELECT count(*) FROM generation WHERE model LIKE 'Tiny%'")
             == [(2,)], "both replies", 60)
        assert len(talk.workers(app)) == 1, "both are loaded"
    states = query(case, "SELECT stop, reply_tokens FROM generation WHERE model LIKE 'Tiny%'"
                   " ORDER BY message")
    assert states[0] == ("length", 400), states


# ---- changing one's mind ----

def every_version_is_kept(case):
    with case.window() as app:
        case.ask(app, 6)
        talk.ended(case.data)
        chat = talk.Stored(case.data).chat

        def replies():
            return query(case, "SELECT count(*) FROM message JOIN generation ON message = id"
                         " WHERE chat = ? AND role = 'assistant'", chat)[0][0]

        press(app, "Answer again")
        wait(lambda: shown(app, "2/2") and replies() == 2, "the second version", 30)
        app.key("ctrl+bracketleft")
        wait(lambda: shown(app, "1/2"), "the first version")
        app.key("ctrl+bracketright")
        wait(lambda: shown(app, "2/2"), "the second version")

        app.find("text", "Message").set_text("")
        app.find("text", "Message").press()
        app.key("Up")  # the last message, to be written anew
        wait(lambda: shown(app, "Writing this message anew"), "that it is written anew")
        assert app.find("text", "Message").text() == talk.PROMPT
        app.key("Escape")
        wait(lambda: not shown(app, "Writing this message anew"), "that it stays as it was")
        wait(lambda: app.find("text", "Message").text() == "", "an empty line")
        app.key("Up")
        wait(lambda: shown(app, "Writing this message anew"), "that it is written anew")
        app.find("text", "Message").set_text("There was a cat")
        press(app, "Send")
        wait(lambda: replies() == 3 and shown(app, "There was a cat"), "the answer to it", 30)
        question = app.root.all("list item", "You wrote")[-1]
        assert question.all("label", "2/2"), "the message has no versions"
        question.all("push button", "Previous version")[0].click()
        wait(lambda: shown(app, talk.PROMPT) and shown(app, "2/2"), "the old message, its replies")

        app.find("list item", "Reply").all("push button", "Edit message")[0].click()
        wait(lambda: shown(app, "Writing this message anew"), "a reply written anew")
        app.find("text", "Message").set_text("Once there was a dog.")
        press(app, "Send")
        wait(lambda: shown(app, "3/3") and shown(app, "Once there was a dog."), "the third version")
        assert replies() == 3, "what a person wrote was answered"

        row = app.find("list item", "Reply")
        more = row.all("push button", "More Actions")[0]
        more.click()
        n = query(case, "SELECT count(*) FROM chat")[0][0]
        wait(lambda: [x for x in app.root.walk() if x.name == "New Chat from Here"],
             "New Chat from Here")[0].click()
        wait(lambda: query(case, "SELECT count(*) FROM chat")[0][0] == n + 1, "the branch")
        wait(lambda: shown(app, "Once there was a dog.") and not shown(app, "3/3"),
             "the same conversation by itself")


def keys_are_enough(case):
    """From writing to renaming and back, without a pointer."""
    def title(chat):
        return query(case, "SELECT title FROM chat WHERE id = ?", chat)[0][0]

    def asked(app):
        return app.find(name="Conversation").all("label", talk.PROMPT)

    with case.window() as app:
        app.key("ctrl+n")
        app.find("text", "Message").press()
        app.type(talk.PROMPT)
        app.key("Return")
        reply = talk.ended(case.data)
        app.key("ctrl+shift+c")
        wait(lambda: shown(app, "Message copied"), "that it was copied")
        app.key("ctrl+v")
        wait(lambda: app.find("text", "Message").text() == reply.text, "the reply in the entry")
        app.find("text", "Message").set_text("")
        assert asked(app)
        app.key("ctrl+Next")
        wait(lambda: not asked(app), "the next chat")
        app.key("ctrl+Prior")
        wait(lambda: asked(app), "the chat before")
        app.key("F2")
        wait(lambda: shown(app, "Rename Chat"), "the dialog")
        app.key("ctrl+a")
        app.type("By keys alone")
        app.key("Return")
        wait(lambda: title(reply.chat) == "By keys alone", "the new name")
        app.key("ctrl+question")
        wait(lambda: shown(app, "Copy the last reply"), "the list of keys")
        words = [n.name for n in app.root.all("label")]
        assert "Ctrl" in words and "Shift" in words and "Page Down" in words, words
        app.key("Escape")


def drafts_are_kept(case):
    def text(app):
        return app.find("text", "Message").text()

    chats = [n for n, in query(case, "SELECT id FROM chat ORDER BY id LIMIT 2")]
    with case.window() as app:
        app.do("new-chat")
        app.find("text", "Message").set_text("of a new chat")
        for chat in chats:
            app.do("show-chat", f"int64 {chat}")
            wait(lambda: text(app) == "", "an empty line")
            app.find("text", "Message").set_text(f"of chat {chat}")
        app.do("new-chat")
        wait(lambda: text(app) == "of a new chat", "what was begun there")
        app.do("show-chat", f"int64 {chats[0]}")
        wait(lambda: text(app) == f"of chat {chats[0]}", "what was begun in the first")
        app.root.all("push button", "Edit message")[0].click()
        wait(lambda: shown(app, "Writing this message anew"), "that it is written anew")
        app.find("text", "Message").set_text("Anew")
        app.do("show-chat", f"int64 {chats[1]}")
        wait(lambda: text(app) == f"of chat {chats[1]}", "the draft of the other")
        app.do("show-chat", f"int64 {chats[0]}")
        wait(lambda: text(app) == "Anew" and shown(app, "Writing this message anew"),
             "what was begun to be written anew")
        press(app, "Send")
        wait(lambda: shown(app, "Anew") and text(app) == f"of chat {chats[0]}",
             "the draft after what was written anew")
        wait(lambda: query(case, "SELECT draft FROM chat WHERE id = ?", chats[0]) ==
             [(f"of chat {chats[0]}",)], "it in the store")
        app.process.kill()
        app.process.wait()
    with case.window() as app:
        wait(lambda: text(app) == f"of chat {chats[0]}", "the draft of the chat that was shown")
        app.do("new-chat")
        wait(lambda: text(app) == "of a new chat", "the draft after the crash")
        app.do("show-chat", f"int64 {chats[1]}")
        wait(lambda: text(app) == f"of chat {chats[1]}", "the other draft")


def files_of_drafts_are_kept(case):
    """Of a chat, and of a new one; until they are sent or taken off."""
    def attach(app, name, text):
        path = os.path.join(case.data, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        app.do("attach-file", f"'{path}'")
        wait(lambda: name in waiting(app), f"{name} beside the message")
        os.unlink(path)

    def waiting(app):
        return [n.name for files in app.root.walk() if files.name == "Attached files"
                for n in files.all("label") if n.name.endswith(".txt")]

    def stored(names):
        wait(lambda: sorted(query(case, "SELECT name FROM draft_file")) ==
             [(name,) for name in names], f"{names} in the store")

    def kill(app):
        app.process.kill()
        app.process.wait()

    (chat,), = query(case, "SELECT id FROM chat WHERE title = 'Sourdough timetable'")
    with case.window() as app:
        attach(app, "begun.txt", "Of a new chat.")
        app.do("show-chat", f"int64 {chat}")
        wait(lambda: not waiting(app), "no file of another chat")
        attach(app, "off.txt", "Not this one.")
        attach(app, "oven.txt", "Two hundred and thirty degrees.")
        stored(["begun.txt", "off.txt", "oven.txt"])
        press(app, "Take off off.txt")
        stored(["begun.txt", "oven.txt"])
        app.do("temporary-chat")
        attach(app, "secret.txt", "Kept nowhere.")
        wait(lambda: shown(app, "tokens"), "that it was read")
        kept(case, chat="0")
        app.do("show-chat", f"int64 {chat}")
        wait(lambda: waiting(app) == ["oven.txt"], "what waits here")
        stored(["begun.txt", "oven.txt"])
        kept(case, chat=str(chat))  # so that it comes back with this one
        kill(app)
    with case.window() as app:
        wait(lambda: waiting(app) == ["oven.txt"], "the file after the crash")
        press(app, "Send")
        wait(lambda: query(case, "SELECT part.text FROM part JOIN message ON message.id = message"
                           " WHERE chat = ? AND kind = 'attachment'", chat) ==
             [("Two hundred and thirty degrees.",)], "its text in the message")
        stored(["begun.txt"])
        assert waiting(app) == []
        app.do("new-chat")
        wait(lambda: waiting(app) == ["begun.txt"], "the file of the chat that was begun")
        app.do("show-chat", f"int64 {chat}")
        wait(lambda: not waiting(app), "nothing that was sent")
        kept(case, chat=str(chat))
        app.do("new-chat")
        wait(lambda: waiting(app) == ["begun.txt"], "it again")
        kept(case, chat="0")
        kill(app)
    with case.window() as app:
        wait(lambda: waiting(app) == ["begun.txt"], "the file of the new chat, after the crash")
        app.find("text", "Message").set_text("Words of a new chat")
        app.do("show-chat", f"int64 {chat}")
        app.do("delete-data")
        press(app, "Delete")
        stored([])
        app.do("new-chat")
        wait(lambda: app.find("text", "Message").text() == "" and not waiting(app),
             "an empty beginning")


def presets_are_taken_over(case):
    def settings():
        app.do("chat-settings")
        return app.find("text", "System prompt"), app.find("spin button", "Temperature")

    def close():
        app.key("Escape")
        wait(lambda: not app.root.all("spin button", "Temperature"), "the settings to close")

    def of_presets(name):
        press(app, "Choose")
        wait(lambda: [n for n in app.root.walk() if n.role == "push button" and n.name == name
                      ], name)[-1].click()

    chats = [n for n, in query(case, "SELECT id FROM chat ORDER BY id LIMIT 2")]
    with case.window() as app:
        app.do("show-chat", f"int64 {chats[0]}")
        prompt, spin = settings()
        prompt.set_text("Answer as a sailor.")
        spin.set_value(0.3)
        of_presets("Save as Preset…")
        app.find("text", "Name of the preset").set_text("Sailor")
        app.root.all("push button", "Save")[-1].click()
        wait(lambda: not app.root.all("text", "Name of the preset"), "the question to close")
        close()
        app.do("show-chat", f"int64 {chats[1]}")
        prompt, spin = settings()
        assert prompt.text() == "", prompt.text()
        of_presets("Sailor")
        wait(lambda: prompt.text() == "Answer as a sailor." and abs(spin.value() - 0.3) < 1e-6,
             "the preset")
        of_presets("Delete the preset Sailor")
        wait(lambda: not app.root.all("push button", "Sailor"), "it to go")
        app.key("Escape")
        close()
        assert not query(case, "SELECT 1 FROM setting WHERE value LIKE '%Sailor%'"), "it is kept"
    (prompt, sampling), = query(case, "SELECT system_prompt, settings FROM chat WHERE id = ?",
                                chats[1])
    assert prompt == "Answer as a sailor." and "0.3" in sampling, (prompt, sampling)


# ---- memory ----

def full_context_is_summed_up_or_enlarged(case):
    def overflow(app, context):
        talk.settings(app, Temperature=0, Longest_reply=4)
        asked = lambda: shown(app, "no longer fits the context")  # noqa: E731
        replies = lambda: query(case, "SELECT count(*) FROM generation")[0][0]  # noqa: E731
        for _ in range(12):
            n = replies()
            talk.write(app, "Once upon a time there was a girl. " * (context // 32))
            wait(lambda n=n: asked() or replies() > n, "a reply, or the question", 60)
            if asked():
                break
        wait(asked, "the question")
        assert shown(app, f"of {context:,} tokens"), "the meter does not say how full it is"

    # A summary takes more room than the other model has.
    with case.window(PARLEY_VULKAN_DEVICE="none") as app:
        app.do("new-chat")
        app.do("pick-model")
        wait(lambda: app.root.all("push button", "Parley Guide"), "the models")[-1].click()
        overflow(app, 2048)
        press(app, "Sum Them Up")
        wait(lambda: shown(app, "memory starts here"), "the line where its memory starts", 60)
        wait(lambda: shown(app, "What it keeps of the messages above"), "the summary")
        wait(lambda: query(case, "SELECT summary FROM chat WHERE memory_start != 0")[0][0],
             "the summary in the store")
    set_setting(case, "load/context", "256")
    with case.window() as app:
        app.do("new-chat")
        pick(app, "F32")
        overflow(app, 256)
        bigger = wait(lambda: [n for n in app.root.all("push button")
                               if n.name.startswith("Enlarge to 512 (+")], "what it costs", 30)[0]
        assert bigger.name.endswith("kB)") or bigger.name.endswith("MB)"), bigger.name
        bigger.click()
        wait(lambda: shown(app, "of 512 tokens"), "the larger context", 60)
        wait(lambda: not shown(app, "no longer fits the context"), "the answer", 60)
        assert not shown(app, "memory starts here"), "something was forgotten"
        app.do("new-chat")
        talk.write(app, "Once upon a time there was a girl. " * 80)
        wait(lambda: shown(app, "The last message alone is too long"), "the question", 60)
        press(app, "Edit Message")
        wait(lambda: shown(app, "Writing this message anew"), "that it is written anew")
        app.find("text", "Message").set_text(talk.PROMPT)
        press(app, "Send")
        wait(lambda: not shown(app, "The last message alone"), "the answer", 60)
        talk.ended(case.data)


def gpu_is_given_back(case):
    with case.window(PARLEY_TEST_PACE="60") as app:
        case.ask(app, 200)
        talk.grown(app, 8, 0)
        before = talk.workers(app)
        app.do("load-panel")
        press(app, "Give the GPU Back")
        wait(lambda: [n for n in talk.says(app, "No layers") if n.name.startswith("No layers")],
             "all layers to leave the GPU", 30)
        assert app.find("slider", "Layers on the GPU").value() == 0
        assert talk.Stored(case.data).state == "answering", "the reply ended"
        talk.hurry(app)
        reply = talk.ended(case.data)
        assert talk.workers(app) == before, "the engine process is another one"
        talk.same(reply, talk.greedy(200), 100)


def idle_models_are_unloaded(case):
    set_setting(case, "load/idle-minutes", "1")
    with case.window() as app:
        case.ask(app, 4)
        talk.ended(case.data)
        assert talk.workers(app)
        wait(lambda: not talk.workers(app), "the model to be unloaded", 120)
        talk.write(app, "And then")
        wait(lambda: query(case, "SELECT count(*) FROM generation WHERE model LIKE 'Tiny%'")
             == [(2,)], "the next reply, by the model loaded again", 60)


# ---- the window goes ----

def replies_end_in_the_background(case):
    set_setting(case, "background", "1")
    with case.window(PARLEY_TEST_PACE="60") as app:
        case.ask(app, 300)
        talk.grown(app, 8, 0)
        chat = talk.Stored(case.data).chat
        app.key("ctrl+w")
        wait(lambda: not app.windows(), "the window to hide")
        assert talk.Stored(case.data).state == "answering"
        app.again()
        wait(lambda: app.windows(), "the window to come back")
        talk.grown(app, 4)
        app.key("ctrl+w")
        wait(lambda: not app.windows(), "the window to hide")
        talk.hurry(app)
        wait(lambda: app.process.poll() is not None, "the program to end with the reply", 60)
        assert app.process.returncode == 0, app.messages()
    reply = talk.ended(case.data)
    assert reply.chat == chat and reply.generation["reply_tokens"] == 300
    talk.same(reply, talk.greedy(300), 100)


def background_is_refused(case):
    """Where the desktop would end a program without a window, it keeps its window."""
    set_setting(case, "background", "1")
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "portal.py")
    with subprocess.Popen([sys.executable, "-W", "ignore", program], text=True,
                          env=case.desktop.env, stdout=subprocess.PIPE) as portal:
        try:
            assert portal.stdout.readline() == "ready\n"
            with case.window(PARLEY_TEST_PACE="60") as app:
                case.ask(app, 300)
                talk.grown(app, 8, 0)
                app.key("ctrl+w")
                assert "finishes replies" in portal.stdout.readline()
                wait(lambda: talk.says(app, "does not let Parley go on"), "why it came back")
                assert app.windows() and talk.Stored(case.data).state == "answering"
                talk.hurry(app)
                talk.ended(case.data)
                assert app.windows(), "the program ended"
        finally:
            portal.kill()


CASES = [messages_wait_for_the_first_model, unanswered_messages_are_answered_later,
         messages_wait_for_the_reply, replies_queue_for_one_model, another_model_gives_way,
         every_version_is_kept, keys_are_enough, drafts_are_kept, files_of_drafts_are_kept, presets_are_taken_over,
         full_context_is_summed_up_or_enlarged, gpu_is_given_back, idle_models_are_unloaded,
         replies_end_in_the_background, background_is_refused]

if __name__ == "__main__":
    sys.exit(cases.main(CASES, __file__, ("messages_wait_for_the_first_model",)))
