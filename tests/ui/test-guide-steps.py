#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guide in Help promises and no other test looks at, done in the real window as a reader
would. Prints TAP."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cases  # noqa: E402
import driver  # noqa: E402
import talk  # noqa: E402
from driver import wait  # noqa: E402


def copied_addresses_lead_to_the_page(case):
    """Some browsers leave the scheme out of what they copy."""
    page = "huggingface.co/northwind-labs/Kestrel-1.5B-Instruct-GGUF"
    with case.window() as app:
        app.do("show-discover")
        field = app.find("entry", "Search models")
        field.set_text(page + "/blob/main/Kestrel-1.5B-Instruct-Q6_K.gguf")
        app.find("push button", "Download Q6_K", 30)
        wait(lambda: talk.says(app, "Asked for"), "the file that was asked for", 30)


def terminal_and_window_share_folders(case):
    """Also one in which no model is yet."""
    other = os.path.join(case.desktop.home, "elsewhere")
    os.mkdir(other)

    def folders(option):
        subprocess.run([os.path.join(driver.BUILD, "src", "cli", "parley-cli"), "folders", option,
                        other], env={**os.environ, "PARLEY_DATA_DIR": case.data}, check=True,
                       stdout=subprocess.DEVNULL)

    with case.window() as app:
        app.do("show-models")
        wait(lambda: talk.says(app, os.path.join(case.data, "models")), "the usual folder")
        assert not talk.says(app, other)
        folders("--add")
        wait(lambda: talk.says(app, other), "the new folder")
        folders("--remove")
        wait(lambda: not talk.says(app, other), "that it is off the list")


def guide_speaks_the_language_of_the_window(case):
    for language, title, begins in (
            ("de", "Wenn etwas schiefgeht", "„Nicht unterstützt“ neben einer Datei"),
            ("en", "When Something Goes Wrong", "“Not supported” beside a file"),
            ("qps", "When Something Goes Wrong", "“Not supported” beside a file")):
        with case.window(LANGUAGE=language) as app:
            app.do("help", "''")
            app.find("list item", title).press()
            wait(lambda begins=begins: talk.says(app, begins), f"the page in {language}")


CASES = [copied_addresses_lead_to_the_page, terminal_and_window_share_folders,
         guide_speaks_the_language_of_the_window]


if __name__ == "__main__":
    sys.exit(cases.main(CASES, __file__))
