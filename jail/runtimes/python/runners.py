# SPDX-License-Identifier: Apache-2.0
"""The three ways of running a tests file, each with the harness's own copy of
its source: unittest, pytest, and as a script whose end is the one test.
"""
import ast
import gc
import importlib.util
import os
import random
import sys
import time
import types


class Source:
    """The tests file as a module that is made from our copy, not from disk."""

    def __init__(self, path, code):
        self.path, self.code = os.path.abspath(path), code
        self.folder, file = os.path.split(self.path)
        self.name = file.rpartition(".")[0]

    # A finder and a loader of importlib.

    def find_spec(self, name, path=None, target=None):
        if name.rpartition(".")[2] != self.name:
            return None
        folders = sys.path if path is None else path
        if all(os.path.realpath(f) != os.path.realpath(self.folder) for f in folders):
            return None
        return importlib.util.spec_from_file_location(name, self.path, loader=self)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        # Ours are a copy that nobody else sees.
        module.__dict__["__builtins__"] = vars(sys.modules["builtins"])
        exec(self.code, module.__dict__)


class Run:
    """What the runners have in common."""

    def __init__(self, job, results, plan, witness):
        self.job, self.results = job, results
        self.plan, self.witness = plan, witness

    def start(self):
        expected = self.plan.expected() if self.plan else None
        self.results.witness = self.witness
        self.results.start(
            expected, self.plan is None or self.plan.is_open, self.witness.canaries
            if self.witness else ())
        if self.witness:
            self.results.at_end.append(self.witness.check_state)
        # What there is now is in none of gc's lists.
        gc.freeze()
        if self.witness:
            self.witness.is_frozen = True

    def note(self, name, of, outcome, seconds=0.0, message=""):
        if outcome == "skipped" and self.plan:
            if of in self.results.canaries:
                outcome = "error" if self.plan.may_skip else outcome
            elif not self.plan.may_be_skipped(of):
                outcome = "error"
                message = f"skipped by something else than the tests file: {message}"
        if outcome == "passed" and self.witness and self.witness.was_never_entered(of):
            outcome, message = "error", "the test's coroutine or generator never ran"
        known = self.plan and (of in self.plan.tests or of in self.results.canaries)
        self.results.test(name, outcome, seconds, message, of if known else None)

    def note_group(self, name, members, outcome, message):
        """A class or the module as a whole was skipped, or is broken."""
        if outcome == "skipped" and not all(map(self.plan.may_be_skipped, members)):
            outcome = "error"
            message = f"skipped by something else than the tests file: {message}"
        of = [m for m in members for _ in range(self.plan.tests[m].times)]
        self.results.test(name, outcome, 0.0, message, of or None)


# ---- unittest ----------------------------------------------------------


def result_class(unittest, run):
    """What unittest says to a result, as records; canaries are not counted or
    shown."""
    canaries = run.results.canaries

    class Result(unittest.TextTestResult):
        def key(self, test):
            return test.id().partition(".")[2].partition(" ")[0]

        def is_canary(self, test):
            return self.key(test) in canaries

        def startTest(self, test):
            self.started = time.monotonic()
            if not self.is_canary(test):
                super().startTest(test)

        def stopTest(self, test):
            if not self.is_canary(test):
                super().stopTest(test)

        def note(self, test, outcome, message=""):
            # Errors of setUpClass and setUpModule come without a startTest.
            started = getattr(self, "started", None) or time.monotonic()
            took = time.monotonic() - started
            run.note(test.id(), self.key(test), outcome, took, message)

        def addSuccess(self, test):
            if not self.is_canary(test):
                super().addSuccess(test)
            self.note(test, "passed")

        def addError(self, test, err):
            if self.is_canary(test):
                return self.note(test, "error")
            super().addError(test, err)
            self.note(test, "error", self.errors[-1][1])

        def addFailure(self, test, err):
            if self.is_canary(test):
                return self.note(test, "failed")
            super().addFailure(test, err)
            self.note(test, "failed", self.failures[-1][1])

        def addSkip(self, test, reason):
            if self.is_canary(test):
                return self.note(test, "skipped")
            super().addSkip(test, reason)
            what, _, group = test.id().partition(" (")
            if what == "setUpClass":
                group = group.rstrip(")").partition(".")[2]
                run.note_group(
                    test.id(), run.plan.of_class(group), "skipped", reason)
            elif what == "setUpModule":
                run.note_group(test.id(), list(run.plan.tests), "skipped", reason)
            else:
                self.note(test, "skipped", reason)

        def addExpectedFailure(self, test, err):
            super().addExpectedFailure(test, err)
            self.note(test, "skipped", "expected failure")

        def addUnexpectedSuccess(self, test):
            super().addUnexpectedSuccess(test)
            self.note(test, "failed", "unexpected success")

        def addSubTest(self, test, subtest, err):
            super().addSubTest(test, subtest, err)
            if err is not None:
                is_failure = issubclass(err[0], test.failureException)
                kept = self.failures if is_failure else self.errors
                outcome = "failed" if is_failure else "error"
                self.note(subtest, outcome, kept[-1][1])

    return Result


def load_unittest(unittest, source, run):
    """The suite, as TestLoader.discover() makes it of this one file."""
    loader = unittest.TestLoader()
    spec = importlib.util.spec_from_file_location(
        source.name, source.path, loader=source)
    module = importlib.util.module_from_spec(spec)
    sys.modules[source.name] = module
    try:
        source.exec_module(module)
    except unittest.SkipTest as reason:
        run.note_group(source.name, list(run.plan.tests), "skipped", str(reason))
        return unittest.TestSuite()
    except BaseException:
        failed, _ = unittest.loader._make_failed_import_test(
            source.name, loader.suiteClass)
        return failed
    if not has_load_tests(run.plan.tree):
        module.load_tests = None
        return loader.loadTestsFromModule(module, pattern=None)
    suite = loader.loadTestsFromModule(module, pattern=None)
    # It chooses tests by itself and does not know these.
    for name in run.witness.canary_classes:
        suite.addTests(loader.loadTestsFromTestCase(getattr(module, name)))
    return suite


def has_load_tests(tree):
    return any(
        isinstance(part, ast.Name) and part.id == "load_tests"
        or getattr(part, "name", None) == "load_tests"
        for part in ast.walk(tree)
    )


def run_unittest(run, unittest, source):
    folder = os.path.dirname(source.path)
    sys.path.insert(0, os.getcwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    suite = load_unittest(unittest, source, run)
    result = result_class(unittest, run)
    unittest.TextTestRunner(resultclass=result, warnings="default").run(suite)


# ---- pytest ------------------------------------------------------------


class PytestReporter:
    """A pytest plugin that turns reports into result lines."""

    OUTCOMES = {
        "passed": "passed",
        "xpassed": "passed",
        "failed": "failed",
        "error": "error",
        "skipped": "skipped",
        "xfailed": "skipped",
    }

    def __init__(self, pytest, run, source):
        self.run, self.source = run, source
        self.canaries = run.results.canaries
        self.phases = {}
        self.config = None
        # Hooks that need an order; the marks are pytest's own.
        for hook, options in (
            ("pytest_configure", {"trylast": True}),
            ("pytest_collection_modifyitems", {"trylast": True}),
            ("pytest_runtest_protocol", {"tryfirst": True}),
        ):
            pytest.hookimpl(**options)(getattr(type(self), hook))

    def pytest_configure(self, config):
        self.config = config
        sys.meta_path.insert(0, self.source)

    @staticmethod
    def key(nodeid):
        """"Class.test" of "dir/test_x.py::Class::test[param]"."""
        return nodeid.partition("::")[2].partition("[")[0].replace("::", ".")

    def pytest_collectreport(self, report):
        if report.failed:
            self.run.results.test(report.nodeid, "error", 0.0, report.longreprtext)
        elif report.skipped:
            group = self.key(report.nodeid)
            tests = self.run.plan.tests
            members = self.run.plan.of_class(group) if group else list(tests)
            self.run.note_group(
                report.nodeid, members, "skipped", self.reason(report))

    # ---- canaries: at a random place, not shown and not counted

    def is_canary(self, item):
        return self.key(item.nodeid) in self.canaries

    def pytest_collection_modifyitems(self, items):
        canaries = [item for item in items if self.is_canary(item)]
        rest = [item for item in items if not self.is_canary(item)]
        for canary in canaries:
            # Not inside of a class, whose fixtures that would end.
            places = [0, len(rest)] + [
                i for i in range(1, len(rest))
                if rest[i - 1].parent is not rest[i].parent
                or type(rest[i].parent).__name__ == "Module"
            ]
            rest.insert(random.choice(places), canary)
        items[:] = rest

    def pytest_runtest_protocol(self, item, nextitem):
        if not self.is_canary(item):
            return None
        from _pytest.runner import runtestprotocol

        for report in runtestprotocol(item, nextitem=nextitem, log=False):
            self.pytest_runtest_logreport(report)
        return True

    # ---- reports

    def pytest_runtest_logreport(self, report):
        took = self.phases.pop(report.nodeid, 0.0) + report.duration
        status = self.config.hook.pytest_report_teststatus(
            report=report, config=self.config
        )
        outcome = self.OUTCOMES.get(status[0])
        if outcome:
            self.run.note(
                report.nodeid, self.key(report.nodeid), outcome, took,
                self.reason(report))
        elif report.when == "setup":
            self.phases[report.nodeid] = took

    @staticmethod
    def reason(report):
        if hasattr(report, "wasxfail"):
            return report.wasxfail
        if report.skipped and isinstance(report.longrepr, tuple):
            return report.longrepr[2]
        return report.longreprtext

    def pytest_internalerror(self, excrepr):
        self.run.results.test("(pytest)", "error", 0.0, str(excrepr))

    def pytest_keyboard_interrupt(self, excinfo):
        self.run.results.test(
            "(pytest)", "error", 0.0, f"stopped: {excinfo.value}")


def asked_plugins(tree):
    """Coroutine tests have a usual plugin, which is there for those that ask;
    the system's own: no folder of the job is searched yet."""
    names = {getattr(part, field, None) for part in ast.walk(tree)
             for field in ("attr", "name", "module")}
    if not names & {"asyncio", "pytest_asyncio"}:
        return []
    if importlib.util.find_spec("pytest_asyncio") is None:
        return []
    return [importlib.import_module("pytest_asyncio.plugin")]


def run_pytest(run, pytest, source):
    plugins = asked_plugins(run.plan.tree)
    sys.path.insert(0, os.getcwd())
    reporter = PytestReporter(pytest, run, source)
    # No capture: what a test prints belongs to the job's output.
    code = pytest.main(
        ["-q", "-s", "--tb=short", "--color=no", "-p", "no:cacheprovider"]
        + ["--", run.job.tests],
        plugins=[reporter, *plugins],
    )
    if code == pytest.ExitCode.USAGE_ERROR:
        run.results.test("(pytest)", "error", 0.0, "usage error; see stderr")


# ---- script ------------------------------------------------------------


def without_harness(traceback):
    """The traceback from the first frame that is not ours."""
    ours = os.path.dirname(__file__) + "/"
    while traceback and traceback.tb_frame.f_code.co_filename.startswith(ours):
        traceback = traceback.tb_next
    return traceback


def left_by_tests(witness, error):
    """Was the exit asked for by the tests file itself?"""
    last = None
    traceback = error.__traceback__
    while traceback:
        code = traceback.tb_frame.f_code
        if os.path.basename(code.co_filename) != "_sitebuiltins.py>":
            last = code
        traceback = traceback.tb_next
    return last is None or witness.is_own_code(last) or (
        last.co_filename == "<frozen _sitebuiltins>")


def script_outcome(run, source, guard):
    import traceback

    try:
        exec(source.code, sys.modules["__main__"].__dict__)
    except SystemExit as error:
        if error.code is not None and error.code != 0:
            return "failed", f"exit code {error.code}"
        if not left_by_tests(run.witness, error):
            return "error", "the program ended the run in the middle of its tests"
        return "passed", ""
    except BaseException as error:
        error.__traceback__ = without_harness(error.__traceback__)
        message = "".join(traceback.format_exception(error))
        sys.stderr.write(message)
        return "failed", message
    if guard.steps is not None and guard.reached != guard.steps:
        run.results.forged("statements of the tests were jumped over")
    return "passed", ""


def run_script(run, source, guard):
    main = types.ModuleType("__main__")
    main.__file__ = source.path
    main.__builtins__ = sys.modules["builtins"]
    main.__annotations__ = {}
    sys.modules["__main__"] = main
    sys.argv = [run.job.tests, *run.job.args]
    sys.path.insert(0, os.getcwd())
    sys.path.insert(0, source.folder)
    started = time.monotonic()
    outcome, message = script_outcome(run, source, guard)
    run.results.test(
        run.job.tests, outcome, time.monotonic() - started, message, run.job.tests)


# ---- all ---------------------------------------------------------------


def broken_source(job, results, error):
    """A file that does not parse; unittest says so as an import error."""
    import traceback

    message = "".join(traceback.format_exception_only(error))
    sys.stderr.write(message)
    results.start()
    results.test(job.tests, "error", 0.0, message)


def run(job, data, results, plan_module, witness_module):
    try:
        tree = ast.parse(data, job.tests)
    except (SyntaxError, ValueError) as error:
        broken_source(job, results, error)
        return
    kind = plan_module.choose_kind(tree)
    plan = plan_module.Plan(tree, kind, job.tests)
    path = os.path.abspath(job.tests)
    witness = witness_module.Witness(plan, path, results.forged)
    one = Run(job, results, plan, witness)
    if kind == "script":
        tree.body = witness.guard_body(job.tests, tree.body, True) if tree.body else []
        guard = witness.guards.pop(job.tests, None) or witness_module.Guard(
            job.tests, None, results.forged)
        source = Source(path, witness.compile())
        one.start()
        run_script(one, source, guard)
        return
    import unittest

    witness.remember_case(unittest.TestCase)
    witness.add_notes()
    witness.add_canaries()
    if kind == "pytest":
        # Plugins that happen to be installed, or that a job's *.dist-info names,
        # are no part of a run; tests that want one have it in pytest_plugins.
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        import pytest
        from _pytest.assertion.rewrite import rewrite_asserts

        ast.fix_missing_locations(tree)
        rewrite_asserts(tree, data, job.tests)
    source = Source(path, witness.compile())
    one.start()
    if kind == "pytest":
        run_pytest(one, pytest, source)
    else:
        run_unittest(one, unittest, source)
    if results.cases == 0:
        results.test(job.tests, "error", 0.0, "no tests found")
