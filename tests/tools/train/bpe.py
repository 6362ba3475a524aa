# SPDX-License-Identifier: GPL-3.0-or-later
"""A byte-level BPE tokenizer: learns merges from text, encodes, decodes. Text is cut into words as
the "qwen2" pre-tokenizer of GGUF files does it (for ASCII and Latin letters), so that the engine
encodes the same way."""

import collections
import heapq
import re

WORD = re.compile(r"'(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])|[^\r\n\w]?[^\W\d_]+|_[^\W\d_]+|\d"
                  r"| ?(?:[^\s\w]|_)+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
LOOSE, LOOSE_MERGES = 0.08, 0.3  # words that are cut otherwise; merges that are left out in those
SPECIAL = ["<|end|>", "<|user|>", "<|assistant|>"]


def _letters():
    """The letter that stands for each byte, as byte-level BPE files write them."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table, n_hidden = {}, 0
    for byte in range(256):
        if byte in shown:
            table[byte] = chr(byte)
        else:
            table[byte] = chr(256 + n_hidden)
            n_hidden += 1
    return table


LETTERS = _letters()
BYTES = {letter: byte for byte, letter in LETTERS.items()}


def spell(word):
    return tuple(LETTERS[byte] for byte in word.encode())


class Tokenizer:
    """`topics`: names of tokens that no text is ever made of; the network writes one before each
    answer, and nobody sees it."""

    def __init__(self, merges, topics=()):
        self.merges = merges
        self.ranks = {pair: rank for rank, pair in enumerate(merges)}
        self.tokens = SPECIAL + [LETTERS[byte] for byte in range(256)]
        self.tokens += [left + right for left, right in merges]
        self.topics = {name: len(self.tokens) + i for i, name in enumerate(topics)}
        self.tokens += [f"<|{name}|>" for name in topics]
        self.ids = {token: number for number, token in enumerate(self.tokens)}
        self.cache = {}
        self.end, self.user, self.assistant = range(3)

    def _merge(self, word, skips=lambda: False):
        parts = list(spell(word))
        while len(parts) > 1:
            rank, at = min((1 << 30 if skips() else
                            self.ranks.get((parts[i], parts[i + 1]), 1 << 30), i)
                           for i in range(len(parts) - 1))
            if rank == 1 << 30:
                break
            parts[at:at + 2] = [parts[at] + parts[at + 1]]
        return [self.ids[part] for part in parts]

    def _encode_word(self, word):
        known = self.cache.get(word)
        if known is None:
            known = self._merge(word)
            if len(self.cache) < 200000:
                self.cache[word] = known
        return known

    def encode(self, text, rng=None):
        """With `rng`, some words are cut into other pieces than the usual ones, so that a network
        learns what the pieces of rare and misspelt words have in common."""
        ids = []
        for word in WORD.findall(text):
            if rng is not None and rng.random() < LOOSE:
                ids += self._merge(word, lambda: rng.random() < LOOSE_MERGES)
            else:
                ids += self._encode_word(word)
        return ids

    def decode(self, ids):
        letters = "".join(self.tokens[number] for number in ids if number >= len(SPECIAL))
        return bytes(BYTES[letter] for letter in letters).decode(errors="replace")


def learn(texts, n_tokens):
    """A tokenizer of `n_tokens` tokens: always merges the most frequent pair of neighbours, and of
    equally frequent ones the first by name, so that the result is the same every time."""
    counts = collections.Counter(word for text in texts for word in WORD.findall(text))
    words = [(list(spell(word)), n) for word, n in sorted(counts.items())]
    pairs, places = collections.Counter(), collections.defaultdict(set)
    for number, (parts, n) in enumerate(words):
        for pair in zip(parts, parts[1:]):
            pairs[pair] += n
            places[pair].add(number)
    heap = [(-n, pair) for pair, n in pairs.items()]
    heapq.heapify(heap)
    merges = []
    while heap and len(merges) < n_tokens - 256 - len(SPECIAL):
        n, pair = heapq.heappop(heap)
        if pairs[pair] != -n or n == 0:
            continue  # an older count
        merges.append(pair)
        changed = set()
        for number in places.pop(pair):
            parts, n = words[number]
            for old in zip(parts, parts[1:]):
                pairs[old] -= n
                changed.add(old)
            i = 0
            while i + 1 < len(parts):
                if (parts[i], parts[i + 1]) == pair:
                    parts[i:i + 2] = [parts[i] + parts[i + 1]]
                i += 1
            for new in zip(parts, parts[1:]):
                pairs[new] += n
                places[new].add(number)
                changed.add(new)
        for other in changed:
            if pairs[other] > 0:
                heapq.heappush(heap, (-pairs[other], other))
    return Tokenizer(merges)
