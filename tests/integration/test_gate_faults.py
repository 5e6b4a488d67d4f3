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
import time
from pathlib import Path

import pytest

from promptcraft import BUILD
from test_supervisor import (DONE, EXITED, REFUSED, STARTED, Done, Supervisor,
                             bundle, entry, post, submit_message, until)

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
    "fd-missing": (GATE, "fd 3 is closed"),
    "fd-swapped": (GATE, "fd 1 is not the one passed"),
    # where it is
    "cwd": (GATE, "working directory is not /work"),
    "root-host": (GATE, "root is the host's"),
    # mounts
    "mount-extra": (GATE, "mount /tmp/extra is not the policy's"),
    "mount-tmpfs": (GATE, "mount /tmp/extra is not the policy's"),
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


# A program without a harness, which waits at the gate itself.
DIRECT = """[Runtime]
Name=direct
Description=Of a test
Code=solution.py
Tests=test_solution.py
Exec=/usr/bin/python3 -I -B /work/solution.py
Start=direct
"""
# It is looked at once, before its exec: a CLOEXEC fd is as wrong as any other,
# and so is a process that is there, too.
ALONE = "not jail-init and the payload alone"
DIRECT_CAUSES = {
    "process-unfiltered": "3 processes or more",
    "process-other": "3 processes or more",
    "cgroup-outside": ALONE,
    **{f"cgroup-without-{n}": f"not in cgroup|{ALONE}" for n in range(4)},
}


def direct_runtimes(directory):
    top = directory / "runtimes"
    (top / "direct").mkdir(parents=True)
    (top / "direct" / "runtime.ini").write_text(DIRECT)
    return top


def faulty(directory, fault, is_supervisor=False, is_direct=False, options=()):
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
    runtimes = direct_runtimes(directory) if is_direct else None
    one = Supervisor(directory, libexec=programs, program=program, slots=1,
                     runtimes=runtimes, options=options)
    one.runtime = "direct" if is_direct else "python"
    return one


def run(one):
    """What the job said on stdout (None: it was not started), JOB_DONE."""
    output = None
    with one.submit(CODE, runtime=one.runtime) as sock:
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


def until_ready(one):
    until(lambda: one.standby_pids(), seconds=30)
    return one.standby_pids()


def check(tmp_path, fault, who, cause, is_supervisor=False, is_direct=False):
    one = faulty(tmp_path, fault, is_supervisor, is_direct)
    try:
        assert_refused(one, who, cause)
        # And the next, in a jail that was ready before it came.
        until(lambda: one.standby_pids() or "standby_lost" in one.log_text(),
              seconds=30)
        ready = one.standby_pids()
        assert_refused(one, who, cause)
        until(lambda: not ready & one.standby_pids())
        # A socket is found even earlier, and the job builds its own jail.
        assert fault == "fd-socket" or "standby_unfit" not in one.log_text()
    finally:
        one.stop()
    assert not [top for top in one.cgroups() if top.exists()]


@pytest.mark.parametrize("fault, is_supervisor, is_direct", [
    ("none", False, False), ("none", True, False), ("stay-none", False, False),
    ("none", False, True), ("none", True, True)])
def test_without_a_fault_it_runs(tmp_path, fault, is_supervisor, is_direct):
    one = faulty(tmp_path, fault, is_supervisor, is_direct)
    try:
        for _ in range(2):
            output, done = run(one)
            record = one.job_records()[-1]
            assert (done.outcome, output) == (EXITED, b"RAN\n"), done
            assert record["denials"]["total"] == 1
            assert record["posture"] == "passed"
            until(lambda: one.standby_pids(), seconds=30)
        assert "standby_lost" not in one.log_text()
        assert "standby_unfit" not in one.log_text()
    finally:
        one.stop()


@pytest.mark.parametrize("fault", JAIL_CASES)
def test_a_wrong_jail_is_refused(tmp_path, fault):
    check(tmp_path, fault, *JAIL_CASES[fault])


@pytest.mark.parametrize("fault", SUPERVISOR_CASES)
def test_a_jail_made_wrong_is_refused(tmp_path, fault):
    check(tmp_path, fault, *SUPERVISOR_CASES[fault], is_supervisor=True)


@pytest.mark.parametrize("is_direct", [False, True])
def test_who_is_ready_before_its_exec_is_refused(tmp_path, is_direct):
    one = faulty(tmp_path, "gate-early", is_direct=is_direct)
    try:
        for i in range(2):
            output, done = run(one)
            assert (output, done.outcome) == (None, REFUSED), done
            assert "gate message 'R' out of turn" in done.error, done
            until(lambda: one.log_text().count("standby_lost") > i)
        assert "standby_ready" not in one.log_text()
    finally:
        one.stop()


def test_what_unpacks_is_looked_at_once_more(tmp_path):
    check(tmp_path, "init-fd-late", GATE, INIT_POSTURE + "fd 9 comes from",
          is_supervisor=True)


# "stay-" plants it in a process that takes the harness's place: a direct
# runtime has none.
@pytest.mark.parametrize("fault", [name for name in JAIL_CASES
                                   if not name.startswith("stay-")])
def test_a_wrong_direct_jail_is_refused(tmp_path, fault):
    who, cause = JAIL_CASES[fault]
    check(tmp_path, fault, who, DIRECT_CAUSES.get(fault, cause),
          is_direct=True)


@pytest.mark.parametrize("fault", SUPERVISOR_CASES)
def test_a_direct_jail_made_wrong_is_refused(tmp_path, fault):
    who, cause = SUPERVISOR_CASES[fault]
    check(tmp_path, fault, who, DIRECT_CAUSES.get(fault, cause),
          is_supervisor=True, is_direct=True)


@pytest.mark.parametrize("taken, cause", [
    ({"policy": "standard"}, INIT_POSTURE + "mount /work: its size is not"),
    ({"runtime": "shell"}, INIT_POSTURE + r"fd \d+ \(/memfd:runtime")])
def test_a_jail_of_another_kind_is_refused(tmp_path, taken, cause):
    """It was made as it was to be made, but not for this job."""
    one = faulty(tmp_path, "take-any", is_supervisor=True)
    try:
        code = "pass" if "policy" in taken else "true"
        assert one.run(code, **taken).outcome == EXITED
        ready = until_ready(one)
        assert_refused(one, GATE, cause)
        until(lambda: not ready & one.standby_pids())
    finally:
        one.stop()


def test_a_jail_with_another_filter_is_refused(tmp_path):
    """All but the filter is as the job's policy has it."""
    policies = tmp_path / "policy"
    shutil.copytree(BUILD / "policy", policies)
    (policies / "profiles" / "mine.policy").write_text(
        "[Policy]\nDescription=Of a test\nExtends=strict\n"
        "Loosens=SystemCallFilter\n[SystemCalls]\nSystemCallFilter=sched_rr_get_interval\n")
    one = faulty(tmp_path, "take-any-fds", is_supervisor=True,
                 options=("--policy-dir", policies))
    try:
        assert one.run("pass", policy="mine").outcome == EXITED
        until_ready(one)
        assert_refused(one, GATE, "seccomp filter.* is not the policy's")
    finally:
        one.stop()


def test_one_that_is_old_is_built_anew(tmp_path):
    one = faulty(tmp_path, "age", is_supervisor=True)
    try:
        run(one)
        old = until_ready(one)
        until(lambda: one.standby_pids() - old and not one.standby_pids() & old,
              seconds=30)
        output, done = run(one)
        assert (done.outcome, output) == (EXITED, b"RAN\n"), done
        assert "standby_lost" not in one.log_text()
    finally:
        one.stop()


def test_its_age_is_not_its_jobs(tmp_path):
    """Taken when its time is up; the job has time of its own."""
    one = faulty(tmp_path, "taken-old", is_supervisor=True)
    try:
        for i in range(3):
            output, done = run(one)
            assert (done.outcome, output) == (EXITED, b"RAN\n"), done
            until(lambda: one.log_text().count("standby_ready") > i)
        assert "standby_unfit" not in one.log_text()
    finally:
        one.stop()


def test_a_jail_with_more_memory_than_the_job_is_refused(tmp_path):
    one = faulty(tmp_path, "take-any", is_supervisor=True)
    try:
        run(one)
        until_ready(one)
        message = submit_message()[:-40] + struct.pack(
            "<QQQIIII", 20000, 64 << 20, 0, 0, 0, 0, 0)
        with one.connect() as sock:
            post(sock, message, bundle(CODE))
            done = one.done(sock)
        assert done.outcome == REFUSED, done
        assert re.search(r"posture: memory\.\S+ is \d+, expected", done.error)
    finally:
        one.stop()


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


def refuse_bad_bundle(one):
    with one.connect() as sock:
        # Long enough for the posture to be right before it ends.
        files = [entry(2, f"f{n}", bytes(8192)) for n in range(900)]
        post(sock, submit_message(), b"PCB1" + struct.pack("<I", 902) +
             entry(1, "", b"mode=run\0") + b"".join(files) +
             entry(255, "x", b""))
        done = one.done(sock)
    assert done.outcome == REFUSED and "unpack" in done.error, done
    assert "posture_mismatch" not in one.log_text()


def test_a_bad_bundle_is_the_cause_also_when_it_ends_the_jail_first(tmp_path):
    """The payload is gone, and its listener, before they are looked at."""
    one = faulty(tmp_path, "late-listener", is_supervisor=True)
    try:
        refuse_bad_bundle(one)
    finally:
        one.stop()


def test_a_bad_bundle_is_the_cause_and_no_posture(tmp_path):
    """As little in a jail that was ready, whose filter alone is looked at."""
    one = faulty(tmp_path, "late-look", is_supervisor=True)
    try:
        refuse_bad_bundle(one)
        ready = until_ready(one)
        refuse_bad_bundle(one)
        until(lambda: not ready & one.standby_pids())
        assert "standby_unfit" not in one.log_text()
    finally:
        one.stop()


def test_without_its_listener_no_job_runs(tmp_path):
    """At once, and not when its time is up; nor is a jail kept ready."""
    one = faulty(tmp_path, "no-listener", is_supervisor=True)
    try:
        for i in range(2):
            output, done = run(one)
            assert (output, done.outcome) == (None, REFUSED), done
            assert "take seccomp listener" in done.error, done
            until(lambda: one.log_text().count("standby_lost") > i)
        until(lambda: not one.jailed())
    finally:
        one.stop()


@pytest.mark.parametrize("fault, cause", [
    ("cpu-last", r"cpu\S* is \d+, expected"),
    ("cpu-last-fails", "no quota is to be had")])
def test_with_another_share_of_the_processor_no_job_runs(tmp_path, fault,
                                                         cause):
    """It is written when the jail has been looked at: in one that was built for
    the job and in one that waited for it."""
    one = faulty(tmp_path, fault, is_supervisor=True)
    try:
        for _ in range(2):
            message = submit_message()[:-40] + struct.pack(
                "<QQQIIII", 20000, 0, 0, 0, 7, 0, 0)
            with one.connect() as sock:
                post(sock, message, bundle(CODE))
                done = one.done(sock)
            assert done.outcome == REFUSED, done
            assert re.search(cause, done.error), done
            until_ready(one)
        assert "standby_unfit" not in one.log_text()
    finally:
        one.stop()


@pytest.mark.parametrize("fault, cause", [
    ("standby-spawn", "no process is to be had"),
    ("standby-watch", "no watch is to be had")])
def test_a_jail_that_cannot_be_kept_ready_costs_no_job(tmp_path, fault, cause):
    """More often than there are slots, and once a job: not again and again."""
    one = faulty(tmp_path, fault, is_supervisor=True)

    def lost():
        return sum("standby_lost" in line and cause in line
                   for line in one.log_text().splitlines())

    try:
        for i in range(12):
            output, done = run(one)
            assert (done.outcome, output) == (EXITED, b"RAN\n"), done
            until(lambda: lost() > i, seconds=20)
        time.sleep(0.3)  # many times what it waits before it builds one
        assert lost() == 12
        until(lambda: not one.jailed())
        assert one.hello()["free"] == 1
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
        until(lambda: not one.job_processes())
    finally:
        one.stop()


def test_a_payload_that_does_not_stop_keeps_no_slot(tmp_path):
    """PID 1 waited for ever for a payload that the supervisor still traced."""
    one = faulty(tmp_path, "no-stop", is_supervisor=True)
    pid = one.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        free = one.hello()["free"]
        for i in range(3):
            output, done = run(one)
            assert output is None and "wait for its stop" in done.error, done
            # And so fares the jail that is built for the next one.
            until(lambda: one.log_text().count("standby_lost") > i, seconds=20)
        until(lambda: one.hello()["free"] == free, seconds=20)
        until(lambda: not one.jailed())
        until(lambda: not children.read_text(), seconds=20)
    finally:
        one.stop()
