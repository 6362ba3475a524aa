#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CPU kernels for 64-bit Arm, built by a cross compiler and run under qemu-user as processors
of three kinds, and beside them the threads and the decoders. TAP.

test-arm.py: runs with $PARLEY_TEST_LONG only: building takes a minute."""
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
COMPILER, EMULATOR = "aarch64-linux-gnu-gcc", "qemu-aarch64"
LIBRARIES = "/usr/aarch64-linux-gnu"
# Which processor has which levels.
PROCESSORS = [("cortex-a53", ["scalar", "neon"]),
              ("neoverse-n1", ["scalar", "neon", "dotprod"]),
              ("max", ["scalar", "neon", "dotprod", "i8mm"])]

count = failures = 0


def say(ok, name, note=""):
    global count, failures
    count += 1
    failures += not ok
    print(f"{'ok' if ok else 'not ok'} {count} - {name}{note}", flush=True)


def call(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        for line in done.stdout.splitlines()[-40:]:
            print(f"# {line}")
    return done.returncode == 0


def build(folder):
    if not (folder / "build.ninja").exists() and not call(
            ["meson", "setup", "--werror", "--cross-file", HERE / "aarch64.ini",
             "-Dkernels_only=true", folder, SOURCE]):
        return False
    return call(["ninja", "-C", folder, "--quiet"])


def emulate(processor, program):
    command = [EMULATOR, "-cpu", processor, "-L", LIBRARIES, program]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def run(folder, processor, levels):
    """The emulated program's own results, and whether it went through the levels."""
    done = emulate(processor, folder / "test-cpu-kernels")
    seen, level = [], "start"
    for line in done.stdout.splitlines():
        word, _, rest = line.partition(" ")
        if line.startswith("# ") and rest in levels + ["dotprod", "i8mm"]:
            level = rest
            seen.append(rest)
        elif word in ("ok", "not"):
            say(word == "ok", f"{processor}, {level}: {line.split(' - ', 1)[-1]}")
        elif word == "#":
            print(line)
    say(done.returncode == 0 and seen == levels, f"{processor} has {', '.join(levels)}",
        "" if seen == levels else f" # but {', '.join(seen)}, status {done.returncode}")


def main():
    missing = [p for p in (COMPILER, EMULATOR, "meson", "ninja") if not shutil.which(p)]
    if not os.environ.get("PARLEY_TEST_LONG"):
        say(True, "kernels for Arm", " # SKIP only with --long")
    elif missing:
        say(True, "kernels for Arm", f" # SKIP there is no {' and no '.join(missing)}")
    else:
        folder = pathlib.Path(os.environ.get("PARLEY_TEST_BUILD", "/tmp")) / "arm"
        built = build(folder)
        say(built, "builds for Arm")
        for processor, levels in PROCESSORS if built else []:
            run(folder, processor, levels)
        for program in ["test-pool", "test-quant"] if built else []:
            done = emulate("max", folder / program)
            for line in done.stdout.splitlines() if done.returncode != 0 else []:
                print(f"# {line}")
            say(done.returncode == 0 and "\nok 2 - " in done.stdout, program)
    print(f"1..{count}")
    return 1 if failures else 0


sys.exit(main())
