#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what ships beside parley-cli from its own --help, so that it cannot be out of date:
cli-documents.py PROGRAM VERSION MAN BASH ZSH FISH

A command or an option is described once, in the program; this reads the pages that it prints."""
import re
import subprocess
import sys
from dataclasses import dataclass, field

FILE_ARGUMENT = re.compile(r"\b(FILE|PATH|MODEL|REQUESTS|TEMPLATE|CONTEXT|OUT)\b")


@dataclass
class Option:
    short: str  # "-p" or ""
    long: str  # "--prompt"
    value: str  # "TEXT" or "" for a switch
    about: str


@dataclass
class Command:
    name: str
    summary: str  # of the list of commands
    arguments: str = ""
    about: str = ""  # of its own page
    options: list = field(default_factory=list)


def page(program, *arguments):
    run = subprocess.run([program, *arguments, "--help"], check=True, capture_output=True, text=True,
                         env={"LC_ALL": "C.UTF-8"})
    return run.stdout.splitlines()


def read_options(lines):
    options = []
    for line in lines:
        m = re.match(r"  (?:(-\w), )?(--[\w-]+)(?:=(\S+))?(?:\s+(.*))?$", line)
        if m:
            options.append(Option(m[1] or "", m[2], m[3] or "", (m[4] or "").strip()))
        elif options and line.startswith("   ") and line.strip():
            options[-1].about = f"{options[-1].about} {line.strip()}".strip()
    if not options:
        sys.exit("no option was found: has the layout of --help changed?")
    return options


def read_commands(program):
    lines = page(program)
    start = lines.index("Commands:") + 1
    commands = []
    for line in lines[start:lines.index("", start)]:
        name, summary = line.split(None, 1)
        commands.append(Command(name, summary))
    for c in commands:
        lines = page(program, c.name)
        usage = lines[lines.index("Usage:") + 1]
        c.arguments = usage.split("[OPTION…]", 1)[1].strip()
        end = next(i for i, l in enumerate(lines) if l == "Help Options:")
        c.about = " ".join(l.strip() for l in lines[3:end] if l.strip())
        c.options = read_options(lines[end:])
    return commands


# ---- the manual page ----


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in ".'" else text


def write_man(path, version, commands):
    out = [f'.TH PARLEY\\-CLI 1 "" "Parley {version}" "User Commands"', ".SH NAME",
           "parley\\-cli \\- find, download and run language models", ".SH SYNOPSIS",
           ".B parley\\-cli", ".I COMMAND", "[\\fIOPTION\\fR\\&...] [\\fIARGUMENT\\fR\\&...]",
           ".SH DESCRIPTION",
           "Parley runs language models on this computer, on the graphics card, the processor or both.",
           "This program does in a terminal what", ".BR parley (1),",
           "the application, does in a window; both share one library of models and one queue of downloads.",
           "Commands that print facts print JSON with", ".BR \\-\\-json ;",
           "every command explains itself with", ".BR \\-\\-help ,",
           "and", ".B parley\\-cli \\-\\-version", "tells the version.", ".SH COMMANDS"]
    for c in commands:
        out += [f".SS {roff(c.name)} {roff(c.arguments)}".rstrip(), roff(c.about)]
        for o in c.options:
            if o.long == "--help":
                continue
            value = f"=\\fI{roff(o.value)}\\fR" if o.value else ""
            short = f"\\fB{roff(o.short)}\\fR, " if o.short else ""
            out += [".TP", f"{short}\\fB{roff(o.long)}\\fR{value}", roff(o.about)]
    out += [".SH EXIT STATUS", "0: done. 1: failed; the reason is on standard error. 2: used wrongly.",
            ".SH ENVIRONMENT"]
    for name, about in [
            ("PARLEY_DATA_DIR", "The folder of chats, models and downloads, instead of $XDG_DATA_HOME/parley "
             "and of what was chosen in Preferences."),
            ("PARLEY_HUB, HF_ENDPOINT", "The address of the hub."),
            ("HF_TOKEN", "The token that is shown to the hub, and to nobody else. Without it, the one that the "
             "hub's own tools keep ($HF_TOKEN_PATH, $HF_HOME/token), then the one in the keyring."),
            ("HF_HUB_OFFLINE", "If it is set to other than 0, the hub is not asked."),
            ("PARLEY_BUDGETS", "What a model may take of devices in bytes, at most what "
             "'parley-cli devices --allow' lets it: cpu=12000000000,gpu=6000000000."),
            ("PARLEY_OTHER_PROGRAMS", "0: models of other programs are not looked for."),
            ("PARLEY_CPU", "The highest instruction set to use: scalar, avx2, avxvnni, avx512, amx; neon, dotprod, i8mm."),
            ("PARLEY_VULKAN_DEVICE", "The GPU to use, by number or UUID. A device in software is used only when named here."),
    ]:
        out += [".TP", f".B {roff(name)}", roff(about)]
    out += [".SH SEE ALSO", ".BR parley (1)"]
    write(path, out)


# ---- completion ----


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def choices(option):
    """The values of an option whose placeholder lists them: exact|fast."""
    return option.value.split("|") if "|" in option.value else []


def write_bash(path, commands):
    out = ["# bash completion for parley-cli", "_parley_cli ()", "{",
           "  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} option= options=",
           "  COMPREPLY=()", "  if [ \"$COMP_CWORD\" -eq 1 ]; then",
           f"    COMPREPLY=($(compgen -W {quoted(' '.join(c.name for c in commands) + ' --help --version')} -- \"$current\"))",
           "    return", "  fi",
           # "--option=value" arrives as three words.
           "  if [ \"$current\" = '=' ]; then option=$before current=",
           "  elif [ \"$before\" = '=' ]; then option=${COMP_WORDS[COMP_CWORD - 2]}; fi",
           "  case $option in"]
    values = {o.long: choices(o) for c in commands for o in c.options if choices(o)}
    for long, words in sorted(values.items()):
        out.append(f"  {long}) COMPREPLY=($(compgen -W {quoted(' '.join(words))} -- \"$current\")); return ;;")
    out += ["  --*) compopt -o default; return ;;", "  esac", "  case ${COMP_WORDS[1]} in"]
    for c in commands:
        words = " ".join(o.long + ("=" if o.value else "") for o in c.options)
        out.append(f"  {c.name}) options={quoted(words)} ;;")
    out += ["  esac", "  case $current in", "  -*)",
            "    COMPREPLY=($(compgen -W \"$options\" -- \"$current\"))",
            "    [[ ${COMPREPLY[0]:-} == *= ]] && compopt -o nospace ;;", "  *)",
            "    case ${COMP_WORDS[1]} in",
            f"    {' | '.join(c.name for c in commands if 'MODEL' in c.arguments)})",
            "      local IFS=$'\\n'",
            "      COMPREPLY=($(compgen -W \"$(parley-cli list --names 2>/dev/null)\" -- \"$current\")) ;;",
            "    esac",
            "    compopt -o default ;;", "  esac", "}", "complete -F _parley_cli parley-cli"]
    write(path, out)


def write_zsh(path, commands):
    def text(s):
        return re.sub(r"([\[\]:])", r"\\\1", s)

    out = ["#compdef parley-cli", "local -a commands", "commands=("]
    out += [f"  {quoted(text(c.name) + ':' + text(c.summary))}" for c in commands]
    out += [")", "if (( CURRENT == 2 )); then", "  _describe command commands", "  return", "fi",
            "local command=$words[2]", "shift words", "(( CURRENT-- ))", "case $command in"]
    for c in commands:
        out.append(f"{c.name})")
        specs = []
        for o in c.options:
            value = ""
            if o.value:
                what = f"({' '.join(choices(o))})" if choices(o) else \
                    "_files" if FILE_ARGUMENT.search(o.value) else ""
                value = f":{text(o.value)}:{what}"
            specs.append(quoted(f"{o.long}{'=' if o.value else ''}[{text(o.about)}]{value}"))
        rest = "*:file:_files" if FILE_ARGUMENT.search(c.arguments) else "*:argument:"
        out += ["  _arguments \\"] + [f"    {s} \\" for s in specs] + [f"    {quoted(rest)}", "  ;;"]
    out.append("esac")
    write(path, out)


def write_fish(path, commands):
    out = ["# fish completion for parley-cli", "complete -c parley-cli -n __fish_use_subcommand -f"]
    for c in commands:
        out.append(f"complete -c parley-cli -n __fish_use_subcommand -a {c.name} -d {quoted(c.summary)}")
    for c in commands:
        when = quoted(f"__fish_seen_subcommand_from {c.name}")
        for o in c.options:
            words = f" -s {o.short[1:]}" if o.short else ""
            words += f" -l {o.long[2:]}" + (" -r" if o.value else "")
            if choices(o):
                words += f" -f -a {quoted(' '.join(choices(o)))}"
            out.append(f"complete -c parley-cli -n {when}{words} -d {quoted(o.about)}")
    write(path, out)


def write(path, lines):
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")


def main():
    program, version, man, bash, zsh, fish = sys.argv[1:]
    commands = read_commands(program)
    write_man(man, version, commands)
    write_bash(bash, commands)
    write_zsh(zsh, commands)
    write_fish(fish, commands)


main()
