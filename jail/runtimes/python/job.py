# SPDX-License-Identifier: Apache-2.0
"""The gate, the manifest, and what the job's mode needs.

Runs in the names of harness.py.  Python has started without site.py (-S), which
takes a third of its start; program.py sees to it that a program does not miss
it, tests get it at once.  So nothing here may import what site.py would have.
"""
RESULT_FD = 3
GATE_FD = 4
JOB_FILE = "/run/job"


class Job:
    """The manifest: NUL-terminated key=value strings."""

    def __init__(self, raw):
        self.mode = self.code = self.tests = None
        self.args = []
        names = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()
        for field in raw.split(b"\0")[:-1]:
            key, _, value = field.decode(*names).partition("=")
            if key == "arg":
                self.args.append(value)
            elif key in ("mode", "code", "tests"):
                setattr(self, key, value)
        if self.mode not in ("run", "test") or not self.code:
            raise ValueError("bad manifest")
        if self.mode == "test" and not self.tests:
            raise ValueError("bad manifest: no tests")


def wait_at_gate():
    posix.write(GATE_FD, b"R")
    if posix.read(GATE_FD, 16) != b"G":
        posix._exit(1)
    posix.close(GATE_FD)


def read_job():
    # The tests of this harness run it without a jail, where /run is not
    # theirs.  Inside a jail nobody can set this: the environment consists of
    # what the policy and runtime.ini say.
    path = posix.environ.pop(b"PROMPTCRAFT_JOB_FILE", None)
    if path is not None:
        posix.unsetenv(b"PROMPTCRAFT_JOB_FILE")
    return Job(read_file(path or JOB_FILE))


def load(name):
    """A module of this folder, in no list of modules, with builtins that the
    program cannot change."""
    module = type(sys)(name)
    module.__file__ = FOLDER + name + ".py"
    module.__builtins__ = dict(vars(sys.modules["builtins"]))
    exec(code_of(name), vars(module))
    return module


class SqliteFinder:
    """Finds nothing: it sees that a program is about to load SQLite."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name == "_sqlite3":
            sys.meta_path.remove(cls)
            load("sqlite_files").use_lock_files()
        return None


def run_tests(job):
    import site

    site.main()
    posix.set_inheritable(RESULT_FD, False)
    results = load("results").Results(RESULT_FD)
    plan, witness, runners = load("plan"), load("witness"), load("runners")
    try:
        source = read_file(job.tests)
    except OSError as error:
        results.start()
        results.test(job.tests, "error", 0.0, str(error))
    else:
        # From here on the file on disk does not matter.
        runners.run(job, source, results, plan, witness)
    sys.exit(results.end())


def main():
    program = load("program")
    wait_at_gate()
    job = read_job()
    sys.meta_path.insert(0, SqliteFinder)
    # One write a line, so that what a program printed before it was killed is
    # not lost in a buffer.
    sys.stdout.reconfigure(line_buffering=True)
    if job.mode == "run":
        posix.close(RESULT_FD)
        program.run(job)
    else:
        run_tests(job)


main()
