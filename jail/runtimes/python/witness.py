# SPDX-License-Identifier: Apache-2.0
"""What the tests themselves say about having run, whatever a runner reports.

The tests' source is changed before it is compiled:

  - each test's body is wrapped: it leaves a note that it was entered, that each
    of its statements was reached, and that it came to its end by itself.  A
    test is believed to have passed only if there is such a note;
  - a == b, and assertEqual() and the like, look at operands that say "equal":
    a value of the program's own type that is equal to changed copies of the
    other side, too, is equal to anything and proves nothing.  So do in, <, -
    and the assertions of mocks, for types that have their own;
  - TestCase and what it uses are compared with what they were at the start;
  - builtins that the tests call are constants; functions of the standard
    library that they call, and their own, must be what they were; parameters
    of a test and tables that it loops over must be those of the file;
  - canaries are added: tests that fail, by the assertions that the file uses.

Our functions are put into the code as constants, so that no name leads to them.
"""
import ast
import builtins
import importlib
import os
import sys
import warnings
from _collections import deque
from gc import get_freeze_count
from operator import ge, gt, le, lt
from os import urandom

# unittest leaves frames of modules with this name out of its tracebacks.
__unittest = True

PLAIN = frozenset((int, str, bytes, float, complex, bool, type(None)))
BUILTIN = frozenset(t for t in vars(builtins).values() if isinstance(t, type))
NUMBERS = frozenset((int, float, bool))
ORDERS = {ast.Lt: lt, ast.LtE: le, ast.Gt: gt, ast.GtE: ge}
# Larger than any float; what is on the same side of both lies.
HUGE = (10**400, -(10**400))
# Builtins that tests use to look at results.  Where a tests file calls one, and
# has nothing of its own by that name, it calls this one.
FIXED = frozenset(
    "abs all any bool bytes callable dict divmod enumerate filter float "
    "frozenset getattr hasattr hash id int isinstance issubclass iter len list "
    "map max min next open ord chr pow range repr reversed round set sorted str "
    "sum tuple type zip".split()
)
# Modules of the standard library whose functions say whether a result is right.
LIBRARY = frozenset(
    "cmath collections copy decimal difflib filecmp fractions functools hmac "
    "itertools json math operator os re statistics string struct".split()
)
# Words of a tests file that replaces things itself.
PATCHING = frozenset("patch monkeypatch mock setattr reload".split())
MOCKED = frozenset("assert_called_with assert_called_once_with assert_any_call".split())
MUTATORS = frozenset(
    "append add extend insert pop popitem remove discard clear update sort "
    "reverse setdefault".split()
)
# Assertions that compare two values, the arguments 0 and 1.
COMPARING = frozenset(
    "assertEqual assertEquals assertIn assertListEqual assertTupleEqual "
    "assertDictEqual assertSetEqual assertSequenceEqual assertCountEqual "
    "assertMultiLineEqual assertAlmostEqual assertAlmostEquals".split()
)
# How each fails; {a} and {b} are different numbers.
CANARIES = {
    "assertEqual": "self.assertEqual({a}, {b})",
    "assertNotEqual": "self.assertNotEqual({a}, {a})",
    "assertTrue": "self.assertTrue({a} == {b})",
    "assertFalse": "self.assertFalse({a} != {b})",
    "assertIs": "self.assertIs(None, {a})",
    "assertIsNot": "self.assertIsNot(None, None)",
    "assertIsNone": "self.assertIsNone({a})",
    "assertIsNotNone": "self.assertIsNotNone(None)",
    "assertIn": "self.assertIn({a}, [{b}])",
    "assertNotIn": "self.assertNotIn({a}, [{a}])",
    "assertIsInstance": "self.assertIsInstance({a}, str)",
    "assertNotIsInstance": "self.assertNotIsInstance({a}, int)",
    "assertRaises": "self.assertRaises(KeyError, str, {a})",
    "assertRaisesRegex": "self.assertRaisesRegex(KeyError, 'x', str, {a})",
    "assertAlmostEqual": "self.assertAlmostEqual({a}, {b})",
    "assertNotAlmostEqual": "self.assertNotAlmostEqual({a}, {a})",
    "assertGreater": "self.assertGreater({a}, {a})",
    "assertGreaterEqual": "self.assertGreaterEqual({a}, {a} + 1)",
    "assertLess": "self.assertLess({a}, {a})",
    "assertLessEqual": "self.assertLessEqual({a}, {a} - 1)",
    "assertRegex": "self.assertRegex('{a}', '^x{b}')",
    "assertNotRegex": "self.assertNotRegex('{a}', '{a}')",
    "assertCountEqual": "self.assertCountEqual([{a}], [{b}])",
    "assertListEqual": "self.assertListEqual([{a}], [{b}])",
    "assertTupleEqual": "self.assertTupleEqual(({a},), ({b},))",
    "assertDictEqual": "self.assertDictEqual({{1: {a}}}, {{1: {b}}})",
    "assertSetEqual": "self.assertSetEqual({{{a}}}, {{{b}}})",
    "assertSequenceEqual": "self.assertSequenceEqual([{a}], [{b}])",
    "assertMultiLineEqual": "self.assertMultiLineEqual('{a}', '{b}')",
    "fail": "self.fail({a})",
}
# Builtins that programs replace in good faith, for a test of input or output.
MAY_CHANGE = frozenset(
    "input print open exit quit help copyright credits license __import__ _ "
    "__build_class__ breakpoint".split()
)
NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


def has_return(nodes, kinds=(ast.Return, ast.Yield, ast.YieldFrom)):
    """In this function itself, not in one that it defines."""
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if isinstance(node, kinds):
            return True
        if not isinstance(node, NESTED):
            stack.extend(ast.iter_child_nodes(node))
    return False


def has_yield(nodes):
    return has_return(nodes, (ast.Yield, ast.YieldFrom))


def random_name():
    return urandom(6).hex()


def changed_copies(value):
    """Values of the same kind that are not equal to this one."""
    kind = type(value)
    if kind in (int, float, complex, bool):
        return [kind(value) + 982451653, 57885161 - value, -982451653 - value]
    if kind is str:
        return [value + "\x01" + random_name(), random_name()]
    if kind is bytes:
        return [value + urandom(9), urandom(9)]
    if kind in (list, tuple):
        return [value + kind([random_name()]), kind([random_name()])]
    if kind is dict:
        return [{**value, random_name(): 1}, {random_name(): 1}]
    if kind in (set, frozenset):
        return [value | {random_name()}, kind([random_name()])]
    return [object(), random_name(), 982451653]


def parts_of(a, b):
    """Pairs of what two containers or objects have inside."""
    for kind in (list, tuple, deque):
        if isinstance(a, kind) and isinstance(b, kind):
            return list(zip(kind.__iter__(a), kind.__iter__(b)))[:1000]
    if not isinstance(a, dict) or not isinstance(b, dict):
        a, b = getattr(a, "__dict__", None), getattr(b, "__dict__", None)
        if type(a) is not dict or type(b) is not dict:
            return []
    keys = list(dict.keys(a))[:1000]
    return [(dict.get(a, k), dict.get(b, k)) for k in keys if dict.__contains__(b, k)]


class Liars:
    """Finds operands that are equal to anything, and the like."""

    def __init__(self, report, words):
        self.report, self.own_codes = report, set()
        self.may_use_any, self.may_mock = "ANY" in words, "__eq__" in words

    def has_own(self, value, *names):
        """Has it a method of one of these names that is no builtin type's, and
        not the tests' own?"""
        for kind in type(value).__mro__:
            if kind in BUILTIN:
                return False
            if self.may_use_any and kind.__name__ == "_ANY":
                return False
            if self.may_mock and kind.__module__ == "unittest.mock":
                return False
            for method in (vars(kind)[n] for n in names if n in vars(kind)):
                return getattr(method, "__code__", None) not in self.own_codes
        return False

    def is_liar(self, value, other):
        try:
            if not self.has_own(value, "__eq__"):
                return False
            if all(bool(value == copy) for copy in changed_copies(other)):
                return True
            # pytest.approx() may have any tolerance.
            return type(other) in NUMBERS and not hasattr(value, "tolerance") and (
                bool(value == other + 1) and bool(value == other - 1))
        except Exception:
            return False

    def is_lie(self, a, b, depth=4):
        if type(a) in PLAIN and type(b) in PLAIN or depth == 0 or a is b:
            return False
        return self.is_liar(a, b) or self.is_liar(b, a) or any(
            self.is_lie(x, y, depth - 1) for x, y in parts_of(a, b))

    def tell(self):
        self.report("a value that is equal to anything was compared")

    def compare(self, test, *pairs):
        """test(); the pairs are looked at before, so that what takes over the
        first value that it sees has the wrong one."""
        __tracebackhide__ = True
        is_lie = False
        for a, b in pairs:
            is_lie |= self.is_lie(a, b)
        result = test()
        if result is not False and is_lie:
            self.tell()
        return result

    def members(self, member, container):
        if type(container) in (list, tuple, set, frozenset):
            return [(member, one) for one in list(container)[:100]]
        return []

    def look_at_container(self, member, container):
        try:
            if self.has_own(container, "__contains__", "__iter__", "__getitem__") and (
                all(copy in container for copy in changed_copies(member))
            ):
                self.report("a value that contains anything was used")
        except Exception:
            pass

    def look_at_order(self, order, a, b):
        try:
            if type(b) in NUMBERS and self.has_own(
                a, "__lt__", "__gt__", "__le__", "__ge__"
            ):
                is_lie = all(order(a, one) for one in HUGE)
            elif type(a) in NUMBERS and self.has_own(
                b, "__lt__", "__gt__", "__le__", "__ge__"
            ):
                is_lie = all(order(one, b) for one in HUGE)
            else:
                return
            if is_lie:
                self.report("a value that is more or less than anything was compared")
        except Exception:
            pass

    def look_at_difference(self, a, b, result):
        """Is it the same to numbers that are far apart?"""
        try:
            if type(a) not in NUMBERS and self.has_own(a, "__sub__") and (
                type(b) in NUMBERS
            ):
                is_lie = all(a - copy == result for copy in changed_copies(b))
            elif type(b) not in NUMBERS and self.has_own(b, "__rsub__") and (
                type(a) in NUMBERS
            ):
                is_lie = all(copy - b == result for copy in changed_copies(a))
            else:
                return
            if is_lie:
                self.report("a value that is near to anything was compared")
        except Exception:
            pass


class Guard:
    """The note of one test: how often it came to its end, and how."""

    def __init__(self, name, steps, report, check=None):
        self.name, self.steps, self.report = name, steps, report
        self.reached, self.entries, self.passes, self.confirmed = 0, 0, 0, 0
        self.check, self.rows = check, []

    def __enter__(self):
        self.reached = 0
        self.entries += 1

    def __exit__(self, kind, error, traceback):
        if kind is not None:
            return
        if self.steps is not None and self.reached != self.steps:
            self.report(f"statements of test {self.name} were jumped over")
        if self.check:
            self.check(sys._getframe(1))
        self.passes += 1

    def step(self):
        self.reached += 1

    # ---- parametrize()

    def keep_rows(self, names, values):
        """The values, which must be the ones that the test gets."""
        try:
            rows = values = list(values)
            # pytest.param(...)
            rows = [getattr(row, "values", row) if hasattr(row, "marks")
                    else row if len(names) > 1 else (row,) for row in rows]
            rows = [tuple(row) for row in rows]
        except Exception:
            return values
        self.rows.append((names, rows))
        return values

    def take_arguments(self, arguments):
        for names, rows in self.rows:
            if not all(name in arguments for name in names):
                continue
            seen = [arguments[name] for name in names]
            if not any(
                len(row) == len(seen) and all(map(lambda x, y: x is y, row, seen))
                for row in rows
            ):
                self.report(f"parameters of test {self.name} were changed")


class Witness:
    """One tests file: instrumented code, notes, canaries."""

    def __init__(self, plan, path, report):
        self.plan, self.path, self.report = plan, path, report
        self.words = words_of(plan.tree)
        self.liars = Liars(report, self.words)
        self.constants, self.guards, self.codes = {}, {}, set()
        self.canaries, self.tokens = [], set()
        self.builtins = {
            name: value
            for name, value in vars(builtins).items()
            if name not in MAY_CHANGE
        }
        self.fixed = {} if "builtins" in self.words else {
            name: vars(builtins)[name] for name in FIXED - bound_names(plan.tree)}
        self.library = {} if self.words & PATCHING else library_of(plan.tree)
        self.functions = own_functions(plan.tree)
        self.tables, self.kept = own_tables(plan.tree), {}
        self.case_class, self.case_methods, self.case_codes = None, {}, {}
        self.case_state, self.case_equality = [], {}
        self.canary_classes = set()
        self.is_frozen = False  # until the runner has called gc.freeze()
        sys.addaudithook(self.audit)

    # ---- answers for the result stream

    def confirm_pass(self, name):
        guard = self.guards.get(name)
        if guard is None:
            return
        guard.confirmed += 1
        if guard.confirmed > guard.passes:
            self.report(f"test {name} was reported as passed, but it did not "
                        "come to its end")

    def was_never_entered(self, name):
        """A coroutine that nobody awaited, a generator that nobody asked."""
        guard = self.guards.get(name)
        node = getattr(self.plan.tests.get(name), "node", None)
        return guard is not None and not guard.entries and (
            isinstance(node, ast.AsyncFunctionDef)
            or isinstance(node, ast.FunctionDef) and has_yield(node.body))

    def check_state(self):
        now = vars(builtins)
        for name, value in self.builtins.items():
            if now.get(name) is not value:
                self.report(f"the builtin {name} was replaced")
        for name in self.case_methods:
            if not self.is_known_method(name):
                self.report(f"TestCase.{name} was replaced")

    def remember_case(self, case_class):
        """As TestCase is now, before the job's code runs."""
        self.case_class = case_class
        self.case_methods = {
            name: value
            for name, value in vars(case_class).items()
            if callable(value) or isinstance(value, (classmethod, property))
        }
        self.case_methods["failureException"] = case_class.failureException
        self.case_codes = {
            name: getattr(value, "__code__", None)
            for name, value in self.case_methods.items()
        }
        self.case_equality = dict(case_class()._type_equality_funcs)
        module = sys.modules[case_class.__module__]
        kinds = [kind for kind in vars(module).values() if isinstance(kind, type)
                 and kind.__module__ == module.__name__ and kind is not case_class]
        self.case_state = [
            (vars(one), [(name, value, getattr(value, "__code__", None))
                         for name, value in vars(one).items() if name[:2] != "__"
                         or callable(value)])
            for one in (module, *kinds)
        ]

    def is_own_code(self, code):
        return code in self.codes

    # ---- called by the instrumented code

    def equal(self, a, b):
        __tracebackhide__ = True
        if type(a) in PLAIN and type(b) in PLAIN:
            return a == b
        return self.liars.compare(lambda: a == b, (a, b))

    def contains(self, member, container):
        __tracebackhide__ = True
        result = self.liars.compare(
            lambda: member in container, *self.liars.members(member, container))
        if result:
            self.liars.look_at_container(member, container)
        return result

    def order(self, function, a, b):
        __tracebackhide__ = True
        result = function(a, b)
        if result is True and (type(a) not in PLAIN or type(b) not in PLAIN):
            self.liars.look_at_order(function, a, b)
        return result

    def minus(self, a, b):
        __tracebackhide__ = True
        result = a - b
        if type(a) not in PLAIN or type(b) not in PLAIN:
            self.liars.look_at_difference(a, b, result)
        return result

    def assertion(self, name, function, /, *args, **named):
        __tracebackhide__ = True
        self.check_assertion(name, function)
        if name not in COMPARING or len(args) < 2:
            return function(*args, **named)
        a, b = args[:2]
        pairs = [(a, b)] if name != "assertIn" else self.liars.members(a, b)
        result = self.liars.compare(lambda: function(*args, **named), *pairs)
        if name == "assertIn":
            self.liars.look_at_container(a, b)
        elif name.startswith("assertAlmost") and (
            type(a) not in NUMBERS or type(b) not in NUMBERS
        ):
            try:
                self.minus(a, b)
            except Exception:
                pass  # equal, and no numbers
        return result

    def mocked(self, function, /, *args, **named):
        __tracebackhide__ = True
        result = function(*args, **named)
        for call in getattr(getattr(function, "__self__", None), "call_args_list", ()):
            if self.liars.is_lie(call[0], args) or self.liars.is_lie(call[1], named):
                self.liars.tell()
        return result

    def same(self, name, function):
        """Of the standard library, and what it was?"""
        known, code = self.library[name]
        if function is not known or getattr(known, "__code__", None) is not code:
            self.report(f"{name} was replaced")
        return function

    def keep_table(self, name, table):
        self.kept[name] = list(table) if type(table) in (list, dict, set) else None
        return table

    def table(self, name, table):
        """What a loop of the tests goes over cannot be changed under way."""
        if type(table) not in (list, dict, set):
            return table
        now, kept = list(table), self.kept.get(name)
        if kept is not None and (
            len(now) != len(kept) or not all(map(lambda x, y: x is y, now, kept))
        ):
            self.report(f"the tests' table {name} was changed")
        return iter(now)

    def check_frame(self, frame):
        """At the end of a test: its own module's functions, and its frame."""
        if frame.f_trace is not None and "settrace" not in self.words:
            self.report("a test was traced")
        for name in self.functions:
            function = frame.f_globals.get(name)
            if getattr(function, "__code__", None) not in self.codes:
                self.report(f"the tests' own function {name} was replaced")

    def audit(self, event, args):
        # Writes to the variables of a function that called.
        if event == "ctypes.dlsym" and str(args[1]).startswith("PyFrame"):
            self.report("the frames of callers were changed")
        if event in ("gc.get_objects", "gc.get_referrers") and self.is_frozen and (
            get_freeze_count() == 0
        ):
            self.report("the runner's own objects were looked for")

    def check_assertion(self, name, function):
        """Is it TestCase's own, or one that the tests' source defines?"""
        case = getattr(function, "__self__", None)
        if self.case_class is None or not isinstance(case, self.case_class):
            return
        for known in self.case_methods:
            if not self.is_known_method(known):
                self.report(f"TestCase.{known} was replaced")
        for namespace, values in self.case_state:
            for key, value, code in values:
                now = namespace.get(key)
                if now is not value or getattr(now, "__code__", None) is not code:
                    self.report(f"{key} of unittest was replaced")
            if "round" in namespace or "abs" in namespace or "isinstance" in namespace:
                self.report("a builtin of unittest was replaced")
        for key, value in list(case._type_equality_funcs.items()):
            if self.case_equality.get(key) != value and (
                getattr(value, "__code__", None) not in self.codes
            ):
                self.report("a comparison of unittest was replaced")
        if any(key in self.case_methods for key in vars(case)):
            self.report("a method of the test was replaced")
        for kind in type(case).__mro__:
            if kind is self.case_class:
                break
            self.check_kind(kind)

    def check_kind(self, kind):
        written = self.plan.classes.get(kind.__name__)
        if kind.__name__ in self.canary_classes:
            methods = ()
        elif written is None:
            return
        else:
            methods = written.methods
        for name in vars(kind):
            if name in methods or name not in self.case_methods:
                continue
            if name.startswith(("assert", "fail", "_base", "_get", "_deep", "_is")):
                self.report(f"{kind.__name__}.{name} was replaced")

    def is_known_method(self, name):
        now = vars(self.case_class).get(name)
        return now is self.case_methods.get(name) and (
            getattr(now, "__code__", None) is self.case_codes.get(name))

    # ---- the source

    def constant(self, value):
        token = f"{random_name()}{random_name()}"
        self.constants[token] = value
        node = ast.Constant(token)
        self.tokens.add(node)
        return node

    def call(self, function, *args):
        return ast.Call(self.constant(function), list(args), [])

    def guard_body(self, name, body, steps_only=False):
        """The statements with a note behind each, all in one `with`."""
        head = body[:1] if (
            isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
            and isinstance(body[0].value.value, str)
        ) else []
        rest = body[len(head) :]
        # A return at the very end jumps over nothing.
        steps = rest[:-1] if rest and isinstance(rest[-1], ast.Return) else rest
        is_straight = not has_return(steps)
        guard = Guard(name, len(steps) if is_straight else None, self.report,
                      None if steps_only else self.check_frame)
        self.guards[name] = guard
        inner = []
        for statement in rest:
            inner.append(statement)
            if is_straight and (steps is rest or statement is not rest[-1]):
                step = ast.Expr(self.call(guard.step))
                inner.append(ast.copy_location(step, statement))
        if steps_only or not rest:
            return head + inner
        wrapped = ast.With([ast.withitem(self.constant(guard))], inner)
        return head + [ast.copy_location(wrapped, rest[0])]

    def add_notes(self):
        """Before pytest rewrites assertions."""
        by_node = {}
        for name, test in self.plan.tests.items():
            if not isinstance(test.node, ast.Module):
                by_node.setdefault(test.node, []).append(name)
        for node, names in by_node.items():
            node.body = self.guard_body(names[0], node.body)
            self.keep_parameters(node, self.guards[names[0]])
            for name in names[1:]:  # inherited by several classes
                self.guards[name] = self.guards[names[0]]

    def keep_parameters(self, node, guard):
        """The rows of parametrize(), and the arguments that came of them."""
        known = []
        for decorator in node.decorator_list:
            if not is_parametrize(decorator):
                continue
            names = parameter_names(decorator.args[0])
            if names is None:
                continue
            known += names
            decorator.args[1] = ast.copy_location(
                self.call(
                    guard.keep_rows, self.constant(tuple(names)), decorator.args[1]),
                decorator.args[1])
        args = {arg.arg for arg in [*node.args.args, *node.args.kwonlyargs]}
        known = [name for name in known if name in args]
        place = next((s for s in node.body if isinstance(s, ast.With)
                      and s.items[0].context_expr in self.tokens), None)
        if known and place:
            values = ast.Dict(
                [ast.Constant(name) for name in known],
                [ast.Name(name, ast.Load()) for name in known])
            note = ast.Expr(self.call(guard.take_arguments, values))
            place.body.insert(0, ast.copy_location(note, place.body[0]))

    def add_canaries(self):
        """At the end of the file; their names decide where they run."""
        used = {
            part.func.attr
            for part in ast.walk(self.plan.tree)
            if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute)
        }
        has_assert = any(
            isinstance(part, ast.Assert) for part in ast.walk(self.plan.tree))
        lines = [CANARIES[name] for name in used if name in CANARIES]
        if has_assert or not lines:
            lines.append("assert {a} == {b}")
        if self.plan.kind == "unittest":
            self.add_canary_class(lines)
            return
        cases = [line for line in lines if line.startswith("self.")]
        if cases:
            self.add_canary_class(cases)
        functions = ["assert {a} == {b}", "assert {b} in [{a}]"]
        for word, statement in (
            ("raises", "with %s(KeyError): str({a})"),
            ("approx", "assert 2.5 == %s(2)"),
        ):
            if word in self.words and has_import(self.plan.tree, "pytest"):
                functions.append(statement % f"pytest.{word}")
            if has_name_from(self.plan.tree, "pytest", word):
                functions.append(statement % word)
        for line in functions:
            self.add_canary_function("", line)

    def canary(self, line, parameters):
        a = int.from_bytes(urandom(4), "little") + 2
        b = a + 1 + int.from_bytes(urandom(2), "little")
        name = "test_" + random_name()
        source = f"def {name}({parameters}):\n {line.format(a=a, b=b)}"
        return name, ast.parse(source).body[0]

    def add_canary_function(self, parameters, line):
        name, node = self.canary(line, parameters)
        self.canaries.append(name)
        self.plan.tree.body.append(node)

    def add_canary_class(self, lines):
        name = "Test" + random_name()
        self.canary_classes.add(name)
        node = ast.ClassDef(name, [self.constant(self.case_class)], [], [], [])
        for line in lines:
            method, function = self.canary(line, "self")
            self.canaries.append(f"{name}.{method}")
            node.body.append(function)
        self.plan.tree.body.append(node)

    def compile(self):
        """After pytest has rewritten assertions: the code of the module."""
        tree = Operators(self).visit(self.plan.tree)
        ast.fix_missing_locations(tree)
        for node in ast.walk(tree):
            # Made from parts of several places.
            if getattr(node, "end_lineno", None) is not None:
                node.end_lineno = max(node.lineno, node.end_lineno)
                node.end_col_offset = max(node.col_offset, node.end_col_offset)
        with warnings.catch_warnings():
            # Calling what looks like a string; the parser has warned already.
            warnings.simplefilter("ignore", SyntaxWarning)
            code = compile(tree, self.path, "exec", dont_inherit=True)
        code = self.put_constants(code)
        self.note_codes(code)
        self.liars.own_codes = self.codes
        return code

    def put_constants(self, code):
        constants = []
        for value in code.co_consts:
            if type(value) is str:
                value = self.constants.get(value, value)
            elif type(value) is type(code):
                value = self.put_constants(value)
            constants.append(value)
        return code.replace(co_consts=tuple(constants))

    def note_codes(self, code):
        self.codes.add(code)
        for value in code.co_consts:
            if type(value) is type(code):
                self.note_codes(value)


def words_of(tree):
    """Names, attributes and text of its strings' words."""
    words = set()
    for part in ast.walk(tree):
        if isinstance(part, ast.Name):
            words.add(part.id)
        elif isinstance(part, ast.Attribute):
            words.add(part.attr)
        elif isinstance(part, ast.arg):
            words.add(part.arg)
        elif isinstance(part, ast.alias):
            words.update(part.name.split("."))
        elif isinstance(part, (ast.FunctionDef, ast.ClassDef)):
            words.add(part.name)
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            words.update(part.value[:200].split("."))
    return words


def bound_names(tree):
    """What the file gives a meaning of its own; "*" stands for all."""
    names = set()
    for part in ast.walk(tree):
        if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load):
            names.add(part.id)
        elif isinstance(part, ast.arg):
            names.add(part.arg)
        elif isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(part.name)
        elif isinstance(part, ast.alias):
            names.add((part.asname or part.name).partition(".")[0])
        elif isinstance(part, ast.ExceptHandler) and part.name:
            names.add(part.name)
        elif isinstance(part, (ast.MatchAs, ast.MatchStar)) and part.name:
            names.add(part.name)
    return FIXED if "*" in names else names


def is_of_job(name):
    return any(
        os.path.exists(os.path.join(folder, name + end))
        for folder in (os.getcwd(), "tests") for end in (".py", "", ".so"))


def library_of(tree):
    """{"math.isclose": (function, its code)} of the modules that it imports."""
    found, redefined = {}, set()
    for part in ast.walk(tree):
        if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load):
            redefined.add(part.id)
        elif isinstance(part, ast.arg):
            redefined.add(part.arg)
        elif isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            redefined.add(part.name)
    for part in tree.body:
        if isinstance(part, ast.Import):
            modules = {a.name: None for a in part.names if not a.asname}
        elif isinstance(part, ast.ImportFrom) and not part.level:
            modules = {part.module: part.names}
        else:
            continue
        for module, names in modules.items():
            if module not in LIBRARY or is_of_job(module):
                continue
            values = vars(importlib.import_module(module))
            if names is None:
                values = {f"{module}.{key}": value for key, value in values.items()}
            else:
                values = {a.asname or a.name: values.get(a.name) for a in names}
            found.update((key, (value, getattr(value, "__code__", None)))
                         for key, value in values.items() if callable(value))
    return {key: value for key, value in found.items() if key not in redefined}


def own_functions(tree):
    """Helpers of the tests that have one meaning."""
    times = {}
    for part in ast.walk(tree):
        if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            times[part.name] = times.get(part.name, 0) + 1
        elif isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load):
            times[part.id] = times.get(part.id, 0) + 1
        elif isinstance(part, ast.alias):
            name = part.asname or part.name
            times[name] = times.get(name, 0) + 1
    if words_of(tree) & PATCHING:
        return []
    return [part.name for part in tree.body if isinstance(part, ast.FunctionDef)
            and not part.decorator_list and times[part.name] == 1]


def own_tables(tree):
    """Names whose values the file itself only reads: in loops, by index, by
    parametrize()."""
    read, other = set(), set()
    parents = {child: part for part in ast.walk(tree)
               for child in ast.iter_child_nodes(part)}
    stores = {}
    for part in ast.walk(tree):
        if not isinstance(part, ast.Name):
            continue
        above = parents[part]
        if isinstance(part.ctx, ast.Store):
            stores[part.id] = stores.get(part.id, 0) + 1
            if not isinstance(above, ast.Assign):
                other.add(part.id)
        elif isinstance(above, ast.For) and above.iter is part:
            read.add(part.id)
        elif not (isinstance(above, ast.comprehension) or is_parametrize(above)):
            other.add(part.id)
    return {name for name in read - other if stores.get(name) == 1}


def is_parametrize(node):
    return (
        isinstance(node, ast.Call)
        and getattr(node.func, "attr", "") == "parametrize"
        and len(node.args) > 1
        and not any(k.arg in ("indirect", None) for k in node.keywords)
        and len(node.args) == 2
    )


def parameter_names(node):
    """["a", "b"] of "a, b", or of a list or tuple of names."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [n.strip() for n in node.value.split(",") if n.strip()]
    if isinstance(node, (ast.List, ast.Tuple)) and all(
        isinstance(n, ast.Constant) and isinstance(n.value, str) for n in node.elts
    ):
        return [n.value for n in node.elts]
    return None


def has_name_from(tree, module, name):
    return any(
        isinstance(part, ast.ImportFrom) and part.module == module
        and any(alias.name == name and not alias.asname for alias in part.names)
        for part in tree.body
    )


def has_import(tree, name):
    return any(
        isinstance(part, ast.Import)
        and any(alias.name == name and not alias.asname for alias in part.names)
        for part in tree.body
    )


class Operators(ast.NodeTransformer):
    """a == b and x.assertEqual(...) become calls of the witness."""

    def __init__(self, witness):
        self.witness = witness

    def visit_Compare(self, node):
        self.generic_visit(node)
        witness = self.witness
        if len(node.ops) != 1:
            return node
        kind, a, b = type(node.ops[0]), node.left, node.comparators[0]
        if kind is ast.Eq:
            call = witness.call(witness.equal, a, b)
        elif kind is ast.In:
            call = witness.call(witness.contains, a, b)
        elif kind in ORDERS:
            call = witness.call(witness.order, witness.constant(ORDERS[kind]), a, b)
        else:
            return node
        return ast.copy_location(call, node)

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if not isinstance(node.op, ast.Sub) or (
            isinstance(node.left, ast.Constant) and isinstance(node.right, ast.Constant)
        ):
            return node
        call = self.witness.call(self.witness.minus, node.left, node.right)
        return ast.copy_location(call, node)

    def visit_For(self, node):
        self.generic_visit(node)
        if isinstance(node.iter, ast.Name) and node.iter.id in self.witness.tables:
            call = self.witness.call(
                self.witness.table, ast.Constant(node.iter.id), node.iter)
            node.iter = ast.copy_location(call, node.iter)
        return node

    def visit_Module(self, node):
        """Tables at the top are remembered as they are made."""
        for part in node.body:
            target = part.targets[0] if isinstance(part, ast.Assign) else None
            if isinstance(target, ast.Name) and target.id in self.witness.tables and (
                isinstance(part.value, (ast.List, ast.Dict, ast.Set))
            ):
                call = self.witness.call(
                    self.witness.keep_table, ast.Constant(target.id), part.value)
                part.value = ast.copy_location(call, part.value)
        return self.generic_visit(node)

    def same(self, name, node):
        call = self.witness.call(self.witness.same, ast.Constant(name), node)
        return ast.copy_location(call, node)

    def visit_Attribute(self, node):
        name = ast.unparse(node)
        self.generic_visit(node)
        is_read = isinstance(node.ctx, ast.Load)
        if not is_read or name not in self.witness.library:
            return node
        return self.same(name, node)

    def visit_Call(self, node):
        self.generic_visit(node)
        witness, name = self.witness, ast.unparse(node.func) if isinstance(
            node.func, (ast.Name, ast.Attribute)) else ""
        if isinstance(node.func, ast.Name) and name in witness.fixed:
            node.func = ast.copy_location(
                witness.constant(witness.fixed[name]), node.func)
            return node
        if isinstance(node.func, ast.Name) and name in witness.library:
            node.func = self.same(name, node.func)
            return node
        if not isinstance(node.func, ast.Attribute):
            return node
        if node.func.attr in MOCKED:
            call = witness.call(witness.mocked, node.func, *node.args)
        elif node.func.attr in CANARIES or node.func.attr in COMPARING:
            call = witness.call(
                witness.assertion, ast.Constant(node.func.attr), node.func,
                *node.args)
        else:
            return node
        call.keywords = node.keywords
        return ast.copy_location(call, node)

    def visit_Name(self, node):
        # pytest's rewritten assertions look it up by name.
        if node.id == "AssertionError" and isinstance(node.ctx, ast.Load):
            return ast.copy_location(self.witness.constant(AssertionError), node)
        return node
