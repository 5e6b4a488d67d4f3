# SPDX-License-Identifier: Apache-2.0
"""Two nodes, each an API and a supervisor of its own, that share one Redis: one
dies in the middle of a job, one cancels what the other runs."""

import time

import pytest
from promptcraft import Client, Stack, wait_for
from test_crash import job_processes

GOAL = "Answer slowly, with a test"
CODE = """
import time

def slow():
    time.sleep({seconds})
    return 42
"""
TESTS = """
import unittest
from solution import slow

class T(unittest.TestCase):
    def test_slow(self):
        self.assertEqual(slow(), 42)
"""
LEASE_S = 6  # a worker that is not run for three quarters of it has lost it
LEASE = {"PROMPTCRAFT_LEASE_SECONDS": str(LEASE_S)}


def context(seconds):
    return {"language": "python", "code": CODE.format(seconds=seconds),
            "tests": TESTS,
            "execution_preferences": {"require_approval": False}}


@pytest.fixture
def nodes():
    first = Stack.up("--store", "redis", env=LEASE)
    try:
        second = Stack.up("--store", "redis", "--join", first.dir, env=LEASE)
        try:
            yield first, second
        finally:
            second.down()
    finally:
        first.down()


def client_of(first, second):
    """The account is the first node's, the token is good for both."""
    return Client(second.url, first.info["token"])


def step_of_tests(data):
    return next((s for s in data["execution_plan"] if s["type"] == "test"),
                {"status": "not planned yet"})


def attempts(data):
    return [a["outcome"] for a in step_of_tests(data)["attempts"]]


def who_runs(nodes, workflow):
    """The node that has the processes of the workflow's tests, not of the
    analysis before them, and the other one."""
    client = nodes[0].client()
    wait_for(lambda: step_of_tests(client.workflow(workflow))["status"],
             lambda status: status == "running", seconds=60, pause=0.01)

    def look():
        return [node for node in nodes if job_processes(node)]
    [runner] = wait_for(look, lambda found: found, seconds=30, pause=0.01)
    return runner, next(node for node in nodes if node is not runner)


def test_a_dead_node_is_taken_over(nodes):
    first, second = nodes
    workflow = first.client().execute(GOAL, context(12))
    runner, other = who_runs(nodes, workflow)
    runner.kill("api")
    killed_at = time.monotonic()
    wait_for(lambda: job_processes(runner), lambda p: not p, seconds=10,
             pause=0.01)
    client = first.client() if other is first else client_of(first, second)
    data = client.wait_workflow(workflow)
    assert data["status"] == "completed", data
    assert attempts(data) == ["error", "passed"]
    assert time.monotonic() - killed_at > 2
    runner.restart("api")
    reply = client_of(first, runner).workflow(workflow)
    assert reply["artifacts"] == data["artifacts"]


def test_a_cancel_reaches_the_other_node(nodes):
    first, second = nodes
    workflow = first.client().execute(GOAL, context(60))
    runner, other = who_runs(nodes, workflow)
    client = first.client() if other is first else client_of(first, second)
    reply = client.post(f"/api/v3/execute/cancel/{workflow}")
    assert reply.status == 200, reply
    # By itself it would run for a minute.
    wait_for(lambda: job_processes(runner), lambda p: not p, seconds=20,
             pause=0.01)
    assert client.workflow(workflow)["status"] == "cancelled"
