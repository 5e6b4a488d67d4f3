# SPDX-License-Identifier: Apache-2.0
"""E01: reach anything outside: services of the host's loopback, cloud
metadata, the local network, the internet, by TCP, UDP and names.

argv: TCP port and UDP port of services on the host's 127.0.0.1; a third word
leaves out everything but them, for where the packets would leave.
"""
import errno
import os
import socket
import sys

tcp, udp = int(sys.argv[1]), int(sys.argv[2])
V4, V6 = socket.AF_INET, socket.AF_INET6
TARGETS = {
    "loopback": (V4, "127.0.0.1", tcp),
    "loopback-other": (V4, "127.9.9.9", tcp),
    "any": (V4, "0.0.0.0", tcp),
    "loopback6": (V6, "::1", tcp),
    "mapped": (V6, "::ffff:127.0.0.1", tcp),
    "metadata": (V4, "169.254.169.254", 80),
    "metadata6": (V6, "fd00:ec2::254", 80),
    "linklocal6": (V6, "fe80::1", 80),
    "private": (V4, "10.0.0.1", 80),
    "bridge": (V4, "172.17.0.1", 80),
    "internet": (V4, "192.0.2.1", 443),
    "internet6": (V6, "2001:db8::1", 443),
}


def report(name, step):
    try:
        step()
    except socket.timeout:
        print(f"attempt {name} done sent-and-no-answer")
    except OSError as error:
        print(f"attempt {name} blocked",
              errno.errorcode.get(error.errno, "name-unknown"))
    else:
        print(f"attempt {name} done")


def connect(family, address, port):
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(3)
        sock.connect((address, port))


def send(family, address, port, broadcast=False):
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(3)
        if broadcast:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.sendto(b"hello", (address, port))


def echo(family, address, port):
    """Only an answer counts: UDP to an own closed port is sent, too."""
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(3)
        sock.connect((address, port))
        sock.send(b"hello")
        sock.recv(100)


is_local = len(sys.argv) > 3
for name, (family, address, port) in TARGETS.items():
    if name.startswith("loopback") or not is_local:
        report(f"tcp-{name}", lambda: connect(family, address, port))
report("udp-loopback", lambda: echo(V4, "127.0.0.1", udp))
if is_local:
    sys.exit()
report("udp-dns", lambda: send(V4, "192.0.2.53", 53))
report("udp-metadata", lambda: send(V4, "169.254.169.254", 80))
report("udp-broadcast", lambda: send(V4, "255.255.255.255", 9999, True))
report("udp-multicast", lambda: send(V4, "224.0.0.251", 5353))
report("udp-multicast6", lambda: send(V6, "ff02::1", 9999))
report("dns", lambda: socket.getaddrinfo("example.com", 443))
report("dns-localhost", lambda: socket.getaddrinfo("localhost", tcp))
names = {"lo"}
if os.path.exists("/proc/self/net/dev"):
    with open("/proc/self/net/dev") as lines:
        names = {line.split(":")[0].strip() for line in lines if ":" in line}
print("attempt interfaces", "blocked only-lo" if names <= {"lo"}
      else f"done {sorted(names)}")
