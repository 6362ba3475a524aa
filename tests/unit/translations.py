#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""translations.py SOURCE: translations say the same. Prints TAP.

Placeholders (%s, %u, …) must be those of the original in their order, unless numbered; a mnemonic,
an ellipsis and a final stop must be where the original has them; nothing may be doubtful. Texts
without a translation are counted and fail nothing: translators come after authors. And a new language
begins with every text."""

import pathlib
import re
import shutil
import sys
import tempfile

ROOT = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(ROOT / "po"))
sys.dont_write_bytecode = True
import update  # noqa: E402

FORMAT = re.compile(r"%(?:\d+\$)?[-+ 0#']*\d*(?:\.\d+)?(?:l|ll|z)?[a-zA-Z%]")


def unquote(text):
    parts = re.findall(r'"((?:[^"\\]|\\.)*)"', text)
    return "".join(parts).replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")


def read(path):
    """(context, id) -> (plural, [translations]), and which are marked as doubtful."""
    entries, fuzzy = {}, []
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        fields, last = {}, None
        for line in block.splitlines():
            if line.startswith("#"):
                if line.startswith("#,") and "fuzzy" in line:
                    fuzzy.append(block)
                continue
            match = re.match(r"(msg\w+(?:\[\d\])?) (.*)", line)
            if match:
                last = match.group(1)
                fields[last] = match.group(2)
            elif last:
                fields[last] += line
        if "msgid" in fields and unquote(fields["msgid"]):
            key = (unquote(fields.get("msgctxt", '""')), unquote(fields["msgid"]))
            plural = unquote(fields["msgid_plural"]) if "msgid_plural" in fields else None
            entries[key] = (plural, [unquote(fields[f]) for f in sorted(fields)
                                     if f.startswith("msgstr")])
    return entries, fuzzy


def wrong(original, plural, translations):
    """What is wrong with the translations of one text."""
    for n, text in enumerate(translations):
        source = plural if plural is not None and n > 0 else original
        if not text:
            continue
        if re.sub(r"\d+\$", "", " ".join(sorted(FORMAT.findall(text)))) != \
                " ".join(sorted(FORMAT.findall(source))):
            yield f"other placeholders: {text!r}"
        if "$" not in text and FORMAT.findall(text) != FORMAT.findall(source):
            yield f"placeholders in another order: {text!r}"
        if bool(re.search(r"_\w", source)) != bool(re.search(r"_\w", text)):
            yield f"mnemonic: {text!r}"
        for mark in ("…", "."):
            if source.endswith(mark) != text.endswith(mark):
                yield f"no final {mark!r}, or one too many: {text!r}"


def beginning(template, texts):
    """What is wrong with the file that update.py begins for a new language."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "fr.po"
        update.take_in(template, path)
        entries, problems = read(path)
        update.take_in(template, path)  # as any other from now on
        again, _ = read(path)
    if entries.keys() != texts.keys() or any(any(translations) for _, translations in entries.values()):
        problems.append("it has not every text, untranslated")
    if again != entries:
        problems.append("it changes when nothing is new")
    return problems


def main():
    languages = [line for line in (ROOT / "po" / "LINGUAS").read_text(encoding="utf-8").split()
                 if (ROOT / "po" / f"{line}.po").exists()]
    print(f"1..{len(languages) + 1}")
    failed = 0
    template = {}
    if shutil.which("xgettext"):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "parley.pot"
            update.extract(path)
            template, _ = read(path)
            problems = beginning(path, template)
        failed += bool(problems)
        print(f"{'not ' if problems else ''}ok 1 - a new language begins {problems or ''}")
    else:
        print("ok 1 - a new language begins # SKIP gettext is not installed")
    for number, language in enumerate(languages, 2):
        entries, problems = read(ROOT / "po" / f"{language}.po")
        new = [key[1] for key in template if not all(entries.get(key, (None, [""]))[1])]
        print(f"# {language}: {len(entries)} texts, {len(new)} new ones to come")
        problems += [f"{key[1]!r}: {problem}" for key, (plural, texts) in entries.items()
                     for problem in wrong(key[1], plural, texts)]
        failed += bool(problems)
        for problem in problems[:30]:
            print(f"# {problem}")
        print(f"{'not ' if problems else ''}ok {number} - {language} says the same")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
