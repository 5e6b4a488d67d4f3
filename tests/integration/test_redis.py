# SPDX-License-Identifier: Apache-2.0
"""The real API on a real Redis: workflows over kill -9 of both, what clients
see while Redis is away, TCP with an ACL user, and nodes that share one."""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
import redis as redis_client
from promptcraft import SLOWNESS, Client, Stack, wait_for

GOAL = "Compute squares, with tests"
CODE = "def square(n):\n    return n * n\n"
TESTS = """
import unittest
from solution import square

class T(unittest.TestCase):
    def test_two(self):
        self.assertEqual(square(2), 4)
"""
SOURCE = {"language": "python", "code": CODE, "tests": TESTS}
NO_APPROVAL = {"execution_preferences": {"require_approval": False}}
APPROVAL = {"execution_preferences": {"require_approval": True}}
# The ACL of docs/OPERATIONS.md.
OPERATIONS = Path(__file__).resolve().parents[2] / "docs/OPERATIONS.md"


@pytest.fixture
def redis_stack():
    stack = Stack.up("--store", "redis")
    yield stack
    stack.down()


def redis_of(stack):
    where = stack.info["redis"]
    return redis_client.Redis(unix_socket_path=where["socket"],
                              password=where["password"],
                              decode_responses=True)


def restart_redis(stack, client):
    """A server whose Redis was away for long looks for it now and then."""
    stack.restart("redis")
    wait_for(lambda: client.get("/health").status, lambda s: s == 200)


def approve(client, workflow):
    pending = client.workflow(workflow)["pending_approvals"]
    reply = client.post(f"/api/v3/execute/approve/{workflow}", {
        "workflow_id": workflow, "approval_id": pending[0]["approval_id"],
        "decision": "approved", "comments": "seen"})
    assert reply.status == 200, reply


def test_a_workflow_survives_kills_of_redis_and_api(redis_stack):
    client = redis_stack.client()
    workflow = client.execute(GOAL, {**SOURCE, **APPROVAL})
    data = client.wait_workflow(workflow, until="waiting_approval")
    assert data["status"] == "waiting_approval"
    # As the specification has it: a JSON text at workflow:{id}.
    document = json.loads(redis_of(redis_stack).get(f"workflow:{workflow}"))
    assert document["workflow_id"] == workflow
    assert document["status"] == "waiting_approval"
    assert redis_of(redis_stack).ttl(f"workflow:{workflow}") == -1

    redis_stack.kill("redis")
    restart_redis(redis_stack, client)
    assert client.workflow(workflow)["status"] == "waiting_approval"
    redis_stack.kill("api")
    redis_stack.restart("api")
    assert client.workflow(workflow)["status"] == "waiting_approval"
    redis_stack.kill("redis")
    redis_stack.kill("api")
    redis_stack.restart("redis")
    redis_stack.restart("api")
    approve(client, workflow)
    data = client.wait_workflow(workflow)
    assert data["status"] == "completed", data
    assert redis_of(redis_stack).ttl(f"workflow:{workflow}") > 3600


def test_kill_of_redis_while_a_job_runs(redis_stack):
    client = redis_stack.client()
    slow = CODE + "import time\ntime.sleep(4)\n"
    workflow = client.execute(GOAL, {**SOURCE, "code": slow, **NO_APPROVAL})
    wait_for(lambda: client.workflow(workflow)["execution_plan"],
             lambda plan: any(s["status"] == "running" for s in plan), 60)
    redis_stack.kill("redis")
    restart_redis(redis_stack, client)
    data = client.wait_workflow(workflow)
    assert data["status"] == "completed", data
    jobs = data["artifacts"]["evidence"]["job_ids"]
    assert len(jobs) == len(set(jobs)) == 1


def test_what_clients_see_while_redis_is_away(redis_stack):
    client = redis_stack.client()
    workflow = client.execute(GOAL, {**SOURCE, **APPROVAL})
    client.wait_workflow(workflow, until="waiting_approval")
    health = client.get("/health").json()
    assert health["services"]["store"] == "redis"
    assert health["services"]["redis"] == "connected"
    redis_stack.kill("redis")
    reply = wait_for(lambda: client.get(f"/api/v3/execute/status/{workflow}"),
                     lambda reply: reply.status != 200, 30)
    assert reply.status == 503, reply
    assert int(reply.headers["Retry-After"]) > 0
    assert "state store" in reply.json()["detail"]
    assert "redis.sock" not in reply.body.decode()
    # Once it is known to be away nobody waits for it.
    took = []
    for _ in range(3):  # the quickest: else it is not the machine
        begin = time.monotonic()
        assert client.get(f"/api/v3/execute/status/{workflow}").status == 503
        took.append(time.monotonic() - begin)
    assert min(took) < 2 * SLOWNESS, took
    health = wait_for(lambda: client.get("/health"),
                      lambda reply: reply.status == 503, 30).json()
    assert health["services"]["redis"] == "disconnected"
    redis_stack.restart("redis")
    wait_for(lambda: client.get(f"/api/v3/execute/status/{workflow}").status,
             lambda status: status == 200, 30)
    wait_for(lambda: client.get("/health").status, lambda s: s == 200, 30)
    approve(client, workflow)
    assert client.wait_workflow(workflow)["status"] == "completed"


# ---- TCP and ACL -------------------------------------------------------------


def acl_rules():
    """The line of the manual, for the user promptcraft."""
    lines = OPERATIONS.read_text().splitlines()
    first = next(i for i, line in enumerate(lines)
                 if line.startswith("user promptcraft "))
    words = []
    for line in lines[first:]:
        words += line.rstrip("\\").split()
        if not line.endswith("\\"):
            return words[2:]
    raise AssertionError("the rule has no end")


def free_port():
    """Not one that a connection may get as its own meanwhile."""
    while True:
        port = 10000 + secrets.randbelow(20000)
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            return port


@contextlib.contextmanager
def tcp_redis(password):
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="pc-test-redis.") as directory:
        rules = [f">{password}" if word.startswith(">") else word
                 for word in acl_rules()]
        server = subprocess.Popen(
            ["redis-server", "--bind", "127.0.0.1", "--port", str(port),
             "--dir", directory, "--save", "", "--appendonly", "yes",
             "--appendfsync", "always", "--user", "default", "off",
             "--user", "promptcraft", *rules],
            stdout=subprocess.DEVNULL)
        try:
            wait_for(lambda: socket.socket().connect_ex(("127.0.0.1", port)),
                     lambda errno: errno == 0)
            yield port
        finally:
            server.send_signal(signal.SIGKILL)
            server.wait()


def test_acl_user_over_tcp():
    """By the process that connects for the API: it has no sockets itself."""
    password = "not-to-be-logged-73"
    with tcp_redis(password) as port:
        stack = Stack.up(env={
            "PROMPTCRAFT_STORE": "redis", "REDIS_HOST": "localhost",
            "REDIS_PORT": port, "REDIS_USERNAME": "promptcraft",
            "REDIS_PASSWORD": password})
        try:
            client = stack.client()
            workflow = client.execute(GOAL, {**SOURCE, **APPROVAL})
            client.wait_workflow(workflow, until="waiting_approval")
            approve(client, workflow)
            data = client.wait_workflow(workflow)
            assert data["status"] == "completed", data
            job = client.job(language="python", code="print(42)")
            assert job["stdout"] == "42\n"
            assert password not in stack.logs()
            assert "store text=" not in stack.logs()
            environ = Path(f"/proc/{stack.pid('api')}/environ").read_bytes()
            assert password.encode() not in environ
        finally:
            stack.down()


# ---- several nodes -----------------------------------------------------------


@pytest.fixture
def two_nodes():
    with contextlib.ExitStack() as cleanup:
        first = Stack.up("--store", "redis")
        cleanup.callback(first.down)
        second = Stack.up("--join", first.dir)
        cleanup.callback(second.down)
        yield first, second


def completed_by(stack):
    return sum("event=workflow_completed" in line
               for line in stack.logs().splitlines())


def test_two_nodes_share_the_work(two_nodes):
    first, second = two_nodes
    # One account and one token for both.
    clients = [first.client(), Client(second.url, first.info["token"])]
    slow = CODE + "import time\ntime.sleep(0.5)\n"
    workflows = [clients[i % 2].execute(
        GOAL, {**SOURCE, "code": slow, **NO_APPROVAL}) for i in range(16)]
    for i, workflow in enumerate(workflows):
        data = clients[(i + 1) % 2].wait_workflow(workflow)
        assert data["status"] == "completed", data
        assert len(data["artifacts"]["evidence"]["job_ids"]) == 1
    # The line is written just after what clients are told.
    counts = wait_for(lambda: [completed_by(first), completed_by(second)],
                      lambda counts: sum(counts) >= len(workflows))
    print("completed by node:", counts)
    assert sum(counts) == len(workflows)
    assert min(counts) > 0
    # Decided on one node, resumed by whichever.
    workflow = clients[0].execute(GOAL, {**SOURCE, **APPROVAL})
    clients[1].wait_workflow(workflow, until="waiting_approval")
    approve(clients[1], workflow)
    assert clients[0].wait_workflow(workflow)["status"] == "completed"


def test_a_node_that_dies_hands_over(two_nodes):
    first, second = two_nodes
    client = Client(second.url, first.info["token"])
    # Nobody else is there to take it first.
    os.kill(second.pid("api"), signal.SIGSTOP)
    slow = CODE + "import time\ntime.sleep(6)\n"
    workflow = first.client().execute(GOAL, {**SOURCE, "code": slow,
                                             **NO_APPROVAL})
    wait_for(lambda: first.client().workflow(workflow)["execution_plan"],
             lambda plan: any(s["status"] == "running" for s in plan), 60)
    first.kill("api")
    os.kill(second.pid("api"), signal.SIGCONT)
    data = client.wait_workflow(workflow, seconds=180)
    assert data["status"] == "completed", data
    wait_for(lambda: completed_by(second), lambda count: count == 1)
    first.restart("api")
    assert first.client().workflow(workflow)["status"] == "completed"
