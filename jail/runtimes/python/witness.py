# SPDX-License-Identifier: Apache-2.0
"""What the tests themselves say about having run, whatever a runner reports.

The tests' source is changed before it is compiled:

  - each test's body is wrapped: it leaves a note that it was entered, that each
    of its statements was reached, and that it came to its end by itself.  A
    test is believed to have passed only if there is such a note;
  - a == b, and assertEqual() and the like, look at operands that say "equal":
    a value of the program's own type that is equal to changed copies of the
    other side, too, is equal to anything and proves nothing;
  - methods of TestCase are compared with what they were at the start;
  - canaries are added: tests that fail, by the assertions that the file uses.

Our functions are put into the code as constants, so that no name leads to them.
"""
import ast
import builtins
import sys
import warnings
from os import urandom

# unittest leaves frames of modules with this name out of its tracebacks.
__unittest = True

PLAIN = frozenset((int, str, bytes, float, complex, bool, type(None)))
BUILTIN = frozenset(t for t in vars(builtins).values() if isinstance(t, type))
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


def has_return(nodes):
    """In this function itself, not in one that it defines."""
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if isinstance(node, (ast.Return, ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(node, NESTED):
            stack.extend(ast.iter_child_nodes(node))
    return False


def random_name():
    return urandom(6).hex()


def changed_copies(value):
    """Values of the same kind that are not equal to this one."""
    kind = type(value)
    if kind in (int, float, complex, bool):
        return [kind(value) + 982451653, 57885161 - value]
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


class Liars:
    """Finds operands that are equal to anything."""

    def __init__(self, report):
        self.report, self.own_codes = report, set()

    def has_own_equality(self, value):
        for kind in type(value).__mro__:
            equality = vars(kind).get("__eq__")
            if equality is None:
                continue
            if kind in BUILTIN:
                return False
            code = getattr(equality, "__code__", None)
            # Matchers of the tests file itself, and of the standard library.
            if code is None or code in self.own_codes:
                return False
            return not code.co_filename.startswith(("/usr/lib/", "<frozen"))
        return False

    def is_liar(self, value, other):
        try:
            return self.has_own_equality(value) and all(
                bool(value == copy) for copy in changed_copies(other)
            )
        except Exception:
            return False

    def look(self, a, b, depth=4):
        kind = type(a)
        if kind in PLAIN and type(b) in PLAIN or depth == 0:
            return
        if kind in (list, tuple) and type(b) is kind:
            for x, y in list(zip(a, b))[:1000]:
                self.look(x, y, depth - 1)
        elif kind is dict and type(b) is dict:
            for key in list(a)[:1000]:
                if key in b:
                    self.look(a[key], b[key], depth - 1)
        elif self.is_liar(a, b) or self.is_liar(b, a):
            self.report("a value that is equal to anything was compared")

    def look_inside(self, member, container):
        if type(container) in (list, tuple, set, frozenset):
            for one in list(container)[:100]:
                self.look(member, one)


class Guard:
    """The note of one test: how often it came to its end, and how."""

    def __init__(self, name, steps, report):
        self.name, self.steps, self.report = name, steps, report
        self.reached, self.passes, self.confirmed = 0, 0, 0

    def __enter__(self):
        self.reached = 0

    def __exit__(self, kind, error, traceback):
        if kind is not None:
            return
        if self.steps is not None and self.reached != self.steps:
            self.report(f"statements of test {self.name} were jumped over")
        self.passes += 1

    def step(self):
        self.reached += 1


class Witness:
    """One tests file: instrumented code, notes, canaries."""

    def __init__(self, plan, path, report):
        self.plan, self.path, self.report = plan, path, report
        self.liars = Liars(report)
        self.constants, self.guards, self.codes = {}, {}, set()
        self.canaries = []
        self.builtins = {
            name: value
            for name, value in vars(builtins).items()
            if name not in MAY_CHANGE
        }
        self.case_class, self.case_methods, self.case_codes = None, {}, {}
        self.canary_classes = set()

    # ---- answers for the result stream

    def confirm_pass(self, name):
        guard = self.guards.get(name)
        if guard is None:
            return
        guard.confirmed += 1
        if guard.confirmed > guard.passes:
            self.report(f"test {name} was reported as passed, but it did not "
                        "come to its end")

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

    def is_own_code(self, code):
        return code in self.codes

    # ---- called by the instrumented code

    def equal(self, a, b):
        __tracebackhide__ = True
        result = a == b
        if result is not False and (
            type(a) not in PLAIN or type(b) not in PLAIN
        ):
            self.liars.look(a, b)
        return result

    def assertion(self, name, function, /, *args, **named):
        __tracebackhide__ = True
        self.check_assertion(name, function)
        result = function(*args, **named)
        if name in COMPARING and len(args) > 1:
            self.liars.look(args[0], args[1])
            self.liars.look_inside(args[0], args[1])
        return result

    def check_assertion(self, name, function):
        """Is it TestCase's own, or one that the tests' source defines?"""
        case = getattr(function, "__self__", None)
        if self.case_class is None or not isinstance(case, self.case_class):
            return
        for kind in type(case).__mro__:
            if name in vars(kind):
                break
        else:
            return
        written = self.plan.classes.get(kind.__name__)
        if kind is self.case_class:
            is_good = self.is_known_method(name)
        else:
            is_good = name in written.methods if written else (
                kind.__name__ not in self.canary_classes)
        if not is_good or name in vars(case):
            self.report(f"{kind.__name__}.{name} was replaced")

    def is_known_method(self, name):
        now = vars(self.case_class).get(name)
        return now is self.case_methods.get(name) and (
            getattr(now, "__code__", None) is self.case_codes.get(name))

    # ---- the source

    def constant(self, value):
        token = f"{random_name()}{random_name()}"
        self.constants[token] = value
        return ast.Constant(token)

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
        is_straight = not has_return(rest)
        guard = Guard(name, len(rest) if is_straight else None, self.report)
        self.guards[name] = guard
        inner = []
        for statement in rest:
            inner.append(statement)
            if is_straight:
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
            for name in names[1:]:  # inherited by several classes
                self.guards[name] = self.guards[names[0]]

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
        if "raises" in used and has_import(self.plan.tree, "pytest"):
            functions.append("pytest.raises(KeyError, str, {a})")
        for line in functions:
            self.add_canary_function("", line)

    def canary(self, line, parameters):
        a = int.from_bytes(urandom(4), "little") + 2
        b = a + 1 + int.from_bytes(urandom(2), "little")
        name = "test_" + random_name()
        source = f"def {name}({parameters}): {line.format(a=a, b=b)}"
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
        if len(node.ops) != 1 or not isinstance(node.ops[0], ast.Eq):
            return node
        call = self.witness.call(
            self.witness.equal, node.left, node.comparators[0])
        return ast.copy_location(call, node)

    def visit_Call(self, node):
        self.generic_visit(node)
        if not isinstance(node.func, ast.Attribute):
            return node
        if node.func.attr not in CANARIES and node.func.attr not in COMPARING:
            return node
        call = self.witness.call(
            self.witness.assertion, ast.Constant(node.func.attr), node.func,
            *node.args)
        call.keywords = node.keywords
        return ast.copy_location(call, node)

    def visit_Name(self, node):
        # pytest's rewritten assertions look it up by name.
        if node.id == "AssertionError" and isinstance(node.ctx, ast.Load):
            return ast.copy_location(self.witness.constant(AssertionError), node)
        return node
