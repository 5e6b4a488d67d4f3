# SPDX-License-Identifier: Apache-2.0
"""Calls of the audit class: refused always, counted exactly, whoever dies and
however many there are.

The programs call socket(AF_INET), which in a jail's own network would succeed
if anybody let it through, or mount."""

import os
import re
import signal
import struct
import time
from collections import Counter
from pathlib import Path

import pytest

from jailed import Job, supervisor
from test_supervisor import EXITED, TIMEOUT

ROOT = Path(__file__).resolve().parents[2]
# As in tests/integration/promptcraft.py.
SLOWNESS = float(os.environ.get("PROMPTCRAFT_SLOW_MACHINE", "1"))
SHOWN = 64  # PROTO_DENIALS_MAX
START = """
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
/* 0: refused with EPERM */
static int try(long nr, long a, long b)
{
	if (syscall(nr, a, b, 0, 0, 0, 0) != -1)
		return 1;
	return errno == EPERM ? 0 : 2;
}
"""


@pytest.fixture(scope="module")
def one():
    with supervisor(slots=3) as it:
        yield it


def run(one, text, **fields):
    job = Job(one, {"solution.c": START + text}, "solution.c", runtime="c",
              policy="strict", **fields)
    output, done = job.wait()
    assert job.stderr == b"", job.stderr
    return job, output, done


def totals(job):
    """What JOB_DONE says, and the record: (total, {name: count})."""
    said = job.record()["denials"]
    assert struct.unpack_from("<Q", job.raw, 96)[0] == said["total"]
    assert sum(said["calls"].values()) == said["total"]
    return said["total"], said["calls"]


def test_a_flood_is_counted_exactly(one):
    count = 20000
    job, output, done = run(one, """
int main(void)
{
	int seen[3] = {0};
	for (int i = 0; i < %d; i++)
		seen[try(SYS_socket, AF_INET, SOCK_STREAM)]++;
	printf("%%d %%d %%d", seen[0], seen[1], seen[2]);
}
""" % count, wall_ms=0)
    assert (done.outcome, done.reason) == (EXITED, "denied")
    assert output == f"{count} 0 0"
    assert totals(job) == (count, {"socket": count})
    assert len(job.denials) == SHOWN


def test_many_at_once_are_counted_exactly(one):
    """Six processes with six threads each, two calls, all at the same time."""
    job, output, done = run(one, """
static void *work(void *arg)
{
	long bad = (long)arg;
	for (int i = 0; i < 40; i++) {
		bad += try(SYS_socket, AF_INET, SOCK_STREAM);
		bad += try(SYS_mount, 0, 0);
	}
	return (void *)bad;
}
static int child(void)
{
	pthread_t thread[6];
	void *bad;
	long all = 0;
	for (int i = 0; i < 6; i++)
		if (pthread_create(&thread[i], NULL, work, NULL) != 0)
			abort();
	for (int i = 0; i < 6; i++) {
		pthread_join(thread[i], &bad);
		all += (long)bad;
	}
	return all != 0;
}
int main(void)
{
	int status, bad = 0;
	for (int i = 0; i < 6; i++)
		if (fork() == 0)
			_exit(child());
	while (wait(&status) > 0)
		bad += status != 0;
	printf("%d", bad);
}
""", wall_ms=0)
    assert (done.outcome, output) == (EXITED, "0")
    each = 6 * 6 * 40
    assert totals(job) == (2 * each, {"socket": each, "mount": each})


def test_messages_are_the_first_ones(one):
    job, _, _ = run(one, """
int main(void)
{
	for (long i = 0; i < 100; i++)
		try(SYS_mount, i, 7);
}
""")
    args = [struct.unpack_from("<6Q", raw, 88) for raw in job.denials]
    assert [a[:2] for a in args] == [(i, 7) for i in range(SHOWN)]
    assert totals(job) == (100, {"mount": 100})


def test_a_flood_starves_nobody(one):
    flood = Job(one, {"solution.c": START + """
int main(void)
{
	for (int i = 0; i < 3; i++)
		fork();
	for (;;)
		try(SYS_socket, AF_INET, SOCK_STREAM);
}
"""}, "solution.c", runtime="c", policy="strict", wall_ms=0)
    flood.started()
    before = rss(one)
    while not flood.denials:
        flood.has_started()
    began = time.monotonic()
    for _ in range(5):
        done = one.run("print('here')")
        assert done.outcome == EXITED, done
    # Each takes milliseconds; here two processors are shared with the flood.
    assert time.monotonic() - began < 20 * SLOWNESS
    assert rss(one) - before < 4 << 10
    flood.kill()
    wait_until(lambda: not one.job_processes())


def rss(one):
    text = Path(f"/proc/{one.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1])


def is_waiting(pid, nr):
    try:
        return Path(f"/proc/{pid}/syscall").read_text().split()[0] == str(nr)
    except (OSError, IndexError):
        return False


def wait_until(check, seconds=30):
    deadline = time.monotonic() + seconds * SLOWNESS
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.01)


BLOCKED = """
int main(void)
{
	char go;
	read(0, &go, 1);
	for (int i = 0; i < 8; i++)
		if (fork() == 0) {
			printf("%d\\n", try(SYS_socket, AF_INET, SOCK_STREAM));
			fflush(stdout);
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
	puts("end");
}
"""
SOCKET = 41


def start_blocked(one, text=BLOCKED, count=8):
    """A job whose processes all wait for a supervisor that is stopped."""
    job = Job(one, {"solution.c": START + text}, "solution.c", runtime="c",
              policy="strict", keep_stdin=True, wall_ms=0)
    job.started()
    wait_until(lambda: any(is_waiting(pid, 0) for pid in programs(one)))
    one.process.send_signal(signal.SIGSTOP)
    os.write(job.pipes[0], b"g")
    wait_until(lambda: sum(is_waiting(pid, SOCKET)
                           for pid in programs(one)) == count)
    return job


def programs(one):
    """Processes that run what the C harness has built."""
    found = []
    for pid in set(one.job_processes()):
        try:
            if os.readlink(f"/proc/{pid}/exe").startswith("/work/"):
                found.append(pid)
        except OSError:
            pass
    return found


def test_answers_come_late_and_are_the_same(one):
    job = start_blocked(one)
    one.process.send_signal(signal.SIGCONT)
    output, done = job.wait()
    assert done.outcome == EXITED
    assert output == "0\n" * 8 + "end\n"
    assert totals(job) == (8, {"socket": 8})


def test_callers_that_die_while_they_wait(one):
    """The supervisor finds nobody to answer, and goes on."""
    text = BLOCKED.replace("	while (wait", """
	sleep(8);
	kill(-1, SIGKILL);
	while (wait""")
    job = start_blocked(one, text)
    wait_until(lambda: not any(is_waiting(pid, SOCKET)
                               for pid in programs(one)))
    one.process.send_signal(signal.SIGCONT)
    output, done = job.wait()
    assert done.outcome == EXITED and output in ("", "end\n")
    assert totals(job)[0] <= 8
    assert one.run("pass").outcome == EXITED


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_supervisor_that_dies_lets_nothing_through(how):
    with supervisor() as mine:
        job = start_blocked(mine)
        mine.process.send_signal(how)
        if how == signal.SIGTERM:
            mine.process.send_signal(signal.SIGCONT)
        mine.process.wait(timeout=30 * SLOWNESS)
        wait_until(lambda: not mine.job_processes())
        with os.fdopen(job.pipes[1], "rb") as reader:
            output = reader.read()
        # Killed, refused by the kernel (2), or by the supervisor while it
        # shut down (0); 1 would be a socket.
        assert set(output.split()) <= {b"2", b"0", b"end"}
        job.pipes[1] = -1
        job.kill()
        mine.start()  # its successor clears up
        assert mine.run("pass").outcome == EXITED


def test_no_source_lets_a_call_through():
    """SECCOMP_USER_NOTIF_FLAG_CONTINUE, and the calls that give an answer."""
    answers = 0
    for folder in ("supervisor", "jail", "policy"):
        for path in (ROOT / folder).rglob("*.[ch]"):
            text = path.read_text()
            assert "FLAG_CONTINUE" not in text, path
            assert "NOTIF_ADDFD" not in text, path
            assert not re.search(r"resp\.(flags|val)", text), path
            answers += text.count("SECCOMP_IOCTL_NOTIF_SEND")
    assert answers == 1  # notify.c: the rest of the answer is 0
