#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernels that Debian 12's compiler and driver lack, on newer ones: those of the variant table
that need a tier, and a model whose prompts go through them. Prints TAP.

tiers.py VARIANTS VULKAN_KERNELS TEST_MODELS: $PARLEY_NEWER_VULKAN is the folder that
newer-vulkan.sh filled, and its compiler has built the kernels. The driver compiles for many seconds:
without $PARLEY_TEST_LONG only the kernels of the commonest types run."""
import concurrent.futures
import os
import subprocess
import sys
import tempfile

VARIANTS, KERNELS, MODELS = sys.argv[1:4]
COMMON = ("Q8_0", "Q4_0", "Q4_K", "Q6_K")


def variants():
    """[(name, type)] of the table that need a tier."""
    lists, result = {}, []
    with open(VARIANTS, encoding="utf-8") as file:
        for line in file:
            words = line.split("#")[0].split()
            if not words:
                continue
            if words[0].startswith("@"):
                lists.setdefault(words[0], []).extend(words[1:])
            elif any(word.startswith("needs=") for word in words):
                types = [t for word in words[2:] for t in lists.get(word, [])] or [""]
                result += [("_".join(filter(None, (words[0], t.lower()))), t) for t in types]
    return result


def tap(folder, cache, *argv):
    """[(state, name, comments)] of what a test says on that driver, which compiles into `cache`."""
    env = dict(os.environ, MESA_SHADER_CACHE_DIR=cache)
    done = subprocess.run([os.path.join(folder, "run"), *argv], env=env, capture_output=True,
                          text=True, check=False)
    result, comments = [], []
    for line in done.stdout.splitlines():
        if line.startswith("#"):
            comments.append(line)
        elif line.startswith(("ok ", "not ok ")):
            state, name = line.split(" - ", 1)
            result.append(("not ok" if state.startswith("not") else "ok", name, comments))
            comments = []
    if done.returncode < 0 or not result:
        result.append(("not ok", f"{os.path.basename(argv[0])} {argv[-1]} ends with "
                       f"{done.returncode}", comments + ["# " + done.stderr[-500:]]))
    return result


def main():
    folder = os.environ.get("PARLEY_NEWER_VULKAN")
    if not folder:
        print("1..0 # SKIP no newer compiler and driver: ./dev test --all fetches them")
        return 0
    long = os.environ.get("PARLEY_TEST_LONG")
    kernels = [name for name, kind in variants() if long or kind in COMMON]
    left_out = [(name, "only with --long") for name, _ in variants() if name not in kernels]
    data = os.path.join(os.environ["PARLEY_CONFORMANCE"], "quantized-model")
    jobs = [(KERNELS, name) for name in kernels]
    if long and os.path.isdir(data):
        jobs.append((MODELS, "gpu", data, "Q4_K_M"))
    else:
        left_out.append(("a q4_k_m model", "there is none" if long else "only with --long"))
    results = []
    with (tempfile.TemporaryDirectory() as cache,
          concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool):
        for told in pool.map(lambda job: tap(folder, cache, *job), jobs):
            results += told
    results += [("ok", f"{name} # SKIP {why}", []) for name, why in left_out]
    print(f"1..{len(results)}")
    for number, (state, name, comments) in enumerate(results, 1):
        for comment in comments:
            print(comment)
        print(f"{state} {number} - {name}")
    return any(state != "ok" for state, _, _ in results)


sys.exit(main())
