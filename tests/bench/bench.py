#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""./dev bench [kernels] [models]: figures, each beside the limit that the same run measured.

kernels: every CPU kernel, GB/s or GOP/s. models: prompt and generation on models of real shapes
with random weights, made on the spot. Nothing is asserted; figures worth keeping go into
RESULTS.md with the command that made them."""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

MODELS = [("llama-1b", "q4_0"), ("llama-1b", "q4_k_m"), ("llama-1b", "q8_0"), ("llama-1b", "q6_k"),
          ("qwen3-0.6b", "q4_k_m")]


def kernels(build):
    subprocess.run([build / "tests/kernels/test-cpu-kernels", "--bench"], check=True)


def models(build, folder, repeat):
    print(f"{'model':12} {'type':8} {'prompt':>10} {'share':>6} {'generation':>10} {'share':>6} "
          f"{'read':>10}")
    for preset, kind in MODELS:
        path = pathlib.Path(folder) / f"{preset}-{kind}.gguf"
        made = subprocess.run([build / "tests/tools/synth-model", "--preset", preset, "--type",
                               kind, path], capture_output=True, text=True)
        if made.returncode:
            print(f"{preset:12} {kind:8} cannot be made: {made.stderr.strip()}")
            continue
        answer = subprocess.run([build / "src/cli/parley-bench", "--gpu-layers", "0", "--repeat",
                                 str(repeat), path], check=True, capture_output=True, text=True)
        result = json.loads(answer.stdout)
        prompt, generation = result["prompt"], result["generation"]
        print(f"{preset:12} {kind:8} {prompt['tokens_per_second']:10.1f} {prompt['share']:6.0%} "
              f"{generation['tokens_per_second']:10.1f} {generation['share']:6.0%} "
              f"{result['devices'][0]['read_rate'] / 1e9:7.1f} GB/s", flush=True)
        path.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("what", nargs="*", choices=["kernels", "models", []], default=[])
    options = parser.parse_args()
    what = options.what or ["kernels", "models"]
    if "kernels" in what:
        kernels(options.build)
    if "models" in what:
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        with tempfile.TemporaryDirectory(dir=memory) as folder:
            models(options.build, folder, options.repeat)
    return 0


if __name__ == "__main__":
    sys.exit(main())
