# SPDX-License-Identifier: GPL-3.0-or-later
"""The questions that the guide is measured by and never trained on: written by hand, apart from the
phrases of the corpus. Lines of held-out/*.txt: the intent, a tab or blanks, the question."""

import os
import re

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "held-out")


def questions():
    """[(file, intent, question)]"""
    result = []
    for name in sorted(os.listdir(FOLDER)):
        with open(os.path.join(FOLDER, name), encoding="ascii") as file:
            for line in file:
                if line.strip() and not line.startswith("#"):
                    intent, question = line.strip().split(None, 1)
                    result.append((name.removesuffix(".txt"), intent, question))
    return result


def bare(question):
    return " ".join(re.findall(r"[a-z0-9]+", question.lower()))


class Forbidden:
    """Membership, signs and case left aside."""

    def __init__(self, items):
        self.items = {bare(item) for item in items}

    def __contains__(self, question):
        return bare(question) in self.items


def forbidden():
    return Forbidden(question for _, _, question in questions())
