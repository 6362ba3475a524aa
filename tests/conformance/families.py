#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny models of families, read in plain Python, and the engine's answers compared with that.

    families.py TEST-MODELS cpu|gpu [NAME...]    TAP
    families.py --write FOLDER [NAME...]         only the files
"""
import os
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "families"))
from models import FAMILIES  # noqa: E402
from reading import Model    # noqa: E402

N_TOKENS, N_VOCAB = 20, 64


def write(folder, names):
    for name, (arch, read) in FAMILIES.items():
        if names and name not in names:
            continue
        draw = random.Random("tokens of " + name)
        tokens = [draw.randrange(N_VOCAB) for _ in range(N_TOKENS)]
        model = Model(name, arch, tokens, N_VOCAB)
        model.write(folder, read(model))


def main(arguments):
    if arguments[0] == "--write":
        write(arguments[1], arguments[2:])
        return 0
    with tempfile.TemporaryDirectory(prefix="parley-families-") as folder:
        write(folder, arguments[2:])
        return subprocess.run([arguments[0], arguments[1], folder], check=False).returncode


sys.exit(main(sys.argv[1:]))
