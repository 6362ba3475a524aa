# SPDX-License-Identifier: GPL-3.0-or-later
"""How people type: other words for the same, words left out, wrong spellings, signs, haste."""

import re

# Any word of a group may stand for another. Longer ones come first where one holds another.
SAME = [
    ["graphics card", "gpu", "video card", "graphics processor"],
    ["language model", "llm", "ai model", "model", "ai"],
    ["conversation", "chat", "dialogue", "discussion"],
    ["reply", "answer", "response", "output"],
    ["replies", "answers", "responses"],
    ["delete", "remove", "erase", "throw out"],
    ["computer", "pc", "machine", "laptop", "system", "desktop"],
    ["parley", "this app", "the app", "this program", "the application", "this software"],
    ["application", "app", "program"],
    ["quantisation", "quantization", "quant", "quantized version"],
    ["faster", "quicker", "speedier"], ["fast", "quick", "rapid"], ["slow", "sluggish"],
    ["fits in", "fits into", "goes into", "works in"],
    ["biggest", "largest"], ["big", "large", "huge"], ["small", "little", "tiny"],
    ["begin", "start"], ["need", "require"], ["use", "utilise", "work with"],
    ["explain", "describe", "tell me about", "clarify"],
    ["show", "display"], ["find", "locate", "get to"], ["choose", "pick", "select"],
    ["download", "get", "fetch", "grab"], ["want to", "would like to", "wanna"],
    ["how do i", "how can i", "how would i", "how does one", "how might i", "how should i go about to"],
    ["what is", "what's", "whats", "what exactly is", "what would be"],
    ["what are", "what're", "whats"], ["do not", "don't", "dont"], ["cannot", "can't", "cant"],
    ["i am", "i'm", "im"], ["you are", "you're", "youre", "ur"], ["it is", "it's", "its"],
    ["does not", "doesn't", "doesnt"], ["is not", "isn't", "isnt"], ["colour", "color"],
    ["licence", "license"], ["stored", "saved", "kept"], ["stop", "halt", "end"],
    ["picture", "image", "photo"], ["pictures", "images", "photos"],
    ["memory", "mem"], ["gb", "gigabyte", "gigs"], ["parameters", "params"],
    ["folder", "directory"], ["happens", "goes on"], ["why is", "why's", "how come"],
    ["problem", "trouble", "issue"], ["write", "compose", "type"], ["really", "actually"],
    ["mean", "stand for"], ["question", "query"], ["make", "get"], ["good", "decent", "okay"],
    ["please", "pls", "plz"], ["thanks", "thx", "thank you"], ["you", "u"], ["are", "r"],
    ["because", "cause"], ["would", "wud"], ["and", "&"], ["for", "4"], ["to", "2"],
    ["can i", "could i", "may i", "am i able to", "is it possible to"],
    ["can you", "could you", "are you able to", "would you"],
    ["where do i", "where can i", "where does one", "where would i"],
    ["is there", "does there exist", "do you have", "does it have", "have you got"],
    ["i want", "i need", "i'd like", "i would like", "i wish for", "i am looking for"],
    ["i have", "i've got", "i own", "there is", "i got"], ["a lot of", "much", "lots of", "plenty of"],
    ["important", "essential", "relevant"], ["change", "alter", "modify", "adjust"],
    ["set", "configure", "adjust"], ["see", "view", "look at", "check"], ["open", "launch", "bring up"],
    ["works", "functions"], ["again", "once more", "anew"], ["often", "frequently"],
    ["difference", "distinction"], ["best", "ideal", "optimal"], ["quickly", "fast", "at once"],
    ["wrong", "incorrect", "false"], ["broken", "defective", "damaged"], ["error", "failure", "fault"],
    ["message", "prompt", "text"], ["window", "screen"], ["button", "control", "icon"],
    ["internet", "network", "web", "net"], ["private", "confidential", "secret"],
    ["people", "users", "folks"], ["buy", "purchase", "get"], ["file", "download"],
    ["file", "data file"], ["sentence", "line"], ["takes", "needs", "requires"], ["enough", "sufficient"],
    ["maximum", "max", "highest"], ["minimum", "min", "lowest"], ["number of", "amount of", "how many"],
    ["something", "anything", "sth"], ["without", "w/o"], ["with", "w/"], ["through", "thru"],
    ["though", "tho"], ["about", "abt"], ["settings", "options", "preferences"],
    ["mistake", "error", "slip"], ["terminal", "console", "shell", "command line"],
    ["previous", "earlier", "old", "last"], ["keep", "preserve", "retain", "save"],
    ["suddenly", "all of a sudden"], ["maybe", "perhaps"], ["store", "save", "keep"],
    ["hello", "hi", "hey"], ["clever", "smart", "intelligent"], ["stupid", "dumb"],
    ["new", "fresh"], ["finished", "done", "complete", "ready"], ["fails", "does not work", "breaks"],
]
RARE = {"you", "are", "because", "would", "and", "for", "to", "memory", "make", "please", "with",
        "without", "through", "about", "though", "file", "set", "see", "new", "store", "buy", "best"}
GROUPS = [(group, re.compile(r"\b(" + "|".join(map(re.escape, group)) + r")(?![\w'])"))
          for group in SAME]

BEFORE = ["hi, ", "hello, ", "hey, ", "hi! ", "hello. ", "please ", "so ", "um, ", "ok, ", "okay so ",
          "and ", "but ", "well, ", "quick question: ", "question: ", "sorry, ", "excuse me, ",
          "dear guide, ", "parley guide, ", "hey parley, ", "one more thing: ", "thanks. ", "great. ",
          "i have a question. ", "i am new here. ", "i just installed parley. ", "now ", "also, ",
          "i was wondering, ", "tell me, ", "could you tell me ", "do you know ", "can you tell me ",
          "i'd like to know ", "just curious: ", "stupid question maybe, but ", "hmm, ", "yes, but ",
          "oh, ", "ah, and ", "by the way, ", "another question, ", "let me ask: ", "honestly, ",
          "i am rather new to this. ", "my son installed this for me. ", "i read the help but ",
          "sorry if this was asked before: ", "this may sound silly: ", "i looked everywhere. ",
          "a colleague asked me: ", "i am a bit lost. ", "thanks for the last answer. now: ",
          "following up: ", "serious question: ", "i tried a few things. ", "just so i understand, ",
          "i am sitting in front of parley and wonder: ", "before i forget: ", "good morning! ",
          "in case you know: ", "i am not a computer person. ", "someone told me to ask you: ",
          "i have been using this for a week. ", "maybe you can help: ", "first question: ",
          "next question: ", "and one more, ", "while we are at it, ", "i do not get it. ",
          "i'm trying to understand: ", "for my understanding: ", "quick one: ", "ok but ",
          "could you please tell me, ", "pls tell me ", "dear parley, ", "hello guide, ", "i mean, "]
AFTER = [" please", " thanks", ", please", " pls", " thank you", " exactly", " then", " here", " now",
         " in parley", " anyway", " again", ", do you know", ", any idea", " really", " at all",
         " today", ", parley guide", " on this computer", " right now", ", can you tell me", " lol",
         " in this app", ", i wonder", " for me", ", thanks a lot", " with parley", " actually",
         ", i am confused", ". thanks!", ", please help", ", if possible", " or not", " somehow",
         ", just asking", ", in short", " in general", ". that is my question", ", i forgot",
         " and how", ", or am i wrong", ", right", " on linux", ", asking for a friend", " in detail",
         ". please explain", ", do you think", ". i hope you can help", " these days", ", or what"]
SMALL_WORDS = {"the", "a", "an", "do", "does", "is", "i", "to", "of", "my", "it", "are", "me", "in"}
# What a search line leaves out: the words that remain still tell what is meant.
EMPTY_WORDS = SMALL_WORDS | {
    "can", "could", "would", "should", "you", "please", "that", "this", "for", "on", "and", "be",
    "have", "has", "there", "will", "was", "with", "at", "so", "we", "one", "when", "if", "its", "am"}
FILLERS = ["just", "really", "actually", "maybe", "also", "simply", "somehow", "now", "then", "even",
           "still", "basically", "like", "always", "ever", "perhaps", "probably", "kind of", "exactly"]
NEAR = {"a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj",
        "i": "uo", "j": "hk", "k": "jl", "l": "k", "m": "n", "n": "bm", "o": "ip", "p": "o",
        "q": "w", "r": "et", "s": "ad", "t": "ry", "u": "yi", "v": "cb", "w": "qe", "x": "zc",
        "y": "tu", "z": "x"}
ONSETS = ["b", "bl", "br", "d", "dr", "f", "fl", "g", "gr", "h", "j", "k", "kl", "l", "m", "n", "p",
          "pr", "qu", "r", "s", "sh", "sk", "st", "t", "th", "tr", "v", "w", "z", "ch", "sp", ""]
VOWELS = ["a", "e", "i", "o", "u", "ai", "ea", "oo", "ou", "ie", "y"]
CODAS = ["", "", "n", "r", "s", "t", "l", "m", "nd", "rk", "ck", "st", "x", "p", "ng", "sh", "tion"]


def typo(rng, word):
    """One slip of the fingers or of spelling."""
    if len(word) < 4 or not word.isalpha():
        return word
    at = rng.randrange(1, len(word) - 1)
    kind = rng.randrange(6)
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2:]
    if kind == 1:
        return word[:at] + word[at + 1:]
    if kind == 2:
        return word[:at] + word[at] + word[at:]
    if kind == 3:
        return word[:at] + rng.choice(NEAR.get(word[at], "e")) + word[at + 1:]
    if kind == 4:
        return word[:at] + rng.choice(NEAR.get(word[at], "e")) + word[at:]
    vowels = [i for i, letter in enumerate(word) if letter in "aeiou"]
    if not vowels:
        return word
    at = rng.choice(vowels)
    return word[:at] + rng.choice("aeiou") + word[at + 1:]


def other_words(rng, text):
    for group, pattern in GROUPS:
        found = pattern.search(text)
        if not found:
            continue
        if rng.random() < (0.02 if found.group(1) in RARE else 0.22):
            text = text[:found.start()] + rng.choice(group) + text[found.end():]
    return text


def disturb(rng, text):
    """`text` as somebody in particular would type it."""
    text = other_words(rng, text.lower())
    words = text.split()
    if len(words) > 3 and rng.random() < 0.12:
        small = [i for i, word in enumerate(words) if word in SMALL_WORDS]
        if small:
            del words[rng.choice(small)]
    if len(words) > 3 and rng.random() < 0.07:
        kept = [word for word in words if word not in EMPTY_WORDS]
        if len(kept) > 1:
            words = kept
    elif len(words) > 5 and rng.random() < 0.08:
        del words[rng.randrange(len(words))]
    if len(words) > 3 and rng.random() < 0.08:
        words.insert(rng.randrange(1, len(words)), rng.choice(FILLERS))
    if rng.random() < 0.22:
        for _ in range(rng.choice([1, 1, 1, 2, 2, 3])):
            at = rng.randrange(len(words))
            words[at] = typo(rng, words[at])
    text = " ".join(words)
    if rng.random() < 0.2 and len(words) > 1:
        text = rng.choice(BEFORE) + text
    if rng.random() < 0.12 and len(words) > 1:
        text += rng.choice(AFTER)
    if text[-1:].isalnum():
        text += rng.choice(["?", "?", "?", "?", "", "", "", ".", "!", "??", " ?"])
    return text


def pseudo_word(rng):
    """A word that does not exist: most words of the world are as new to so small a model."""
    def one():
        return "".join(rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS)
                       for _ in range(rng.choice([1, 2, 2, 2, 3])))
    word = one() if rng.random() < 0.8 else one() + " " + one()
    return rng.choice(["", "", "a ", "the "]) + word


def gibberish(rng):
    kind = rng.randrange(5)
    if kind == 0:
        return "".join(rng.choice("asdfghjklqwertyuiop") for _ in range(rng.randrange(3, 12)))
    if kind == 1:
        return rng.choice("?.!,-#*x") * rng.randrange(1, 6)
    if kind == 2:
        return " ".join("".join(rng.choice("abcdefghijklmnopqrstuvwxyz0123456789")
                                for _ in range(rng.randrange(2, 7)))
                        for _ in range(rng.randrange(1, 4)))
    if kind == 3:
        return rng.choice(["asdf", "qwerty", "blah blah", "lorem ipsum", "foo bar", "xyz", "lalala",
                           "abc", "aaa", ":)", "...", "???", "bla", "wtf", "zzz",
                           "hjkl", "xd", "-", "0", "[]", "<>", "@", "meow", "woof"])
    return " ".join(pseudo_word(rng) for _ in range(rng.randrange(2, 5)))
