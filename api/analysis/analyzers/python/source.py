# SPDX-License-Identifier: Apache-2.0
"""Bytes to text to tree, or the reason why not.

This Python's grammar is 3.11's.  What 3.12 added to f-strings (the same quotes
inside, PEP 701) is common in new code, so a text that does not parse is tried
again with the outer quotes of such strings tripled: lines stay what they are.
"""
import ast
import re
import warnings

from report import NotAnalysed

BYTES_MAX = 4 << 20
NODES_MAX = 1_500_000
CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
# Of what Python 2 had and 3 has not.
PYTHON2 = re.compile(r"^\s*(print\s+[\"'\w]|exec\s+[\"'\w]|raise\s+\w+\s*,|"
                     r"except\s+[\w.]+\s*,\s*\w+\s*:)", re.M)


def decode(data):
    if len(data) > BYTES_MAX:
        raise NotAnalysed(f"it has {len(data)} bytes; at most {BYTES_MAX} "
                          "are analysed")
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise NotAnalysed(f"line {line} has a NUL byte")
    name = "utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "utf-8"
    for line in data.split(b"\n", 2)[:2]:
        if match := CODING.match(line):
            name = match[1].decode().lower().replace("_", "-")
            break
    if name not in ("utf-8", "utf8", "utf-8-sig", "ascii", "us-ascii",
                    "latin-1", "iso-8859-1", "iso-8859-15", "cp1252",
                    "windows-1252", "latin1"):
        raise NotAnalysed("its encoding is not one that is read: "
                          f"{name[:40]}")
    try:
        text = data.decode(name)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NotAnalysed(f"line {line} is not {name}") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def parse(data):
    text = decode(data)
    try:
        return text, build(text)
    except SyntaxError as error:
        first = error
    newer = nest_quotes(text)
    if newer != text:
        try:
            return text, build(newer)
        except SyntaxError:
            pass
    line = first.lineno or 1
    why = f"line {line}: {first.msg}"
    if PYTHON2.search(text):
        why += " (it looks like Python 2)"
    raise NotAnalysed(why)


def build(text):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # As a str it has no encoding of its own any more.
            return ast.parse(text.encode("utf-8", "surrogatepass")
                             .decode("utf-8", "replace"))
    except (RecursionError, MemoryError):
        raise NotAnalysed("it is nested too deeply for the parser") from None
    except (ValueError, OverflowError) as error:
        raise NotAnalysed(f"the parser refuses it: {error}") from None


def nodes_of(tree):
    """All nodes, parents first."""
    nodes = [tree]
    for node in nodes:
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                nodes += [v for v in value if isinstance(v, ast.AST)]
            elif isinstance(value, ast.AST) and \
                    not isinstance(value, ast.expr_context):
                nodes.append(value)
        if len(nodes) > NODES_MAX:
            raise NotAnalysed("it is too long: stopped at line "
                              f"{getattr(node, 'lineno', 1)}")
    return nodes


def is_test(nodes):
    """Whether it holds tests: it imports what runs them."""
    for node in nodes:
        names = [a.name for a in node.names] if isinstance(node, ast.Import) \
            else [node.module or ""] if isinstance(node, ast.ImportFrom) \
            else ()
        if any(n.split(".")[0] in ("pytest", "unittest") for n in names):
            return True
    return False


TOKEN = re.compile(r"#[^\n]*|('''|\"\"\"|'|\")")
PREFIX = re.compile(r"(?<![A-Za-z0-9_])[rRbBuUfF]{1,2}$")


def nest_quotes(text):
    """The same with quotes tripled around f-strings that have the same
    quote in a replacement field."""
    out, done, at = [], 0, 0
    while match := TOKEN.search(text, at):
        at = match.end()
        quote = match[1]
        if quote is None:
            continue
        before = PREFIX.search(text[max(0, match.start() - 3):match.start()])
        if before is None or "f" not in before[0].lower():
            at = plain_end(text, at, quote)
            continue
        end, is_nested = formatted_end(text, at, quote)
        if is_nested and len(quote) == 1:
            other = quote * 3
            body = text[at:end - 1]
            out += [text[done:match.start(1)], other, body, other]
            done = end
        at = end
    return "".join(out) + text[done:]


def plain_end(text, at, quote):
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text.startswith(quote, at):
            return at + len(quote)
        elif text[at] == "\n" and len(quote) == 1:
            return at
        else:
            at += 1
    return at


def formatted_end(text, at, quote):
    """(end, whether the same quote is in a replacement field)"""
    depth, is_nested = 0, False
    while at < len(text):
        char = text[at]
        if depth == 0:
            if char == "\\":
                at += 2
                continue
            if text.startswith(quote, at):
                return at + len(quote), is_nested
            if char == "{" and text.startswith("{{", at):
                at += 2
                continue
            if char == "\n" and len(quote) == 1:
                return at, False
        elif char in "'\"":
            is_nested |= char == quote
            at = plain_end(text, at + 1, char)
            continue
        if char in "{[(" and (depth or char == "{"):
            depth += 1
        elif char in "}])" and depth:
            depth -= 1
        at += 1
    return at, False
