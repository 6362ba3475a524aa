#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""parley-cli devices and fit: what is printed, what a person may allow, what replies teach.

    test-cli.py PARLEY-CLI SYNTH-MODEL"""
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "hub"))
from terminal import LONG, Case, Standin, run_all  # noqa: E402

SYNTH = sys.argv[2]
GUIDE = "parley-guide"
RATES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "src", "engine", "rates.h")
with open(RATES, encoding="utf-8") as header:
    RATES_VERSION = int(re.search(r"#define PE_RATES_VERSION (\d+)", header.read())[1])


def rates_file(case):
    return os.path.join(case.home, "cache", "parley", "rates.json")


def measured(case):
    """The devices with rates: measured in the long form, which takes its time on a busy machine,
    else as such a measurement leaves them."""
    if LONG:
        return json.loads(case.run("devices", "--measure", "--json"))
    known = case.facts("devices")
    types = ("F32", "F16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q4_K", "Q5_K", "Q6_K")
    known["devices"][0].update(
        read_rate=4e10, transfer_rate=2e10, matmul_rate=7e11, rates_version=RATES_VERSION,
        rates=[{"read": {name: n * 2e10 for name in types}, "cache_read": 2e10 * n,
                "multiply": {name: n * 3e11 for name in types}, "cache_multiply": 5e10 * n,
                "op_seconds": 2e-6, "pass_seconds": 1e-5} for n in (1, 2)])
    os.makedirs(os.path.dirname(rates_file(case)), exist_ok=True)
    with open(rates_file(case), "w", encoding="utf-8") as file:
        json.dump({"why": "", "devices": known["devices"]}, file)
    return case.facts("devices")


def synthetic(case):
    path = os.path.join(case.home, "model.gguf")
    subprocess.run([SYNTH, "--preset", "tiny", "--type", "q8_0", path], check=True,
                   stdout=subprocess.DEVNULL)
    return path


def rates_are_measured_once():
    case = Case()
    first = measured(case)["devices"][0]
    assert first["kind"] == "cpu" and first["read_rate"] > 0 and first["matmul_rate"] > 0
    one, every = first["rates"]
    for name in ("F16", "Q8_0", "Q4_0", "Q4_K", "Q6_K"):
        assert one["read"][name] > 0 and every["multiply"][name] > 0, name
    assert every["cache_read"] > 0 and every["cache_multiply"] >= every["cache_read"]
    with open(rates_file(case), encoding="utf-8") as file:
        before = file.read()
    again = case.facts("devices")["devices"][0]
    assert again["rates"] == first["rates"]
    with open(rates_file(case), encoding="utf-8") as file:
        assert file.read() == before
    table = case.run("devices")
    for words in ("GB/s", "Models run on the CPU", "cores", "prompts"):
        assert words in table, table
    # Rates of another engine or another driver are as good as none.
    known = json.loads(before)
    known["devices"][0]["rates_version"] = 0
    with open(rates_file(case), "w", encoding="utf-8") as file:
        json.dump(known, file)
    assert "rates" not in case.facts("devices")["devices"][0]
    for nonsense in ("", "{", "[]", '{"devices":[7]}', "\0" * 100):
        with open(rates_file(case), "w", encoding="utf-8") as file:
            file.write(nonsense)
        assert "rates" not in case.facts("devices")["devices"][0]
    case.close()


def the_computer_is_described():
    case = Case()
    facts = case.facts("devices")
    processor, memory = facts["processor"], facts["memory"]
    assert 0 < processor["performance_cores"] <= processor["cores"] <= processor["threads"]
    assert sorted(processor["caches"]) == ["l1_bytes", "l2_bytes", "l3_bytes"]
    assert all(type(size) is int for size in processor["caches"].values())
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        flags = file.read()
    assert ("AVX2" in processor["instruction_sets"]) == (" avx2 " in flags), processor
    assert sorted(memory) == ["available_bytes", "limit_bytes", "swap_free_bytes",
                              "swap_total_bytes", "total_bytes", "zram_total_bytes"], memory
    assert 0 < memory["available_bytes"] <= memory["total_bytes"]
    assert memory["limit_bytes"] in (0, memory["total_bytes"]), memory
    table = case.run("devices").replace("\N{NO-BREAK SPACE}", " ")
    assert f"{processor['cores']}, {processor['performance_cores']} for performance" in table
    assert ("set by a control group" in table) == (memory["limit_bytes"] > 0), table
    case.close()


def a_person_allows_less():
    case = Case()
    path = synthetic(case)
    told = json.loads(case.run("devices", "--allow", "cpu=1GB", "--keep-free", "cpu=200MB", "--json"))
    assert told["allowed"]["cpu"] == {"most_bytes": 1000000000, "free_bytes": 200000000}
    assert told["devices"][0]["memory_available"] == 1000000000
    assert case.facts("devices")["allowed"] == told["allowed"]  # it is kept
    table = case.run("devices").replace("\N{NO-BREAK SPACE}", " ")
    assert "1.0 GB for a model" in table and "kept free 200.0 MB" in table, table
    device = case.facts("fit", path)["devices"][0]
    assert device["available_bytes"] == 1000000000 and device["margin_bytes"] == 200000000

    case.run("devices", "--allow", "cpu=1MB", "--keep-free", "cpu=0")
    fit = case.facts("fit", path)
    assert fit["verdict"] == "too-large" and fit["largest_ctx"] == 0, fit
    assert "only 1 MB are free" in fit["why"], fit["why"]
    assert "No settings were found" in fit["automatic"]["why"]
    # The environment can only take away more.
    case.run("devices", "--allow", "cpu=1GB")
    case.environment["PARLEY_BUDGETS"] = "cpu=500000000"
    assert case.facts("fit", path)["devices"][0]["available_bytes"] == 500000000
    assert case.facts("devices")["allowed"]["cpu"]["most_bytes"] == 500000000
    case.environment["PARLEY_BUDGETS"] = "cpu=5000000000"
    assert case.facts("fit", path)["devices"][0]["available_bytes"] == 1000000000
    assert case.facts("devices")["allowed"]["cpu"]["most_bytes"] == 1000000000
    # Of margins the environment's holds, which is told last.
    case.run("devices", "--keep-free", "cpu=200MB")
    case.environment["PARLEY_BUDGETS"] = "cpu-free=300000000"
    assert case.facts("fit", path)["devices"][0]["margin_bytes"] == 300000000
    assert case.facts("devices")["allowed"]["cpu"]["free_bytes"] == 300000000
    del case.environment["PARLEY_BUDGETS"]
    case.run("devices", "--allow", "cpu=0", "--keep-free", "cpu=0")
    assert case.facts("devices")["allowed"]["cpu"] == {"most_bytes": 0, "free_bytes": 0}
    assert case.facts("fit", path)["verdict"] == "ram"
    for wrong in ("cpu", "cpu=", "cpu=much", "cpu=-1GB", "tpu=1GB", "=1GB"):
        assert "DEVICE=SIZE" in (said := case.run("devices", "--allow", wrong, status=2)) or \
            "no device here" in said, (wrong, said)
    said = case.run("devices", "--allow", "gpu=1GB", status=2)
    assert "no graphics card is used here" in said, said
    case.close()


def every_figure_is_there():
    case = Case()
    path = synthetic(case)
    none = case.facts("fit", path)
    assert none["speed"]["trust"] == "unknown" and none["speed"]["generation"] == 0
    assert "no data yet" in none["speed"]["basis"] and none["speed"]["load_basis"] == ""
    assert "Loads in" not in case.run("fit", path)
    measured(case)
    fit = case.facts("fit", path, "--ctx", "256", "--kv-type", "q8_0", "--batch", "64")
    assert fit["verdict"] == "ram" and fit["ctx"] == 256 and fit["gpu_layers"] == 0
    (device,) = fit["devices"]
    assert sum(device["parts"].values()) == device["planned_bytes"]
    for part in ("weights", "kv", "work", "logits", "model"):
        assert device["parts"][part] > 0, part
    speed = fit["speed"]
    assert speed["trust"] == "predicted" and speed["basis"] == \
        "from what the engine measured on this processor"
    for figure in ("generation", "generation_at_full_context", "prompt", "turn_seconds"):
        assert speed[figure] > 0, figure
    assert speed["load_seconds"] > 0 and "RAM's bandwidth (40 GB/s)" in speed["load_basis"] or LONG
    assert fit["largest_gpu_layers"] == 0 and fit["largest_ctx"] > 0 and fit["automatic"]["why"]
    verified = case.facts("fit", path, "--verify")
    assert verified["devices"][0]["allocated_bytes"] == verified["devices"][0]["planned_bytes"]
    table = case.run("fit", path)
    assert "tokens/s" in table and "weights" in table, table
    assert "Loads in less than a second once the file was read: from the RAM" in table, table
    case.close()


# A reply by chance may end before it has the tokens that count.
LIKELIEST = ("-t", "0")


def replies_teach():
    """What a model did here is told in words, apart from what it was only foretold."""
    case = Case()
    measured(case)
    before = case.facts("fit", GUIDE)["speed"]
    assert before["trust"] == "predicted", before
    for _ in range(8):
        case.run("chat", GUIDE, "-p", "What is Parley, and what can it do?", "--max-tokens", "40",
                 *LIKELIEST)
        after = case.facts("fit", GUIDE)["speed"]
        if "2 replies" in after["basis"]:
            break  # others were disturbed, twenty times slower than foretold: they do not count
    assert after["trust"] == "measured", after
    assert after["basis"] == "measured on this computer with this model, in 2 replies", after
    assert after["generation"] > 0
    # With other threads it is a correction, and a file outside the library has no history.
    other = case.facts("fit", GUIDE, "--threads", "7")["speed"]
    assert other["trust"] == "predicted" and "corrected by 2 replies" in other["basis"], other
    assert "repl" not in case.facts("fit", synthetic(case))["speed"]["basis"]
    case.close()


def a_file_has_its_own_history():
    """Not that of a model that goes by the file's name."""
    case = Case()
    measured(case)
    case.run("chat", GUIDE, "-p", "What is Parley, and what can it do?", "--max-tokens", "40", *LIKELIEST)
    assert case.facts("fit", GUIDE)["speed"]["trust"] == "measured"
    os.rename(synthetic(case), os.path.join(case.home, GUIDE))
    here = os.getcwd()
    os.chdir(case.home)
    try:
        assert case.facts("fit", GUIDE)["speed"]["trust"] == "predicted"
    finally:
        os.chdir(here)
    case.close()


def looking_keeps_nothing():
    standin = Standin()
    try:
        case = Case(standin)
        path = synthetic(case)
        case.run("devices")
        case.run("fit", path)
        case.run("show", "fixture/plain")
        case.run("chat", path, "--raw", "-p", "a", "--max-tokens", "1", "--temp", "0")
        assert not os.path.exists(os.path.join(case.data, "parley.db"))
        case.close()
    finally:
        standin.stop()


def every_file_of_a_repository():
    standin = Standin()
    try:
        case = Case(standin)
        repo = "northwind-labs/Kestrel-7B-Instruct-GGUF"
        files = json.loads(case.run("fit", "--all", repo, "--json"))
        assert files and all(f["verdict"] in ("ram", "gpu", "partly", "too-large", "unsupported",
                                              "unknown") for f in files)
        known = [f for f in files if f["verdict"] != "unknown"]
        assert known and all(f["ram_bytes"] > 0 and f["why"] for f in known), files
        table = case.run("fit", "--all", repo)
        assert table.count("\n") >= len(files) and "TOKENS/S" in table and "[1]" not in table
        # No figure without where it comes from.
        measured(case)
        table = case.run("fit", "--all", repo)
        assert "] with an empty context, from what the engine measured on this" in table, table
        rows = [line for line in table.splitlines() if line.endswith(".gguf")]
        assert all("[1] " in row or "[2] " in row for row in rows) and len(rows) > 1, table
        assert "Speed with an empty context, from what the engine" in case.run("show", repo)
        # Of a split one the tensors of all parts count, though the metadata is in the first.
        split = json.loads(case.run("fit", "--all", "quarry/Basalt-70B-GGUF", "--json"))
        assert len(split) == 3 and all(f["verdict"] in ("ram", "too-large") for f in split), split
        assert all(f["ram_bytes"] > f["bytes"] * 0.9 for f in split), split
        for tool in ("fit", "show"):
            assert "supported" not in case.run(tool, "quarry/Basalt-70B-GGUF")
        case.close()
    finally:
        standin.stop()


run_all([(test.__name__, test) for test in (
    rates_are_measured_once, the_computer_is_described, a_person_allows_less,
    every_figure_is_there, replies_teach, a_file_has_its_own_history, looking_keeps_nothing,
    every_file_of_a_repository)])
