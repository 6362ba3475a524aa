#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""./dev bench [kernels] [tokenizers] [models] [fit] [ui] [transfers]: figures, each beside the limit
that the same run measured.

kernels: every CPU kernel, GB/s or GOP/s. tokenizers: seconds for a megabyte of prose, of one letter,
of blanks and of random bytes, with each vocabulary of the conformance set, or with our own. models: prompt and generation on models of real shapes
with random weights, made on the spot. fit: what was foretold for such models beside what they
then reach, on the CPU with one and two threads. transfers: downloads from the stand-in of a hub into
a RAM disk, with hash. Nothing is asserted; figures worth keeping go into
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


def tokenizers(build):
    root = pathlib.Path(__file__).resolve().parents[2]
    reference = os.environ.get("PARLEY_CONFORMANCE", root / "../shared/conformance")
    with tempfile.TemporaryDirectory() as folder:
        prose = pathlib.Path(folder) / "prose"
        prose.write_text("".join(p.read_text() for p in sorted(root.glob("resources/guide/*.md"))))
        vocabularies = sorted(pathlib.Path(reference, "tokenizer").glob("*.gguf"))
        subprocess.run([sys.executable, root / "tests/conformance/tokenizer.py", "--write", folder],
                       check=True)
        vocabularies += sorted(pathlib.Path(folder).glob("*.gguf"))
        subprocess.run([build / "tests/bench/bench-tokenizers", prose, *vocabularies], check=True)


FIT_MODELS = [(preset, kind) for preset in ("qwen3-0.6b", "llama-1b", "llama-3b")
              for kind in ("q4_0", "q4_k_m", "q8_0")]


def make(build, folder, preset, kind):
    """The model's path, made where it is not there yet; None: no room or no such type."""
    path = pathlib.Path(folder) / f"{preset}-{kind}.gguf"
    if not path.exists():
        made = subprocess.run([build / "tests/tools/synth-model", "--preset", preset, "--type",
                               kind, path], capture_output=True, text=True)
        if made.returncode:
            print(f"{preset:12} {kind:8} cannot be made: {made.stderr.strip()}")
            return None
    return path


def models(build, folder, repeat):
    print(f"{'model':12} {'type':8} {'prompt':>10} {'share':>6} {'generation':>10} {'share':>6} "
          f"{'read':>10}")
    for preset, kind in MODELS:
        path = make(build, folder, preset, kind)
        if not path:
            continue
        answer = subprocess.run([build / "src/cli/parley-bench", "--gpu-layers", "0", "--repeat",
                                 str(repeat), path], check=True, capture_output=True, text=True)
        result = json.loads(answer.stdout)
        prompt, generation = result["prompt"], result["generation"]
        print(f"{preset:12} {kind:8} {prompt['tokens_per_second']:10.1f} {prompt['share']:6.0%} "
              f"{generation['tokens_per_second']:10.1f} {generation['share']:6.0%} "
              f"{result['devices'][0]['read_rate'] / 1e9:7.1f} GB/s", flush=True)


def fit(build, folder, repeat):
    """Predicted and measured, with a fresh measurement of the rates and no history."""
    cli, ratios = build / "src/cli/parley-cli", {"prompt": [], "generation": []}
    with tempfile.TemporaryDirectory() as cache:
        env = dict(os.environ, XDG_CACHE_HOME=cache, PARLEY_DATA_DIR=cache)
        subprocess.run([cli, "devices", "--measure", "--json"], env=env, check=True,
                       stdout=subprocess.DEVNULL)
        print(f"{'model':12} {'type':8} {'threads':>7}  {'what':10} {'predicted':>9} "
              f"{'measured':>9} {'ratio':>6}")
        for preset, kind in FIT_MODELS:
            path = make(build, folder, preset, kind)
            for threads in ("1", "2") if path else ():
                plan = ["--gpu-layers", "0", "--threads", threads]
                answer = subprocess.run([cli, "fit", path, "--json", "--ctx", "1024", *plan],
                                        env=env, check=True, capture_output=True, text=True)
                speed = json.loads(answer.stdout)["speed"]
                answer = subprocess.run(
                    [build / "src/cli/parley-bench", path, "--prompt-tokens", "512",
                     "--gen-tokens", "32", "--repeat", str(repeat), *plan],
                    env=env, check=True, capture_output=True, text=True)
                result = json.loads(answer.stdout)
                for what in ("generation", "prompt"):
                    measured = result[what]["tokens_per_second"]
                    ratios[what].append(speed[what] / measured)
                    print(f"{preset:12} {kind:8} {threads:>7}  {what:10} {speed[what]:9.1f} "
                          f"{measured:9.1f} {ratios[what][-1]:6.2f}", flush=True)
    for what, list_of in ratios.items():
        off = sorted(abs(ratio - 1) for ratio in list_of)
        if off:
            print(f"{what}: off by {off[len(off) // 2]:.0%} (median), {off[-1]:.0%} (most)")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("what", nargs="*", default=[],
                        choices=["kernels", "tokenizers", "models", "fit", "ui", "transfers", []])
    parser.add_argument("--megabytes", type=int, default=4000, help="size of a transfer")
    parser.add_argument("--models", help="a folder to make the models in, and keep them")
    options = parser.parse_args()
    what = options.what or ["kernels", "tokenizers", "models", "fit"]
    if "kernels" in what:
        kernels(options.build)
    if "tokenizers" in what:
        tokenizers(options.build)
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        if "models" in what:
            models(options.build, options.models or folder, options.repeat)
        if "fit" in what:
            fit(options.build, options.models or folder, options.repeat)
    if "ui" in what:
        import ui
        ui.run(options.build.resolve())
    if "transfers" in what:
        import transfers
        transfers.run(options.build.resolve(), options.megabytes * 1000 * 1000)
    return 0


if __name__ == "__main__":
    sys.exit(main())
