# SPDX-License-Identifier: Apache-2.0
"""One script as a whole: what every check may ask, the checks on each command,
and what only the whole tells.
"""
import re

import checks_code
import checks_crypto
import checks_files
import checks_network
import checks_secrets
import checks_system
import indirect
from answer import Unreadable, finding
from flow import Flow
from shellparse import parse
from syntax import Word, walk
from view import View

VERSION = "1"
COMMANDS_MAX = 200000
# In this order: of one rule and line the first finding stays.
CHECKS = (checks_code.CHECKS + checks_network.CHECKS + checks_files.CHECKS +
          checks_secrets.CHECKS + checks_system.CHECKS +
          checks_crypto.CHECKS + indirect.CHECKS)


def compared_by(c):
    """The variables whose text this command compares with another."""
    words = []
    if c.name == "case":
        words = c.words[1:]
    elif c.name in ("[", "[[", "test"):
        for i, text in enumerate(c.arguments[1:-1], 1):
            if text in ("=", "==", "!=", "=~") and \
                    c.arguments[i - 1] and c.arguments[i + 1]:
                words += [c.words[i], c.words[i + 2]]
    elif c.name in ("echo", "printf") and c.next is not None and \
            c.next.name in ("grep", "egrep"):
        words = c.words[1:]
    elif c.name in ("grep", "egrep"):
        words = [r[2] for r in c.redirects if r[1] == "<<<"]
    return [p.text for w in words for p in w.parts if p.kind == "var"]


def sets_unseen(c):
    """Another file, or eval, that may set variables which are not seen here."""
    if c.name in (".", "source") and c.words[1:]:
        return c.words[1].constant is not None or \
            c.words[1].parts[0].kind != "var"
    if c.name in ("read", "local", "declare", "export"):
        return any(w.parts and w.parts[0].kind != "lit"
                   for w in c.words[1:])
    return c.name == "eval" and (
        any(p.sub for w in c.words[1:] for p in w.parts) or bool(re.search(
            r"\b(?:local|declare|export|set)\b", " ".join(c.arguments))))


class Script:
    """What the checks know of the whole script."""

    def __init__(self, text):
        self.text = text
        self.flow = Flow()
        self.findings = {}
        self.downloads, self.ran, self.plain = {}, [], []
        self.verifies = self.trace_told = self.in_substitution = False
        self.trace = None
        self.nounset = False
        self.assigned, self.made = set(), set()
        # Names that are looked at, and that are compared: the first line.
        self.tested, self.compared = {}, {}
        self.is_cgi = bool(re.search(r"(?i)content-type:", text))
        self.commands = parse(text)

    def report(self, rule, line, column, message, line_end, severity=None,
               confidence=None):
        self.findings.setdefault((line, rule), finding(
            "shell/" + rule, (line, line_end), column, message, severity,
            confidence))

    def key(self, word):
        """A name by which the same file can be told again."""
        return self.flow.constant(word) or word.text

    def expand(self, word):
        out = []
        for p in word.parts:
            if p.kind == "lit":
                out.append(p.text)
            elif p.kind == "var":
                known = self.flow.constants.get(p.text)
                if p.text in ("TMPDIR", "TMP") and p.op[:2] in (":-", "-"):
                    known = "/tmp"
                if known is None and not p.op:
                    known = self.flow.shapes.get(p.text)
                out.append(known if known is not None
                           else "${" + p.text + "}")
            else:
                out.append(self.flow.shape(Word([p], 0, 0)) or "$(...)")
        return "".join(out)

    def in_made_directory(self, text):
        return any(text.startswith(d) for d in self.made)

    def set_somewhere(self, name):
        return name in self.assigned

    def prepare(self, every):
        """What holds for the script wherever it stands."""
        first = self.text[:self.text.find("\n") + 1]
        self.nounset = bool(re.match(r"#!.*\s-[a-z]*u", first))
        self.reads_others = any(sets_unseen(c) for c in every)
        names = {c.function for c in every if c.function}
        for c in every:
            if c.words and c.words[0].text in names:
                self.flow.calls.setdefault(c.name, []).append(c)
            elif c.name in ("${@}", "${*}", "${1}") and not c.function:
                self.flow.anything_called = True
            self.assigned.update(n for n, _ in c.assigns)
            if c.loop:
                self.assigned.add(c.loop)
            if c.name in ("local", "export", "declare", "readonly", "read",
                          "typeset", "getopts", "mapfile", "printf"):
                self.assigned.update(
                    re.split(r"[=+\[]", w.text)[0] for w in c.words[1:])
            if c.name == "set" and (any(
                    re.fullmatch(r"-[a-z]*u[a-z]*", a) for a in c.arguments)
                    or "nounset" in c.arguments):
                self.nounset = True
            if c.name in ("[", "[[", "test", "case", ":"):
                for p in (p for w in c.words[1:] for p in w.parts
                          if p.kind == "var" and not w.text.startswith("-")):
                    self.tested.setdefault(p.text, c.line)
            for name in compared_by(c):
                self.compared.setdefault(name, c.line)
            if c.name == "mkdir" and not any(
                    re.match(r"-[a-z]*p|--parents", a)
                    for a in c.arguments):
                self.made.update(w.text.rstrip("/") + "/"
                                 for w in c.words[1:]
                                 if w.text.startswith("/tmp/"))

    def run(self):
        every = list(walk(self.commands))
        if len(every) > COMMANDS_MAX:
            raise Unreadable(1, "more than %d commands" % COMMANDS_MAX)
        self.prepare(every)
        outside = {id(c) for c in self.commands}
        for c in every:
            self.flow.enter(c)
            self.in_substitution = id(c) not in outside
            view = View(c, self)
            for check in CHECKS:
                check(view)
            self.flow.leave(c)
        self.conclude()
        return sorted(self.findings.values(),
                      key=lambda f: (f["line_start"], f["rule"]))

    def conclude(self):
        """What only the whole script tells."""
        run = {key for _, _, key in self.ran}
        for line, column, name in self.plain:
            if name in run and not self.verifies:
                self.report("insecure-download", line, column,
                            "What is run later is downloaded without TLS.",
                            line, severity="high")
        for line, column, key in self.ran:
            if not self.verifies:
                at, url = self.downloads[key]
                if not url.startswith("http://"):
                    self.report("unverified-download", at, column,
                                "What is downloaded here runs in line %d, "
                                "and nothing compares its checksum or "
                                "signature." % line, at)


def look(text):
    return Script(text.replace("\r\n", "\n")).run()
