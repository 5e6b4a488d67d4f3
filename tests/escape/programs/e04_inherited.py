# SPDX-License-Identifier: Apache-2.0
"""E04: as e04_inherited.c, for the interpreter."""
import os
import socket
import stat

found = []
for fd in range(4096):
    try:
        if stat.S_ISSOCK(os.fstat(fd).st_mode):
            found.append(fd)
    except OSError:
        continue
sent = 0
for fd in found:
    try:
        socket.socket(fileno=os.dup(fd)).send(b"leak")
        sent += 1
    except OSError:
        pass
print("attempt send", "done" if sent else "blocked", sent)
print("attempt socket-fds", "done" if found else "blocked", len(found))
