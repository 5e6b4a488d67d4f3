# SPDX-License-Identifier: Apache-2.0
"""Performance, architecture, style: what the shape of the code says.

One walk with a stack of our own; for each function its size, branches and
depth, for each loop what is done in it again and again.
"""
import ast
import re

BRANCHES = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler,
            ast.IfExp, ast.comprehension, ast.Assert, ast.match_case)
LOOPS = (ast.For, ast.AsyncFor, ast.While)
NESTING = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.With,
           ast.AsyncWith, ast.Match)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
LINES_MAX, BRANCHES_MAX, PARAMETERS_MAX, DEPTH_MAX = 80, 15, 8, 5
METHODS_MAX = 30
BUILTINS = frozenset("list dict set str int float bool tuple bytes object "
                     "type id sum min max map filter zip range len open "
                     "input print iter next all any sorted".split())
CHECK_WORDS = re.compile(r"admin|authenticat|authoriz|authoris|permission|"
                         r"role|owner|logged_in|login|password|token|allowed|"
                         r"superuser|staff|csrf|signature|is_valid", re.I)
SENSITIVE = re.compile(r"(^|_|\.)(passw(or)?d|passwd|secret|api_?key|"
                       r"private_?key|ssn|credit_?card|cvv)$", re.I)


def look(tree, is_test, report):
    # node, loop around it in the same function, function, nesting
    stack = [(tree, None, None, 0)]
    while stack:
        node, loop, function, depth = stack.pop()
        look_at(node, loop, function, report, is_test)
        if isinstance(node, FUNCTIONS + (ast.Lambda,)):
            function, loop, depth = node, None, 0
            if not isinstance(node, ast.Lambda):
                measure(node, report)
        elif isinstance(node, ast.ClassDef):
            loop, depth = None, 0
            large_class(node, report)
        elif isinstance(node, NESTING):
            depth += 1
            if depth == DEPTH_MAX + 1 and function is not None:
                report.add("deep-nesting", node, f"{depth} levels deep in "
                           f"'{function_name(function)}'.", line_end=node.lineno)
        for name in ("body", "orelse", "finalbody", "handlers"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                unreachable(block, report)
        inner = node if isinstance(node, LOOPS) else loop
        for field, value in ast.iter_fields(node):
            around = inner
            level = depth
            if isinstance(node, LOOPS) and field in ("iter", "orelse",
                                                     "target"):
                around = loop
            # elif is no deeper than its if
            if field == "orelse" and isinstance(node, ast.If) and \
                    len(value) == 1 and isinstance(value[0], ast.If):
                level -= 1
            if isinstance(value, ast.AST):
                stack.append((value, around, function, level))
            elif isinstance(value, list):
                stack += [(v, around, function, level) for v in value
                          if isinstance(v, ast.AST)]


def function_name(node):
    return getattr(node, "name", "lambda")[:60]


def look_at(node, loop, function, report, is_test):
    handler = HANDLERS.get(type(node))
    if handler is not None:
        handler(node, function, report, is_test)
    if loop is not None:
        in_loop = IN_LOOPS.get(type(node))
        if in_loop is not None:
            in_loop(node, loop, function, report)


# ---- functions and classes ---------------------------------------------

def measure(node, report):
    name = node.name[:60]
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if lines > LINES_MAX:
        report.add("long-function", node, f"'{name}' has {lines} lines.",
                   line_end=node.lineno)
    branches = 1 + own_branches(node)
    if branches > BRANCHES_MAX:
        report.add("complex-function", node, f"'{name}' has {branches} ways "
                   "through it.", line_end=node.lineno)
    args = node.args
    count = len(args.posonlyargs + args.args + args.kwonlyargs)
    first = (args.posonlyargs + args.args)[:1]
    if first and first[0].arg in ("self", "cls"):
        count -= 1
    if count > PARAMETERS_MAX and node.name != "__init__":
        report.add("many-parameters", node, f"'{name}' takes {count} "
                   "parameters.", line_end=node.lineno)
    for default in args.defaults + args.kw_defaults:
        if isinstance(default, (ast.List, ast.Dict, ast.Set)) or (
                isinstance(default, ast.Call) and
                isinstance(default.func, ast.Name) and
                default.func.id in ("list", "dict", "set")
                and not default.args):
            report.add("mutable-default", default, "One object for all calls "
                       f"of '{name}': what one puts in, the next finds.")
    for arg in args.posonlyargs + args.args + args.kwonlyargs:
        if arg.arg in BUILTINS and arg.arg not in ("id", "type", "input"):
            report.add("shadowed-builtin", arg, f"'{arg.arg}' hides the "
                       "builtin of that name.")


def own_branches(node):
    count, stack = 0, list(node.body)
    while stack:
        inner = stack.pop()
        if isinstance(inner, FUNCTIONS + (ast.ClassDef, ast.Lambda)):
            continue
        if isinstance(inner, BRANCHES):
            count += 1
        elif isinstance(inner, ast.BoolOp):
            count += len(inner.values) - 1
        stack += ast.iter_child_nodes(inner)
    return count


def large_class(node, report):
    methods = sum(isinstance(n, FUNCTIONS) for n in node.body)
    if methods > METHODS_MAX:
        report.add("large-class", node, f"'{node.name[:60]}' has {methods} "
                   "methods.", line_end=node.lineno)


def unreachable(block, report):
    for index, node in enumerate(block[:-1]):
        if isinstance(node, (ast.Return, ast.Raise, ast.Break, ast.Continue)):
            after = block[index + 1]
            if is_yield(after):
                return
            report.add("unreachable-code", after, "Nothing comes here: line "
                       f"{node.lineno} always leaves.")
            return


def is_yield(node):
    return isinstance(node, ast.Expr) and isinstance(
        node.value, (ast.Yield, ast.YieldFrom))


# ---- single nodes ------------------------------------------------------

def handler(node, function, report, is_test):
    del function
    if node.type is None and not any(isinstance(n, ast.Raise)
                                     for n in ast.walk(node)):
        report.add("bare-except", node, "It also catches a stop from the "
                   "keyboard, the program's own end and every mistake.",
                   line_end=node.lineno)
    names = [node.type] if not isinstance(node.type, ast.Tuple) else \
        node.type.elts
    is_broad = node.type is None or any(
        isinstance(n, ast.Name) and n.id in ("Exception", "BaseException")
        for n in names)
    if is_broad and len(node.body) == 1 and isinstance(
            node.body[0], (ast.Pass, ast.Continue)) and not is_test:
        report.add("ignored-error", node, "Whatever goes wrong here, nobody "
                   "learns of it.", confidence="high")


def assertion(node, function, report, is_test):
    if is_test or function_name(function or node).startswith("test"):
        return
    names = [getattr(n, "id", "") or getattr(n, "attr", "")
             for n in ast.walk(node.test)
             if isinstance(n, (ast.Name, ast.Attribute))]
    if any(CHECK_WORDS.search(n) for n in names):
        report.add("assert-as-check", node, "python -O leaves asserts out, and "
                   "with them this check.")


def star_import(node, function, report, is_test):
    del function, is_test
    if any(alias.name == "*" for alias in node.names) and not node.level:
        report.add("wildcard-import", node, "Which names come in, only "
                   f"'{(node.module or '')[:60]}' knows.")


def global_state(node, function, report, is_test):
    del is_test
    if function is not None:
        report.add("global-state", node, f"'{function_name(function)}' "
                   "changes what belongs to the module: "
                   + ", ".join(node.names)[:80] + ".")


def assigned(node, function, report, is_test):
    del is_test
    if function is None:
        return
    for target in node.targets:
        if isinstance(target, ast.Name) and target.id in BUILTINS:
            report.add("shadowed-builtin", target, f"'{target.id}' hides the "
                       "builtin of that name.")


def subscript(node, function, report, is_test):
    """sorted(x)[0]"""
    del function, is_test
    value = node.value
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and \
            value.func.id == "sorted" and (
                isinstance(node.slice, ast.Constant) and node.slice.value == 0
                or isinstance(node.slice, ast.UnaryOp) and
                isinstance(node.slice.operand, ast.Constant) and
                node.slice.operand.value == 1):
        report.add("sort-for-extreme", node, "All is put in order to take one "
                   "of it.")


def comparison(node, function, report, is_test):
    del function, is_test
    for op, right in zip(node.ops, node.comparators):
        if isinstance(op, (ast.Eq, ast.NotEq)) and \
                isinstance(right, ast.Constant) and right.value is None:
            report.add("none-comparison", node, "== asks the object what it "
                       "is equal to; `is` asks whether it is None.")
        if isinstance(op, (ast.Is, ast.IsNot)) and \
                isinstance(right, ast.Constant) and \
                isinstance(right.value, (str, int, bytes)) and \
                not isinstance(right.value, bool):
            report.add("identity-comparison", node, "Equal texts and numbers "
                       "need not be the same object.")


def called(node, function, report, is_test):
    del function, is_test
    func = node.func
    if isinstance(func, ast.Name) and func.id in ("any", "all", "sum", "max",
                                                  "min") and \
            len(node.args) == 1 and isinstance(node.args[0], ast.ListComp):
        report.add("list-for-nothing", node, f"A whole list is made for "
                   f"{func.id}() to look at once.")
    name = func.attr if isinstance(func, ast.Attribute) else \
        getattr(func, "id", "")
    if name in ("print", "info", "debug", "warning", "error", "log"):
        for arg in node.args:
            if tells_secret(arg):
                report.add("secret-in-log", node, f"{name}() is given a "
                           "password or key: whoever reads the log has it.",
                           confidence="medium")
                return


def tells_secret(node):
    parts = [v.value for v in node.values if isinstance(
        v, ast.FormattedValue)] if isinstance(node, ast.JoinedStr) else \
        [node.left, node.right] if isinstance(node, ast.BinOp) else [node]
    for part in parts:
        word = part.attr if isinstance(part, ast.Attribute) else \
            getattr(part, "id", "")
        if isinstance(word, str) and SENSITIVE.search(word):
            return True
    return False


def list_keys(node, function, report, is_test):
    """for key in list(x.keys()) / x.keys()"""
    del function, is_test
    call = node.iter
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) \
            and call.func.attr == "keys" and not call.args:
        report.add("needless-keys", call, "A dictionary is walked by its keys "
                   "anyway.")
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and \
            call.func.id == "range" and len(call.args) == 1 and \
            isinstance(call.args[0], ast.Call) and \
            isinstance(call.args[0].func, ast.Name) and \
            call.args[0].func.id == "len" and \
            isinstance(node.target, ast.Name) and only_index(node, call):
        report.add("index-loop", node, "Counting through what can be walked "
                   "itself.", line_end=node.lineno)


def only_index(node, call):
    """Whether the counter only ever picks the item."""
    args = call.args[0].args
    walked = ast.dump(args[0]) if args else ""
    uses = picks = 0
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and inner.id == node.target.id and \
                isinstance(inner.ctx, ast.Load):
            uses += 1
        if isinstance(inner, ast.Subscript) and isinstance(
                inner.ctx, ast.Load) and isinstance(inner.slice, ast.Name) \
                and inner.slice.id == node.target.id and \
                ast.dump(inner.value) == walked:
            picks += 1
    return 0 < uses == picks


# ---- what is done in a loop --------------------------------------------

def text_grows(node, loop, function, report):
    """text += part, where text began as one"""
    if not isinstance(node.op, ast.Add) or \
            not isinstance(node.target, ast.Name):
        return
    value = node.value
    is_text = isinstance(value, ast.JoinedStr) or (
        isinstance(value, ast.Constant) and isinstance(value.value, str))
    is_text = is_text or isinstance(value, ast.BinOp) and any(
        isinstance(side, ast.JoinedStr) or isinstance(side, ast.Constant)
        and isinstance(side.value, str)
        for side in (value.left, value.right))
    if not is_text and not began(node.target.id, function, loop, ast.Constant,
                                 str):
        return
    report.add("string-concat-in-loop", node, f"'{node.target.id}' is copied "
               "whole each time round.")


def began(name, function, loop, kind, of=None):
    """Whether the function sets it to such a literal before the loop."""
    for node in function.body if isinstance(function, FUNCTIONS) else ():
        if node.lineno >= loop.lineno:
            break
        if isinstance(node, ast.Assign) and isinstance(node.value, kind) and \
                any(isinstance(t, ast.Name) and t.id == name
                    for t in node.targets):
            return of is None or isinstance(node.value.value, of)
    return False


def membership(node, loop, function, report):
    """x in growing_list"""
    for op, right in zip(node.ops, node.comparators):
        if isinstance(op, (ast.In, ast.NotIn)) and \
                isinstance(right, ast.Name) and \
                began(right.id, function, loop, ast.List) and \
                any(isinstance(n, ast.Call) and isinstance(
                    n.func, ast.Attribute) and n.func.attr == "append" and
                    isinstance(n.func.value, ast.Name) and
                    n.func.value.id == right.id for n in ast.walk(loop)):
            report.add("list-membership-in-loop", node, f"'{right.id}' is "
                       "searched from its start each time round.")


def call_in_loop(node, loop, function, report):
    func = node.func
    if not isinstance(func, ast.Attribute):
        return
    if func.attr == "compile" and isinstance(func.value, ast.Name) and \
            func.value.id == "re" and node.args and \
            isinstance(node.args[0], ast.Constant):
        report.add("regex-compile-in-loop", node, "The same pattern is "
                   "prepared each time round.")
    elif func.attr == "execute" and node.args and is_select(node.args[0]) \
            and isinstance(loop, (ast.For, ast.AsyncFor)):
        report.add("query-in-loop", node, "One query for each item: a "
                   "thousand items, a thousand journeys to the database.")
    elif func.attr in ("get", "filter", "first") and isinstance(
            func.value, ast.Attribute) and func.value.attr in (
                "objects", "query") and isinstance(
                    loop, (ast.For, ast.AsyncFor)):
        report.add("query-in-loop", node, "One query for each item: a "
                   "thousand items, a thousand journeys to the database.")
    elif func.attr == "insert" and len(node.args) == 2 and \
            isinstance(node.args[0], ast.Constant) and \
            node.args[0].value == 0:
        report.add("insert-at-front", node, "Everything behind it moves each "
                   "time round.")
    elif func.attr == "pop" and len(node.args) == 1 and \
            isinstance(node.args[0], ast.Constant) and \
            node.args[0].value == 0 and isinstance(loop, ast.While):
        report.add("insert-at-front", node, "Everything behind it moves each "
                   "time round.")


def is_select(node):
    if isinstance(node, ast.Constant):
        text = node.value
    elif isinstance(node, ast.JoinedStr) and node.values and \
            isinstance(node.values[0], ast.Constant):
        text = node.values[0].value
    elif isinstance(node, ast.BinOp) and isinstance(node.left, ast.Constant):
        text = node.left.value
    else:
        return False
    return isinstance(text, str) and \
        text.lstrip()[:6].lower() == "select"


HANDLERS = {
    ast.ExceptHandler: handler, ast.Assert: assertion,
    ast.ImportFrom: star_import, ast.Global: global_state,
    ast.Assign: assigned, ast.Subscript: subscript,
    ast.Compare: comparison, ast.Call: called, ast.For: list_keys,
}
IN_LOOPS = {
    ast.AugAssign: text_grows, ast.Compare: membership,
    ast.Call: call_in_loop,
}
