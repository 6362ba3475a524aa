#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every storage type against blocks that were read elsewhere: dequant.py PARLEY-CLI. Prints TAP.

Our own blocks, read in plain Python (own/blocks.py), and those of $PARLEY_CONFORMANCE/quant."""
import array
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent / "own"))
from blocks import READERS, vectors  # noqa: E402

cli = sys.argv[1]
folder = pathlib.Path(os.environ.get("PARLEY_CONFORMANCE", ""), "quant")


def floats(path):
    values = array.array("f")
    values.frombytes(path.read_bytes())
    return values


def worst_error(values, reference, block):
    """The largest error, each over the largest magnitude of its block."""
    worst = 0.0
    for start in range(0, len(reference), block):
        right = reference[start:start + block]
        top = max(map(abs, right)) or 1e-45
        wrong = max(abs(a - b) for a, b in zip(values[start:start + block], right))
        if not wrong / top <= worst:
            worst = wrong / top
    return worst


def reads(name, blocks, reference, block, out):
    done = subprocess.run([cli, "dequant", blocks, "--type", name, "--out", out], check=False)
    values = floats(out) if done.returncode == 0 else []
    return len(values) == len(reference) > 0 and worst_error(values, reference, block) <= 1e-6


def main():
    results = []
    with tempfile.TemporaryDirectory() as temporary:
        own, out = (pathlib.Path(temporary, n) for n in ("own.blocks", "out.f32"))
        for name, (_, block, _, _) in READERS.items():
            raw, reference = vectors(name)
            own.write_bytes(raw)
            results.append(("own " + name, reads(name, own, reference, block, out)))
        index = folder / "quant.json"
        for case in json.loads(index.read_text()) if index.exists() else []:
            name = case["name"]
            results.append((name, reads(name, folder / f"{name}.blocks",
                                        floats(folder / f"{name}.f32"), case["block_elements"], out)))
    for number, (name, good) in enumerate(results, 1):
        print(f"{'ok' if good else 'not ok'} {number} - {name}")
    print(f"1..{len(results)}")
    return 0 if all(good for _, good in results) and len(READERS) == 27 else 1


sys.exit(main())
