# SPDX-License-Identifier: Apache-2.0
"""Calls: what is called with what, and the file's own functions.  sinks.py has
what a call does with what it is given, results.py what comes back.
"""
import ast

import checks
import guards
from expressions import EXPRESSIONS
from results import Results
from sinks import Sinks
from values import CLEAN, Value, held, merge_taint

RUN_TEXT = {"eval": "eval", "builtins.eval": "eval", "exec": "exec",
            "builtins.exec": "exec"}
RUN_TEXT_MAX = 100_000
RUN_TEXT_DEPTH = 3


class Calls(Results, Sinks):
    def on_call(self, node):
        base, path = self.callee(node)
        args = [self.eval(a) for a in node.args]
        keywords = {}
        for item in node.keywords:
            value = self.eval(item.value)
            keywords[item.arg or "**"] = value
        checks.call(self, node, path, base, args, keywords)
        self.check_sinks(node, path, base, args, keywords)
        if path in RUN_TEXT and args and args[0].is_const:
            self.run_text(node, args[0].const, RUN_TEXT[path])
        return self.result(node, path, base, args, keywords)

    def run_text(self, node, text, mode):
        """Code in a constant is read as if it stood where it is run."""
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
        if not isinstance(text, str) or len(text) > RUN_TEXT_MAX or \
                self.text_depth == RUN_TEXT_DEPTH:
            return
        try:
            tree = ast.parse(text.strip() if mode == "eval" else text,
                             mode=mode)
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            return
        nodes = list(ast.walk(tree))
        self.report.steps += len(nodes)
        for inner in nodes:
            ast.copy_location(inner, node)
        self.take_imports(nodes)
        self.text_depth += 1
        if mode == "eval":
            self.eval(tree.body)
        else:
            self.body(tree.body)
        self.text_depth -= 1

    def callee(self, node):
        """The object before a method's name, and the dotted path."""
        func = node.func
        if isinstance(func, ast.Attribute):
            base = self.eval(func.value)
            found = self.path_of(func)
            value = self.state.get(found) if found else None
            if value is not None and value.type:
                return base, value.type
            if base.type == "http.request":
                return base, "http.request." + func.attr
            return base, f"{base.type}.{func.attr}" if base.type else ""
        value = self.eval(func)
        return value, value.type

    # ---- the file's own functions ----

    def own_function(self, node, base):
        func = node.func
        if isinstance(func, ast.Name):
            nested = getattr(self.frame, "functions", {})
            if func.id in nested:
                return nested[func.id]
            if self.state.get(func.id) is None:
                return self.functions.get(func.id)
            return None
        if isinstance(func, ast.Attribute):
            owner = base.type
            if isinstance(func.value, ast.Name) and \
                    func.value.id in self.classes:
                owner = func.value.id
            return self.methods.get((owner, func.attr))
        return None

    def own_call(self, node, base, args, keywords):
        func = node.func
        if isinstance(func, ast.Name) and func.id in self.classes and \
                self.state.get(func.id) is None:
            init = self.methods.get((func.id, "__init__"))
            if init is not None:
                self.apply(node, init, args, keywords)
            return Value(merge_taint(*(held(a) for a in args)),
                         type=func.id, unknown=True)
        function = self.own_function(node, base)
        if function is None:
            return None
        return self.apply(node, function, args, keywords)

    def apply(self, node, function, args, keywords):
        summary = self.summary_of(function)
        names = [a.arg for a in function.node.args.posonlyargs +
                 function.node.args.args]
        if function.owner is not None and names and \
                names[0] in ("self", "cls"):
            names = names[1:]
        given = dict(zip(names, args))
        given.update(keywords)
        if summary is None:  # recursion
            return Value(merge_taint(*(held(a) for a in args)), unknown=True)
        for source, sink, place, built in summary.sinks:
            value = given.get(source.name)
            if value is not None:
                self.report_sink(place, sink, value, built)
        back = summary.returns
        if back is None:
            return CLEAN
        taint, passed = {}, []
        for source, harms in held(back).items():
            if source.index < 0 or source.kind not in ("param", "http") or \
                    source.name not in names:
                taint[source] = harms
            elif source.name in given:
                passed.append({s: b & harms for s, b in held(
                    given[source.name]).items() if b & harms})
        taint = merge_taint(taint, *passed)
        return back.but(taint=taint, items=None if back.items else back.items,
                        unknown=back.unknown)

    def assume(self, test, state, is_true=True):
        guards.assume(self, test, is_true, state)


EXPRESSIONS[ast.Call] = Calls.on_call
