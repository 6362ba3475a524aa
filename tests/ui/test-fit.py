#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model would do here, in the real window: models side by side with their exports, what a
person allows a device, the automatic settings, and speeds that are kept. Prints TAP."""

import csv
import os
import re
import sqlite3
import struct
import sys
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cases  # noqa: E402
import talk  # noqa: E402
from cases import query  # noqa: E402
from driver import wait  # noqa: E402

COLUMNS = ["model", "quantisation", "verdict", "context", "gpu_layers", "layers", "ram_bytes",
           "vram_bytes", "tokens_per_second_empty", "tokens_per_second_full",
           "prompt_tokens_per_second", "basis", "load_seconds", "load_basis"]


def save(app, item, path):
    """Through the menu and the file dialog, as a person does it."""
    app.find("push button", "Save").click()
    app.find("menu item", item).click()
    suggested = "models" + os.path.splitext(path)[1]
    dialog, entry = wait(lambda: [(window, n) for window in app.root.children()
                                  for n in window.all("text") if n.text() == suggested],
                         "the name of the file in the dialog")[0]
    entry.set_text(path)
    [n for n in dialog.all("push button") if n.name.endswith("Save")][0].click()

    def whole():
        with open(path, "rb") as file:
            return file.read().endswith((b"\r\n", b"IEND\xaeB`\x82"))

    wait(whole, path)


def table(app, folder, name):
    path = os.path.join(folder, name)
    save(app, "Save as Table …", path)
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows and list(rows[0]) == COLUMNS, rows
    return {row["model"] + " " + row["quantisation"]: row for row in rows}


def picture(path):
    """Width, height and the pixels of a PNG of 8-bit channels, unfiltered rows only as they come."""
    with open(path, "rb") as file:
        data = file.read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, body, size = 8, b"", None
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        chunk = data[at + 8:at + 8 + length]
        assert zlib.crc32(kind + chunk) == struct.unpack(">I", data[at + 8 + length:at + 12 + length])[0]
        size = struct.unpack(">II", chunk[:8]) if kind == b"IHDR" else size
        body += chunk if kind == b"IDAT" else b""
        at += 12 + length
    return (*size, zlib.decompress(body))


def choose(app, box, row):
    """A row of a menu of choices, counted from the first."""
    app.find("combo box", box).press()
    app.key("Home", *["Down"] * row, "Return")


def models_side_by_side(case):
    with case.window() as app:
        app.do("compare", f"'{case.hub.real}'")
        slider = app.find("slider", "Context")
        leave_out = wait(lambda: [n for n in app.root.all("push button")
                                  if n.name.startswith("Leave Out ")], "models in the comparison")
        wait(lambda: len([n for n in app.root.all("push button", "Chat")]) >= 1 and
             [n for n in app.root.all("push button", "Download")], "local and remote models")
        slider.set_value(12)  # two to the power of that
        wait(lambda: [n for n in app.root.all("label") if n.name.startswith("4")], "the words")
        first = wait(lambda: (t := table(app, case.data, f"here-{os.urandom(3).hex()}.csv")) and
                     all(row["ram_bytes"] for row in t.values()) and t, "plans of all models", 30)
        assert len(first) >= 2, first
        for row in first.values():
            assert int(row["context"]) <= 4096 and int(row["ram_bytes"]) > 0, row
            assert row["tokens_per_second_empty"] == "" and "no data yet" in row["basis"], row
            assert row["load_seconds"] == "" == row["load_basis"], row

        choose(app, "Computer", 5)  # an imagined card of 16 GB
        card = wait(lambda: (t := table(app, case.data, f"card-{os.urandom(3).hex()}.csv")) and
                    all(row["tokens_per_second_full"] for row in t.values()) and t,
                    "predictions for the imagined computer", 30)
        for name, row in card.items():
            assert row["verdict"] == "Fits on the GPU", row
            assert int(row["vram_bytes"]) > 0 and "roughly" in row["basis"], row
            assert float(row["tokens_per_second_full"]) <= float(row["tokens_per_second_empty"])
            assert row["load_seconds"] and "of the way to the GPU" in row["load_basis"], row
            assert int(row["gpu_layers"]) == int(row["layers"]) + 1, row
            assert name in first

        wait(lambda: [n for n in app.root.all("image") if "16 GB" in n.name and
                      "\nSpeed with a full context: roughly, from the GPU" in n.name],
             "where the chart's figures come from")
        small = os.path.join(case.data, "chart.png")
        save(app, "Save as Picture …", small)
        width, height, pixels = picture(small)
        assert width >= 400 and height >= 100 and len(set(pixels)) > 20, (width, height)

        slider.set_value(9)
        wait(lambda: (t := table(app, case.data, f"less-{os.urandom(3).hex()}.csv")) and
             all(int(row["context"]) <= 512 for row in t.values()) and
             sum(int(row["vram_bytes"]) for row in t.values()) <
             sum(int(row["vram_bytes"]) for row in card.values()), "a shorter context takes less",
             30)
        gone = leave_out[0].name
        leave_out[0].click()
        wait(lambda: not app.root.all("push button", gone), "the model to leave the comparison")
        wait(lambda: len(table(app, case.data, f"gone-{os.urandom(3).hex()}.csv")) ==
             len(first) - 1, "one row less", 30)


def a_person_allows_less(case):
    with case.window() as app:
        app.do("show-computer")
        app.find("spin button", "For a Model, GB at Most").set_value(1.5)
        wait(lambda: query(case, "SELECT value FROM setting WHERE key = 'budgets'") ==
             [("cpu=1500000000",)], "the setting")
        app.find("spin button", "Keep Free, GB").set_value(0.5)
        wait(lambda: query(case, "SELECT value FROM setting WHERE key = 'budgets'") ==
             [("cpu=1500000000,cpu-free=500000000",)], "the other setting")
    with case.window() as app:
        app.do("show-computer")
        spin = app.find("spin button", "For a Model, GB at Most")
        assert abs(spin.value() - 1.5) < 1e-6
        spin.set_value(0)
        wait(lambda: query(case, "SELECT value FROM setting WHERE key = 'budgets'") ==
             [("cpu-free=500000000",)], "the first setting to go")


def automatic_explains_itself(case):
    with case.window() as app:
        case.ask(app, 12)
        talk.ended(case.data)
        app.do("load-panel")
        scale = app.find("slider", "Layers on the GPU")
        limits = wait(lambda: [n.name for n in app.root.all("label") if n.name.startswith(
            "At most 512 tokens fit, and with the present context at most ")], "the largest that fit")
        layers, of = re.search(r"(\d+) of (\d+) layers on the GPU", limits[0]).groups()
        assert layers == of, limits  # it is a small one
        scale.set_value(0)
        model = query(case, "SELECT key FROM setting WHERE key LIKE 'model/%/gpu-layers'")
        wait(lambda: query(case, "SELECT value FROM setting WHERE key LIKE 'model/%/gpu-layers'") ==
             [("0",)], f"the choice by hand ({model})")
        app.find("push button", "Automatic").click()
        wait(lambda: [n for n in app.root.all("label") if "the context is" in n.name and
                      "that fits" in n.name], "the sentence", 30)
        wait(lambda: not query(case, "SELECT value FROM setting WHERE key LIKE "
                                     "'model/%/gpu-layers' AND value = '0'"), "the choice to go")
        # How many layers it takes depends on how fast the reply before was.


def automatic_is_no_wish(case):
    """What it chose holds over the general settings, and is not asked for the next time."""
    def general(**values):
        with sqlite3.connect(os.path.join(case.data, "parley.db"), timeout=5) as db:
            db.executemany("INSERT OR REPLACE INTO setting VALUES (?, ?)",
                           [("load/" + key, value) for key, value in values.items()])
        db.close()

    def own(key):
        return [value for value, in query(case, "SELECT value FROM setting WHERE key LIKE ?",
                                          "model/%/" + key)]

    def choose():
        said = len(query(case, "SELECT message FROM generation"))
        with case.window() as app:
            case.ask(app, 4)
            wait(lambda: len(query(case, "SELECT message FROM generation")) > said, "the reply", 60)
            app.do("load-panel")
            app.find("push button", "Automatic").click()
            sentence = wait(lambda: [n for n in app.root.all("label") if "the context is" in n.name],
                            "the sentence", 30)[0].name
            wait(lambda: app.root.all("push button", "Send"), "the model to be loaded again")
        return int(sentence.split("the context is ")[1].split()[0])

    general(kv="q8_0", context="65536")
    trained = choose()
    assert trained < 65536 and own("context") == [str(trained)], own("context")
    assert own("kv") == ["f16"], "the general precision holds over the one that was chosen"
    general(context="256")
    assert choose() == 256, "its own choice became a wish"
    assert own("context") == [], own("context")


def speeds_are_kept(case):
    with case.window() as app:
        case.ask(app, 24)
        reply = talk.ended(case.data)
        run = wait(lambda: query(case, "SELECT model, devices, gpu_layers, threads, prompt_tokens, "
                                       "reply_tokens, prompt_seconds, reply_seconds FROM run"),
                   "the speed in the store")
    (model, devices, layers, threads, prompt, tokens, prompt_seconds, seconds), = run
    made = reply.generation
    assert devices.startswith("cpu,") and layers > 0 and threads > 0 and model, run
    assert tokens == made["reply_tokens"] == 24
    assert prompt == made["prompt_tokens"] - made["cached_tokens"]
    assert abs(seconds - made["reply_seconds"]) < 1e-9
    assert abs(prompt_seconds - made["prompt_seconds"]) < 1e-9


CASES = [models_side_by_side, a_person_allows_less, automatic_explains_itself,
         automatic_is_no_wish, speeds_are_kept]

if __name__ == "__main__":
    sys.exit(cases.main(CASES, __file__))
