# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversations as rows of tokens for training."""

import array
import random

# Most answers are cut short: which one it is shows in its first words, and that is what has to be
# learnt from many questions; the rest of it is learnt from few.
N_SHORT = 3, 10
SHARE_SHORT = 0.75
# Of questions only some tokens are foretold: that much teaches what words go together.
SHARE_ASKED, WEIGHT_ASKED = 0.15, 0.6  # of their tokens; of the loss, where answers count 1
# An answer begins with the token of its topic: which answer it is gets decided at once, among all, and
# not word by word among those that begin alike. Conversations that are given back have none, so some
# turns are without, and then the first word cannot be foreseen.
SHARE_TOPIC, WEIGHT_TOPIC = 0.75, 3.0


class Rows:
    """Draws conversations of `corpus` without end. `forbidden`: questions that must not occur."""

    def __init__(self, corpus, tokenizer, seed, n_positions, forbidden=frozenset()):
        self.corpus, self.tokenizer, self.n_positions = corpus, tokenizer, n_positions
        self.rng = random.Random(seed)
        self.forbidden = forbidden
        self.answers = {}
        self.n_turns = 0

    def _answer(self, text):
        ids = self.answers.get(text)
        if ids is None:
            ids = self.answers[text] = self.tokenizer.encode(text)
        return ids

    def row(self, n_tokens):
        """(tokens, weights, positions): token i + 1 is to be foreseen at i with weight i. Between
        turns positions jump, so that a short row teaches long conversations too."""
        t, rng = self.tokenizer, self.rng
        tokens, weights, positions = array.array("i"), array.array("f"), array.array("i")
        spare = self.n_positions - n_tokens - 1
        position = 0 if rng.random() < 0.4 else rng.randrange(spare)
        spare -= position
        turns = self.corpus.turns(rng)
        while len(tokens) <= n_tokens:
            intent, question, answer = next(turns)
            if question in self.forbidden:
                continue
            self.n_turns += 1
            asked = [t.user, *t.encode(question, rng), t.end, t.assistant]
            ids = self._answer(answer)
            if rng.random() < SHARE_SHORT:
                said = ids[:rng.randint(*N_SHORT)]
                shares = [1.0] * len(said) + [0.0]
            else:
                said = ids
                shares = [1.0] * (len(said) + 1)
            tokens.extend(asked)
            has_topic = rng.random() < SHARE_TOPIC
            if has_topic:
                tokens.append(t.topics[self.corpus.topic(intent, answer)])
            else:
                shares[0] = 0.0
            tokens.extend(said)
            tokens.append(t.end)
            # Which turn comes next, and that a person speaks, is nothing to learn.
            weights.append(0.0)
            weights.extend(WEIGHT_ASKED if rng.random() < SHARE_ASKED else 0.0
                           for _ in asked[2:])
            weights.append(0.0)
            if has_topic:
                weights.append(WEIGHT_TOPIC)
            weights.extend(shares)
            n = len(asked) + has_topic + len(said) + 1
            positions.extend(range(position, position + n))
            position += n
            if spare > 0 and rng.random() < 0.3:
                jump = rng.randrange(min(spare, 300) + 1)
                position += jump
                spare -= jump
        return tokens[:n_tokens + 1], weights[1:n_tokens + 1], positions[:n_tokens]
