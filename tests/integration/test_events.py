# SPDX-License-Identifier: Apache-2.0
"""GET /api/v3/execute/events/{id}: live, complete, resumable, and only for
those who may see the workflow."""

import contextlib
import json
import os
import socket
import sqlite3
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from events import EventStream, follow
from promptcraft import (CLI, SLOWNESS, Stack, problem, run_cli, wait_for,
                         whole_lines)

GOAL = "A small program with tests"
TCP_LISTEN = "0A"
TRIVIAL = {"code": "print(1)",
           "execution_preferences": {"require_approval": False}}


@pytest.fixture(scope="module")
def stack():
    stack = Stack.up(env={"PROMPTCRAFT_MAX_STREAMS": "24",
                          "PROMPTCRAFT_MAX_STREAMS_PER_USER": "16"})
    yield stack
    stack.down()


@pytest.fixture(scope="module")
def client(stack):
    return stack.client()


def open_stream(stack, workflow_id, *args, client=None, **kwargs):
    token = client.token if client else stack.info["token"]
    return EventStream(stack.url, token, workflow_id, *args, **kwargs)


def waiting_workflow(client):
    """One that stays until somebody decides."""
    workflow = client.execute(GOAL, {"code": "print(1)", "tests": "",
                                     "execution_preferences": {
                                         "require_approval": True}})
    data = client.wait_workflow(workflow, until="waiting_approval")
    assert data["status"] == "waiting_approval", data
    return workflow


@contextlib.contextmanager
def stored(stack, workflow_id):
    """Change the document in the store, as another node does."""
    path = Path(stack.info["state_dir"]) / "promptcraft.db"
    with contextlib.closing(sqlite3.connect(path, timeout=30)) as db:
        db.isolation_level = None
        db.execute("BEGIN IMMEDIATE")
        row = db.execute("SELECT document FROM workflow WHERE workflow_id = ?",
                         (workflow_id,)).fetchone()
        document = json.loads(row[0])
        yield document
        db.execute("UPDATE workflow SET document = ?, status = ?,"
                   " version = version + 1 WHERE workflow_id = ?",
                   (json.dumps(document), document["status"], workflow_id))
        db.execute("COMMIT")


def add_event(document, message):
    history = document["history"]
    last = history[-1]
    history.append({**last, "id": last["id"] + 1, "message": message})


# ---- the whole story --------------------------------------------------------


def test_every_event_in_order_and_then_the_end(stack, client):
    workflow = client.execute(GOAL, TRIVIAL)
    with open_stream(stack, workflow) as stream:
        assert stream.status == 200
        assert "Content-Type: text/event-stream" in stream.head
        assert "Cache-Control: no-store" in stream.head
        events = stream.rest()
    assert 1000 <= stream.retry_ms < 3000
    assert [e.id for e in events] == list(range(1, len(events) + 1))
    assert {e.data["workflow_id"] for e in events} == {workflow}
    assert all(e.data["event"] == e.event for e in events)
    assert events[-1].data["status"] == "completed"
    assert events[-1].data["progress_percentage"] == 100
    progress = [e.data["progress_percentage"] for e in events]
    assert progress == sorted(progress)
    # Who comes later gets the same.
    with open_stream(stack, workflow) as stream:
        assert stream.rest() == events
    # Who has seen all of it is told to stay away.
    reply = client.get(f"/api/v3/execute/events/{workflow}",
                       headers={"Last-Event-ID": str(events[-1].id)})
    assert (reply.status, reply.body) == (204, b"")


def seconds_to_see_a_decision(stack, client):
    workflow = waiting_workflow(client)
    with open_stream(stack, workflow) as stream:
        while (event := stream.next()).data["status"] != "waiting_approval":
            pass
        approval = client.workflow(workflow)["pending_approvals"][0]
        reply = client.post(f"/api/v3/execute/approve/{workflow}", {
            "workflow_id": workflow, "decision": "approved",
            "approval_id": approval["approval_id"]})
        assert reply.status == 200, reply
        started = time.monotonic()
        assert stream.next().id > event.id
        took = time.monotonic() - started
        assert stream.rest()[-1].data["status"] == "completed"
    return took


def test_a_decision_is_seen_within_a_moment(stack, client):
    """Mostly: the machine may be late."""
    took = sorted(seconds_to_see_a_decision(stack, client) for _ in range(5))
    assert took[2] < 0.5 * SLOWNESS, took


def test_what_another_node_saves_is_seen_within_a_second(stack, client):
    workflow = waiting_workflow(client)
    with open_stream(stack, workflow) as first, \
            open_stream(stack, workflow) as second:
        known = len(client.workflow(workflow)["execution_plan"])
        assert known > 0
        with stored(stack, workflow) as document:
            seen = document["history"][-1]["id"]
            add_event(document, "from elsewhere")
        started = time.monotonic()
        for stream in (first, second):
            while (event := stream.next()).id <= seen:
                pass
            assert event.data["message"] == "from elsewhere"
        assert time.monotonic() - started < 10 * SLOWNESS


# ---- coming back ------------------------------------------------------------


def test_resume_by_header_and_by_query(stack, client):
    workflow = client.execute(GOAL, TRIVIAL)
    with open_stream(stack, workflow) as stream:
        events = stream.rest()
    with open_stream(stack, workflow, last_id=1) as stream:
        assert stream.rest() == events[1:]
    with open_stream(stack, workflow, query="?last_event_id=2") as stream:
        assert stream.rest() == events[2:]


def test_events_that_are_gone_become_a_snapshot(stack, client):
    workflow = waiting_workflow(client)
    with stored(stack, workflow) as document:
        for number in range(5):
            add_event(document, f"event {number}")
        kept = document["history"] = document["history"][-2:]
        document["history_dropped"] = kept[0]["id"] - 1
    for last_id in (0, 1, kept[-1]["id"] + 100):
        with open_stream(stack, workflow, last_id=last_id) as stream:
            snapshot = stream.next()
            assert snapshot.event == "snapshot"
            assert snapshot.id == kept[0]["id"] - 1
            assert snapshot.data["status"] == "waiting_approval"
            assert [stream.next().id, stream.next().id] == [
                entry["id"] for entry in kept]
    with open_stream(stack, workflow, last_id=kept[0]["id"] - 1) as stream:
        assert stream.next().id == kept[0]["id"]


@pytest.mark.parametrize("last_id", ["x", "-1", "1.5", "9" * 30, "1, 2"])
def test_an_id_that_is_none_is_refused(client, last_id):
    workflow = client.execute(GOAL, TRIVIAL)
    path = f"/api/v3/execute/events/{workflow}"
    problem(client.get(path, headers={"Last-Event-ID": last_id}), 422,
            field="Last-Event-ID", detail="whole number")
    problem(client.get(f"{path}?last_event_id={last_id.replace(' ', '')}"),
            422, field="last_event_id")


def test_kill_9_loses_and_repeats_nothing(own_stack):
    client = own_stack.client()
    slow = {"code": "import time\ntime.sleep(3)",
            "execution_preferences": {"require_approval": False}}
    workflow = client.execute(GOAL, slow)
    seen = []
    thread = threading.Thread(target=lambda: seen.extend(
        follow(own_stack.url, own_stack.info["token"], workflow, 120)))
    thread.start()
    for _ in range(3):
        time.sleep(0.7)
        own_stack.kill("api")
        own_stack.restart("api")
    thread.join()
    data = client.wait_workflow(workflow)
    assert data["status"] == "completed", data
    assert [e.id for e in seen] == list(range(1, len(seen) + 1))
    assert seen[-1].data["status"] == "completed"
    with EventStream(own_stack.url, own_stack.info["token"],
                     workflow) as stream:
        assert stream.rest() == seen


def test_an_orderly_stop_ends_streams_in_order(own_stack):
    client = own_stack.client()
    workflow = waiting_workflow(client)
    stream = EventStream(own_stack.url, own_stack.info["token"], workflow)
    while (event := stream.next()).data["status"] != "waiting_approval":
        pass
    restart = threading.Thread(target=own_stack.restart, args=("api",))
    started = time.monotonic()
    restart.start()
    assert stream.rest() == []
    assert stream.is_ended
    assert time.monotonic() - started < 12 * SLOWNESS
    restart.join()
    stream.close()
    with EventStream(own_stack.url, own_stack.info["token"], workflow,
                     event.id) as stream:
        assert stream.status == 200


# ---- promptcraft workflow watch ----------------------------------------------


def watch(stack, workflow, *options, stdout=subprocess.PIPE, **kwargs):
    return subprocess.Popen(
        [str(CLI), "workflow", "watch", workflow, *options], text=True,
        stdout=stdout, stderr=subprocess.PIPE,
        env={**os.environ, "PROMPTCRAFT_URL": stack.url,
             "PROMPTCRAFT_TOKEN": stack.info["token"]}, **kwargs)


def test_watch_prints_a_line_an_event_and_exits_by_the_end(stack, client):
    good = client.execute(GOAL, TRIVIAL)
    bad = client.execute(GOAL, {"filler": "no code at all"})
    for workflow, status in ((good, "completed"), (bad, "failed")):
        process = watch(stack, workflow)
        out, err = process.communicate(timeout=60 * SLOWNESS)
        assert process.returncode == (status != "completed"), err
        with open_stream(stack, workflow) as stream:
            events = stream.rest()
        lines = out.splitlines()
        assert len(lines) == len(events)
        assert status in lines[-1]


def test_watch_json_is_the_data_of_each_event(stack, client):
    workflow = client.execute(GOAL, TRIVIAL)
    process = watch(stack, workflow, "--json")
    out, err = process.communicate(timeout=60 * SLOWNESS)
    assert process.returncode == 0, err
    with open_stream(stack, workflow) as stream:
        assert [json.loads(line) for line in out.splitlines()] == [
            event.data for event in stream.rest()]


def test_watch_on_a_terminal_has_a_bar_and_says_what_to_do(stack, client):
    workflow = waiting_workflow(client)
    master, terminal = os.openpty()
    process = subprocess.Popen(
        [str(CLI), "workflow", "watch", workflow], stdout=terminal,
        env={**os.environ, "PROMPTCRAFT_URL": stack.url,
             "PROMPTCRAFT_TOKEN": stack.info["token"]})
    os.close(terminal)
    seen = b""
    while f"workflow reject {workflow}".encode() not in seen:
        seen += os.read(master, 4096)
    approval = client.workflow(workflow)["pending_approvals"][0]
    assert b"[####" in seen and b"\r\x1b[K" in seen
    reply = client.post(f"/api/v3/execute/approve/{workflow}", {
        "workflow_id": workflow, "approval_id": approval["approval_id"],
        "decision": "rejected"})
    assert reply.status == 200, reply
    with contextlib.suppress(OSError):  # the terminal's other side is closed
        while part := os.read(master, 4096):
            seen += part
    os.close(master)
    assert process.wait(30) == 1
    assert b"Approval rejected" in seen


def test_watch_survives_a_restart(own_stack, tmp_path):
    client, out = own_stack.client(), tmp_path / "out"
    workflow = client.execute(GOAL, {
        "code": "import time\ntime.sleep(6)",
        "execution_preferences": {"require_approval": False}})
    with out.open("w") as file:
        process = watch(own_stack, workflow, "--json", stdout=file)
    # One that never heard of it has nothing to come back to.
    wait_for(lambda: whole_lines(out), bool)
    own_stack.kill("api")
    own_stack.restart("api")
    _, err = process.communicate(timeout=120 * SLOWNESS)
    assert process.returncode == 0, err
    ids = [json.loads(line)["id"] for line in whole_lines(out)]
    assert len(ids) > 1 and ids == list(range(1, len(ids) + 1))


def test_watch_says_what_is_wrong(stack, client):
    missing = "00000000-0000-4000-8000-000000000000"
    process = watch(stack, missing)
    _, err = process.communicate(timeout=30 * SLOWNESS)
    assert process.returncode == 125
    assert "Workflow not found" in err
    process = watch(stack, missing, "--url", "http://127.0.0.1:1")
    _, err = process.communicate(timeout=30 * SLOWNESS)
    assert process.returncode == 125
    assert "127.0.0.1:1" in err


# ---- who may ----------------------------------------------------------------


def test_the_same_rule_as_for_the_status(stack, client):
    workflow = client.execute(GOAL, TRIVIAL)
    path = f"/api/v3/execute/events/{workflow}"
    stranger = stack.new_user("stranger")
    problem(stack.anonymous().get(path), 401)
    problem(stranger.get(path), 403)
    problem(client.get(path + "0"), 404)
    problem(client.get("/api/v3/execute/events/x"), 404)
    problem(client.post(path, {}), 405)
    # An approver sees what has asked for an approval.
    approver = stack.new_user("approver", "approver")
    client.wait_workflow(workflow)
    problem(approver.get(path), 403)
    waiting = waiting_workflow(client)
    with open_stream(stack, waiting, client=approver) as stream:
        assert stream.status == 200


def test_a_new_password_ends_open_streams(stack, client):
    user = stack.new_user("careless")
    workflow = waiting_workflow(user)
    with open_stream(stack, workflow, client=user) as stream:
        stream.sock.settimeout(60 * SLOWNESS)
        run_cli("user", "passwd", "careless", "--state-dir",
                stack.info["state_dir"], "--password-file", "-",
                input="another long password")
        started = time.monotonic()
        event = stream.rest()[-1]
        assert time.monotonic() - started < 45 * SLOWNESS
    assert (event.event, event.id) == ("closed", None)
    assert event.data == {"status": 401, "detail": "Invalid token"}


def test_a_silent_stream_has_heartbeats(stack, client):
    workflow = waiting_workflow(client)
    with open_stream(stack, workflow) as stream:
        started = time.monotonic()
        while b":\n\n" not in stream.raw:
            stream.receive()
        assert time.monotonic() - started < 29 * SLOWNESS


# ---- bounds -----------------------------------------------------------------


def open_sockets(stack):
    """The inodes of all that the API has not closed."""
    found = set()
    for fd in Path(f"/proc/{stack.pid('api')}/fd").iterdir():
        with contextlib.suppress(OSError):
            found.add(os.readlink(fd).removeprefix("socket:").strip("[]"))
    return found


def connections(stack):
    """Those of its sockets that are connections of clients."""
    found, port = set(), urlsplit(stack.url).port
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if (int(words[1].split(":")[1], 16) == port
                and words[3] != TCP_LISTEN and words[9] != "0"):
            found.add(words[9])
    return found


def test_streams_are_counted(stack):
    """16 of one user, 24 in all."""
    client, user = stack.new_user("keen"), stack.new_user("eager")
    # What earlier tests have left is noticed within a second.
    wait_for(lambda: connections(stack), lambda found: not found)
    mine = waiting_workflow(client)
    workflow = waiting_workflow(user)
    with contextlib.ExitStack() as streams:
        for _ in range(16):
            stream = open_stream(stack, mine, client=client)
            streams.enter_context(stream)
            assert stream.status == 200
        reply = client.get(f"/api/v3/execute/events/{mine}")
        problem(reply, 429, detail="16 event streams")
        assert reply.headers["Retry-After"]
        for _ in range(8):
            stream = open_stream(stack, workflow, client=user)
            streams.enter_context(stream)
            assert stream.status == 200
        reply = user.get(f"/api/v3/execute/events/{workflow}")
        problem(reply, 503, detail="all 24 event streams")
        assert reply.headers["Retry-After"]
        # Everything else works as ever.
        assert client.workflow(mine)["status"] == "waiting_approval"
    # Who has left makes room.
    def status():
        with open_stream(stack, mine, client=client) as stream:
            return stream.status
    wait_for(status, lambda status: status == 200)


def threads(stack):
    return len(os.listdir(f"/proc/{stack.pid('api')}/task"))


def test_a_stream_holds_no_thread(stack, client):
    workflow = waiting_workflow(client)
    before = threads(stack)
    with contextlib.ExitStack() as streams:
        for _ in range(12):
            streams.enter_context(open_stream(stack, workflow))
        assert threads(stack) < before + 6


@pytest.mark.parametrize("how", ["close", "reset", "half"])
def test_a_client_that_leaves_is_noticed(stack, client, how):
    workflow = waiting_workflow(client)
    wait_for(lambda: connections(stack), lambda found: not found)
    stream = open_stream(stack, workflow)
    [its_own] = wait_for(lambda: connections(stack), bool)
    assert its_own in open_sockets(stack)
    if how == "half":
        stream.sock.shutdown(socket.SHUT_WR)
    elif how == "reset":
        stream.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                               b"\1\0\0\0\0\0\0\0")
    if how != "half":
        stream.close()
    # Sooner than the heartbeat, which comes after 15 s, could tell.
    wait_for(lambda: open_sockets(stack), lambda found: its_own not in found,
             seconds=10)
    stream.close()
