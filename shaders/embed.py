#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the compiled kernels as C: embed.py C_FILE HEADER NAME:KERNEL:TYPE:NEEDS:FILE...

The header has one enumerator for each variant and a table of words; the order is that of the
arguments, so the result is the same on every computer. An empty FILE is a variant that the shader
compiler could not build: it stands in the table without code."""
import struct
import sys

TIERS = ["plain", "integer_dot", "cooperative_matrix"]

HEADER = """/* Written by shaders/embed.py from variants.txt. */
#pragma once
#include "engine/quant/types.h"

enum pe_shader {
%s  PE_SHADER_COUNT,
};

/* What a device must have besides the baseline; bit numbers of pe_gpu's tiers. */
enum pe_shader_tier {
%s  PE_SHADER_TIER_COUNT,
};

struct pe_shader_code {
  const char *name;   /* of the variant */
  const char *kernel; /* the same for all types */
  enum pe_type type;  /* PE_TYPE_COUNT: not of a storage type */
  enum pe_shader_tier needs;
  const uint32_t *words; /* NULL: not built, because the compiler lacks an extension */
  size_t n_bytes;
};

extern const struct pe_shader_code pe_shader_code[PE_SHADER_COUNT];
"""


def words_of(path):
    data = open(path, "rb").read()
    words = struct.unpack(f"<{len(data) // 4}I", data)
    if not words or words[0] != 0x07230203:
        sys.exit(f"{path} is not SPIR-V")
    return words


def main():
    c_path, h_path, *variants = sys.argv[1:]
    variants = [v.split(":", 4) for v in variants]
    with open(h_path, "w") as h:
        h.write(HEADER % ("".join(f"  PE_SHADER_{v[0].upper()},\n" for v in variants),
                          "".join(f"  PE_SHADER_TIER_{t.upper()},\n" for t in TIERS)))
    with open(c_path, "w") as c:
        c.write('/* Written by shaders/embed.py. */\n#include "shaders/kernels.h"\n\n')
        rows = []
        for name, kernel, storage, needs, path in variants:
            code = "NULL, 0"
            if path:
                words = words_of(path)
                c.write(f"static const uint32_t {name}[] = {{\n")
                for i in range(0, len(words), 12):
                    c.write("  " + ",".join(map(str, words[i:i + 12])) + ",\n")
                c.write("};\n\n")
                code = f"{name}, sizeof {name}"
            rows.append(f'  {{ "{name}", "{kernel}", PE_TYPE_{storage or "COUNT"}, '
                        f"PE_SHADER_TIER_{needs.upper()}, {code} }},\n")
        c.write("const struct pe_shader_code pe_shader_code[PE_SHADER_COUNT] = {\n")
        c.writelines(rows)
        c.write("};\n")


main()
