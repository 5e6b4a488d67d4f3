# SPDX-License-Identifier: Apache-2.0
"""A jail that is not what its policy says is refused before it runs anything.

Each case is the product with one thing wrong: jail-init or the supervisor
linked from the product's own objects with some functions replaced
(tests/faults-jail), and the fault chosen by its name.  The job's code makes one
call of the audit class and prints a line; neither may be seen.  With no fault
both are, so the variants change nothing else.
"""

import array
import os
import re
import resource
import shutil
import socket
import struct
from pathlib import Path

import pytest

from promptcraft import BUILD
from test_supervisor import (DONE, EXITED, REFUSED, STARTED, Done, Supervisor,
                             until)

FAULTS = BUILD / "faults"
IS_V2 = not Path("/sys/fs/cgroup/memory").exists()
MOUNT = 165
CODE = (f"import ctypes\nctypes.CDLL(None).syscall({MOUNT}, 0, 0, 0, 0, 0)\n"
        "print('RAN', flush=True)\n")

# Who notices: the gate, which reads the live jail from outside, or jail-init,
# where the kernel shows nothing to others.
GATE, INIT = "posture", "jail: "
CAPS = "capabilities are left: "
IDS = r"uid \d+ or gid \d+ is not \d+"
OWN = " is the supervisor's own"
INIT_POSTURE = "posture of jail-init: "

JAIL_CASES = {
    # capabilities, by the set in which one is left
    "stay-cap-effective": (GATE, CAPS + "permitted 0x20"),
    "cap-permitted": (GATE, CAPS + "permitted 0x20"),
    "cap-inheritable": (GATE, CAPS + "inheritable 0x20"),
    "cap-bounding": (GATE, CAPS + "bounding 0x20"),
    "cap-ambient": (GATE, CAPS + "inheritable 0x20"),
    # the filter
    "seccomp-none": (GATE, "no seccomp filter"),
    "seccomp-none-listener": (GATE, "no seccomp filter"),
    "seccomp-mode-1": (GATE, "no seccomp filter"),
    "seccomp-allow-all": (GATE, "of 1 instructions is not the policy's"),
    "seccomp-hole": (GATE, "seccomp filter is not the policy's"),
    "seccomp-two": (GATE, "2 seccomp filters in place of one"),
    "listener-other": (GATE, r"fd \d+ \(anon_inode:seccomp notify\) is not "),
    "stay-thread": (GATE, "2 threads in place of one"),
    "process-unfiltered": (GATE, r"process \d+: task \d+: no seccomp filter"),
    "process-other": (GATE, r"process \d+: seccomp filter of 1 instructions"),
    # ids
    **{f"{kind}-{which}": (GATE, IDS) for kind in ("uid", "gid")
       for which in ("real", "effective", "saved", "fs")},
    # file descriptors
    "fd-host-dir": (GATE, r"fd 100 \(/etc\) "),
    "fd-host-dir-cloexec": (GATE, r"fd 100 \(/etc\) "),
    "fd-host-path": (GATE, r"fd 100 \(/\) "),
    "fd-host-file": (GATE, r"fd 100 \(/etc/passwd\) "),
    "fd-socket": (GATE, r"fd 100 \(socket:"),
    "fd-pipe": (GATE, r"fd 100 \(pipe:"),
    "fd-pipe-cloexec": (GATE, r"fd 100 \(pipe:"),
    "fd-memfd": (GATE, r"fd 100 \(/memfd:policy"),
    "fd-control": (GATE, r"fd 100 \(socket:"),
    "fd-listener": (GATE, r"fd 101 \(anon_inode:seccomp notify\)"),
    "fd-missing": (GATE, "stat fd/3: No such file"),
    "fd-swapped": (GATE, "fd 1 is not the one passed"),
    # where it is
    "cwd": (GATE, "working directory is not /work"),
    "root-host": (GATE, "root is the host's"),
    # mounts
    "mount-extra": (GATE, "mount /extra is not the policy's"),
    "mount-tmpfs": (GATE, "mount /extra is not the policy's"),
    "mount-twice": (GATE, "mount /usr/include: twice"),
    "mount-missing": (GATE, "mount /usr/include is missing"),
    "tmpfs-suid": (GATE, "mount /[a-z]*: not nosuid"),
    "tmpfs-dev": (GATE, "mount /[a-z]*: not nodev"),
    "tmpfs-exec": (GATE, "mount /[a-z/]*: not noexec"),
    "tmpfs-size": (GATE, "mount /work: its size is not the policy's"),
    "tmpfs-inodes": (GATE, "mount /work: its size is not the policy's"),
    "root-writable": (GATE, "mount /: not ro"),
    "proc-writable": (GATE, "mount /proc: not ro"),
    "proc-hidepid": (GATE, "mount /proc: shows more than own processes"),
    "proc-subset": (GATE, "mount /proc: shows more than own processes"),
    # what the kernel shows to nobody else
    "landlock": (INIT, "restrict payload with Landlock: .*does not hold"),
    "init-dumpable": (INIT, "lock down jail-init: .*dumpable"),
    # PID 1
    "init-fd": (GATE, INIT_POSTURE + r"fd \d+ \(/etc\) comes from outside"),
    "init-caps": (GATE, INIT_POSTURE + "privileges are left"),
    "init-bounding": (GATE, INIT_POSTURE + "privileges are left"),
    "init-seccomp": (GATE, INIT_POSTURE + "privileges are left"),
    # With its own ids it cannot write where the payload may.
    "init-fsuid": (GATE, INIT_POSTURE + IDS),
    "init-fsgid": (GATE, INIT_POSTURE + IDS),
}

SUPERVISOR_CASES = {
    # The supervisor has too little power for a jail without one.
    "share-user": (INIT, "drop capability .*: Operation not permitted"),
    "share-pid": (GATE, "ns/pid" + OWN),
    "share-mnt": (GATE, "ns/mnt" + OWN),
    "share-net": (GATE, "ns/net is not the slot's"),
    "share-ipc": (GATE, "ns/ipc" + OWN),
    "share-uts": (GATE, "ns/uts" + OWN),
    "share-cgroup": (GATE, "ns/cgroup" + OWN),
    "cgroup-outside": (GATE, "payload is not in its cgroup"),
    **({} if IS_V2 else {f"cgroup-without-{n}": (GATE, "not in (its )?cgroup")
                         for n in range(4)}),
    "limit-memory": (GATE, "memory"),
    "limit-pids": (GATE, "pids"),
    "limit-cpu": (GATE, "cpu"),
    "nnp": (GATE, "no_new_privs is not set"),
    "groups": (GATE, "1 supplementary groups"),
    "lend-writable": (GATE, "mount /usr/[a-z]*: not ro"),
    "lend-suid": (GATE, "mount /usr/[a-z]*: not nosuid"),
    "lend-dev": (GATE, "mount /usr/[a-z]*: not nodev"),
    "lend-exec": (GATE, "mount /etc/[a-z.]*: not noexec"),
}

# What the supervisor hands down and the jail must lower.  Where the payload
# could not have more than the policy says, there is nothing to go wrong; `more`
# is what the supervisor is started with if this machine allows that.
LIMITS = {"core": (4, 0), "nofile": (7, 4096), "fsize": (1, 1 << 40),
          "stack": (3, 1 << 30), "memlock": (8, 1 << 20),
          "msgqueue": (12, 819200), "rtprio": (14, 5), "nice": (13, 5),
          "sigpending": (11, 4096)}


def variant(source, destination, fault):
    """A copy with the fault's name in place of "none"."""
    data = source.read_bytes()
    old = b"PCFAULT=none".ljust(64, b"\0")
    assert data.count(old) == 1, source
    data = data.replace(old, (b"PCFAULT=" + fault.encode()).ljust(64, b"\0"))
    destination.write_bytes(data)
    destination.chmod(0o755)


def faulty(directory, fault, is_supervisor=False):
    directory.chmod(0o755)
    programs = directory / "programs"
    programs.mkdir(mode=0o755)
    shutil.copy(BUILD / "promptcraft-policyc", programs)
    variant(FAULTS / "jail-init", programs / "jail-init", fault)
    program = BUILD / "promptcraft-supervisor"
    if is_supervisor:
        variant(FAULTS / "promptcraft-supervisor",
                programs / "promptcraft-supervisor", fault)
        program = programs / "promptcraft-supervisor"
    return Supervisor(directory, libexec=programs, program=program, slots=1)


def run(one):
    """What the job said on stdout (None: it was not started), JOB_DONE."""
    output = None
    with one.submit(CODE) as sock:
        while True:
            raw, control, _, _ = sock.recvmsg(512, 512)
            kind = struct.unpack_from("<HH", raw)[1]
            if kind == DONE:
                return output, Done(raw)
            if kind != STARTED:
                continue
            fds = array.array("i")
            fds.frombytes(control[0][2])
            with os.fdopen(fds[1], "rb") as reader:
                for fd in (fds[0], *fds[2:]):
                    os.close(fd)
                output = reader.read()


def assert_refused(one, who, cause):
    output, done = run(one)
    record = one.job_records()[-1]
    said = (f"wanted {cause!r}, got {done.error!r}, outcome {done.outcome}, "
            f"posture {record['posture']!r}, denials {record['denials']}, "
            f"output {output!r}")
    assert output is None, said
    assert done.outcome == REFUSED, said
    assert re.search(cause, done.error), said
    assert record["outcome"] == "refused", said
    assert record["denials"]["total"] == 0, said
    assert re.search(cause, record["error"]), said
    until(lambda: not one.job_processes())
    if who == GATE:
        assert record["posture"].startswith("posture"), said
        assert re.search(cause, record["posture"]), said
        assert "posture_mismatch" in one.log_text()
    else:
        assert record["posture"] == "not reached", said
        assert re.search(r": jail: ", done.error), said


def check(tmp_path, fault, who, cause, is_supervisor=False):
    one = faulty(tmp_path, fault, is_supervisor)
    try:
        assert_refused(one, who, cause)
    finally:
        one.stop()
    assert not [top for top in one.cgroups() if top.exists()]


@pytest.mark.parametrize("fault, is_supervisor", [
    ("none", False), ("none", True), ("stay-none", False)])
def test_without_a_fault_it_runs(tmp_path, fault, is_supervisor):
    one = faulty(tmp_path, fault, is_supervisor)
    try:
        output, done = run(one)
        record = one.job_records()[-1]
    finally:
        one.stop()
    assert (done.outcome, output) == (EXITED, b"RAN\n"), done
    assert record["denials"]["total"] == 1
    assert record["posture"] == "passed"


@pytest.mark.parametrize("fault", JAIL_CASES)
def test_a_wrong_jail_is_refused(tmp_path, fault):
    check(tmp_path, fault, *JAIL_CASES[fault])


@pytest.mark.parametrize("fault", SUPERVISOR_CASES)
def test_a_jail_made_wrong_is_refused(tmp_path, fault):
    check(tmp_path, fault, *SUPERVISOR_CASES[fault], is_supervisor=True)


def has_more(number, more):
    """Is the limit that jails inherit above the policy's, or can it be?"""
    soft, hard = resource.getrlimit(number)
    unlimited = resource.RLIM_INFINITY
    if hard == unlimited or hard >= more:
        return True
    try:
        resource.setrlimit(number, (soft, more))
        return True
    except (ValueError, PermissionError):
        return False


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_left_out_is_refused(tmp_path, name):
    number, more = LIMITS[name]
    before = resource.getrlimit(number)
    if not has_more(number, more):
        pytest.skip(f"the hard limit {name} is {before[1]} and cannot be "
                    "raised without CAP_SYS_RESOURCE: a jail cannot have more")
    one = faulty(tmp_path, f"rlimit-{number}")
    try:
        assert_refused(one, GATE, f"limit {name} is not the policy's")
    finally:
        one.stop()


def test_a_jail_that_cannot_be_watched_is_ended(tmp_path):
    """More often than there are slots: each must come back."""
    one = faulty(tmp_path, "watch-init", is_supervisor=True)
    try:
        for _ in range(30):
            output, done = run(one)
            assert (output, done.outcome) == (None, REFUSED), done
            assert "no watch is to be had" in done.error
        assert not one.job_processes()
    finally:
        one.stop()


def test_a_payload_that_does_not_stop_keeps_no_slot(tmp_path):
    """PID 1 waited for ever for a payload that the supervisor still traced."""
    one = faulty(tmp_path, "no-stop", is_supervisor=True)
    try:
        free = one.hello()["free"]
        for _ in range(3):
            output, done = run(one)
            assert output is None and "wait for its stop" in done.error, done
        until(lambda: one.hello()["free"] == free, seconds=20)
        assert not one.job_processes()
    finally:
        one.stop()
