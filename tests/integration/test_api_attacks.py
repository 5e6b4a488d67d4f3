# SPDX-License-Identifier: Apache-2.0
"""Clients that want the API to fall over, to forget or to tell too much."""

import contextlib
import json
import os
import re
import socket
import sqlite3
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from promptcraft import (BUILD, SLOWNESS, Stack, make_directory, problem,
                         run_stack, wait_for)

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
    """Four lists of 150 workflows of 3.9 MB once took 2.6 GB, and kept
    another request waiting for 68 s."""
    client = own_stack.client()
    for _ in range(40):
        # Without code a workflow is over at its first step.
        client.execute(GOAL, {"filler": "x" * 3_900_000})
    before = resident_mb(own_stack)
    started = time.monotonic()
    rows = client.get("/api/v3/workflows?limit=200").data["workflows"]
    assert time.monotonic() - started < 2 * SLOWNESS
    assert resident_mb(own_stack) - before < 30
    assert len(rows) == 40
    assert rows[0]["goal"] == GOAL


# ---- clients that leave -----------------------------------------------------


def send_job(stack, code):
    """POST it over a socket of our own, which is returned unanswered."""
    url = urlsplit(stack.url)
    body = json.dumps({"language": "python", "code": code})
    sock = socket.create_connection((url.hostname, url.port), timeout=60)
    sock.sendall(
        f"POST /api/v3/jobs HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {stack.info['token']}\r\n"
        f"Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
    return sock


def job_rows(stack):
    """[data] of all jobs, the newest last."""
    database = Path(stack.info["state_dir"]) / "promptcraft.db"
    with contextlib.closing(sqlite3.connect(database)) as db:
        rows = db.execute("SELECT document FROM job ORDER BY updated_us")
        return [json.loads(row[0]) for row in rows]


def test_a_job_whose_client_hangs_up_is_killed(stack, client):
    before = len(job_rows(stack))
    sock = send_job(stack, "import time; time.sleep(20)")
    wait_for(lambda: job_rows(stack), lambda rows: len(rows) > before)
    time.sleep(0.5)
    sock.close()
    row = wait_for(lambda: job_rows(stack)[-1],
                   lambda row: row["status"] == "done", seconds=2)
    assert (row["outcome"], row["reason"]) == ("killed", "cancelled")
    assert "client" in row["error"]
    # Its only place is free again.
    assert client.job(language="python", code="print(1)")["stdout"] == "1\n"


def test_a_client_that_hangs_up_in_the_queue_runs_nothing(stack, client):
    """One slot: the second job waits for the first."""
    first = send_job(stack, "import time; time.sleep(3)")
    time.sleep(0.5)
    rows = len(job_rows(stack))
    send_job(stack, "print(1)").close()
    assert client.job(language="python", code="print(2)")["stdout"] == "2\n"
    first.close()
    assert len(job_rows(stack)) == rows + 1


# ---- a full disk ------------------------------------------------------------


@pytest.fixture
def small_disk():
    directory = make_directory()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=711",
                    "tmpfs", directory], check=True)
    yield Path(directory)
    subprocess.run(["umount", directory], check=True)
    os.rmdir(directory)


def fill(path):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    with contextlib.suppress(OSError):
        while True:
            os.write(fd, b"x" * 4096)
    os.close(fd)


def test_a_full_disk_is_told_and_got_over(small_disk):
    info = run_stack("up", small_disk, "--build", BUILD).stdout
    stack = Stack(small_disk, json.loads(info))
    client = stack.client()
    slow = {"code": "import time; time.sleep(4)",
            "execution_preferences": {"require_approval": False}}
    workflow = client.execute(GOAL, slow)
    sock = send_job(stack, slow["code"])
    wait_for(lambda: job_rows(stack), lambda rows: len(rows) == 2)
    fill(small_disk / "fill")
    for path, body in (("/api/v3/execute", {"goal": GOAL}),
                       ("/api/v3/jobs", {"language": "c", "code": "1"}),
                       ("/auth/token", {"username": "a", "password": "b"})):
        reply = client.post(path, body)
        problem(reply, 503, detail="disk is full")
        assert reply.headers["Retry-After"]
    assert sock.recv(4096).startswith(b"HTTP/1.1 503 ")
    time.sleep(1)
    os.unlink(small_disk / "fill")
    wait_for(lambda: client.get("/health").status, lambda s: s == 200)
    assert client.job(language="python", code="print(1)")["stdout"] == "1\n"
    rows = wait_for(lambda: job_rows(stack), lambda rows: all(
        row["status"] == "done" for row in rows), seconds=5)
    assert "result not stored" in [row.get("reason") for row in rows]
    data = client.wait_workflow(workflow)
    assert data["status"] == "completed", data
    run_stack("down", small_disk)
