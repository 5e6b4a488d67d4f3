# SPDX-License-Identifier: Apache-2.0
# security_level: permissive; network: true; privileged: true
"""Use what only a looser policy would give."""
import errno
import os
import socket


def attempt(name, call):
    try:
        print(f"attempt {name} done {call()}")
    except (OSError, MemoryError) as error:
        number = getattr(error, "errno", None) or errno.ENOMEM
        print(f"attempt {name} blocked {errno.errorcode[number]}")


def connect():
    one = socket.socket()
    one.connect(("127.0.0.1", 22))
    return "connected"


attempt("inet", lambda: socket.socket(socket.AF_INET))
attempt("connect", connect)
attempt("unix", lambda: socket.socket(socket.AF_UNIX))
attempt("host_file", lambda: open("/etc/passwd").read(10))
attempt("home", lambda: os.listdir("/root"))
attempt("write_usr", lambda: open("/usr/bin/x", "w"))
print(f"attempt environment {'done' if 'EVIL' in os.environ else 'blocked'} "
      f"{len(os.environ)}")
