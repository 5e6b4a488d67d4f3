# SPDX-License-Identifier: Apache-2.0
"""What the tests of approvals and releases share: workflows that wait,
decisions, and hands that reach behind the product's back (its database, its
settings, its policies)."""

import array
import contextlib
import hashlib
import json
import os
import shutil
import socket
import sqlite3
import struct
import threading
import uuid
from pathlib import Path

from promptcraft import BUILD, Stack, wait_for, whole_lines

GOAL = "Compute squares, with tests"
CODE = "def square(n):\n    return n * n\n"
TESTS = """
import unittest
from solution import square

class T(unittest.TestCase):
    def test_two(self):
        self.assertEqual(square(2), 4)
"""
# Stays in its test step for some time.
SLOW_TESTS = TESTS.replace("        self.assertEqual",
                           "        import time; time.sleep(4)\n"
                           "        self.assertEqual")
ROLES = {"user": 1, "approver": 2, "admin": 3}


def submit(client, goal=GOAL, options=None, tests=TESTS, **context):
    """The workflow's id and that of the approval it is going to ask for."""
    body = {"goal": goal, "options": options or {},
            "context": {"code": CODE, "tests": tests, **context}}
    reply = client.post("/api/v3/execute", body)
    assert reply.status == 202, reply
    [step] = [s for s in reply.data["execution_plan"]
              if s["type"] == "approval"]
    return reply.data["workflow_id"], step["approval_id"]


def waiting(client, **fields):
    """A workflow that waits, and the approval that it waits for."""
    workflow, approval_id = submit(client, **fields)
    data = client.wait_workflow(workflow, "waiting_approval")
    assert data["status"] == "waiting_approval", data
    [approval] = data["pending_approvals"]
    assert approval["approval_id"] == approval_id
    return workflow, approval


def decide(client, workflow, approval, decision="approved", **more):
    approval_id = approval if isinstance(approval, str) else (
        approval["approval_id"])
    return client.post(f"/api/v3/execute/approve/{workflow}", {
        "workflow_id": workflow, "approval_id": approval_id,
        "decision": decision, **more})


def approved(client, workflow, approval, **more):
    reply = decide(client, workflow, approval, "approved", **more)
    assert reply.status == 200, reply
    assert reply.json()["message"] == "Approval approved"
    return reply.json()


def approvals(client, query="status=pending&limit=200"):
    return client.get(f"/api/v3/approvals?{query}").data["approvals"]


def listed(client, workflow, query="status=pending&limit=200"):
    return [a for a in approvals(client, query)
            if a["workflow_id"] == workflow]


# ---- behind its back --------------------------------------------------------


@contextlib.contextmanager
def database(stack):
    """The store, as somebody with root's rights may change it."""
    db = sqlite3.connect(stack.dir / "api" / "promptcraft.db", timeout=30,
                         isolation_level=None)
    try:
        yield db
    finally:
        db.close()


def document(stack, workflow):
    with database(stack) as db:
        [[text]] = db.execute(
            "SELECT document FROM workflow WHERE workflow_id = ?",
            [workflow])
    return json.loads(text)


def edit(stack, workflow, change, **columns):
    """Change a workflow's document, without a word to the API."""
    with database(stack) as db:
        db.execute("BEGIN IMMEDIATE")
        [[text]] = db.execute(
            "SELECT document FROM workflow WHERE workflow_id = ?", [workflow])
        doc = json.loads(text)
        change(doc)
        db.execute("UPDATE workflow SET document = ? WHERE workflow_id = ?",
                   [json.dumps(doc), workflow])
        for name, value in columns.items():
            db.execute(f"UPDATE workflow SET {name} = ? "
                       "WHERE workflow_id = ?", [value, workflow])
        db.execute("COMMIT")


def set_user(stack, name, **columns):
    with database(stack) as db:
        for column, value in columns.items():
            done = db.execute(f"UPDATE user SET {column} = ? "
                              "WHERE username = ?", [value, name])
            assert done.rowcount == 1


def set_env(stack, **env):
    """Settings of the API from its next start on."""
    path = stack.dir / "stack.json"
    state = json.loads(path.read_text())
    state["env"] = dict(state["env"]) | env
    path.write_text(json.dumps(state))


def restart_api(stack, **env):
    set_env(stack, **env)
    stack.kill("api")
    stack.restart("api")


def own_build(directory):
    """The build with policies of its own, to be edited."""
    build = Path(directory) / "build"
    build.mkdir()
    for path in BUILD.iterdir():
        if path.is_file() and path.suffix != ".a":
            shutil.copy(path, build)
    for name in ("policy", "runtimes", "rules", "cookbook"):
        shutil.copytree(BUILD / name, build / name)
    return build


def edit_policy(build, name="standard"):
    path = build / "policy" / "profiles" / f"{name}.policy"
    text = path.read_text()
    assert "TasksMax=" in text
    path.write_text(text.replace("TasksMax=", "TasksMax=1", 1)
                    if "TasksMax=1" not in text
                    else text.replace("TasksMax=1", "TasksMax=2", 1))


# ---- what is left -----------------------------------------------------------


def releases(stack):
    return stack.dir / "api" / "releases"


def audit(stack, kind="release"):
    logs = sorted((stack.dir / "supervisor" / "audit").glob("audit.*.log"))
    return [record for path in logs
            for record in map(json.loads, whole_lines(path))
            if record["type"] == kind]


def records_of(stack, workflow, kind="release"):
    return [r for r in audit(stack, kind) if r["workflow"] == workflow]


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def check_release(stack, workflow):
    """The release is there once, whole, and what the supervisor recorded."""
    top = releases(stack) / workflow
    manifest = (top / "manifest.json").read_bytes()
    [record] = records_of(stack, workflow)
    assert record["manifest_sha256"] == sha256(manifest)
    parsed = json.loads(manifest)
    assert record["shown_sha256"] == parsed["digest"] == sha256(
        (top / "shown.json").read_bytes())
    files = {str(p.relative_to(top)) for p in top.rglob("*") if p.is_file()}
    assert files == {f["path"] for f in parsed["files"]} | {"manifest.json"}
    for entry in parsed["files"]:
        data = (top / entry["path"]).read_bytes()
        assert (sha256(data), len(data)) == (entry["sha256"], entry["bytes"])
    return parsed


def check_not_released(stack, workflow):
    assert not (releases(stack) / workflow).exists()
    assert records_of(stack, workflow) == []


def no_leftovers(stack):
    return [p.name for p in releases(stack).iterdir()
            if p.name.startswith(".") and p.name != ".lock"] == []


class People:
    """A stack with four-eyes on, an owner and some who approve."""

    def __init__(self, stack):
        self.stack = stack
        self.admin = stack.client()
        self.owner = stack.new_user("owner-" + uuid.uuid4().hex[:8])
        self.ann = self.approver("ann")
        self.bob = self.approver("bob")

    def approver(self, name, role="approver"):
        return self.stack.new_user(f"{name}-{uuid.uuid4().hex[:8]}",
                                   role=role)

    @classmethod
    def up(cls, *options, **env):
        stack = Stack.up(*options,
                         env={"APPROVAL_ALLOW_SELF": "false"} | env)
        try:
            return cls(stack)
        except BaseException:
            stack.down()
            raise


def wait_status(client, workflow, *status, seconds=60):
    return wait_for(lambda: client.workflow(workflow),
                    lambda data: data["status"] in status, seconds)


class Between:
    """Stands between API and supervisor, and at the message of a given type
    calls `at` before it passes it on (or not, if that returns False), with the
    connection that it came on."""

    def __init__(self, path, supervisor):
        self.path, self.supervisor = str(path), str(supervisor)
        self.type, self.at = None, None
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(self.path)
        os.chmod(self.path, 0o666)
        self.listener.listen(64)
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=[client],
                             daemon=True).start()

    def serve(self, client):
        server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            server.connect(self.supervisor)
        except OSError:
            client.close()
            return
        back = threading.Thread(target=self.pump, args=[server, client],
                                daemon=True)
        back.start()
        self.pump(client, server)
        back.join()
        client.close()
        server.close()

    def pump(self, source, sink):
        with contextlib.suppress(OSError):
            while self.pass_on(source, sink):
                pass
        for sock in (source, sink):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def pass_on(self, source, sink):
        raw, control, _, _ = source.recvmsg(1 << 17, 4096)
        if not raw:
            return False
        fds = array.array("i")
        for _, _, data in control:
            fds.frombytes(data)
        try:
            kind = struct.unpack_from("<HH", raw)[1] if len(raw) > 3 else 0
            if kind == self.type and len(raw) < 512 and not self.at(source):
                return False
            sink.sendmsg([raw], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)]
                         if fds else [])
        finally:
            for fd in fds:
                os.close(fd)
        return True

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
