#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the compiled kernels as C: embed.py C_FILE HEADER NAME=FILE.spv...

The header has one enumerator for each kernel and a table of words; the order is that of the
arguments, so the result is the same on every computer."""
import struct
import sys


def main():
    c_path, h_path, *kernels = sys.argv[1:]
    kernels = [k.split("=", 1) for k in kernels]
    with open(h_path, "w") as h:
        h.write("/* Written by shaders/embed.py. */\n#pragma once\n#include <stddef.h>\n"
                "#include <stdint.h>\n\nenum pe_shader {\n")
        for name, _ in kernels:
            h.write(f"  PE_SHADER_{name.upper()},\n")
        h.write("  PE_SHADER_COUNT,\n};\n\n"
                "struct pe_shader_code {\n  const char *name;\n  const uint32_t *words;\n"
                "  size_t n_bytes;\n};\n\n"
                "extern const struct pe_shader_code pe_shader_code[PE_SHADER_COUNT];\n")
    with open(c_path, "w") as c:
        c.write('/* Written by shaders/embed.py. */\n#include "shaders/kernels.h"\n\n')
        sizes = []
        for name, path in kernels:
            data = open(path, "rb").read()
            words = struct.unpack(f"<{len(data) // 4}I", data)
            if not words or words[0] != 0x07230203:
                sys.exit(f"{path} is not SPIR-V")
            sizes.append(len(data))
            c.write(f"static const uint32_t {name}[] = {{\n")
            for i in range(0, len(words), 12):
                c.write("  " + ",".join(map(str, words[i:i + 12])) + ",\n")
            c.write("};\n\n")
        c.write("const struct pe_shader_code pe_shader_code[PE_SHADER_COUNT] = {\n")
        for (name, _), size in zip(kernels, sizes):
            c.write(f'  {{ "{name}", {name}, {size} }},\n')
        c.write("};\n")


main()
