# SPDX-License-Identifier: Apache-2.0
"""What the fault tests act on: one or two nodes, their store, a receiver of
notifications, and clients that do what a good client does when a server
vanishes: ask again, with the same Idempotency-Key.
"""

import contextlib
import hashlib
import http.client
import json
import secrets
import signal
import subprocess
import threading
import time
import urllib.error
import uuid
from pathlib import Path

from promptcraft import CLI, SLOWNESS, Client, Stack, run_stack, whole_lines
from receivers import HttpReceiver, Refused, verify

WEBHOOK_SECRET = secrets.token_hex(32)
LEASE_SECONDS = 3
SETTINGS = {
    "PROMPTCRAFT_LEASE_SECONDS": str(LEASE_SECONDS),
    "PROMPTCRAFT_WEBHOOK_SECRET": WEBHOOK_SECRET,
    "MAX_EXECUTION_RETRIES": "100",
    "PROMPTCRAFT_RETRY_BASE_MS": "200",
    "PROMPTCRAFT_LOGIN_ATTEMPTS": "0",
}
# What a client meets while a server is down or comes up.
AWAY = (urllib.error.URLError, ConnectionError, TimeoutError,
        http.client.HTTPException)


class Node:
    """One supervisor and one API, which may be killed at any time."""

    def __init__(self, stack):
        self.stack = stack
        self.lock = threading.Lock()  # one restart at a time

    def kill_and_restart(self, name):
        with self.lock:
            with contextlib.suppress(ProcessLookupError):
                self.stack.kill(name)
            self.stack.restart(name)

    def audit(self):
        """The records of the log, which must verify."""
        state = Path(self.stack.info["state_dir"]).parent / "supervisor"
        done = subprocess.run([CLI, "audit", "verify", "--state-dir", state],
                              capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return [json.loads(line)
                for path in sorted((state / "audit").glob("audit.*.log"))
                for line in whole_lines(path)]


class World:
    """`store` sqlite: one node; redis: two nodes and one redis-server."""

    def __init__(self, store, env=None, receiver=True):
        self.store = store
        self.hooks = HttpReceiver("127.0.0.1") if receiver else None
        settings = {**SETTINGS, **(env or {})}
        if receiver:
            self.hooks.__enter__()
            settings["PROMPTCRAFT_WEBHOOK_URL"] = self.hooks.url("/operator")
        self.nodes = []
        try:
            first = Stack.up("--store", store, env=settings)
            self.nodes.append(Node(first))
            if store == "redis":
                # As the manual wants it: nodes share their releases.
                self.nodes.append(Node(Stack.up(
                    "--join", first.dir, env={
                        "PROMPTCRAFT_RELEASE_DIR": str(self.releases),
                        **settings})))
        except BaseException:
            self.down()
            raise

    @property
    def releases(self):
        return Path(self.nodes[0].stack.info["state_dir"]) / "releases"

    def down(self):
        # Who joined goes first: the first one has the redis-server.
        for node in reversed(self.nodes):
            node.stack.down()
        if self.hooks is not None:
            self.hooks.__exit__(None, None, None)

    def victims(self):
        """(node, what) of all that can be killed."""
        found = [(node, name) for node in self.nodes
                 for name in ("api", "supervisor")]
        if self.store == "redis":
            found.append((self.nodes[0], "redis"))
        return found

    def client(self, i=0):
        """As the admin, of one of the nodes."""
        stack = self.nodes[i % len(self.nodes)].stack
        return Patient(stack.url, self.nodes[0].stack.info["token"])

    def deliveries(self):
        """{delivery id: event} of what the receiver believes."""
        found = {}
        for request in self.hooks.got("/operator"):
            # A repeat of an id is what receivers are told to expect.
            with contextlib.suppress(Refused):
                age = time.monotonic() - request.at
                event = verify(WEBHOOK_SECRET, request.headers, request.body,
                               set(), now=time.time() - age)
                found[event["delivery_id"]] = event
        return found


class Patient(Client):
    """Asks again until a server answers; a POST with its Idempotency-Key."""

    def __init__(self, url, token, seconds=120):
        super().__init__(url, token)
        self.seconds = seconds

    def request(self, method, path, body=None, raw=None, headers=None,
                timeout=20):
        headers = dict(headers or {})
        if method == "POST":
            headers.setdefault("Idempotency-Key", str(uuid.uuid4()))
        deadline = time.monotonic() + self.seconds * SLOWNESS
        while True:
            try:
                reply = super().request(method, path, body, raw, headers,
                                        timeout)
                # 409 of a key: the first try is still on its way.
                if reply.status not in (429, 500, 502, 503, 504) and not (
                        reply.status == 409 and
                        reply.headers.get("Retry-After")):
                    return reply
                what = reply
            except AWAY as error:
                what = error
            assert time.monotonic() < deadline, f"{method} {path}: {what!r}"
            time.sleep(0.1)


def kill_redis(node, before_start=None):
    """kill -9 of the redis-server; before_start may touch its files."""
    import os
    with node.lock:
        os.kill(node.stack.pid("redis"), signal.SIGKILL)
        if before_start is not None:
            before_start()
        run_stack("restart-redis", node.stack.dir)


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
