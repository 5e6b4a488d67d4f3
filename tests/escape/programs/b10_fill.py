# SPDX-License-Identifier: Apache-2.0
"""B10: fill every memory that is a file, leave it, and end.

Each is filled until the kernel says no; the sizes go to the test.  The last
process goes without closing anything.
"""
import errno
import os
import sys

CHUNK = bytes(1 << 20)
most = int(sys.argv[1]) << 20


def fill(name, fd):
    total, why = 0, "enough"
    try:
        while total < most:
            total += os.write(fd, CHUNK)
    except OSError as error:
        why = errno.errorcode[error.errno]
    print(f"attempt fill-{name} done {total >> 20} {why}", flush=True)


for path in ("/dev/shm/fill", "/tmp/fill", "/work/fill"):
    fill(path.split("/")[-2], os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
fill("memfd", os.memfd_create("fill"))
os._exit(0)
