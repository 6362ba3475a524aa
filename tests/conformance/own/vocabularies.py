# SPDX-License-Identifier: GPL-3.0-or-later
"""Small vocabularies of every kind and what they make of texts, read in plain Python as the makers
of the kinds describe them: slow, and with nothing in common with the engine."""
import base64
import json
import pathlib
import random
import re
import struct
import sys
import unicodedata

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "families"))
from reading import entry, text as packed  # noqa: E402

BLANK = "\u2581"
NORMAL, UNKNOWN, CONTROL, USER, BYTE = 1, 2, 3, 4, 6
TEXTS = [
    "", " ", "a", "The river rises in the hills, and the hills rise from the plain.",
    "  two blanks before, three   within, two behind  ", "tabs\t\tand\nlines\r\n\r\n  indented\n\n\n",
    "I'm sure they'll say it's ours; WE'RE not, they'D think 's' isn't. don't",
    "1 22 333 4444 55555 3.14 1e10 0x1F 2\u00bd \u0663\u0664\u0665", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa b aaaaaaa",
    "for (int i = 0; i < n; i++) { sum += a[i] * 2; } // done/", "snake_case camelCase HTTPServer XMLHttp iOS",
    "\u0397 \u03b3\u03bb\u03ce\u03c3\u03c3\u03b1 \u0420\u0435\u043a\u0430 \u0442\u0435\u0447\u0451\u0442", "\u6cb3\u6d41\u4ece\u5c71\u4e2d\u6765\u3002\u5c71\u306f\u9ad8\u3044\u3002 \uac15\uc740 \uae4a\ub2e4",
    "\u05d4\u05e0\u05d4\u05e8 \u0627\u0644\u0646\u0647\u0631 \u0e41\u0e21\u0e48\u0e19\u0e49\u0e33 \u0928\u0926\u0940", "caf\u00e9 cafe\u0301 na\u00efve \u00dcber STRASSE stra\u00dfe",
    "\U0001f30a waves \U0001f468\u200d\U0001f469\u200d\U0001f467 \u2728!!", "?! ... --- \u2014 \u00ab\u00bb (a) [b] {c} <d> $5 50% a@b.c #tag",
    "<|tool|> and <u> and </s> in a text", "the end\u00a0\u2003\u3000of\u2028it",
]
TRAINING = " ".join(TEXTS) + " the river the hills in the plain and rises and rise from the hill " * 3


# ---- learning merges ----

def learn(symbols, n, may_join=lambda a, b: True):
    """The n pairs that are most frequent in turn, boundaries of words or not."""
    merges = []
    for _ in range(n):
        counts = {}
        for pair in zip(symbols, symbols[1:]):
            if may_join(*pair):
                counts[pair] = counts.get(pair, 0) + 1
        best = max(counts, key=lambda p: (counts[p], p))
        merges.append(best)
        out, i = [], 0
        while i < len(symbols):
            step = 2 if tuple(symbols[i:i + 2]) == best else 1
            out.append("".join(symbols[i:i + step]))
            i += step
        symbols = out
    return merges


def merged(symbols, rank):
    """The pair of the lowest rank first, the leftmost of equals."""
    symbols = list(symbols)
    while len(symbols) > 1:
        ranks = [rank(a, b) for a, b in zip(symbols, symbols[1:])]
        known = [r for r in ranks if r is not None]
        if not known:
            break
        i = ranks.index(min(known))
        symbols[i:i + 2] = [symbols[i] + symbols[i + 1]]
    return symbols


# ---- byte-level BPE ----

def shown_bytes():
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    shown = {b: chr(b) for b in printable}
    for b in range(256):
        shown.setdefault(b, chr(256 + len([x for x in shown.values() if ord(x) > 255])))
    return shown


SHOWN = shown_bytes()


def classes(s):
    """A letter for each character: U upper or title case, l lower case, X other letters, M marks,
    N numbers, s the blank, n ends of lines, w other white space, / itself, o all else."""
    def of(c):
        kind = unicodedata.category(c)
        if c in "\r\n":
            return "n"
        if c == " ":
            return "s"
        if c.isspace() and not 0x1c <= ord(c) <= 0x1f:
            return "w"
        return {"Lu": "U", "Lt": "U", "Ll": "l", "Lm": "X", "Lo": "X"}.get(
            kind, "M" if kind[0] == "M" else "N" if kind[0] == "N" else "/" if c == "/" else "o")
    return "".join(map(of, s))


LETTER, OTHER, SPACE, BEFORE = "[UlX]", "[oM/]", "[swn]", "[swoM/]?"
GPT2 = rf"s?{LETTER}+|s?N+|s?{OTHER}+|{SPACE}+(?![UlXMNo/])|{SPACE}+"
LINES = rf"{SPACE}*n+|{SPACE}+(?![UlXMNo/])|{SPACE}+"
LLAMA = rf"{BEFORE}{LETTER}+|%s|s?{OTHER}+n*|{LINES}"
CASED = rf"{BEFORE}[UXM]*[lXM]+%s|{BEFORE}[UXM]+[lXM]*%s"
SMALL, ANY_CASE = "'(?:[stmd]|[rv]e|ll)", "'(?:[sStTmMdD]|[rRvV][eE]|[lL][lL])"


def cut(s, pattern, contraction=None, behind=False):
    """Pieces by a pattern over the classes; contractions are looked for in the text itself."""
    kinds, pieces, i = classes(s), [], 0
    while i < len(s):
        found = re.compile(contraction).match(s, i) if contraction and not behind else None
        found = found or re.compile(pattern).match(kinds, i)
        end = found.end() if found else i + 1
        if behind and re.search("[UlXM]$", kinds[i:end]):
            more = re.compile(contraction).match(s, end)
            end = more.end() if more else end
        pieces.append(s[i:end])
        i = end
    return pieces


PRE = {
    "gpt-2": lambda s: cut(s, GPT2, SMALL),
    "starcoder": lambda s: [p for part in singled(s) for p in cut(part, GPT2, SMALL)],
    "llama-bpe": lambda s: cut(s, LLAMA % "N{1,3}", ANY_CASE),
    "qwen2": lambda s: cut(s, LLAMA % "N", ANY_CASE),
    "gpt-4o": lambda s: cut(s, rf"{CASED % ('', '')}|N{{1,3}}|s?{OTHER}+[n/]*|{LINES}", ANY_CASE, True),
    "tekken": lambda s: cut(s, rf"{CASED % ('', '')}|N|s?{OTHER}+[n/]*|{LINES}"),
}


def singled(s):
    """Each number apart, and what is between them."""
    parts, kinds = [], classes(s)
    for c, kind in zip(s, kinds):
        if kind == "N" or not parts or classes(parts[-1][-1]) == "N":
            parts.append(c)
        else:
            parts[-1] += c
    return parts


class ByteLevel:
    """Radford et al. 2019: bytes shown as characters, merged within the pieces of a pattern."""

    def __init__(self, pre):
        self.pre, self.whole = pre, pre in ("llama-bpe", "tekken")
        shown = "".join(SHOWN[b] for b in TRAINING.encode())
        merges = learn(list(shown), 260)
        for c in ("a", SHOWN[32]):
            merges += [(c * n, c * n) for n in (1, 2, 4, 8, 16, 32) if (c * n, c * n) not in merges]
        self.ranks = {pair: i for i, pair in enumerate(merges)}
        self.tokens = ["<unk>", "<s>", "</s>", "<|tool|>", "<u>"]
        self.tokens += [SHOWN[b] for b in range(256)]
        self.tokens += dict.fromkeys("".join(p) for p in merges if "".join(p) not in self.tokens)
        self.tokens.append("".join(SHOWN[b] for b in b" plain."))  # no merges lead to it
        self.types = [UNKNOWN, CONTROL, CONTROL, CONTROL, USER] + [NORMAL] * (len(self.tokens) - 5)
        self.ids = {t: i for i, t in enumerate(self.tokens)}
        self.keys = {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": pre,
                     "tokenizer.ggml.merges": [" ".join(p) for p in merges],
                     "tokenizer.ggml.add_bos_token": False}
        self.bytes_of = {SHOWN[b]: bytes([b]) for b in range(256)}

    def stretch(self, s, first):
        out = []
        for piece in PRE[self.pre](s):
            shown = "".join(SHOWN[b] for b in piece.encode())
            if self.whole and shown in self.ids:
                out.append(self.ids[shown])
            else:
                out += [self.ids[t] for t in merged(shown, lambda a, b: self.ranks.get((a, b)))]
        return out

    def spelled(self, i):
        token = self.tokens[i]
        return token.encode() if i < 5 else b"".join(self.bytes_of[c] for c in token)


# ---- kinds over characters, with U+2581 for blanks ----

class Marked:
    def __init__(self, tokens, model, **keys):
        self.tokens = ["<unk>", "<s>", "</s>", "<|tool|>", "<u>"]
        self.types = [UNKNOWN, CONTROL, CONTROL, CONTROL, USER]
        self.tokens += tokens
        self.types += [NORMAL] * len(tokens)
        self.keys = {"tokenizer.ggml.model": model, **keys}
        self.finish()

    def add_bytes(self):
        self.tokens += [f"<0x{b:02X}>" for b in range(256)]
        self.types += [BYTE] * 256
        self.finish()

    def finish(self):
        self.ids = {t: i for i, t in enumerate(self.tokens)}

    def or_bytes(self, symbol):
        if symbol in self.ids:
            return [self.ids[symbol]]
        return [self.ids[f"<0x{b:02X}>"] for b in symbol.encode("utf-8", "surrogateescape")]

    def spelled(self, i):
        token = self.tokens[i]
        if self.types[i] == BYTE:
            return bytes([int(token[3:5], 16)])
        return token.replace(BLANK, " ").encode()


class SentencePiece(Marked):
    """Kudo and Richardson 2018: neighbours merge to the token with the highest score."""

    def __init__(self, joins):
        marked = TRAINING.replace(" ", BLANK)
        merges = learn(list(marked), 240, lambda a, b: joins or BLANK not in b or set(a) == {BLANK})
        words = list(dict.fromkeys([*map("".join, merges), *("a" * n for n in (2, 4, 8, 16, 32)),
                                    *(BLANK * n for n in (2, 4, 8, 16, 32))]))
        characters = [c for c in dict.fromkeys(marked) if ord(c) < 0x3000 and c not in "\n\t\r"]
        super().__init__(words + [c for c in characters if c not in words], "llama")
        self.add_bytes()
        n = len(self.tokens)
        self.scores = [-float(i - 5) if self.types[i] == NORMAL else 0.0 for i in range(n)]
        self.keys["tokenizer.ggml.scores"] = self.scores

    def stretch(self, s, first):
        s = (BLANK if first else "") + s.replace(" ", BLANK)

        def rank(a, b):
            i = self.ids.get(a + b)
            return -self.scores[i] if i is not None and self.types[i] == NORMAL else None
        return [i for symbol in merged(s, rank) for i in self.or_bytes(symbol)]


class Gemma4(Marked):
    """Merges over characters with U+2581 for blanks, cut at the ends of lines alone."""

    def __init__(self):
        marked = TRAINING.replace(" ", BLANK)
        merges = learn(list(marked), 240)
        self.ranks = {pair: i for i, pair in enumerate(merges)}
        characters = [c for c in dict.fromkeys(marked) if ord(c) < 0x3000]
        words = dict.fromkeys([*characters, *map("".join, merges), "\n\n", "\n\n\n"])
        super().__init__(list(words), "gemma4", **{
            "tokenizer.ggml.merges": [" ".join(p) for p in merges]})
        self.add_bytes()

    def stretch(self, s, first):
        out = []
        for piece in re.findall("[^\n]+|\n+", s.replace(" ", BLANK)):
            if piece[0] == "\n" and piece in self.ids:
                out.append(self.ids[piece])
            else:
                for symbol in merged(piece, lambda a, b: self.ranks.get((a, b))):
                    out += self.or_bytes(symbol)
        return out


class Unigram(Marked):
    """Kudo 2018: the cut whose scores sum to the most."""

    def __init__(self):
        marked = TRAINING.replace(" ", BLANK)
        merges = learn(list(marked), 200, lambda a, b: BLANK not in b)
        characters = [c for c in dict.fromkeys(marked) if ord(c) < 0x3000]
        super().__init__(list(dict.fromkeys([*characters, *map("".join, merges)])), "t5")
        draw = random.Random("scores")
        self.scores = [0.0 if i < 5 else struct.unpack("<f", struct.pack("<f", draw.uniform(-9, -2)))[0]
                       for i in range(len(self.tokens))]
        self.keys.update({"tokenizer.ggml.scores": self.scores, "tokenizer.ggml.add_space_prefix": True,
                          "tokenizer.ggml.remove_extra_whitespaces": False,
                          "tokenizer.ggml.add_eos_token": True})

    def stretch(self, s, first):
        if first and s.strip(" "):
            s = " " + s
        s, lowest = s.replace(" ", BLANK), min(self.scores) - 10.0
        best = [(0.0, 0, None)] + [(-1e300, 0, None)] * len(s)
        for end in range(1, len(s) + 1):
            for begin in range(max(0, end - 40), end):
                i = self.ids.get(s[begin:end])
                if i is not None and self.types[i] == NORMAL:
                    score = best[begin][0] + self.scores[i]
                elif end == begin + 1:
                    i, score = 0, best[begin][0] + lowest
                else:
                    continue
                if score > best[end][0]:
                    best[end] = (score, begin, i)
        out, end = [], len(s)
        while end:
            out.insert(0, best[end][2])
            end = best[end][1]
        return [i for k, i in enumerate(out) if i or k == 0 or out[k - 1]]


class WordPiece(Marked):
    """Devlin et al. 2019: words cut greedily; a word that cannot be covered is unknown."""

    def __init__(self):
        words = [BLANK + w for w in ("the", "river", "hill", "rise", "and", "cafe", "strasse", "i", "a",
                                     "s", "t", "in", "uber", ",", ".", "'", "(", ")", "\u6cb3", "\u5c71", "2", "aaaa")]
        words += ["s", "ing", "aaaa", "aa", "a", "r", "e", "n", "\u00df", "stra", "3", "4", "ive"]
        words += [BLANK + "n"]
        super().__init__(words, "bert")
        self.tokens[:3] = ["[UNK]", "[CLS]", "[SEP]"]
        self.types[0] = CONTROL
        self.finish()

    def words(self, s):
        word = ""
        for c in s:
            c = unicodedata.normalize("NFD", c)[0].lower()
            kind = unicodedata.category(c)
            alone = kind[0] == "P" or c in "$+<=>^`|~" or 0x4e00 <= ord(c) <= 0x9fff
            if c.isspace() or alone:
                yield from [word] * bool(word)
                word = ""
            if alone:
                yield c
            elif not c.isspace() and kind not in ("Mn", "Cc", "Cf"):
                word += c
        yield from [word] * bool(word)

    def stretch(self, s, first):
        out = []
        for word in self.words(s):
            left, found = BLANK + word, []
            while left:
                n = next((n for n in range(len(left), 0, -1)
                          if self.types[self.ids.get(left[:n], 0)] == NORMAL), 0)
                if not n:
                    found = [0]
                    break
                found.append(self.ids[left[:n]])
                left = left[n:]
            out += found
        return out


# ---- cases ----

def encoded(v, s, parse_special):
    """Special tokens apart; with parse_special the control tokens among them, too."""
    marks = [t for t, kind in zip(v.tokens, v.types)
             if kind == USER or (parse_special and kind in (CONTROL, UNKNOWN))]
    out, first = [], True
    for part in re.split("(" + "|".join(map(re.escape, sorted(marks, key=len, reverse=True))) + ")", s):
        if part in marks:
            out.append(v.ids[part])
            first = True
        elif part:
            out += v.stretch(part, first)
            first = False
    return out


KINDS = {**{f"own-{pre}": lambda pre=pre: ByteLevel(pre) for pre in PRE},
         "own-spm": lambda: SentencePiece(False), "own-spm-joined": lambda: SentencePiece(True),
         "own-gemma4": Gemma4, "own-unigram": Unigram, "own-wordpiece": WordPiece}


def cases(v):
    model = v.keys["tokenizer.ggml.model"]
    for i, s in enumerate(TEXTS):
        for special in (False, True) if i % 6 == 5 or "tool" in s else (False,):
            ids = encoded(v, s, special)
            case = {"id": f"{i}{' special' if special else ''}", "parse_special": special,
                    "add_special": False, "ids": ids,
                    "detok_b64": base64.b64encode(b"".join(map(v.spelled, ids))).decode()}
            case["text"] = s
            yield case
    before, behind = {"gpt2": ([], []), "llama": ([1], []), "gemma4": ([1], []), "t5": ([], [2]),
                      "bert": ([1], [2])}[model]
    ids = before + encoded(v, "the hill", False) + behind
    yield {"id": "marks at the ends", "parse_special": False, "add_special": True, "ids": ids,
           "text": "the hill", "detok_b64": base64.b64encode(b"".join(map(v.spelled, ids))).decode()}


def write(folder):
    """NAME.gguf and NAME.jsonl for each kind; returns the names."""
    for name, make in KINDS.items():
        v = make()
        keys = {"general.architecture": "llama", "tokenizer.ggml.tokens": v.tokens,
                "tokenizer.ggml.token_type": v.types, "tokenizer.ggml.unknown_token_id": 0,
                "tokenizer.ggml.bos_token_id": 1, "tokenizer.ggml.eos_token_id": 2,
                "tokenizer.ggml.seperator_token_id": 2, **v.keys}
        with open(pathlib.Path(folder, name + ".gguf"), "wb") as f:
            f.write(b"GGUF" + struct.pack("<IQQ", 3, 0, len(keys)))
            for key, value in keys.items():
                f.write(packed(key) + entry(value))
        lines = [json.dumps(case) + "\n" for case in cases(v)]
        pathlib.Path(folder, name + ".jsonl").write_text("".join(lines), encoding="utf-8")
    return list(KINDS)
