# SPDX-License-Identifier: Apache-2.0
"""Limits and keys over two nodes with one Redis: neither is passed by asking
the other node."""

import concurrent.futures
import contextlib
import threading
import time
import uuid

import pytest
from promptcraft import Client, Stack, problem, wait_for
from test_limits import job_pids

GOAL = {"goal": "A program that adds two numbers"}
HELLO = {"language": "shell", "code": "echo hello"}


@pytest.fixture(scope="module")
def nodes():
    """Two stacks of one Redis."""
    env = {"RATE_LIMIT_STATUS_PER_HOUR": "50"}
    with contextlib.ExitStack() as stacks:
        first = Stack.up("--store", "redis", env=env)
        stacks.callback(first.down)
        second = Stack.up("--join", first.dir, env=env)
        stacks.callback(second.down)
        yield first, second


def clients(nodes, name):
    """One user at both nodes."""
    one = nodes[0].new_user(name)
    return one, Client(nodes[1].url, one.token)


def send_once(client, path, body, key):
    """Until it is answered."""
    while True:
        reply = client.post(path, body, headers={"Idempotency-Key": key})
        if reply.status != 409:
            return reply
        time.sleep(0.05)


def at_once(at, path, body, key):
    """16 times, half of them at each node, at the same moment."""
    barrier = threading.Barrier(16)

    def send(n):
        barrier.wait()
        return send_once(at[n % 2], path, body, key)

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        return list(pool.map(send, range(16)))


def replays(replies):
    return sum(r.headers.get("Idempotency-Replayed") == "true"
               for r in replies)


def test_exactly_the_limit_passes(nodes):
    at = clients(nodes, "ann")
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        replies = list(pool.map(
            lambda n: at[n % 2].get("/api/v3/workflows"), range(200)))
    assert sorted({r.status for r in replies}) == [200, 429]
    assert sum(r.status == 200 for r in replies) == 50
    for client in at:
        problem(client.get("/api/v3/workflows"), 429)


def test_one_workflow_for_a_key(nodes):
    at = clients(nodes, "bob")
    for _ in range(5):
        replies = at_once(at, "/api/v3/execute", GOAL, str(uuid.uuid4()))
        assert {r.status for r in replies} == {202}, replies
        assert len({r.data["workflow_id"] for r in replies}) == 1
        assert replays(replies) == 15


def test_one_run_for_a_key(nodes):
    at = clients(nodes, "carl")
    for _ in range(5):
        replies = at_once(at, "/api/v3/jobs", HELLO, str(uuid.uuid4()))
        assert {r.status for r in replies} == {200}, replies
        assert len({r.data["job_id"] for r in replies}) == 1
        assert replays(replies) == 15
        assert {r.data["stdout"] for r in replies} == {"hello\n"}


def test_a_key_is_known_to_the_other_node(nodes):
    one, two = clients(nodes, "dora")
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first = one.post("/api/v3/execute", GOAL, headers=key)
    again = two.post("/api/v3/execute", GOAL, headers=key)
    assert again.body == first.body and replays([again]) == 1
    problem(two.post("/api/v3/execute", dict(GOAL, options={}), headers=key),
            422, field="Idempotency-Key")


def test_usage_of_both_nodes(nodes):
    one, two = clients(nodes, "eve")
    for client in (one, two, two):
        assert client.get("/api/v3/runtimes").status == 200
    wait_for(lambda: one.get("/api/v3/usage").data["operations"],
             lambda sums: sums.get("runtimes", {}).get("requests") == 3,
             pause=0.5)


def test_still_running_is_no_answer_to_keep(nodes):
    """Whoever asks the other node meanwhile gets the result afterwards, also
    when it is too long to be kept as the key's answer."""
    one, two = clients(nodes, "fay")
    key = {"Idempotency-Key": str(uuid.uuid4())}
    body = {"language": "shell", "collect": ["long"],
            "code": "yes | head -c 1500000 >long; sleep 10; echo done"}
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        first = pool.submit(one.post, "/api/v3/jobs", body, headers=key)
        wait_for(lambda: job_pids(nodes[0]), bool)
        early = two.post("/api/v3/jobs", body, headers=key)
        problem(early, 409, detail="still running")
        assert replays([early]) == 0
        first = first.result()
    assert first.data["stdout"] == "done\n", first.data
    for client in (one, two):
        again = client.post("/api/v3/jobs", body, headers=key)
        assert again.status == 200, again
        assert replays([again]) == 1
        assert again.data["job_id"] == first.data["job_id"]
