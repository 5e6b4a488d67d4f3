# SPDX-License-Identifier: Apache-2.0
"""Exchange a result file with a link, from four processes that do not stop,
so that one of them hits the moment between a check and a use."""
import ctypes
import os
import sys
import time

RENAME_EXCHANGE = 2
libc = ctypes.CDLL(None, use_errno=True)


def exchange(a, b):
    return libc.syscall(316, -100, a, -100, b, RENAME_EXCHANGE)


os.makedirs("dir")
for name in ("result", "dir/result"):
    with open(name, "w") as file:
        file.write("OWN")
os.symlink(sys.argv[1], "link")
os.symlink(os.path.dirname(sys.argv[1]), "linkdir")
can = exchange(b"result", b"link") == 0
print("exchange", can, flush=True)
for racer in range(4):
    if os.fork() == 0:
        os.setsid()
        while True:
            if can:
                exchange(b"result", b"link")
                exchange(b"dir", b"linkdir")
            else:
                os.rename("result", "x")
                os.rename("link", "result")
                os.rename("result", "link")
                os.rename("x", "result")
time.sleep(0.02 + os.getpid() % 7 / 100)
os._exit(0)
