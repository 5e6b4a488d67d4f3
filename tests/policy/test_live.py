# SPDX-License-Identifier: Apache-2.0
"""The kernel under the real filter answers as the model says.

No jail: a child takes the filter and makes the calls that it refuses.  Without
a listener the kernel turns the audit class's notification into ENOSYS.
"""
import ctypes
import errno
import faulthandler
import json
import os
import signal

import pytest

from compiled import PROFILES, X32, Filter, Machine, compile_policy, verdict
from rows import rows

PR_SET_NO_NEW_PRIVS = 38
SYS_SECCOMP = 317


class Program(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


def syscall(nr, args=()):
    ctypes.set_errno(0)
    padded = list(args) + [0] * (6 - len(args))
    rc = libc.syscall(ctypes.c_long(nr), *map(ctypes.c_ulong, padded))
    return 0 if rc != -1 else ctypes.get_errno()


def in_filtered_child(policy, work):
    """Run work() in a child under the filter; its JSON, or the signal."""
    bpf = (Filter * policy.bpf_len)(*policy.bpf[:policy.bpf_len])
    program = Program(policy.bpf_len, ctypes.addressof(bpf))
    here, there = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        faulthandler.disable()
        try:
            libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            assert syscall(SYS_SECCOMP,
                           (1, 0, ctypes.addressof(program))) == 0
            os.write(there, json.dumps(work()).encode())
            status = 0
        finally:
            os._exit(status)
    os.close(there)
    with os.fdopen(here, "rb") as reader:
        text = reader.read()
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return -os.WTERMSIG(status)
    assert os.WEXITSTATUS(status) == 0
    return json.loads(text)


def expected(word):
    return errno.ENOSYS if word == "audit" else getattr(errno, word)


@pytest.fixture(scope="module", params=["strict", "standard", "permissive",
                                         "analyzer"])
def policy(request):
    return compile_policy(PROFILES / f"{request.param}.policy")


def test_refused_rows(policy):
    refused = [row for row in rows(policy.name.decode())
               if row[3] not in ("allow", "kill")]
    assert len(refused) > 100
    got = in_filtered_child(
        policy, lambda: [syscall(nr, args) for _, nr, args, _ in refused])
    wrong = [(row, errno.errorcode.get(g, g))
             for row, g in zip(refused, got) if g != expected(row[3])]
    assert wrong == []


# uretprobe and uprobe: newer kernels let them past every filter and end a
# caller that is not their own trampoline.
PAST_FILTERS = (335, 336)


@pytest.mark.parametrize("nr", PAST_FILTERS)
def test_calls_that_pass_filters_do_nothing(policy, nr):
    got = in_filtered_child(policy, lambda: syscall(nr))
    assert got in (-signal.SIGILL, errno.ENOSYS, errno.ENXIO, errno.EPERM)


def test_every_refused_number(policy):
    machine = Machine(policy)
    numbers = [nr for nr in range(1024) if nr not in PAST_FILTERS
               and verdict(machine.run(nr)) != "allow"]
    got = in_filtered_child(policy, lambda: [syscall(nr) for nr in numbers])
    wrong = [(nr, g) for nr, g in zip(numbers, got)
             if g != expected(verdict(machine.run(nr)))]
    assert wrong == []


@pytest.mark.parametrize("nr", [X32, X32 | 59, X32 | 520, 0x7FFFFFFF])
def test_x32_is_killed(policy, nr):
    assert in_filtered_child(policy, lambda: syscall(nr)) == -signal.SIGSYS


def test_minus_one_is_refused(policy):
    assert in_filtered_child(
        policy, lambda: syscall(-1)) == errno.ENOSYS
