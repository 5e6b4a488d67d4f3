# SPDX-License-Identifier: Apache-2.0
"""C source to tokens and functions, without a preprocessor.

Simple object-like macros are kept as their tokens; nothing is expanded
recursively, no file is included.  Both branches of an #if are read, so braces
may not match: a function whose body never ends is cut at the next one.
"""
import re

from answer import Unreadable

TOKENS_MAX = 400000
TOKEN = re.compile(r"""
    (?P<space>[ \t\f\v\r]+|\\\r?\n|/\*.*?\*/|//(?:\\\r?\n|[^\n])*)
  | (?P<line>\n)
  | (?P<str>(?:L|u8|u|U)?"(?:[^"\\\n]|\\.)*")
  | (?P<chr>(?:L|u|U)?'(?:[^'\\\n]|\\.)*')
  | (?P<num>\.?[0-9](?:[eEpP][+-]|[\w.])*)
  | (?P<id>[A-Za-z_$][\w$]*)
  | (?P<op>->|\+\+|--|<<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|\.\.\.|.)
""", re.X | re.S)
KEYWORDS = {"if", "while", "for", "switch", "return", "sizeof", "else", "do",
            "case", "goto", "default", "break", "continue", "_Alignof",
            "typeof", "__typeof__", "__attribute__", "defined"}
TYPES = {"char": 1, "bool": 1, "_Bool": 1, "short": 2, "int": 4, "long": 8,
         "float": 4, "double": 8, "unsigned": 4, "signed": 4, "size_t": 8,
         "ssize_t": 8, "wchar_t": 4, "int8_t": 1, "uint8_t": 1, "int16_t": 2,
         "uint16_t": 2, "int32_t": 4, "uint32_t": 4, "int64_t": 8,
         "uint64_t": 8, "u_char": 1, "void": 1, "off_t": 8, "time_t": 8}
UNSIGNED = {"unsigned", "size_t", "uint8_t", "uint16_t", "uint32_t",
            "uint64_t", "u_char", "bool", "_Bool", "uintptr_t"}
ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]+|[0-7]{1,3}|.)", re.S)


class Token:
    __slots__ = ("kind", "text", "line", "column")

    def __init__(self, kind, text, line, column):
        self.kind, self.text = kind, text
        self.line, self.column = line, column

    def __repr__(self):
        return self.text

    @property
    def value(self):
        """A string's text."""
        return self.text[self.text.index('"') + 1:-1]

    @property
    def length(self):
        return len(ESCAPE.sub("x", self.value).encode())


class Function:
    def __init__(self, name, parameters, body, line, types=()):
        self.name, self.parameters = name, parameters
        self.body, self.line = body, line
        self.types = types  # for each parameter the words before its name
        self.is_variadic = False


def tokenize(text, directives):
    """The tokens, and the macros that stand for a few tokens.

    directives: takes the tokens of each line that begins with #.
    """
    out, macros, line, start = [], {}, 1, 0
    directive, fresh, holds = None, True, []
    for m in TOKEN.finditer(text):
        kind, s = m.lastgroup, m.group(0)
        if kind == "line":
            if directive is not None:
                define(directive, macros)
                follow(directive, holds)
                directives.append(directive)
                directive = None
            fresh = True
        elif kind != "space":
            token = Token(kind, s, line, m.start() - start + 1)
            if fresh and s == "#":
                directive = []
            elif directive is not None:
                directive.append(token)
            else:
                out.append(token)
                if len(out) > TOKENS_MAX:
                    raise Unreadable(line, "more than %d tokens" % TOKENS_MAX)
            fresh = False
        n = s.count("\n")
        if n:
            line += n
            start = m.start() + s.rindex("\n") + 1
    if directive is not None:
        follow(directive, holds)
        directives.append(directive)
    return out, macros


def follow(directive, holds):
    """An #error that nothing turns off ends every other tool's look, too.

    holds: for each #if around whether it holds whatever is defined; None if
    that depends.
    """
    word = directive[0].text if directive else ""
    if word in ("if", "ifdef", "ifndef"):
        value = directive[1] if word == "if" and len(directive) == 2 else None
        holds.append(value.text.strip("0uUlLxX") != ""
                     if value is not None and value.kind == "num" else None)
    elif word in ("else", "elif") and holds:
        holds[-1] = True if word == "else" and holds[-1] is False else None
    elif word == "endif" and holds:
        holds.pop()
    elif word == "error" and all(holds):
        raise Unreadable(directive[0].line,
                         "#error: it is not meant to be compiled")


def define(tokens, macros):
    if len(tokens) >= 3 and tokens[0].text == "define" and \
            tokens[1].kind == "id":
        name, first = tokens[1], tokens[2]
        touching = first.line == name.line and \
            first.column == name.column + len(name.text)
        if first.text == "(" and touching:
            return
        if len(tokens) <= 8:
            macros[name.text] = tokens[2:]


def brackets(tokens):
    """For each opening bracket the place of its closing one."""
    pairs, stack = {}, []
    close = {")": "(", "]": "[", "}": "{"}
    for i, t in enumerate(tokens):
        if t.kind != "op":
            continue
        if t.text in ("(", "[", "{"):
            stack.append(i)
        elif t.text in close:
            for back in range(len(stack) - 1, max(-1, len(stack) - 4), -1):
                if tokens[stack[back]].text == close[t.text]:
                    pairs[stack[back]] = i
                    del stack[back:]
                    break
    return pairs


def split(tokens, separator=","):
    """At the commas outside of brackets."""
    parts, depth, current = [], 0, []
    for t in tokens:
        if t.kind == "op" and t.text in "([{":
            depth += 1
        elif t.kind == "op" and t.text in ")]}":
            depth -= 1
        if t.text == separator and depth == 0 and t.kind == "op":
            parts.append(current)
            current = []
        else:
            current.append(t)
    if current or parts:
        parts.append(current)
    return parts


def functions(tokens, pairs):
    """The functions, and the ranges of tokens outside of all of them."""
    found, i, outside, begin = [], 0, [], 0
    while i < len(tokens):
        t = tokens[i]
        if t.text == "{" and t.kind == "op":
            end = pairs.get(i, len(tokens) - 1)
            head = parameters_before(tokens, i)
            if head is not None:
                name, parameters = head
                f = Function(name.text, parameters_of(parameters),
                             tokens[i + 1:end], name.line,
                             types_of(parameters))
                f.is_variadic = any(p.text == "..." for p in parameters)
                found.append(f)
                outside.extend(tokens[begin:i])
                begin = end
                i = end
            elif i > 1 and (tokens[i - 1].text in ("C",) or
                            tokens[i - 1].kind == "str"):
                pass  # extern "C" {
            else:
                i = end
        i += 1
    outside.extend(tokens[begin:])
    return found, outside


def parameters_before(tokens, at):
    """(name, parameter tokens) if `name(...)` stands before a brace."""
    i = at - 1
    while i > 0 and tokens[i].kind == "id" and tokens[i].text not in \
            KEYWORDS:
        i -= 1  # an attribute macro behind the list
    if i < 1 or tokens[i].text != ")":
        return None
    depth, j = 0, i
    while j >= 0:
        if tokens[j].text == ")":
            depth += 1
        elif tokens[j].text == "(":
            depth -= 1
            if depth == 0:
                break
        j -= 1
    if j < 1 or tokens[j - 1].kind != "id" or tokens[j - 1].text in KEYWORDS:
        return None
    return tokens[j - 1], tokens[j + 1:i]


def parameters_of(tokens):
    names = []
    for part in split(tokens):
        ids = [t.text for t in part if t.kind == "id"]
        if len(ids) >= 2 or (ids and any(t.text == "*" for t in part)):
            names.append(ids[-1])
        elif ids and ids != ["void"]:
            names.append("")
    return names


def types_of(tokens):
    """As parameters_of: the words of each one's type."""
    return [[t.text for t in part if t.text != "const"] for part in
            split(tokens) if [t.text for t in part] != ["void"] and
            any(t.kind == "id" for t in part)]


def width_of(words):
    """The bytes of a type of these words, 0 if that is not known."""
    if "long" in words:
        return 8
    if "short" in words:
        return 2
    return next((TYPES[w] for w in reversed(words) if w in TYPES), 0)
