#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the desktop asks of the application: its search, its launcher's actions, addresses and files
handed over. Prints TAP."""
import ast
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "ui"))
import driver  # noqa: E402
from driver import APP_ID, App, Desktop, wait  # noqa: E402

PROVIDER = "/io/github/parleychat/Parley/SearchProvider"


class Service(App):
    """Started as the session bus does: without a window."""

    def command(self):
        return [self.program, "--gapplication-service"]

    def is_ready(self):
        return self.search("GetResultMetas", "@as []") == ([],)

    def search(self, method, *arguments):
        done = subprocess.run(["gdbus", "call", "--session", "--dest", APP_ID, "--object-path",
                               PROVIDER, "--method", f"org.gnome.Shell.SearchProvider2.{method}",
                               *arguments], env=self.env, text=True, capture_output=True,
                              timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        for annotation in ("@as ", "@aa{sv} ", "<", ">"):
            done.stdout = done.stdout.replace(annotation, "")
        return ast.literal_eval(done.stdout)


def searched(desktop, data):
    subprocess.run([os.path.join(driver.BUILD, "tests", "ui", "seed"), data], check=True,
                   stdout=subprocess.DEVNULL)
    with Service(desktop, data) as app:
        assert not app.windows(), "a window opened for a search"
        found, = app.search("GetInitialResultSet", "['sourdough']")
        assert len(found) == 1, found
        metas, = app.search("GetResultMetas", str(found))
        assert metas[0]["id"] == found[0] and "Sourdough" in metas[0]["name"], metas
        nothing, = app.search("GetSubsearchResultSet", str(found), "['sourdough', 'zzzzz']")
        assert nothing == [], nothing
        for hostile in ("", ":", "1", "9:9", "-1:0", "x:y", "99999999999999999999:0"):
            metas, = app.search("GetResultMetas", str([hostile]))
            assert metas == [], (hostile, metas)
            app.search("ActivateResult", repr(hostile), "['a']", "0")
        app.search("ActivateResult", repr(found[0]), "['sourdough']", "0")
        wait(app._answers, "the window", 40)
        wait(lambda: [n for n in app.root.all("label") if n.name == "Sourdough timetable"],
             "the chat")


def searched_on(desktop, data):
    subprocess.run([os.path.join(driver.BUILD, "tests", "ui", "seed"), data], check=True,
                   stdout=subprocess.DEVNULL)
    with Service(desktop, data) as app:
        app.search("LaunchSearch", "['regular', 'expressions']", "0")
        wait(app._answers, "the window", 40)
        wait(lambda: [n for n in app.root.walk() if n.role in ("text", "entry", "search box")
                      and n.text() == "regular expressions"],
             "the words in the search of the sidebar")


def second(app, *arguments):
    done = subprocess.run([app.program, *arguments], env=app.env, text=True, capture_output=True,
                          timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def one_instance(desktop, data):
    with App(desktop, data, {"PARLEY_HUB": "http://127.0.0.1:9"}) as app:
        assert second(app, "--version").startswith("parley ")
        second(app, "--discover")
        wait(lambda: app.root.all("text", "Search or paste an address") or
             [n for n in app.root.all("label") if n.name == "Discover"], "the place")
        second(app, "parley:example/some-model:Q4_K_M")
        wait(lambda: [n for n in app.root.all("label") if "some-model" in n.name], "the model's page")
        second(app, "parley://example/other-model")
        wait(lambda: [n for n in app.root.all("label") if "other-model" in n.name], "the next one")
        second(app, "--new-chat")
        second(app)
        assert len(app.windows()) == 1, "there are two windows"


def opened_from_a_file(desktop, data):
    with tempfile.TemporaryDirectory() as folder, App(desktop, data) as app:
        path = os.path.join(folder, "From-A-Folder-F32.gguf")
        subprocess.run([os.path.join(driver.BUILD, "tests", "tools", "synth-model"), "--preset",
                        "tiny", "--type", "f32", path], check=True, stdout=subprocess.DEVNULL)
        second(app, path)
        wait(lambda: [f for _, _, files in os.walk(os.path.join(data, "models")) for f in files
                      if f == "From-A-Folder-F32.gguf"], "the file in the library", 30)
        assert os.path.exists(path), "the file was moved away"


CASES = [searched, searched_on, one_instance, opened_from_a_file]


def main():
    missing = driver.needs()
    if missing:
        print(f"1..0 # SKIP {missing}")
        return 0
    failed = 0
    print(f"1..{len(CASES)}", flush=True)
    with Desktop() as desktop:
        for number, case in enumerate(CASES, 1):
            name = case.__name__.replace("_", " ")
            with tempfile.TemporaryDirectory(prefix="parley-data-") as data:
                try:
                    case(desktop, data)
                    print(f"ok {number} - {name}", flush=True)
                except Exception as error:
                    failed += 1
                    print(f"not ok {number} - {name}\n# {str(error)}", flush=True)
    return failed != 0


sys.exit(main())
