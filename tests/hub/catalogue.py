# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stand-in of a hub offers: invented repositories that look like real ones, for searching
and for pictures, and `fixture/…` ones with everything that can be wrong with a repository."""

import functools
import glob
import hashlib
import json
import os

from ggufs import Bytes, MadeFile, RealFile, Shape

SUGGESTIONS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "resources",
                           "suggestions.json")
SHAPES = {
    "tiny": Shape(2, 256, 8, 4, 512, vocab=512, context=512),
    "0.3B": Shape(24, 1024, 16, 4, 2816, context=8192),
    "0.5B": Shape(36, 1024, 16, 4, 3072, context=32768),
    "1.5B": Shape(28, 1536, 12, 2, 8960, context=32768),
    "3B": Shape(28, 3072, 24, 8, 8192, context=131072),
    "4B": Shape(39, 2560, 8, 4, 10240, context=131072),
    "7B": Shape(32, 4096, 32, 8, 14336, context=32768),
    "8B": Shape(32, 4096, 32, 8, 14336, vocab=128256, context=131072),
    "9B": Shape(42, 3584, 16, 8, 14336, vocab=64000, context=8192),
    "12B": Shape(40, 5120, 40, 8, 14336, vocab=64000, context=131072),
    "14B": Shape(48, 5120, 40, 8, 13824, vocab=64000, context=32768),
    "32B": Shape(64, 5120, 40, 8, 27648, vocab=64000, context=32768),
    "70B": Shape(80, 8192, 64, 8, 28672, vocab=128256, context=131072),
}
USUAL = ["Q2_K", "Q3_K_M", "IQ4_XS", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0"]

# repository, size, quantisations, downloads, likes, changed, licence, gate, pipeline, what it is
LISTED = [
    ("northwind-labs/Kestrel-7B-Instruct-GGUF", "7B", USUAL + ["F16"], 812345, 1930,
     "2026-10-28", "apache-2.0", False, "text-generation",
     "A general assistant that answers in eleven languages."),
    ("open-meadow/Larch-8B-Instruct-GGUF", "8B", USUAL, 645210, 1504,
     "2026-11-12", "apache-2.0", False, "text-generation",
     "Follows instructions closely and admits what it does not know."),
    ("tidepool-ai/Heron-3B-Chat-GGUF", "3B", USUAL + ["F16"], 401877, 977,
     "2026-11-02", "mit", False, "text-generation",
     "A small companion for conversation, quick on a laptop."),
    ("northwind-labs/Kestrel-1.5B-Instruct-GGUF", "1.5B", USUAL + ["BF16"], 358904, 801,
     "2026-10-28", "apache-2.0", False, "text-generation",
     "The little sister of Kestrel 7B, for machines with 4 GB of memory."),
    ("lanternworks/Juniper-Coder-7B-GGUF", "7B", USUAL, 296411, 1122,
     "2026-09-30", "apache-2.0", False, "text-generation",
     "Writes, explains and mends programs in forty languages."),
    ("brightwater/Osprey-9B-it-GGUF", "9B", USUAL, 240388, 866,
     "2026-08-19", "other", "auto", "text-generation",
     "Long answers with sources. The terms must be accepted before downloading."),
    ("saltmarsh/Plover-4B-Vision-GGUF", "4B", USUAL, 188230, 640,
     "2026-11-15", "apache-2.0", False, "image-text-to-text",
     "Looks at pictures and answers questions about them."),
    ("tidepool-ai/Heron-12B-Chat-GGUF", "12B", USUAL, 151002, 598,
     "2026-11-02", "mit", "manual", "text-generation",
     "The larger Heron. The owners answer each request for access."),
    ("lanternworks/Juniper-Coder-14B-GGUF", "14B", USUAL, 120554, 731,
     "2026-09-30", "apache-2.0", False, "text-generation",
     "Reads whole repositories and plans changes before it writes them."),
    ("quarry/Basalt-32B-GGUF", "32B", USUAL, 98127, 412,
     "2026-07-21", "apache-2.0", False, "text-generation",
     "Careful reasoning in mathematics and science."),
    ("quarry/Basalt-70B-GGUF", "70B", ["Q2_K", "Q4_K_M", "Q8_0"], 64390, 388,
     "2026-07-21", "apache-2.0", False, "text-generation",
     "The largest Basalt, for computers with much memory."),
    ("open-meadow/Larch-0.5B-Instruct-GGUF", "0.5B", USUAL + ["BF16"], 57002, 233,
     "2026-11-12", "apache-2.0", False, "text-generation",
     "Runs anywhere; good for short tasks and for trying things out."),
    ("firstlight/Wren-Embed-0.3B-GGUF", "0.3B", ["Q8_0", "F16"], 41870, 120,
     "2026-05-09", "mit", False, "feature-extraction",
     "Turns sentences into vectors for search."),
]
# What hubs say of some in tags: the family, and the languages.
TAGS = {"Kestrel": ["llama", "en", "de", "fr"], "Heron": ["qwen3", "llama-cpp", "en"],
        "Larch": ["gemma3", "llamafile", "en", "de"], "Osprey": ["en", "ja", "llama.cpp"]}
CARD = """---
license: {license}
pipeline_tag: {pipeline}
base_model: {base}
---

# {name}

{about}

## What it is good at

- Conversation, summaries and rewriting
- Questions about a text that you paste
- Step-by-step explanations

## Which file to choose

| File | Quality | When |
|---|---|---|
| Q8_0 | practically that of the original | enough memory |
| **Q4_K_M** | a good balance | most computers |
| Q2_K | noticeably lower | nothing else fits |

## Limits

It can be wrong and sounds sure when it is. Check what matters.
"""


def sha1(value):
    return hashlib.sha1(value.encode()).hexdigest()


class Item:
    """A file of a repository. `sha256` None: computed from the bytes when first asked for."""

    def __init__(self, make, sha256=None, lfs=True):
        self.make, self.known, self.lfs = make, sha256, lfs

    @functools.cached_property
    def file(self):
        return self.make()

    @functools.cached_property
    def sha256(self):
        if self.known:
            return self.known
        digest = hashlib.sha256()
        for at in range(0, self.file.size, 1 << 20):
            digest.update(self.file.read(at, 1 << 20))
        return digest.hexdigest()


class Repo:
    def __init__(self, name, **fields):
        self.name = name
        self.commits = [sha1(name)]
        self.trees = {self.commits[0]: {}}
        self.fields = fields
        self.gated = fields.get("gated", False)
        self.extra_entries = []  # raw tree entries, for hostile listings
        self.listed = fields.get("listed", True)

    @property
    def commit(self):
        return self.commits[-1]

    def add(self, path, make, sha256=None, lfs=True):
        self.trees[self.commit][path] = Item(make, sha256, lfs)

    def move(self, path, make):
        """A new commit in which `path` is another file."""
        tree = dict(self.trees[self.commit])
        self.commits.append(sha1(self.commit + path))
        self.trees[self.commit] = tree
        tree[path] = Item(make)

    def commit_of(self, revision):
        if revision in ("main", "refs/heads/main"):
            return self.commit
        return revision if revision in self.trees else None


def listed():
    for name, size, mixes, downloads, likes, changed, licence, gate, pipeline, about in LISTED:
        shape = SHAPES[size]
        title = name.split("/")[1].removesuffix("-GGUF")
        base = name.removesuffix("-GGUF")
        tags = next((more for word, more in TAGS.items() if word in name), [])
        repo = Repo(name, downloads=downloads, likes=likes, changed=changed + "T09:30:00.000Z", tags=tags,
                    license=licence, gated=gate, pipeline=pipeline, base=base,
                    parameters=shape.parameters, context=shape.context)
        card = CARD.format(license=licence, pipeline=pipeline, base=base, name=title, about=about)
        repo.add("README.md", functools.partial(Bytes, card.encode()), lfs=False)
        repo.add(".gitattributes", functools.partial(Bytes, b"*.gguf filter=lfs\n"), lfs=False)
        for i, mix in enumerate(mixes):
            parts = 3 if size == "70B" and mix == "Q8_0" else 2 if size == "70B" else 1
            for part in range(parts):
                path = f"{title}-{mix}.gguf"
                if parts > 1:
                    path = f"{mix}/{title}-{mix}-{part + 1:05}-of-{parts:05}.gguf"
                # Nobody fetches gigabytes of computed bytes, so their checksum is never compared.
                known = hashlib.sha256(f"{name}/{path}".encode()).hexdigest()
                repo.add(path, functools.partial(MadeFile, title, shape, mix, i + 1,
                                                 part if parts > 1 else None, parts), known)
        if pipeline == "image-text-to-text":
            repo.add(f"mmproj-{title}-F16.gguf",
                     functools.partial(MadeFile, title, SHAPES["tiny"], "F16", 90))
        yield repo


def real(models):
    """The files of a folder, as repositories that can really be downloaded."""
    paths = sorted(glob.glob(os.path.join(models, "*.gguf"))) if os.path.isdir(models) else [models]
    for path in paths:
        stem = os.path.basename(path)[:-5]
        repo = Repo(f"tinyworks/{stem}-GGUF", downloads=20480, likes=77,
                    changed="2026-06-01T08:00:00.000Z", license="mit", pipeline="text-generation",
                    base=f"tinyworks/{stem}", parameters=lambda: 260_000, context=512)
        card = CARD.format(license="mit", pipeline="text-generation", base=stem, name=stem,
                           about="A tiny model that tells short stories.")
        repo.add("README.md", functools.partial(Bytes, card.encode()), lfs=False)
        repo.add(os.path.basename(path), functools.partial(RealFile, path))
        yield repo


def tiny(mix="F32", seed=1, part=None, parts=1):
    return functools.partial(MadeFile, "Tiny", SHAPES["tiny"], mix, seed, part, parts)


def fixtures():
    def repo(name, **fields):
        made = Repo(f"fixture/{name}", listed=False, license="mit", pipeline="text-generation",
                    changed="2026-01-02T03:04:05.000Z", downloads=5, likes=1, **fields)
        made.add("README.md", functools.partial(Bytes, b"---\nlicense: mit\n---\n# Fixture\n"),
                 lfs=False)
        return made

    plain = repo("plain")
    plain.add("plain-Q8_0.gguf", tiny("Q8_0", 3))
    plain.add("plain-F32.gguf", tiny("F32", 4))
    plain.add("mmproj-plain-F16.gguf", tiny("F16", 5))
    plain.add("imatrix-plain.gguf", tiny("F32", 6))
    plain.add("plain-pirate-lora-F16.gguf", tiny("F16", 6))
    yield plain

    sharded = repo("sharded")
    for part in range(3):
        sharded.add(f"F32/big-F32-{part + 1:05}-of-00003.gguf", tiny("F32", 7, part, 3))
    for part in (0, 2):
        sharded.add(f"Q8_0/big-Q8_0-{part + 1:05}-of-00003.gguf", tiny("Q8_0", 8, part, 3))
    yield sharded

    for name, gated in (("automatic", "auto"), ("manual", "manual")):
        gate = repo(name, gated=gated)
        gate.add("gated-Q8_0.gguf", tiny("Q8_0", 9))
        yield gate
    closed = repo("closed")
    closed.add("closed-Q8_0.gguf", tiny("Q8_0", 9))
    yield closed

    hostile = repo("hostile")
    hostile.add("good-Q8_0.gguf", tiny("Q8_0", 10))
    digest = "ab" * 32
    for path in ("../escape-Q4_0.gguf", "/etc/absolute-Q4_0.gguf", "a/../../b-Q4_0.gguf",
                 "C:\\x-Q4_0.gguf", "..\\x-Q4_0.gguf", "CON.gguf", "dot./x.gguf", "x\n.gguf",
                 "evil\u202eFUGG.gguf", "x.part.json/y.gguf", "GOOD-q8_0.gguf", "e" * 300 + ".gguf"):
        hostile.extra_entries.append(
            {"type": "file", "oid": "0" * 40, "size": 10, "path": path,
             "lfs": {"oid": digest, "size": 10, "pointerSize": 130}})
    for entry in ({"type": "file", "size": -1, "path": "negative-Q4_0.gguf"},
                  {"type": "file", "size": 2**63, "path": "huge-Q4_0.gguf"},
                  {"type": "file", "size": "12", "path": "text-Q4_0.gguf"},
                  {"type": "file", "path": "sizeless-Q4_0.gguf"},
                  {"type": "file", "size": 5, "path": 7}, {"type": "directory", "path": "d.gguf"},
                  None, 3, "x", [], {"type": None}):
        hostile.extra_entries.append(entry)
    yield hostile

    unsigned = repo("unsigned")
    unsigned.add("unsigned-Q8_0.gguf", tiny("Q8_0", 11), lfs=False)
    yield unsigned

    many = repo("many")
    for i in range(130):
        many.add(f"many-{i:03}-Q8_0.gguf", tiny("Q8_0", 12), "cd" * 32)
    yield many

    broken = repo("broken")
    broken.add("broken-Q8_0.gguf", functools.partial(Bytes, b"GGUF" + b"\xff" * 4000))
    broken.add("words-Q4_0.gguf", functools.partial(Bytes, b"<html>not a model</html>" * 10))
    yield broken

    empty = repo("empty")
    yield empty


def known(part):
    """The first of the suggestions that Parley comes with, as a hub that has not heard of the rest
    would know them."""
    with open(SUGGESTIONS, encoding="utf-8") as file:
        suggested = json.load(file)["models"]
    for entry in suggested[: int(len(suggested) * part)]:
        repo = Repo(entry["repo"], downloads=1000, likes=10, changed="2026-03-04T05:06:07.000Z",
                    license=entry["license"], pipeline="text-generation", listed=False)
        name = entry["repo"].split("/")[1].removesuffix("-GGUF")
        repo.add(f"{name}-{entry['quantisation']}.gguf", tiny("Q8_0", 31), "ef" * 32)
        yield repo


class Repeated:
    """A file of any size that costs a megabyte; no model."""

    PIECE = bytes(range(256)) * 4096

    def __init__(self, size):
        self.size = size

    def read(self, at, n):
        n = max(0, min(n, self.size - at))
        start = at % len(self.PIECE)
        piece = self.PIECE[start : start + n]
        while len(piece) < n:
            piece += self.PIECE[: n - len(piece)]
        return piece


def large(size):
    """For measuring transfers: one file of so many bytes, and one of a megabyte."""
    repo = Repo("bench/large", downloads=1, likes=1, changed="2026-01-02T03:04:05.000Z",
                license="mit", pipeline="text-generation", listed=False)
    repo.add("large-Q8_0.gguf", functools.partial(Repeated, size))
    repo.add("small-Q4_0.gguf", functools.partial(Repeated, 1 << 20))
    return repo


def everything(models=None):
    repos = list(listed()) + list(fixtures()) + list(known(0.5)) + (list(real(models)) if models else [])
    return {repo.name: repo for repo in repos}
