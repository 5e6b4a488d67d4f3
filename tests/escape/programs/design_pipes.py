# SPDX-License-Identifier: Apache-2.0
"""The descriptors that a job has: open them again in another direction, change
what their other end sees, find more of them."""
import ctypes
import errno
import fcntl
import os
import stat
import struct

libc = ctypes.CDLL(None, use_errno=True)


def report(name, step):
    try:
        value = step()
    except OSError as error:
        print(f"attempt {name} blocked {errno.errorcode[error.errno]}",
              flush=True)
    else:
        print(f"attempt {name} done {value}", flush=True)


def call(nr, *args):
    rc = libc.syscall(nr, *args)
    if rc < 0:
        raise OSError(ctypes.get_errno(), "")
    return rc


for fd, name in enumerate(("stdin", "stdout", "stderr")):
    for flags, how in ((os.O_RDONLY, "read"), (os.O_WRONLY, "write"),
                       (os.O_RDWR, "both")):
        report(f"reopen-{name}-{how}",
               lambda: os.close(os.open(f"/proc/self/fd/{fd}",
                                        flags | os.O_NONBLOCK)))
    report(f"chmod-{name}", lambda: os.fchmod(fd, 0o666))
    report(f"chown-{name}", lambda: os.fchown(fd, os.getuid(), -1))
    # Signals to whom, leases, the size of the pipe beyond its limit.
    report(f"setown-{name}", lambda: fcntl.fcntl(fd, fcntl.F_SETOWN, 1))
    report(f"setsig-{name}", lambda: fcntl.fcntl(fd, 10, 9))
    report(f"setpipe-{name}", lambda: fcntl.fcntl(fd, 1031, 1 << 30))
report("result-pipe", lambda: os.fstat(3))
report("gate", lambda: os.fstat(4))
more = []
for fd in range(3, 4096):
    try:
        more.append((fd, stat.S_IFMT(os.fstat(fd).st_mode)))
    except OSError:
        pass
# What Python itself has open: nothing.
print("attempt more-fds", f"done {more}" if more else "blocked none")
# A seccomp listener that was left would answer to these.
answers = 0
for fd in range(0, 4096):
    buffer = ctypes.create_string_buffer(256)
    for command in (0xc0502100, 0xc0182101, 0x40082102, 0x40182103):
        answers += libc.ioctl(fd, ctypes.c_ulong(command), buffer) == 0
print("attempt listener-ioctl", "done" if answers else "blocked", answers)
allow = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0x7fff0000))
prog = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", 1,
                                               ctypes.addressof(allow)))
report("seccomp-listener", lambda: call(317, 1, 8, prog))
report("pidfd_getfd-self", lambda: call(438, os.pidfd_open(os.getpid()), 1, 0))
