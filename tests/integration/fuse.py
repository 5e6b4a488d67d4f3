# SPDX-License-Identifier: Apache-2.0
"""A file of a FUSE file system whose server answers nobody but its own process:
every operation on it, close(2) included, blocks whoever does it.

    with Fuse(tmp_path / "mnt") as fuse:
        fd = fuse.open()           # of a file that looks like any other
        fuse.soil(n)               # the last fput() of open(n), too, will
        fuse.blocked               # who waits: {(pid, opcode)}
    # the mount is gone, who waited goes on

Linux's <linux/fuse.h>, protocol 7.31, spoken by hand.
"""

import contextlib
import ctypes
import os
import select
import struct
import threading

LOOKUP, FORGET, GETATTR, OPEN, WRITE, RELEASE = 1, 2, 3, 14, 16, 18
FLUSH, INIT, INTERRUPT = 25, 26, 36
FUSE_WRITEBACK_CACHE = 1 << 16
MNT_DETACH = 2
libc = ctypes.CDLL(None, use_errno=True)


def attributes(inode):
    mode = 0o040755 if inode == 1 else 0o100644
    return struct.pack("<QQQQQQIIIIIIIIII", inode, 100, 1, 0, 0, 0, 0, 0, 0,
                       mode, 1, 0, 0, 0, 4096, 0)


class Fuse:
    def __init__(self, directory):
        self.directory = str(directory)
        self.own = os.getpid()
        self.blocked, self.soiled = set(), []
        self.is_open = True

    def __enter__(self):
        os.mkdir(self.directory)
        self.device = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={self.device},rootmode=40000,user_id=0,group_id=0," \
                  "allow_other"
        if libc.mount(b"pc-test", self.directory.encode(), b"fuse", 0,
                      options.encode()) < 0:
            raise OSError(ctypes.get_errno(), "mount fuse")
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def open(self, number=0):
        return os.open(f"{self.directory}/{number}", os.O_RDWR)

    def soil(self, number=0):
        """Dirty a page of that file; it is never written back."""
        self.soiled.append(self.open(number))
        os.pwrite(self.soiled[-1], bytes(4096), 0)

    def __exit__(self, *_):
        self.end()

    def end(self):
        if not self.is_open:
            return
        libc.umount2(self.directory.encode(), MNT_DETACH)
        self.is_open = False
        self.thread.join()
        os.close(self.device)  # lets go whoever waits
        for fd in self.soiled:
            with contextlib.suppress(OSError):  # what it wrote is lost
                os.close(fd)

    def serve(self):
        while self.is_open:
            if not select.select([self.device], [], [], 0.05)[0]:
                continue
            try:
                request = os.read(self.device, 1 << 17)
            except OSError:  # unmounted
                return
            size, op, unique, node, uid, gid, pid, _ = \
                struct.unpack_from("<IIQQIIII", request)
            if op == WRITE or pid != self.own and op not in (
                    INIT, FORGET, INTERRUPT, RELEASE):
                self.blocked.add((pid, op))
                continue
            self.answer(op, unique, node, request[40:-1])

    def answer(self, op, unique, node, name):
        error, body = 0, b""
        if op == INIT:
            body = struct.pack("<IIIIHHIIHHIIII", 7, 31, 65536,
                               FUSE_WRITEBACK_CACHE, 16, 12, 65536, 1, 16, 0,
                               0, 0, 0, 0).ljust(64, b"\0")
        elif op == LOOKUP:
            inode = 2 + int(name)
            body = struct.pack("<QQQQII", inode, 0, 0, 0, 0, 0) + \
                attributes(inode)
        elif op == GETATTR:
            body = struct.pack("<QII", 0, 0, 0) + attributes(node)
        elif op == OPEN:
            body = struct.pack("<QII", 7, 0, 0)
        elif op in (FORGET, INTERRUPT):
            return
        elif op not in (FLUSH, RELEASE):
            error = -38
        try:
            os.write(self.device, struct.pack(
                "<IiQ", 16 + len(body), error, unique) + body)
        except OSError:
            pass
