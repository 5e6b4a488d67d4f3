# SPDX-License-Identifier: Apache-2.0
"""The python runtime's harness: runs one job inside the jail.

It starts under the jail's filter, says it is ready on the gate, and only then
reads the job.  In mode=run it behaves like `python3 CODE ARGS`; in mode=test
it runs the tests with unittest, pytest or as a script, in this process, and
writes one JSON line a test to fd 3:

  plan.py      which tests there are, from the source alone
  witness.py   what the tests themselves say about having run, and canaries
  results.py   the sealed lines
  runners.py   unittest, pytest, script

In both, sqlite_files.py comes in when a program imports sqlite3.

Everything here shares a process with untrusted code, so none of it is a wall;
docs/SECURITY.md, "Honest results", says what it finds out and what it cannot.
"""
import sys

# What a bare interpreter has loaded at this point.
BARE_MODULES = frozenset(sys.modules)

import io
import os
import types

RESULT_FD = 3
GATE_FD = 4
JOB_FILE = "/run/job"
JOB_FILE_MAX = 65536


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


def load(name):
    """A module of this folder, in no list of modules, with builtins that the
    program cannot change."""
    path = os.path.join(os.path.dirname(__file__), name + ".py")
    module = types.ModuleType(name)
    module.__file__ = path
    module.__builtins__ = dict(vars(sys.modules["builtins"]))
    with io.open_code(path) as file:
        exec(compile(file.read(), path, "exec", dont_inherit=True), vars(module))
    return module


class SqliteFinder:
    """Finds nothing: it sees that a program is about to load SQLite."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name == "_sqlite3":
            sys.meta_path.remove(cls)
            load("sqlite_files").use_lock_files()
        return None


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


def run_tests(job):
    os.set_inheritable(RESULT_FD, False)
    results = load("results").Results(RESULT_FD)
    plan, witness, runners = load("plan"), load("witness"), load("runners")
    try:
        with open(job.tests, "rb") as file:
            source = file.read()
    except OSError as error:
        results.start()
        results.test(job.tests, "error", 0.0, str(error))
    else:
        # From here on the file on disk does not matter.
        runners.run(job, source, results, plan, witness)
    sys.exit(results.end())


def main():
    wait_at_gate()
    job = read_job()
    sys.meta_path.insert(0, SqliteFinder)
    # One write a line, so that what a program printed before it was killed is
    # not lost in a buffer.
    sys.stdout.reconfigure(line_buffering=True)
    if job.mode == "run":
        os.close(RESULT_FD)
        run_program(job)
    else:
        run_tests(job)


main()
