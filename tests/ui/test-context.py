#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A full context, other models in a chat, a GPU that is lost, in the real window. Prints TAP."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cases  # noqa: E402
import talk  # noqa: E402
from cases import query  # noqa: E402
from driver import wait  # noqa: E402


def press(app, name):
    app.find("push button", name).click()


def n_replies(case):
    return query(case, "SELECT count(*) FROM generation WHERE reply_tokens > 0"
                       " AND model LIKE 'Tiny%'")[0][0]


def fill(case, app, letters):
    """Says much until it no longer fits."""
    asked = lambda: talk.says(app, "no longer fits the context")  # noqa: E731
    talk.settings(app, Temperature=0, Longest_reply=4)
    for _ in range(8):
        n = n_replies(case)
        talk.write(app, "Once upon a time there was a girl. " * (letters // 35))
        wait(lambda n=n: asked() or n_replies(case) > n, "a reply, or the question", 60)
        if asked():
            return
    raise AssertionError("everything fitted")


# ---- a full context ----

def enlarging_is_refused_with_a_reason(case):
    """The model's own limit, or the memory; what is left to choose does what it says."""
    cases.set_setting(case, "load/context", "256")
    with case.window(PARLEY_VULKAN_DEVICE="none") as app:
        app.do("new-chat")
        app.do("show-computer")
        app.find("spin button", "Keep Free, GB")
        app.do("show-chats")
        fill(case, app, 400)
        wait(lambda: [n for n in app.root.all("push button")
                      if n.name.startswith("Enlarge to 512 (+")], "what it costs", 30)
        app.do("show-computer")
        spin = app.find("spin button", "Keep Free, GB")
        spin.set_value(spin.maximum())
        wait(lambda: query(case, "SELECT 1 FROM setting WHERE key = 'budgets'"), "the setting")
        app.do("show-chats")
        app.do("stop")
        n = n_replies(case)
        talk.write(app)
        wait(lambda: talk.says(app, "There is not enough memory for a context of 512"),
             "why it cannot be larger", 30)
        assert not [n for n in app.root.all("push button") if n.name.startswith("Enlarge")]
        press(app, "Forget the Oldest")
        wait(lambda: n_replies(case) == n + 1, "the reply", 60)
        wait(lambda: talk.says(app, "memory starts here"), "the line where its memory starts")



# ---- other models ----

def talks_to(app, name):
    """The header says so."""
    return [b for b in app.root.all("push button", name) if 0 <= b.place()[1] < 40]


def pick(app, name):
    app.do("pick-model")
    wait(lambda: [b for b in app.root.all("push button", name) if b.place()[1] > 40],
         name)[-1].click()
    wait(lambda: talks_to(app, name), f"{name} to be the one that is talked to")


def authors(app):
    """Who wrote the replies that are shown."""
    replies = app.find(name="Conversation").all("list item", "Reply")
    return [row.all("label")[0].name for row in replies]


def models_change_in_a_chat(case):
    """What was said stays, each reply says who wrote it, and the way back is the same."""
    first, second = "TinyStories 260K", "Second Voice"
    cases.rename_inside(case.model, os.path.join(os.path.dirname(case.model), "Second-Q8_0.gguf"),
                        second)

    def told():
        return [row[0] for row in query(
            case, "SELECT model FROM generation JOIN message ON id = message WHERE chat ="
                  " (SELECT max(id) FROM chat) AND reply_tokens > 0 ORDER BY id")]

    with case.window(PARLEY_VULKAN_DEVICE="none") as app:
        app.do("new-chat")
        pick(app, first)
        talk.settings(app, Temperature=0, Longest_reply=4)
        for number, name in enumerate((first, second, first)):
            if number > 0:
                pick(app, name)
            talk.write(app, f"And then {number}")
            wait(lambda n=number: len(told()) == n + 1, f"the reply of {name}", 60)
            wait(lambda: authors(app) == told(), f"{told()} above the replies")
            assert app.find("text", "Message").text() == ""
        assert told() == [first, second, first], told()
        pick(app, second)
        app.root.all("push button", "Answer again")[-1].click()
        wait(lambda: told() == [first, second, first, second], "the other one's version", 60)
        wait(lambda: authors(app) == [first, second, second], "it in place of the first")
        app.key("ctrl+bracketleft")
        wait(lambda: authors(app) == [first, second, first], "the version before")
        chat, = query(case, "SELECT max(id) FROM chat")[0]
        assert query(case, "SELECT count(*) FROM chat") == [(6,)], "the chat became two"
        # The cache of each held what it had read of the chat: only what came since is read.
        evaluated = query(case, "SELECT prompt_tokens, cached_tokens FROM generation JOIN message"
                                " ON id = message WHERE chat = ? ORDER BY id", chat)
        assert evaluated[0][1] == 0 == evaluated[1][1] and evaluated[2][1] > 0, evaluated
    with case.window(PARLEY_VULKAN_DEVICE="none") as app:
        app.do("show-chat", f"int64 {chat}")
        wait(lambda: authors(app) == [first, second, first], "the same after a restart")
        wait(lambda: talks_to(app, second), "who wrote last to be asked next")


# ---- a GPU that is lost, as after a suspend ----

def lost_gpu_costs_a_pause(case):
    """The reply is the same, the window says what happened, and the next message is answered by the
    GPU that was made anew."""
    with case.window(PARLEY_TEST_GPU_FAULT="lost@100", PARLEY_TEST_PACE="5") as app:
        app.do("new-chat")
        talk.settings(app, Temperature=0.01, Longest_reply=80)
        talk.write(app)
        wait(lambda: talk.says(app, "The GPU stopped working"), "what happened", 60)
        before = talk.workers(app)
        reply = talk.ended(case.data)
        assert reply.generation["reply_tokens"] == 80, dict(reply.generation)
        talk.same(reply, talk.greedy(80), 100)
        wait(lambda: talk.bare(reply.text) in talk.shown(app), "the whole reply in the window")
        talk.write(app, "And then")
        wait(lambda: n_replies(case) == 2, "the next reply", 60)
        assert talk.workers(app) == before, "the engine process is another one"
        assert wait(lambda: talk.says(app, "layers on the GPU"), "where its layers are")[0] \
            .name.startswith("All "), "the GPU was given up"


CASES = [enlarging_is_refused_with_a_reason, models_change_in_a_chat, lost_gpu_costs_a_pause]

if __name__ == "__main__":
    sys.exit(cases.main(CASES, __file__))
