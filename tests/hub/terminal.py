# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of parley-cli share: the stand-in, a fresh home for each case, and the TAP of a
list of cases."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
CLI = os.path.abspath(sys.argv[1])
GOOD_TOKEN = "hf_standinstandinstandinstandinstandin01"
LONG = bool(os.environ.get("PARLEY_TEST_LONG"))


class Standin:
    def __init__(self):
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, "standin.py")],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        addresses = json.loads(self.process.stdout.readline())
        self.hub, self.cdn = addresses["hub"], addresses["cdn"]
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def tell(self, **command):
        self.opener.open(self.hub + "/_control", json.dumps(command).encode()).read()

    def state(self):
        return json.loads(self.opener.open(self.hub + "/_control").read())

    def ranges(self):
        """The ranges that the CDN was asked for, in order."""
        return [r["range"] for r in self.state()["log"] if r.get("origin") == "cdn"]

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


class Case:
    """A fresh home for one test."""

    def __init__(self, standin=None, **environment):
        self.home = tempfile.mkdtemp(prefix="parley-cli-")
        self.data = os.path.join(self.home, "data")
        self.models = os.path.join(self.data, "models")
        self.environment = dict(os.environ, PARLEY_DATA_DIR=self.data, PARLEY_HUB=standin.hub if standin else "http://127.0.0.1:9",
                                XDG_CACHE_HOME=os.path.join(self.home, "cache"), HOME=self.home,
                                PARLEY_VULKAN_DEVICE="none", no_proxy="127.0.0.1", **environment)
        for name in ("HF_TOKEN", "HF_ENDPOINT", "HF_HOME", "HF_HUB_OFFLINE", "HF_HUB_CACHE",
                     "HUGGINGFACE_HUB_CACHE", "LLAMA_CACHE", "OLLAMA_MODELS", "XDG_DATA_HOME",
                     "XDG_CONFIG_HOME"):
            if name not in environment:
                self.environment.pop(name, None)
        if standin:
            standin.tell(reset=True)

    def start(self, *words):
        return subprocess.Popen([CLI, *words], env=self.environment, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def run(self, *words, status=0):
        process = self.start(*words)
        try:
            out, err = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError("%s: no end after a minute: %r" % (words, process.communicate())) from None
        assert process.returncode == status, (words, process.returncode, out, err)
        return out if status == 0 else err

    def facts(self, *words):
        facts = json.loads(self.run(*words, "--json"))
        if words == ("list",):  # but for the model that comes with Parley
            facts = [model for model in facts if model["id"] != "parley-guide"]
        return facts

    def files(self):
        return sorted(os.path.relpath(os.path.join(folder, name), self.models)
                      for folder, _, names in os.walk(self.models) for name in names)

    def close(self):
        shutil.rmtree(self.home)


def wait_for(path, size):
    """Until the file has at least `size` bytes."""
    for _ in range(3000):
        if os.path.exists(path) and os.path.getsize(path) >= size:
            return
        time.sleep(0.01)
    raise AssertionError("%s did not grow to %d bytes" % (path, size))


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


class Skip(Exception):
    pass


def run_all(tests):
    """Runs each case and leaves the program."""
    failed = 0
    for number, (name, test) in enumerate(tests, 1):
        try:
            test()
            print("ok %d - %s" % (number, name), flush=True)
        except Skip as skip:
            print("ok %d - %s # SKIP %s" % (number, name, skip), flush=True)
        except Exception:  # one case's failure must not hide the others
            failed += 1
            print("".join("# %s\n" % line for line in traceback.format_exc().splitlines()), end="")
            print("not ok %d - %s" % (number, name), flush=True)
    print("1..%d" % len(tests))
    sys.exit(1 if failed else 0)
