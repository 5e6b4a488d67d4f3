# SPDX-License-Identifier: Apache-2.0
"""A client of server-sent events over a socket of its own.

    with EventStream(stack.url, token, workflow_id) as stream:
        event = stream.next()        # an Event; None: the stream has ended
        events = stream.rest()       # all up to the end
"""

import contextlib
import json
import socket
import time
from dataclasses import dataclass
from email import message_from_string
from urllib.parse import urlsplit

import contract
from promptcraft import SLOWNESS


@dataclass
class Event:
    id: int | None
    event: str
    data: dict


class EventStream:
    def __init__(self, url, token, workflow_id, last_id=None, query="",
                 receive_buffer=None):
        parts = urlsplit(url)
        self.sock = socket.socket()
        if receive_buffer is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                 receive_buffer)
        self.sock.settimeout(30 * SLOWNESS)
        self.sock.connect((parts.hostname, parts.port))
        lines = [f"GET /api/v3/execute/events/{workflow_id}{query} HTTP/1.1",
                 "Host: x", f"Authorization: Bearer {token}"]
        if last_id is not None:
            lines.append(f"Last-Event-ID: {last_id}")
        self.sock.sendall("\r\n".join([*lines, "", ""]).encode())
        self.text = ""       # decoded, not yet parsed
        self.raw = b""       # received, not yet decoded
        self.comments = 0
        self.retry_ms = None
        self.is_ended = False  # by the server, in order
        head = self.read_until(b"\r\n\r\n").decode()
        self.status = int(head.split()[1])
        self.head = head
        contract.look("GET", f"/api/v3/execute/events/{workflow_id}",
                      self.status, message_from_string(
                          head.split("\r\n", 1)[1]))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def receive(self):
        got = self.sock.recv(65536)
        if not got:
            raise EOFError("the connection ended in the middle")
        self.raw += got

    def read_until(self, mark):
        while mark not in self.raw:
            self.receive()
        head, self.raw = self.raw.split(mark, 1)
        return head

    def read_chunk(self):
        size = int(self.read_until(b"\r\n"), 16)
        while len(self.raw) < size + 2:
            self.receive()
        self.text += self.raw[:size].decode()
        self.raw = self.raw[size + 2:]
        self.is_ended = size == 0

    def next(self):
        """The next event, heartbeats left out; None at the end."""
        while True:
            while "\n\n" not in self.text:
                if self.is_ended:
                    return None
                self.read_chunk()
            block, self.text = self.text.split("\n\n", 1)
            event = self.parse(block)
            if event is not None:
                return event

    def parse(self, block):
        fields = {}
        for line in block.split("\n"):
            name, _, value = line.partition(":")
            if name == "":
                self.comments += 1
            else:
                fields[name] = value.removeprefix(" ")
        if "retry" in fields:
            self.retry_ms = int(fields["retry"])
        if "data" not in fields:
            return None
        number = fields.get("id")
        event = Event(int(number) if number is not None else None,
                      fields.get("event", "message"),
                      json.loads(fields["data"]))
        contract.look_at_event(event.event, event.data)
        return event

    def rest(self):
        events = []
        while (event := self.next()) is not None:
            events.append(event)
        return events


def follow(url, token, workflow_id, seconds=60):
    """As a browser does it: come back with the last id until the end; every
    event that was received, in order."""
    events, last_id = [], None
    deadline = time.monotonic() + seconds * SLOWNESS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, EOFError):
            with EventStream(url, token, workflow_id, last_id) as stream:
                if stream.status == 204:
                    return events
                assert stream.status == 200, stream.head
                while (event := stream.next()) is not None:
                    events.append(event)
                    last_id = event.id
        time.sleep(0.1)
    raise AssertionError(f"not over in {seconds} s: {events}")
