# SPDX-License-Identifier: Apache-2.0
"""Where the values of a script's variables come from, in the text's order.

A value is None (of the script itself, or unknown), "argument" (the user who
calls the script), "parameter" (what a function is called with), "input" (read,
another program's answer) or "request" (a web server's client).  What has been
compared with a pattern, quoted for the shell, or made a number is the script's.
"""
import re

from syntax import value_of

RANK = {None: 0, "parameter": 1, "argument": 2, "input": 3, "request": 4}
REQUEST = re.compile(r"QUERY_STRING|HTTP_[A-Z_]+|REQUEST_URI|PATH_INFO|"
                     r"REMOTE_(?:USER|HOST|IDENT)|SSH_ORIGINAL_COMMAND|"
                     r"PATH_TRANSLATED")
ARGUMENT = re.compile(r"[1-9][0-9]*|[@*]")
# Variables in the text of ${NAME:-...}.
USED = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*|[0-9@*])")
CLEAN_OP = re.compile(r"^@Q|^//?\[[!^]|^##?\*\[\^|^//\[\^")
# Commands whose answer is made of what they are given.
PASSES = {"echo", "printf", "cat", "basename", "dirname", "readlink", "sed",
          "realpath", "cut", "awk", "gawk", "head", "tail", "jq", "xargs",
          "sort", "uniq", "rev", "tac", "urldecode", "base64", "tr", "grep",
          "python", "python3", "perl", "envsubst"}
# A function of the script that makes a value harmless, by its name.
CLEANER = re.compile(r"(?i)quot|escap|saniti|clean|valid|encod|strip|check|"
                     r"hash|is_|count|num")
NETWORK = {"curl", "wget", "nc", "ncat", "fetch", "aria2c"}
# What these answer can be foreseen.
FORESEEN = {"date", "whoami", "id", "hostname", "basename", "logname", "uname"}
DECLARES = {"local", "export", "declare", "readonly", "typeset"}
# Within a word: something that only lets harmless characters through.
KEEPS_ONLY = re.compile(r"-c?d[c]? *['\"]?\[?[:a-zA-Z0-9_.-]|-[a-z]*c[a-z]*d")


def worst(values):
    return max(values, key=lambda v: RANK[v], default=None)


class Flow:
    def __init__(self):
        self.values = {}     # name: source
        self.constants = {}  # name: text, or None once that is not known
        self.shapes = {}     # name: text with what can be foreseen in it
        self.leads = {}      # name: the text that its value begins with
        self.defaults = set()  # names that had a text of the script's own
        self.made = set()    # names of files that mktemp made
        self.checked = set()
        self.function = None  # the name of the one that is looked at
        self.calls = {}       # function of the script: its calls
        self.moved = set()    # functions that have shifted their parameters
        self.anything_called = False  # "$@", whatever function that names

    # ---- reading -------------------------------------------------------

    def variable(self, name, op=""):
        if name.startswith("#") or CLEAN_OP.search(op):
            return None
        bare = name.lstrip("!")
        if bare in self.checked:
            return None
        if ARGUMENT.fullmatch(bare):
            if self.function is None:
                return "argument"
            return None if self.is_given_constants(bare) else "parameter"
        if bare in self.values:
            return self.values[bare]
        if REQUEST.fullmatch(bare):
            return "request"
        inner = [self.variable(n) for n in USED.findall(op)]
        return worst(inner)

    def is_given_constants(self, name):
        """Does every call of this function write that parameter out?"""
        calls = self.calls.get(self.function)
        if not calls or self.anything_called:
            return False
        if self.function in self.moved:
            name = "@"
        for call in calls:
            given = call.words[1:] if name in "@*" else \
                call.words[int(name):int(name) + 1]
            before = call.words[1:] if name in "@*" else \
                call.words[1:int(name) + 1]
            if any(w.constant is None for w in given) or any(
                    p.kind == "var" and p.text in "@*"
                    for w in before for p in w.parts):
                return False
        return True

    def part(self, part):
        if part.kind == "var":
            return self.variable(part.text, part.op)
        if part.kind in ("cmd", "proc"):
            return self.answer(part.sub)
        return None

    def word(self, word):
        return worst(self.part(p) for p in word.parts)

    def answer(self, commands):
        """What $(commands) is made of."""
        if not commands:
            return None
        last, value = commands[-1], None
        while last is not None:
            if last.name == "tr" and KEEPS_ONLY.search(
                    " ".join(last.arguments)):
                return value
            if last.name == "sed" and "'\\" in " ".join(last.arguments):
                return None  # makes quotes harmless
            if last.name in ("wc", "md5sum", "sha256sum", "sha1sum", "expr",
                             "id", "stat", "date", "test"):
                return None
            if last.name == "printf" and last.arguments[:1] and \
                    "%q" in last.arguments[0]:
                return None
            if last.name in NETWORK:
                value = worst([value, "input"])
            elif last.name == "cat" and not last.words[1:] and \
                    not last.redirects and last.previous is None and \
                    not last.heredocs:
                value = worst([value, "input"])
            elif last.name in PASSES or last.name in self.calls and \
                    not CLEANER.search(last.name):
                value = worst([value] + [self.word(w) for w in last.words[1:]]
                              + [self.word(r[2]) for r in last.redirects
                                 if r[1] == "<<<"]
                              + [self.word(h) for h in last.heredocs])
            last = last.previous
        return value

    def constant(self, word):
        """The word's text with the constants that are known, else None."""
        out = []
        for p in word.parts:
            if p.kind == "lit":
                out.append(p.text)
            elif p.kind == "var" and not p.op and \
                    self.constants.get(p.text) is not None:
                out.append(self.constants[p.text])
            else:
                return None
        return "".join(out)

    def shape(self, word):
        """As constant, but $$ and the date stay in it by their names."""
        out = []
        for p in word.parts:
            if p.kind == "lit":
                out.append(p.text)
            elif p.kind == "var" and not p.op:
                out.append(self.shapes.get(p.text) or "${" + p.text + "}")
            elif p.kind == "cmd" and len(p.sub) == 1 and \
                    p.sub[0].name in FORESEEN:
                out.append("${" + p.sub[0].name + "}")
            else:
                return None
        return "".join(out)

    # ---- writing -------------------------------------------------------

    def enter(self, command):
        self.function = command.function

    def set(self, name, value, constant=None, word=None):
        self.checked.discard(name)
        made = word is not None and any(
            c.name == "mktemp" for p in word.parts for c in p.sub or ())
        if made:
            self.made.add(name)  # elsewhere it is only made up, for want of it
        self.shapes[name] = None if name in self.made else \
            constant or (word and self.shape(word))
        first = word.parts[0] if word is not None and word.parts else None
        self.leads[name] = first.text if first is not None and \
            first.kind == "lit" else ""
        if constant:
            self.defaults.add(name)
        self.values[name] = value
        # One that is set twice has no text that is known.
        known = constant if name not in self.constants else None
        self.constants[name] = known

    def leave(self, command):
        """What the command does to the variables."""
        if not command.words or command.name in DECLARES:
            for name, value in command.assigns:
                self.set(name, self.word(value), self.constant(value), value)
        if command.name in ("shift", "set") and command.function:
            self.moved.add(command.function)
        if command.name in DECLARES:
            self.declare(command)
        elif command.name in ("read", "mapfile", "readarray"):
            self.read(command)
        elif command.name == "getopts" and len(command.words) > 2:
            self.set("OPTARG", self.variable("1"))
        elif command.name == "for" and command.loop:
            rest = [self.word(w) for w in command.words[1:]]
            self.set(command.loop, worst(rest) if rest else
                     self.variable("@"))
        elif command.name == "printf" and command.arguments[:1] == ["-v"] \
                and len(command.words) > 3:
            quoted = "%q" in command.words[3].text
            self.set(command.words[2].text, None if quoted else
                     worst(self.word(w) for w in command.words[4:]))
        self.check(command)

    def declare(self, command):
        for word in command.words[1:]:
            text = word.parts[0].text if word.parts else ""
            name, equals, rest = text.partition("=")
            if equals and name.isidentifier():
                value = value_of(word, len(name) + 1)
                self.set(name, self.word(value), self.constant(value), value)

    def read(self, command):
        source = "input"
        for _, op, word in command.redirects:
            if op == "<" and self.word(word) is None:
                source = None  # a file of the script's own choice
            if op == "<<<":
                source = self.word(word)
        before = command.previous
        if before is not None:
            source = "input" if before.name in NETWORK else worst(
                self.word(w) for w in before.words[1:])
        names, skip = [], False
        for text in command.arguments:
            if skip:
                skip = False
            elif text.startswith("-"):
                skip = text[-1:] in "pntdNuai" and text not in ("-r", "-s")
                if text == "-a":
                    skip = False
            elif text.isidentifier():
                names.append(text)
        for name in names or ["REPLY"]:
            self.set(name, source)

    def check(self, command):
        """A comparison with a pattern makes a value known."""
        if command.name == "case" and command.subject is not None:
            return
        if command.name == "[[" and "=~" in command.arguments:
            at = command.arguments.index("=~")
            pattern = "".join(command.arguments[at + 1:])
            if "^" in pattern and ".*" not in pattern:
                for part in command.words[at].parts:
                    if part.kind == "var":
                        self.checked.add(part.text)
        if command.name in ("[", "[[", "test"):
            for i, text in enumerate(command.arguments):
                if text in ("-eq", "-lt", "-gt", "-le", "-ge", "-ne") and \
                        command.name != "[[":
                    for part in command.words[i].parts:
                        if part.kind == "var" and part.text not in "@*#?":
                            self.checked.add(part.text)


