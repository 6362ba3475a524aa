#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers, memory and settings of a model, in the real window: before it is loaded, while it answers,
and when the program is started again. Prints TAP."""

import os
import shutil
import sqlite3
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cases  # noqa: E402
import talk  # noqa: E402
from cases import query  # noqa: E402
from driver import wait  # noqa: E402

MOE_LAYERS = 3
OTHER = "Synthetic tiny q8_0"  # what the models of cases.synth() call themselves


def own(case, key):
    return [value for value, in query(case, "SELECT value FROM setting WHERE key LIKE ?",
                                      "model/%/" + key)]


def all_settings(app):
    wait(lambda: [n for n in app.root.walk() if n.name == "All settings" and n.role != "label"],
         "All settings")[0].click()


def shown(app, role, name):
    """Controls of that name that are to be seen and used."""
    return [n for window in app.root.children() for n in talk.seen(window)
            if n.role == role and n.name == name and "sensitive" in n.states()]


def press(app, name):
    wait(lambda: shown(app, "push button", name), name, 30)[0].click()


def bars(app):
    """Device by device: "Main memory, 16.0 GB: Weights …"."""
    return [n.name.replace("\u00a0", " ") for n in app.root.all("image") if ", Free " in n.name]


def gpu_bar(app):
    return wait(lambda: [name for name in bars(app) if not name.startswith("Main memory")],
                "the GPU's memory", 30)[0]


def loaded(app):
    return wait(lambda: shown(app, "push button", "Unload") and talk.workers(app)
                and shown(app, "push button", "Automatic"), "the model to be loaded", 60)


def moe(case):
    """The only model here has experts."""
    folder = os.path.dirname(case.model)
    shutil.rmtree(folder)
    os.makedirs(folder)
    cases.synth(os.path.join(folder, "Tiny-Experts-Q8_0.gguf"), "--layers", str(MOE_LAYERS),
                preset="tiny-moe", kind="q8_0")


def experts_stay_in_memory(case):
    moe(case)
    name = "Layers with experts in RAM"
    with case.window() as app:
        app.do("load-panel")
        press(app, "Load")
        loaded(app)
        all_settings(app)
        spin = wait(lambda: shown(app, "spin button", name), name, 30)[0]
        assert spin.value() == 0 and spin.maximum() == MOE_LAYERS, (spin.value(), spin.maximum())
        before = gpu_bar(app)
        spin.set_value(2)
        wait(lambda: own(case, "cpu-experts") == ["2"], "the setting")
        wait(lambda: gpu_bar(app) != before, "the memory bar to tell what will be", 30)
        foreseen = gpu_bar(app)
        worker = talk.workers(app)
        press(app, "Load Again")
        wait(lambda: talk.workers(app) and talk.workers(app) != worker, "another process", 60)
        loaded(app)
        wait(lambda: shown(app, "spin button", name)[0].value() == 2, "the plan to keep two", 30)
        assert gpu_bar(app).split("Weights")[1].split(",")[0] == \
            foreseen.split("Weights")[1].split(",")[0], (gpu_bar(app), foreseen)
        press(app, "Automatic")
        wait(lambda: own(case, "cpu-experts") != ["2"], "Automatic to choose", 30)
        app.do("show-models")
        row = wait(lambda: [n for n in app.root.all("list item") if "row.defaults" in n.actions()],
                   "the model")[0]
        row.act("row.defaults")
        app.find("combo box", name)


def settings_stay_with_their_model(case):
    name = "Precision of the context"

    def precision(app):
        box = wait(lambda: shown(app, "combo box", name), "the precision", 60)[0]
        return next(n.name for n in box.all("label") if n.name.endswith("bits"))

    with case.window() as app:
        app.do("load-panel")
        press(app, "Load")
        loaded(app)
        all_settings(app)
        assert precision(app) == "16 bits", precision(app)
        talk.choose(app, name, 1)
        wait(lambda: own(case, "kv") == ["q8_0"], "the setting")
        worker = talk.workers(app)
        press(app, "Load Again")
        wait(lambda: talk.workers(app) and talk.workers(app) != worker, "another process", 60)
        loaded(app)
        wait(lambda: precision(app) == "8 bits", "8 bits", 30)
    cases.synth(os.path.join(os.path.dirname(case.model), "Other-Q8_0.gguf"), kind="q8_0")
    with case.window() as app:
        app.do("load-panel")
        press(app, "Load")
        loaded(app)
        all_settings(app)
        wait(lambda: precision(app) == "8 bits", "8 bits after a restart", 30)
        app.key("Escape")
        app.do("pick-model")
        wait(lambda: [n for n in app.root.all("push button", OTHER)
                      if "expandable" not in n.states()], "the other model")[0].click()
        wait(lambda: "Other" in query(case, "SELECT value FROM setting WHERE key = "
                                            "'chat/last-model'")[0][0], "the chat to talk to it")
        app.do("load-panel")
        wait(lambda: precision(app) == "16 bits", "16 bits for another model", 60)
    assert own(case, "kv") == ["q8_0"], own(case, "kv")


def panel_is_there_before_a_load(case):
    with case.window() as app:
        app.find("push button", "Send")
        app.key("ctrl+g")
        press(app, "Load")  # there
        app_loaded = loaded(app)
        assert app_loaded
        press(app, "Unload")
        wait(lambda: not talk.workers(app), "the model to go")
    with case.window() as app:
        app.do("load-panel")
        wait(lambda: shown(app, "push button", "Load") and bars(app), "the forecast", 30)
        scale = wait(lambda: shown(app, "slider", "Layers on the GPU"), "the slider")[0]
        assert scale.value() == scale.maximum() > 1, (scale.value(), scale.maximum())
        full = gpu_bar(app)
        assert "Weights" in full, full
        scale.set_value(0)
        wait(lambda: own(case, "gpu-layers") == ["0"], "the setting")
        wait(lambda: "Weights" not in gpu_bar(app), "the bar to follow", 30)
        assert talk.says(app, "No layers"), "the words do not follow"
        assert not talk.workers(app), "something was loaded"
        all_settings(app)
        wait(lambda: shown(app, "combo box", "Precision of the context"), "the settings")
        press(app, "Load")
        loaded(app)
        wait(lambda: shown(app, "slider", "Layers on the GPU")[0].value() == 0, "no layers", 30)
        assert "Weights" not in gpu_bar(app), gpu_bar(app)


def all_settings_reach_the_engine(case):
    """What the engine was started with, as it tells with each reply; and the way back."""
    keys = ("context", "kv", "threads", "batch")
    shutil.rmtree(os.path.dirname(case.model))
    os.makedirs(os.path.dirname(case.model))
    cases.synth(case.model, "--ctx", "8192", kind="q8_0")

    def started_with(app, n):
        case.ask(app, 2)
        return wait(lambda: len(rows := query(
            case, "SELECT context, k_type, v_type, threads, batch FROM run ORDER BY id")) == n
            and rows[-1], "what the engine says", 60)

    with case.window() as app:
        app.do("load-panel")
        wait(lambda: shown(app, "slider", "Layers on the GPU"), "the forecast", 30)
        all_settings(app)
        talk.choose(app, "Context", 1)
        wait(lambda: own(case, "context") == ["4096"], "the context")
        talk.choose(app, "Precision of the context", 1)
        wait(lambda: own(case, "kv") == ["q8_0"], "the precision")
        talk.choose(app, "Read at a time", 1)
        wait(lambda: own(case, "batch"), "the batch")
        spin = shown(app, "spin button", "Processor threads")[0]
        spin.set_value(1)
        wait(lambda: own(case, "threads") == ["1"], "the threads")
        batch = int(own(case, "batch")[0])
        press(app, "Load")
        loaded(app)
        app.key("Escape")
        assert started_with(app, 1) == (4096, 8, 8, 1, batch)
        app.do("load-panel")
        worker = talk.workers(app)
        press(app, "Defaults")
        wait(lambda: talk.workers(app) and talk.workers(app) != worker, "another process", 60)
        loaded(app)
        app.key("Escape")
        context, k_type, v_type, _, _ = started_with(app, 2)
        assert context > 4096 and (k_type, v_type) == (1, 1), (context, k_type, v_type)
        assert [own(case, key) for key in keys] == [[]] * 4, "something of it is kept"


def memory_is_asked_for_again(case):
    with case.window() as app:
        app.do("load-panel")
        press(app, "Load")
        loaded(app)
        wait(lambda: bars(app), "the memory")

        def others():
            bar = next(name for name in bars(app) if name.startswith("Main memory"))
            number, unit = bar.split("Other programs ")[1].split(",")[0].split()
            return float(number) * {"GB": 1, "MB": 1e-3, "kB": 1e-6}[unit]

        before = wait(others, "what others have")
        taken = bytearray(os.urandom(1 << 20)) * 1000  # 1 GB, and all of it written
        wait(lambda: others() > before + 0.5, "the bar to tell of what others took", 30)
        del taken


def readout_is_of_the_reply(case):
    """Tokens of the reply a second, while there is one."""
    with case.window(PARLEY_TEST_PACE="60") as app:
        case.ask(app, 300)
        talk.grown(app, 8, 0)
        app.do("load-panel")
        speed = wait(lambda: talk.measured(app), "a figure", 30)
        assert 0 < speed <= 25, f"{speed} tokens/s with a token each 60 ms"
        talk.hurry(app)
        app.do("stop")
        talk.ended(case.data, "stopped")
        wait(lambda: not talk.says(app, "measured just now"), "the figure to go with the reply")


def a_number_is_set_and_loaded_at_once(case):
    """By the exact number beside the slider; a load right after takes it."""
    name = "Layers on the GPU"
    with case.window() as app:
        app.do("load-panel")
        wait(lambda: shown(app, "push button", "Load") and bars(app), "the forecast", 30)
        number = wait(lambda: shown(app, "spin button", name), "the number", 30)[0]
        assert number.value() == shown(app, "slider", name)[0].value() > 1
        number.set_value(1)
        app.do("load-model")
        loaded(app)
        assert own(case, "gpu-layers") == ["1"], own(case, "gpu-layers")
        wait(lambda: shown(app, "slider", name) and shown(app, "slider", name)[0].value() == 1,
             "one layer", 30)
        shown(app, "spin button", name)[0].set_value(2)
        wait(lambda: own(case, "gpu-layers") == ["2"], "the move")
        press(app, "Give the GPU Back")
        wait(lambda: own(case, "gpu-layers") == ["0"], "no layers")
        wait(lambda: not shown(app, "push button", "Give the GPU Back"),
             "nothing to be given back", 30)


def a_setting_is_shown_as_it_is(case):
    """A size that is none of the usual ones; what was set back needs no load."""
    batch, precision = "Read at a time", "Precision of the context"

    def tokens(app):
        box = wait(lambda: shown(app, "combo box", batch), batch, 60)[0]
        return next(n.name for n in box.all("label") if n.name.endswith("tokens"))

    with case.window():
        pass
    with sqlite3.connect(os.path.join(case.data, "parley.db"), timeout=5) as db:
        db.execute("INSERT OR REPLACE INTO setting VALUES ('load/batch', '48')")
    db.close()
    with case.window() as app:
        app.do("load-panel")
        press(app, "Load")
        loaded(app)
        all_settings(app)
        assert tokens(app) == "48 tokens", tokens(app)
        talk.choose(app, precision, 1)
        wait(lambda: shown(app, "push button", "Load Again"), "what is to be loaded", 30)
        talk.choose(app, precision, 0)
        wait(lambda: not shown(app, "push button", "Load Again"), "nothing to be loaded", 30)


CASES = [experts_stay_in_memory, settings_stay_with_their_model, panel_is_there_before_a_load,
         all_settings_reach_the_engine, memory_is_asked_for_again, readout_is_of_the_reply,
         a_number_is_set_and_loaded_at_once, a_setting_is_shown_as_it_is]

if __name__ == "__main__":
    sys.exit(cases.main(CASES, __file__))
