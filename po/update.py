#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""update.py: takes new strings from the sources into POTFILES, and into the .po file of every
language. What is new stays empty, what is gone goes."""

import pathlib
import subprocess
import tempfile

PO = pathlib.Path(__file__).resolve().parent
ROOT = PO.parent
KEYWORDS = ["--keyword=_", "--keyword=N_", "--keyword=C_:1c,2", "--keyword=ngettext:1,2"]
MARKS = ("_ (", "N_ (", "C_ (", "ngettext (")


# What the desktop shows; xgettext knows what in them is text.
DATA = ["data/io.github.parleychat.Parley.desktop", "data/io.github.parleychat.Parley.metainfo.xml"]


def sources():
    """Files with strings for people."""
    found = []
    for path in sorted((ROOT / "src").rglob("*.c")):
        if any(f" {m}\"" in " " + line or f"({m}\"" in line or m.strip() + "\"" in line
               for line in path.read_text(encoding="utf-8").splitlines() for m in MARKS):
            found.append(str(path.relative_to(ROOT)))
    return DATA + found


def extract(out):
    subprocess.run(["xgettext", "--from-code=UTF-8", *KEYWORDS, "--add-comments=Translators:",
                    "--package-name=parley", "--no-location", "-o", str(out), *sources()], cwd=ROOT,
                   check=True)


def main():
    with tempfile.TemporaryDirectory() as folder:
        template = pathlib.Path(folder) / "parley.pot"
        extract(template)
        (PO / "POTFILES").write_text("\n".join(sources()) + "\n", encoding="utf-8")
        for language in (PO / "LINGUAS").read_text(encoding="utf-8").split("\n"):
            if language and not language.startswith("#"):
                subprocess.run(["msgmerge", "--quiet", "--update", "--no-fuzzy-matching",
                                "--backup=none", "--no-location", str(PO / f"{language}.po"),
                                str(template)], check=True)


if __name__ == "__main__":
    main()
