# SPDX-License-Identifier: Apache-2.0
"""What a script is read into: commands, of words, of parts."""


class Part:
    """A piece of a word: lit, var, cmd (substitution), proc, arith."""
    __slots__ = ("kind", "text", "quoted", "op", "sub", "line")

    def __init__(self, kind, text, quoted, line, op="", sub=()):
        self.kind, self.text, self.quoted = kind, text, quoted
        self.line, self.op, self.sub = line, op, sub


class Word:
    __slots__ = ("parts", "line", "column")

    def __init__(self, parts, line, column):
        self.parts, self.line, self.column = parts, line, column

    @property
    def text(self):
        """The word with expansions as ${name} and substitutions as $(...)."""
        out = []
        for p in self.parts:
            if p.kind == "lit":
                out.append(p.text)
            elif p.kind == "var":
                out.append("${" + p.text + "}")
            else:
                out.append("$(...)")
        return "".join(out)

    @property
    def constant(self):
        """Its text if nothing in it is expanded, else None."""
        for p in self.parts:
            if p.kind != "lit":
                return None
        return "".join(p.text for p in self.parts)


class Command:
    __slots__ = ("words", "assigns", "redirects", "heredocs", "line",
                 "line_end", "column", "previous", "next", "function",
                 "loop", "subject", "background")

    def __init__(self, line, column):
        self.words, self.assigns = [], []
        self.redirects, self.heredocs = [], []
        self.line = self.line_end = line
        self.column = column
        self.previous = self.next = None
        self.function = None  # the name of the one that it is in
        self.loop = None     # the variable of a for
        self.subject = None  # the word of a case
        self.background = False

    @property
    def name(self):
        return self.words[0].text.rsplit("/", 1)[-1] if self.words else ""

    @property
    def arguments(self):
        return [w.text for w in self.words[1:]]


def value_of(word, skip):
    """What stands behind NAME= in an assignment."""
    first = word.parts[0]
    rest = first.text[skip:]
    parts = [Part("lit", rest, False, first.line)] if rest else []
    return Word(parts + word.parts[1:], word.line, word.column)


def walk(commands):
    """Every command, those in substitutions before the one that uses them."""
    for c in commands:
        for word in words_of(c):
            for part in word.parts:
                if part.sub:
                    yield from walk(part.sub)
        yield c


def words_of(c):
    yield from c.words
    for _, value in c.assigns:
        yield value
    for _, _, word in c.redirects:
        yield word
    yield from c.heredocs
