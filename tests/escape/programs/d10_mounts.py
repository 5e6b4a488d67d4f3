# SPDX-License-Identifier: Apache-2.0
"""D10: `d10_mounts.py COUNT COMMAND...` runs COMMAND in a mount namespace of
its own that has COUNT mounts more."""
import ctypes
import os
import sys

CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 1 << 18

libc = ctypes.CDLL(None, use_errno=True)


def mount(source, target, kind, flags):
    if libc.mount(source, target.encode(), kind, flags, None) != 0:
        raise OSError(ctypes.get_errno(), "mount", target)


count, command = int(sys.argv[1]), sys.argv[2:]
if libc.unshare(CLONE_NEWNS) != 0:
    raise OSError(ctypes.get_errno(), "unshare")
mount(None, "/", None, MS_REC | MS_PRIVATE)
place = "/mnt"  # only in here
mount(b"many", place, b"tmpfs", 0)
for i in range(count):
    target = f"{place}/{i}"
    os.mkdir(target)
    mount(b"many", target, b"tmpfs", 0)
os.execv(command[0], command)
