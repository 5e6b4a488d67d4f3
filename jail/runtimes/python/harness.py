# SPDX-License-Identifier: Apache-2.0
"""The python runtime's harness: runs one job inside the jail.

It starts under the jail's filter, says it is ready on the gate, and only then
reads the job.  In mode=run it behaves like `python3 CODE ARGS`; in mode=test
it runs the tests with unittest, pytest or as a script, in this process, and
writes one JSON line a test to fd 3.  The closing record is written only when
the runner came to its own end; code that ends the process earlier leaves the
stream open, which the reader takes for an incomplete run.

Everything here shares a process with untrusted code: it protects nothing, the
jail around it does.
"""
import sys

# What a bare interpreter has loaded at this point.
BARE_MODULES = frozenset(sys.modules)

import io
import os
import time
import types

RESULT_FD = 3
GATE_FD = 4
JOB_FILE = "/run/job"
JOB_FILE_MAX = 65536

NAME_MAX = 256
MESSAGE_MAX = 4096
CASES_MAX = 10000
# Below the 8 MiB that a client keeps of the result stream.
RESULT_BYTES_MAX = 6 << 20


class Job:
    """The manifest: NUL-terminated key=value strings."""

    def __init__(self, raw):
        self.mode = self.code = self.tests = None
        self.args = []
        for field in raw.split(b"\0")[:-1]:
            key, _, value = os.fsdecode(field).partition("=")
            if key == "arg":
                self.args.append(value)
            elif key in ("mode", "code", "tests"):
                setattr(self, key, value)
        if self.mode not in ("run", "test") or not self.code:
            raise ValueError("bad manifest")
        if self.mode == "test" and not self.tests:
            raise ValueError("bad manifest: no tests")


def wait_at_gate():
    os.write(GATE_FD, b"R")
    if os.read(GATE_FD, 16) != b"G":
        os._exit(1)
    os.close(GATE_FD)


def read_job():
    # The tests of this harness run it without a jail, where /run is not
    # theirs.  Inside a jail nobody can set this: the environment consists of
    # what the policy and runtime.ini say.
    path = os.environ.pop("PROMPTCRAFT_JOB_FILE", JOB_FILE)
    with open(path, "rb") as file:
        return Job(file.read(JOB_FILE_MAX))


# ---- the result stream -------------------------------------------------


def clean(text, limit):
    """Valid UTF-8 of at most limit bytes, without control characters."""
    text = "".join(
        c if c >= " " and c != "\x7f" or c in "\n\t" else "\ufffd"
        for c in text[: 64 * limit]
    )
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= limit:
        return data.decode()
    # The end of a traceback says most; a little of its beginning helps.
    head, mark = limit // 4, b"\n...\n" if limit >= 1024 else b"..."
    tail = data[len(data) - (limit - head - len(mark)) :]
    return (
        data[:head].decode("utf-8", "ignore")
        + mark.decode()
        + tail.decode("utf-8", "ignore")
    )


class Results:
    COUNT_OF = {
        "passed": "passed",
        "failed": "failed",
        "error": "errors",
        "skipped": "skipped",
    }

    def __init__(self):
        self.pid = os.getpid()
        self.counts = dict.fromkeys(self.COUNT_OF.values(), 0)
        self.cases = self.bytes = 0
        self.is_started = self.is_full = False
        # Before the job's own folder is on the path.
        import json

        self.dumps = json.dumps

    def _write(self, record):
        # A forked child that runs on into the runner is not this run.
        if os.getpid() != self.pid:
            return
        line = self.dumps(record, ensure_ascii=False).encode() + b"\n"
        self.bytes += len(line)
        while line:
            line = line[os.write(RESULT_FD, line) :]

    def start(self, expected=None):
        if not self.is_started:
            self.is_started = True
            self._write({"type": "start", "expected": expected})

    def test(self, name, outcome, seconds=0.0, message=""):
        if self.is_full:
            return
        self.start()
        if self.cases >= CASES_MAX or self.bytes > RESULT_BYTES_MAX:
            self.is_full = True
            name, outcome, seconds = "(harness)", "error", 0.0
            message = f"only the first {self.cases} tests are reported"
        self.cases += 1
        self.counts[self.COUNT_OF[outcome]] += 1
        self._write(
            {
                "type": "test",
                "test": clean(str(name), NAME_MAX),
                "outcome": outcome,
                "duration_ms": round(seconds * 1000, 3),
                "message": clean(str(message), MESSAGE_MAX),
            }
        )

    def end(self):
        """Returns the exit code of the run."""
        self.start()
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError, AttributeError):
                pass  # closed by the program; nothing of ours is in it
        self._write({"type": "end", **self.counts})
        return 1 if self.counts["failed"] or self.counts["errors"] else 0


# ---- mode=run ----------------------------------------------------------


def without_harness(traceback):
    """The traceback from the first frame that is not ours."""
    while traceback and traceback.tb_frame.f_code.co_filename == __file__:
        traceback = traceback.tb_next
    return traceback


def run_as_main(path):
    """Execute a file as __main__, the way `python3 FILE` does."""
    full = os.path.abspath(path)
    main = types.ModuleType("__main__")
    main.__file__ = full
    main.__builtins__ = sys.modules["builtins"]
    main.__annotations__ = {}
    sys.modules["__main__"] = main
    sys.path.insert(0, os.path.dirname(full))
    with io.open_code(full) as file:
        source = file.read()
    exec(compile(source, full, "exec", dont_inherit=True), main.__dict__)


def forget_shadowed_modules(folder):
    """A program may have its own module of a name that we have imported, and
    must get that one."""
    for name in set(sys.modules) - BARE_MODULES:
        own = os.path.join(folder, name.partition(".")[0])
        if os.path.exists(own + ".py") or os.path.isdir(own):
            del sys.modules[name]


def run_program(job):
    """Like `python3 CODE ARGS`; returns only by exception or at the end."""
    forget_shadowed_modules(os.path.dirname(os.path.abspath(job.code)))
    sys.argv = [job.code, *job.args]
    try:
        run_as_main(job.code)
    except SystemExit:
        raise
    except BaseException as error:
        error.__traceback__ = without_harness(error.__traceback__)
        sys.excepthook(type(error), error, error.__traceback__)
        if isinstance(error, KeyboardInterrupt):
            import signal

            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        sys.exit(1)


# ---- mode=test ---------------------------------------------------------


def choose_runner(source):
    """"unittest", "pytest" or "script", by what the tests' source contains."""
    import ast

    def is_test_case(node):
        return any("TestCase" in ast.unparse(base) for base in node.bases)

    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return "unittest"  # which reports the error when it imports the file
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
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if node.name.startswith("test"):
                return "pytest"
        elif isinstance(node, ast.ClassDef):
            if is_test_case(node):
                has_unittest = True
            elif node.name.startswith("Test") and not node.bases:
                return "pytest"
    return "unittest" if has_unittest else "script"


def run_unittest(job, results):
    import unittest

    class Result(unittest.TextTestResult):
        def startTest(self, test):
            self.started = time.monotonic()
            super().startTest(test)

        def note(self, test, outcome, message=""):
            # Errors of setUpClass and setUpModule come without a startTest.
            started = getattr(self, "started", None) or time.monotonic()
            took = time.monotonic() - started
            results.test(test.id(), outcome, took, message)

        def addSuccess(self, test):
            super().addSuccess(test)
            self.note(test, "passed")

        def addError(self, test, err):
            super().addError(test, err)
            self.note(test, "error", self.errors[-1][1])

        def addFailure(self, test, err):
            super().addFailure(test, err)
            self.note(test, "failed", self.failures[-1][1])

        def addSkip(self, test, reason):
            super().addSkip(test, reason)
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

    folder, name = os.path.split(os.path.abspath(job.tests))
    sys.path.insert(0, os.getcwd())
    suite = unittest.TestLoader().discover(folder, name)
    count = suite.countTestCases()
    results.start(count)
    runner = unittest.TextTestRunner(resultclass=Result, warnings="default")
    runner.run(suite)
    return count


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

    def __init__(self, results):
        self.results = results
        self.config = None
        self.early = []
        self.phases = {}
        self.is_collected = False

    def pytest_configure(self, config):
        self.config = config

    def note(self, *case):
        if self.is_collected:
            self.results.test(*case)
        else:
            self.early.append(case)

    def flush(self, expected=None):
        if not self.is_collected:
            self.is_collected = True
            self.results.start(expected)
            for case in self.early:
                self.results.test(*case)

    def pytest_collectreport(self, report):
        if report.failed:
            self.note(report.nodeid, "error", 0.0, report.longreprtext)
        elif report.skipped:
            self.note(report.nodeid, "skipped", 0.0, self.reason(report))

    def pytest_collection_finish(self, session):
        self.flush(len(session.items))

    def pytest_runtest_logreport(self, report):
        took = self.phases.pop(report.nodeid, 0.0) + report.duration
        status = self.config.hook.pytest_report_teststatus(
            report=report, config=self.config
        )
        outcome = self.OUTCOMES.get(status[0])
        if outcome:
            self.note(report.nodeid, outcome, took, self.reason(report))
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
        self.note("(pytest)", "error", 0.0, str(excrepr))

    def pytest_keyboard_interrupt(self, excinfo):
        self.note("(pytest)", "error", 0.0, f"stopped: {excinfo.value}")


def run_pytest(job, results):
    import pytest

    sys.path.insert(0, os.getcwd())
    reporter = PytestReporter(results)
    # No capture: what a test prints belongs to the job's output.
    code = pytest.main(
        ["-q", "-s", "--tb=short", "--color=no", "-p", "no:cacheprovider"]
        + ["--", job.tests],
        plugins=[reporter],
    )
    reporter.flush()
    if code == pytest.ExitCode.USAGE_ERROR:
        results.test("(pytest)", "error", 0.0, "usage error; see stderr")
    return results.cases


def run_script(job, results):
    """Tests without a framework: the exit status is the one test."""
    import traceback

    results.start(1)
    outcome, message = "passed", ""
    started = time.monotonic()
    sys.argv = [job.tests, *job.args]
    sys.path.insert(0, os.getcwd())
    try:
        run_as_main(job.tests)
    except SystemExit as error:
        if error.code is not None and error.code != 0:
            outcome, message = "failed", f"exit code {error.code}"
    except BaseException as error:
        error.__traceback__ = without_harness(error.__traceback__)
        outcome, message = "failed", "".join(traceback.format_exception(error))
        sys.stderr.write(message)
    results.test(job.tests, outcome, time.monotonic() - started, message)
    return 1


RUNNERS = {
    "unittest": run_unittest,
    "pytest": run_pytest,
    "script": run_script,
}


def run_tests(job):
    os.set_inheritable(RESULT_FD, False)
    results = Results()
    try:
        with open(job.tests, "rb") as file:
            runner = RUNNERS[choose_runner(file.read())]
        count = runner(job, results)
    except OSError as error:
        results.test(job.tests, "error", 0.0, str(error))
        count = 1
    if count == 0 and results.cases == 0:
        results.test(job.tests, "error", 0.0, "no tests found")
    sys.exit(results.end())


def main():
    wait_at_gate()
    job = read_job()
    # One write a line, so that what a program printed before it was killed is
    # not lost in a buffer.
    sys.stdout.reconfigure(line_buffering=True)
    if job.mode == "run":
        os.close(RESULT_FD)
        run_program(job)
    else:
        run_tests(job)


main()
