# SPDX-License-Identifier: Apache-2.0
"""Jails that a test talks to while they run, several at a time.

    with Live(supervisor, "strict") as a, Live(supervisor, "strict") as b:
        a("import os")
        a("os.getpid()")            # its value
        b.error("os.kill(7, 9)")    # its errno's name, or an AssertionError
        a.host_pids                 # as the host sees its processes

agent.py runs in each.  The protocol is spoken directly, because only the one
who submits a job holds its stdin.
"""

import array
import json
import os
import struct
from pathlib import Path

import wire

AGENT = (Path(__file__).parent / "programs" / "agent.py").read_text()


class Live:
    def __init__(self, supervisor, profile, code=AGENT, data=None, **fields):
        self.supervisor = supervisor
        self.sock = supervisor.connect()
        wire.post(self.sock, wire.submit(policy=profile, **fields),
                  data or wire.program(code))
        raw, control, _, _ = self.sock.recvmsg(512, 512)
        kind = struct.unpack_from("<HH", raw)[1]
        assert kind == wire.STARTED, wire.Done(raw)
        self.slot = struct.unpack_from("<I", raw, 16 + 40 + 32 + 64 + 32)[0]
        fds = array.array("i")
        fds.frombytes(control[0][2])
        self.stdin = open(fds[0], "wb", buffering=0)
        self.stdout = open(fds[1], "rb")
        self.stderr = open(fds[2], "rb")
        self.results = open(fds[3], "rb")
        self.done, self.denials = None, []
        # By its slot: jails of other jobs may be going, or being built.
        self.host_pids = sorted(supervisor.slot_pids(self.slot))

    def tell(self, source):
        """Send, without waiting for the answer."""
        self.stdin.write(json.dumps(source).encode() + b"\n")

    def answer(self):
        line = self.stdout.readline()
        assert line, f"it ended: {self.stderr.read()!r}"
        return json.loads(line)

    def __call__(self, source):
        self.tell(source)
        answer = self.answer()
        assert "error" not in answer, (source, answer)
        return answer["value"]

    def error(self, source):
        self.tell(source)
        answer = self.answer()
        assert "error" in answer, (source, answer)
        return answer["error"]

    def payload_pid(self):
        """Of the process that runs agent.py, as the host numbers it."""
        inner = self("__import__('os').getpid()")
        for pid in self.host_pids:
            try:
                text = Path(f"/proc/{pid}/status").read_text()
                uid = os.stat(f"/proc/{pid}").st_uid
            except OSError:
                continue
            numbers = text.split("\nNSpid:\t")[1].split("\n")[0].split()
            if numbers[-1] == str(inner):
                return pid, uid
        raise AssertionError("not found")

    def finish(self):
        """End it by closing its stdin; its wire.Done."""
        if self.done is None:
            self.stdin.close()
            self.tail = self.stdout.read()
            self.errors = self.stderr.read()
            while self.done is None:
                raw, control, _, _ = self.sock.recvmsg(512, 512)
                assert raw, "the supervisor hung up"
                for _, _, data in control:
                    fds = array.array("i")
                    fds.frombytes(data)
                    for fd in fds:
                        os.close(fd)
                kind = struct.unpack_from("<HH", raw)[1]
                if kind == wire.DONE:
                    self.done = wire.Done(raw)
                else:
                    self.denials.append(raw)
            self.close()
        return self.done

    def close(self):
        for stream in (self.stdin, self.stdout, self.stderr, self.results,
                       self.sock):
            stream.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.finish()
        else:
            self.close()
