# SPDX-License-Identifier: Apache-2.0
"""A command as the checks see it: the program behind sudo and env, its options,
and which of its words are of foreign making."""
import re

from flow import DECLARES
from syntax import Part, Word, value_of, walk

SHELLS = {"sh", "bash", "dash", "zsh", "ksh", "ash"}
INTERPRETERS = SHELLS | {"python", "python2", "python3", "perl", "ruby",
                         "node", "php"}
PREFIXES = {"sudo", "doas", "env", "nohup", "exec", "command", "time", "nice",
            "timeout", "setsid", "stdbuf", "ionice", "chronic", "builtin"}
SAYS = {"argument": "an argument of the script",
        "parameter": "a parameter of the function",
        "input": "input", "request": "a web request"}
CERTAIN = {"argument": "medium", "parameter": "low", "input": "high",
           "request": "high"}
# An argument that is split here does harm.
TAKES_OPTIONS = {"rm", "mv", "cp", "tar", "find", "chown", "chmod", "curl",
                 "wget", "ssh", "scp", "rsync", "dd", "ln", "mount", "zip",
                 "unzip", "git", "docker", "su", "useradd", "userdel",
                 "iptables", "mkfs", "tee", "sed", "openssl", "ping", "host",
                 "dig", "nslookup", "traceroute", "whois"}


def unwrap(words):
    """The words from the program on that prefixes like sudo run."""
    while words and words[0].text.rsplit("/", 1)[-1] in PREFIXES:
        first = words.pop(0).text.rsplit("/", 1)[-1]
        while words and (words[0].text.startswith("-") or (
                first == "env" and "=" in words[0].text) or (
                first == "timeout" and words[0].text[:1].isdigit())):
            option = words.pop(0).text
            if option in ("-u", "-g", "-n", "-k") and words and \
                    first in ("sudo", "doas", "nice", "timeout"):
                words.pop(0)
    return words


def spelled_out(words, flow):
    """e=eval; $e "$1": the first word's constant instead of its name."""
    first = words[0].parts if words else ()
    if len(first) != 1 or first[0].kind != "var" or first[0].op:
        return words
    text = flow.constants.get(first[0].text) or ""
    known = text.split() if not first[0].quoted else [text] if text else []
    line, column = words[0].line, words[0].column
    return [Word([Part("lit", t, False, line)], line, column)
            for t in known] + words[1:] if known else words


class View:
    """A command as the checks see it."""

    def __init__(self, command, script):
        self.c, self.script, self.flow = command, script, script.flow
        self.words = unwrap(spelled_out(list(command.words), self.flow))
        self.name = self.words[0].text.rsplit("/", 1)[-1] if self.words else ""
        self.args = [w.text for w in self.words[1:]]
        self.all = " ".join([self.name] + self.args)

    def has(self, *options):
        return any(a in options or any(
            o.startswith("--") and a.startswith(o + "=") for o in options)
            for a in self.args)

    def short(self, letter):
        """Is a one-letter option among -abc?"""
        return any(re.fullmatch(r"-[A-Za-z]*%s[A-Za-z]*" % letter, a)
                   for a in self.args)

    def after(self, option):
        for i, a in enumerate(self.args[:-1]):
            if a == option:
                return self.words[i + 2]
        return None

    def report(self, rule, message, line=None, **more):
        self.script.report(rule, line or self.c.line, self.c.column, message,
                           max(self.c.line_end, line or 0), **more)

    def was_compared(self, name):
        """Has this code said before which values it wants?"""
        return self.script.compared.get(name, self.c.line) < self.c.line

    def was_tested(self, name):
        """Has it looked whether there is something, or a file?"""
        return self.script.tested.get(name, self.c.line) < self.c.line

    def foreign(self, parts):
        """The variables of foreign making, those in substitutions too."""
        for p in parts:
            if p.kind == "var" and self.flow.part(p) is not None:
                yield p
            for c in walk(p.sub or ()):
                for w in c.words:
                    yield from self.foreign(w.parts)

    def weight(self, value, foreign):
        """What a report of an argument says that was looked at, if little."""
        if value in ("argument", "parameter") and foreign and all(
                self.was_tested(p.text) for p in foreign):
            return {"severity": "low", "confidence": "low"}
        return {}

    def tainted(self, rule, word, message):
        """Reports if the word is of foreign making."""
        value = self.flow.word(word)
        foreign = list(self.foreign(word.parts))
        if value == "argument" and foreign and all(
                self.was_compared(p.text) for p in foreign):
            return None
        if value is not None:
            self.report(rule, message % SAYS[value], word.line, **{
                "confidence": CERTAIN[value], **self.weight(value, foreign)})
        return value


def assignments(c):
    yield from c.assigns
    if c.name in DECLARES:
        for w in c.words[1:]:
            m = re.match(r"(\w+)=", w.parts[0].text if w.parts and
                         w.parts[0].kind == "lit" else "")
            if m:
                yield m.group(1), value_of(w, m.end())


def shown(text):
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= 60 else text[:57] + "..."
