#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A full context, other models in a chat, and a GPU that is lost, in the real window. Prints TAP."""

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
        wait(lambda: [n for n in app.root.all("push button") if n.name.startswith("Enlarge to 512 (+")],
             "what it costs", 30)
        app.do("show-computer")
        spin = app.find("spin button", "Keep Free, GB")
        spin.set_value(spin.maximum())
        wait(lambda: query(case, "SELECT 1 FROM setting WHERE key = 'budgets'"), "the setting")
        app.do("show-chats")
        app.do("stop")
        n = n_replies(case)
        talk.write(app)
        wait(lambda: talk.says(app, "There is not enough memory for a context of 512"), "why not", 30)
        assert not [n for n in app.root.all("push button") if n.name.startswith("Enlarge")]
        press(app, "Forget the Oldest")
        wait(lambda: n_replies(case) == n + 1, "the reply", 60)
        wait(lambda: talk.says(app, "memory starts here"), "the line where its memory starts")


CASES = [enlarging_is_refused_with_a_reason]

if __name__ == "__main__":
    sys.exit(cases.main(CASES, __file__))
