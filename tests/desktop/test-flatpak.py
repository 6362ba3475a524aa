#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Flatpak, as a person gets it: built by its manifest on a stand-in runtime, installed, opened,
used to download a model and to talk to it, removed. Prints TAP.

test-flatpak.py: without $PARLEY_TEST_LONG the module for PDF text is left out, which takes longer
to build than Parley itself. $PARLEY_TEST_FLATPAK names a folder to keep and to use again."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(HERE, "..", "ui"))
import accessible  # noqa: E402
import driver  # noqa: E402
import shots  # noqa: E402
import talk  # noqa: E402
from driver import APP_ID, App, Desktop, wait  # noqa: E402
from gi.repository import GLib  # noqa: E402

PROGRAMS = ("flatpak", "flatpak-builder", "bwrap", "ostree", "mmdebstrap", "curl", "meson")


NO_PACKAGES = 75  # of build.sh


class Missing(Exception):
    """What the mirror did not give."""


def why_not():
    """Why the sandbox cannot be made here, or None."""
    if driver.needs():
        return driver.needs()
    for program in PROGRAMS:
        if not shutil.which(program):
            return f"{program} is not installed"
    if os.geteuid() != 0:
        return "unpacking a runtime needs root"
    if not os.path.exists(shots.MODEL):
        return "there is no model to talk to"
    if not os.path.isdir(os.path.join(SOURCE, ".git")) and not os.path.isfile(os.path.join(SOURCE, ".git")):
        return "this is no checkout"
    sandbox = subprocess.run(["bwrap", "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc",
                              "true"], capture_output=True, text=True, check=False)
    if sandbox.returncode != 0:
        return "sandboxes are forbidden here: " + sandbox.stderr.strip()
    mirror = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)",
                             "Created-By: Packages"], capture_output=True, text=True, check=False)
    first = next((line for line in mirror.stdout.splitlines() if "security" not in line), None)
    if first is None:
        return "no package mirror is configured"
    reached = subprocess.run(["curl", "--silent", "--fail", "--head", "--max-time", "20",
                              f"{first.rstrip('/')}/dists/forky/InRelease"],
                             stdout=subprocess.DEVNULL, check=False)
    return None if reached.returncode == 0 else "the package mirror cannot be reached"


class Sandboxed(App):
    """The installed Flatpak. Its process is another one than flatpak's own."""

    def __init__(self, desktop, folder, hub):
        super().__init__(desktop, folder)
        self.hub = hub
        self.env["FLATPAK_USER_DIR"] = os.path.join(folder, "user")

    def command(self):
        return ["flatpak", "--user", "run", f"--env=PARLEY_HUB={self.hub}",
                "--env=PARLEY_VULKAN_DEVICE=0", "--env=GSK_RENDERER=cairo", "--env=GTK_A11Y=atspi",
                "--env=PARLEY_DATA_DIR=", APP_ID]

    def __exit__(self, *ended):
        self.do("toast", "'bye'")
        subprocess.run(["flatpak", "kill", APP_ID], env=self.env, capture_output=True, check=False)
        super().__exit__(*ended)

    def windows(self):
        return self.xdotool("search", "--onlyvisible", "--class", "parley").split()

    def is_ours(self, access, name):
        said = access.connection.call(name, accessible.ROOT, "org.freedesktop.DBus.Properties.Get",
                                      GLib.Variant("(ss)", ("org.a11y.atspi.Accessible", "Name")))
        return said.lower() in ("parley", APP_ID.lower())


def real_repository(hub):
    """The repository of the stand-in whose file is a model that runs."""
    address = hub.address + "/api/models?filter=gguf&search=stories&limit=5"
    with urllib.request.urlopen(address, timeout=10) as answer:
        return json.load(answer)[0]["id"]


class Flatpak:
    def __init__(self, folder, desktop, hub):
        self.folder, self.desktop, self.hub = folder, desktop, hub
        self.env = dict(desktop.env, FLATPAK_USER_DIR=os.path.join(folder, "user"))
        self.data = os.path.join(desktop.home, ".var", "app", APP_ID, "data", "parley")

    def run(self, *argv):
        done = subprocess.run(argv, env=self.env, capture_output=True, text=True, check=False,
                              timeout=3000)
        if done.returncode == NO_PACKAGES:
            raise Missing(done.stderr.strip().splitlines()[-1])
        assert done.returncode == 0, f"{' '.join(argv)}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout


def builds_and_installs(flatpak):
    without = [] if os.environ.get("PARLEY_TEST_LONG") else ["--without", "poppler"]
    log = flatpak.run(os.path.join(SOURCE, "flatpak", "build.sh"), "--local-runtime", *without,
                      flatpak.folder)
    deprecated = re.findall(r".*deprecat.*", re.sub(r"(?m)^.*CMake.*$|^WARNING: Running.*$", "", log))
    assert not deprecated, "\n".join(deprecated[:10])
    assert APP_ID in flatpak.run("flatpak", "--user", "list", "--app", "--columns=application")


def has_least_permissions(flatpak):
    said = flatpak.run("flatpak", "--user", "info", "--show-permissions", APP_ID)
    assert "devices=dri;" in said and "shared=network;ipc;" in said, said
    for place in re.search(r"filesystems=(.*)", said)[1].strip(";").split(";"):
        assert place.endswith(":ro") and place.split(":")[0] not in ("home", "host", "~"), place


def finds_the_device(flatpak):
    said = flatpak.run("flatpak", "--user", "run", "--env=PARLEY_VULKAN_DEVICE=0",
                       "--command=parley-cli", APP_ID, "devices")
    assert "llvmpipe" in said, said


def downloads_and_talks(flatpak):
    with Sandboxed(flatpak.desktop, flatpak.folder, flatpak.hub.address) as app:
        app.do("search", f"'{real_repository(flatpak.hub)}'")
        wait(lambda: [n for n in app.root.all("push button") if n.name.startswith("Download ")],
             "Download", 60)
        button = [n for n in app.root.all("push button") if n.name.startswith("Download ")][0]
        begin_chat = button.name.replace("Download ", "Chat with ")
        button.click()
        app.find("push button", begin_chat, 90).click()
        wait(lambda: talk.says(app, "layers on the GPU"), "where its layers are", 90)
        talk.settings(app, Temperature=0, Longest_reply=60)
        talk.write(app)
        talk.same(talk.ended(flatpak.data), talk.written(), 100)


def leaves_nothing(flatpak):
    flatpak.run("flatpak", "--user", "uninstall", "-y", "--noninteractive", "--delete-data", APP_ID)
    assert APP_ID not in flatpak.run("flatpak", "--user", "list", "--columns=application")
    assert not os.path.exists(os.path.dirname(os.path.dirname(flatpak.data))), "data is left"
    left = [os.path.join(d, f) for d, folders, files in os.walk(os.path.join(flatpak.folder, "user"))
            for f in files + folders if APP_ID in f and "/repo/" not in d]
    assert not left, left


CASES = [builds_and_installs, has_least_permissions, finds_the_device, downloads_and_talks,
         leaves_nothing]


def main():
    why = why_not()
    if why:
        print(f"1..0 # SKIP {why}")
        return 0
    kept = os.environ.get("PARLEY_TEST_FLATPAK")
    folder = kept or tempfile.mkdtemp(prefix="parley-flatpak-")
    failed = 0
    print(f"1..{len(CASES)}", flush=True)
    try:
        with shots.Hub(shots.MODEL) as hub, Desktop() as desktop:
            flatpak = Flatpak(folder, desktop, hub)
            for number, case in enumerate(CASES, 1):
                name = case.__name__.replace("_", " ")
                try:
                    case(flatpak)
                    print(f"ok {number} - {name}", flush=True)
                except Missing as missing:
                    for left, skipped in enumerate(CASES[number - 1:], number):
                        name = skipped.__name__.replace("_", " ")
                        print(f"ok {left} - {name} # SKIP {missing}", flush=True)
                    break
                except Exception as error:
                    failed += 1
                    print(f"not ok {number} - {name}", flush=True)
                    print("# " + str(error).replace("\n", "\n# "), flush=True)
    finally:
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)
    return failed != 0


sys.exit(main())
