#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""TAP: replies.py PARLEY-CLI SPLIT-REPLY: what real chat templates write for a reply that is over is
what their models write: it must come apart into the reasoning, the answer and the calls that went in.

Reads the templates of $PARLEY_CONFORMANCE. A template is left out where it writes a past reply
otherwise than a new one would go on from its prompt, or drops what is looked for."""
import json
import os
import pathlib
import subprocess
import sys

cli, splitter = sys.argv[1:3]
folder = pathlib.Path(os.environ.get("PARLEY_CONFORMANCE", ""), "template", "templates")

USER = {"role": "user", "content": "Is the river high?"}
TOOL = {"type": "function", "function": {
    "name": "read_gauge", "description": "Reads a gauge.",
    "parameters": {"type": "object", "required": ["place"],
                   "properties": {"place": {"type": "string", "description": "where"}}}}}
REASON, ANSWER, PLACE = "Gauges know the height.", "It stands at two metres.", "UpperBridge"


def call(arguments):
    return {"id": "call12345", "type": "function",
            "function": {"name": "read_gauge", "arguments": arguments}}


# What the finished reply holds, and where each text must end up.
SHAPES = {
    "reasoning": ({"content": ANSWER, "reasoning_content": REASON},
                  {REASON: "reasoning", ANSWER: "text"}),
    "tags": ({"content": f"<think>\n{REASON}\n</think>\n\n{ANSWER}"},
             {REASON: "reasoning", ANSWER: "text"}),
    "call": ({"content": "", "tool_calls": [call({"place": PLACE})]},
             {"read_gauge": "call", PLACE: "call"}),
    "call of text": ({"content": "", "tool_calls": [call(json.dumps({"place": PLACE}))]},
                     {"read_gauge": "call", PLACE: "call"}),
    "answer": ({"content": ANSWER}, {ANSWER: "text"}),
}


# What has no marks of its own within a reply.
TURNS_OF_THEIR_OWN = {
    "GigaChat3-10B-A1.8B.jinja": "calls are turns of another sender",
    "meetkai-functionary-medium-v2.2.jinja": "calls are turns for another recipient",
    "muse-glimmer.jinja": "reasoning and calls are turns for other recipients",
}


def requests(name, source):
    names = {"bos_token": "<s>", "eos_token": "</s>"}
    for shape, (reply, _) in SHAPES.items():
        tools = {"tools": [TOOL]} if "call" in shape else {}
        for end, messages, more in (("prompt", [USER], {"add_generation_prompt": True}),
                                    ("whole", [USER, {"role": "assistant", **reply}],
                                     {"add_generation_prompt": False})):
            yield {"id": f"{name}|{shape}|{end}", "template": source, "now": "2025-11-09T07:05:03",
                   "context": {**names, **tools, **more, "messages": messages}}


def lines(command, items):
    text = "".join(json.dumps(i) + "\n" for i in items)
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def judge(parts, places):
    """The texts that are not in the part where they belong, or also elsewhere."""
    wrong = []
    for what, where in places.items():
        kinds = {kind for kind, text in parts if what in text}
        if kinds != {where}:
            wrong.append(f"{what!r} in {sorted(kinds)}, not {where}")
    return wrong


def main():
    if not folder.is_dir():
        print("1..0 # SKIP no conformance set")
        return 0
    sources = {p.name: p.read_text(encoding="utf-8") for p in sorted(folder.glob("*.jinja"))}
    asked = [r for name, source in sources.items() for r in requests(name, source)]
    rendered = {a["id"]: a.get("text") for a in lines([cli, "render", "--jsonl", "-"], asked)}
    jobs = []
    for name, source in sources.items():
        for shape, (_, places) in SHAPES.items():
            if (shape == "tags" and "</think>" not in source) or \
                    (shape != "answer" and name in TURNS_OF_THEIR_OWN):
                continue
            prompt, whole = (rendered.get(f"{name}|{shape}|{end}") for end in ("prompt", "whole"))
            if not prompt or not whole or not whole.startswith(prompt):
                continue
            reply = whole[len(prompt):]
            if all(what in reply for what in places):
                jobs.append(({"template": source, "prompt": prompt, "reply": reply}, name, shape))
    answers = lines([splitter], [job for job, _, _ in jobs])
    wrong, tested = [], {shape: 0 for shape in SHAPES}
    for (job, name, shape), answer in zip(jobs, answers, strict=True):
        if shape == "answer" and answer["begins_inside"]:
            continue  # this template drops the reasoning that a new reply begins with
        tested[shape] += 1
        for why in judge(answer["parts"], SHAPES[shape][1]):
            wrong.append(f"{name}, {shape} ({answer['format']}): {why}; {job['reply']!r}")
    for line in wrong:
        print("# " + line[:600])
    if min(tested.values()) < 5:
        wrong.append("hardly any template was tested")
    print(f"# of {len(sources)} templates: " + ", ".join(f"{s} {n}" for s, n in tested.items()))
    print(f"{'not ok' if wrong else 'ok'} 1 - replies of real templates\n1..1")
    return 1 if wrong else 0


sys.exit(main())
