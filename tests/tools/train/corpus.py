#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text that Parley Guide is trained on: reads the intents in corpus/ and draws questions,
answers and conversations from them. The same seed gives the same text, on any machine.

    corpus.py [--seed N] [--turns N]     prints turns: intent, question, answer

A file of intents has these lines:

    = name              begins an intent
    keys: a; b/c        what an answer must contain: a, and b or c
    weight: 3           how often it is drawn, beside 1
    define: a; b        fill the "$" of the shared phrases of that name ("~ define" in shared.txt)
    > question          a way to ask; {a|b|} is a choice, @name one of a list
    < answer
    + more              the answer to "tell me more" right after it
    @name: a|b          a list
"""

import argparse
import os
import random
import re

import noise

HERE = os.path.dirname(os.path.abspath(__file__))
CHOICE = re.compile(r"\{([^{}]*)\}")
LIST = re.compile(r"@(\w+)")
FOLLOW_UP = "more-of-what"  # the intent whose questions ask for more
GIBBERISH = "gibberish"
UNKNOWN = "unknown-thing"
SHARE_MORE, WEIGHT_MORE = 0.5, 2.5  # of an answer that has more to it: how often it is asked for
NAMES, SHARE_UNHEARD = {"person", "place"}, 0.25  # lists that can never hold all that there is


class Intent:
    def __init__(self, name, topic):
        self.name, self.topic = name, topic
        self.keys, self.questions, self.shared, self.answers = [], [], [], []
        self.weight, self.more = 1.0, None


class Corpus:
    def __init__(self, folder=os.path.join(HERE, "corpus")):
        self.intents, self.lists, self.phrases = {}, {}, {}
        for file in sorted(os.listdir(folder)):
            if file.endswith(".txt"):
                self._read(os.path.join(folder, file), file.removesuffix(".txt"))
        self.names = list(self.intents)
        # What an answer is about: an intent, or what more there is to say of it.
        self.topics = self.names + [f"{name}:more" for name in self.names if self.intents[name].more]
        self.weights = [intent.weight * (WEIGHT_MORE if intent.more else 1)
                        for intent in self.intents.values()]

    def _read(self, path, topic):
        intent = phrases = None
        with open(path, encoding="ascii") as file:
            for number, line in enumerate(file, 1):
                line = line.strip()
                kind, rest = line[:1], line[1:].strip()
                if not line or kind == "#":
                    continue
                if kind == "~":
                    phrases = self.phrases.setdefault(rest, [])
                elif kind == "=":
                    if rest in self.intents:
                        raise SystemExit(f"{path}:{number}: {rest} is there twice")
                    intent = self.intents[rest] = Intent(rest, topic)
                    phrases = None
                elif kind == "@":
                    name, items = rest.split(":", 1)
                    self.lists[name] = [item.strip() for item in items.split("|")]
                elif phrases is not None:
                    phrases.append(line)
                elif kind == ">":
                    intent.questions.append(rest)
                elif kind == "<":
                    intent.answers.append(rest)
                elif kind == "+":
                    intent.more = rest
                else:
                    self._read_field(intent, line, f"{path}:{number}")

    def _read_field(self, intent, line, place):
        name, colon, value = line.partition(":")
        if not colon:
            raise SystemExit(f"{place}: what is {line!r}?")
        if name == "keys":
            intent.keys += [[word.strip().lower() for word in key.split("/")]
                            for key in value.split(";")]
        elif name == "weight":
            intent.weight = float(value)
        else:
            intent.shared += [(name, term.strip()) for term in value.split(";")]

    # ---- drawing ----

    def expand(self, rng, text):
        """One of the things that `text` stands for."""
        def one_of(found):
            if found.group(1) in NAMES and rng.random() < SHARE_UNHEARD:
                return noise.pseudo_word(rng)
            return rng.choice(self.lists[found.group(1)])

        while True:
            new = LIST.sub(one_of, text)
            new = CHOICE.sub(lambda found: rng.choice(found.group(1).split("|")), new)
            if new == text:
                return re.sub(r" +([,?.!])", r"\1", " ".join(text.split()))
            text = new

    def plain_question(self, rng, intent):
        """A question as the files have it."""
        if intent.name == GIBBERISH:
            return noise.gibberish(rng)
        n_own = len(intent.questions)
        if intent.shared and rng.random() < max(0.3, 4 / (4 + n_own)):
            name, term = rng.choice(intent.shared)
            if intent.name == UNKNOWN and name == "define" and rng.random() < 0.3:
                term = noise.pseudo_word(rng)
            return self.expand(rng, rng.choice(self.phrases[name]).replace("$", term))
        return self.expand(rng, rng.choice(intent.questions))

    def question(self, rng, intent):
        """A question as a person might type it, in small letters."""
        return noise.disturb(rng, self.plain_question(rng, intent))

    def draw_intent(self, rng):
        return self.intents[rng.choices(self.names, self.weights)[0]]

    @staticmethod
    def topic(intent, answer):
        return f"{intent.name}:more" if answer == intent.more else intent.name

    def turns(self, rng):
        """An endless conversation: (intent, question, answer)."""
        before = None
        while True:
            if before is not None and before.more and rng.random() < SHARE_MORE:
                question = self.question(rng, self.intents[FOLLOW_UP])
                yield before, question, before.more
                before = None
                continue
            intent = self.draw_intent(rng)
            yield intent, self.question(rng, intent), rng.choice(intent.answers)
            before = intent


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--turns", type=int, default=100)
    options = parser.parse_args()
    turns = Corpus().turns(random.Random(options.seed))
    for _ in range(options.turns):
        intent, question, answer = next(turns)
        print(intent.name, question, answer, sep="\t")


if __name__ == "__main__":
    main()
