# SPDX-License-Identifier: Apache-2.0
"""Reads a function statement by statement and keeps the state of cstate.py."""
import re

import cguards
import cnumbers
import csinks
from cstate import (ALLOCATES, APPENDS, COPIES, FILLS, PASSES, PRINTS, SCANS,
                    PARAMETER, SCANS_TEXT, Variable, skip_call)
from ctokens import TYPES, UNSIGNED, brackets, split, width_of

BRANCHES_MAX = 12
CHAIN_MAX = 200
CONTROL = {"if", "while", "for", "switch"}
ASSIGNS = {"=", "+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "%=", "^="}
QUALIFIERS = {"const", "static", "volatile", "register", "extern", "struct",
              "union", "enum", "unsigned", "signed", "inline", "_Atomic",
              "restrict", "auto", "__restrict"}


class Reader:
    def __init__(self, unit, function, scope, reports):
        self.unit, self.f, self.scope = unit, function, scope
        self.reports = reports  # a function, or None in a pass before
        self.loops = {}         # variable: how often, in a for
        self.opened = {}        # paths that access() or stat() looked at
        self.calls = []
        self.t = function.body
        self.is_returned = False  # what is read stands behind `return`

    def report(self, rule, token, message, **more):
        if self.reports is not None:
            self.reports(rule, token, message, **more)

    # ---- statements ----------------------------------------------------

    def read(self):
        self.pairs = brackets(self.t)
        self.block(0, len(self.t), 0)
        csinks.function_end(self)

    def block(self, i, n, depth):
        t = self.t
        while i < n:
            text = t[i].text
            if text in CONTROL and i + 1 < n and t[i + 1].text == "(":
                end = skip_call(t, i + 1)
                within = cguards.within(self, t[i + 2:end - 1])
                self.control(text, t[i + 2:end - 1], t[i])
                i = self.branches(end, n, depth, within) \
                    if text == "if" else end
            elif text in ("{", "}", ";", "else", "do"):
                i += 1
            else:
                end = self.end_of_statement(i)
                self.statement(t[i:end])
                i = end

    def branches(self, i, n, depth, within):
        """if () one; else two; what either of them may leave behind.

        within: what is not known of variables on the first way.
        """
        if depth > BRANCHES_MAX or i >= n:
            return i
        t, close = self.t, self.extent(i, n)
        if close > n:
            return i
        before = self.snapshot()
        for name, fact, value in within:
            if name in self.scope.variables:
                setattr(self.scope.variables[name], fact, value)
        self.block(i, close, depth + 1)
        one, self.scope.variables = self.scope.variables, before
        end = close
        if close < n and t[close].text == "else":
            end = min(self.extent(close + 1, n), n)
            self.block(close + 1, end, depth + 1)
            if end > close + 1 and cguards.leaves(t[close + 1:end]):
                self.scope.variables = one
                return end
        if not cguards.leaves(t[i:close]):
            self.meet(one)
        return end

    def extent(self, i, n):
        """Behind the statement that begins here; n + 1 if that is far."""
        t, ifs = self.t, 0
        for _ in range(CHAIN_MAX):
            if i >= n:
                return n
            if t[i].text in CONTROL and i + 1 < n and t[i + 1].text == "(":
                ifs += t[i].text == "if"
                i = skip_call(t, i + 1)
                continue
            if t[i].text == "do":
                i += 1
                continue
            i = self.pairs.get(i, n) + 1 if t[i].text == "{" else \
                self.end_of_statement(i)
            if not ifs or i >= n or t[i].text != "else":
                return i
            ifs -= 1
            i += 1
        return n + 1

    def snapshot(self):
        return {k: v.copy() for k, v in self.scope.variables.items()}

    def meet(self, one):
        for name, v in self.scope.variables.items():
            if name in one:
                v.merge(one[name])

    def end_of_statement(self, i):
        depth, t = 0, self.t
        for j in range(i, len(t)):
            if t[j].kind != "op":
                continue
            c = t[j].text
            if c in "([":
                depth += 1
            elif c in ")]":
                depth -= 1
            elif c == "{" and depth == 0:
                if j > i and t[j - 1].text in ("=", ")", "]"):
                    depth += 1  # an initializer
                else:
                    return max(j, i + 1)
            elif c == "{":
                depth += 1
            elif c == "}":
                if depth <= 0:
                    return max(j, i + 1)
                depth -= 1
            elif c == ";" and depth <= 0:
                return j + 1
        return len(t)

    def control(self, word, inside, token):
        if word == "for":
            parts = split(inside, ";")
            if len(parts) == 3:
                self.statement(parts[0])
                self.bound(parts[1])
                self.expression(parts[1])
                csinks.loop(self, parts[1], token)
            return
        self.expression(inside)
        if word in ("if", "while", "switch"):
            cguards.apply(self, inside)
            if word == "while":
                csinks.loop(self, inside, token)

    def bound(self, tokens):
        """for (...; i < n; ...)"""
        if len(tokens) >= 3 and tokens[0].kind == "id" and \
                tokens[1].text in ("<", "<=", "!="):
            value = self.scope.number(tokens[2:])
            if value is not None:
                value += tokens[1].text == "<="
            v = self.scope.make(tokens[0].text)
            foreign = self.scope.taint(tokens[2:])
            self.loops[tokens[0].text] = value
            v.constant, v.taint = None, foreign
            v.checked = not foreign

    def statement(self, tokens):
        if tokens and tokens[-1].text == ";":
            tokens = tokens[:-1]
        if not tokens:
            return
        if tokens[0].text == "return":
            self.is_returned = True
            self.expression(tokens[1:])
            self.is_returned = False
            source = self.scope.taint(tokens[1:])
            if source and source != PARAMETER:
                self.unit.returning(self.f.name, source)
            return
        if tokens[0].text == "case" or (len(tokens) > 1 and
                                        tokens[1].text == ":" and
                                        tokens[0].kind == "id"):
            cut = next((i for i, t in enumerate(tokens) if t.text == ":"),
                       len(tokens))
            self.statement(tokens[cut + 1:])
            return
        at = self.declares(tokens)
        if at:
            self.declaration(tokens, at)
        else:
            self.expression(tokens)

    def declares(self, tokens):
        """Where the first declarator begins, 0 if this is no declaration."""
        i, words = 0, 0
        while i < len(tokens) and tokens[i].kind == "id":
            i += 1
            words += 1
        if words == 0 or i >= len(tokens):
            return (words - 1 if words > 1 else 0)
        if tokens[i].text == "*" and (
                tokens[0].text in TYPES or tokens[0].text in QUALIFIERS or
                (i + 1 < len(tokens) and words == 1 and
                 tokens[0].text not in self.scope.variables and
                 re.search(r"^\*+ *\w+ *(?:$|[=;,\[])", " ".join(
                     x.text for x in tokens[i:i + 4]).replace("* ", "*")))):
            return i
        if words > 1 and tokens[i].text in ("=", ",", "[", ";"):
            return i - 1
        return 0

    def declaration(self, tokens, at):
        words = [t.text for t in tokens[:at]]
        element = width_of(words)
        for part in split(tokens[at:]):
            stars = 0
            while part and part[0].text in ("*", "const", "restrict"):
                stars += part[0].text == "*"
                part = part[1:]
            if not part or part[0].kind != "id":
                continue
            v = self.scope.variables[part[0].text] = Variable()
            v.element = 8 if stars > 1 else element or 1
            v.is_integer = not stars and element > 0
            v.is_signed = v.is_integer and not UNSIGNED & set(words)
            rest = part[1:]
            if rest and rest[0].text == "[":
                close = self.close(rest, 0)
                count = self.scope.number(rest[1:close])
                v.is_array, v.is_integer = True, False
                if stars:
                    v.element = 8
                v.size = count * v.element if count is not None and element \
                    else None
                rest = rest[close + 1:]
            if rest and rest[0].text == "=":
                self.initialize(part[0], v, rest[1:], "static" in words)

    @staticmethod
    def close(tokens, at):
        depth = 0
        for i in range(at, len(tokens)):
            depth += (tokens[i].text == "[") - (tokens[i].text == "]")
            if depth == 0:
                return i
        return len(tokens) - 1

    def initialize(self, name, v, value, is_static=False):
        self.expression(value)
        if len(value) == 1:
            value = self.expand([value])[0]
        if v.is_array:
            v.taint = self.scope.taint(value)
            if len(value) == 1 and value[0].kind == "str":
                v.length = value[0].length
                if v.size is None:
                    v.size = (v.length + 1) * v.element
            elif value[0].text == "{" and len(value) == 3 and \
                    value[1].text in ("0", '""'):
                v.length = 0
        else:
            self.alias([name], value)
            self.set(name, v, value)
            if is_static:
                v.constant = None
        csinks.assigned(self, name, value)

    # ---- expressions ---------------------------------------------------

    def expression(self, tokens):
        """Calls from the inner ones on, then what is assigned."""
        calls = [i for i, t in enumerate(tokens) if t.kind == "id" and
                 i + 1 < len(tokens) and tokens[i + 1].text == "(" and
                 (i == 0 or tokens[i - 1].kind != "id" or
                  tokens[i - 1].text in ("return", "else", "sizeof"))]
        self.point(tokens)
        equals = next((i for i, t in enumerate(tokens)
                       if t.text in ASSIGNS and t.kind == "op"), None)
        csinks.before(self, tokens, equals)
        cnumbers.steps(self, tokens)
        cnumbers.divisions(self, tokens)
        for i in reversed(calls[:200]):
            end = skip_call(tokens, i + 1)
            arguments = split(tokens[i + 2:end - 1])
            self.call(tokens[i], arguments, tokens)
        if equals is not None:
            self.assign(tokens[:equals], tokens[equals],
                        tokens[equals + 1:])

    def point(self, tokens):
        """(*f)(...) calls what f is set to."""
        for i in range(len(tokens) - 4):
            if [t.text for t in tokens[i:i + 2]] == ["(", "*"] and \
                    tokens[i + 3].text == ")" and tokens[i + 4].text == "(" \
                    and tokens[i + 2].text in self.scope.aliases:
                end = skip_call(tokens, i + 4)
                self.call(tokens[i + 2], split(tokens[i + 5:end - 1]),
                          tokens)

    def alias(self, left, right):
        """pointer = function, also where the pointer is declared."""
        while right and right[0].text in ("&", "("):
            right = right[1:] if right[0].text == "&" else \
                right[skip_call(right, 0):]
        words = [t.text for t in left]
        name = None
        if "(" in words:
            at = words.index("(")
            name = words[at + 2] if words[at + 1:at + 2] == ["*"] and \
                words[at + 3:at + 4] == [")"] else None
        elif len(words) == 1:
            name = words[0]
        if name is None:
            return
        self.scope.aliases.pop(name, None)
        if len(right) == 1 and right[0].kind == "id" and \
                right[0].text != name and \
                self.scope.get(right[0].text) is None:
            self.scope.aliases[name] = self.scope.resolve(right[0].text)

    def assign(self, left, op, right):
        while left and left[0].text == "(" and left[-1].text != ")":
            left = left[1:]
        if not left:
            return
        csinks.stored(self, left, op, right)
        if op.text == "=":
            self.alias(left, right)
        if len(left) == 1 and left[0].kind == "id":
            v = self.scope.make(left[0].text)
            if op.text == "=":
                self.set(left[0], v, right)
                csinks.assigned(self, left[0], right)
            else:
                v.taint = v.taint or self.scope.taint(right)
                v.constant = None
                if op.text in ("-=", "+="):
                    v.offset = 0
            return
        base = next((t for t in left if t.kind == "id"), None)
        if base is None or left[-1].kind == "id" and "." in [
                t.text for t in left]:
            return
        v = self.scope.get(base.text)
        if v is None:
            return
        if left[-1].text == "]" and len(left) >= 4:
            self.store_element(v, left, right)
        elif left[0].text == "*":
            v.taint = self.scope.taint(right) or (
                v.taint if v.is_array else None)

    def store_element(self, v, left, right):
        index = self.scope.number(left[2:-1])
        if len(right) == 1 and right[0].text in ("0", "'\\0'", "L'\\0'") \
                and index is not None:
            v.length = index
            if index == 0:
                v.taint = None
        elif self.scope.taint(right):
            v.taint = self.scope.taint(right)

    def set(self, name, v, value):
        """name = value, where name is a pointer or a number."""
        while value and value[0].text == "(" and len(value) > 2:
            end = skip_call(value, 0)
            if end >= len(value) or value[end].text in ("*", "+", "-", "/"):
                break
            value = value[end:]  # a cast
        v.taint = self.scope.taint(value, numbers=False)
        v.checked = self.scope.taint(value) is None
        v.compared = v.bounded = False
        v.floor = v.nonzero = v.taint is None
        v.length = v.size = v.constant = None
        v.offset = 0
        if not value:
            return
        name_of = self.scope.resolve(value[0].text)
        if name_of in ALLOCATES or name_of == "calloc":
            self.allocate(v, value)
        elif name_of in FILLS and len(value) > 1:
            # How much came: no more than was asked for, or -1.
            v.checked, v.floor = v.taint is not None, False
        elif len(value) == 1 and value[0].kind == "str":
            v.length = value[0].length
            v.size = (v.length + 1) * v.element
            v.taint = None
        elif value[0].kind == "id":
            source = self.scope.get(value[0].text)
            if source is not None and not source.is_integer:
                if len(value) == 1:
                    v.size, v.length = source.size, source.length
                    v.offset = source.offset
                elif len(value) == 3 and value[1].text in ("-", "+"):
                    n = self.scope.number(value[2:])
                    if n is not None:
                        v.size = source.size
                        v.offset = source.offset + (
                            n if value[1].text == "+" else -n)
            if v.is_integer or source is None or source.is_integer:
                v.constant = self.scope.number(value)
        else:
            v.constant = self.scope.number(value)
        if len(self.loops) and name.text in self.loops:
            v.constant = None

    def allocate(self, v, value):
        name = self.scope.resolve(value[0].text)
        arguments = split(value[2:skip_call(value, 1) - 1])
        v.taint = None
        if name == "calloc" and len(arguments) == 2:
            a = self.scope.number(arguments[0])
            b = self.scope.number(arguments[1])
            v.size = a * b if a is not None and b is not None else None
            v.length = 0
        elif len(arguments) > ALLOCATES.get(name, 0):
            v.size = self.scope.number(arguments[ALLOCATES[name]])

    # ---- calls ---------------------------------------------------------

    def expand(self, arguments):
        out = []
        for a in arguments:
            if len(a) == 1 and a[0].kind == "id" and \
                    self.scope.get(a[0].text) is None and \
                    a[0].text in self.scope.macros:
                a = self.scope.macros[a[0].text]
            out.append(a)
        return out

    def target(self, argument):
        """The variable that an argument points into."""
        for t in argument:
            if t.kind == "id" and t.text not in TYPES and \
                    t.text not in QUALIFIERS:
                return self.scope.get(t.text)
        return None

    def call(self, token, arguments, statement):
        name = self.scope.resolve(token.text)
        arguments = self.expand(arguments)
        self.calls.append((name, token, arguments))
        csinks.call(self, name, token, arguments, statement)
        self.effects(name, arguments)
        if name in self.unit.names:
            for i, a in enumerate(arguments):
                v = self.scope.get(a[0].text) if len(a) == 1 else None
                self.unit.giving(name, i, self.scope.taint(a), v)

    def effects(self, name, arguments):
        def arg(i):
            return arguments[i] if i < len(arguments) else []

        def fill(i, source):
            v = self.target(arg(i))
            if v is not None:
                v.taint, v.checked, v.length = source, False, None

        if name in FILLS:
            fill(*FILLS[name])
        elif name in SCANS or name in SCANS_TEXT:
            first = SCANS.get(name) or SCANS_TEXT[name]
            source = "input" if name in SCANS else self.scope.taint(arg(0))
            for i in range(first, len(arguments)):
                v = self.target(arg(i))
                if v is not None:
                    v.taint, v.checked, v.constant = source, False, None
                    v.compared = v.bounded = False
                    v.floor = v.nonzero = False
        elif name in COPIES or name in APPENDS:
            to, sources = (COPIES.get(name) or APPENDS[name])
            self.copy(name, arg(to), arg(sources[0]), arguments)
        elif name in PRINTS:
            v = self.target(arg(PRINTS[name][0]))
            if v is not None:
                found = [self.scope.taint(a)
                         for a in arguments[PRINTS[name][1]:]]
                v.taint = next((x for x in found if x), None)
                v.checked, v.length = False, None
        elif name in ("memset", "wmemset"):
            v = self.target(arg(0))
            if v is not None and len(arguments) == 3:
                n = self.scope.number(arg(2))
                v.taint = None
                if arg(1) and arg(1)[0].text in ("0", "'\\0'"):
                    v.length = 0
                elif n is not None:
                    v.length = None
        elif name in PASSES:
            return

    def copy(self, name, to, source, arguments):
        v, s = self.target(to), self.target(source)
        if v is None:
            return
        found = self.scope.taint(source)
        if name in APPENDS:
            v.taint = found or v.taint
            more = length_of(self, source)
            v.length = v.length + more if v.length is not None and \
                more is not None else None
        else:
            v.taint = found
            v.length = length_of(self, source)
        if found:
            v.checked = bool(s is not None and s.checked)


def length_of(reader, tokens):
    """strlen of an argument where it is known."""
    if len(tokens) == 1 and tokens[0].kind == "str":
        return tokens[0].length
    if len(tokens) == 1 and tokens[0].kind == "id":
        v = reader.scope.get(tokens[0].text)
        return v.length if v is not None else None
    return None
