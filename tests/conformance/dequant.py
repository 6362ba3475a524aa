# SPDX-License-Identifier: GPL-3.0-or-later
"""Every storage type against reference blocks: dequant.py PARLEY-CLI. Prints TAP."""
import array
import json
import os
import subprocess
import sys
import tempfile

cli = sys.argv[1]
folder = os.path.join(os.environ.get("PARLEY_CONFORMANCE", ""), "quant")


def floats(path):
    values = array.array("f")
    with open(path, "rb") as file:
        values.frombytes(file.read())
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


def main():
    index = os.path.join(folder, "quant.json")
    if not os.path.exists(index):
        print("ok 1 - dequant # SKIP no reference blocks\n1..1")
        return 0
    cases = json.load(open(index))
    failures = 0
    with tempfile.TemporaryDirectory() as temporary:
        for number, case in enumerate(cases, 1):
            name, out = case["name"], os.path.join(temporary, "out.f32")
            base = os.path.join(folder, name)
            done = subprocess.run([cli, "dequant", base + ".blocks", "--type", name, "--out", out])
            reference = floats(base + ".f32")
            values = floats(out) if done.returncode == 0 else array.array("f")
            good = len(values) == len(reference) > 0 and \
                worst_error(values, reference, case["block_elements"]) <= 1e-6
            failures += not good
            print(f"{'ok' if good else 'not ok'} {number} - {name}", flush=True)
    print(f"1..{len(cases)}")
    return 1 if failures else 0


sys.exit(main())
