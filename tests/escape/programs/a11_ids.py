# SPDX-License-Identifier: Apache-2.0
"""Take another id by every call there is, from two threads; then wait, so that
an observer outside can read what the kernel says of each task."""
import ctypes
import errno
import os
import signal
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)


def attempt(name, call):
    try:
        call()
        print(f"attempt {name} done ids={os.getresuid()}{os.getresgid()}")
    except OSError as error:
        print(f"attempt {name} blocked {errno.errorcode[error.errno]}")


def check(name, before, call):
    """For calls that report the old id only."""
    call()
    ids = [line for line in open("/proc/self/status").read().splitlines()
           if line.startswith(("Uid:", "Gid:"))]
    same = ids == before
    print(f"attempt {name} {'blocked' if same else 'done'} "
          f"{'unchanged' if same else ids}")


before = [line for line in open("/proc/self/status").read().splitlines()
          if line.startswith(("Uid:", "Gid:"))]
attempt("setuid", lambda: os.setuid(0))
attempt("setgid", lambda: os.setgid(0))
attempt("setreuid", lambda: os.setreuid(0, 0))
attempt("setregid", lambda: os.setregid(0, 0))
attempt("setresuid", lambda: os.setresuid(0, 0, 0))
attempt("setresgid", lambda: os.setresgid(0, 0, 0))
attempt("saved_uid", lambda: os.setresuid(-1, -1, 0))
attempt("saved_gid", lambda: os.setresgid(-1, -1, 0))
attempt("setgroups", lambda: os.setgroups([0]))
attempt("initgroups", lambda: os.initgroups("root", 0))
check("setfsuid", before, lambda: libc.setfsuid(0))
check("setfsgid", before, lambda: libc.setfsgid(0))


def raise_caps():
    head = (ctypes.c_uint32 * 2)(0x20080522, 0)
    data = (ctypes.c_uint32 * 6)(*[0xffffffff] * 6)
    if libc.capset(head, data) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def ambient():
    for cap in range(41):
        if libc.prctl(47, 2, cap, 0, 0) == 0:
            return
    raise OSError(ctypes.get_errno(), "ambient")


attempt("capset", raise_caps)
attempt("ambient", ambient)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
child = os.fork()
if child == 0:
    time.sleep(60)
    os._exit(0)
# The observer outside says when it has seen enough.
os.mkdir("/tmp/ready")
signal.sigtimedwait({signal.SIGUSR1}, 30)
os.kill(child, 9)
