# SPDX-License-Identifier: GPL-3.0-or-later
"""What was foretold for models of real sizes beside what they then reach, on the CPU alone.

Each case measures the rates anew, without any history, right before the model runs: a machine that
others use gives more at one moment than at the next. The file is read from the disk again before
each, as files lie in memory otherwise when they have just been written. Cases can be run one at a time, into a file
that collects them."""
import json
import os
import pathlib
import subprocess
import tempfile

CASES = [f"{preset}/{kind}/{threads}" for preset in ("qwen3-0.6b", "llama-1b", "llama-3b")
         for kind in ("q4_0", "q4_k_m", "q8_0") for threads in (1, 2)]
WHAT = {"generation": "tokens/s", "prompt": "tokens/s", "load": "s"}
PROMPT, REPLY = 512, 32


def ask(command, env):
    answer = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    return json.loads(answer.stdout)


def predict(build, path, plan, env):
    """Fresh rates, and what follows from them."""
    cli = build / "src/cli/parley-cli"
    devices = ask([cli, "devices", "--measure", "--json"], env)
    fit = ask([cli, "fit", path, "--json", "--ctx", str(PROMPT + REPLY), *plan], env)
    return fit["speed"], devices["devices"][0]["read_rate"]


def read_anew(path):
    """As the file of somebody who did not just write it: pages that were written lie scattered in
    memory, which alone costs a thread a fifth of its speed."""
    with open(path, "rb", buffering=0) as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while file.read(1 << 20):
            pass


def run(build, path, case, repeat):
    """One case as a dictionary: predictions from before and after the run, and its medians."""
    plan = ["--gpu-layers", "0", "--threads", case.rsplit("/", 1)[1]]
    read_anew(path)
    with tempfile.TemporaryDirectory() as cache:
        env = dict(os.environ, XDG_CACHE_HOME=cache, PARLEY_DATA_DIR=cache,
                   PARLEY_VULKAN_DEVICE="none")
        speed, rate = predict(build, path, plan, env)
        result = ask([build / "src/cli/parley-bench", path, "--prompt-tokens", str(PROMPT),
                      "--gen-tokens", str(REPLY), "--repeat", str(repeat), *plan], env)
    return {"case": case, "read_rate": rate, "read_rate_meanwhile": result["devices"][0]["read_rate"],
            "load": {"predicted": speed["load_seconds"], "measured": result["load_seconds"]},
            **{what: {"predicted": speed[what], "measured": result[what]["tokens_per_second"]}
               for what in ("generation", "prompt")}}


def load(record):
    path = pathlib.Path(record)
    return json.loads(path.read_text()) if path.exists() else []


def keep(record, outcome):
    """A case that was run before is replaced."""
    others = [known for known in load(record) if known["case"] != outcome["case"]]
    pathlib.Path(record).write_text(json.dumps(others + [outcome], indent=1) + "\n")


def head():
    print(f"{'model, type, threads':22} {'what':20} {'predicted':>9} {'measured':>9} {'ratio':>6} "
          f"{'RAM before, meanwhile':>22}")


def show(outcome):
    for what, unit in WHAT.items():
        figures = outcome[what]
        print(f"{outcome['case']:22} {what + ', ' + unit:20} {figures['predicted']:9.2f} "
              f"{figures['measured']:9.2f} {figures['predicted'] / figures['measured']:6.2f} "
              f"{outcome['read_rate'] / 1e9:10.1f} {outcome['read_rate_meanwhile'] / 1e9:6.1f} GB/s",
              flush=True)


def summary(outcomes):
    for what in WHAT:
        off = sorted(abs(o[what]["predicted"] / o[what]["measured"] - 1) for o in outcomes)
        if off:
            middle = (off[(len(off) - 1) // 2] + off[len(off) // 2]) / 2
            print(f"{what}: off by {middle:.0%} (median of {len(off)}), {off[-1]:.0%} (most)")


def report(record):
    outcomes = sorted(load(record), key=lambda o: CASES.index(o["case"]))
    head()
    for outcome in outcomes:
        show(outcome)
    summary(outcomes)
