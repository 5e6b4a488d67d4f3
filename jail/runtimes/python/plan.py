# SPDX-License-Identifier: Apache-2.0
"""Which tests a file has, read from its source before any code of the job runs.

The rules are those of unittest's loader and of pytest's default settings.  What
the source leaves open (names made at run time, classes from elsewhere) is said
to be open: then other tests may be reported, too, but those that are seen here
must.
"""
import ast

# Words by which a tests file says itself that a test need not run, or may fail.
SKIP_WORDS = frozenset(
    "skip skipIf skipUnless skipTest SkipTest skipif xfail importorskip "
    "expectedFailure Skipped".split()
)
# Ways to make tests that cannot be seen in the source.
OPEN_WORDS = frozenset(
    "setattr globals exec eval __import__ load_tests __init_subclass__ "
    "pytest_collection_modifyitems pytest_pycollect_makeitem vars "
    "__build_class__ expand parameterized addTest".split()
)
CASE_BASES = ("TestCase", "IsolatedAsyncioTestCase")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
REPEAT_MAX = 10000


def words_of(node):
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr
        elif isinstance(part, FUNCTIONS):
            yield part.name
        elif isinstance(part, ast.keyword) and part.arg == "metaclass":
            yield "__init_subclass__"


def has_word(nodes, words):
    return any(word in words for node in nodes for word in words_of(node))


def last_name(node):
    """"TestCase" of unittest.TestCase."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def repeats(function):
    """How often pytest runs it at least, by parametrize() over literals."""
    times = 1
    for decorator in function.decorator_list:
        if not isinstance(decorator, ast.Call):
            continue
        values = decorator.args[1] if len(decorator.args) > 1 else None
        if last_name(decorator.func) == "parametrize" and isinstance(
            values, (ast.List, ast.Tuple, ast.Set)
        ):
            if not any(isinstance(v, ast.Starred) for v in values.elts):
                times *= max(1, len(values.elts))
    return min(times, REPEAT_MAX)


def is_test_function(node):
    return isinstance(node, FUNCTIONS) and node.name.startswith("test")


class Test:
    def __init__(self, node, times, may_skip):
        self.node, self.times, self.may_skip = node, times, may_skip


class Class:
    """What counts of a class of the file."""

    def __init__(self, node, plan):
        self.node = node
        self.bases = [last_name(base) for base in node.bases]
        self.methods = {}
        for part in node.body:
            if isinstance(part, FUNCTIONS):
                self.methods[part.name] = part
            elif isinstance(part, ast.Assign) and isinstance(part.value, ast.Name):
                for target in part.targets:
                    known = self.methods.get(part.value.id)
                    if isinstance(target, ast.Name) and known:
                        self.methods[target.id] = known
            elif isinstance(part, (ast.If, ast.Try, ast.For, ast.While, ast.With)):
                plan.is_open |= has_tests([part])
        rest = [p for p in node.body if getattr(p, "name", "")[:4] != "test"]
        self.may_skip = has_word(rest + node.decorator_list, SKIP_WORDS)
        self.is_hidden = any(
            isinstance(p, ast.Assign)
            and last_name(p.targets[0]) == "__test__"
            and isinstance(p.value, ast.Constant)
            and not p.value.value
            for p in node.body
        )
        # Decorators other than skips may do anything to the class.
        plan.is_open |= bool(node.keywords) or any(
            not set(words_of(d)) & (SKIP_WORDS | {"mark", "patch"})
            for d in node.decorator_list
        )


def has_tests(nodes):
    return any(
        isinstance(part, (*FUNCTIONS, ast.ClassDef)) and "test" in part.name.lower()
        for node in nodes
        for part in ast.walk(node)
    )


class Plan:
    """tests: {name: Test}; a name is "test_a", "Class.test_a"."""

    def __init__(self, tree, kind, file):
        self.tests, self.is_open, self.classes = {}, False, {}
        self.kind, self.tree = kind, tree
        if kind == "script":
            self.tests[file] = Test(tree, 1, False)
            return
        self.read_module(tree)
        for name, found in self.classes.items():
            if not found.is_hidden:
                self.add_class(name, found)

    # ---- what there is

    def read_module(self, tree):
        rest = []
        for part in tree.body:
            if isinstance(part, ast.ClassDef):
                self.classes[part.name] = Class(part, self)
            elif isinstance(part, ast.Delete):
                for target in part.targets:
                    self.classes.pop(last_name(target), None)
            elif not is_test_function(part) and not isinstance(
                part, (ast.Import, ast.ImportFrom)
            ):
                rest.append(part)
                if isinstance(part, (ast.If, ast.Try, ast.For, ast.While, ast.With)):
                    self.is_open |= has_tests([part])
            self.is_open |= self.brings_tests(part)
        self.is_open |= has_word([tree], OPEN_WORDS)
        self.may_skip = has_word(rest, SKIP_WORDS)
        if self.kind == "pytest":
            for part in filter(is_test_function, tree.body):
                self.add(part.name, part)
        if has_word(tree.body, {"load_tests"}):
            self.classes = {}

    @staticmethod
    def brings_tests(part):
        """from helpers import BaseTests, *"""
        return isinstance(part, ast.ImportFrom) and any(
            alias.name == "*"
            or "test" in alias.name.lower()
            and alias.name not in CASE_BASES
            for alias in part.names
        )

    def family(self, name, seen=()):
        """(methods, is a TestCase, may skip, is known) with its bases."""
        found = self.classes[name]
        methods, is_case, may_skip, is_known = {}, False, found.may_skip, True
        for base in reversed(found.bases):
            if base in CASE_BASES:
                is_case = True
            elif base in self.classes and base not in seen:
                more = self.family(base, (*seen, name))
                methods.update(more[0])
                is_case |= more[1]
                may_skip |= more[2]
                is_known &= more[3]
            elif base != "object":
                is_known = False
                is_case |= "TestCase" in base
        methods.update(found.methods)
        return methods, is_case, may_skip, is_known

    # ---- what must run

    def add(self, name, node, may_skip=False, times=1):
        may_skip |= self.may_skip or has_word([node], SKIP_WORDS)
        if self.kind == "pytest":
            times *= repeats(node)
        self.tests[name] = Test(node, min(times, REPEAT_MAX), may_skip)

    def add_class(self, name, found):
        methods, is_case, may_skip, is_known = self.family(name)
        self.is_open |= not is_known
        is_pytest_class = (
            self.kind == "pytest"
            and name.startswith("Test")
            and "__init__" not in methods
        )
        if not is_case and not is_pytest_class:
            return
        for method, node in methods.items():
            if not method.startswith("test"):
                continue
            if is_case:
                self.add_method(f"{name}.{method}", node, may_skip)
            else:
                self.add(f"{name}.{method}", node, may_skip, repeats(found.node))
        if is_pytest_class:
            self.is_open |= has_tests(
                p for p in found.node.body if isinstance(p, ast.ClassDef))

    def add_method(self, name, node, may_skip):
        may_skip |= self.may_skip or has_word([node], SKIP_WORDS)
        self.tests[name] = Test(node, 1, may_skip)

    # ---- answers

    def expected(self):
        names = [name for name, test in self.tests.items() for _ in range(test.times)]
        return names[:REPEAT_MAX]

    def may_be_skipped(self, name):
        test = self.tests.get(name)
        if test is None:
            return self.may_skip or self.is_open
        # pytest skips coroutines that no plugin of it runs.
        is_coroutine = isinstance(test.node, ast.AsyncFunctionDef)
        return test.may_skip or self.kind == "pytest" and is_coroutine

    def of_class(self, name):
        return [n for n in self.tests if n.startswith(name + ".")]


def choose_kind(tree):
    """"unittest", "pytest" or "script", by what the tests' source contains."""
    has_unittest = False
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        roots = {name.split(".")[0] for name in names}
        if roots & {"pytest", "_pytest"}:
            return "pytest"
        has_unittest |= "unittest" in roots
    for node in tree.body:
        if isinstance(node, FUNCTIONS):
            if node.name.startswith("test"):
                return "pytest"
        elif isinstance(node, ast.ClassDef):
            if any("TestCase" in ast.unparse(base) for base in node.bases):
                has_unittest = True
            elif node.name.startswith("Test") and not node.bases:
                return "pytest"
    return "unittest" if has_unittest else "script"
