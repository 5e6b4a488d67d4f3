# SPDX-License-Identifier: Apache-2.0
"""Jobs of the real supervisor for the tests of policies: any files, any
runtime, any profile; and the jail's processes as the host sees them."""

import array
import os
import select
import socket
import struct
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))

from test_supervisor import (DENIAL, DONE, STARTED, Done, Supervisor,  # noqa
                             entry, post, submit_message, until)


@contextmanager
def supervisor(slots=1, standby=0):
    with tempfile.TemporaryDirectory(prefix="pc-policy-") as directory:
        Path(directory).chmod(0o755)
        one = Supervisor(Path(directory), slots=slots,
                         options=("--standby", str(standby)))
        try:
            yield one
        finally:
            one.stop()


def bundle(files, code):
    """files: {path: text or bytes}; code: which of them is run."""
    manifest = b"mode=run\0code=" + code.encode() + b"\0"
    entries = [entry(1, "", manifest)]
    for path, data in files.items():
        data = data if isinstance(data, bytes) else data.encode()
        entries.append(entry(2, path, data))
    return b"PCB1" + struct.pack("<I", len(entries)) + b"".join(entries)


class Job:
    """One job; started() gives it its pipes, wait() reads it to its end."""

    def __init__(self, one, files, code, keep_stdin=False, **fields):
        self.one, self.denials, self.pipes = one, [], None
        self.keep_stdin, self.raw = keep_stdin, None
        self.sock = one.connect()
        self.sock.settimeout(120)
        post(self.sock, submit_message(**fields), bundle(files, code))
        self.done = None

    def _read(self):
        raw, control, _, _ = self.sock.recvmsg(512, 512)
        kind = struct.unpack_from("<HH", raw)[1]
        if kind == STARTED:
            self.pipes = array.array("i")
            self.pipes.frombytes(control[0][2])
            if not self.keep_stdin:
                self.close(0)
        elif kind == DENIAL:
            self.denials.append(raw)
        elif kind == DONE:
            self.done, self.raw = Done(raw), raw

    def has_started(self):
        """Without waiting: everything that came is read."""
        while self.done is None and select.select([self.sock], [], [], 0)[0]:
            self._read()
        return self.pipes is not None or self.done is not None

    def started(self):
        assert self.may_run(), self.done

    def line(self):
        """One line of its stdout."""
        text = b""
        while not text.endswith(b"\n"):
            byte = os.read(self.pipes[1], 1)
            assert byte, text
            text += byte
        return text.decode()

    def wait(self):
        """What it printed, and JOB_DONE."""
        self.started()
        with os.fdopen(self.pipes[1], "rb") as reader:
            output = reader.read()
        with os.fdopen(self.pipes[2], "rb") as reader:
            self.stderr = reader.read()
        self.pipes[1] = self.pipes[2] = -1
        self.close(0)
        self.close(3)
        while self.done is None:
            self._read()
        self.sock.close()
        return output.decode(), self.done

    def kill(self):
        """The supervisor ends the jobs of a peer that goes."""
        self.sock.close()
        for index in range(len(self.pipes or ())):
            self.close(index)

    def close(self, index):
        if self.pipes[index] >= 0:
            os.close(self.pipes[index])
        self.pipes[index] = -1

    def may_run(self):
        """Wait until that is known."""
        while self.pipes is None and self.done is None:
            self._read()
        return self.pipes is not None

    def record(self):
        """Its own: another job may end later than it was told to."""
        job_id = self.raw[16:56].split(b"\0")[0].decode()
        [found] = [record for record in self.one.job_records()
                   if record["job_id"] == job_id]
        return found


def status(pid):
    with open(f"/proc/{pid}/status") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file
                    if ":\t" in line)


def processes(one):
    """(pid of PID 1 or None, pids of the others) of the only jail, which has a
    spare slot if that of the one before was not free yet."""
    init, others, text = None, [], ""
    for file in one.cgroups()[0].glob("slot-*/cgroup.procs"):
        with suppress(OSError):  # v2 makes one for each job
            text += file.read_text()
    for pid in text.split():
        try:
            inner = status(pid)["NSpid"].split()
        except (OSError, KeyError):
            continue
        if len(inner) > 1 and inner[-1] == "1":
            init = int(pid)
        else:
            others.append(int(pid))
    return init, others
