# SPDX-License-Identifier: Apache-2.0
"""Calls, assignments and comparisons that are weak whatever their values come
from.  Each module of MODULES has three tables:

  PLAIN    (rule, dotted paths, message, severity, confidence) of calls that
           need no look at their arguments; the last two may be left out
  CALLS    a dotted path to a function(flow, node, path, args, keywords)
  METHODS  a method's name to one that takes the object before it, too
"""
import ast

import checks_crypto
import checks_data
import checks_files
import checks_network
import checks_web
from checks_crypto import random_for_secret

MODULES = (checks_crypto, checks_network, checks_files, checks_data,
           checks_web)
CALLS = {path: check for m in MODULES for path, check in m.CALLS.items()}
METHODS = {name: check for m in MODULES for name, check in m.METHODS.items()}


def plain_rows():
    """A path to (rule, message, severity or None, confidence)."""
    rows = {}
    for module in MODULES:
        for rule, paths, message, *more in module.PLAIN:
            severity, confidence = (more + [None, "high"][len(more):])[:2]
            for path in paths.split():
                rows[path] = (rule, message, severity, confidence)
    return rows


PLAIN = plain_rows()


def call(flow, node, path, base, args, keywords):
    name = node.func.attr if isinstance(node.func, ast.Attribute) else path
    if path.startswith("hashlib.sha"):
        checks_crypto.quick_password_hash(flow, node, path)
    plain(flow, node, path)
    check = CALLS.get(path)
    if check is not None:
        check(flow, node, path, args, keywords)
    method = METHODS.get(name)
    if method is not None:
        method(flow, node, path, base, args, keywords)
    checks_network.client(flow, node, path, keywords)
    checks_network.blocking(flow, node, path)
    for key, value in keywords.items():
        random_for_secret(flow, node, key, value)


def plain(flow, node, path):
    row = PLAIN.get(path)
    if row is not None:
        rule, message, severity, confidence = row
        flow.report.add(rule, node, message, severity, confidence)


def decorators(flow, function):
    for node in function.decorator_list:
        plain(flow, node, flow.eval(node).type)


def assignment(flow, target, value, node):
    name = target_name(target)
    if isinstance(target, ast.Attribute):
        checks_network.context_off(flow, target, value, node)
    checks_web.debug_setting(flow, target, name, value, node)
    path = flow.path_of(target.value) if isinstance(
        target, ast.Subscript) else None
    random_for_secret(flow, node, name or "", value)
    if path:
        random_for_secret(flow, node, path.rsplit(".", 1)[-1], value)
        key = flow.state.get(target.slice.id) if isinstance(
            target.slice, ast.Name) else None
        words = [getattr(target.slice, "id", "")]
        if key is not None and key.is_const:
            words.append(str(key.const))
        for word in words:
            random_for_secret(flow, node, word, value)


def target_name(target):
    if isinstance(target, ast.Name):
        return target.id
    if isinstance(target, ast.Attribute):
        return target.attr
    if isinstance(target, ast.Subscript) and \
            isinstance(target.slice, ast.Constant) and \
            isinstance(target.slice.value, str):
        return target.slice.value
    return ""


def returned(flow, node, value):
    function = flow.frame.function
    if function is not None:
        random_for_secret(flow, node, function.node.name, value)