#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The GPU benchmarks run from end to end, one on a small model: every figure is there, and the logits
are the CPU's. What the figures are is nobody's business here.

  test-kit.py PARLEY-BENCH SYNTH-MODEL VULKAN-KERNELS"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile


def kernel_problems(kernels, env):
    """Every variant of that name has a time, a rate and a share of the limit."""
    problems = []
    for name, unit in (("matvec_q8_0", "GB/s"), ("matmul_q8_0", "GOP/s"), ("quantise", "GB/s")):
        made = subprocess.run([kernels, "--bench", name], env=env, capture_output=True, text=True,
                              check=False)
        lines = [line.split() for line in made.stdout.splitlines() if line.startswith(name)]
        good = (made.returncode == 0 and len(lines) == 1 and len(lines[0]) == 6 and
                lines[0][3] == unit and float(lines[0][1]) > 0 and float(lines[0][2]) >= 0 and
                float(lines[0][4]) >= 0)
        problems += [] if good else [f"--bench {name}: {made.stdout}{made.stderr}"]
    return problems


def main():
    bench, synth, kernels = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        model = pathlib.Path(folder) / "tiny.gguf"
        subprocess.run([synth, "--preset", "tiny", "--type", "q8_0", model], check=True)
        env = dict(os.environ, PARLEY_VULKAN_DEVICE="0")
        made = subprocess.run([bench, "--gpu-quick", model], env=env, capture_output=True,
                              text=True, check=False)
    if made.returncode and ("Vulkan" in made.stderr or "graphics device" in made.stderr):
        print(f"ok 1 - kit # SKIP {made.stderr.strip().splitlines()[-1]}\n1..1")
        return 0
    problems = kernel_problems(kernels, env)
    if made.returncode:
        problems.append(made.stderr)
    else:
        result = json.loads(made.stdout)
        lengths = {name: len(result[name]) for name in ("generation", "prompts", "moves", "splits")}
        if lengths != {"generation": 3, "prompts": 2, "moves": 1, "splits": 5}:
            problems.append(str(lengths))
        if not result["logits_nmse"] < 1e-6:
            problems.append(f"logits are {result['logits_nmse']} apart")
        for name in ("copy_bytes_per_second", "read_bytes_per_second", "transfer_bytes_per_second",
                     "product_operations_per_second", "load_seconds",
                     "first_token_from_cold_seconds"):
            if not result[name] > 0:
                problems.append(f"{name} is {result[name]}")
        if [entry["submits_per_token"] for entry in result["generation"]] != [1, 1, 1]:
            problems.append("a token takes more than one submit")
        if not result["moves"][0]["bytes"] > 0:
            problems.append("nothing was moved")
    for problem in problems:
        print("\n".join(f"# {line}" for line in problem.splitlines()))
    print(f"{'not ok' if problems else 'ok'} 1 - kit\n1..1")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
