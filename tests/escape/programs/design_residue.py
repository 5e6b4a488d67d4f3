# SPDX-License-Identifier: Apache-2.0
"""One slot, one job after the other: `leave` leaves something of every kind
that outlives a process somewhere, `scan` looks for it."""
import ctypes
import fcntl
import os
import socket
import sys

NAME = "promptcraft-residue"
libc = ctypes.CDLL(None, use_errno=True)


def quietly(step):
    try:
        return step()
    except OSError as error:
        return error


def leave():
    for place in ("/work", "/tmp", "/dev/shm"):
        if not os.access(place, os.W_OK):
            continue  # where there is no jail
        os.makedirs(f"{place}/{NAME}/deep")
        with open(f"{place}/{NAME}/file", "w") as file:
            file.write("secret")
    os.mkfifo(f"/tmp/{NAME}-fifo")
    fd = os.open("/usr/bin/true", os.O_RDONLY)
    quietly(lambda: fcntl.flock(fd, fcntl.LOCK_EX))
    held = [fd, os.memfd_create(NAME)]
    for family, address in ((socket.AF_UNIX, f"\0{NAME}"),
                            (socket.AF_UNIX, f"/tmp/{NAME}-socket"),
                            (socket.AF_INET, ("127.0.0.1", 47100)),
                            (socket.AF_INET6, ("::1", 47100))):
        sock = quietly(lambda: socket.socket(family))
        if not isinstance(sock, OSError):
            quietly(lambda: sock.bind(address))
            quietly(lambda: sock.listen())
            held.append(sock)
            if family == socket.AF_INET:  # traffic for lo's counters
                client = quietly(lambda: socket.create_connection(address))
                if isinstance(client, OSError):
                    continue  # where there is no jail, it may be another's
                client.setblocking(False)  # a jail's buffers are small
                client.send(bytes(100000))
                held.append(client)
    libc.syscall(248, b"user", NAME.encode(), b"secret", 6, -4)  # add_key
    libc.shmget(0x50434a31, 4096, 0o1666)
    os.nice(10)
    os.umask(0o777)
    for _ in range(3):  # memory, processes, time
        if os.fork() == 0:
            os.setsid()
            os.closerange(0, 3)
            while True:
                sum(range(10000))
    bytearray(100 << 20)
    print("attempt leave done", len(held), flush=True)
    os._exit(0)


def say(name, found):
    print(f"attempt {name}", f"done {found}" if found else "blocked clean")


def lines(path):
    with open(path) as file:
        return [line for line in file.read().splitlines() if line]


def scan():
    for place in filter(os.path.isdir, ("/work", "/tmp", "/dev/shm")):
        say(f"files-{place}", [name for name in os.listdir(place)
                               if name != os.path.basename(sys.argv[0])])
    fd = os.open("/usr/bin/true", os.O_RDONLY)
    say("lock", isinstance(quietly(
        lambda: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)),
        BlockingIOError))
    pids = {int(name) for name in os.listdir("/proc") if name.isdigit()}
    say("processes", pids - {os.getpid(), os.getppid()})
    say("pid", os.getpid() > 10 and os.getpid())
    say("shm", libc.shmget(0x50434a31, 0, 0) >= 0)
    say("nice", os.nice(0))
    say("umask", os.umask(0o22) != 0o22)
    say("environment", [n for n in os.environ if NAME in os.environ[n]])
    for table in ("unix", "tcp", "tcp6", "udp"):
        path = f"/proc/self/net/{table}"
        found = lines(path)[1:] if os.path.exists(path) else []
        # The supervisor looks at the namespace through one without a name.
        if table == "unix" and len(found) == 1 and len(found[0].split()) == 7:
            found = []
        say(f"net-{table}", found)
    if os.path.exists("/proc/self/net/dev"):
        counters = [sum(map(int, line.split(":")[1].split()))
                    for line in lines("/proc/self/net/dev")[2:]]
        say("lo-counters", any(counters) and counters)
    for family, address in ((socket.AF_UNIX, f"\0{NAME}"),
                            (socket.AF_INET, ("127.0.0.1", 47100))):
        sock = quietly(lambda: socket.socket(family))
        name = f"bind-{family.name}"
        say(name, not isinstance(sock, OSError) and isinstance(
            quietly(lambda: sock.bind(address)), OSError))


leave() if sys.argv[1] == "leave" else scan()
