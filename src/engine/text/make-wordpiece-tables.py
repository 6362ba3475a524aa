#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes wordpiece-tables.h: what BERT's tokenizer asks of the Unicode Character Database."""
import sys
import unicodedata


def ranges(*categories):
    found, begin = [], None
    for c in range(0x110001):
        inside = c < 0x110000 and unicodedata.category(chr(c)).startswith(categories)
        if inside and begin is None:
            begin = c
        elif not inside and begin is not None:
            found.append((begin, c - 1))
            begin = None
    return found


def bases():
    for c in range(0x110000):
        if 0xAC00 <= c <= 0xD7A3 or 0xD800 <= c <= 0xDFFF:
            continue  # syllables are computed
        base = ord(unicodedata.normalize("NFD", chr(c))[0])
        if base != c:
            yield c, base


def table(name, pairs, out):
    out.write(f"\nstatic const uint32_t {name}[][2] = {{\n")
    line = " "
    for a, b in pairs:
        item = f" {{ 0x{a:x}, 0x{b:x} }},"
        if len(line) + len(item) > 100:
            out.write(line + "\n")
            line = " "
        line += item
    out.write(line + "\n};\n")


with open(sys.argv[1], "w", encoding="ascii") as out:
    out.write("/* SPDX-License-Identifier: GPL-3.0-or-later\n"
              f" * Written by make-wordpiece-tables.py from Unicode {unicodedata.unidata_version}.\n"
              " */\n#pragma once\n\n#include <stdint.h>\n"
              "\n/* Ranges of characters that are left out, of the general categories C and Mn, and of\n"
              " * punctuation, P; both ends belong to them. */")
    table("omitted_ranges", ranges("C", "Mn"), out)
    table("punctuation_ranges", ranges("P"), out)
    out.write("\n/* Characters and the first one of their canonical decompositions. */")
    table("bases", bases(), out)
