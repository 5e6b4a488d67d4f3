# SPDX-License-Identifier: Apache-2.0
"""What rounds of attackers with fresh eyes have found, one test a finding."""

import array
import contextlib
import fcntl
import os
import signal
import socket
import struct
import time
from pathlib import Path

import escape
import pytest
import wire

# ---- what the filter let through by its arguments --------------------------


def test_round_memory_is_not_merged(jail, profile):
    """With pages of other jails or of virtual machines, where the host does
    that; nor moves a job pages of the host's cache or into its swap."""
    run = jail(profile).run("round_merge.c")
    assert run.blocked() == {"mergeable", "cold", "pageout", "collapse",
                             "offered"}, run
    assert run.outcome == "completed" and run.exit_code == 0, run


def test_round_control_memory_is_merged(loose):
    run = loose("strict", "seccomp").run("round_merge.c")
    assert run.done() >= {"cold", "pageout"}, run
    # A kernel without KSM refuses; one with it takes the offer.
    assert ("mergeable" in run.done()) == ("offered" in run.done()), run


def test_round_no_urgent_data(jail, profile):
    run = jail(profile).run("round_urgent.c")
    assert run.blocked() == {"sendto", "sendmsg", "sendmmsg"}, run
    assert run.outcome == "completed" and run.exit_code == 0, run


def test_round_control_urgent_data(loose):
    run = loose("strict", "seccomp").run("round_urgent.c")
    assert run.done() == {"sendto", "sendmsg", "sendmmsg"}, run


# ---- direct runtimes -------------------------------------------------------

DIRECT = """[Runtime]
Name=direct
Description=Of a test
Code=solution.direct
Tests=test_solution.direct
Exec=/usr/bin/python3 -I -B /work/round_direct.py
Start=direct
"""


def test_round_direct_program_reports_no_tests(own, tmp_path, profile):
    """Its own records, without a harness, would be a result that passed."""
    top = tmp_path / "runtimes"
    (top / "direct").mkdir(parents=True)
    (top / "direct" / "runtime.ini").write_text(DIRECT)
    supervisor = own(runtime_dir=top).start()
    run = supervisor.run(profile, "round_direct.py", runtime="direct",
                         tests="a08_results.py")
    assert run.attempts == {"report": ("blocked", "9")}, run
    assert run.outcome == "error" and run.reason == "incomplete", run


# ---- core dumps to a socket ------------------------------------------------


def test_round_core_dumps_to_a_socket(loose):
    """RLIMIT_CORE does not hold against it: such a host gets no jobs."""
    run = loose("strict", "core-socket").run("d07_crash.c")
    assert (run.outcome, run.reason) == ("error", "refused"), run
    assert "kernel.core_pattern" in run.error, run


# ---- exhaustion and standstill ---------------------------------------------


def fds_of(supervisor):
    return len(os.listdir(f"/proc/{supervisor.pid}/fd"))


def cpu_of(supervisor):
    """Seconds of the supervisor's own processor time."""
    text = Path(f"/proc/{supervisor.pid}/stat").read_text()
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def quota_of(supervisor):
    """Microseconds of each 100 ms that the only job has, on cgroup v1 or v2."""
    for slot in filter(escape.pids_below, supervisor.cgroups()):
        for name in ("cpu.cfs_quota_us", "cpu.max"):
            # On v2 that of the job before goes with its last process.
            with contextlib.suppress(OSError):
                return int((slot / name).read_text().split()[0])
    pytest.fail("no job has a quota")


def test_round_a_tiny_cpu_share_does_not_slow_the_gate(own):
    """With 1 % of a CPU the payload needed tenths of a second to stop for the
    look at its filter, during which all other jobs stood still."""
    supervisor = own(slots=1, options=escape.NONE_READY).start()
    files = [wire.entry(wire.FILE, f"f{i}", b"x" * 8000) for i in range(200)]
    times, least = [], 0.35 * escape.SLOWNESS
    # Again where others had the processor: it is never quick without.
    while len(times) < 4 or (min(times) >= least and len(times) < 15):
        with supervisor.connect() as sock:
            wire.post(sock, wire.submit(cpu=1), wire.program("input()", *files))
            raw, control, _, _ = sock.recvmsg(512, 512)
            assert struct.unpack_from("<HH", raw)[1] == wire.STARTED
            times.append(struct.unpack_from("<I", raw, 188)[0] / 1e6)
            assert quota_of(supervisor) == 1000
            fds = array.array("i")
            fds.frombytes(control[0][2])
            for fd in fds:
                os.close(fd)
            wire.Job(sock)
    assert min(times) < least, times


def fill(supervisor):
    """A connection with some messages more than its socket takes."""
    sock = supervisor.connect()
    sock.setblocking(False)
    for i in range(200):
        sock.send(wire.head(wire.HELLO, 16))
        if i % 8 == 0:
            supervisor.hello()  # it has read that many
    return sock


def test_round_a_client_that_reads_nothing_piles_up_no_fds(own):
    """Pipes of job after job waited in the supervisor to be sent: 500 fds a
    second, until nobody could connect and no job could start."""
    supervisor = own(slots=2, options=escape.NONE_READY).start()
    before = fds_of(supervisor)
    with fill(supervisor) as sock:
        for i in range(40):
            try:
                wire.post(sock, wire.submit(runtime="shell"),
                          wire.program("exit"))
            except OSError:
                break
            escape.wait_for(lambda: supervisor.hello()["free"] == 2)
            assert fds_of(supervisor) < before + 80
    assert "does not read" in supervisor.log_text()
    escape.wait_for(lambda: fds_of(supervisor) <= before + 2)


def test_round_out_of_fds_is_no_busy_loop(own):
    """With no fd left to accept with it used a whole CPU, and wrote 40 MB of
    log a second."""
    supervisor = own(slots=1, prefix=("/usr/bin/prlimit",
                                      "--nofile=300:300")).start()
    socks = []
    while "accept_failed" not in supervisor.log_text() and len(socks) < 400:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sock.setblocking(False)
        sock.connect(str(supervisor.socket))
        socks.append(sock)
        time.sleep(0.002)
    escape.wait_for(lambda: "accept_failed" in supervisor.log_text())
    cpu, log = cpu_of(supervisor), len(supervisor.log_text())
    time.sleep(2)
    assert cpu_of(supervisor) - cpu < 0.5
    assert len(supervisor.log_text()) - log < 10000
    for sock in socks:
        sock.close()
    escape.wait_for(supervisor.hello)


def test_round_a_huge_memfd_is_not_freed_by_the_supervisor(own):
    """70 ms a gigabyte, in which no deadline is looked at."""
    supervisor = own(slots=1).start()
    fd = os.memfd_create("x", os.MFD_ALLOW_SEALING)
    os.posix_fallocate(fd, 0, 2 << 30)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, 0xf)
    with supervisor.connect() as sock:
        supervisor.hello()
        before = cpu_of(supervisor)
        os.kill(supervisor.pid, signal.SIGSTOP)
        wire.send(sock, wire.submit(), [fd])
        os.close(fd)  # the last one is theirs
        os.kill(supervisor.pid, signal.SIGCONT)
        with pytest.raises(ConnectionResetError):
            sock.recv(512)
    time.sleep(1)
    assert cpu_of(supervisor) - before < 0.06 * escape.SLOWNESS
