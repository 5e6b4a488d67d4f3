"""Tries to reach anything; says OPENED, CONNECTED or SENT if it could."""
import ctypes
import os
import socket

libc = ctypes.CDLL(None, use_errno=True)
SYS_SOCKET, SYS_IO_URING_SETUP = 41, 425


def attempt(name, family, kind, protocol=0, address=None):
    # The raw system call: no library in between.
    fd = libc.syscall(SYS_SOCKET, family, kind, protocol)
    if fd < 0:
        print(f"{name}: {os.strerror(ctypes.get_errno())}")
        return
    print(f"{name}: OPENED")
    try:
        with socket.socket(fileno=fd) as opened:
            opened.settimeout(2)
            opened.connect(address)
            print(f"{name}: CONNECTED")
    except (OSError, TypeError) as error:
        print(f"{name}: then {error}")


OUT = ("192.0.2.1", 80)
attempt("inet stream", socket.AF_INET, socket.SOCK_STREAM, 0, OUT)
attempt("inet datagram", socket.AF_INET, socket.SOCK_DGRAM, 0, ("192.0.2.1", 53))
attempt("loopback", socket.AF_INET, socket.SOCK_STREAM, 0, ("127.0.0.1", 22))
attempt("inet6", socket.AF_INET6, socket.SOCK_STREAM, 0, ("2001:db8::1", 80))
attempt("raw", socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP, ("192.0.2.1", 0))
attempt("mptcp", socket.AF_INET, socket.SOCK_STREAM, 262, OUT)
attempt("netlink", socket.AF_NETLINK, socket.SOCK_RAW, 0, (0, 0))
attempt("packet", socket.AF_PACKET, socket.SOCK_RAW, 0x0300)
attempt("vsock", 40, socket.SOCK_STREAM, 0, (2, 1024))
attempt("bluetooth", 31, socket.SOCK_RAW, 1)
attempt("alg", 38, socket.SOCK_SEQPACKET)
attempt("xdp", 44, socket.SOCK_RAW)
# The high half of a register must not hide the family.
attempt("disguised", ctypes.c_ulong(0x1_0000_0000 | socket.AF_INET), socket.SOCK_STREAM, 0, OUT)

# A UNIX socket of the host, if any is in reach.
for path in ("/run/docker.sock", "/var/run/docker.sock", "/run/systemd/private",
             "/run/dbus/system_bus_socket", "\0/tmp/.X11-unix/X0"):
    try:
        with socket.socket(socket.AF_UNIX) as unix:
            unix.connect(path)
            print(f"{path!r}: CONNECTED")
    except OSError as error:
        print(f"{path!r}: {error.strerror}")

parameters = ctypes.create_string_buffer(120)
ring = libc.syscall(SYS_IO_URING_SETUP, 8, parameters)
print("io_uring:", "OPENED" if ring >= 0 else os.strerror(ctypes.get_errno()))
try:
    socket.create_connection(("example.com", 80), timeout=2)
    print("by name: CONNECTED")
except OSError as error:
    print("by name:", error)
print("end")
