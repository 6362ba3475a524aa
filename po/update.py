#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""update.py: takes new strings from the sources into POTFILES, and into the .po file of every
language in LINGUAS, which it begins where there is none. What is new stays empty, what is gone
goes."""

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


def take_in(template, path):
    if path.exists():
        subprocess.run(["msgmerge", "--quiet", "--update", "--no-fuzzy-matching", "--backup=none",
                        "--no-location", str(path), str(template)], check=True)
        return
    subprocess.run(["msginit", "--no-translator", f"--locale={path.stem}", f"--input={template}",
                    f"--output-file={path}"], check=True, stderr=subprocess.DEVNULL)
    # Its own beginning is a form to fill in; the licence is the project's.
    text = path.read_text(encoding="utf-8")
    path.write_text("# SPDX-License-Identifier: GPL-3.0-or-later\n" + text[text.index('msgid ""'):],
                    encoding="utf-8")


def main():
    with tempfile.TemporaryDirectory() as folder:
        template = pathlib.Path(folder) / "parley.pot"
        extract(template)
        (PO / "POTFILES").write_text("\n".join(sources()) + "\n", encoding="utf-8")
        for language in (PO / "LINGUAS").read_text(encoding="utf-8").split("\n"):
            if language and not language.startswith("#"):
                take_in(template, PO / f"{language}.po")


if __name__ == "__main__":
    main()
