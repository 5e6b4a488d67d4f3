# SPDX-License-Identifier: Apache-2.0
"""What a condition says about data: `if name not in ALLOWED: return` makes the
source that `name` comes from harmless below.  Noted in the state by source,
as ("harmless", source) -> bits.
"""
import ast
import re

from values import ALL, held
from models import bits

VALIDATOR = re.compile(r"(^|_)(is_?)?(valid|validate|safe|allow|allowed|"
                       r"permitted|whitelist(ed)?|allowlist(ed)?|sanitary|"
                       r"trusted|ensure|verify_(url|path|host|name))", re.I)
NOT_VALIDATOR = re.compile(r"user|pass|auth|login|token|credential|perm", re.I)
LIST_NAME = re.compile(r"allow|valid|permit|safe|white|choice|support|known|"
                       r"accept|option|column|field|table|trusted", re.I)
CHARACTER_CHECKS = set("isdigit isalnum isalpha isidentifier isnumeric "
                       "isdecimal".split())
PARTS = {"..": bits("path zip"), "../": bits("path zip"),
         "/": bits("path zip"), "\\": bits("path"),
         "'": bits("sql xpath code"), '"': bits("sql xpath code"),
         "\n": bits("log header"), "\r": bits("log header"),
         "<": bits("xss"), ";": 0, "//": bits("redirect")}


def note(state, value, harmless):
    """All data that the value holds can no longer do these."""
    for source in held(value):
        key = ("harmless", source)
        state.vars[key] = (state.get(key) or 0) | harmless


def assume(flow, test, is_true, state):
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        assume(flow, test.operand, not is_true, state)
    elif isinstance(test, ast.BoolOp):
        # All parts hold after a true `and`, none after a false `or`.
        if isinstance(test.op, ast.And) == is_true:
            for part in test.values:
                assume(flow, part, is_true, state)
    elif isinstance(test, ast.Compare):
        assume_compare(flow, test, is_true, state)
    elif isinstance(test, ast.Call):
        if is_true:
            assume_call(flow, test, state)
    elif isinstance(test, ast.NamedExpr):
        assume(flow, test.value, is_true, state)
    elif isinstance(test, ast.Name):
        # `if not match: return`, match being of re.fullmatch(...)
        value = flow.state.get(test.id)
        if is_true and value is not None and \
                value.type in ("re.fullmatch", "re.match", "re.compile.match",
                               "re.compile.fullmatch") and value.text:
            note(state, value, ALL)


def assume_compare(flow, test, is_true, state):
    if len(test.ops) != 1:
        return
    left, op, right = test.left, test.ops[0], test.comparators[0]
    if isinstance(op, (ast.NotIn, ast.NotEq, ast.IsNot)):
        is_true = not is_true
        op = ast.In() if isinstance(op, ast.NotIn) else ast.Eq()
    if isinstance(op, ast.In):
        if is_true and is_list_of_allowed(flow, right):
            note(state, quietly(flow, left), ALL)
        elif not is_true and isinstance(left, ast.Constant) and \
                isinstance(left.value, str):
            note(state, quietly(flow, right), PARTS.get(left.value, 0))
    elif isinstance(op, ast.Eq) and is_true:
        sides = [quietly(flow, left), quietly(flow, right)]
        for value, other in (sides, sides[::-1]):
            if other.is_const and other.const is not None:
                note(state, value, ALL)
            elif "commonp" in value.type or "realpath" in value.type:
                note(state, value, bits("path zip"))
    elif isinstance(op, (ast.Lt, ast.LtE)) and is_true:
        note(state, quietly(flow, left), bits("dos"))


def quietly(flow, node):
    flow.report.quiet += 1
    try:
        return flow.eval(node)
    finally:
        flow.report.quiet -= 1


def is_list_of_allowed(flow, node):
    if isinstance(node, (ast.List, ast.Tuple, ast.Set, ast.Dict)):
        return all(isinstance(e, (ast.Constant, ast.Name, ast.Attribute))
                   for e in (node.keys if isinstance(node, ast.Dict)
                             else node.elts))
    path = flow.path_of(node) or ""
    if isinstance(node, ast.Call):
        path = flow.path_of(node.func) or ""
    value = quietly(flow, node)
    if held(value):
        return False
    last = path.rsplit(".", 1)[-1]
    return value.items is not None or bool(
        last and (last.isupper() or LIST_NAME.search(path)))


def assume_call(flow, test, state):
    func, args = test.func, test.args
    name = func.attr if isinstance(func, ast.Attribute) else \
        getattr(func, "id", "")
    if isinstance(func, ast.Attribute) and name in CHARACTER_CHECKS:
        note(state, quietly(flow, func.value), ALL)
    elif isinstance(func, ast.Attribute) and name == "startswith" and args:
        value = quietly(flow, func.value)
        known = quietly(flow, args[0])
        if "realpath" in value.type or "abspath" in value.type or \
                "resolve" in value.type:
            note(state, value, bits("path zip"))
        elif known.is_const and isinstance(known.const, str):
            if re.match(r"https?://[^/]+/", known.const):
                note(state, value, bits("ssrf redirect"))
            elif known.const == "/":
                note(state, value, bits("redirect"))
            elif known.const in "'\"":
                note(state, value, bits("code"))
    elif name in ("is_relative_to", "relative_to") and \
            isinstance(func, ast.Attribute):
        note(state, quietly(flow, func.value), bits("path zip"))
    elif name in ("match", "fullmatch") and args:
        assume_match(flow, test, state)
    elif VALIDATOR.search(name) and not NOT_VALIDATOR.search(name):
        for arg in args:
            note(state, quietly(flow, arg), ALL)


def assume_match(flow, test, state):
    value = quietly(flow, test)
    if value.text:  # calls.py keeps the pattern of a whole match there
        note(state, value, ALL)


def statement(flow, node):
    """validate_url(url) alone on its line raises if it is not."""
    if not isinstance(node, ast.Call):
        return
    func = node.func
    name = func.attr if isinstance(func, ast.Attribute) else \
        getattr(func, "id", "")
    if name == "relative_to" and isinstance(func, ast.Attribute):
        note(flow.state, quietly(flow, func.value), bits("path zip"))
    elif VALIDATOR.search(name) and not NOT_VALIDATOR.search(name) or \
            name.startswith("check_") and not NOT_VALIDATOR.search(name):
        for arg in node.args:
            note(flow.state, quietly(flow, arg), ALL)


def is_whole_pattern(pattern, how):
    """A pattern that lets only chosen characters through."""
    if how == "match" and not pattern.endswith(("$", r"\Z")):
        return False
    return not re.search(r"(?<!\\)\.[*+{]|\[\^|\\S[*+]|\\D[*+]|\\W", pattern)
