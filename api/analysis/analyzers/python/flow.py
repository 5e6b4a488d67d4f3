# SPDX-License-Identifier: Apache-2.0
"""Statements: follows values through a module, function by function.

Branches are walked one after the other and joined; a loop's body is walked
twice (once where loops are deep), after which whatever it assigns is no longer
a known constant.  A function is walked once, its parameters as sources; what
it does with them is its summary, for its callers in the same file.
"""
import ast

import checks
import guards
import models
from calls import Calls
from values import ALL, NOTHING, UNKNOWN, Source, Value, held, join

DEPTH_MAX = 12      # of calls of the file's own functions
DEEP_LOOP = 3


class State:
    """Names (and dotted paths) to values; reads fall through to the parent,
    writes stay here."""
    __slots__ = ("vars", "parent", "is_dead")

    def __init__(self, parent=None):
        self.vars, self.parent, self.is_dead = {}, parent, False

    def get(self, name):
        state = self
        while state is not None:
            if name in state.vars:
                return state.vars[name]
            state = state.parent
        return None

    def merge(self, branches):
        """Becomes what holds after one of its children, whichever it was."""
        alive = [b for b in branches if not b.is_dead]
        if not alive:
            self.is_dead = True
            return
        names = dict.fromkeys(n for b in alive for n in b.vars)
        for name in names:
            found = [b.get(name) for b in alive]
            if isinstance(name, tuple):  # what guards made harmless
                bits = ALL
                for value in found:
                    bits &= value or 0
                self.vars[name] = bits
                continue
            result = found[0] or UNKNOWN
            for value in found[1:]:
                result = join(result, value or UNKNOWN)
            self.vars[name] = result


class Function:
    __slots__ = ("node", "outer", "owner", "summary", "is_busy", "is_public",
                 "parent")

    def __init__(self, node, outer, owner=None):
        self.node, self.outer, self.owner = node, outer, owner
        self.summary, self.is_busy = None, False
        self.parent = None  # the function that it stands in
        self.is_public = not node.name.startswith("_") or \
            node.name.startswith("__")

    def has_parameter(self, name, line):
        args = self.node.args
        return any(a is not None and a.arg == name and a.lineno == line
                   for a in args.posonlyargs + args.args + args.kwonlyargs +
                   [args.vararg, args.kwarg])


class Summary:
    """What comes back, and where a parameter ends: (source, sink call)."""

    def __init__(self):
        self.returns = None
        self.sinks = []


class Frame:
    """The function that is being walked."""

    def __init__(self, function=None):
        self.function = function
        self.summary = Summary()
        self.loops = 0
        self.is_view = False
        self.is_fixed_route = False
        self.view_kind = ""
        self.globals = set()
        self.is_test = False


class Flow(Calls):
    def __init__(self, report):
        self.report = report
        self.imports = {}
        self.stars = []     # modules of which all names were imported
        self.text_depth = 0
        self.sources = {}
        self.dotted = {}
        self.functions = {}
        self.classes = {}
        self.methods = {}
        self.fields = {}
        self.frame = Frame()
        self.state = State()
        self.depth = 0
        self.is_test_file = False
        self.changed_globals = set()
        self.target = ""  # the name that is assigned to, for checks

    # ---- modules, classes, functions ----

    def module(self, tree, nodes):
        self.survey(tree, nodes)
        self.report.quiet += 1
        self.body(tree.body)
        self.report.quiet -= 1
        self.state.is_dead = False
        top = self.state
        self.all_functions(tree.body, top)
        self.state = top
        self.frame = Frame()
        self.body(tree.body)

    def survey(self, tree, nodes):
        """Imports from anywhere, functions, classes, names of `global`."""
        self.take_imports(nodes)
        for node in nodes:
            if isinstance(node, ast.Global):
                self.changed_globals.update(node.names)
        top = [n for n in tree.body]
        for node in top:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self.functions[node.name] = Function(node, self.state)
            elif isinstance(node, ast.ClassDef):
                self.classes[node.name] = node
                for item in node.body:
                    if isinstance(item, (ast.FunctionDef,
                                         ast.AsyncFunctionDef)):
                        self.methods[node.name, item.name] = Function(
                            item, self.state, node)

    def take_imports(self, nodes):
        for node in nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.asname:
                        self.imports[alias.asname] = alias.name
                    else:
                        root = alias.name.split(".")[0]
                        self.imports.setdefault(root, root)
            elif isinstance(node, ast.ImportFrom):
                base = "." * node.level + (node.module or "")
                for alias in node.names:
                    self.imports[alias.asname or alias.name] = \
                        f"{base}.{alias.name}" if base else alias.name
                    if alias.name == "*" and base not in self.stars:
                        self.stars.append(base)

    def all_functions(self, body, top):
        for node in body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                function = self.functions.get(node.name)
                if function is None or function.node is not node:
                    function = Function(node, top)
                self.summary_of(function)
            elif isinstance(node, ast.ClassDef):
                self.class_methods(node, top)
            elif isinstance(node, COMPOUND):
                for part in ("body", "orelse", "finalbody"):
                    self.all_functions(getattr(node, part, ()), top)
                for part in ("handlers", "cases"):
                    for inner in getattr(node, part, ()):
                        self.all_functions(inner.body, top)

    def class_methods(self, node, top):
        items = [n for n in node.body
                 if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
        items.sort(key=lambda n: n.name != "__init__")
        for item in items:
            function = self.methods.get((node.name, item.name))
            if function is None or function.node is not item:
                function = Function(item, top, node)
            self.summary_of(function)
        for item in node.body:
            if isinstance(item, ast.ClassDef):
                self.class_methods(item, top)

    def summary_of(self, function):
        if function.summary or function.is_busy or self.depth > DEPTH_MAX:
            return function.summary
        function.is_busy = True
        saved = self.frame, self.state, self.report.quiet
        self.frame, self.state = Frame(function), State(function.outer)
        self.report.quiet = 0
        self.depth += 1
        try:
            self.enter(function)
            self.body(function.node.body)
        finally:
            function.summary = self.frame.summary
            if function.owner is not None and \
                    function.node.name == "__init__":
                self.keep_fields(function.owner.name)
            self.frame, self.state, self.report.quiet = saved
            self.depth -= 1
            function.is_busy = False
        return function.summary

    def keep_fields(self, owner):
        """self.NAME as __init__ leaves it, for the other methods."""
        self.fields[owner] = {
            name: value.but(const=NOTHING, items=None)
            for name, value in self.state.vars.items()
            if isinstance(name, str) and name.startswith("self.")}

    def enter(self, function):
        node, frame = function.node, self.frame
        checks.decorators(self, node)
        frame.is_view, frame.view_kind = self.view_of(node)
        frame.is_fixed_route = frame.is_view and self.is_fixed_route(node)
        frame.is_test = self.is_test_file and node.name.startswith("test")
        if function.owner is not None:
            self.state.vars.update(self.fields.get(function.owner.name, {}))
        args = node.args
        everything = args.posonlyargs + args.args + args.kwonlyargs
        everything += [a for a in (args.vararg, args.kwarg) if a]
        skip = 1 if function.owner is not None and not any(
            isinstance(d, ast.Name) and d.id == "staticmethod"
            for d in node.decorator_list) else 0
        for index, arg in enumerate(everything):
            if index < skip:
                self.state.vars[arg.arg] = Value(type=(
                    function.owner.name if function.owner else ""))
                continue
            self.state.vars[arg.arg] = self.parameter(
                arg, index - skip, frame.is_view, node)

    def parameter(self, arg, index, is_view, node):
        name, words = arg.arg, annotation_words(arg.annotation)
        if name in ("request", "req") and not words & {"str", "dict"}:
            return Value(type="http.request", unknown=True)
        if words & models.CLEAN_ANNOTATIONS and \
                not words & {"str", "bytes", "Any", "dict", "Dict"}:
            return UNKNOWN
        if name in models.QUIET_PARAMETERS:
            if name in ("args", "kwargs") and is_view:
                pass
            else:
                return Value(unknown=True)
        kind = "param"
        if is_view and not self.is_typed_route(node, name):
            kind = "http"
        elif is_view:
            return UNKNOWN
        if name == "event" and node.name.endswith("handler"):
            kind = "http"
        source = Source(kind, f"parameter '{name}'", arg.lineno, index, name)
        return Value({source: models.KIND_BITS[kind]}, unknown=True)

    def view_of(self, node):
        for item in node.decorator_list:
            call = item.func if isinstance(item, ast.Call) else item
            if isinstance(call, ast.Attribute) and \
                    call.attr in models.ROUTE_WORDS and \
                    isinstance(item, ast.Call):
                is_json = self.imports_any("fastapi", "litestar")
                return True, "json" if is_json else "html"
        return False, ""

    def is_typed_route(self, node, name):
        """A route's converter lets only some texts through."""
        for item in node.decorator_list:
            for arg in getattr(item, "args", ())[:1]:
                if isinstance(arg, ast.Constant) and \
                        isinstance(arg.value, str) and any(
                            f"<{kind}:{name}>" in arg.value
                            for kind in ("int", "float", "uuid")):
                    return True
        return False

    @staticmethod
    def is_fixed_route(node):
        """Of one path only: then request.path is nobody's choice."""
        for item in node.decorator_list:
            for arg in getattr(item, "args", ())[:1]:
                if isinstance(arg, ast.Constant) and \
                        isinstance(arg.value, str) and "<" not in arg.value \
                        and "{" not in arg.value and "*" not in arg.value:
                    return True
        return False

    def imports_any(self, *roots):
        return any(path.split(".")[0] in roots
                   for path in self.imports.values())

    # ---- statements ----

    def body(self, statements):
        for node in statements:
            if self.state.is_dead:
                # Unreachable; a function in it may be called all the same.
                return
            self.report.step(node)
            handler = STATEMENTS.get(type(node))
            if handler is not None:
                handler(self, node)

    def on_expr(self, node):
        self.eval(node.value)
        guards.statement(self, node.value)

    def on_assign(self, node):
        self.target = checks.target_name(node.targets[0])
        value = self.eval(node.value)
        self.target = ""
        for target in node.targets:
            self.assign(target, value, node)

    def on_annassign(self, node):
        if node.value is not None:
            self.assign(node.target, self.eval(node.value), node)

    def on_augassign(self, node):
        left = self.eval(node.target)
        right = self.eval(node.value)
        value = self.binary(node.op, left, right, node)
        self.assign(node.target, value, node)

    def on_return(self, node):
        if node.value is not None:
            value = self.eval(node.value)
            self.check_return(node, value)
            old = self.frame.summary.returns
            self.frame.summary.returns = value if old is None else \
                join(old, value)
        self.state.is_dead = True

    def on_jump(self, node):
        for part in (getattr(node, "exc", None), getattr(node, "cause", None)):
            if part is not None:
                self.eval(part)
        # What a loop assigned before `break` holds after it.
        if isinstance(node, (ast.Break, ast.Continue)):
            self.frame_breaks().append(self.snapshot())
        self.state.is_dead = True

    def frame_breaks(self):
        if not hasattr(self.frame, "breaks"):
            self.frame.breaks = [[]]
        return self.frame.breaks[-1]

    def snapshot(self):
        """This state down to the loop's, in one."""
        flat = State(self.loop_state)
        chain, state = [], self.state
        while state is not None and state is not self.loop_state:
            chain.append(state)
            state = state.parent
        for state in reversed(chain):
            flat.vars.update(state.vars)
        return flat

    loop_state = None

    def on_if(self, node):
        branches = []
        rest = State(self.state)
        while True:
            saved, self.state = self.state, rest
            test = self.eval(node.test)
            self.state = saved
            known = self.truth(node.test, test)
            if known is not False:
                then = State(self.state)
                then.vars.update(rest.vars)
                guards.assume(self, node.test, True, then)
                branches.append(self.branch_in(node.body, then))
            if known is True:
                break
            guards.assume(self, node.test, False, rest)
            if len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
                node = node.orelse[0]
                self.report.step(node)
                continue
            branches.append(self.branch_in(node.orelse, rest))
            break
        self.state.merge(branches)

    def branch_in(self, statements, state):
        saved, self.state = self.state, state
        self.body(statements)
        self.state = saved
        return state

    def truth(self, test, value):
        """Whether a condition always, never (or who knows) holds: only of
        what this function itself has set."""
        if not value.is_const or self.frame.loops:
            return None
        for name in ast.walk(test):
            if isinstance(name, ast.Name) and not self.is_local(name.id):
                return None
        return bool(value.const)

    def is_local(self, name):
        state = self.state
        outer = self.frame.function.outer if self.frame.function else None
        while state is not None and state is not outer:
            if name in state.vars:
                return True
            state = state.parent
        return outer is None and name in ("__name__",) or \
            name in models.CLEANERS

    def on_loop(self, node):
        if isinstance(node, (ast.For, ast.AsyncFor)):
            items = self.eval(node.iter)
        frame = self.frame
        frame.loops += 1
        rounds = 2 if frame.loops <= DEEP_LOOP else 1
        saved_loop = self.loop_state
        for number in range(rounds):
            if number == 0:
                self.forget_assigned(node)
            if number < rounds - 1:
                self.report.quiet += 1
            start = State(self.state)
            self.loop_state = self.state
            self.frame_breaks()
            frame.breaks.append([])
            if isinstance(node, ast.While):
                saved, self.state = self.state, start
                self.eval(node.test)
                guards.assume(self, node.test, True, start)
                self.state = saved
            else:
                saved, self.state = self.state, start
                self.assign(node.target, self.element(items), node)
                self.state = saved
            self.branch_in(node.body, start)
            breaks = frame.breaks.pop()
            self.loop_state = saved_loop
            self.state.merge([start, State(self.state)] + breaks)
            self.state.is_dead = False
            if number < rounds - 1:
                self.report.quiet -= 1
        frame.loops -= 1
        if isinstance(node, ast.While):
            endless = isinstance(node.test, ast.Constant) and node.test.value
            if not endless:
                guards.assume(self, node.test, False, self.state)
        self.body(node.orelse)

    def forget_assigned(self, node):
        """What a loop sets is no constant in it."""
        for inner in ast.walk(node):
            name = None
            if isinstance(inner, ast.Name) and \
                    isinstance(inner.ctx, ast.Store):
                name = inner.id
            elif isinstance(inner, ast.Call) and \
                    isinstance(inner.func, ast.Attribute):
                name = self.path_of(inner.func.value)
            value = self.state.get(name) if name else None
            if value is not None and (value.is_const or value.items):
                self.state.vars[name] = value.but(
                    const=NOTHING, items=None, taint=held(value))

    def on_try(self, node):
        before = State(self.state)
        body = self.branch_in(node.body, State(self.state))
        went_well = body
        if not body.is_dead:
            went_well = self.branch_in(node.orelse, body)
        thrown = State(self.state)
        partial = State(self.state)
        partial.vars.update(body.vars)
        for name, value in partial.vars.items():
            if isinstance(name, tuple):
                partial.vars[name] = 0
        thrown.merge([before, partial])
        branches = [went_well]
        for handler in node.handlers:
            state = State(self.state)
            state.vars.update(thrown.vars)
            if handler.name:
                state.vars[handler.name] = Value(type="Exception",
                                                 unknown=True)
            branches.append(self.branch_in(handler.body, state))
        self.state.merge(branches)
        if node.finalbody:
            is_dead, self.state.is_dead = self.state.is_dead, False
            self.body(node.finalbody)
            self.state.is_dead |= is_dead

    def on_with(self, node):
        for item in node.items:
            value = self.eval(item.context_expr)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value, node)
        self.body(node.body)
        if self.state.is_dead and any(map(swallows, node.items)):
            self.state.is_dead = False

    def on_match(self, node):
        subject = self.eval(node.subject)
        branches, is_total = [], False
        for case in node.cases:
            fits = self.fits(case.pattern, subject)
            if case.guard is not None and fits:
                fits = None
            if fits is False:
                continue
            state = State(self.state)
            saved, self.state = self.state, state
            for inner in ast.walk(case.pattern):
                name = getattr(inner, "name", None) or \
                    getattr(inner, "rest", None)
                if name:
                    state.vars[name] = subject.but(const=NOTHING, items=None)
            if case.guard is not None:
                self.eval(case.guard)
            self.body(case.body)
            self.state = saved
            branches.append(state)
            if fits:
                is_total = True
                break
        if not is_total:
            branches.append(State(self.state))
        self.state.merge(branches)

    def fits(self, pattern, subject):
        if isinstance(pattern, ast.MatchAs) and pattern.pattern is None:
            return True
        if not subject.is_const or self.frame.loops:
            return None
        if isinstance(pattern, ast.MatchValue):
            value = self.eval(pattern.value)
            return subject.const == value.const if value.is_const else None
        if isinstance(pattern, ast.MatchOr):
            found = [self.fits(p, subject) for p in pattern.patterns]
            return True if True in found else None if None in found else False
        return None

    def on_function(self, node):
        for item in node.decorator_list:
            self.eval(item)
        for default in node.args.defaults + node.args.kw_defaults:
            if default is not None:
                self.eval(default)
        outer = self.frame.function
        if outer is None:
            return
        function = Function(node, self.state)
        function.parent = outer
        function.is_public = self.view_of(node)[0] or \
            (outer.is_public and is_returned(node.name, outer.node))
        self.state.vars[node.name] = Value(const=NOTHING, type="",
                                           items=None)
        self.nested()[node.name] = function
        self.summary_of(function)

    def nested(self):
        if not hasattr(self.frame, "functions"):
            self.frame.functions = {}
        return self.frame.functions

    def on_class(self, node):
        for item in node.decorator_list + node.bases:
            self.eval(item)
        if self.frame.function is not None:
            self.class_methods(node, self.state)
        inner = State(self.state)
        saved, self.state = self.state, inner
        self.body([n for n in node.body if not isinstance(
            n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))])
        self.state = saved

    def on_delete(self, node):
        for target in node.targets:
            name = self.path_of(target)
            if name:
                self.state.vars[name] = UNKNOWN

    def on_assert(self, node):
        self.eval(node.test)
        guards.assume(self, node.test, True, self.state)


STATEMENTS = {
    ast.Expr: Flow.on_expr, ast.Assign: Flow.on_assign,
    ast.AnnAssign: Flow.on_annassign, ast.AugAssign: Flow.on_augassign,
    ast.Return: Flow.on_return, ast.Raise: Flow.on_jump,
    ast.Break: Flow.on_jump, ast.Continue: Flow.on_jump,
    ast.If: Flow.on_if, ast.For: Flow.on_loop, ast.AsyncFor: Flow.on_loop,
    ast.While: Flow.on_loop, ast.Try: Flow.on_try, ast.TryStar: Flow.on_try,
    ast.With: Flow.on_with, ast.AsyncWith: Flow.on_with,
    ast.Match: Flow.on_match, ast.FunctionDef: Flow.on_function,
    ast.AsyncFunctionDef: Flow.on_function, ast.ClassDef: Flow.on_class,
    ast.Delete: Flow.on_delete, ast.Assert: Flow.on_assert,
}


# What functions of a module may stand in.
COMPOUND = (ast.If, ast.Try, ast.TryStar, ast.With, ast.AsyncWith, ast.For,
            ast.AsyncFor, ast.While, ast.Match)


def swallows(item):
    """`with suppress(...)` and pytest.raises() go on behind a raise."""
    call = item.context_expr
    name = call.func if isinstance(call, ast.Call) else call
    return getattr(name, "attr", getattr(name, "id", "")) in \
        ("suppress", "raises", "assertRaises", "assertRaisesRegex")


def is_returned(name, function):
    """Whoever calls the function may call the one in it."""
    return any(isinstance(n, ast.Return) and isinstance(n.value, ast.Name) and
               n.value.id == name for n in ast.walk(function))


def annotation_words(node):
    """The names in an annotation, strings among them."""
    words = set()
    for inner in ast.walk(node) if node is not None else ():
        if isinstance(inner, ast.Name):
            words.add(inner.id)
        elif isinstance(inner, ast.Attribute):
            words.add(inner.attr)
        elif isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            words.update(inner.value.replace("[", " ").replace("]", " ")
                         .replace("|", " ").split()[:20])
    return words


def analyse(tree, nodes, is_test, report):
    flow = Flow(report)
    flow.is_test_file = is_test
    flow.module(tree, nodes)
