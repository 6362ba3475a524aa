#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `meson install` lays down, and what the desktop's own checkers say of it. Prints TAP.

test-install.py BUILD"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

APP_ID = "io.github.parleychat.Parley"
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = sys.argv[1]

FILES = [
    "bin/parley", "bin/parley-cli", "bin/parley-bench", "libexec/parley-worker",
    f"share/applications/{APP_ID}.desktop", f"share/metainfo/{APP_ID}.metainfo.xml",
    f"share/mime/packages/{APP_ID}.xml", f"share/dbus-1/services/{APP_ID}.service",
    f"share/gnome-shell/search-providers/{APP_ID}.search-provider.ini",
    f"share/icons/hicolor/scalable/apps/{APP_ID}.svg",
    f"share/icons/hicolor/symbolic/apps/{APP_ID}-symbolic.svg",
    "share/man/man1/parley.1", "share/man/man1/parley-cli.1",
    "share/bash-completion/completions/parley-cli", "share/zsh/site-functions/_parley-cli",
    "share/fish/vendor_completions.d/parley-cli.fish",
]


class Skip(Exception):
    pass


def run(*argv, **how):
    done = subprocess.run(argv, capture_output=True, text=True, check=False, **how)
    assert done.returncode == 0, f"{' '.join(argv)}: {done.stdout}{done.stderr}"
    return done.stdout


def need(program):
    if not shutil.which(program):
        raise Skip(f"{program} is not installed")
    return program


class Installed:
    def __init__(self, root):
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", root)
        prefix = next(o for o in self.options() if o["name"] == "prefix")["value"]
        self.prefix = root + prefix

    @staticmethod
    def options():
        import json
        return json.loads(run("meson", "introspect", "--buildoptions", BUILD))

    def path(self, name):
        return os.path.join(self.prefix, name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as f:
            return f.read()


def files_are_there(tree):
    missing = [f for f in FILES if not os.path.exists(tree.path(f))]
    assert not missing, f"not installed: {missing}"
    strays = [os.path.join(d, f) for d, _, names in os.walk(tree.prefix) for f in names
              if f.endswith((".a", ".o", ".py", ".h"))]
    assert not strays, f"installed without need: {strays}"


def desktop_file_is_valid(tree):
    run(need("desktop-file-validate"), tree.path(f"share/applications/{APP_ID}.desktop"))


def metainfo_is_valid(tree):
    path = tree.path(f"share/metainfo/{APP_ID}.metainfo.xml")
    run(need("appstreamcli"), "validate", "--no-net", path)
    root = ElementTree.parse(path).getroot()
    for image in root.iter("image"):
        name = image.text.rsplit("/", 1)[1]
        assert os.path.exists(os.path.join(SOURCE, "data", "screenshots", name)), name
    meson = run("meson", "introspect", "--projectinfo", BUILD)
    version = re.search(r'"version": "([^"]+)"', meson)[1]
    assert root.find("releases/release").get("version") == version, "no notes for this version"


def names_agree(tree):
    ini = tree.read(f"share/gnome-shell/search-providers/{APP_ID}.search-provider.ini")
    service = tree.read(f"share/dbus-1/services/{APP_ID}.service")
    desktop = tree.read(f"share/applications/{APP_ID}.desktop")
    assert f"BusName={APP_ID}\n" in ini and f"DesktopId={APP_ID}.desktop" in ini
    assert f"Name={APP_ID}\n" in service
    command = re.search(r"^Exec=(\S+)", service, re.M)[1]
    assert command.endswith("/bin/parley"), command
    assert "DBusActivatable=true" in desktop
    mime = ElementTree.parse(tree.path(f"share/mime/packages/{APP_ID}.xml")).getroot()
    declared = [e.get("type") for e in mime.iter() if e.tag.endswith("mime-type")]
    for kind in declared:
        assert f"{kind};" in desktop, f"{kind} opens with nothing"


def manual_has_every_option(tree):
    page = tree.read("share/man/man1/parley-cli.1").replace("\\", "")
    cli = tree.path("bin/parley-cli")
    for name in re.findall(r"^  (\w+) ", run(cli, "--help"), re.M):
        assert f"\n.SS {name}" in page, f"{name} is not in the manual page"
        for option in re.findall(r"^  (?:-\w, )?(--[\w-]+)", run(cli, name, "--help"), re.M):
            assert option == "--help" or option in page, f"{name} {option} is not there"
    window = tree.read("share/man/man1/parley.1").replace("\\", "")
    help_of_window = run(tree.path("bin/parley"), "--help", env={**os.environ, "LC_ALL": "C.UTF-8"})
    options = set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", help_of_window, re.M)) - {
        "--help-all", "--help-gapplication"}
    assert len(options) >= 4, options
    assert options == set(re.findall(r"^\.B (--[\w-]+)", window, re.M)), options
    for page in ("parley-cli.1", "parley.1"):
        if shutil.which("mandoc"):
            run("mandoc", "-Tlint", "-Wwarning", tree.path("share/man/man1/" + page))


def bash_completes(tree):
    script = tree.path("share/bash-completion/completions/parley-cli")

    def complete(*words):
        return run(need("bash"), "-c", '''. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
compopt () { :; }; _parley_cli; printf '%s\\n' "${COMPREPLY[@]}"''', script, *words).split()

    assert complete("parley-cli", "ins") == ["inspect"]
    assert "--gpu-layers=" in complete("parley-cli", "chat", "--g")
    assert not complete("parley-cli", "nonsense", "--g")
    assert complete("parley-cli", "chat", "--precision", "=", "f") == ["fast"]
    assert complete("parley-cli", "search", "--sort", "=") == ["trending", "downloads", "likes", "updated"]
    assert not complete("parley-cli", "search", "--size", "=")
    helped = re.findall(r"^  (\w+) ", run(tree.path("bin/parley-cli"), "--help"), re.M)
    models = re.search(r"\n    ((?:\w+ \| )+\w+)\)\n      local IFS",
                       tree.read("share/bash-completion/completions/parley-cli"))[1].split(" | ")
    assert models == [name for name in helped if " MODEL" in run(
        tree.path("bin/parley-cli"), name, "--help").split("Help Options")[0].replace("[", " ")], models


def other_shells_read_theirs(tree):
    for shell, name in (("zsh", "share/zsh/site-functions/_parley-cli"),
                        ("fish", "share/fish/vendor_completions.d/parley-cli.fish")):
        if shutil.which(shell):
            run(shell, "-n", tree.path(name))
    assert tree.read("share/zsh/site-functions/_parley-cli").startswith("#compdef parley-cli\n")


CASES = [files_are_there, desktop_file_is_valid, metainfo_is_valid, names_agree,
         manual_has_every_option, bash_completes, other_shells_read_theirs]


def main():
    failed = 0
    print(f"1..{len(CASES)}")
    with tempfile.TemporaryDirectory(prefix="parley-install-") as root:
        tree = Installed(root)
        for number, case in enumerate(CASES, 1):
            name = case.__name__.replace("_", " ")
            try:
                case(tree)
                print(f"ok {number} - {name}")
            except Skip as why:
                print(f"ok {number} - {name} # SKIP {why}")
            except Exception as error:
                failed += 1
                print(f"not ok {number} - {name}")
                print("# " + str(error).replace("\n", "\n# "))
    return failed != 0


sys.exit(main())
