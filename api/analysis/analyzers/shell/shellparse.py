# SPDX-License-Identifier: Apache-2.0
"""Reads a shell script into a flat list of simple commands.

Not a grammar of the shell: compound commands are taken apart, so that every
simple command comes once, in the order of the text, with its words, their
expansions, redirections, here-documents and neighbours in the pipeline.  A
script whose quotes or substitutions do not end raises Unreadable.
"""
import bisect
import re

from answer import Unreadable
from syntax import Command, Part, Word, value_of

DEPTH_MAX = 60
RUN = re.compile(r"[^\s;|&<>()\\'\"$`]+")
DQ_RUN = re.compile(r'[^"\\$`]+')
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PARAM = re.compile(r"[!#]?(?:[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-])")
ASSIGN = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\[[^\]]*\])?(\+?)=")
OPERATORS = ("&&", "||", ";;&", ";;", ";&", "|&", "<<<", "<<-", "<<", "<&",
             "<>", ">>", ">&", ">|", "&>>", "&>", "|", "&", ";", "<", ">",
             "(", ")")
OPERATOR = re.compile("|".join(re.escape(o) for o in
                               sorted(OPERATORS, key=len, reverse=True)))
REDIRECTS = {"<", ">", ">>", "<&", ">&", "<>", ">|", "&>", "&>>", "<<<"}
RESERVED = {"if", "then", "else", "elif", "fi", "do", "done", "while",
            "until", "{", "}", "!", "time", "coproc"}


class Parser:
    def __init__(self, text, first_line=1):
        self.text, self.pos, self.depth = text, 0, 0
        self.first = first_line
        self.starts = [0] + [m.end() for m in re.finditer("\n", text)]
        self.pending = []  # here-documents to come

    def where(self, pos=None):
        pos = self.pos if pos is None else pos
        row = bisect.bisect_right(self.starts, pos) - 1
        return row + self.first, pos - self.starts[row] + 1

    def fail(self, what, pos=None):
        raise Unreadable(self.where(pos)[0], what)

    def enter(self):
        self.depth += 1
        if self.depth > DEPTH_MAX:
            self.fail("nested deeper than %d" % DEPTH_MAX)

    # ---- words ---------------------------------------------------------

    def single(self, start):
        end = self.text.find("'", start)
        if end < 0:
            self.fail("a ' that never ends", start)
        self.pos = end + 1
        return self.text[start:end]

    def ansi(self, start):
        """$'...'"""
        i = start
        while True:
            end = self.text.find("'", i)
            if end < 0:
                self.fail("a $' that never ends", start)
            back = end
            while back > start and self.text[back - 1] == "\\":
                back -= 1
            if (end - back) % 2 == 0:
                self.pos = end + 1
                return self.text[start:end]
            i = end + 1

    def backtick(self, quoted):
        start, i, text = self.pos, self.pos + 1, self.text
        while i < len(text) and text[i] != "`":
            i += 2 if text[i] == "\\" else 1
        if i >= len(text):
            self.fail("a ` that never ends", start)
        inner = re.sub(r"\\([\\`$])", r"\1", text[start + 1:i])
        self.enter()
        sub = Parser(inner, self.where(start)[0])
        sub.depth = self.depth
        commands = sub.commands(None)
        self.depth -= 1
        self.pos = i + 1
        return Part("cmd", "", quoted, self.where(start)[0], sub=commands)

    def braces(self, quoted):
        """${...}; self.pos is at the $."""
        start, text = self.pos, self.text
        i, depth = start + 2, 1
        while i < len(text) and depth:
            c = text[i]
            if c == "\\":
                i += 1
            elif c == "'" and not quoted:
                end = text.find("'", i + 1)
                i = end if end > 0 else i
            elif c == "$" and text[i + 1:i + 2] == "{":
                depth += 1
                i += 1
            elif c == "}":
                depth -= 1
            i += 1
        if depth:
            self.fail("a ${ that never ends", start)
        body = text[start + 2:i - 1]
        self.pos = i
        m = PARAM.match(body)
        line = self.where(start)[0]
        if not m:
            return Part("lit", "", quoted, line)
        return Part("var", m.group(0), quoted, line, op=body[m.end():])

    def arithmetic(self, start, quoted):
        """$(( )) or (( )); self.pos is behind the two brackets."""
        depth, i, text = 2, self.pos, self.text
        while i < len(text) and depth:
            depth += (text[i] == "(") - (text[i] == ")")
            i += 1
        if depth:
            self.fail("an arithmetic expression that never ends", start)
        body = text[self.pos:i - 2]
        self.pos = i
        return Part("arith", body, quoted, self.where(start)[0])

    def dollar(self, quoted):
        text, start = self.text, self.pos
        following = text[start + 1:start + 2]
        line = self.where(start)[0]
        if following == "(":
            if text.startswith("$((", start):
                self.pos = start + 3
                return self.arithmetic(start, quoted)
            return self.substitution(start, 2, "cmd", quoted)
        if following == "{":
            return self.braces(quoted)
        if following == "'" and not quoted:
            return Part("lit", self.ansi(start + 2), True, line)
        if following == '"' and not quoted:
            self.pos += 1
            return Part("lit", "", True, line)
        m = NAME.match(text, start + 1) or \
            re.compile(r"[0-9@*#?$!-]").match(text, start + 1)
        if not m:
            self.pos += 1
            return Part("lit", "$", quoted, line)
        self.pos = m.end()
        return Part("var", m.group(0), quoted, line)

    def substitution(self, start, skip, kind, quoted):
        self.enter()
        self.pos = start + skip
        waiting, self.pending = self.pending, []
        commands = self.commands(")")
        self.pending = waiting
        self.depth -= 1
        return Part(kind, self.text[start:start + 1], quoted,
                    self.where(start)[0], sub=commands)

    def double(self, parts, end):
        """Up to the ending quote, or (end None) to the end of the text."""
        text, start = self.text, self.pos
        while self.pos < len(text):
            c = text[self.pos]
            if c == end:
                self.pos += 1
                return
            m = DQ_RUN.match(text, self.pos)
            if m:
                self.pos = m.end()
                parts.append(Part("lit", m.group(0), True,
                                  self.where(m.start())[0]))
            elif c == "\\":
                taken = text[self.pos + 1:self.pos + 2]
                self.pos += 2
                if taken != "\n":
                    parts.append(Part("lit", taken if taken in '$`"\\'
                                      else "\\" + taken, True, 0))
            elif c == "$":
                parts.append(self.dollar(True))
            elif c == "`":
                parts.append(self.backtick(True))
            else:
                parts.append(Part("lit", c, True, 0))
                self.pos += 1
        if end is not None:
            self.fail('a " that never ends', start)

    def word(self):
        text, parts = self.text, []
        line, column = self.where()
        while self.pos < len(text):
            c = text[self.pos]
            m = RUN.match(text, self.pos)
            if m:
                self.pos = m.end()
                parts.append(Part("lit", m.group(0), False, line))
            elif c == "\\":
                taken = text[self.pos + 1:self.pos + 2]
                self.pos += 2
                if taken != "\n":
                    parts.append(Part("lit", taken, True, line))
            elif c == "'":
                parts.append(Part("lit", self.single(self.pos + 1), True,
                                  self.where()[0]))
            elif c == '"':
                self.pos += 1
                self.double(parts, '"')
                if not parts:
                    parts.append(Part("lit", "", True, line))
            elif c == "$":
                parts.append(self.dollar(False))
            elif c == "`":
                parts.append(self.backtick(False))
            elif c in "<>" and not parts and \
                    text[self.pos + 1:self.pos + 2] == "(":
                parts.append(self.substitution(self.pos, 2, "proc", False))
            elif c == "(" and parts and ASSIGN.fullmatch(
                    "".join(p.text for p in parts)):
                self.array(parts)
            elif c in "(" and parts and parts[-1].kind == "lit" and \
                    parts[-1].text[-1:] in "?*+@!" and \
                    not parts[-1].quoted and parts[-1].text:
                self.extglob(parts)
            else:
                break
        return Word(parts, line, column)

    def extglob(self, parts):
        """?(...), *(...): to the bracket that ends it, as text."""
        end = self.text.find(")", self.pos)
        stop = self.text.find("\n", self.pos)
        if end < 0 or 0 <= stop < end:
            self.fail("a ( that never ends")
        parts.append(Part("lit", self.text[self.pos:end + 1], False, 0))
        self.pos = end + 1

    def array(self, parts):
        """NAME=( words )"""
        start = self.pos
        self.pos += 1
        self.enter()
        while True:
            self.blank(newlines=True)
            if self.pos >= len(self.text):
                self.fail("an array that never ends", start)
            if self.text[self.pos] == ")":
                self.pos += 1
                break
            at = self.pos
            inner = self.word()
            if self.pos == at:
                self.pos += 1
            parts.append(Part("lit", " ", True, 0))
            parts.extend(inner.parts)
        self.depth -= 1

    # ---- commands ------------------------------------------------------

    def blank(self, newlines=False):
        """Skips blanks, comments and joined lines."""
        text = self.text
        while self.pos < len(text):
            c = text[self.pos]
            if c in " \t\r" or (newlines and c == "\n"):
                self.pos += 1
            elif c == "\\" and text[self.pos + 1:self.pos + 2] == "\n":
                self.pos += 2
            elif c == "#":
                end = text.find("\n", self.pos)
                self.pos = end if end >= 0 else len(text)
            else:
                return

    def heredocs(self):
        """The bodies, at the beginning of a line."""
        for command, delimiter, raw, tabs in self.pending:
            body, line = [], self.where()[0]
            while self.pos < len(self.text):
                end = self.text.find("\n", self.pos)
                end = len(self.text) if end < 0 else end
                row = self.text[self.pos:end]
                self.pos = min(end + 1, len(self.text))
                if (row.lstrip("\t") if tabs else row) == delimiter:
                    break
                body.append(row)
            command.heredocs.append(self.heredoc("\n".join(body), line, raw))
        self.pending = []

    def heredoc(self, body, line, raw):
        if raw:
            return Word([Part("lit", body, True, line)], line, 1)
        self.enter()
        inner, parts = Parser(body, line), []
        inner.depth = self.depth
        inner.double(parts, None)
        self.depth -= 1
        return Word(parts, line, 1)

    def commands(self, end):
        """Simple commands up to the bracket that ends a substitution."""
        return Reader(self, end).read()


class Reader:
    """The state of one list of commands."""

    def __init__(self, parser, end):
        self.p, self.end = parser, end
        self.found, self.current, self.previous = [], None, None
        self.nesting = []  # "(", "case", "{", "function"
        self.functions = []  # the names of these
        self.function_next = None
        self.pattern = False  # of a case: up to its )

    def command(self):
        if self.current is None:
            line, column = self.p.where()
            self.current = Command(line, column)
            self.current.function = self.functions[-1] if self.functions \
                else None
        return self.current

    def close(self, piped=False):
        c, self.current = self.current, None
        if c is not None and (c.words or c.assigns or c.redirects):
            c.line_end = max(c.line, self.p.where(self.p.pos - 1)[0])
            if self.previous is not None:
                c.previous, self.previous.next = self.previous, c
            self.found.append(c)
            self.previous = c if piped else None
        elif not piped:
            self.previous = None

    def read(self):
        p, start = self.p, self.p.pos
        while True:
            p.blank()
            if p.pos >= len(p.text):
                if self.end is not None:
                    p.fail("a $( that never ends", start)
                self.close()
                return self.found
            if p.text[p.pos] == "\n":
                p.pos += 1
                self.close_line()
                p.heredocs()
            elif self.operator():
                return self.found

    def close_line(self):
        """A pipe at the end of a line goes on in the next one."""
        if self.current is None:
            return
        self.close()

    def operator(self):
        """One operator or word; True at the end of the substitution."""
        p = self.p
        m = OPERATOR.match(p.text, p.pos)
        if m is None or (m.group(0) in "<>" and p.text[p.pos + 1:p.pos + 2]
                         == "(") or self.is_test():
            if m is not None and self.is_test():
                p.pos = m.end()
            else:
                self.take_word()
            return False
        op = m.group(0)
        if op == "(" and p.text.startswith("((", p.pos) and \
                self.current is None:
            self.arithmetic(m.start())
            return False
        p.pos = m.end()
        if op in REDIRECTS:
            self.redirect(op)
        elif op in ("<<", "<<-"):
            self.begin_heredoc(op)
        elif op == "(":
            self.open_bracket()
        elif op == ")":
            return self.close_bracket()
        elif self.pattern and op == "|":
            self.current = None
        else:
            if op.startswith(";;") or op == ";&":
                self.pattern = self.nesting[-1:] == ["case"]
            if op == "&" and self.current is not None:
                self.current.background = True
            self.close(piped=op in ("|", "|&"))
            if op in ("|", "|&"):
                p.blank(newlines=not p.pending)
        return False

    def is_test(self):
        """Within [[ ]] brackets and < are words."""
        c = self.current
        return c is not None and bool(c.words) and c.words[0].text == "[[" \
            and c.words[-1].text != "]]"

    def arithmetic(self, start):
        self.p.pos += 2
        part = self.p.arithmetic(start, False)
        c = self.command()
        c.words.append(Word([Part("lit", "((", True, part.line)], part.line,
                            1))
        c.words.append(Word([part], part.line, 1))
        self.close()

    def open_bracket(self):
        c = self.current
        if c is not None and len(c.words) == 1 and not c.assigns:
            p = self.p  # name() begins a function
            p.blank()
            if p.text[p.pos:p.pos + 1] == ")":
                p.pos += 1
                self.current = None
                self.function_next = c.words[0].text
                return
        if not (self.nesting and self.nesting[-1] == "case"):
            self.close()
            self.nesting.append("(")

    def close_bracket(self):
        if self.nesting and self.nesting[-1] == "case":
            self.current, self.pattern = None, False
            return False
        self.close()
        if self.nesting and self.nesting[-1] == "(":
            self.nesting.pop()
        elif self.end == ")":
            return True
        return False

    def redirect(self, op):
        p, c = self.p, self.command()
        p.blank()
        fd = ""
        if c.words:
            last = c.words[-1]
            text = last.constant
            at = last.column + len(text or "")
            if text and text.isdigit() and p.where(p.pos)[0] == last.line \
                    and p.text[p.pos - 1:p.pos] != " " and \
                    at == p.where(p.pos)[1] - len(op):
                c.words.pop()
                fd = text
        c.redirects.append((fd, op, p.word()))

    def begin_heredoc(self, op):
        p, c = self.p, self.command()
        p.blank()
        word = p.word()
        raw = any(x.quoted for x in word.parts)
        p.pending.append((c, "".join(x.text for x in word.parts), raw,
                          op == "<<-"))

    def take_word(self):
        p, at = self.p, self.p.pos
        word = p.word()
        if p.pos == at:
            p.pos += 1  # a byte that is nothing
            return
        if self.pattern:
            if word.constant == "esac":
                self.pattern = False
                self.nesting.pop()
            return
        fresh = self.current is None or \
            not (self.current.words or self.current.redirects)
        text = word.constant
        bare = text is not None and not any(x.quoted for x in word.parts)
        if fresh and bare and self.keyword(text):
            return
        c = self.command()
        if not c.words:
            c.line, c.column = word.line, word.column
        m = ASSIGN.match(word.parts[0].text) if word.parts and \
            word.parts[0].kind == "lit" and not word.parts[0].quoted else None
        if m and not c.words:
            c.assigns.append((m.group(1), value_of(word, m.end())))
        else:
            c.words.append(word)

    def keyword(self, text):
        """Is the word a part of a compound command?"""
        if text == "{":
            self.nesting.append("function" if self.function_next else "{")
            if self.function_next:
                self.functions.append(self.function_next)
            self.function_next = None
        elif text == "}":
            if self.nesting and self.nesting[-1] in ("{", "function") and \
                    self.nesting.pop() == "function":
                self.functions.pop()
        elif text == "case":
            self.case()
            return True
        elif text == "esac":
            if self.nesting and self.nesting[-1] == "case":
                self.nesting.pop()
            return True
        elif text in ("for", "select"):
            self.loop()
            return True
        elif text == "function":
            self.p.blank()
            self.function_next = self.p.word().text or "?"
            self.p.blank()
            if self.p.text.startswith("()", self.p.pos):
                self.p.pos += 2
            return True
        return text in RESERVED

    def case(self):
        p = self.p
        p.blank()
        c = self.command()
        c.subject = p.word()
        c.words.append(Word([Part("lit", "case", True, c.line)], c.line, 1))
        c.words.append(c.subject)
        p.blank(newlines=True)
        if p.text.startswith("in", p.pos):
            p.pos += 2
        self.close()
        self.nesting.append("case")
        self.pattern = True

    def loop(self):
        p = self.p
        p.blank()
        if p.text.startswith("((", p.pos):
            start = p.pos
            p.pos += 2
            p.arithmetic(start, False)
            return
        name = p.word().constant
        c = self.command()
        c.loop = name
        c.words.append(Word([Part("lit", "for", True, c.line)], c.line, 1))
        p.blank(newlines=True)
        if re.compile(r"in\b").match(p.text, p.pos):
            p.pos += 2


def parse(text):
    return Parser(text).commands(None)
