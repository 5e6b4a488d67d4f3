# SPDX-License-Identifier: Apache-2.0
"""The supervisor's protocol as an API process speaks it that was taken over:
any bytes, any fds, any bundle.  Layouts: supervisor/wire/proto.h, bundle.h."""

import array
import os
import socket
import struct
import uuid

from test_supervisor import (DONE, HELLO, REASONS, REFUSED, STARTED, SUBMIT,
                             SUBMIT_SIZE, Done, entry, head, post)

MANIFEST, FILE, COLLECT = 1, 2, 3
NAMES = {1: "exited", 2: "signaled", 3: "timeout", 4: "killed", 5: "refused",
         6: "error"}
__all__ = ["DONE", "HELLO", "MANIFEST", "FILE", "COLLECT", "REASONS",
           "REFUSED", "STARTED", "SUBMIT", "NAMES", "Done", "entry", "head",
           "post", "manifest", "bundle", "program", "submit", "send", "Job",
           "job"]


def manifest(*pairs):
    text = "".join(f"{k}={v}\0" for k, v in pairs or
                   (("mode", "run"), ("code", "solution.py")))
    return entry(MANIFEST, "", text.encode())


def bundle(*entries, count=None):
    return (b"PCB1" + struct.pack("<I", len(entries) if count is None
                                  else count) + b"".join(entries))


def program(code, *more):
    """A good bundle that runs this Python code."""
    return bundle(manifest(), entry(FILE, "solution.py", code.encode()),
                  *more)


def field(value, size):
    return (value if isinstance(value, bytes) else value.encode()).ljust(
        size, b"\0")[:size]


def submit(job_id=None, policy="strict", runtime="python", actor="escape",
           workflow="", step=0, attempt=0, wall_ms=20000, memory=0, output=0,
           pids=0, cpu=0, **head_fields):
    return (head(SUBMIT, SUBMIT_SIZE, **head_fields) +
            field(job_id or str(uuid.uuid4()), 40) + field(policy, 32) +
            field(runtime, 32) + field(actor, 64) + field(workflow, 40) +
            struct.pack("<II", step, attempt) +
            struct.pack("<QQQIIII", wall_ms, memory, output, pids, cpu, 0,
                        0))


def send(sock, data, fds=()):
    sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                           array.array("i", fds))] if fds else [])


class Job:
    """What came back for one JOB_SUBMIT."""

    def __init__(self, sock):
        self.limits, self.stdout, self.stderr = None, "", ""
        self.slot = None
        fds, done = [], None
        while done is None:
            raw, control, _, _ = sock.recvmsg(512, 512)
            for _, _, data in control:
                passed = array.array("i")
                passed.frombytes(data)
                fds += passed
            if not raw:
                for fd in fds:
                    os.close(fd)
                raise ConnectionError("the supervisor hung up")
            kind = struct.unpack_from("<HH", raw)[1]
            if kind == STARTED:
                at = 16 + 40 + 32 + 64
                names = "wall_ms memory output pids cpu".split()
                self.limits = dict(zip(names, struct.unpack_from("<QQQII",
                                                                 raw, at)))
                self.slot = struct.unpack_from("<I", raw, at + 32)[0]
                os.close(fds.pop(0))  # stdin
                self.stdout, self.stderr = (read_all(fd) for fd in fds[:2])
                for fd in fds[2:]:
                    os.close(fd)
                fds = []
            elif kind == DONE:
                done = Done(raw)
        for fd in fds:
            os.close(fd)
        self.done = done
        self.outcome = NAMES[done.outcome]
        self.error, self.reason = done.error, done.reason

    def __repr__(self):
        return f"<Job {self.done!r} {self.stdout[-500:]!r}>"


def read_all(fd):
    with open(fd, "rb") as file:
        return file.read().decode(errors="replace")


def job(supervisor, data, **fields):
    """One whole job; data is a bundle's bytes."""
    with supervisor.connect() as sock:
        post(sock, submit(**fields), data)
        return Job(sock)
