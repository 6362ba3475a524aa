#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Vulkan tests under the Khronos validation layer, with synchronisation validation: any message
fails. What shaders do through buffer addresses, the layer does not see.

  test-validation.py CANARY TEST..."""
import os
import pathlib
import subprocess
import sys
import tempfile

LAYER = "VK_LAYER_KHRONOS_validation"
SETTINGS = """khronos_validation.enables = VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT
khronos_validation.debug_action = VK_DBG_LAYER_ACTION_LOG_MSG
khronos_validation.report_flags = error,warn,perf
khronos_validation.log_filename = {log}
"""


def validated(command, folder):
    """The finished process and what the layer said; None: the layer was not there."""
    log = folder / "log.txt"
    log.unlink(missing_ok=True)
    (folder / "vk_layer_settings.txt").write_text(SETTINGS.format(log=log))
    env = dict(os.environ, VK_INSTANCE_LAYERS=LAYER, VK_LAYER_SETTINGS_PATH=str(folder))
    made = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    return made, log.read_text() if log.exists() else None


def messages(log):
    return [line for line in log.splitlines() if line.strip()]


def main():
    canary, tests = sys.argv[1], sys.argv[2:]
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        made, log = validated([canary], folder)
        if made.returncode == 77:
            print(f"ok 1 - validation # SKIP {made.stdout.strip()}\n1..1")
            return 0
        if log is None:
            print("ok 1 - validation # SKIP the Vulkan validation layer is not installed\n1..1")
            return 0
        caught = "SYNC-HAZARD-WRITE-AFTER-WRITE" in log and "VUID-" in log
        failed += not caught
        print(f"{'ok' if caught else 'not ok'} 1 - the layer sees what is wrong", flush=True)
        for number, test in enumerate(tests, 2):
            made, log = validated([test], folder)
            said = messages(log or "")
            good = made.returncode == 0 and log is not None and not said
            failed += not good
            for line in (said or made.stdout.splitlines()[-10:]) if not good else []:
                print(f"# {line}")
            print(f"{'ok' if good else 'not ok'} {number} - {pathlib.Path(test).name}", flush=True)
    print(f"1..{len(tests) + 1}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
