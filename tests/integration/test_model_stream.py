# SPDX-License-Identifier: Apache-2.0
"""The same model, answering in pieces (PROMPTCRAFT_MODEL_STREAM), and over TLS:
what a whole stream becomes, what one that breaks off leads to, and what is
refused while it still comes."""

import datetime
import json
import shutil
import threading
import time
from pathlib import Path

import pytest
from model_server import ModelServer, fenced, good
from promptcraft import SLOWNESS, Stack, make_directory
from receivers import make_certificate
from test_model import (CODE, KEY, TESTS, WRONG, prices, run, settings,  # noqa: F401
                        start)


@pytest.fixture(scope="module")
def server():
    with ModelServer() as server:
        yield server


@pytest.fixture(scope="module")
def stream_stack(server, prices):  # noqa: F811
    stack = Stack.up(env=settings(server, prices, MAX_EXECUTION_RETRIES="2",
                                  PROMPTCRAFT_MODEL_STREAM="true"))
    yield stack
    stack.down()


@pytest.mark.parametrize("pieces", [1, 16, 10000])
def test_a_program_in_pieces(server, stream_stack, pieces):
    name = f"pieces-{pieces}"
    server.script(name, {"text": good(CODE, TESTS), "pieces": pieces})
    data = run(stream_stack, name)
    assert data["status"] == "completed", data
    assert data["artifacts"]["generated_code"] == CODE
    # Its usage came, too: 1000 and 200 tokens.
    assert data["metrics"]["total_cost"] == pytest.approx(0.0016)
    (call,) = server.of(name)
    assert call.body["stream"] is True
    assert call.body["stream_options"] == {"include_usage": True}


def test_mending_in_pieces(server, stream_stack):
    server.script("mend", good(WRONG, TESTS), good(CODE, TESTS))
    data = run(stream_stack, "mend")
    assert data["status"] == "completed", data
    assert len(data["iterations"]) == 2


def test_a_stream_that_is_cut_off_is_asked_for_again(server, stream_stack):
    server.script("cut", {"text": good(CODE, TESTS), "cut": 5})
    data = run(stream_stack, "cut")
    assert data["status"] == "completed", data
    # As the same question: a server that knows the key charges once.
    first, second = server.of("cut")
    assert first.id == second.id and first.raw == second.raw
    attempts = data["execution_plan"][1]["attempts"]
    assert [one["outcome"] for one in attempts] == ["error", "answered"]
    assert "cut off on its way" in attempts[0]["reason"]


def test_an_error_within_a_stream(server, stream_stack):
    server.script("overload", {"text": good(CODE, TESTS), "error": 4},
                  good(CODE, TESTS))
    data = run(stream_stack, "overload")
    assert data["status"] == "completed", data
    first, second = server.of("overload")
    assert first.id != second.id


@pytest.mark.parametrize("name,answer,reason", [
    ("declined", {"text": None, "refusal": "No."}, "declined"),
    ("length", {"text": good(CODE), "finish": "length"},
     "PROMPTCRAFT_MODEL_MAX_TOKENS"),
    ("filter", {"text": "x", "finish": "content_filter"}, "content filter"),
    ("huge", {"text": fenced("solution.py", "#" * 600_000), "pieces": 4000},
     "larger than 524288 bytes"),
    ("refused", {"status": 400, "code": "context_length_exceeded"},
     "too long for the model"),
    ("unknown-key", {"status": 401}, "PROMPTCRAFT_MODEL_KEY: the key"),
])
def test_no_program_in_pieces(server, stream_stack, name, answer, reason):
    server.script(name, answer)
    data = run(stream_stack, name)
    assert data["status"] == "failed", data
    assert reason in data["error"], data["error"]
    assert len(server.of(name)) == 1


def test_a_flood_is_cut_off_while_it_comes(server, stream_stack):
    """One event without an end: no more of it is read than an event may be."""
    server.script("flood", {"body": b"data: " + b"x" * (8 << 20)})
    data = run(stream_stack, "flood")
    assert data["status"] == "failed", data
    assert "event that is too large" in data["error"]


def seconds_of(step):
    begin, end = (datetime.datetime.fromisoformat(step[name])
                  for name in ("started_at", "completed_at"))
    return (end - begin).total_seconds()


def test_who_is_done_is_not_waited_for(server, stream_stack):
    """The server keeps the connection open after its last word."""
    linger = threading.Event()
    server.script("linger", {"text": good(CODE, TESTS), "linger": linger})
    data = run(stream_stack, "linger")
    linger.set()
    assert data["status"] == "completed", data
    assert data["metrics"]["total_cost"] == pytest.approx(0.0016)
    # Of PROMPTCRAFT_MODEL_TIMEOUT=20.
    assert seconds_of(data["execution_plan"][1]) < 15 * SLOWNESS


def test_a_slow_stream_has_a_deadline(server, prices):  # noqa: F811
    server.script("slow", {"text": good(CODE, TESTS), "seconds": 30,
                           "pieces": 1})
    stack = Stack.up(env=settings(server, prices, MAX_EXECUTION_RETRIES="0",
                                  PROMPTCRAFT_MODEL_STREAM="true",
                                  PROMPTCRAFT_MODEL_TIMEOUT="2"))
    try:
        begin = time.monotonic()
        data = run(stack, "slow")
        assert data["status"] == "failed", data
        assert time.monotonic() - begin < 25 * SLOWNESS
        # Nobody knows what it took: the most that it may have.
        total = stack.client().get("/api/v3/costs").data["total_cost"]
        assert total > 4096 * 3e-6
    finally:
        stack.down()


def test_a_server_that_does_not_stream(server, stream_stack):
    """One that answers in one piece all the same is understood."""
    whole = {"choices": [{"message": {"content": good(CODE, TESTS)},
                          "finish_reason": "stop"}],
             "usage": {"prompt_tokens": 1000, "completion_tokens": 200}}
    server.script("whole", {"body": json.dumps(whole)})
    data = run(stream_stack, "whole")
    assert data["status"] == "completed", data
    assert data["metrics"]["total_cost"] == pytest.approx(0.0016)


# ---- TLS --------------------------------------------------------------------------


@pytest.mark.parametrize("is_trusted", [False, True])
def test_certificates_are_checked(prices, is_trusted):  # noqa: F811
    directory = Path(make_directory())
    certificate = make_certificate(directory, "model")
    with ModelServer(certificate=certificate) as server:
        server.script("tls", good(CODE, TESTS))
        more = {"PROMPTCRAFT_CA_FILE": certificate} if is_trusted else {}
        stack = Stack.up(env=settings(server, prices,
                                      MAX_EXECUTION_RETRIES="0", **more))
        try:
            data = run(stack, "tls")
            if is_trusted:
                assert data["status"] == "completed", data
                return
            assert data["status"] == "failed"
            assert "TLS" in data["error"], data["error"]
            # Neither prompt nor key left this machine.
            assert server.calls == []
            assert KEY not in data["error"]
        finally:
            stack.down()
            shutil.rmtree(directory)


# ---- a question that is still open --------------------------------------------------


def test_a_timeout_is_asked_again_as_the_same(server, prices):  # noqa: F811
    hold = threading.Event()
    server.script("late", {"text": good(CODE, TESTS), "hold": hold})
    stack = Stack.up(env=settings(server, prices,
                                  PROMPTCRAFT_MODEL_TIMEOUT="6"))
    try:
        data = run(stack, "late")
        assert data["status"] == "completed", data
        first, second = server.of("late")
        assert first.id == second.id and first.raw == second.raw
        assert [c.is_paid for c in (first, second)] == [True, False]
    finally:
        hold.set()
        stack.down()
