#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""pseudo.py FOLDER: an invented language, written from right to left, into
FOLDER/qps/LC_MESSAGES/parley.mo. Each letter becomes a Hebrew one and each text a third longer:
with it the window shows what is not translated, what is cut, and what is on the wrong side.

    PARLEY_LOCALE_DIR=FOLDER LANGUAGE=qps parley"""

import pathlib
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import update  # noqa: E402

LETTERS = "אבגדהוזחטיכלמנסעפצקרשתםןףך"
KEPT = re.compile(r"(%(?:\d+\$)?[-+ 0#']*\d*(?:\.\d+)?(?:l|ll|z)?[a-zA-Z%]|\\.|_)")


def translate(text):
    def letters(piece):
        return "".join(LETTERS[(ord(c.lower()) - ord("a")) % 26] if c.isascii() and c.isalpha() else c
                       for c in piece)
    said = "".join(piece if KEPT.fullmatch(piece) else letters(piece)
                   for piece in KEPT.split(text))
    words = re.findall(r"[א-ת]+", said)
    return said + "".join(" " + word for word in words[:len(words) // 3])


def main():
    folder = pathlib.Path(sys.argv[1]) / "qps" / "LC_MESSAGES"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        template = pathlib.Path(work) / "parley.pot"
        update.extract(template)
        lines, text, field = [], "", ""
        # Wrapped texts stand on several lines; one is easier to work with.
        plain = subprocess.run(["msgcat", "--no-wrap", template], check=True, capture_output=True,
                               text=True).stdout
        plain = plain.replace("charset=CHARSET", "charset=UTF-8").replace(
            "nplurals=INTEGER; plural=EXPRESSION", "nplurals=2; plural=(n != 1)")
        for line in plain.splitlines():
            match = re.match(r'(msgid|msgid_plural) "(.*)"$', line)
            if match:
                field, text = match.groups()
            elif line.startswith('"') and field and not line.startswith('"Project'):
                text += line[1:-1]
            match = re.match(r'(msgstr(?:\[\d\])?) ""$', line)
            if match and text:
                said = "default:RTL" if text == "default:LTR" else translate(text)
                line = f'{match.group(1)} "{said}"'
            lines.append(line)
        source = pathlib.Path(work) / "qps.po"
        source.write_text("\n".join(lines) + "\n", encoding="utf-8")
        subprocess.run(["msgfmt", "-o", str(folder / "parley.mo"), str(source)], check=True)


if __name__ == "__main__":
    main()
