#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""./dev bench [kernels] [gpu-kernels] [tokenizers] [models] [fit] [ui] [transfers]: figures, each beside the limit
that the same run measured.

kernels: every CPU kernel, GB/s or GOP/s. gpu-kernels: those of a GPU, by its time stamps. tokenizers: seconds for a megabyte of prose, of one letter,
of blanks and of random bytes, with each vocabulary of the conformance set, or with our own. models: prompt and generation on models of real shapes
with random weights, made on the spot. fit: what was foretold for such models beside what they
then reach, on the CPU with one and two threads; one case at a time with --case, and a table of what
--record collected with --report. transfers: downloads from the stand-in of a hub into a RAM disk,
with hash. Nothing is asserted; figures worth keeping go into
RESULTS.md with the command that made them."""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import fit

MODELS = [("llama-1b", "q4_0"), ("llama-1b", "q4_k_m"), ("llama-1b", "q8_0"), ("llama-1b", "q6_k"),
          ("qwen3-0.6b", "q4_k_m")]


def kernels(build):
    subprocess.run([build / "tests/kernels/test-cpu-kernels", "--bench"], check=True)


def gpu_kernels(build):
    subprocess.run([build / "tests/kernels/test-vulkan-kernels", "--bench"], check=True)


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


def foretell(build, folder, options):
    """Every case, or those that were asked for."""
    outcomes = []
    fit.head()
    for case in options.case or fit.CASES:
        preset, kind, _ = case.split("/")
        path = make(build, folder, preset, kind)
        if not path:
            continue
        outcomes.append(fit.run(build, path, case, options.repeat))
        fit.show(outcomes[-1])
        if options.record:
            fit.keep(options.record, outcomes[-1])
    fit.summary(outcomes)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("what", nargs="*", default=[],
                        choices=["kernels", "gpu-kernels", "tokenizers", "models", "fit", "ui",
                                 "transfers", []])
    parser.add_argument("--megabytes", type=int, default=4000, help="size of a transfer")
    parser.add_argument("--models", help="a folder to make the models in, and keep them")
    parser.add_argument("--case", action="append", choices=fit.CASES, metavar="MODEL/TYPE/THREADS",
                        help="of fit only this one; may be repeated")
    parser.add_argument("--part", action="append", choices=["rest", "bulk"],
                        help="of ui only this one: rest is the start, idling and streaming")
    parser.add_argument("--record", metavar="FILE", help="collect the cases of fit in FILE")
    parser.add_argument("--report", metavar="FILE", help="print the table of FILE and leave")
    options = parser.parse_args()
    if options.report:
        fit.report(options.report)
        return 0
    what = options.what or ["kernels", "tokenizers", "models", "fit"]
    if "kernels" in what:
        kernels(options.build)
    if "gpu-kernels" in what:
        gpu_kernels(options.build)
    if "tokenizers" in what:
        tokenizers(options.build)
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        if "models" in what:
            models(options.build, options.models or folder, options.repeat)
    if "fit" in what:
        with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
            foretell(options.build, options.models or folder, options)
    if "ui" in what:
        import ui
        ui.run(options.build.resolve(), options.part)
    if "transfers" in what:
        import transfers
        transfers.run(options.build.resolve(), options.megabytes * 1000 * 1000)
    return 0


if __name__ == "__main__":
    sys.exit(main())
