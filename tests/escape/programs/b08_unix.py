# SPDX-License-Identifier: Apache-2.0
"""B08: Unix sockets of the host, by path and by abstract name.

argv: paths and @names of sockets that listen outside, each for streams, and
with a trailing + for datagrams.  Datagrams are sent from a socketpair, too,
which even a policy without socket() has: sendto() with an address does not
need connect().
"""
import errno
import os
import socket
import sys

KNOWN = ["/run/systemd/private", "/run/systemd/journal/socket", "/dev/log",
         "/run/dbus/system_bus_socket", "/var/run/docker.sock",
         "/run/containerd/containerd.sock",
         "/run/promptcraft/supervisor.sock", "@/tmp/.X11-unix/X0"]


def report(name, step):
    try:
        step()
    except OSError as error:
        print(f"attempt {name} blocked {errno.errorcode[error.errno]}")
    else:
        print(f"attempt {name} done")


def address(text):
    text = text.rstrip("+")
    return "\0" + text[1:] if text.startswith("@") else text


def connect(kind, target):
    with socket.socket(socket.AF_UNIX, kind) as sock:
        sock.settimeout(5)
        sock.connect(address(target))


def send(target):
    for one in socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM):
        # Binds it to an abstract name of its own when it sends.
        one.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        one.sendto(b"hello", address(target))
        one.close()


def number(index, target):
    given = len(sys.argv) - 1
    if index < given:
        return f"given{index}"
    return target


for index, target in enumerate(sys.argv[1:] + KNOWN):
    name = number(index, target)
    for kind in ("STREAM", "SEQPACKET"):
        report(f"{kind.lower()}-{name}",
               lambda: connect(getattr(socket, f"SOCK_{kind}"), target))
    report(f"sendto-{name}", lambda: send(target))
# It is not simply that nothing works: our own names do.
pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
report("own-pair", lambda: pair[0].send(b"x"))
