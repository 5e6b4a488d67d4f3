# SPDX-License-Identifier: Apache-2.0
"""Expressions: a node to a Value.  Constants are computed where that is cheap
and bounded; everything else carries the taint of its parts.
"""
import ast
import operator
import re

import checks
import checks_crypto
import models
from values import (CLEAN, HOLE, ITEMS_MAX, NOTHING, TEXT_MAX, UNKNOWN,
                    Source, Value, constant, held, is_unknown, join,
                    merge_taint, without)

NUMBER_MAX = 1 << 64
COMPARE = {ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt,
           ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
           ast.In: lambda a, b: a in b, ast.NotIn: lambda a, b: a not in b,
           ast.Is: operator.is_, ast.IsNot: operator.is_not}
ARITHMETIC = {ast.Add: operator.add, ast.Sub: operator.sub,
              ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv,
              ast.Mod: operator.mod, ast.Div: operator.truediv,
              ast.BitOr: operator.or_, ast.BitAnd: operator.and_}


class Expressions:
    def eval(self, node):
        self.report.step(node)
        handler = EXPRESSIONS.get(type(node))
        if handler is None:
            return self.parts(node)
        return handler(self, node)

    def parts(self, node):
        """Any other node: what its parts carry."""
        values = [self.eval(n) for n in ast.iter_child_nodes(node)
                  if isinstance(n, ast.expr)]
        return Value(merge_taint(*(held(v) for v in values)), unknown=True)

    def path_of(self, node):
        """a.b.c, and a["x"] of constant keys, as the state's name."""
        names = []
        while isinstance(node, ast.Attribute) and len(names) < 6:
            names.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return None
        names.append(node.id)
        return ".".join(reversed(names))

    # ---- names ----

    def on_constant(self, node):
        value = node.value
        if isinstance(value, int) and abs(value) > NUMBER_MAX:
            return CLEAN
        return constant(value)

    def on_name(self, node):
        value = self.state.get(node.id)
        if value is not None:
            if node.id in self.changed_globals and value.is_const and \
                    not self.is_local(node.id):
                return value.but(const=NOTHING)
            return value
        path = self.imports.get(node.id)
        if path is not None:
            return self.of_type(path, node)
        if node.id in self.functions or node.id in self.classes:
            return CLEAN
        if self.stars and node.id not in BUILTINS:
            return self.of_type(self.star_path(node.id), node)
        return Value(type=node.id if node.id in BUILTINS else "",
                     unknown=True)

    def star_path(self, name):
        """What it may be after `from MODULE import *`."""
        paths = [f"{module}.{name}" for module in self.stars]
        return next((p for p in paths if models.knows(p)), paths[0])

    def of_type(self, path, node):
        kind = models.ATTRIBUTE_SOURCES.get(path)
        if kind is not None:
            return self.source(kind, path, node, type=path)
        if path in models.REQUESTS:
            path = "http.request"
        return Value(type=path, unknown=True)

    def source(self, kind, words, node, type=""):
        key = (kind, words, node.lineno, node.col_offset)
        source = self.sources.get(key)
        if source is None:
            source = self.sources[key] = Source(kind, words, node.lineno)
        return Value({source: models.KIND_BITS[kind]}, type=type[:200],
                     unknown=True)

    def on_attribute(self, node):
        path = self.path_of(node)
        if path is not None:
            value = self.state.get(path)
            if value is not None:
                return value
        base = self.eval(node.value)
        kind = f"{base.type}.{node.attr}" if base.type else ""
        if base.type == "http.request":
            if node.attr == "path" and self.frame.is_fixed_route:
                return UNKNOWN
            if node.attr in models.REQUEST_DATA:
                return self.source("http", f"request.{node.attr}", node,
                                   type="http.data")
            return Value(type=kind, unknown=True)
        found = models.ATTRIBUTE_SOURCES.get(kind)
        if found is not None:
            return self.source(found, kind, node, type=kind)
        if base.type == "sys.argv":
            kind = "sys.argv"
        return Value(base.taint if base.items is None else held(base),
                     type=kind[:200], unknown=True)

    def on_subscript(self, node):
        base, key = self.eval(node.value), self.eval(node.slice)
        if base.type == "sys.argv" and key.is_const and key.const == 0:
            return UNKNOWN
        if base.items is not None and key.is_const:
            try:
                return base.items[key.const]
            except (KeyError, IndexError, TypeError):
                if isinstance(base.items, dict):
                    return Value(held(base), unknown=True)
                return Value(base.taint, unknown=True)
        if isinstance(node.slice, ast.Slice):
            return self.cut(base, node.slice)
        if base.is_const and key.is_const:
            try:
                return constant(base.const[key.const])
            except (TypeError, LookupError):
                return UNKNOWN
        kind = base.type if base.type.startswith("http.") else \
            base.type + "[]" if base.type else ""
        return Value(held(base), type=kind[:200], unknown=not base.is_const)

    def cut(self, base, part):
        ends = [self.eval(p) if p is not None else constant(None)
                for p in (part.lower, part.upper, part.step)]
        if all(e.is_const for e in ends):
            try:
                bounds = slice(*(e.const for e in ends))
                if base.is_const and isinstance(base.const,
                                                (str, bytes, tuple)):
                    return constant(base.const[bounds])
                if isinstance(base.items, list):
                    return base.but(items=base.items[bounds])
            except (TypeError, ValueError):
                pass
        return base.but(taint=held(base), const=NOTHING, items=None,
                        text=None)

    # ---- operators ----

    def on_boolop(self, node):
        values = [self.eval(v) for v in node.values]
        if all(v.is_const for v in values):
            is_and = isinstance(node.op, ast.And)
            for value in values:
                if bool(value.const) != is_and:
                    return value
            return values[-1]
        is_and = isinstance(node.op, ast.And)
        for value in values:
            if value.is_const and bool(value.const) != is_and:
                # `... or True`, `... and False`
                if all(isinstance(v, ast.Compare) for v in node.values):
                    return value
        result = values[0]
        for value in values[1:]:
            result = join(result, value)
        return result.but(const=NOTHING)

    def on_unaryop(self, node):
        value = self.eval(node.operand)
        if value.is_const:
            try:
                if isinstance(node.op, ast.Not):
                    return constant(not value.const)
                if isinstance(node.op, ast.USub):
                    return constant(-value.const)
            except TypeError:
                pass
        if isinstance(node.op, ast.Not):
            return CLEAN
        return value.but(const=NOTHING, text=None)

    def on_compare(self, node):
        left = self.eval(node.left)
        rights = [self.eval(c) for c in node.comparators]
        checks_crypto.compare(self, node, [left] + rights)
        if left.is_const and all(r.is_const for r in rights):
            try:
                result = True
                for op, right in zip(node.ops, rights):
                    result = result and COMPARE[type(op)](left.const,
                                                          right.const)
                    left = right
                return constant(bool(result))
            except TypeError:
                pass
        return CLEAN

    def on_binop(self, node):
        # a + b + c ... is deep on its left: walked without recursion.
        chain = [node]
        while isinstance(chain[-1].left, ast.BinOp):
            chain.append(chain[-1].left)
        value = self.eval(chain[-1].left)
        for part in reversed(chain):
            self.report.step(part)
            value = self.binary(part.op, value, self.eval(part.right), part)
        return value

    def binary(self, op, left, right, node):
        if left.is_const and right.is_const:
            known = compute(op, left.const, right.const)
            if known is not NOTHING:
                return constant(known)
        if isinstance(op, ast.Mod) and isinstance(left.const, (str, bytes)):
            return self.formatted(left, right)
        if isinstance(op, ast.Add):
            if isinstance(left.items, list) and \
                    isinstance(right.items, list) and \
                    len(left.items) + len(right.items) <= ITEMS_MAX:
                return left.but(items=left.items + right.items,
                                taint=merge_taint(left.taint, right.taint))
            text = text_of(left) + text_of(right)
            return Value(merge_taint(held(left), held(right)),
                         text=text[:TEXT_MAX],
                         unknown=is_unknown(left) or is_unknown(right))
        kind, text = "", None
        if isinstance(op, ast.Div):  # pathlib
            kind, text = left.type, text_of(left) + "/" + text_of(right)
        elif isinstance(op, ast.Mod):
            # A text of somewhere else, filled in.
            text = text_of(left) if left.text else HOLE
        return Value(merge_taint(held(left), held(right)), type=kind,
                     text=text,
                     unknown=is_unknown(left) or is_unknown(right))

    def formatted(self, left, right):
        """'...%s...' % (...)"""
        template = left.const if isinstance(left.const, str) else \
            left.const.decode("latin-1")
        values = right.items if isinstance(right.items, list) else [right]
        if isinstance(right.items, dict):
            values = list(right.items.values())
        # %d lets only numbers through.
        marks = [m for m in PERCENT.findall(template) if m != "%"]
        taints, unknown = [], False
        for index, value in enumerate(values):
            if index < len(marks) and len(marks) == len(values) and \
                    marks[index] in "dixXoeEfFgG":
                continue
            taints.append(held(value))
            unknown = unknown or is_unknown(value)
        text = PERCENT.sub(lambda m: "%" if m[1] == "%" else HOLE, template)
        if values and all(v.is_const for v in values):
            try:
                return constant(template % tuple(v.const for v in values))
            except (TypeError, ValueError, OverflowError, MemoryError):
                pass
        return Value(merge_taint(*taints), text=text[:TEXT_MAX],
                     unknown=unknown)

    def on_joinedstr(self, node):
        taints, text, unknown, known = [], [], False, []
        for part in node.values:
            if isinstance(part, ast.Constant):
                text.append(part.value if isinstance(part.value, str) else "")
                if known is not None:
                    known.append(text[-1])
                continue
            value = self.eval(part.value)
            if part.format_spec is not None:
                spec = self.eval(part.format_spec)
                if spec.is_const and str(spec.const)[-1:] in tuple("dxXfeg"):
                    text.append("0")
                    known = None
                    continue
            if part.conversion in (114, 97):  # !r, !a
                value = value.but(taint=without(
                    held(value), models.bits("log header")), items=None)
            if value.is_const and isinstance(value.const, (str, int)) and \
                    known is not None:
                known.append(str(value.const)[:TEXT_MAX])
            else:
                known = None
            taints.append(held(value))
            unknown = unknown or is_unknown(value)
            text.append(text_of(value))
        if known is not None and sum(map(len, known)) <= TEXT_MAX:
            return constant("".join(known))
        return Value(merge_taint(*taints), text="".join(text)[:TEXT_MAX],
                     unknown=unknown)

    # ---- containers ----

    def on_sequence(self, node):
        values = [self.eval(e) for e in node.elts]
        if len(values) > ITEMS_MAX or any(
                isinstance(e, ast.Starred) for e in node.elts):
            return Value(merge_taint(*(held(v) for v in values)),
                         unknown=any(is_unknown(v) for v in values))
        return Value(items=values)

    def on_dict(self, node):
        items, taints, unknown = {}, [], False
        for key, value in zip(node.keys, node.values):
            known = self.eval(key) if key is not None else UNKNOWN
            found = self.eval(value)
            if known.is_const and len(items) < ITEMS_MAX and \
                    isinstance(known.const, (str, int, bytes)):
                items[known.const] = found
            else:
                taints += [held(known), held(found)]
                unknown = True
        return Value(merge_taint(*taints), items=items, unknown=unknown)

    def on_comprehension(self, node):
        state = type(self.state)(self.state)
        saved, self.state = self.state, state
        for part in node.generators:
            self.assign(part.target, self.element(self.eval(part.iter)), node)
            for test in part.ifs:
                self.eval(test)
                self.assume(test, state)
        if isinstance(node, ast.DictComp):
            values = [self.eval(node.key), self.eval(node.value)]
        else:
            values = [self.eval(node.elt)]
        cleared = [self.cleared(v) for v in values]
        self.state = saved
        same = values[0]
        return Value(merge_taint(*cleared), text=same.text
                     if len(values) == 1 else None,
                     unknown=any(is_unknown(v) for v in values))

    def cleared(self, value):
        """Its taint less what guards made harmless here: they end with the
        state that they are noted in."""
        taint = held(value)
        return {s: left for s, b in taint.items()
                if (left := b & ~(self.state.get(("harmless", s)) or 0))}

    def element(self, value):
        if isinstance(value.items, list) and value.items:
            result = value.items[0]
            for item in value.items[1:]:
                result = join(result, item)
            return result.but(const=NOTHING,
                              taint=merge_taint(result.taint, value.taint))
        if isinstance(value.items, dict) and value.items:
            return Value(value.taint)  # its keys
        if value.is_const:
            return Value()
        kind = value.type if value.type.startswith("http.") else \
            value.type + "[]" if value.type else ""
        return Value(held(value), type=kind[:200], unknown=value.unknown)

    def on_ifexp(self, node):
        test = self.eval(node.test)
        known = self.truth(node.test, test)
        if known is True:
            return self.eval(node.body)
        if known is False:
            return self.eval(node.orelse)
        results = []
        for part, is_true in ((node.body, True), (node.orelse, False)):
            saved = self.state
            self.state = type(saved)(saved)
            self.assume(node.test, self.state, is_true)
            value = self.eval(part)
            results.append(value.but(taint=self.cleared(value), items=None)
                           if not value.is_const else value)
            self.state = saved
        return join(*results)

    def on_walrus(self, node):
        value = self.eval(node.value)
        self.assign(node.target, value, node)
        return value

    def on_lambda(self, node):
        saved = self.state
        self.state = type(saved)(saved)
        for arg in node.args.args:
            self.state.vars[arg.arg] = UNKNOWN
        self.eval(node.body)
        self.state = saved
        return UNKNOWN

    def on_inner(self, node):
        return self.eval(node.value) if node.value is not None else CLEAN

    # ---- targets ----

    def assign(self, target, value, node):
        checks.assignment(self, target, value, node)
        if isinstance(target, ast.Starred):
            target = target.value
        if isinstance(target, ast.Name):
            self.forget_paths(target.id)
            self.state.vars[target.id] = value
        elif isinstance(target, ast.Attribute):
            path = self.path_of(target)
            if path is not None:
                self.state.vars[path] = value
                self.dotted.setdefault(path.split(".")[0], set()).add(path)
        elif isinstance(target, (ast.Tuple, ast.List)):
            whole = isinstance(value.items, list) and \
                len(value.items) == len(target.elts)
            for index, part in enumerate(target.elts):
                self.assign(part, value.items[index] if whole
                            else self.element(value), node)
        elif isinstance(target, ast.Subscript):
            self.store(target, value, node)

    def forget_paths(self, name):
        """A name bound anew: what was known of its attributes is not."""
        for path in self.dotted.get(name, ()):
            self.state.vars[path] = None

    def store(self, target, value, node):
        """name[key] = value"""
        path = self.path_of(target.value)
        key = self.eval(target.slice)
        base = self.eval(target.value)
        self.check_store(target, base, key, value, node)
        if path is None:
            return
        if isinstance(base.items, dict) and key.is_const and \
                isinstance(key.const, (str, int)) and \
                len(base.items) < ITEMS_MAX:
            new = base.but(items={**base.items, key.const: value})
        elif isinstance(base.items, list) and isinstance(key.const, int) and \
                -len(base.items) <= key.const < len(base.items):
            items = list(base.items)
            items[key.const] = value
            new = base.but(items=items)
        else:
            new = base.but(taint=merge_taint(held(base), held(value)),
                           items=None, const=NOTHING)
        self.state.vars[path] = new


PERCENT = re.compile(r"%(?:\([^)]*\))?[-#0 +]*[\d*]*(?:\.[\d*]+)?([a-zA-Z%])")
BUILTINS = frozenset(dir(__builtins__) if not isinstance(__builtins__, dict)
                     else __builtins__) | {"raw_input", "execfile", "reload",
                                           "unicode", "database"}


def text_of(value):
    """What a text has where this value was put in."""
    if value.text is not None and (value.taint == {} or HOLE in value.text):
        return value.text
    if value.is_const and isinstance(value.const, (str, int)):
        return str(value.const)[:TEXT_MAX]
    return HOLE


def compute(op, left, right):
    """A constant, if it is cheap and small; else NOTHING."""
    function = ARITHMETIC.get(type(op))
    if function is None:
        return NOTHING
    if isinstance(op, ast.Mult) and not (
            isinstance(left, (int, float)) and isinstance(right, (int, float))):
        if not (isinstance(left, (str, bytes)) and isinstance(right, int) and
                len(left) <= 64 and 0 <= right <= 64):
            return NOTHING
    if isinstance(op, ast.Mod) and isinstance(left, (str, bytes)):
        return NOTHING
    try:
        result = function(left, right)
    except Exception:  # of the source's own operands
        return NOTHING
    if isinstance(result, (str, bytes)) and len(result) > TEXT_MAX:
        return NOTHING
    if isinstance(result, int) and abs(result) > NUMBER_MAX:
        return NOTHING
    return result


EXPRESSIONS = {
    ast.Constant: Expressions.on_constant, ast.Name: Expressions.on_name,
    ast.Attribute: Expressions.on_attribute,
    ast.Subscript: Expressions.on_subscript,
    ast.BoolOp: Expressions.on_boolop, ast.UnaryOp: Expressions.on_unaryop,
    ast.Compare: Expressions.on_compare, ast.BinOp: Expressions.on_binop,
    ast.JoinedStr: Expressions.on_joinedstr,
    ast.List: Expressions.on_sequence, ast.Tuple: Expressions.on_sequence,
    ast.Set: Expressions.on_sequence, ast.Dict: Expressions.on_dict,
    ast.ListComp: Expressions.on_comprehension,
    ast.SetComp: Expressions.on_comprehension,
    ast.GeneratorExp: Expressions.on_comprehension,
    ast.DictComp: Expressions.on_comprehension,
    ast.IfExp: Expressions.on_ifexp, ast.NamedExpr: Expressions.on_walrus,
    ast.Lambda: Expressions.on_lambda, ast.Await: Expressions.on_inner,
    ast.Starred: Expressions.on_inner, ast.Yield: Expressions.on_inner,
    ast.YieldFrom: Expressions.on_inner,
}
