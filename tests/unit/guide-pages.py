#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""guide-pages.py SOURCE: what the guide in Help calls by name is called so in the window, and its
translations say the same in the same places. Prints TAP.

In a page *so* stands for what the window shows and `so` for what is typed; WORDS are the exceptions."""

import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1])

GUIDE = ROOT / "resources" / "guide"
# Emphasised, and not of the window: parts of models' names, terms, the head of a table.
WORDS = {"Instruct", "Chat", "it", "reason", "Mixture of experts", "Memory"}
SHAPE = {"list items": r"^- ", "numbered items": r"^\d+\. ", "rows of a table": r"^\|",
         "headings": r"^#+ ", "fences": r"^```", "paragraphs": r"^(?=\S)", "links": r"\]\(",
         "bold beginnings": r"^(?:[-\d][.]? )?\*\*"}


def texts(language):
    """What the window says -> how it says it in this language; without the marks of mnemonics."""
    found, fields, last = {}, {}, None
    path = ROOT / "po" / f"{language}.po"
    for line in path.read_text(encoding="utf-8").splitlines() + [""]:
        match = re.match(r'(msg\w+(?:\[\d\])?) "(.*)"$', line)
        if match:
            last = match[1]
            fields[last] = match[2]
        elif line.startswith('"'):
            fields[last] += line[1:-1]
        elif not line:
            if "msgid" in fields and "msgstr" in fields:
                found.setdefault(plain(fields["msgid"]), set()).add(plain(fields["msgstr"]))
            fields = {}
    return found


def plain(text):
    return re.sub(r"_(?=\w)", "", text.replace('\\"', '"'))


def read(path):
    """The page, its emphasised words, its bold ones, what is typed."""
    page = path.read_text(encoding="utf-8")
    code = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", page)
    prose = re.sub(r"(?s)```.*?```|(?<!`)`[^`\n]+`(?!`)", "", page)
    bold = [text.strip(".,") for text in re.findall(r"\*\*(.+?)\*\*", prose)]
    return page, re.findall(r"(?<!\*)\*([^*\n]+)\*(?!\*)", re.sub(r"\*\*.+?\*\*", "", prose)), bold, code


def languages():
    """Those that have pages; readers of the others get the English ones."""
    found = sorted(path.name for path in GUIDE.iterdir() if path.is_dir())
    assert found, "no language"
    return found


def pages():
    found = sorted(path.name for path in GUIDE.glob("*.md"))
    assert len(found) == 9, found
    return found


def every_page_is_taken_along():
    known = (ROOT / "resources" / "parley.gresource.xml").read_text(encoding="utf-8")
    source = (ROOT / "src" / "app" / "parley-help.c").read_text(encoding="utf-8")
    for path in GUIDE.rglob("*.md"):
        name = path.relative_to(GUIDE)
        assert f"<file>guide/{name}</file>" in known, f"{name} is not among the resources"
        assert f'{{ "{name.stem}", N_ (' in source, f"{name} has no title"


def names_are_those_of_the_window():
    window = texts(languages()[0])
    count = 0
    for name in pages():
        for word in read(GUIDE / name)[1]:
            count += word in window
            assert word in window or word in WORDS, f"{name}: nothing is called “{word}”"
    assert count > 60, f"only {count} names were found"


def translations_have_every_page():
    for language in languages():
        assert sorted(p.name for p in (GUIDE / language).glob("*.md")) == pages(), language


def translations_have_the_same_shape():
    for language in languages():
        for name in pages():
            first, second = read(GUIDE / name), read(GUIDE / language / name)
            for what, pattern in SHAPE.items():
                count = [len(re.findall(pattern, page[0], re.M)) for page in (first, second)]
                assert count[0] == count[1], f"{language}/{name}: {count[1]} {what}, not {count[0]}"
            assert sorted(first[3]) == sorted(second[3]), \
                f"{language}/{name}: {sorted(set(first[3]) ^ set(second[3]))} is typed otherwise"
            commands = [re.findall(r"^parley-cli [^#]*?(?= *#)", page[0], re.M) for page in (first, second)]
            assert [re.sub('".*?"', "", c) for c in commands[0]] == \
                [re.sub('".*?"', "", c) for c in commands[1]], f"{language}/{name}: other commands"
            columns = [{line.index("#") for line in page[0].splitlines()
                        if line.startswith("parley-cli ")} for page in (first, second)]
            assert all(len(at) <= 1 for at in columns), f"{language}/{name}: comments out of line"


def translations_use_the_names_of_the_window():
    for language in languages():
        window = texts(language)
        for name in pages():
            first, second = read(GUIDE / name), read(GUIDE / language / name)
            where = f"{language}/{name}"
            assert len(first[1]) == len(second[1]), f"{where}: {len(second[1])} names, not {len(first[1])}"
            left = list(second[1])
            for word in first[1]:
                options = window.get(word, set()) | ({word} if word in WORDS else set())
                match = next((text for text in options if text in left), None)
                assert match or word in WORDS, f"{where}: “{word}” is called {options} in the window"
                if match:
                    left.remove(match)
            assert len(left) <= sum(word in WORDS for word in first[1]), f"{where}: {left}"
            for before, after in zip(first[2], second[2]):
                assert before not in window or after in window[before], \
                    f"{where}: “{before}” is called {window[before]}, not “{after}”"


CASES = [every_page_is_taken_along, names_are_those_of_the_window, translations_have_every_page,
         translations_have_the_same_shape, translations_use_the_names_of_the_window]


def main():
    failed = 0
    print(f"1..{len(CASES)}")
    for number, case in enumerate(CASES, 1):
        name = case.__name__.replace("_", " ")
        try:
            case()
            print(f"ok {number} - {name}")
        except AssertionError as problem:
            failed += 1
            print(f"not ok {number} - {name}\n# {problem}")
    return 1 if failed else 0


sys.exit(main())
