# SPDX-License-Identifier: Apache-2.0
"""Many jobs, 8 at a time: all right, nothing grows, nothing is left.

PROMPTCRAFT_SOAK_JOBS says how many (200): 10000 take some minutes.  Set, it also
says that the machine does nothing else, so that its free memory can be judged.
"""

import contextlib
import json
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from promptcraft import (BUILD, CLI, Stack, fewer, is_standby, mounts,
                         wait_for)

JOBS = int(os.environ.get("PROMPTCRAFT_SOAK_JOBS", fewer(200, 40)))
AT_A_TIME = 8
WARM_UP = 32
# One in so many runs into its timeout, which takes a second each.
TIMEOUT_EVERY = 5 if JOBS <= 200 else 100
# What the kernel's own caches may take; a leak of a page a job exceeds it.
MEMORY_SLACK_KIB = 32768
# Growth that is too much.  AddressSanitizer keeps freed memory on purpose.
IS_ASAN = BUILD.name == "asan"
RSS_MAX_KIB = ({"supervisor": 65536, "api": 262144} if IS_ASAN
               else {"supervisor": 512, "api": 8192})


@pytest.fixture
def fresh_stack():
    stack = Stack.up("--slots", str(AT_A_TIME))
    yield stack
    stack.down()


def children_of(pid):
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        # A thread may live as long as an analysis.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found += (task / "children").read_text().split()
    return found


def rss_kib(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def jailed_processes(cgroups):
    """In the slots' cgroups, by the kernel's own lists."""
    found = set()
    for cgroup in cgroups:
        for directory, _, _ in os.walk(cgroup):
            # On v2 one goes with its job.
            with contextlib.suppress(OSError):
                if "/slot-" in directory:
                    found |= set((Path(directory) / "cgroup.procs")
                                 .read_text().split())
    return len([pid for pid in found if not is_standby(pid)])


def mem_available_kib():
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1])
    raise AssertionError("no MemAvailable")


def measure(stack):
    cgroups = stack.status()["cgroups"]
    supervisor = stack.info["pids"]["supervisor"]
    figures = {
        "cgroups": len(cgroups),
        "jailed": jailed_processes(cgroups),
        "mounts": [len(mounts(pid, stack.dir))
                   for pid in ("self", supervisor)],
    }
    for name, pid in stack.info["pids"].items():
        figures[name] = {
            "fds": len(os.listdir(f"/proc/{pid}/fd")),
            "children": len(children_of(pid)),
            "threads": len(os.listdir(f"/proc/{pid}/task")),
            "rss_kib": rss_kib(pid),
        }
    return figures


def counts(figures):
    return {name: {k: v for k, v in f.items() if k != "rss_kib"}
            if isinstance(f, dict) else f for name, f in figures.items()}


def settled(stack):
    """Its figures when nothing of earlier jobs is on its way any more."""
    seen = [measure(stack)]
    while len(seen) < 10 or any(counts(one) != counts(seen[-1])
                                for one in seen[-10:]):
        assert len(seen) < 1000, seen[-10:]
        time.sleep(0.1)
        seen.append(measure(stack))
    return seen[-1]


def one_job(client, i):
    """Different code, tests and outcomes; what came, and what should have."""
    kind = i % 5 if i % TIMEOUT_EVERY == 4 or i % 5 != 4 else 1
    if kind == 0:
        data = client.job(language="python", code=f"print({i} ** 2)")
        return (data["outcome"], data["stdout"]), ("completed",
                                                   f"{i ** 2}\n")
    if kind == 1:
        data = client.job(language="shell", code=f"echo job {i}; exit 3")
        return ((data["outcome"], data["exit_code"], data["stdout"]),
                ("completed", 3, f"job {i}\n"))
    if kind == 2:
        data = client.job(
            language="python", code=f"def f(x):\n    return x + {i}\n",
            tests="import unittest\nfrom solution import f\n"
                  "class T(unittest.TestCase):\n"
                  f"    def test_one(self): self.assertEqual(f(1), {i + 1})\n"
                  "    def test_two(self): self.assertEqual(f(1), 0)\n")
        tests = data["tests"]
        return ((data["outcome"], tests["passed"], tests["failed"]),
                ("failed", 1, 1))
    if kind == 3:
        data = client.job(language="shell", code="cat", stdin=f"in {i}")
        return (data["outcome"], data["stdout"]), ("completed", f"in {i}")
    data = client.job(language="python", code="while True: pass",
                      limits={"timeout_seconds": 1})
    return (data["outcome"], data["reason"]), ("timeout", "timeout")


def run_jobs(client, numbers):
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        return list(pool.map(lambda i: one_job(client, i), numbers))


def verify_audit(stack):
    """The chain of all that was done here, checked by the product's tool."""
    done = subprocess.run(
        [CLI, "audit", "verify", "--state-dir",
         str(Path(stack.info["state_dir"]).parent / "supervisor")],
        capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_many_jobs_8_at_a_time(fresh_stack):
    client = fresh_stack.client()
    # Caches and pools fill up in the first jobs; growth is what comes after.
    run_jobs(client, range(WARM_UP))
    before = settled(fresh_stack)
    memory_before = mem_available_kib()
    wrong = [(i, got, want) for i, (got, want)
             in enumerate(run_jobs(client, range(JOBS))) if got != want]
    # Slots are tidied up just after the answer.
    after = wait_for(lambda: measure(fresh_stack),
                     lambda f: counts(f) == counts(before))
    memory_after = mem_available_kib()
    if "PROMPTCRAFT_SOAK_JOBS" in os.environ:
        memory_after = wait_for(
            mem_available_kib,
            lambda kib: kib > memory_before - MEMORY_SLACK_KIB, seconds=60)
    print(json.dumps({"jobs": JOBS, "before": before, "after": after,
                      "mem_available_kib": [memory_before, memory_after]}))
    assert not wrong
    growth = {name: after[name]["rss_kib"] - before[name]["rss_kib"]
              for name in ("supervisor", "api")}
    assert all(growth[name] < RSS_MAX_KIB[name] for name in growth), growth
    hello = fresh_stack.status()["supervisor"]
    assert hello["slots_free"] == hello["slots_total"]
    print(verify_audit(fresh_stack))
