# SPDX-License-Identifier: Apache-2.0
"""kill -9 of API, supervisor and redis-server at random moments, while many
workflows go their ways: each ends as it should, and each thing that is seen from
outside (release, record, notification, job) is there once.

PROMPTCRAFT_FAULT_WORKFLOWS says how many workflows (60), PROMPTCRAFT_FAULT_SEED
which moments; a failure prints its seed.
"""

import collections
import contextlib
import json
import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from promptcraft import SLOWNESS, wait_for
from world import World

WORKFLOWS = int(os.environ.get("PROMPTCRAFT_FAULT_WORKFLOWS", "60"))
CLIENTS = 24
KILL_PAUSE_S = (1.0, 4.0)
KILLS = max(10, WORKFLOWS // 2)  # then all may come to their end
ENDS = ("completed", "failed", "cancelled")

CODE = """
import time

def add(a, b):
    time.sleep({pause})
    return a + b
"""
TESTS = """
from solution import add

def test_add():
    assert add(2, {addend}) == 5

def test_zero():
    assert add(0, 0) == 0
"""


class Way:
    """One workflow's way, and how it must end."""

    KINDS = ("plain", "approved", "rejected", "failing", "cancelled")

    def __init__(self, number, rng):
        self.number = number
        self.kind = self.KINDS[number % len(self.KINDS)]
        self.pause = round(rng.uniform(0, 0.4), 3)
        if self.kind == "cancelled":
            self.pause = 40  # cancelled long before, whoever is away then
        self.cancel_after = rng.uniform(0, 2)
        self.node = number
        self.id = self.data = None

    def body(self):
        addend = 4 if self.kind == "failing" else 3
        return {
            "goal": f"Add two numbers, number {self.number}",
            "context": {
                "code": CODE.format(pause=self.pause),
                "tests": TESTS.format(addend=addend),
                "language": "python",
                "limits": {"timeout_seconds": 60},
                "execution_preferences": {
                    "require_approval": self.kind in ("approved", "rejected"),
                    "max_iterations": 0,
                },
            },
        }

    def expected(self):
        return {"plain": "completed", "approved": "completed",
                "rejected": "failed", "failing": "failed",
                "cancelled": "cancelled"}[self.kind]

    def go(self, world):
        client = world.client(self.node)
        reply = client.post("/api/v3/execute", self.body())
        assert reply.status == 202, reply
        self.id = reply.data["workflow_id"]
        if self.kind == "cancelled":
            time.sleep(self.cancel_after)
            # 400: an earlier try of the same request had cancelled it.
            reply = client.post(f"/api/v3/execute/cancel/{self.id}")
            assert reply.status in (200, 400), reply
        elif self.kind in ("approved", "rejected"):
            self.decide(client)
        self.data = client.wait_workflow(self.id, seconds=900)

    def decide(self, client):
        data = client.wait_workflow(self.id, "waiting_approval", seconds=900)
        assert data["status"] == "waiting_approval", data
        [pending] = data["pending_approvals"]
        reply = client.post(f"/api/v3/execute/approve/{self.id}", {
            "workflow_id": self.id, "approval_id": pending["approval_id"],
            "decision": self.kind})
        assert reply.status == 200, reply


class Killer(threading.Thread):
    """Kills one thing after the other until told to stop, or until there were
    enough: on a slow machine hardly a job would come between two kills."""

    def __init__(self, world, seed):
        super().__init__()
        self.world, self.rng = world, random.Random(seed)
        self.done = threading.Event()
        self.kills = collections.Counter()
        self.error = None

    def run(self):
        try:
            while (sum(self.kills.values()) < KILLS and
                   not self.done.wait(self.rng.uniform(*KILL_PAUSE_S))):
                node, name = self.rng.choice(self.world.victims())
                node.kill_and_restart(name)
                self.kills[name] += 1
        except BaseException as error:  # told by the test
            self.error = error

    def keep_up(self, workflows):
        """Wait until there is a kill for every twenty of them."""
        wait_for(lambda: sum(self.kills.values()),
                 lambda kills: kills >= workflows / 20, 60)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_exc):
        self.done.set()
        self.join()
        assert self.error is None, self.error


# ---- what must hold in the end ---------------------------------------------


def check_end(way):
    data = way.data
    assert data["status"] == way.expected(), (way.kind, data.get("error"), data)
    if data["status"] == "completed":
        steps = data["execution_plan"]
        # Nobody is asked where nobody wants it and nothing was found.
        skipped = [s["type"] for s in steps if s["status"] == "skipped"]
        assert skipped == (["approval"] if way.kind == "plain" else []), steps
        done = [s for s in steps if s["status"] == "completed"]
        assert len(done) == len(steps) - len(skipped), steps
        assert data["metrics"]["steps_completed"] == len(done)
        assert data["metrics"]["test_success_rate"] == 1
    if way.kind == "failing":
        assert "1 of 2 tests failed" in data["error"], data["error"]


def check_releases(world, ways):
    """One release of each that completed, none of any other, no half ones."""
    found = {path.name for path in world.releases.iterdir()} - {".lock"}
    want = {way.id for way in ways if way.expected() == "completed"}
    assert found == want, found ^ want
    assert all((world.releases / name / "manifest.json").exists()
               for name in found)


def check_records(world, ways):
    """The logs verify; no job is run twice; each release is there once."""
    records = [r for node in world.nodes for r in node.audit()]
    jobs = collections.Counter(r["job_id"] for r in records
                               if r["type"] == "job_begin")
    assert [job for job, n in jobs.items() if n > 1] == []
    releases = collections.defaultdict(list)
    for r in records:
        if r["type"] == "release":
            releases[r["workflow"]].append(r)
    want = {way.id for way in ways if way.expected() == "completed"}
    assert set(releases) == want, set(releases) ^ want
    for found in releases.values():
        # Each node has a log of its own.  One that takes over from another,
        # killed between record and rename, records the same release again.
        assert len({r["manifest_sha256"] for r in found}) == 1, found
        assert [r["attempt_claimed"] for r in found].count(1) <= 1, found
        assert len(found) <= len(world.nodes), found
    return len(jobs), releases


def check_notifications(world, ways):
    """Each ending is told once, by the id of its delivery."""
    want = {way.id: way.expected() for way in ways}

    def endings():
        told = collections.defaultdict(list)
        for event in world.deliveries().values():
            if event["event"].startswith("workflow_"):
                told[event["workflow_id"]].append(event["event"])
        return told

    told = wait_for(endings, lambda t: set(t) >= set(want), seconds=180)
    assert set(told) == set(want)
    wrong = {i: names for i, names in told.items()
             if names != [f"workflow_{want[i]}"]}
    assert not wrong, wrong


@pytest.mark.parametrize("store", ["sqlite", "redis"])
def test_random_kills(store):
    seed = int(os.environ.get("PROMPTCRAFT_FAULT_SEED",
                              str(random.SystemRandom().randrange(1 << 32))))
    print(f"seed {seed}")
    rng = random.Random(seed)
    ways = [Way(n, rng) for n in range(WORKFLOWS)]
    world = World(store)
    began = time.monotonic()

    def go(number, way):
        killer.keep_up(number)
        way.go(world)

    try:
        with Killer(world, seed) as killer, \
                ThreadPoolExecutor(CLIENTS) as pool:
            for future in [pool.submit(go, *each) for each in enumerate(ways)]:
                future.result()
        assert sum(killer.kills.values()) >= (WORKFLOWS - 1) / 20, killer.kills
        for way in ways:
            check_end(way)
        check_notifications(world, ways)
        check_releases(world, ways)
        jobs, releases = check_records(world, ways)
        print(json.dumps({
            "store": store, "workflows": WORKFLOWS, "kills": killer.kills,
            "seconds": round(time.monotonic() - began), "jobs": jobs,
            "attempts_more_than_once": sum(
                s.get("attempt", 1) > 1 for w in ways
                for s in w.data["execution_plan"]),
            "releases": len(releases),
            "release_records": sum(map(len, releases.values())),
            "notifications": len(world.hooks.got("/operator")),
            "ends": collections.Counter(w.data["status"] for w in ways)}))
    finally:
        world.down()
