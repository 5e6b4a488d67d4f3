# SPDX-License-Identifier: Apache-2.0
"""Jails that are built before their job comes: one job each, nothing of anybody
in them before, and no job is worse off for one that does not fit."""

import contextlib
import ctypes
import json
import os
import re
import resource
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from promptcraft import BUILD, fewer, mounts, whole_lines
from test_supervisor import (EXITED, KILLED, REFUSED, Supervisor, bundle, post,
                             submit_message, until)

SLEEP = "import time; time.sleep(300)"
MIB = 1 << 20


def start(directory, *options, **fields):
    directory.chmod(0o755)
    return Supervisor(directory, options=options, **{"slots": 4, **fields})


@pytest.fixture
def one(tmp_path):
    supervisor = start(tmp_path)
    yield supervisor
    supervisor.stop()
    assert not [top for top in supervisor.cgroups() if top.exists()]


def comm(pid):
    """None: it is gone, or a zombie that nobody has reaped yet."""
    with contextlib.suppress(OSError):
        name, _, rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
        return None if rest.split()[0] in "ZX" else name.partition("(")[2]
    return None


def wait_ready(supervisor, count=1):
    """The jails that wait; a job may have been answered before it was gone."""
    seen = set()

    def is_ready():
        seen.clear()
        seen.update(supervisor.standby_pids())
        return not supervisor.job_processes() and len(seen) == count
    until(is_ready, seconds=30)
    return seen


def run_and_wait(supervisor, count, **fields):
    done = supervisor.run("pass", **fields)
    assert (done.outcome, done.exit_code) == (EXITED, 0), done
    return wait_ready(supervisor, count)


def ready(supervisor, **fields):
    """Run one job; the jail that is built for the next one of its kind."""
    return run_and_wait(supervisor, 1, **fields).pop()


@contextlib.contextmanager
def running(supervisor, **fields):
    """A job that sleeps; ended when its client goes."""
    with supervisor.submit(SLEEP, **fields) as sock:
        for fd in supervisor.started(sock):
            os.close(fd)
        yield sock


def log_has(supervisor, *words):
    return [line for line in supervisor.log_text().splitlines()
            if all(word in line for word in words)]


def assert_no_complaint(supervisor):
    assert not (log_has(supervisor, "standby_lost") or
                log_has(supervisor, "standby_unfit")), supervisor.log_text()


# ---- what it is --------------------------------------------------------------


def test_it_is_taken_once_and_another_is_built(one):
    seen = [ready(one)]
    for _ in range(5):
        with running(one):
            assert str(seen[-1]) in one.job_processes()
        until(lambda: comm(seen[-1]) is None)
        seen.append(wait_ready(one).pop())
    assert len(set(seen)) == len(seen)
    assert_no_complaint(one)


def test_nothing_of_a_job_is_in_it(one):
    secret = "qx7-nobody-else-has-this"
    with one.submit(f"open('/work/f', 'w').write('{secret}')") as sock:
        assert one.done(sock).outcome == EXITED
    pid = wait_ready(one).pop()
    proc = Path(f"/proc/{pid}")
    payload, = (proc / f"task/{pid}/children").read_text().split()
    for process, given in ((proc, {"policy", "runtime", "/", "/work",
                                   "/run/job"}),
                           (Path(f"/proc/{payload}"), {"/opt/runtime"})):
        links = {os.readlink(fd) for fd in (process / "fd").iterdir()}
        kinds = {re.split(r"[:\[ ]", link.removeprefix("/memfd:"))[0]
                 for link in links}
        assert kinds <= {"pipe", "socket", "anon_inode"} | given, links
        assert secret.encode() not in (process / "environ").read_bytes()
    top = proc / "root"
    for name in ("work", "tmp", "dev/shm"):
        assert list((top / name).iterdir()) == [], name
    assert (top / "run/job").read_bytes() == b""
    for space in ("user", "pid", "mnt", "net", "ipc", "uts", "cgroup"):
        assert os.readlink(proc / "ns" / space) != \
            os.readlink(f"/proc/self/ns/{space}"), space


def test_it_takes_no_slot_from_a_job(tmp_path):
    one = start(tmp_path, slots=1)
    try:
        ready(one)
        assert one.hello()["free"] == one.hello()["total"] == 1
        with running(one, policy="standard"):
            assert one.hello()["free"] == 0
            assert one.run("pass").outcome == REFUSED
        until(lambda: one.hello()["free"] == 1)
    finally:
        one.stop()


def trace(pid):
    """A traced child keeps its PID 1 from ending, and so its jail and slot."""
    child = int(Path(f"/proc/{pid}/task/{pid}/children").read_text())
    if ctypes.CDLL(None, use_errno=True).ptrace(0x4206, child, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PTRACE_SEIZE")
    return child


def hold(pid):
    child = trace(pid)
    os.kill(pid, signal.SIGKILL)
    return child


def let_go(child):
    os.waitpid(child, 0x40000000)  # __WALL


def test_those_that_take_long_to_go_take_no_slot_from_a_job(tmp_path):
    one = start(tmp_path, "--standby", "2", slots=1)
    held = []
    try:
        for _ in range(10):
            done = one.run("pass")
            assert (done.outcome, done.exit_code) == (EXITED, 0), (done, held)
            if len(held) < 2:
                until(one.standby_pids, seconds=30)
            else:
                time.sleep(0.3)  # many times what it waits before it builds one
            held += [hold(pid) for pid in one.standby_pids()]
            until(lambda: len(log_has(one, "standby_lost")) == len(held))
        assert len(held) == 2
        for pid in held:
            let_go(pid)
        assert one.run("pass").outcome == EXITED
        wait_ready(one)
    finally:
        one.stop()


@pytest.mark.parametrize("fields", [{"policy": "standard"},
                                    {"runtime": "shell"}])
def test_a_job_of_another_kind_leaves_it_alone(one, fields):
    pid = ready(one)
    assert one.run("true" if "runtime" in fields else "pass",
                   **fields).outcome == EXITED
    assert pid in wait_ready(one, 2)
    assert_no_complaint(one)


def test_clients_at_once_get_a_jail_each(one):
    for _ in range(fewer(10, 3)):
        pid = ready(one)

        def run(_):
            with one.submit("open('/work/mark', 'x')") as sock:
                return one.done(sock)

        with ThreadPoolExecutor(3) as pool:
            for done in pool.map(run, range(3)):
                assert (done.outcome, done.exit_code) == (EXITED, 0), done
        until(lambda: comm(pid) is None)
    assert_no_complaint(one)


def begun(one):
    lines = [line for path in (one.state / "audit").glob("audit.*.log")
             for line in whole_lines(path)]
    return [record["job_id"] for record in map(json.loads, lines)
            if record["type"] == "job_begin"]


def test_its_job_is_on_record_before_it_runs(one):
    """And no jail without one."""
    ready(one)
    done = [record["job_id"] for record in one.job_records()]
    assert begun(one) == done and len(done) == 1
    job_id = str(uuid.uuid4())
    with running(one, job_id=job_id):
        assert begun(one) == [*done, job_id]


# ---- how many, and when ------------------------------------------------------


def test_none_if_none_are_wanted(tmp_path):
    one = start(tmp_path, "--standby", "0")
    try:
        for _ in range(3):
            assert one.run("pass").outcome == EXITED
        until(lambda: not one.jailed())
        time.sleep(0.3)  # many times what it waits before it builds one
        assert not one.jailed()
    finally:
        one.stop()


def test_only_the_latest_kinds_are_kept(tmp_path):
    one = start(tmp_path, "--standby", "2")
    try:
        oldest = ready(one)
        assert one.run("pass", policy="standard").outcome == EXITED
        assert oldest in wait_ready(one, 2)
        assert one.run("true", runtime="shell").outcome == EXITED
        until(lambda: comm(oldest) is None)
        assert oldest not in wait_ready(one, 2)
        assert_no_complaint(one)
    finally:
        one.stop()


def test_a_kind_that_comes_again_is_one_of_the_latest(tmp_path):
    one = start(tmp_path, "--standby", "2")
    try:
        again = ready(one)
        assert one.run("pass", policy="standard").outcome == EXITED
        other, = wait_ready(one, 2) - {again}
        ready_again, = run_and_wait(one, 2) - {other}
        assert one.run("true", runtime="shell").outcome == EXITED
        until(lambda: comm(other) is None)
        assert ready_again in wait_ready(one, 2)
        assert_no_complaint(one)
    finally:
        one.stop()


def test_as_many_as_are_wanted_take_no_slot_from_a_job(tmp_path):
    """More than the slots that are spare."""
    one = start(tmp_path, "--standby", "8", slots=1)
    try:
        for i in range(8):
            with submit_limited(one, "pass", memory=(96 + i) * MIB) as sock:
                assert one.done(sock).outcome == EXITED
            wait_ready(one, i + 1)
        assert one.hello()["free"] == 1
        assert one.run("pass").outcome == EXITED
        wait_ready(one, 8)
    finally:
        one.stop()


@pytest.mark.parametrize("number", ["17", "-1", "x", ""])
def test_the_number_has_bounds(number):
    done = subprocess.run([BUILD / "promptcraft-supervisor", "--standby",
                           number, "--slots", "0"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "--standby" in done.stderr, done.stderr


def test_none_is_built_while_the_processors_are_taken(tmp_path):
    processors = os.cpu_count()
    one = start(tmp_path, slots=processors + 1)
    try:
        with contextlib.ExitStack() as jobs:
            for _ in range(processors):
                jobs.enter_context(running(one, wall_ms=60000))
            time.sleep(0.3)
            # One may have been under way before the last came.
            until(lambda: one.standby_pids() or
                  not set(one.jailed()) - set(one.job_processes()))
            if one.standby_pids():
                jobs.enter_context(running(one, wall_ms=60000))
                time.sleep(0.3)
            assert not one.standby_pids()
        wait_ready(one)
    finally:
        one.stop()


# ---- limits ------------------------------------------------------------------

EAT = "x = bytearray(100 << 20); print(len(x))"


def submit_limited(supervisor, code, memory=0, pids=0, cpu=0):
    sock = supervisor.connect()
    message = submit_message()[:-40] + struct.pack(
        "<QQQIIII", 20000, memory, 0, pids, cpu, 0, 0)
    post(sock, message, bundle(code))
    return sock


def test_a_job_with_less_gets_less(one):
    seen = {ready(one)}
    for size in (2, 3):
        with submit_limited(one, EAT, memory=64 * MIB) as sock:
            done = one.done(sock)
        assert (done.outcome, done.reason) == (KILLED, "memory"), done
        assert one.job_records()[-1]["limits"]["memory_bytes"] == 64 * MIB
        seen |= wait_ready(one, 2)
        assert len(seen) == size  # the second had one that was ready
    with submit_limited(one, EAT) as sock:
        assert one.done(sock).outcome == EXITED
    assert_no_complaint(one)


@pytest.mark.parametrize("asked", [{"memory": 96 * MIB}, {"pids": 9}])
def test_another_limit_is_another_kind(one, asked):
    pid = ready(one)
    seen = set()
    for count in (1, 2):  # the second in one that was ready
        with submit_limited(one, "pass", **asked) as sock:
            done = one.done(sock)
        assert done.outcome == EXITED, done
        now = wait_ready(one, 2)
        assert pid in now
        seen |= now - {pid}
        assert len(seen) == count
    assert_no_complaint(one)


def groups_of(one, pid):
    found = []
    for top in one.cgroups():
        for procs in top.glob("slot-*/cgroup.procs"):
            # Another slot's, which is just made anew, has none.
            with contextlib.suppress(OSError):
                if pid in map(int, procs.read_text().split()):
                    found.append(procs.parent)
    return found


def test_the_kernel_has_the_limits_of_the_job(one):
    for _ in range(2):
        with submit_limited(one, "pass", memory=96 * MIB) as sock:
            assert one.done(sock).outcome == EXITED
        pid = wait_ready(one).pop()
    with submit_limited(one, SLEEP, memory=96 * MIB, cpu=7) as sock:
        for fd in one.started(sock):
            os.close(fd)
        assert str(pid) in one.job_processes()
        values = {path.name: path.read_text().split()[0]
                  for top in groups_of(one, pid)
                  for path in top.iterdir() if path.name in
                  ("memory.limit_in_bytes", "memory.max", "cpu.max",
                   "cpu.cfs_quota_us")}
    assert sorted(values.values()) == sorted([str(96 * MIB), "7000"]), values


# ---- one that does not fit ---------------------------------------------------


@pytest.mark.parametrize("victim", ["jail-init", "runtime"])
def test_one_that_was_killed_is_noticed(one, victim):
    pid = ready(one)
    if victim == "runtime":
        pid = int(Path(f"/proc/{pid}/task/{pid}/children").read_text())
    os.kill(pid, signal.SIGKILL)
    cause = "it ended" if victim == "jail-init" else \
        "runtime python ended before it was ready (signal 9)"
    until(lambda: log_has(one, "standby_lost", "policy=strict", cause))
    until(lambda: not one.jailed())
    assert one.run("pass").outcome == EXITED
    wait_ready(one)


def test_two_that_were_killed_are_nobodys(one):
    """Of the kinds that are still wanted none keeps a jail of the others."""
    pid = ready(one)
    assert one.run("pass", policy="standard").outcome == EXITED
    for lost, victim in enumerate((*wait_ready(one, 2) - {pid}, pid)):
        os.kill(victim, signal.SIGKILL)
        until(lambda: len(log_has(one, "standby_lost")) == lost + 1)
    assert one.run("pass", policy="standard").outcome == EXITED
    wait_ready(one)
    for _ in range(3):
        assert one.run("pass").outcome == EXITED
    wait_ready(one, 2)
    assert not log_has(one, "standby_unfit"), one.log_text()


@pytest.mark.parametrize("victim", ["jail-init", "runtime"])
def test_one_that_dies_as_its_job_comes_costs_the_job_nothing(one, victim):
    """The supervisor finds both at the same moment."""
    pid = ready(one)
    if victim == "runtime":
        pid = int(Path(f"/proc/{pid}/task/{pid}/children").read_text())
    os.kill(one.process.pid, signal.SIGSTOP)
    with one.submit("pass") as sock:
        os.kill(pid, signal.SIGKILL)
        until(lambda: comm(pid) is None)
        os.kill(one.process.pid, signal.SIGCONT)
        assert one.done(sock).outcome == EXITED
    assert log_has(one, "standby_lost") or log_has(one, "standby_unfit")


def test_one_that_was_stopped_is_not_taken(one):
    pid = ready(one)
    os.kill(pid, signal.SIGSTOP)
    until(lambda: "T (stopped)" in Path(f"/proc/{pid}/status").read_text())
    assert one.run("pass").outcome == EXITED
    assert log_has(one, "standby_unfit", "was stopped")
    until(lambda: comm(pid) is None)
    wait_ready(one)


@pytest.fixture
def lending(tmp_path):
    """A supervisor whose policies lend a directory of the test's own."""
    place = Path(tempfile.mkdtemp(prefix="pc-standby-", dir="/opt"))
    place.chmod(0o755)
    lent = place / "lent"
    lent.mkdir()
    (lent / "f").write_text("old")
    policies = tmp_path / "policy"
    shutil.copytree(BUILD / "policy", policies)
    profile = policies / "profiles" / "strict.policy"
    text = profile.read_text()
    profile.write_text(re.sub(
        r"^BindReadOnlyPaths=", f"BindReadOnlyPaths={lent}:/opt/lent\n"
        "BindReadOnlyPaths=", text, count=1, flags=re.M))
    one = start(tmp_path, "--policy-dir", policies, "--standby", "2")
    yield one, lent
    one.stop()
    shutil.rmtree(place)


def read_lent(one):
    with one.submit("print(open('/opt/lent/f').read())") as sock:
        fds = one.started(sock)
        with os.fdopen(fds[1]) as reader:
            text = reader.read()
        for fd in fds[:1] + fds[2:]:
            os.close(fd)
        assert one.done(sock).outcome == EXITED
        return text.strip()


def test_what_the_host_lends_is_replaced(lending):
    one, lent = lending
    assert read_lent(one) == "old"
    # Another runtime of the policy has one, too; it finds out by itself.
    assert one.run("true", runtime="shell").outcome == EXITED
    old = wait_ready(one, 2)
    lent.rename(lent.parent / "away")
    lent.mkdir()
    (lent / "f").write_text("new")
    shutil.rmtree(lent.parent / "away")
    assert read_lent(one) == "new"
    assert log_has(one, "standby_unfit", "replaced")
    until(lambda: len(one.standby_pids() - old) == 2, seconds=30)
    assert read_lent(one) == "new"


def test_what_it_replaces_has_its_slot_until_it_is_gone(lending):
    one, lent = lending
    old = ready(one)
    assert one.run("true", runtime="shell").outcome == EXITED
    before = wait_ready(one, 2)
    child = trace(old)
    shutil.rmtree(lent)
    lent.mkdir()
    # Of the same policy: what both were given is looked up again.
    assert one.run("true", runtime="shell").outcome == EXITED
    until(lambda: one.standby_pids() - before, seconds=30)
    until(lambda: not one.standby_pids() & before)
    time.sleep(0.3)  # many times what it waits before it builds one
    assert len(one.standby_pids()) == 1 and old not in one.standby_pids()
    let_go(child)
    wait_ready(one, 2)


def test_a_runtime_that_is_replaced_runs_no_job(tmp_path):
    runtimes = tmp_path / "runtimes"
    shutil.copytree(BUILD / "runtimes", runtimes)
    one = start(tmp_path, runtimes=runtimes)
    try:
        ready(one)
        shutil.rmtree(runtimes / "python")
        done = one.run("pass")
        assert done.outcome == REFUSED
        assert "replaced or removed" in done.error, done
        until(lambda: not one.jailed())
    finally:
        one.stop()


def test_a_program_that_is_upgraded_runs_at_once(tmp_path):
    """As an upgrade does it: a new file takes the old one's name."""
    runtimes = tmp_path / "runtimes"
    shutil.copytree(BUILD / "runtimes", runtimes)
    one = start(tmp_path, runtimes=runtimes)
    try:
        assert one.run("true", runtime="shell").outcome == EXITED
        pid = wait_ready(one).pop()
        program = runtimes / "shell" / "harness"
        shutil.copy(program, program.with_suffix(".new"))
        program.with_suffix(".new").rename(program)
        assert one.run("true", runtime="shell").outcome == EXITED
        assert log_has(one, "standby_unfit", "its program was replaced")
        until(lambda: comm(pid) is None)
        wait_ready(one)
        assert one.run("true", runtime="shell").outcome == EXITED
        assert len(log_has(one, "standby_unfit")) == 1
    finally:
        one.stop()


# ---- one that is not ready yet -----------------------------------------------


def pythons(one):
    return {pid for pid in one.jailed() if "python" in (comm(pid) or "")}


@pytest.fixture
def slow(tmp_path):
    """Python waits for a file of its runtime before it is ready, and the jail
    that is being built for the next job has come to that."""
    runtimes = tmp_path / "runtimes"
    shutil.copytree(BUILD / "runtimes", runtimes)
    harness = runtimes / "python" / "harness.py"
    text, call = harness.read_text(), 'exec(code_of("job"))'
    assert text.count(call) == 1
    harness.write_text(text.replace(call, f"""import time
while "go" not in posix.listdir(FOLDER):
    time.sleep(0.01)
{call}"""))
    go = harness.with_name("go")
    go.touch()
    one = start(tmp_path, runtimes=runtimes)
    pid = ready(one)
    go.unlink()
    assert one.run("pass").outcome == EXITED
    until(lambda: comm(pid) is None and pythons(one), seconds=30)
    yield one, go
    one.stop()


def test_one_that_is_not_ready_is_not_taken(slow):
    one, go = slow
    with one.submit("pass") as sock:
        until(lambda: len(pythons(one)) == 2, seconds=30)
        assert not log_has(one, "standby_lost")
        go.touch()
        done = one.done(sock)
    assert (done.outcome, done.exit_code) == (EXITED, 0), done
    wait_ready(one)
    assert_no_complaint(one)


def test_one_that_is_never_ready_is_given_up(slow):
    """As is a job's; the next is built once there was another job."""
    one, go = slow
    with one.submit("pass") as sock:
        done = one.done(sock)
    assert done.outcome == REFUSED
    assert "not ready in 30 s: starting the runtime" in done.error, done
    until(lambda: log_has(one, "standby_lost", "not ready in 30 s"),
          seconds=30)
    go.touch()
    run_and_wait(one, 1)


# ---- one that was changed while it waited ------------------------------------


def change_memory(one, pid):
    for group in groups_of(one, pid):
        for name in ("memory.limit_in_bytes", "memory.max"):
            if (group / name).exists():
                (group / name).write_text(str(128 * MIB))


def change_rlimit(_one, pid):
    child = int(Path(f"/proc/{pid}/task/{pid}/children").read_text())
    resource.prlimit(child, resource.RLIMIT_CORE, (0, 0))


@pytest.mark.parametrize("change, cause", [
    (change_memory, "expected"),
    (change_rlimit, "limit core is not the policy's")])
def test_one_that_was_changed_runs_nothing(one, change, cause):
    change(one, ready(one))
    done = one.run("pass")
    assert done.outcome == REFUSED
    assert "posture" in done.error and cause in done.error, done
    assert one.run("pass").outcome == EXITED


def test_one_with_a_stranger_in_it_runs_nothing(one):
    pid = ready(one)
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        for group in groups_of(one, pid):
            (group / "cgroup.procs").write_text(str(stranger.pid))
        done = one.run("pass")
    finally:
        stranger.kill()
        stranger.wait()
    assert done.outcome == REFUSED
    assert f"posture: process {stranger.pid}" in done.error, done


# ---- ends --------------------------------------------------------------------


def test_kill_9_leaves_none(one):
    ready(one)
    assert one.run("true", runtime="shell").outcome == EXITED
    pids = wait_ready(one, 2)
    one.stop(signal.SIGKILL)
    until(lambda: not any(map(comm, pids)), seconds=20)
    until(lambda: not one.jailed(), seconds=20)
    one.start()


def test_sigterm_leaves_none(one):
    pid = ready(one)
    assert one.stop() == 0
    assert comm(pid) is None
    assert_no_complaint(one)


def test_sigterm_ends_one_that_is_not_ready(slow):
    one, _ = slow
    pids = pythons(one)
    assert one.stop() == 0
    assert pids and not any(map(comm, pids))
    assert_no_complaint(one)


def test_a_client_that_has_gone_is_nobodys_job(one):
    """The supervisor finds its job and its end at the same moment."""
    pid = ready(one)
    for count in range(2, 2 + fewer(8, 3)):
        os.kill(one.process.pid, signal.SIGSTOP)
        one.submit(SLEEP).close()
        os.kill(one.process.pid, signal.SIGCONT)
        until(lambda: len(one.job_records()) == count)
        assert one.job_records()[-1]["reason"] == "cancelled"
        until(lambda: comm(pid) is None)
        pid = wait_ready(one).pop()
    assert one.hello()["free"] == one.slots
    assert_no_complaint(one)


def test_none_is_built_while_the_supervisor_stops(one):
    """Nor while a client sends what its job needs, or there were one to end."""
    message = submit_message()
    with contextlib.ExitStack() as clients:
        sender = clients.enter_context(one.connect())
        sender.send(message[:-8] + struct.pack("<II", 100, 0))
        clients.enter_context(running(one))
        before = set(one.jailed())
        init, = {pid for pid in before if
                 Path(f"/proc/{pid}/task/{pid}/children").read_text()}
        child = trace(init)
        time.sleep(0.3)  # many times what it waits before it builds one
        assert set(one.jailed()) == before
        one.process.terminate()
        until(lambda: log_has(one, "stopping"))
        sender.close()
        time.sleep(0.3)
        assert set(one.jailed()) <= before
        let_go(child)
        assert one.stop() == 0
    assert not log_has(one, "standby_ready") and not log_has(one, "jobs_left")


def test_hundreds_of_jobs_leave_nothing(one):
    def footprint():
        proc = Path("/proc") / str(one.process.pid)
        with one.up_to_date():
            return (len(list((proc / "fd").iterdir())),
                    len(set(one.jailed())),
                    mounts(one.process.pid, one.dir))

    ready(one)
    before = footprint()

    def is_settled():
        wait_ready(one)
        fds, pids, seen = footprint()
        # Before, something of the first job may still have been there.
        return fds <= before[0] and pids <= before[1] and seen == before[2]

    for i in range(fewer(150, 20)):
        assert one.run("pass").outcome == EXITED
        if i % 10 == 0:
            wait_ready(one)
    until(is_settled, seconds=30)
