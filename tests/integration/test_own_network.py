# SPDX-License-Identifier: Apache-2.0
"""What needs addresses that this machine does not have: each test is run by a
thread with a network namespace of its own, and with it all that it starts."""

import contextlib
import functools
import json
import select
import socket
import subprocess
import threading
from urllib.parse import urlsplit

import limited
from promptcraft import Stack, problem, wait_for
from receivers import HttpReceiver

CLONE_NEWNET = 0x40000000
OURS = "8.8.4.77"
OURS_V6 = "2a00:1450:4000::77"
PROGRAM = {"code": "print(1)",
           "execution_preferences": {"require_approval": False}}


def run(*words):
    subprocess.run(words, check=True, capture_output=True)


def in_own_network(*addresses):
    """The test's thread leaves this network for one with these addresses."""
    def decorate(test):
        @functools.wraps(test)
        def outside():
            failures = []

            def inside():
                try:
                    limited.unshare(CLONE_NEWNET)
                    run("ip", "link", "set", "lo", "up")
                    for address in addresses:
                        run("ip", "addr", "add", address, "dev", "lo")
                    test()
                except BaseException as failure:  # noqa: BLE001
                    failures.append(failure)
            thread = threading.Thread(target=inside)
            thread.start()
            thread.join()
            if failures:
                raise failures[0]
        return outside
    return decorate


@contextlib.contextmanager
def stack_with(**env):
    stack = Stack.up(env=env)
    try:
        yield stack
    finally:
        stack.down()


# ---- webhooks -----------------------------------------------------------------


def how_it_ended(client, url):
    workflow = client.execute("Add two numbers", PROGRAM,
                              {"notification_webhook": url})
    client.wait_workflow(workflow)

    def row():
        rows = client.get("/api/v3/notifications?limit=50").data
        return next((r for r in rows["notifications"]
                     if r["workflow_id"] == workflow), None)
    return wait_for(row, lambda r: r and r["status"] != "pending", 60)


@in_own_network(f"{OURS}/32", f"{OURS_V6}/128")
def test_webhooks_do_not_go_to_our_own_public_address():
    """For us a public address of ours is behind our own firewall."""
    with HttpReceiver(OURS) as hook:
        port = hook.port
        with stack_with(PROMPTCRAFT_WEBHOOK_PORTS=str(port)) as stack:
            for host in (OURS, f"[{OURS_V6}]"):
                row = how_it_ended(stack.client(), f"http://{host}:{port}/x")
                assert row["status"] == "dead", row
                assert "this machine's own" in row["error"], row
            assert hook.got() == []
        # Who runs the machine may want it.
        with stack_with(PROMPTCRAFT_WEBHOOK_PORTS=str(port),
                        PROMPTCRAFT_WEBHOOK_ALLOW=OURS) as stack:
            row = how_it_ended(stack.client(), f"http://{OURS}:{port}/x")
            assert row["status"] == "delivered", row


# ---- many addresses of one network ----------------------------------------------


def log_in_from(source, port, name):
    body = json.dumps({"username": name, "password": "wrong"}).encode()
    head = (f"POST /auth/token HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode()
    with socket.create_connection((OURS_V6, port), 30, (source, 0)) as sock:
        sock.sendall(head + body)
        return int(sock.recv(65536).split()[1])


SOURCES = [f"fd00:1:2:3::{i:x}" for i in range(1, 13)]


@in_own_network(f"{OURS_V6}/128", "fd00:1:2:4::1/128",
                *(f"{source}/128" for source in SOURCES))
def test_one_ipv6_network_is_one_client():
    with stack_with(API_HOST="::", PROMPTCRAFT_LOGIN_ATTEMPTS="3",
                    PROMPTCRAFT_MAX_CONNECTIONS_PER_ADDRESS="8") as stack:
        port = urlsplit(stack.url).port
        statuses = [log_in_from(source, port, "eve") for source in SOURCES[:5]]
        assert statuses == [401, 401, 401, 429, 429]
        # Another network is somebody else, and so is each IPv4 address.
        assert log_in_from("fd00:1:2:4::1", port, "eve") == 401
        problem(stack.anonymous().post("/auth/token", {
            "username": "eve", "password": "wrong"}), 401)
        with contextlib.ExitStack() as held:
            socks = [held.enter_context(socket.create_connection(
                (OURS_V6, port), 30, (source, 0))) for source in SOURCES[:9]]
            # The ninth, or one before if the last login's is not closed yet.
            closed, _, _ = select.select(socks, [], [], 30)
            assert closed, "nine connections of one network"
            with contextlib.suppress(ConnectionError):
                assert closed[0].recv(1) == b""
            assert stack.anonymous().get("/health").status == 200
