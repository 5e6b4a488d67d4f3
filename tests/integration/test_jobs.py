# SPDX-License-Identifier: Apache-2.0
"""POST /api/v3/jobs: the corpus counts the same in a jail as bare, and
hostile programs are contained and named."""

import base64
import contextlib
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from promptcraft import REPO, SLOWNESS, is_standby, problem, wait_for
from test_crash import job_processes

sys.path.insert(0, str(REPO / "tests" / "corpus"))

import bare  # noqa: E402

PROGRAMS = list(bare.programs())
SUITES = [p for p in PROGRAMS if p.is_test]
PLAIN = [p for p in PROGRAMS if not p.is_test]


# ---- the corpus -----------------------------------------------------------


def test_the_corpus_is_whole():
    for language in bare.LANGUAGES:
        names = [p.name for p in PROGRAMS if p.language == language]
        assert len(names) >= 20, (language, names)


@pytest.mark.parametrize("program", SUITES, ids=lambda p: p.name)
def test_counts_equal_a_bare_run(client, program):
    data = client.job(**program.request())
    tests = data["tests"]
    got = {key: tests[key] for key in bare.COUNTS}
    assert got == bare.run_bare(program) == program.expected, data
    assert tests["is_complete"], data
    assert len(tests["cases"]) == sum(got.values())
    bad = got["failed"] + got["errors"]
    assert data["outcome"] == ("failed" if bad else "passed"), data
    ran = got["passed"] + bad
    assert tests["success_rate"] == pytest.approx(
        got["passed"] / ran if ran else 0)


@pytest.mark.parametrize("program", PLAIN, ids=lambda p: p.name)
def test_output_equals_a_bare_run(client, program):
    data = client.job(**program.request())
    run = bare.run_bare(program)
    assert data["outcome"] == "completed", data
    assert data["tests"] is None
    assert data["exit_code"] == run.code == program.exit_code, data
    assert data["stdout"] == run.out


# ---- one job ----------------------------------------------------------------


def test_data_of_a_job(client):
    data = client.job(language="python", code="print(input())", stdin="hi\n")
    assert (data["outcome"], data["reason"], data["error"]) == (
        "completed", None, None)
    assert (data["exit_code"], data["signal"]) == (0, None)
    assert (data["stdout"], data["stderr"]) == ("hi\n", "")
    assert data["truncated"] is False
    assert data["policy"]["name"] == "standard"
    assert len(bytes.fromhex(data["policy"]["sha256"])) == 32
    usage = data["usage"]
    assert 0 < usage["wall_ms"] < 30000
    assert 0 < usage["cpu_ms"] < 30000
    assert usage["memory_peak_bytes"] > 1 << 20
    assert data["denials"] == [] and data["denials_total"] == 0
    assert client.get(f"/api/v3/jobs/{data['job_id']}").data == data


def test_standard_streams_can_be_opened_by_name(client):
    """Shell scripts do it all the time."""
    data = client.job(language="shell", stdin="hi\n", security_level="strict",
                      code="cat /dev/stdin | tee /dev/stderr\n"
                           "echo out >/dev/stdout; echo err >/dev/stderr\n")
    assert (data["stdout"], data["stderr"]) == ("hi\nout\n", "hi\nerr\n"), \
        data


SQLITE = """
import os, sqlite3
own = sqlite3.connect("x.db")
own.execute("create table t(a)")
own.commit()
own.execute("begin exclusive")
if os.fork() == 0:
    try:
        sqlite3.connect("x.db", timeout=0.1).execute("insert into t values(2)")
    except sqlite3.OperationalError as error:
        print(error, flush=True)
    os._exit(0)
os.wait()
own.execute("insert into t values(1)")
own.commit()
print(own.execute("select a from t").fetchall())
"""


def test_sqlite_files_work_and_lock(client):
    """The profiles have no fcntl locks, which SQLite uses elsewhere."""
    data = client.job(language="python", code=SQLITE, security_level="strict")
    assert data["stdout"] == "database is locked\n[(1,)]\n", data


def test_policy_hash_is_the_installed_one(client):
    installed = {p["name"]: p["sha256"] for p in
                 client.get("/api/v3/policies").data["policies"]}
    for level in ("strict", "standard", "permissive"):
        data = client.job(language="shell", code="true", security_level=level)
        assert data["policy"]["sha256"] == installed[level]


@pytest.mark.parametrize("language,code", [
    ("python", "import sys; sys.exit(7)"), ("js", "process.exit(7)"),
    ("c", "int main(void) { return 7; }"), ("sh", "exit 7")])
def test_exit_code(client, language, code):
    data = client.job(language=language, code=code)
    assert (data["outcome"], data["exit_code"]) == ("completed", 7), data


def test_signal(client):
    data = client.job(language="c", code="#include <stdlib.h>\n"
                                         "int main(void) { abort(); }")
    assert data["outcome"] == "completed"
    assert data["signal"] == 6 or data["exit_code"] == 134, data


def test_arguments_and_files(client):
    data = client.job(
        language="python", code_path="app/main.py",
        code="import sys, pathlib\nprint(sys.argv[1:])\n"
             "print(pathlib.Path('data/in.txt').read_text())",
        args=["a b", "", "ü", "--x=1"],
        files=[{"path": "data/in.txt", "content": "中文"}])
    assert data["stdout"] == "['a b', '', 'ü', '--x=1']\n中文\n", data


def test_collected_files(client):
    data = client.job(
        language="python",
        code="open('t.txt', 'w').write('é')\n"
             "open('b.bin', 'wb').write(bytes(range(256)))\n"
             "import os; os.mkfifo('fifo'); os.mkdir('d')",
        collect=["t.txt", "b.bin", "none", "fifo", "d"])
    files = {f["path"]: f for f in data["files"]}
    assert files["t.txt"]["content"] == "é"
    assert base64.b64decode(files["b.bin"]["content_base64"]) == bytes(
        range(256))
    assert files["none"]["status"] == "missing"
    assert files["fifo"]["status"] == files["d"]["status"] == "not_regular"


def test_output_that_is_no_utf8(client):
    data = client.job(language="python", code=(
        "import sys; sys.stdout.buffer.write(b'a\\xff\\x00b\\xc3')"))
    assert data["stdout"] == "a\ufffd\0b\ufffd"


@pytest.mark.parametrize("end", ["os._exit(0)", "os._exit(1)",
                                 "os.kill(os.getpid(), 9)"])
def test_a_run_that_ends_without_its_closing_record(client, end):
    data = client.job(language="python", code="x = 1", tests=f"""
import os, unittest
class T(unittest.TestCase):
    def test_1(self): pass
    def test_2(self): {end}
""")
    assert (data["outcome"], data["reason"]) == ("error", "incomplete"), data


@pytest.mark.parametrize("body", ["pass", """
    @unittest.skip("not today")
    def test_1(self): pass
"""], ids=["none", "all skipped"])
def test_a_tests_file_without_tests(client, body):
    data = client.job(language="python", code="x = 1", tests=f"""
import unittest
class T(unittest.TestCase):
    {body}
""")
    # The harness may report the lack itself, as an error.
    assert (data["outcome"], data["reason"]) == ("error", "no tests") or (
        data["outcome"] == "failed" and data["tests"]["errors"] == 1), data


def test_unknown_job(client):
    problem(client.get("/api/v3/jobs/00000000-0000-4000-8000-000000000000"),
            404)


def test_more_jobs_than_slots(client, stack):
    slots = stack.status()["supervisor"]["slots_total"]
    answers = []

    def one(i):
        answers.append(client.job(language="shell", code=f"echo {i}"))

    threads = [threading.Thread(target=one, args=(i,))
               for i in range(2 * slots)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120 * SLOWNESS)
    assert sorted(int(a["stdout"]) for a in answers) == list(range(2 * slots))


# ---- hostile ones ------------------------------------------------------------

HOSTILE = {
    "fork bomb": ("pids", """
        import os, time
        while True:
            try:
                if os.fork() == 0:
                    pass
            except OSError:
                time.sleep(0.01)
        """),
    "memory bomb": ("memory", """
        x = []
        while True:
            x.append(bytearray(8 << 20))
        """),
    "endless loop": ("timeout", "while True: pass"),
    "output flood": ("output_limit", """
        import sys
        while True:
            sys.stdout.write('x' * 65536)
        """),
    "network": ("denied", """
        import socket
        for family in (socket.AF_INET, socket.AF_INET6):
            try:
                socket.socket(family).connect(('127.0.0.1', 80))
                print('CONNECTED')
            except OSError as e:
                print(e.errno)
        """),
    "ptrace of PID 1": ("denied", """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        print('TRACED' if libc.ptrace(16, 1, 0, 0) == 0
              else ctypes.get_errno())
        """),
    "mount": ("denied", """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        print('MOUNTED' if libc.mount(b'none', b'/tmp', b'tmpfs', 0, None) == 0
              else ctypes.get_errno())
        """),
    "/etc/shadow": (None, """
        import os
        for path in ('/etc/shadow', '/etc/passwd', '/proc/1/root/etc/shadow'):
            try:
                print('READ', open(path).read())
            except OSError as e:
                print(e.errno)
        try:
            print('LISTED', os.listdir('/etc'))
        except OSError as e:
            print(e.errno)
        """),
    "double-fork daemon": (None, """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                for fd in range(3):
                    os.close(fd)
                time.sleep(600)
            os._exit(0)
        """),
    "result file is a symlink": (None, """
        import os
        os.symlink('/etc/passwd', 'result.txt')
        os.link('solution.py', 'hard.txt')
        """),
}
BOASTS = ("CONNECTED", "TRACED", "MOUNTED", "READ", "LISTED", "root:")
ENDINGS = {"memory": "killed", "output_limit": "killed", "timeout": "timeout",
           "denied": "completed", None: "completed"}


def mounts(stack):
    """Of the host, but for what other programs mount for themselves in /tmp."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return {line for line in lines
            if not line.split()[4].startswith("/tmp/")
            or line.split()[4].startswith(f"{stack.dir}/")}


def state_files(stack):
    return {str(p) for p in stack.dir.rglob("*")}


def cgroups_in_turns(stack):
    """All that are there now; one that is renewed is not for a moment."""
    found = set()
    for _ in range(3):
        found |= set(stack.status()["cgroups"])
        time.sleep(0.05)
    return found


def waits_in(cgroup):
    """Is a jail in it that has no job?"""
    with contextlib.suppress(OSError):
        pids = (Path(cgroup) / "cgroup.procs").read_text().split()
        return bool(pids) and all(map(is_standby, pids))
    return False


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(client, stack, name):
    reason, code = HOSTILE[name]
    groups_before = cgroups_in_turns(stack)
    mounts_before, files_before = mounts(stack), state_files(stack)
    # Another program must get there before its time is over; only the fork
    # bomb uses up all of it.
    seconds = {"timeout": 3, "pids": min(30, int(8 * SLOWNESS))}.get(reason, 30)
    # As many processes as there may be have room for what each one writes.
    memory_mb = 512 if reason == "pids" else 128
    data = client.job(language="python", code=textwrap.dedent(code),
                      limits={"timeout_seconds": seconds,
                              "memory_mb": memory_mb},
                      collect=["result.txt", "hard.txt"])
    assert data["reason"] == reason, data
    if reason in ENDINGS:
        assert data["outcome"] == ENDINGS[reason], data
    assert not [b for b in BOASTS if b in data["stdout"]], data["stdout"]
    if reason == "denied":
        assert data["denials"] and data["denials_total"] >= 1
    if reason == "output_limit":
        assert data["truncated"] is True
        assert len(data["stdout"]) <= data["limits"]["output_bytes"]
    if name == "result file is a symlink":
        assert {f["status"] for f in data["files"]} == {"not_regular"}

    # And nothing is left of it.
    wait_for(lambda: job_processes(stack), lambda left: not left)
    wait_for(lambda: {group for group in stack.status()["cgroups"]
                      if not waits_in(group)},
             lambda groups: groups <= groups_before)
    wait_for(lambda: mounts(stack), lambda found: found == mounts_before)
    wait_for(lambda: state_files(stack), lambda files: files <= files_before)
    assert client.get("/health").status == 200
    assert client.job(language="shell", code="echo ok")["stdout"] == "ok\n"


def test_hostile_ones_do_not_disturb_their_neighbours(client):
    """Bombs in some jails, work in the others, all at once."""
    bombs = [HOSTILE[n][1] for n in ("fork bomb", "memory bomb",
                                     "output flood", "endless loop")]
    threads = [threading.Thread(target=lambda code=code: client.job(
        language="python", code=textwrap.dedent(code),
        limits={"timeout_seconds": 4, "memory_mb": 128})) for code in bombs]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    for i in range(5):
        data = client.job(language="python", code=f"print({i} ** 2)")
        assert (data["outcome"], data["stdout"]) == ("completed",
                                                     f"{i ** 2}\n"), data
    for thread in threads:
        thread.join(60 * SLOWNESS)


# ---- the supervisor is gone --------------------------------------------------


def test_without_a_supervisor(own_stack):
    client = own_stack.client()
    own_stack.kill("supervisor")
    reply = client.post("/api/v3/jobs", {"language": "shell", "code": "true"})
    problem(reply, 503, detail="promptcraft-supervisor")
    assert int(reply.headers["Retry-After"]) > 0
    own_stack.restart("supervisor")
    assert client.job(language="shell", code="echo ok")["stdout"] == "ok\n"
