# SPDX-License-Identifier: Apache-2.0
"""Clients that want the API to fall over, to forget or to tell too much."""

import re
import time
from pathlib import Path

import pytest
from promptcraft import Stack

GOAL = "A small program with tests"


@pytest.fixture(scope="module")
def stack():
    stack = Stack.up("--slots", "1")
    yield stack
    stack.down()


@pytest.fixture(scope="module")
def client(stack):
    return stack.client()


# ---- memory -----------------------------------------------------------------


def resident_mb(stack):
    status = Path(f"/proc/{stack.pid('api')}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) // 1024


def test_a_list_reads_no_documents(own_stack):
    """100 workflows of 3.9 MB: listing them once took 1 GB and half a
    minute, in which no other request was answered."""
    client = own_stack.client()
    for _ in range(100):
        # Without code a workflow is over at its first step.
        client.execute(GOAL, {"filler": "x" * 3_900_000})
    before = resident_mb(own_stack)
    started = time.monotonic()
    rows = client.get("/api/v3/workflows?limit=200").data["workflows"]
    assert time.monotonic() - started < 2
    assert resident_mb(own_stack) - before < 30
    assert len(rows) == 100
    assert rows[0]["goal"] == GOAL
