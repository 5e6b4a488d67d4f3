# SPDX-License-Identifier: Apache-2.0
"""Attacks that once worked: hostile programs inside a jail, and an API process
that was taken over and speaks to the supervisor's socket as it likes."""

import array
import contextlib
import os
import socket
import struct
import threading
import time
import uuid

import pytest

from test_supervisor import (  # noqa: F401
    DONE, EXITED, HELLO, REFUSED, SUBMIT, Done, bundle, head, sealed,
    supervisor, until)


def message(policy="strict", runtime="python", wall_ms=20000, memory=0,
            pids=0, cpu=0):
    fields = ((str(uuid.uuid4()), 40), (policy, 32), (runtime, 32),
              ("test", 64), ("", 40))
    text = b"".join(value.encode().ljust(size, b"\0")
                    for value, size in fields)
    return (head(SUBMIT, 264, nfds=1) + text + struct.pack("<II", 0, 0) +
            struct.pack("<QQQII", wall_ms, memory, 0, pids, cpu))


def send(sock, data, fds=()):
    sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                           array.array("i", fds))] if fds else [])


def output(supervisor, code, **fields):  # noqa: F811
    """What a program prints, and how it ended."""
    fd = sealed(bundle(code))
    with supervisor.connect() as sock:
        send(sock, message(**fields), [fd])
        os.close(fd)
        pipes = supervisor.started(sock)
        with open(pipes[1], "rb") as stdout:
            text = stdout.read().decode()
        for pipe in (pipes[0], pipes[2], pipes[3]):
            os.close(pipe)
        return text, supervisor.done(sock)


# ---- hostile programs ------------------------------------------------------

FILL_SOCKETS = """
import socket
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(100)
held, total = [], 0
for _ in range(100):
    one = socket.socket()
    one.connect(server.getsockname())
    held.append((one, server.accept()[0]))
    one.setblocking(False)
    try:
        while True:
            total += one.send(bytes(1 << 20))
    except BlockingIOError:
        pass
print(total >> 20)
"""


def test_socket_buffers_count(supervisor):  # noqa: F811
    """A v1 memory limit does not cover what TCP buffers: 300 MiB and more."""
    text, done = output(supervisor, FILL_SOCKETS, policy="permissive",
                        memory=64 << 20)
    assert done.outcome != EXITED or int(text) < 100, (text, done)
