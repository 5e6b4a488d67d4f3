# SPDX-License-Identifier: Apache-2.0
"""The profiles: what their compiled filters answer, and their limits."""
import ctypes
import hashlib
import random

import pytest

from compiled import (ARCH_I386, PROFILES, X32, Machine, Policy,
                      compile_policy, policyc, SETS, verdict)
from rows import rows

NAMES = ["strict", "standard", "permissive"]


@pytest.fixture(scope="module", params=[*NAMES, "analyzer"])
def policy(request):
    return compile_policy(PROFILES / f"{request.param}.policy")


@pytest.fixture(scope="module")
def machine(policy):
    return Machine(policy)


def test_rows(policy, machine):
    wrong = [(name, list(map(hex, args)), want, got)
             for name, nr, args, want in rows(policy.name.decode())
             if (got := verdict(machine.run(nr, args))) != want]
    assert wrong == []


def test_every_number_is_decided(policy, machine):
    audited = {a.nr for a in policy.audit[:policy.audit_len]}
    allowed = 0
    for nr in range(1024):
        got = verdict(machine.run(nr))
        assert got in ("allow", "audit", "ENOSYS"), nr
        assert got != "audit" or nr in audited
        allowed += got == "allow"
    # Calls whose rules do not take all-zero arguments are not in `allowed`.
    assert policy.syscalls_allowed - 8 <= allowed <= policy.syscalls_allowed
    assert verdict(machine.run(0xFFFFFFFF)) == "ENOSYS"


def test_no_number_beyond_the_known_is_allowed(machine):
    rng = random.Random(1)
    numbers = [rng.randrange(1024, X32) for _ in range(2000)]
    assert {verdict(machine.run(nr)) for nr in numbers} == {"ENOSYS"}


def test_foreign_architectures_are_killed(machine):
    rng = random.Random(2)
    numbers = [*range(1024), *(rng.randrange(2**31) for _ in range(500))]
    for nr in numbers:
        assert verdict(machine.run(nr, arch=ARCH_I386)) == "kill"
    for nr in range(1024):
        assert verdict(machine.run(X32 | nr)) == "kill"
    for nr in (rng.randrange(X32, 2**32 - 1) for _ in range(2000)):
        assert verdict(machine.run(nr)) == "kill"


def test_upper_halves_never_count(machine):
    rng = random.Random(3)
    for nr in range(480):
        for _ in range(20):
            low = [rng.choice((0, 1, 2, 10, 16, 0x5412, 0x20000,
                               rng.getrandbits(32))) for _ in range(6)]
            high = [v | rng.getrandbits(32) << 32 for v in low]
            assert machine.run(nr, low) == machine.run(nr, high), (nr, low)


def test_a_wider_profile_allows_all_of_a_narrower_one():
    policies = [compile_policy(PROFILES / f"{n}.policy") for n in NAMES]
    for narrow, wide in zip(policies, policies[1:]):
        assert narrow.syscalls_allowed <= wide.syscalls_allowed
        assert narrow.limits.memory_bytes < wide.limits.memory_bytes
        assert narrow.limits.wall_ms < wide.limits.wall_ms
        assert narrow.limits.pids < wide.limits.pids
    assert [p.has_loopback for p in policies] == [0, 0, 1]


def test_an_analyzer_gets_less_than_strict_but_memory_and_time():
    strict, own = (compile_policy(PROFILES / f"{n}.policy")
                   for n in ("strict", "analyzer"))
    assert own.syscalls_allowed < strict.syscalls_allowed
    machine, wider = Machine(own), Machine(strict)
    for nr in range(1024):
        if verdict(machine.run(nr)) == "allow":
            assert verdict(wider.run(nr)) == "allow", nr
    assert own.limits.wall_ms < strict.limits.wall_ms
    # What it writes can nowhere be executed.
    assert own.tmpfs_len > 0
    assert all(t.is_noexec for t in own.tmpfs[:own.tmpfs_len])


def test_nothing_of_the_host_that_tells_about_it(policy):
    for mount in policy.mounts[:policy.mounts_len]:
        source = mount.source.decode()
        assert source not in ("/usr", "/etc", "/usr/share", "/var", "/")
        for never in ("/home", "/root", "/var/", "/proc", "/sys", "/run",
                      "/usr/local", "/etc/passwd", "/etc/ssl", "/etc/hosts"):
            assert not source.startswith(never)
        if source.startswith("/etc"):
            assert source in ("/etc/ld.so.cache", "/etc/alternatives")


def test_hashes(policy):
    copy = Policy.from_buffer_copy(bytes(policy))
    sha = bytes(copy.sha256)
    ctypes.memset(copy.sha256, 0, 32)
    assert hashlib.sha256(bytes(copy)).digest() == sha
    bpf = bytes(policy.bpf)[:policy.bpf_len * 8]
    assert hashlib.sha256(bpf).digest() == bytes(policy.bpf_sha256)


def test_output_is_the_same_every_time(policy, tmp_path):
    name = policy.name.decode()
    for file in PROFILES.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    again = compile_policy(tmp_path / f"{name}.policy")
    assert bytes(again) == bytes(policy)


def test_show_names_what_an_admin_asks(policy):
    name = policy.name.decode()
    done = policyc("show", PROFILES / f"{name}.policy", "--sets", SETS)
    text = done.stdout.decode()
    assert done.returncode == 0 and done.stderr == b""
    assert text.startswith(f"policy {name}: ")
    assert bytes(policy.sha256).hex() in text
    for word in ("wall time", "/usr/bin", "/work", "PATH=/usr/bin:/bin",
                 f"allowed: {policy.syscalls_allowed} ", "ptrace",
                 "ioctl(*, {FIONREAD"):
        assert word in text, word
