# SPDX-License-Identifier: Apache-2.0
"""The disk takes its time, or fails, with the record of a job that ended while
others run: they go on, and nobody is answered before his record is kept.

The faults are those of tests/faults-jail, chosen as in test_gate_faults.py.
"""

import contextlib
import os
import select
import shutil
import time

import pytest

from promptcraft import BUILD
from test_audit import verify
from test_gate_faults import FAULTS, variant
from test_supervisor import ERROR, EXITED, REFUSED, Supervisor, until


@pytest.fixture
def slow(tmp_path, request):
    tmp_path.chmod(0o755)
    programs = tmp_path / "programs"
    programs.mkdir(mode=0o755)
    for name in ("promptcraft-policyc", "jail-init"):
        shutil.copy(BUILD / name, programs)
    program = programs / "promptcraft-supervisor"
    variant(FAULTS / "promptcraft-supervisor", program, request.param)
    one = Supervisor(tmp_path, libexec=programs, program=program, slots=4)
    yield one
    one.stop()


@contextlib.contextmanager
def running(one, code):
    """A job that has been started: its socket, and an end for its stdin."""
    with one.submit(code) as sock:
        fds = one.started(sock)
        try:
            yield sock, lambda: [os.close(fds.pop()) for _ in fds[:]]
        finally:
            for fd in fds:
                os.close(fd)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_answered(sock):
    return bool(select.select([sock], [], [], 0)[0])


WAITS = "import sys\nsys.stdin.read()"


@pytest.mark.parametrize("slow", ["flush-untold"], indirect=True)
def test_others_go_on_and_who_ended_waits_for_the_disk(slow):
    with running(slow, WAITS) as (long, end), \
            running(slow, "pass") as (first, _):
        until(lambda: len(slow.job_records()) == 1)
        with running(slow, "pass") as (second, _):  # it still takes jobs
            until(lambda: len(slow.job_records()) == 2)
            until(lambda: len(set(slow.job_processes())) == 2)  # the long one's
            before = cpu_seconds(slow.process.pid)
            time.sleep(2)
            assert cpu_seconds(slow.process.pid) - before < 0.5
            assert not any(map(is_answered, (long, first, second)))
            end()  # nobody is left to go on: now the disk is waited for
            outcomes = [slow.done(sock).outcome
                        for sock in (first, second, long)]
    assert outcomes == [EXITED] * 3
    assert len(slow.job_records()) == 3
    done = verify(slow.state)
    assert done.returncode == 0, done.stdout
    assert slow.stop() == 0


@pytest.mark.parametrize("slow", ["flush-untold"], indirect=True)
def test_who_is_refused_meanwhile_does_not_wait_for_long(slow):
    with running(slow, WAITS) as (_, end), running(slow, "pass") as (first, _):
        until(lambda: len(slow.job_records()) == 1)
        assert not is_answered(first)
        # A refusal is synced at once, and all before it.
        assert slow.run("pass", policy="none").outcome == REFUSED
        assert slow.done(first).outcome == EXITED
        end()


@pytest.mark.parametrize("slow", ["flush-untold"], indirect=True)
def test_a_client_that_goes_meanwhile_is_no_loss(slow):
    with running(slow, WAITS) as (long, end):
        with running(slow, "pass"):
            until(lambda: len(slow.job_records()) == 1)
        with slow.up_to_date():
            pass
        end()
        assert slow.done(long).outcome == EXITED
    assert [r["outcome"] for r in slow.job_records()] == ["exited"] * 2
    until(lambda: slow.hello()["free"] == slow.slots)


@pytest.mark.parametrize("slow", ["flush-untold"], indirect=True)
def test_a_stop_answers_all(slow):
    with running(slow, WAITS) as (long, _), running(slow, "pass") as (first, _):
        until(lambda: len(slow.job_records()) == 1)
        assert slow.stop() == 0
        assert slow.done(first).outcome == EXITED
        assert slow.done(long).reason == "shutdown"
    assert verify(slow.state).returncode == 0


@pytest.mark.parametrize("slow", ["flush-fails"], indirect=True)
def test_a_disk_that_fails_is_told_to_all(slow):
    with running(slow, WAITS) as (long, end), running(slow, "pass") as (sock, _):
        done = slow.done(sock)
        assert done.outcome == ERROR
        assert "audit record could not be written" in done.error
        again = slow.run("pass")
        assert again.outcome == ERROR
        assert "audit record could not be written" in again.error
        end()
        assert slow.done(long).outcome == ERROR
    assert "audit_broken" in slow.log_text()
