#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes char-tables.h from Python's Unicode database: make-char-tables.py > char-tables.h"""
import sys
import unicodedata

ALL = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def ranges(test):
    """(first, last, step) with step 1 or 2, covering exactly the characters that pass."""
    out = []
    for c in ALL:
        if not test(chr(c)):
            continue
        if out:
            first, last, step = out[-1]
            if first == last and c - last <= 2 or c - last == step:
                if first != last or c - last == 1 or c - last == 2:
                    out[-1] = (first, c, c - last)
                    continue
        out.append((c, c, 1))
    return out


def deltas(convert):
    """(first, last, step, difference) of one-to-one conversions."""
    out = []
    for c in ALL:
        to = convert(chr(c))
        if len(to) != 1 or ord(to) == c:
            continue
        d = ord(to) - c
        if out:
            first, last, step, difference = out[-1]
            gap = c - last
            if d == difference and (gap == step or first == last and gap <= 2):
                out[-1] = (first, c, gap, d)
                continue
        out.append((c, c, 1, d))
    return out


def rows(items, name, kind):
    print(f"static const struct {kind} {name}[] = {{")
    line = " "
    for item in items:
        text = " { " + ", ".join(f"0x{x:x}" if i < 2 else str(x) for i, x in enumerate(item)) + " },"
        if len(line) + len(text) > 98:
            print(line)
            line = " "
        line += text
    print(line)
    print("};\n")


def special(convert):
    out = []
    for c in ALL:
        to = convert(chr(c))
        if len(to) > 1:
            out.append((c, [ord(x) for x in to]))
    return out


def main():
    print(f"""/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Written by make-char-tables.py from Unicode {unicodedata.unidata_version}; only char.c includes it.
 */
#pragma once

#include <stdint.h>

struct char_range {{
  uint32_t first, last;
  uint8_t step;
}};

struct char_delta {{
  uint32_t first, last;
  uint8_t step;
  int32_t difference;
}};

struct char_special {{
  uint32_t from;
  uint32_t to[3];
}};
""")
    rows(ranges(lambda c: c.isalpha()), "alpha_ranges", "char_range")
    rows(ranges(lambda c: c.isdecimal()), "decimal_ranges", "char_range")
    rows(ranges(lambda c: c.isdigit()), "digit_ranges", "char_range")
    rows(ranges(lambda c: c.isnumeric()), "numeric_ranges", "char_range")
    rows(ranges(lambda c: c.isspace()), "space_ranges", "char_range")
    rows(ranges(lambda c: not c.isprintable()), "unprintable_ranges", "char_range")
    rows(ranges(lambda c: c.isupper()), "upper_ranges", "char_range")
    rows(ranges(lambda c: c.islower()), "lower_ranges", "char_range")
    rows(ranges(lambda c: unicodedata.category(c) == "Lt"), "title_ranges", "char_range")
    rows(ranges(lambda c: unicodedata.category(c) in ("Mn", "Me", "Cf", "Lm", "Sk")
                or c in "'.:\u00b7\u2018\u2019\u2024\u2027\ufe13\ufe52\ufe55\uff07\uff0e\uff1a\u0387\u055f\u05f4"),
         "ignorable_ranges", "char_range")
    rows(deltas(str.upper), "upper_deltas", "char_delta")
    rows(deltas(str.lower), "lower_deltas", "char_delta")
    rows(deltas(str.title), "title_deltas", "char_delta")
    rows(deltas(str.casefold), "fold_deltas", "char_delta")
    for name, f in ("upper", str.upper), ("lower", str.lower), ("title", str.title), ("fold", str.casefold):
        print(f"static const struct char_special {name}_specials[] = {{")
        for c, to in special(f):
            to += [0] * (3 - len(to))
            print(f"  {{ 0x{c:x}, {{ " + ", ".join(f"0x{x:x}" for x in to) + " } },")
        print("};\n")


sys.stdout.reconfigure(encoding="utf-8")
main()
