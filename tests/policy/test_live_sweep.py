# SPDX-License-Identifier: Apache-2.0
"""Model = kernel, inside a jail that the product built: every number 0..1023
with four sets of arguments, the x32 range, -1 and 10,000 numbers of 32 bits.

What the filter should answer comes from two models, the prover's
(`promptcraft policy prove --json`) and the second evaluator of compiled.py; what
it did answer from tests/policy/sweep.c in the jail, and, for the audit class,
from what the supervisor counted."""

import collections
import ctypes
import errno
import json
import os
import pathlib
import subprocess

import pytest

from compiled import BUILD, PROFILES, X32, Machine, compile_policy, verdict
from jailed import Job, supervisor

HERE = pathlib.Path(__file__).resolve().parent
ALL = 2**64 - 1
VECTORS = ([ALL] * 6, [0] * 6, [0xDEADBEEF00000000] * 6,
           [0xFFFFFFFE00000001] * 6)
# uretprobe and uprobe: newer kernels let them past every filter and end a
# caller that is not their own trampoline.
PAST_FILTERS = (335, 336)
PROFILE_NAMES = ["strict", "standard", "permissive"]
# Fewer on an emulated processor (tests/vm): all must be made within the time
# that a job of a profile has.
RANDOM = int(10000 / float(os.environ.get("PROMPTCRAFT_SLOW_MACHINE", "1")))


@pytest.fixture(scope="module")
def one():
    with supervisor() as it:
        yield it


@pytest.fixture(scope="module")
def host_calls():
    """What this kernel lacks: numbers that are ENOSYS for a process that
    nobody filters, without rights."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long

    def lacks(nr, args):
        here, there = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            ctypes.set_errno(0)
            rc = libc.syscall(ctypes.c_long(nr),
                              *map(ctypes.c_ulong, args))
            failed = rc == -1 and ctypes.get_errno() == errno.ENOSYS
            os.write(there, b"1" if failed else b"0")
            os._exit(0)
        os.close(there)
        answer = os.read(here, 1)
        os.close(here)
        os.waitpid(pid, 0)
        return answer == b"1"

    return lacks


def proven(name):
    done = subprocess.run([str(BUILD / "promptcraft"), "policy", "prove",
                           "--json", name], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def prover_answers(proof):
    """Number -> the set of answers that it can get."""
    calls = {call["nr"]: set(call["answers"]) for call in proof["calls"]}
    for rest in proof["ranges"]:
        calls[rest["first"], rest["last"]] = set(rest["answers"])

    def find(nr):
        if nr in calls:
            return calls[nr]
        return next(answers for key, answers in calls.items()
                    if isinstance(key, tuple) and key[0] <= nr <= key[1])

    return find


def sweep():
    """The program, as a job's files."""
    text = (HERE / "sweep.c").read_text()
    assert "#define RANDOM 10000\n" in text
    return {"solution.c": text.replace("RANDOM 10000", f"RANDOM {RANDOM}")}


def agrees(expected, got, lacks):
    if expected == "allow":
        return got != "K" and (got != str(errno.ENOSYS) or lacks())
    if expected == "audit":
        return got == str(errno.EPERM)
    if expected == "kill":
        return got == "K"
    return got == str(getattr(errno, expected))


def is_overtaken(machine, lines):
    """Has a timer ended a caller before it was refused?  That is so when one of
    us does not get a processor for long; not every time."""
    return any(got == "B" and verdict(machine.run(
        int(nr), VECTORS[int(vector)])) != "allow"
        for nr, vector, got in map(str.split, lines))


@pytest.mark.parametrize("name", PROFILE_NAMES)
def test_every_number(one, host_calls, name, record_property):
    policy = compile_policy(PROFILES / f"{name}.policy")
    machine, find = Machine(policy), prover_answers(proven(name))
    for _ in range(5):
        job = Job(one, sweep(), "solution.c", policy=name, runtime="c",
                  wall_ms=0)
        output, done = job.wait()
        lines = output.split("\n")
        assert lines[-2:] == ["end", ""], (done, job.stderr, lines[-3:])
        if not is_overtaken(machine, lines[:-2]):
            break
    wrong, recorded, tried = [], collections.Counter(), 0
    for nr, vector, got in map(str.split, lines[:-2]):
        nr, vector = int(nr), int(vector)
        if nr in PAST_FILTERS:
            assert got in (f"S{4}", str(errno.ENOSYS), str(errno.ENXIO),
                           str(errno.EPERM)), (nr, got)
            continue
        tried += 1
        expected = verdict(machine.run(nr, VECTORS[vector]))
        assert expected in find(nr), (nr, expected, find(nr))
        if not agrees(expected, got,
                      lambda: host_calls(nr, VECTORS[vector])):
            wrong.append((nr, vector, expected, got))
        if expected == "audit":
            recorded[nr] += 1
    assert wrong == []
    assert tried == 4 * 1024 - 8 + 1024 + 1 + RANDOM
    # Every call of the audit class was counted, and no other.
    names = {a.nr: a.name.decode() for a in policy.audit[:policy.audit_len]}
    calls = job.record()["denials"]
    assert calls["calls"] == {names[nr]: n for nr, n in recorded.items()}
    assert calls["total"] == sum(recorded.values())
    kinds = collections.Counter(
        verdict(machine.run(int(nr), VECTORS[int(vector)]))
        for nr, vector, _ in map(str.split, lines[:-2]))
    print(f"\n{name}: {tried} calls made in a jail, 0 other than the model "
          f"says: {dict(kinds)}")


def test_x32_is_all_killed(one):
    """The sweep saw x32 numbers; none came back."""
    job = Job(one, sweep(), "solution.c", policy="strict", runtime="c",
              wall_ms=0)
    output, _ = job.wait()
    rows = [line.split() for line in output.split("\n")[:-2]]
    x32 = [got for nr, _, got in rows if X32 <= int(nr) < 0xFFFFFFFF]
    assert len(x32) > 1024 + 0.4 * RANDOM and set(x32) == {"K"}
