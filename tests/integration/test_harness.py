# SPDX-License-Identifier: Apache-2.0
"""The runtimes' harnesses without a jail: same fds, same gate, same manifest.

Every program of the corpus is run through its harness and bare, and the counts
must be equal.  Runs as any user; what the jail adds is tested elsewhere.
"""
import collections
import configparser
import dataclasses
import fcntl
import hmac
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import threading

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "corpus"))
import bare  # noqa: E402
from promptcraft import SLOWNESS  # noqa: E402

BUILD = pathlib.Path(os.environ.get("PROMPTCRAFT_BUILD", ROOT / "build" / "release"))
TIMEOUT = 60 * SLOWNESS
CORPUS = list(bare.programs())


@dataclasses.dataclass
class Run:
    code: int  # as subprocess has it: negative for a signal
    out: bytes
    err: bytes
    lines: list  # of the result stream
    gate: bytes

    @property
    def cases(self):
        return [line for line in self.lines if line["type"] == "test"]

    @property
    def outcomes(self):
        return {case["test"]: case["outcome"] for case in self.cases}

    @property
    def is_complete(self):
        return bool(self.lines) and self.lines[-1]["type"] == "end"

    @property
    def counts(self):
        assert self.is_complete, self.lines[-3:]
        return {key: self.lines[-1][key] for key in bare.COUNTS}

    def message(self, test):
        return next(c["message"] for c in self.cases if c["test"] == test)


def command(language):
    ini = configparser.ConfigParser(strict=False)
    folder = BUILD / "runtimes" / language
    ini.read(folder / "runtime.ini")
    text = ini["Runtime"]["Exec"]
    return [w.replace("/opt/runtime", str(folder)) for w in text.split()]


def manifest(mode, code, tests, args):
    fields = [f"mode={mode}", f"code={code}"]
    if tests:
        fields.append(f"tests={tests}")
    fields += [f"arg={arg}" for arg in args]
    return b"".join(os.fsencode(field) + b"\0" for field in fields)


# Puts two fds at 3 and 4, as a payload finds them (jail/spec.h).
PLACE_FDS = 'eval "exec \\"\\${@:3}\\" 3>&$1 4<&$2 $1>&- $2<&-"'


def read_all(fd, into):
    while data := os.read(fd, 65536):
        into.append(data)
    os.close(fd)


def run_harness(language, work, mode, code, tests=None, args=(), stdin="", answer=b"G"):
    job = pathlib.Path(f"{work}.job")
    job.write_bytes(manifest(mode, code, tests, args))
    ours, gate = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    result_read, result_write = os.pipe()
    env = {
        "PATH": "/usr/bin:/bin", "HOME": str(work), "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
        "LANG": "C.UTF-8", "PROMPTCRAFT_JOB_FILE": str(job),
    }
    fds = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 30) for fd in (result_write, gate.fileno())]
    process = subprocess.Popen(
        ["/usr/bin/env", "--default-signal", "/bin/bash", "-c", PLACE_FDS, "bash",
         *map(str, fds), *command(language)],
        cwd=work, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, pass_fds=fds,
    )
    for fd in (result_write, *fds):
        os.close(fd)
    gate.close()
    results = []
    reader = threading.Thread(target=read_all, args=(result_read, results))
    reader.start()
    ours.settimeout(TIMEOUT)
    said = ours.recv(16)
    if answer:
        ours.send(answer)
        rest = ours.recv(16)  # b"" once the harness has closed its end
        assert rest == b"", "the gate must be closed before untrusted code"
    ours.close()
    try:
        out, err = process.communicate(stdin.encode(), timeout=TIMEOUT)
    finally:
        process.kill()
        process.wait()
        reader.join()
    text = b"".join(results).decode("utf-8")
    assert not text or text.endswith("\n"), text[-200:]
    lines = [json.loads(line) for line in text.split("\n")[:-1]]
    check_seals(text.split("\n")[:-1], lines)
    check_stream(lines)
    check_promises(lines)
    lines = [line for line in lines if line["type"] != "canary"]
    return Run(process.returncode, out, err, lines, said)


def check_seals(texts, lines):
    """api/jobs/seal.h, by another hand."""
    key = bytes.fromhex(lines[0].get("key", "")) if lines else b""
    for number, text in enumerate(texts[1:], 1):
        body, mark, tail = text.rpartition(',"mac":"')
        assert bool(mark) == bool(key), text
        if key:
            mac = hmac.digest(key, number.to_bytes(8, "little") + body.encode(), "sha256")
            assert tail == mac.hex() + '"}'


def check_promises(lines):
    """An honest program's run keeps what its start record says."""
    assert not [line for line in lines if line["type"] == "forged"], lines
    if not lines or lines[-1]["type"] != "end":
        return
    canaries = {c["test"]: c["outcome"] for c in lines if c["type"] == "canary"}
    assert set(canaries.values()) <= {"failed", "error"}
    expected = lines[0]["expected"]
    if isinstance(expected, list) and not lines[0].get("open"):
        assert not [line for line in lines if line["type"] == "test" and "of" not in line
                    and line["outcome"] == "passed" and line["test"] not in expected]
    if lines[-1]["failed"] or lines[-1]["errors"] or not lines[-1]["passed"]:
        return
    assert canaries == {name: "failed" for name in lines[0].get("canaries", [])}
    if isinstance(expected, list):
        seen = collections.Counter()
        for line in lines:
            if line["type"] == "test":
                of = line.get("of", line["test"])
                seen.update(of if isinstance(of, list) else [of])
        missing = collections.Counter(expected) - seen
        assert not missing, (missing, seen)
        assert lines[0].get("open") or not set(seen) - set(expected), (seen, expected)


def check_stream(lines):
    """What the reader of the stream may rely on."""
    for number, line in enumerate(lines):
        assert (line["type"] == "start") == (number == 0), line
        if line["type"] == "test":
            assert set(line) - {"of", "mac"} == {
                "type", "test", "outcome", "duration_ms", "message"}
            assert line["outcome"] in ("passed", "failed", "error", "skipped")
            assert line["test"] and len(line["test"].encode()) <= 256
            assert len(line["message"].encode()) <= 3 * 4096
            assert line["duration_ms"] >= 0
            assert "\0" not in line["message"]
        if line["type"] == "end":
            assert number == len(lines) - 1
            seen = [c["outcome"] for c in lines if c["type"] == "test"]
            assert {k: line[k] for k in bare.COUNTS} == {
                "passed": seen.count("passed"), "failed": seen.count("failed"),
                "errors": seen.count("error"), "skipped": seen.count("skipped"),
            }


@pytest.fixture
def work(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def job(work):
    """job(language, {path: text}, mode=...): write files and run."""

    def run(language, files, mode="test", code=None, tests=None, **more):
        for path, text in files.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_text(text, encoding="utf-8")
        paths = list(files)
        code = code or paths[0]
        if mode == "test":
            tests = tests or paths[-1]
        return run_harness(language, work, mode, code, tests, **more)

    return run


# ---- the corpus --------------------------------------------------------


def test_corpus_is_complete():
    for language in bare.LANGUAGES:
        assert len(list(bare.programs(language))) == 20


@pytest.mark.parametrize("program", CORPUS, ids=lambda p: p.name)
def test_corpus(program, work):
    expected = bare.run_bare(program)
    program.unpack(work)
    if program.is_test:
        assert expected == program.expected, "the bare run is not as foreseen"
        run = run_harness(program.language, work, "test", program.code_path,
                          program.tests_path, stdin=program.stdin)
        assert run.counts == expected
        failed = expected["failed"] or expected["errors"]
        assert run.code == (1 if failed else 0)
        assert all(c["message"] for c in run.cases if c["outcome"] in ("failed", "error"))
    else:
        assert expected.code == program.exit_code, "the bare run is not as foreseen"
        run = run_harness(program.language, work, "run", program.code_path,
                          args=program.args, stdin=program.stdin)
        assert run.lines == []
        assert run.code == expected.code
        assert run.out.decode() == expected.out
        assert run.err.decode() == expected.err
    assert run.gate == b"R"


# ---- the protocol ------------------------------------------------------

SILENT = {  # a program that must not be started
    "python": ("solution.py", "open('ran', 'w')"),
    "javascript": ("solution.js", "require('fs').writeFileSync('ran', '')"),
    "c": ("solution.c", '#include <stdio.h>\nint main(void){return !fopen("ran","w");}'),
    "shell": ("solution.sh", ": >ran"),
}
LANGUAGES = list(SILENT)


@pytest.mark.parametrize("language", LANGUAGES)
def test_closed_gate(job, work, language):
    path, text = SILENT[language]
    run = job(language, {path: text}, mode="run", answer=None)
    assert run.gate == b"R"
    assert run.code != 0
    assert not (work / "ran").exists()


FDS = {
    "python": ("solution.py", """
import os
print([fd for fd in range(3, 64) if os.path.exists(f"/proc/self/fd/{fd}")])
"""),
    "javascript": ("solution.js", """
const fds = [3, 4].filter((fd) => {
  try {
    return /pipe|socket/.test(require('fs').readlinkSync(`/proc/self/fd/${fd}`)) &&
      require('fs').writeSync(fd, '') === 0;
  } catch { return false; }
});
const children = require('child_process').execFileSync('/bin/sh',
  ['-c', 'for fd in 3 4; do [ -e /proc/$$/fd/$fd ] && echo $fd; done; true']);
console.log(JSON.stringify([...fds, ...children.toString().split("\\n")].filter(Boolean)));
"""),
    "c": ("solution.c", """
#include <fcntl.h>
#include <stdio.h>
int main(void)
{
	printf("[");
	for (int fd = 3; fd < 64; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf("%d ", fd);
	puts("]");
	return 0;
}
"""),
    "shell": ("solution.sh", """
for fd in 3 4 5 6 7 8 9; do
	if [ -e /proc/$$/fd/$fd ]; then echo $fd; fi
done
echo "[]"
"""),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_program_has_no_other_fds(job, language):
    path, text = FDS[language]
    run = job(language, {path: text}, mode="run")
    assert run.code == 0, run
    assert run.out == b"[]\n"
    assert run.lines == []


TEST_CHILD_FDS = {
    "python": {"solution.py": "", "test_solution.py": """
import subprocess, unittest
class T(unittest.TestCase):
    def test_child(self):
        command = "for fd in 3 4; do [ -e /proc/$$/fd/$fd ] && echo $fd; done; true"
        self.assertEqual(subprocess.check_output(command, shell=True, close_fds=False), b"")
"""},
    "javascript": {"solution.js": "", "test_solution.js": """
const { test } = require('node:test');
test('child', () => {
  const out = require('child_process').execSync(
    'for fd in 3 4; do [ -e /proc/$$/fd/$fd ] && echo $fd; done; true');
  require('assert').strictEqual(out.toString(), '');
});
"""},
    "c": {"solution.c": "", "test_solution.c": """
#include <fcntl.h>
int main(void)
{
	for (int fd = 3; fd < 64; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			return fd;
	return 0;
}
"""},
    "shell": {"solution.sh": "", "test_solution.sh": """
[ ! -e /proc/$$/fd/3 ] && [ ! -e /proc/$$/fd/4 ]
"""},
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_tests_hand_no_fds_on(job, language):
    run = job(language, TEST_CHILD_FDS[language])
    assert list(run.outcomes.values()) == ["passed"], run


@pytest.mark.parametrize("language", LANGUAGES)
def test_manifest_variable_is_not_seen(job, language):
    text = {
        "python": "import os; print(os.environ.get('PROMPTCRAFT_JOB_FILE'))",
        "javascript": "console.log(process.env.PROMPTCRAFT_JOB_FILE ?? 'None')",
        "c": '#include <stdio.h>\n#include <stdlib.h>\nint main(void)'
             '{puts(getenv("PROMPTCRAFT_JOB_FILE")?"set":"None");}',
        "shell": 'echo "${PROMPTCRAFT_JOB_FILE-None}"',
    }[language]
    assert job(language, {SILENT[language][0]: text}, mode="run").out == b"None\n"


# An early end of the process, in the middle of the tests, with exit code 0:
# never a complete run.
EARLY_ENDS = {
    "python-unittest": ("python", {"solution.py": "", "test_solution.py": """
import os, unittest
class T(unittest.TestCase):
    def test_a(self): pass
    def test_b(self): os._exit(0)
    def test_c(self): self.fail()
"""}),
    "python-pytest": ("python", {"solution.py": "", "test_solution.py": """
import os
def test_a(): pass
def test_b(): os._exit(0)
def test_c(): assert False
"""}),
    "javascript": ("javascript", {"solution.js": "", "test_solution.js": """
const { test } = require('node:test');
test('a', () => {});
test('b', async () => { await new Promise((r) => setTimeout(r, 20)); process.exit(0); });
test('c', () => { throw 1; });
"""}),
    "javascript-handled-error-before": ("javascript", {"solution.js": "", "test_solution.js": """
const { test } = require('node:test');
test('a', async () => {
  setTimeout(() => { throw new Error('belongs to a'); }, 1);
  await new Promise((r) => setTimeout(r, 20)).catch(() => {});
});
test('b', async () => { await new Promise((r) => setTimeout(r, 20)); process.exit(0); });
test('c', () => { throw 1; });
"""}),
    "javascript-kill": ("javascript", {"solution.js": "", "test_solution.js": """
process.kill(process.pid, 'SIGKILL');
"""}),
}


@pytest.mark.parametrize("name", EARLY_ENDS)
def test_early_end_is_incomplete(job, name):
    run = job(*EARLY_ENDS[name])
    assert not run.is_complete
    assert not any(name.endswith(("c", "test_c")) for name in run.outcomes)


NO_TESTS = {
    "python": {"solution.py": "", "test_solution.py": "import unittest\n"},
    "python-pytest": {"solution.py": "", "test_solution.py": "import pytest\n"},
    "javascript": {"solution.js": "", "test_solution.js": "require('node:test');\n"},
    "c": {"solution.c": "", "test_solution.c": '#include <stdio.h>\nint main(void){puts("1..0");}'},
    "shell": {"solution.sh": "", "test_solution.bats": "# @test none\n@test_not() { :; }\n"},
}


@pytest.mark.parametrize("name", NO_TESTS)
def test_no_tests_is_an_error(job, name):
    run = job(name.split("-")[0], NO_TESTS[name])
    assert run.counts == bare.counts(errors=1), run.lines
    assert run.code == 1


@pytest.mark.parametrize("language, tests", [
    ("python", "test_solution.py"), ("javascript", "test_solution.js"),
    ("c", "test_solution.c"), ("shell", "test_solution.sh")])
def test_missing_tests_file(work, language, tests):
    (work / "solution").write_text("")
    run = run_harness(language, work, "test", "solution", tests)
    assert not run.is_complete or run.counts["passed"] == 0
    assert run.code != 0


# ---- output ------------------------------------------------------------


@pytest.mark.parametrize("language, files", [
    ("c", {"solution.c": "", "test_solution.c": r"""
#include <stdio.h>
#include <string.h>
int main(void)
{
	static char block[100000];
	for (int i = 0; i < 30; i++) {
		memset(block, i % 4 ? 0 : 0xff, sizeof(block));
		fwrite(block, 1, sizeof(block), i % 2 ? stderr : stdout);
	}
	puts("\n1..1\nok 1 - after all that");
	return 0;
}
"""}),
    ("shell", {"solution.sh": "", "test_solution.sh": """
head -c 1500000 /dev/zero
head -c 1500000 /dev/zero >&2
printf '\\n1..1\\nok 1 - after all that\\n'
"""}),
])
def test_huge_binary_output(job, language, files):
    run = job(language, files)
    assert run.outcomes == {"after all that": "passed"}
    assert len(run.out) > 1_500_000 and len(run.err) >= 1_500_000


def test_left_behind_process_does_not_hold_the_run(job):
    run = job("shell", {"solution.sh": "", "test_solution.sh": """
echo 1..1
sleep 30 &
echo $! >pid
echo ok 1
"""})
    assert run.counts == bare.counts(passed=1)


@pytest.fixture(autouse=True)
def reap_left_behind(work):
    yield
    pid = work / "pid"
    if pid.exists():
        os.kill(int(pid.read_text()), 9)


def test_output_passes_on_while_it_runs(job):
    """Progress is live: the first case is there before the last is run."""
    for _ in range(5):  # the first may be late by chance
        run = job("shell", {"solution.sh": "", "test_solution.sh": f"""
echo 1..2
echo ok 1 - first
sleep {3 * SLOWNESS}
echo ok 2 - second
"""})
        first, second = run.cases
        if first["duration_ms"] < 1500 * SLOWNESS <= second["duration_ms"]:
            return
    raise AssertionError(run.cases)


def test_odd_names_and_messages(job):
    run = job("python", {"solution.py": "", "test_solution.py": '''
import pytest
@pytest.mark.parametrize("x", ["\\x00\\x1b[31m", "é" * 400, "\\ud800"])
def test_x(x):
    assert False, x * 9000
'''})
    assert run.counts["failed"] == 3
    for case in run.cases:
        assert len(case["message"].encode()) <= 4096


def test_too_many_tests(job):
    run = job("c", {"solution.c": "", "test_solution.c": r"""
#include <stdio.h>
int main(void)
{
	for (int i = 1; i <= 20000; i++)
		printf("ok %d - test\n", i);
	puts("1..20000");
}
"""})
    assert run.counts == bare.counts(passed=10000, errors=1)
    assert "10000" in run.message("(harness)")


# ---- python ------------------------------------------------------------


def test_python_traceback_is_the_programs(job):
    run = job("python", {"solution.py": "def f():\n    1 / 0\n\nf()\n"}, mode="run")
    assert run.code == 1
    assert b"ZeroDivisionError" in run.err
    assert b"harness" not in run.err
    assert run.err.count(b"File ") == 2


def test_python_traceback_of_a_syntax_error(job):
    run = job("python", {"solution.py": "def f(:\n"}, mode="run")
    assert run.code == 1
    assert b"SyntaxError" in run.err and b"harness" not in run.err


@pytest.mark.parametrize("statement, code, err", [
    ("sys.exit()", 0, b""), ("sys.exit(7)", 7, b""), ("sys.exit('why')", 1, b"why\n"),
    ("raise SystemExit(300)", 44, b""), ("os.kill(os.getpid(), 15)", -15, b""),
    ("os._exit(9)", 9, b""), ("raise KeyboardInterrupt", -2, None),
])
def test_python_exit(job, statement, code, err):
    run = job("python", {"solution.py": f"import os, sys\n{statement}\n"}, mode="run")
    assert run.code == code
    assert err is None or run.err == err


def test_python_own_modules_win(job):
    """Names that the harness itself has imported."""
    run = job("python", {
        "solution.py": "import ast, json, types\nprint(ast.x, json.x, types.x)\n",
        "ast.py": "x = 1\n", "json/__init__.py": "x = 2\n", "types.py": "x = 3\n",
    }, mode="run")
    # types is loaded by a bare interpreter, too, in some versions.
    assert run.out.startswith(b"1 2 "), run


def test_python_main_module(job):
    run = job("python", {"solution.py": """
import __main__, pickle, sys
class C:
    x = 1
if __name__ == "__main__":
    print(type(pickle.loads(pickle.dumps(C()))) is C, __main__.C is C)
    print(sys.argv, __file__.endswith("/solution.py"), __spec__, __doc__)
"""}, mode="run", args=("a", "", "--b"))
    assert run.out == b"True True\n['solution.py', 'a', '', '--b'] True None None\n"


def test_python_threads_and_atexit(job):
    run = job("python", {"solution.py": """
import atexit, threading
main = threading.main_thread()
atexit.register(print, "atexit")
threading.Thread(target=lambda: (main.join(), print("thread"))).start()
print("main")
"""}, mode="run")
    assert run.out == b"main\nthread\natexit\n"


def test_python_lines_are_written_at_once(job):
    run = job("python", {"solution.py": """
import os
print("printed")
os.kill(os.getpid(), 9)
"""}, mode="run")
    assert (run.code, run.out) == (-9, b"printed\n")


def test_python_forked_child_does_not_report(job):
    run = job("python", {"solution.py": "", "test_solution.py": """
import os, unittest
class T(unittest.TestCase):
    def test_a(self):
        if os.fork():
            os.wait()
    def test_b(self):
        pass
"""})
    assert run.counts == bare.counts(passed=2)


@pytest.mark.parametrize("tests, runner", [
    ("import unittest\nclass T(unittest.TestCase):\n def test(self): pass", "unittest"),
    ("from unittest import TestCase\nclass A(TestCase):\n def test(self): pass", "unittest"),
    ("def test_a(): pass", "pytest"),
    ("async def test_a(): pass\ndef test_b(): pass", "pytest"),
    ("class TestA:\n def test_a(self): pass", "pytest"),
    ("import unittest\ndef test_a(): pass\n"
     "class T(unittest.TestCase):\n def test(self): pass", "pytest"),
    ("def f():\n import pytest\ndef test_a(): pass", "pytest"),
    ("from solution import x\nassert x == 1", "script"),
])
def test_python_runner(job, tests, runner):
    probe = "import sys\nx = 1\nprint('RUNNER', 'pytest' if 'pytest' in sys.modules else " \
            "'unittest' if 'unittest' in sys.modules else 'script')\n"
    run = job("python", {"solution.py": probe, "test_solution.py": "import solution\n" + tests})
    assert f"RUNNER {runner}".encode() in run.out
    assert run.counts["passed"] >= 1


def test_pytest_exit_is_not_a_pass(job):
    run = job("python", {"solution.py": "", "test_solution.py": """
import pytest
def test_a(): pass
def test_b(): pytest.exit("enough", returncode=0)
def test_c(): assert False
"""})
    assert run.counts == bare.counts(passed=1, errors=1)


def test_pytest_bad_option(job):
    run = job("python", {"solution.py": "", "pytest.ini": "[pytest]\naddopts = --nonsense\n",
                         "test_solution.py": "def test_a(): pass\n"})
    assert run.counts == bare.counts(errors=1)


@pytest.mark.parametrize("more,loaded", [
    ("", []), ("pytest_plugins = ['found']\n", ["found"])])
def test_pytest_loads_no_plugin_that_is_lying_about(job, more, loaded):
    """Neither what the machine has installed nor an entry point among the
    job's files; one that the tests name is theirs."""
    run = job("python", {
        "solution.py": "", "found.py": "print('LOADED')\n",
        "found-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: found\nVersion: 1\n",
        "found-1.dist-info/entry_points.txt": "[pytest11]\nfound = found\n",
        "test_solution.py": more + f"""
def test_a(request):
    manager = request.config.pluginmanager
    assert manager.list_plugin_distinfo() == []
    assert [n for n in ("found", "asyncio") if manager.has_plugin(n)] == {loaded}
"""})
    assert run.counts == bare.counts(passed=1), run.out
    assert (b"LOADED" in run.out) == bool(loaded)


def test_pytest_asyncio_is_there_for_who_asks(job):
    run = job("python", {
        "solution.py": "async def one():\n    return 1\n",
        "pytest_asyncio/__init__.py": "raise SystemExit('the job has no say')\n",
        "test_solution.py": """
import pytest
from solution import one

@pytest.mark.asyncio
async def test_one():
    assert await one() == 1

@pytest.mark.asyncio
async def test_two():
    assert await one() == 2
"""})
    assert run.counts == bare.counts(passed=1, failed=1), run.out


# ---- javascript --------------------------------------------------------


def test_javascript_stack_is_the_programs(job):
    run = job("javascript", {"solution.js": "function f() { null.x; }\nf();\n"}, mode="run")
    assert run.code == 1
    assert b"TypeError" in run.err and b"solution.js:1" in run.err
    assert b"harness" not in run.err


@pytest.mark.parametrize("statement, code", [
    ("process.exit(7)", 7), ("process.exitCode = 3", 3), ("throw 1", 1),
    ("Promise.reject(new Error('x'))", 1), ("process.kill(process.pid, 'SIGTERM')", -15),
    ("process.abort()", -6),
])
def test_javascript_exit(job, statement, code):
    assert job("javascript", {"solution.js": statement}, mode="run").code == code


def test_javascript_main_module(job, work):
    run = job("javascript", {"solution.js": """
console.log(JSON.stringify(
  [require.main === module, process.argv.slice(1), process.execArgv, __filename]));
setImmediate(() => console.log('immediate'));
Promise.resolve().then(() => console.log('promise'));
process.nextTick(() => console.log('tick'));
"""}, mode="run", args=("a b",))
    path = str(work / "solution.js")
    first, *rest = run.out.decode().splitlines()
    assert json.loads(first) == [True, [path, "a b"], [], path]
    assert rest == ["tick", "promise", "immediate"]


def test_javascript_node_test_in_a_plain_run(job):
    """Without tests to report, node:test speaks TAP as it does bare."""
    run = job("javascript", {"solution.js": "require('node:test')('a', () => {});"}, mode="run")
    assert b"ok 1 - a" in run.out and run.code == 0
    assert run.lines == []


def test_javascript_late_error_is_an_error(job):
    run = job("javascript", {"solution.js": "", "test_solution.js": """
const { test } = require('node:test');
test('a', () => { setTimeout(() => { throw new Error('late'); }, 5); });
test('b', () => new Promise((r) => setTimeout(r, 50)));
"""})
    assert run.outcomes == {"a": "passed", "b": "passed", "test_solution.js": "error"}
    assert "late" in run.message("test_solution.js")


def test_javascript_nested_names(job):
    run = job("javascript", {"solution.js": "", "test_solution.js": """
const { describe, it } = require('node:test');
describe('outer', () => { describe('inner', () => { it('works', () => {}); }); });
"""})
    assert run.outcomes == {"outer > inner > works": "passed"}


def test_javascript_module_that_throws(job):
    run = job("javascript", {
        "package.json": '{"type": "module"}', "solution.js": "throw new Error('at load');",
        "test_solution.js": "import test from 'node:test';\nimport './solution.js';\ntest('a', () => {});",
    }, code="solution.js")
    assert run.outcomes == {"test_solution.js": "error"}
    assert "at load" in run.message("test_solution.js")


# ---- c -----------------------------------------------------------------


def test_c_warnings_are_shown(job):
    run = job("c", {"solution.c": "int main(void) { int unused; return 0; }"}, mode="run")
    assert run.code == 0
    assert b"-Wunused-variable" in run.err


def test_c_compile_error(job):
    files = {"solution.c": "int f(void) { return nonsense; }",
             "test_solution.c": "int f(void); int main(void) { return f(); }"}
    run = job("c", files)
    assert run.outcomes == {"compile": "error"}
    assert "nonsense" in run.message("compile") and b"nonsense" in run.err
    run = job("c", {"solution.c": "int main(void) { return nonsense; }"}, mode="run")
    assert run.code == 1 and b"nonsense" in run.err and run.lines == []


def test_c_killed_program(job):
    text = "#include <stdlib.h>\nint main(void) { abort(); }"
    assert job("c", {"solution.c": text}, mode="run").code == -6
    run = job("c", {"solution.c": "", "test_solution.c": text})
    assert run.outcomes == {"test_solution.c": "failed"}
    assert "signal 6" in run.message("test_solution.c")


def test_c_tests_without_main(job):
    run = job("c", {"solution.c": "int main(void) { return 0; }",
                    "test_solution.c": "int test_a(void) { return 1; }"})
    assert run.outcomes == {"compile": "error"}
    assert "main" in run.message("compile")


def test_c_main_in_a_third_file(job):
    run = job("c", {"solution.c": "int f(void) { return 3; } int main(void) { return 9; }",
                    "runner.c": "int test_f(void);\nint main(void) { return test_f(); }",
                    "test_solution.c": "int f(void);\nint test_f(void) { return f() != 3; }"})
    assert run.counts == bare.counts(passed=1), run


def test_c_odd_file_names(job):
    run = job("c", {"-weird name.c": "#include <stdio.h>\nint main(void) { puts(\"hi\"); }",
                    "2nd.c": "int main(void) { return 5; }"}, mode="run")
    assert (run.code, run.out) == (0, b"hi\n"), run


# ---- shell -------------------------------------------------------------


@pytest.mark.parametrize("shebang, seen", [
    ("", "sh"), ("#!/bin/sh\n", "sh"), ("#!/bin/bash\n", "bash"),
    ("#!/usr/bin/env bash\n", "bash"), ("#! /bin/bash -e \n", "bash-e"),
])
def test_shell_interpreter(job, shebang, seen):
    run = job("shell", {"solution.sh": shebang + """
if [ -n "${BASH_VERSION-}" ]; then
	case $- in *e*) echo bash-e;; *) echo bash;; esac
else
	echo sh
fi
"""}, mode="run")
    want = seen if os.path.realpath("/bin/sh").endswith("dash") or seen != "sh" else "bash"
    assert run.out.decode().strip() == want


def test_shell_missing_interpreter(job):
    run = job("shell", {"solution.sh": "#!/no/such/shell\necho hi\n"}, mode="run")
    assert run.code == 127 and b"/no/such/shell" in run.err
    run = job("shell", {"solution.sh": "", "test_solution.sh": "#!/no/such/shell\n"})
    assert run.outcomes == {"test_solution.sh": "error"}


@pytest.mark.parametrize("body, code", [("exit 9", 9), ("kill -9 $$", -9), ("false", 1)])
def test_shell_exit(job, body, code):
    assert job("shell", {"solution.sh": body}, mode="run").code == code


def test_shell_odd_file_name(job):
    run = job("shell", {"-n": "echo \"$0 $*\"\n"}, mode="run", args=("-x", "a b"))
    assert run.out == b"./-n -x a b\n"


def test_bats_file_that_does_not_parse(job):
    run = job("shell", {"solution.sh": "", "test_solution.bats": "@test \"a\" {\n  if\n}\n"})
    assert run.counts["passed"] == 0
    assert run.counts["errors"] + run.counts["failed"] >= 1


def test_bats_setup_file(job):
    run = job("shell", {"solution.sh": "", "test_solution.bats": """
setup_file() { false; }
@test "a" { true; }
"""})
    assert run.counts["errors"] >= 1 and run.counts["passed"] == 0


# Python starts without site.py, and mode=run compiles in a way of its own
# (program.py): a program may see neither.
AS_BARE = {
    "path": "import sys\nprint([p for p in sys.path if p.startswith('/usr')])",
    "builtins": "print(exit, quit, copyright)\nprint(repr(license)[:40])\nexit(3)",
    "printers": "copyright()\ncredits()\nhelp",
    "quit": "quit('bye')",
    "packages": "import pytest\nprint(pytest.__file__)",
    "path files": "import warnings\nwarnings.simplefilter('ignore')\n"
                  "import distutils\nprint(distutils.__file__)",
    "no module": "import nothing_of_that_name",
    "syntax error": "x = (\nprint(",
    "warning": "x = 1\nif x is 1:\n  print('same')",
    "warning, then error": "x = 1 is 1\ny = (",
    "warning later": "import warnings\nprint(len(warnings.filters))\neval('1 is 1')",
    "escape": "print('\\d')",
    "traceback": "def f():\n  raise KeyError('a')\nf()",
    "profile": "import sys\nprint(sys.getprofile(), sys.gettrace())",
    "source": "import inspect\ndef f(): return 1\n"
              "print(inspect.getsource(f), f.__code__.co_filename[-12:])",
    "too deep": "a = " + "-" * 5000 + "1",
    "future": "from __future__ import annotations\ndef f(x: a): pass\n"
              "print(f.__annotations__)",
    "cookie": "# -*- coding: latin-1 -*-\nprint('caf\\xe9')",
    "mark": "\ufeffprint('mark')",
    "own os": ("import os\nprint(hasattr(os, 'mine'))", "os.py"),
    "own site": ("import site\nprint(hasattr(site, 'mine'), copyright)", "site.py"),
    "own json": ("import json\nprint(hasattr(json, 'mine'))", "json.py"),
}


@pytest.mark.parametrize("name", AS_BARE)
def test_python_programs_run_as_bare(job, tmp_path, name):
    text, own = (*AS_BARE[name], None)[:2] if isinstance(
        AS_BARE[name], tuple) else (AS_BARE[name], None)
    files = {"solution.py": text, **({own: "mine = 1\n"} if own else {})}
    folder = tmp_path / "bare"
    folder.mkdir()
    for file, content in files.items():
        (folder / file).write_text(content)
    bare_run = subprocess.run(
        ["/usr/bin/python3", "-E", "-s", "-B", "solution.py"], cwd=folder,
        env={"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"}, timeout=TIMEOUT,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    ours = job("python", files, mode="run")

    def plain(text):
        """Both name the file, one with its folder."""
        return re.sub(rb"[^ \"]*solution\.py", b"solution.py", text)

    assert (ours.out, ours.code) == (bare_run.stdout, bare_run.returncode), ours
    assert plain(ours.err) == plain(bare_run.stderr), (ours.err, bare_run.stderr)
