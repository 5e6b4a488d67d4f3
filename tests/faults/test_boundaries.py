# SPDX-License-Identifier: Apache-2.0
"""kill -9 at each boundary of a workflow: as soon as a client is told of an
event, the process that told it (or its supervisor, or its store) is killed."""

import collections
import contextlib

import pytest
from events import EventStream
from test_kill import CODE, TESTS
from world import AWAY, World, kill_redis

BODY = {
    "goal": "Add two numbers, step by step",
    "context": {"code": CODE.format(pause=0.2),
                "tests": TESTS.format(addend=3), "language": "python",
                "execution_preferences": {"require_approval": True}},
}


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def world(request):
    one = World(request.param)
    yield one
    one.down()


def decide_when_asked(client, workflow_id):
    data = client.wait_workflow(workflow_id, "waiting_approval", seconds=120)
    if data["status"] != "waiting_approval":
        return data
    [pending] = data["pending_approvals"]
    client.post(f"/api/v3/execute/approve/{workflow_id}", {
        "workflow_id": workflow_id, "approval_id": pending["approval_id"],
        "decision": "approved"})
    return client.wait_workflow(workflow_id, seconds=120)


def events_until(world, workflow_id, number):
    """Read events up to this one; the last that came before the stream ended,
    or before people have to act."""
    last = None
    stack = world.nodes[0].stack
    with EventStream(stack.url, stack.info["token"], workflow_id) as stream:
        while last is None or last.id < number:
            event = stream.next()
            if event is None:
                break
            last = event
            if event.event == "workflow_waiting":
                break
    return last


def kill(world, name):
    if name == "redis":
        kill_redis(world.nodes[0])
    else:
        world.nodes[0].kill_and_restart(name)


def names_of(world):
    return ["api", "supervisor"] + (["redis"] if world.store == "redis" else [])


@pytest.mark.parametrize("number", range(1, 16))
def test_a_kill_after_each_event(world, number):
    client = world.client()
    name = names_of(world)[number % len(names_of(world))]
    workflow_id = client.post("/api/v3/execute", BODY).data["workflow_id"]
    last = events_until(world, workflow_id, number)
    assert last is not None
    kill(world, name)
    data = decide_when_asked(client, workflow_id)
    assert data["status"] == "completed", (name, last, data)
    assert [s["status"] for s in data["execution_plan"]] == \
        ["completed"] * len(data["execution_plan"])
    with EventStream(world.nodes[0].stack.url,
                     world.nodes[0].stack.info["token"],
                     workflow_id) as stream:
        told = stream.rest()
    ids = [event.id for event in told]
    assert ids == list(range(1, len(ids) + 1))
    count = collections.Counter(event.event for event in told)
    assert count["workflow_completed"] == 1, count
    # One log a node: who takes over from one that was killed between record
    # and rename records the same release again.
    releases = [[r for r in node.audit() if r["type"] == "release"
                 and r["workflow"] == workflow_id] for node in world.nodes]
    assert max(map(len, releases)) == 1, releases
    assert len({r["manifest_sha256"] for found in releases
                for r in found}) == 1, releases


def test_a_client_that_asks_again_makes_nothing_twice(world):
    """The API dies while it answers; the client repeats itself, to any node."""
    key = {"Idempotency-Key": "once-and-only-once-" + world.store}
    client = world.client()
    ids = set()
    for i in range(6):
        with contextlib.suppress(*AWAY):
            reply = client.post("/api/v3/execute", BODY, headers=key)
            ids.add(reply.data["workflow_id"])
        world.nodes[0].kill_and_restart("api")
        client = world.client(i)
    assert len(ids) == 1
    mine = [w for w in client.get("/api/v3/workflows?limit=100")
            .data["workflows"] if w["workflow_id"] in ids]
    assert len(mine) == 1
    assert decide_when_asked(client, ids.pop())["status"] == "completed"
