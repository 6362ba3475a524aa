#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers: an include may only point downwards, the engine's insides stay inside, GLib stays above
the bridge, and functions that invite mistakes are not used. TAP."""
import pathlib
import re
import sys

LAYERS = ["base", "engine", "bridge", "hardware", "store", "hub", "library", "fit", "worker",
          "chat", "cli", "app"]
ABOVE_ENGINE = set(LAYERS[2:])
# Folders of the application that know nothing of the others but what is named here.
APP_FOLDERS = {"text": {"text"}, "widgets": {"text", "widgets"},
               "reply": {"text", "widgets", "reply"}}
# What of the engine others may include besides parley-engine.h: its public headers, by themselves.
PUBLIC = {"parley-engine.h", "devices.h", "model.h", "plan.h", "runtime.h", "sampler.h",
          "format/gguf.h", "quant/types.h"}
GLIB = re.compile(r"^(glib|gio|gobject|gtk|adwaita|json-glib)")
BANNED = {
    "strcpy": "unbounded", "strcat": "unbounded", "sprintf": "unbounded", "vsprintf": "unbounded",
    "gets": "unbounded", "strtok": "keeps hidden state", "atoi": "hides errors",
    "atol": "hides errors", "atof": "hides errors and follows the locale", "alloca": "unbounded",
    "tmpnam": "a race", "mktemp": "a race", "system": "runs a shell",
}
ENGINE_BANNED = {"malloc": "pe_malloc", "calloc": "pe_calloc", "realloc": "pe_realloc",
                 "free": "pe_free", "strdup": "pe_strndup", "exit": "an error", "abort": "an error",
                 "assert": "an error", "printf": "pe_log", "puts": "pe_log"}
ALLOCATOR = {"base/alloc.c"}


def strip(text):
    """Comments and string literals away, line breaks kept."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def layer_of(path):
    return path.parts[0]


def check_includes(path, text, problems):
    layer = layer_of(path)
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if not match:
            continue
        bracket, name = match.groups()
        where = f"src/{path}:{number}"
        if layer in ("base", "engine") and GLIB.match(name):
            problems.append(f"{where} includes {name}: no GLib below the bridge")
        if bracket == "<" or "/" not in name:
            continue
        target = name.split("/")[0]
        if target not in LAYERS:
            continue
        if LAYERS.index(target) > LAYERS.index(layer):
            problems.append(f"{where} includes {name}, which lies above it")
        if target == "app" and layer == "cli" or target == "cli" and layer == "app":
            problems.append(f"{where} includes {name}: the two programs do not know each other")
        folder = path.parts[1] if layer == "app" else ""
        if target == "app" and folder in APP_FOLDERS and name != "app/compat.h" and \
                name.split("/")[1] not in APP_FOLDERS[folder]:
            problems.append(f"{where} includes {name}: src/app/{folder} does not know it")
        inside = name[len("engine/"):]
        if target == "engine" and layer in ABOVE_ENGINE and not (
                inside in PUBLIC or inside.startswith("text/")):
            problems.append(f"{where} includes {name}, which is the engine's own")
        if target == "base" and name.endswith("error.h") and layer in ABOVE_ENGINE and \
                layer not in ("bridge", "cli", "worker"):
            problems.append(f"{where} includes {name}: pe_error ends at the bridge")


def check_calls(path, code, problems):
    banned = dict(BANNED)
    if layer_of(path) in ("base", "engine") and str(path) not in ALLOCATOR:
        banned.update(ENGINE_BANNED)
    for number, line in enumerate(code.splitlines(), 1):
        for call in re.finditer(r"(?<![\w.>])(\w+)\s*\(", line):
            if call.group(1) in banned:
                problems.append(f"src/{path}:{number} calls {call.group(1)}: "
                                f"{banned[call.group(1)]}")


def main():
    root = pathlib.Path(sys.argv[1]) / "src"
    include_problems, call_problems, spdx = [], [], []
    files = sorted(p for p in root.rglob("*.[ch]"))
    for full in files:
        path = full.relative_to(root)
        text = full.read_text(encoding="utf-8")
        check_includes(path, text, include_problems)
        check_calls(path, strip(text), call_problems)
        if "SPDX-License-Identifier: GPL-3.0-or-later" not in text.split("\n", 3)[0]:
            spdx.append(f"src/{path} does not begin with its licence")
    cases = [("includes point downwards", include_problems),
             ("no banned functions are called", call_problems),
             ("every file names its licence", spdx),
             ("there are files to check", [] if len(files) > 50 else ["too few files found"])]
    failed = False
    for number, (name, problems) in enumerate(cases, 1):
        for problem in problems:
            print("# " + problem)
        print(f"{'not ok' if problems else 'ok'} {number} - {name}")
        failed |= bool(problems)
    print(f"1..{len(cases)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
