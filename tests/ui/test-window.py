#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real window, driven as a person would: find a model, see what it would do here, download it,
talk to it, move its layers while it answers; and kill what can be killed. Prints TAP."""

import hashlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cases  # noqa: E402
import driver  # noqa: E402
import library  # noqa: E402
import shots  # noqa: E402
import talk  # noqa: E402
from cases import kept  # noqa: E402
from driver import wait  # noqa: E402

PACE = "30"  # milliseconds between two tokens, where a case needs time


# ---- finding, downloading, talking ----

def download_button(app):
    return wait(lambda: [n for n in app.root.all("push button") if n.name.startswith("Download ")],
                "Download")[0]


def open_repo(case, app):
    app.do("search", f"'{case.hub.real}'")
    app.find("label", case.hub.real.split("/")[1].removesuffix("-GGUF"), 30)


def shown_rows(app):
    """Names of the models in the lists of the page."""
    return [n.name for n in app.root.all("list item") if n.name]


def suggestions_and_filters(case, app):
    """What the hub does not know is not suggested; filters leave what they say."""
    with open(os.path.join(shots.ROOT, "resources", "suggestions.json"), encoding="utf-8") as file:
        suggested = json.load(file)["models"]
    app.do("show-discover")
    wait(lambda: "Kestrel-7B-Instruct" in shown_rows(app), "what the hub has", 30)
    app.find("label", "Suits This Computer")
    rows = wait(lambda: [n for n in shown_rows(app) if n in {m["name"] for m in suggested}],
                "suggestions")
    known = {m["name"] for m in suggested[: len(suggested) // 2]}
    assert set(rows) <= known, set(rows) - known
    app.find("push button", "Filters").click()
    app.find("combo box", "Size").press()
    app.key("Down", "Down", "Return")
    wait(lambda: "Heron-3B-Chat" in shown_rows(app) and "Heron-12B-Chat" not in shown_rows(app),
         "only those with 3 to 9 billion parameters")
    assert not talk.says(app, "Suits This Computer"), "suggestions are in the way"
    app.find("push button", "Clear Filters").click()
    wait(lambda: "Heron-12B-Chat" in shown_rows(app), "all of them again")


def pages_say_what_files_are(app):
    app.do("search", "'fixture/plain:F32'")
    wait(lambda: talk.says(app, "Asked for"), "the file that was asked for", 30)
    wait(lambda: talk.says(app, "Recommended"), "which file is recommended", 30)
    assert talk.says(app, "No model to talk to by itself"), "companions are not explained"
    assert talk.says(app, "32 bits · The original precision"), "not grouped by quantisation"
    app.do("search", "'fixture/many'")
    button = wait(lambda: app.root.all("push button", "Show All 130 Files"), "that there are more",
                  30)[0]
    wait(lambda: talk.says(app, "Recommended"), "which of many is recommended", 30)
    button.click()
    wait(lambda: len([n for n in talk.says(app, "≈ ") if "tokens/s" not in n.name]) == 129,
         "what all the others would do")
    assert len(talk.says(app, "Recommended")) == 1, "not one file is recommended"
    app.do("search", "'tidepool-ai/Heron-12B-Chat-GGUF'")
    wait(lambda: talk.says(app, "Its owner decides on each request"), "the gate", 30)
    app.find("push button", "Open Page")
    app.do("search", "'firstlight/Wren-Embed-0.3B-GGUF'")
    wait(lambda: talk.says(app, "This is no model to talk to"), "what an embedding model is", 30)


def search_download_chat(case):
    """The whole way, and at its end the text that the model is known to write."""
    with case.window() as app:
        suggestions_and_filters(case, app)
        pages_say_what_files_are(app)
        open_repo(case, app)
        wait(lambda: any(re.search("RAM|GPU|memory", n.name) for n in app.root.all("label")),
             "a verdict", 30)
        case.hub.control(rate=600000)
        button = download_button(app)
        begin_chat = button.name.replace("Download ", "Chat with ")  # of the same row
        button.click()
        wait(lambda: any(0 < bar.value() < 1 for bar in app.root.all("progress bar")),
             "progress", 30)
        case.hub.control(rate=0)
        app.find("push button", begin_chat, 60).click()
        wait(lambda: talk.workers(app), "the engine process", 30)
        on_gpu = wait(lambda: talk.says(app, "layers on the GPU"), "where its layers are", 60)
        assert on_gpu[0].name.startswith("All "), on_gpu[0].name
        talk.settings(app, Temperature=0, Longest_reply=110)
        talk.write(app)
        reply = talk.ended(case.data)
        talk.same(reply, talk.written() or talk.greedy(110), 250)
        wait(lambda: talk.bare(reply.text) in talk.shown(app), "the same text in the window")
        assert talk.says(app, "tokens/s"), "the speed is not said"


def first_run_talks_to_the_guide(case):
    """On a fresh computer, without a download."""
    with case.window() as app:
        app.find("push button", "Try Parley Guide", 30).click()
        talk.settings(app, Temperature=0)
        talk.write(app, "What does the slider do?")
        reply = talk.ended(case.data)
        assert "GPU" in reply.text and "layers" in reply.text, reply.text
        assert reply.text.endswith("."), reply.text
        wait(lambda: talk.bare(reply.text) in talk.shown(app), "the same text in the window")
        app.do("show-models")
        assert wait(lambda: talk.says(app, "A tiny demonstration that comes with Parley"),
                    "what it is, in the list")


# ---- moving layers ----

def layers_move_while_answering(case):
    n_tokens = 400
    with case.window(PARLEY_TEST_PACE="60") as app:
        case.ask(app, n_tokens)
        length = talk.grown(app, 10, 0)
        before = talk.workers(app)
        app.do("load-panel")
        scale = app.find("slider", "Layers on the GPU")
        top = scale.maximum()
        assert scale.value() == top, f"{scale.value()} of {top} layers are on the GPU at first"
        first = talk.Reading(before[0], case.model)
        for target, said in ((0, "No layers"), (top, f"All {int(top)} layers")):
            length = talk.grown(app, 5, length)
            scale.set_value(target)
            wait(lambda said=said: [n for n in talk.says(app, said) if n.name.startswith(said)],
                 said, 30)
            length = talk.grown(app, 15)
            speed = wait(lambda: talk.measured(app), "the speed after the move", 30)
            assert speed <= 25, f"{speed} tokens/s with a token each 60 ms"
        last = talk.Reading(before[0], case.model)
        assert talk.Stored(case.data).state == "answering", "the reply was over before the moves"
        assert talk.workers(app) == before, "the engine process is another one"
        talk.hurry(app)
        app.key("Escape")
        reply = talk.ended(case.data)
        assert talk.workers(app) == before, "the engine process is another one"
        talk.same(reply, talk.greedy(n_tokens), 250)
        wait(lambda: talk.bare(reply.text) in talk.shown(app), "the same text in the window")

    made = reply.generation
    assert made["reply_tokens"] == n_tokens, dict(made)
    # The last token is chosen and not evaluated: nothing comes after it.
    rows = made["prompt_tokens"] - made["cached_tokens"] + made["reply_tokens"] - 1
    assert made["rows_evaluated"] == rows, f"{made['rows_evaluated']} rows evaluated, not {rows}"
    # What came back to the GPU came out of the mapping that the CPU used until then.
    assert made["weight_bytes_read"] == 0, f"{made['weight_bytes_read']} bytes were read again"
    print(f"# {rows} rows")
    if first.known:
        print(f"# {last.from_disk - first.from_disk} bytes read from the disk, the file open "
              f"{first.open} and {last.open} times")
        # The count holds pages of programs and libraries too, which the system drops and fetches;
        # that the engine reads nothing at all is counted in tests/kernels/test-vulkan-runtime.c.
        again = last.from_disk - first.from_disk
        assert again < os.path.getsize(case.model), f"{again} bytes were read from the disk again"
        assert last.open == first.open <= 1, "the file was opened again"


# ---- killing ----

def engine_dies(case):
    with case.window(PARLEY_TEST_PACE=PACE) as app:
        case.ask(app, 400)
        talk.grown(app, 60, 0)
        pid = talk.workers(app)[0]
        seen = talk.shown(app)
        os.kill(pid, signal.SIGKILL)
        cut = talk.ended(case.data, "interrupted")
        go_on = app.find("push button", "Continue", 30)
        said = cut.generation["problem"]
        assert said and wait(lambda: talk.says(app, said), "what happened"), "nothing is said"
        assert seen in talk.shown(app), f"{seen!r} is not in {talk.shown(app)!r}"
        assert seen in talk.bare(cut.text), f"{seen!r} is not in {cut.text!r}"
        go_on.click()
        talk.grown(app, 1, len(talk.bare(cut.text)))
        talk.hurry(app)
        reply = talk.ended(case.data)
        assert reply.text.startswith(cut.text) and len(reply.text) > len(cut.text)
        assert pid not in talk.workers(app)
        talk.same(reply, talk.greedy(400), 250)
        wait(lambda: talk.bare(reply.text) in talk.shown(app), "the same text in the window")


def application_dies_in_a_reply(case):
    with case.window(PARLEY_TEST_PACE=PACE) as app:
        case.ask(app, 400)
        watch = talk.Watch(app)
        watch.until(80)
        time.sleep(0.3)  # what was seen last counts, however seldom a busy machine looks
        app.process.kill()
        moment = time.monotonic()
        app.process.wait()
        seen = watch.before(moment - 0.25)
        assert len(seen) > 10, "nothing was shown 250 ms before the end"
    with case.window() as app:
        cut = talk.ended(case.data, "interrupted")
        assert seen in talk.bare(cut.text), f"{seen!r} is not in {cut.text!r}"
        app.do("show-chat", f"int64 {cut.chat}")
        wait(lambda: seen in talk.shown(app), "what was shown before")
        assert talk.says(app, "interrupted"), "it is not said that the reply was interrupted"
        app.find("push button", "Continue").click()
        reply = talk.ended(case.data)
        talk.same(reply, talk.greedy(400), 250)


def application_dies_in_a_download(case):
    def kill(app):
        app.process.kill()
        app.process.wait()

    download_goes_on_after(case, kill)


def window_closes_in_a_download(case):
    def close(app):
        app.key("ctrl+w")
        wait(lambda: app.process.poll() is not None, "the program to end")
        assert app.process.returncode == 0, app.messages()

    download_goes_on_after(case, close)
    with case.window() as app:
        app.do("show-models")
        wait(lambda: talk.says(app, "Newer version"), "what the hub said before the end", 30)
    asked = case.hub.look()["log"]
    with case.window() as app:
        app.do("show-models")
        wait(lambda: talk.says(app, "Newer version"), "it a third time", 30)
    assert case.hub.look()["log"] == asked, "the hub was asked again on the same day"


def download_goes_on_after(case, end):
    """What was fetched before is not fetched again. Returns what the hub was asked to go on."""
    def files(end):
        return [os.path.join(folder, name) for folder, _, names
                in os.walk(os.path.join(case.data, "models")) for name in names
                if name.endswith(end)]

    def arrived(n):
        found = files(".part")
        return found and os.path.getsize(found[0]) >= n

    size = os.path.getsize(shots.MODEL)
    with case.window() as app:
        open_repo(case, app)
        button = download_button(app)
        wait(lambda: case.hub.quiet(), "the headers to have been fetched", 30)
        case.hub.control(rate=size // 30)
        button.click()
        wait(lambda: arrived(size // 3), "a third of the file", 60)
        end(app)
    part = files(".part")[0]
    stored = os.path.getsize(part)
    assert 0 < stored < size, f"{stored} bytes of {size} were stored"
    wait(lambda: case.hub.quiet(), "the first download to end", 30)
    before = case.hub.look()
    case.hub.control(rate=0)
    with case.window() as app:
        done = wait(lambda: files(".gguf"), "the rest", 60)[0]
        wait(lambda: not files(".part") and not files(".part.json"), "the end of the download")
        after = case.hub.look()
        # The hub goes on: the next look at the models says so.
        case.hub.control(move={"repo": case.hub.real, "path": os.path.basename(done)})
        app.do("show-models")
        wait(lambda: talk.says(app, "Newer version"), "that there is a newer version", 30)
    asked = [r for r in after["log"][len(before["log"]):] if r["origin"] == "cdn"]
    assert asked[0]["range"].startswith(f"bytes={stored}-"), asked[0]["range"]
    fetched = after["bytes"] - before["bytes"]
    assert fetched == size - stored, f"{fetched} bytes were fetched, {size - stored} were missing"
    digests = []
    for path in (done, shots.MODEL):
        with open(path, "rb") as file:
            digests.append(hashlib.sha256(file.read()).hexdigest())
    assert digests[0] == digests[1], "the file is another one"
    return after["log"][len(before["log"]):]


# ---- the token in the keyring ----

TOKEN = library.TOKEN


def token_that_stays_is_told(case):
    """Signing out and deleting everything take tokens out of the keyring, or say that they could
    not; also those of hubs of before."""
    def kept():
        with open(os.path.join(folder, "kept"), encoding="utf-8") as file:
            return json.load(file)

    with sqlite3.connect(os.path.join(case.data, "parley.db")) as db:
        db.execute("INSERT INTO setting VALUES ('hub/kept', 'https://hub.example')")
    db.close()
    tokens = {case.hub.address: TOKEN, "https://hub.example": "hf_before"}
    with library.keyring(case, tokens) as folder, case.window() as app:
        def delete_everything():
            app.do("delete-data")
            app.find("push button", "Delete").click()

        app.do("preferences")
        button = app.find("push button", "Sign Out", 30)
        refuse = os.path.join(folder, "refuse")
        with open(refuse, "wb"):
            pass
        button.click()
        wait(lambda: talk.says(app, "may still be in your keyring"), "that it is still there")
        app.key("Escape")
        wait(lambda: not talk.says(app, "Where Things Are"), "the preferences to close")
        delete_everything()
        wait(lambda: talk.says(app, "but a token may still be"), "that they are still there")
        assert kept() == tokens
    os.unlink(refuse)
    with sqlite3.connect(os.path.join(case.data, "parley.db")) as db:
        db.execute("INSERT INTO setting VALUES ('hub/kept', 'https://hub.example')")
    db.close()
    with library.keyring(case, tokens) as folder, case.window() as app:
        delete_everything()
        wait(lambda: kept() == {}, "the tokens to go")
        wait(lambda: talk.says(app, "All chats and settings were deleted"), "that all went well")


def downloads_wait_for_the_token(case):
    def end(app):
        app.process.kill()
        app.process.wait()
        with open(os.path.join(folder, "slow"), "wb"):
            pass

    with library.keyring(case, {case.hub.address: TOKEN}) as folder:
        asked = download_goes_on_after(case, end)
    files = [request for request in asked if "/resolve/" in request["path"]]
    assert files and all(request["token"] for request in files), files


# ---- where things are ----

def models_folder_is_chosen(case):
    def folders():
        done = subprocess.run([os.path.join(driver.BUILD, "src", "cli", "parley-cli"), "folders",
                               "--json"], env={**os.environ, "PARLEY_DATA_DIR": case.data},
                              check=True, capture_output=True, text=True)
        return done.stdout

    other = os.path.join(case.desktop.home, "elsewhere")
    with case.window() as app:
        app.do("models-folder-path", "'/proc/self'")
        wait(lambda: talk.says(app, "Models cannot be kept in"), "why it is refused")
        os.mkdir(other)
        app.do("models-folder-path", f"'{other}'")
        wait(lambda: talk.says(app, "From the next start on"), "when it counts")
        app.do("preferences")
        wait(lambda: talk.says(app, f"from the next start on {other}"), "both folders")
    assert folders().index(other) < folders().index(os.path.join(case.data, "models"))
    with case.window() as app:
        app.do("preferences")
        wait(lambda: [n for n in talk.says(app, other) if n.name == other], "the new folder")
        app.key("Escape")
        app.do("show-models")
        wait(lambda: talk.says(app, "TinyStories 260K"), "the model in the old folder")
    os.rmdir(other)
    with case.window() as app:
        app.do("preferences")
        wait(lambda: talk.says(app, f"because {other} is not there"), "why it is another one")


def chats_are_kept_elsewhere(case):
    """In a folder that is chosen: moved there, away, there again, used as it is."""
    home = case.desktop.home
    usual, other = os.path.join(home, ".local", "share", "parley"), os.path.join(home, "my disk")
    away = other + " unplugged"
    shots.seed(usual)
    os.mkdir(other)

    def window():
        app = case.window()
        app.env["PARLEY_DATA_DIR"] = ""
        app.is_ready = app.windows  # the main one or another
        return app

    def comes_back(app, words):
        """After it started itself again."""
        def there():
            app.access = None
            return talk.says(app, words)
        wait(there, words, 60)

    def has_chats(folder):
        return os.path.exists(os.path.join(folder, "parley.db"))

    with window() as app:
        for folder, why in ((os.path.join(usual, "models", "mine"), "the folder for models"),
                            (usual, "kept there already"), ("/proc/self", "Chats cannot be kept"),
                            (home + "/none", "it is no folder")):
            app.do("chats-folder-path", f"'{folder}'")
            wait(lambda why=why: talk.says(app, why), why)
        app.do("chats-folder-path", f"'{other}'")
        wait(lambda: talk.says(app, "Move Your Chats?"), "the question")
        app.find("push button", "Move").click()
        comes_back(app, "Delete the Old Copy?")
        assert has_chats(other) and has_chats(usual)
        app.find("push button", "Delete").click()
        wait(lambda: not has_chats(usual), "the old copy to go")
        assert talk.says(app, "Sourdough timetable")
        kill(app)
    with window() as app:
        app.do("preferences")
        wait(lambda: [n for n in talk.says(app, other) if n.name == other], "the new folder")
        kill(app)
    os.rename(other, away)
    with window() as app:
        wait(lambda: talk.says(app, "Your Chats Cannot Be Opened"), "what is the matter")
        assert talk.says(app, f"Your chats are kept in “{other}”"), "the folder is not named"
        app.find("push button", "Try Again").click()
        assert not has_chats(usual) and not os.path.exists(other), "a folder was begun anew"
        os.rename(away, other)
        app.find("push button", "Try Again").click()
        wait(lambda: talk.says(app, "Sourdough timetable"), "the chats, once they are there")
        kill(app)
    os.rename(other, away)
    with window() as app:
        app.find("push button", "Use the Usual Folder").click()
        wait(lambda: talk.says(app, "Your chats will be listed here"), "an empty list")
        assert has_chats(usual)
        kill(app)
    os.rename(away, other)
    with window() as app:
        app.do("chats-folder-path", f"'{other}'")
        wait(lambda: talk.says(app, "There are 5 chats in this folder"), "what is there")
        app.find("push button", "Use").click()
        comes_back(app, "Sourdough timetable")
        assert has_chats(usual), "those of the usual folder are gone"


# ---- the window itself ----

def second_start_raises_the_first(case):
    with case.window() as app:
        ours = wait(lambda: [name for name in app.stack() if name.startswith("Parley")],
                    "the window")[0]
        cover = subprocess.Popen(["xev", "-name", "cover", "-geometry", "900x600+10+10"],
                                 env=app.env, stdout=subprocess.DEVNULL)
        try:
            wait(lambda: app.stack()[0] == "cover", "another window above ours")
            n = len(app.windows())
            app.again()
            wait(lambda: app.stack().index(ours) < app.stack().index("cover"), "ours above it")
            assert app.process.poll() is None and len(app.windows()) == n
        finally:
            cover.terminate()
            cover.wait()


def kill(app):
    app.process.kill()
    app.process.wait()


def in_sight(app, words, role="label"):
    return [n for window in app.root.children() for n in talk.seen(window)
            if n.role == role and words in n.name]


def window_is_as_it_was(case):
    """Also after a crash: its size, the place, the chat and the sidebar."""
    (chat,), = cases.query(case, "SELECT id FROM chat WHERE title = 'Memory of long chats'")
    with case.window() as app:
        before = app.size()
        app.resize(940, 610)
        wait(lambda: app.size() == (940, 610), "the new size")
        kept(case, width="940", height="610", maximised="0", chat="0", sidebar="1")
        app.do("show-chat", f"int64 {chat}")
        assert not in_sight(app, "Show Sidebar", "push button")
        app.do("toggle-sidebar")
        app.do("show-models")
        kept(case, place="models", chat=str(chat), sidebar="0")
        kill(app)
    with case.window() as app:
        wait(lambda: app.size() == (940, 610), f"the size before the crash, not {before}")
        wait(lambda: in_sight(app, "TinyStories 260K"), "the models")
        wait(lambda: in_sight(app, "Show Sidebar", "push button"), "no sidebar")
        app.do("show-chats")
        wait(lambda: in_sight(app, "And what happens when it is full?"), "the chat")
        kept(case, place="chats", chat=str(chat), width="940")
        app.do("toggle-sidebar")
        app.resize(500, 610)
        wait(lambda: app.size() == (500, 610), "a narrow window")
        kept(case, sidebar="1", width="500", **{"folded-sidebar": "0"})
        app.do("toggle-sidebar")
        kept(case, **{"folded-sidebar": "1"})
        kill(app)
    with case.window() as app:
        wait(lambda: in_sight(app, "And what happens when it is full?"), "the chat")
        wait(lambda: app.size() == (500, 610), "the narrow window")
        app.do("toggle-sidebar")  # which was in its place
        kept(case, **{"folded-sidebar": "0"})


def change(case, sql, *values):
    with sqlite3.connect(os.path.join(case.data, "parley.db")) as db:
        db.execute(sql, values)
    db.close()


def maximised_window_is_as_it_was(case):
    """There is no window manager here: what it would be asked for, and would answer, is said by
    the properties of the window."""
    def xprop(app, *arguments):
        return subprocess.run(["xprop", "-id", app.windows()[0], *arguments, "_NET_WM_STATE"],
                              env=app.env, check=True, capture_output=True, text=True).stdout

    with case.window() as app:
        app.resize(940, 610)
        kept(case, width="940", height="610", maximised="0")
        kill(app)
    change(case, "UPDATE setting SET value = '1' WHERE key = 'window/maximised'")
    with case.window() as app:
        wait(lambda: "MAXIMIZED" in xprop(app), "a maximised window")
        app.do("show-models")
        kept(case, place="models", maximised="1", width="940", height="610")
        xprop(app, "-remove")
        kept(case, maximised="0")
        kill(app)


def what_was_shown_may_be_gone(case):
    """Then the window begins as on the first day, and nothing is amiss."""
    def begins_anew(*arguments):
        window = case.window()
        window.command = lambda: [window.program, *arguments]
        with window as app:
            wait(lambda: in_sight(app, "What Is on Your Mind?"), "a new chat")
            assert not in_sight(app, "And what happens when it is full?")
            kill(app)
            assert app.messages() == "", app.messages()

    (chat,), = cases.query(case, "SELECT id FROM chat WHERE title = 'Memory of long chats'")
    with case.window() as app:
        app.do("show-chat", f"int64 {chat}")
        kept(case, chat=str(chat))
        kill(app)
    begins_anew("--new-chat")  # a person's word counts more than what was shown
    with case.window() as app:
        app.do("show-chat", f"int64 {chat}")
        kept(case, chat=str(chat))
        app.do("temporary-chat")
        kept(case, chat="0")
        kill(app)
    begins_anew()
    change(case, "UPDATE setting SET value = ? WHERE key = 'window/chat'", str(chat))
    change(case, "UPDATE chat SET deleted_at = 1000000 + created_at WHERE id = ?", chat)
    begins_anew()
    for value in ("-1", "9223372036854775808", "nowhere", "", "\n%s 1e9", "7" * 100000):
        change(case, "UPDATE setting SET value = ? WHERE key LIKE 'window/%'", value)
        begins_anew()


def nothing_moves_unasked(case):
    """Where the desktop's switch for animations is off, the sidebar is there or it is not."""
    def edges(animations):
        """Where the conversation's left edge was while the sidebar went and came back."""
        with driver.Desktop(animations=animations) as desktop, \
                driver.App(desktop, case.data, {"PARLEY_VULKAN_DEVICE": "none"}) as app:
            edge = app.find("text", "Message")
            seen = [edge.place()[0]]
            for _ in range(6):
                app.do("toggle-sidebar")
                changed = time.monotonic()
                while time.monotonic() < changed + 0.5:  # it has begun, and ended, by then
                    now = edge.place()[0]
                    if now != seen[-1]:
                        seen.append(now)
                        changed = time.monotonic()
        return set(seen)

    assert len(edges(0)) == 2, edges(0)
    moving = edges(1)
    assert len(moving) > 2, f"only {moving}: this test would not see what moves"


# ---- the end of the window ----

def preferences_hold_at_once(case):
    """And when everything is deleted, what runs is as on the first day."""
    def checked(app, name):
        return "checked" in app.find("check box", name).states()

    with case.window() as app:
        wait(lambda: talk.brightness(app, case.data) > 0.7, "a light window")
        app.do("preferences")
        wait(lambda: len(talk.says(app, "for models loaded from now on")) == 2, "what waits")
        talk.choose(app, "Colours", 2)
        wait(lambda: talk.brightness(app, case.data) < 0.4, "a dark window")
        app.find("check box", "Offline").click()
        app.find("check box", "Notifications").click()
        wait(lambda: checked(app, "Offline") and not checked(app, "Notifications"), "the switches")
        app.key("Escape")
        wait(lambda: not talk.says(app, "Where Things Are"), "the preferences to close")
        app.do("delete-data")
        app.find("push button", "Delete").click()
        wait(lambda: talk.brightness(app, case.data) > 0.7, "a light window again")
        app.do("preferences")
        assert not checked(app, "Offline") and checked(app, "Notifications")
        app.key("Escape")
        wait(lambda: not talk.says(app, "Where Things Are"), "the preferences to close")
        app.do("search", "'fixture/plain'")
        app.find("push button", "Download Q8_0", 30)  # the hub is asked again


def closing_asks_about_work(case):
    """What would have to be begun again does not end with the window unasked."""
    os.chmod(case.model, 0o644)
    os.truncate(case.model, 4 << 30)  # it takes a while to read it
    with case.window() as app:
        app.do("show-models")
        library.own_model(app).act("row.verify")
        wait(lambda: talk.says(app, "Verifying"), "the work")
        app.key("ctrl+w")
        wait(lambda: talk.says(app, "this is not finished"), "the question")
        app.find("push button", "Cancel").click()
        wait(lambda: not talk.says(app, "this is not finished"), "the question to go")
        assert talk.says(app, "Verifying"), "the work ended"
        app.key("ctrl+w")
        app.find("push button", "Close Anyway").click()
        wait(lambda: app.process.poll() is not None, "the program to end")
        assert app.process.returncode == 0, app.messages()
    with sqlite3.connect(os.path.join(case.data, "parley.db")) as db:
        db.execute("INSERT INTO setting VALUES ('background', '1')")
    db.close()
    with case.window() as app:
        app.do("show-models")
        library.own_model(app).act("row.verify")
        wait(lambda: talk.says(app, "Verifying"), "the work")
        app.key("ctrl+w")
        wait(lambda: not app.windows(), "the window to hide")
        assert app.process.poll() is None, "the program ended with its window"
        wait(lambda: app.process.poll() is not None, "the end of the work, and of the program", 120)
        assert app.process.returncode == 0, app.messages()


def first_run_offers_what_is_here(case):
    """Models that are there already, three of them, instead of downloads."""
    for n in range(4):
        folder = os.path.join(case.data, "models", "example", f"Model-{n}-GGUF")
        os.makedirs(folder)
        shutil.copy(shots.MODEL, os.path.join(folder, f"Model-{n}-F32.gguf"))
    with case.window() as app:
        wait(lambda: talk.says(app, "Ready on This Computer"), "what is here", 30)
        def seen(start):
            return [n for window in app.root.children() for n in talk.seen(window)
                    if n.role == "push button" and n.name.startswith(start)]

        models = wait(lambda: seen("Chat with "), "the models")
        assert len(models) == 3 and not seen("Fast: "), [n.name for n in models]
        models[0].click()
        talk.write(app)
        talk.ended(case.data)
        app.do("new-chat")
        wait(lambda: talk.says(app, "What Is on Your Mind?"), "the page of those who know it")


CASES = [first_run_talks_to_the_guide, first_run_offers_what_is_here, search_download_chat,
         layers_move_while_answering, engine_dies, application_dies_in_a_reply,
         application_dies_in_a_download, window_closes_in_a_download,
         downloads_wait_for_the_token, token_that_stays_is_told, models_folder_is_chosen,
         chats_are_kept_elsewhere,
         second_start_raises_the_first, window_is_as_it_was, maximised_window_is_as_it_was,
         what_was_shown_may_be_gone, nothing_moves_unasked,
         closing_asks_about_work, preferences_hold_at_once]
FRESH = ("first_run_talks_to_the_guide", "first_run_offers_what_is_here", "search_download_chat",
         "application_dies_in_a_download", "window_closes_in_a_download",
         "downloads_wait_for_the_token")


if __name__ == "__main__":
    sys.exit(cases.main(CASES, __file__, FRESH))
