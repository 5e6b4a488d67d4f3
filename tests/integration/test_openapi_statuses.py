# SPDX-License-Identifier: Apache-2.0
"""Each operation of the OpenAPI document answers as it says when a request is
refused before any handler sees it.  That the answers are documented as they
are is checked with each (contract.py)."""

import http.client
import json
from urllib.parse import urlsplit

import contract
import pytest
from contract import CONTRACT
from promptcraft import Client, Stack, problem, wait_for

NOBODY = "00000000-0000-4000-8000-000000000000"
OPERATIONS = [(method.upper(), path.replace("{id}", NOBODY), op)
              for path, item in CONTRACT.document["paths"].items()
              for method, op in item.items()]
LIMITED = ("RATE_LIMIT_STATUS_PER_HOUR", "RATE_LIMIT_EXECUTE_PER_HOUR",
           "RATE_LIMIT_JOBS_PER_HOUR", "RATE_LIMIT_ANALYZE_PER_HOUR",
           "RATE_LIMIT_ENHANCE_PER_HOUR")


def of(*conditions):
    """Those operations for which all hold, as parameters of a test."""
    found = [(m, p) for m, p, op in OPERATIONS
             if all(condition(op) for condition in conditions)]
    assert found
    return pytest.mark.parametrize("method,path", found, ids=[
        f"{m} {p.replace(NOBODY, 'ID')}" for m, p in found])


def needs_token(op):
    return bool(op["security"])


def has_body(op):
    return "requestBody" in op


def is_idempotent(op):
    return "IdempotencyKey" in json.dumps(op.get("parameters", []))


def is_limited(op):
    return "429" in op["responses"] and needs_token(op)


def body_of(method):
    return {} if method == "POST" else None


def raw(client, method, path, headers):
    """A request of headers alone, sent as they are."""
    where = urlsplit(client.url)
    connection = http.client.HTTPConnection(where.hostname, where.port,
                                            timeout=60)
    connection.putrequest(method, path)
    connection.putheader("Authorization", f"Bearer {client.token}")
    for name, value in headers:
        connection.putheader(name, value)
    connection.endheaders()
    reply = connection.getresponse()
    body = json.loads(contract.read(reply, method, path))
    connection.close()
    return reply.status, body


@of()
def test_a_length_said_twice(client, method, path):
    status, body = raw(client, method, path, [
        ("Content-Length", "0"), ("Transfer-Encoding", "chunked")])
    assert status == body["status"] == 400


@of()
def test_a_body_that_is_too_large(client, method, path):
    status, body = raw(client, method, path, [
        ("Content-Length", str(1 << 40)), ("Expect", "100-continue")])
    assert status == body["status"] == 413


@of(needs_token)
def test_no_token(anonymous, method, path):
    problem(anonymous.request(method, path, body_of(method)), 401)


@of(has_body)
def test_a_body_that_is_no_json(client, method, path):
    problem(client.request(method, path, raw=b"a=b", headers={
        "Content-Type": "application/x-www-form-urlencoded"}), 415)
    problem(client.request(method, path, raw=b"a=b"), 400)
    problem(client.request(method, path, raw=b"[]"), 422)


@of(is_idempotent)
def test_a_key_that_is_none(client, method, path):
    problem(client.request(method, path, {}, headers={
        "Idempotency-Key": "a b"}), 400, "Idempotency-Key")


@of(is_idempotent)
def test_a_key_of_another_request(client, method, path):
    headers = {"Idempotency-Key": "one-for-all-operations"}
    client.request("POST", "/api/v3/execute",
                   {"goal": "A goal that is sent with this key"},
                   headers=headers)
    problem(client.request(method, path, {"other": 1}, headers=headers), 422,
            "Idempotency-Key")


@pytest.fixture(scope="module")
def tight():
    """Where a user may do each thing once in an hour."""
    stack = Stack.up(env={name: 1 for name in LIMITED})
    yield stack
    stack.down()


@pytest.fixture(scope="module")
def spent(tight):
    """Somebody who has."""
    user = tight.new_user("spent")
    for path in ("/api/v3/execute", "/api/v3/jobs", "/api/v3/analyze",
                 "/api/v1/enhance"):
        if CONTRACT.find("POST", path) is not None:
            user.post(path, {})
    user.get("/api/v3/workflows")
    return user


@of(is_limited)
def test_one_too_many(spent, method, path):
    reply = spent.request(method, path, body_of(method))
    problem(reply, 429, detail="Rate limit exceeded")
    assert 0 < int(reply.headers["Retry-After"]) <= 3600
    assert reply.headers["RateLimit-Remaining"] == "0"


@pytest.fixture(scope="module")
def storeless():
    """The admin of a server whose Redis is gone."""
    stack = Stack.up("--store", "redis")
    client = Client(stack.url, stack.info["token"])
    stack.kill("redis")
    wait_for(lambda: client.get("/health").status,
             lambda status: status == 503, seconds=60)
    yield client
    stack.restart("redis")
    stack.down()


@of(needs_token)
def test_without_the_store(storeless, method, path):
    reply = storeless.request(method, path, body_of(method))
    problem(reply, 503)
    assert int(reply.headers["Retry-After"]) > 0


def test_no_token_is_given_without_the_store(storeless):
    problem(storeless.post("/auth/token", {
        "username": "admin", "password": "x"}), 503)
    assert storeless.get("/health").json()["status"] == "unhealthy"
