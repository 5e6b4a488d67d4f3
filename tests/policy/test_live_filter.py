# SPDX-License-Identifier: Apache-2.0
"""The filter that the kernel holds for a live jail is the proven one, byte for
byte: read back from outside by PTRACE_SECCOMP_GET_FILTER, of every task, while
the jail waits at its gate and while it runs threads and children."""

import contextlib
import ctypes
import os
import signal
import struct
import time

import pytest

from compiled import PROFILES, compile_policy
from jailed import Job, processes, status, supervisor, until

SEIZE, INTERRUPT, DETACH, GET_FILTER = 0x4206, 0x4207, 17, 0x420C
WALL = 0x40000000
ENOENT = 2

# As in tests/integration/promptcraft.py.
SLOWNESS = float(os.environ.get("PROMPTCRAFT_SLOW_MACHINE", "1"))

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p,
                        ctypes.c_void_p]

# Programs that start what a language has of threads and children, say so and
# wait to be ended.
PROGRAMS = {
    "python": ("solution.py", """
import os, subprocess, threading, time
for _ in range(3):
    threading.Thread(target=time.sleep, args=(300,), daemon=True).start()
child = subprocess.Popen(["/usr/bin/sleep", "300"])
if os.fork() == 0:
    time.sleep(300)
print("ready", flush=True)
time.sleep(300)
""", 6),
    "javascript": ("solution.js", """
const {Worker} = require("worker_threads");
const {spawn} = require("child_process");
new Worker("setInterval(() => {}, 1000)", {eval: true})
  .on("online", () => {
    spawn("/usr/bin/sleep", ["300"]).on("spawn", () => console.log("ready"));
  });
""", 4),
    "c": ("solution.c", """
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static void *wait(void *arg) { pause(); return arg; }
int main(void)
{
	pthread_t thread;
	for (int i = 0; i < 3; i++)
		pthread_create(&thread, NULL, wait, NULL);
	if (fork() == 0)
		pause();
	puts("ready");
	fflush(stdout);
	pause();
}
""", 5),
    "shell": ("solution.sh", "sleep 300 & sleep 300 & echo ready; wait\n", 3),
}
# A jail that unpacks these, while its runtime starts, takes so long that it is
# often caught at its gate.
MANY = {f"many/{n}": b"x" * 8192 for n in range(900)}


def ptrace(request, pid, address=None, data=None):
    ctypes.set_errno(0)
    return libc.ptrace(request, pid, address, data)


def read_filters(tid):
    """All filters of one task, the oldest first."""
    filters = []
    assert ptrace(SEIZE, tid) == 0, os.strerror(ctypes.get_errno())
    try:
        assert ptrace(INTERRUPT, tid) == 0
        os.waitpid(tid, WALL)
        while True:
            count = ptrace(GET_FILTER, tid, len(filters))
            if count < 0:
                assert ctypes.get_errno() == ENOENT
                return filters
            code = ctypes.create_string_buffer(8 * count)
            assert ptrace(GET_FILTER, tid, len(filters), code) == count
            filters.append(code.raw)
    finally:
        ptrace(DETACH, tid)


def read_tasks(pids):
    """{tid: filters} of every task of these processes."""
    return {int(tid): read_filters(int(tid)) for pid in pids
            for tid in os.listdir(f"/proc/{pid}/task")}


def proven(name):
    policy = compile_policy(PROFILES / f"{name}.policy")
    return b"".join(struct.pack("<HBBI", f.code, f.jt, f.jf, f.k)
                    for f in policy.bpf[:policy.bpf_len])


@pytest.fixture(scope="module")
def one():
    assert status(os.getpid())["Seccomp"] == "0", \
        "who is filtered may not read filters"
    with supervisor() as it:
        yield it


@pytest.mark.parametrize("name", ["strict", "standard", "permissive"])
@pytest.mark.parametrize("runtime", PROGRAMS)
def test_while_it_runs(one, name, runtime):
    path, text, least = PROGRAMS[runtime]
    job = Job(one, {path: text}, path, policy=name, runtime=runtime)
    try:
        job.started()
        assert job.line() == "ready\n"
        tasks = read_tasks(processes(one)[1])
        # It goes on as if nothing had been.
        assert all(int(status(tid)["TracerPid"]) == 0 for tid in tasks)
    finally:
        job.kill()
    wait_empty(one)
    assert len(tasks) >= least
    want = proven(name)
    assert [tid for tid, got in tasks.items() if got != [want]] == []


def wait_empty(one):
    deadline = time.monotonic() + 30 * SLOWNESS
    while one.jailed():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_at_gate(pid):
    """Does it wait in read(4), filtered, and is it not jail-init any more?"""
    try:
        with open(f"/proc/{pid}/syscall") as file:
            words = file.read().split()
        return (words[:2] == ["0", "0x4"] and status(pid)["Seccomp"] == "2" and
                "memfd" not in os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return False


def has_shrunk(pid):
    try:
        return status(pid)["Seccomp"] == "2"
    except (OSError, KeyError):
        return False


def signal_to(init, number):
    """One that was refused has been ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(init, number)


def stop_at_gate(one, job):
    """PID 1 is stopped while it unpacks, so the gate stays shut while the
    runtime starts; their pids, or None if it was too late."""
    while not job.has_started():
        init, others = processes(one)
        if init is None or len(others) != 1 or not has_shrunk(init):
            continue
        signal_to(init, signal.SIGSTOP)
        deadline = time.monotonic() + SLOWNESS
        while time.monotonic() < deadline and not job.has_started():
            if is_at_gate(others[0]):
                return init, others[0]
        # Stopped before it had told the supervisor, maybe.
        signal_to(init, signal.SIGCONT)
        time.sleep(0.0005)
    return None


def hello_in(runtime):
    """Path and text of a program."""
    path = PROGRAMS[runtime][0]
    return path, {"solution.py": "print('hello')",
                  "solution.js": "console.log('hello')",
                  "solution.sh": "echo hello\n",
                  "solution.c": '#include <stdio.h>\n'
                                'int main(void) { puts("hello"); }\n'}[path]


@pytest.mark.parametrize("name", ["strict", "standard", "permissive"])
@pytest.mark.parametrize("runtime", PROGRAMS)
def test_at_the_gate(one, name, runtime):
    path, hello = hello_in(runtime)
    for _ in range(50):
        job = Job(one, {path: hello, **MANY}, path, policy=name,
                  runtime=runtime)
        found = stop_at_gate(one, job)
        if found is not None:
            try:
                filters = read_tasks([found[1]])
                own = read_tasks([found[0]])
                was_shut = not job.has_started()
            except (AssertionError, OSError):
                was_shut = False  # it was through, and has ended
            signal_to(found[0], signal.SIGCONT)
            if was_shut and job.may_run():
                output, _ = job.wait()
                assert output == "hello\n"  # and none the worse for it
                break
            # A posture that was read while we traced it was refused.
            job.kill()
        else:
            job.wait()
        wait_empty(one)
    else:
        pytest.fail("the gate was never seen shut")
    want = proven(name)
    assert [tid for tid, got in filters.items() if got != [want]] == []
    assert [len(got) for got in own.values()] == [1]
    assert list(own.values()) != [[want]]


@pytest.mark.parametrize("name", ["strict", "standard", "permissive"])
@pytest.mark.parametrize("runtime", PROGRAMS)
def test_before_there_is_a_job(name, runtime):
    """In a jail that is kept ready; its job is none the worse for the look."""
    path, hello = hello_in(runtime)
    with supervisor(standby=1) as it:
        for _ in range(2):
            job = Job(it, {path: hello}, path, policy=name, runtime=runtime)
            output, _ = job.wait()
            assert output == "hello\n"
            pids = []
            until(lambda: pids.extend(it.standby_pids()) or pids, seconds=30)
            init, = pids
            with open(f"/proc/{init}/task/{init}/children") as file:
                payload, = map(int, file.read().split())
            found = read_tasks([payload])
            assert [tid for tid, got in found.items()
                    if got != [proven(name)]] == []
            assert [len(got) for got in read_tasks([init]).values()] == [1]
        assert "standby_lost" not in it.log_text()
        assert "standby_unfit" not in it.log_text()
