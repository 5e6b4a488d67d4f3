# SPDX-License-Identifier: Apache-2.0
"""E01, the other side: servers and clients among the jail's own processes."""
import errno
import socket


def report(name, step):
    try:
        print(f"attempt {name}", "done" if step() == b"x" else "blocked -")
    except OSError as error:
        print(f"attempt {name} blocked {errno.errorcode[error.errno]}")


def talk(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as server:
        server.bind(address)
        server.listen()
        with socket.socket(family, socket.SOCK_STREAM) as client:
            client.connect(server.getsockname())
            other = server.accept()[0]
            client.send(b"x")
            return other.recv(1)


def pair():
    one, other = socket.socketpair()
    one.send(b"x")
    return other.recv(1)


report("socketpair", pair)
report("unix-path", lambda: talk(socket.AF_UNIX, "/tmp/socket"))
report("unix-abstract", lambda: talk(socket.AF_UNIX, "\0own"))
report("tcp", lambda: talk(socket.AF_INET, ("127.0.0.1", 0)))
report("tcp6", lambda: talk(socket.AF_INET6, ("::1", 0)))
