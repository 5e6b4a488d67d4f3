# SPDX-License-Identifier: Apache-2.0
"""Attacks that once worked: hostile programs inside a jail, and an API process
that was taken over and speaks to the supervisor's socket as it likes."""

import array
import contextlib
import os
import signal
import socket
import struct
import threading
import time
import uuid

import pytest

from fuse import Fuse
from promptcraft import SLOWNESS, fewer
from test_supervisor import (  # noqa: F401
    DONE, EXITED, HELLO, REFUSED, SUBMIT, Done, Supervisor, bundle, entry,
    SUBMIT_SIZE, head, pass_fds, post, supervisor, until)


def message(policy="strict", runtime="python", wall_ms=20000, memory=0,
            pids=0, cpu=0):
    fields = ((str(uuid.uuid4()), 40), (policy, 32), (runtime, 32),
              ("test", 64), ("", 40))
    text = b"".join(value.encode().ljust(size, b"\0")
                    for value, size in fields)
    return (head(SUBMIT, SUBMIT_SIZE) + text + struct.pack("<II", 0, 0) +
            struct.pack("<QQQIIII", wall_ms, memory, 0, pids, cpu, 0, 0))


def output(supervisor, code, **fields):  # noqa: F811
    """What a program prints, and how it ended."""
    with supervisor.connect() as sock:
        post(sock, message(**fields), bundle(code))
        pipes = supervisor.started(sock)
        with open(pipes[1], "rb") as stdout:
            text = stdout.read().decode()
        for pipe in (pipes[0], pipes[2], pipes[3]):
            os.close(pipe)
        return text, supervisor.done(sock)


# ---- a taken-over API process ----------------------------------------------


@contextlib.contextmanager
def flood(supervisor, count, step):  # noqa: F811
    """`count` connections that repeat step(sock) until the block ends."""
    stop = threading.Event()

    def work():
        while not stop.is_set():
            with contextlib.suppress(OSError, struct.error):
                with supervisor.connect() as sock:
                    step(sock)

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(0.5)
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def open_to_all(supervisor):  # noqa: F811
    for parent in [supervisor.dir, *supervisor.dir.parents][:3]:
        os.chmod(parent, os.stat(parent).st_mode | 0o011)


def connect_as(supervisor, uid):  # noqa: F811
    os.seteuid(uid)
    try:
        return supervisor.connect()
    finally:
        os.seteuid(0)


def children(supervisor):  # noqa: F811
    pid = supervisor.process.pid
    return open(f"/proc/{pid}/task/{pid}/children").read().split()


def slowest_hello(supervisor, seconds=4):  # noqa: F811
    worst, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        supervisor.hello()
        worst = max(worst, time.monotonic() - began)
        time.sleep(0.05)
    return worst


def best_of_three(measure, seconds):
    """Is one of three below it?  Else it is not the machine."""
    return any(measure() < seconds * SLOWNESS for _ in range(3))


def test_a_flood_of_large_bundles_leaves_time_for_others(
        supervisor):  # noqa: F811
    """Hashing them all stopped the clock of every job for half a minute."""
    large = b"PCB1" + bytes((16 << 20) - 4)

    def step(sock):
        post(sock, message(), large)
        supervisor.done(sock)

    with flood(supervisor, 16, step):
        assert best_of_three(lambda: slowest_hello(supervisor), 1.5)


def test_a_flood_of_refusals_leaves_time_for_others(
        supervisor):  # noqa: F811
    """One disk sync a turn, not one a refusal."""
    def step(sock):
        for _ in range(64):
            post(sock, message(policy="nope"), b"junk")
        for _ in range(64):
            assert supervisor.done(sock).outcome == REFUSED

    with flood(supervisor, 16, step):
        assert best_of_three(lambda: slowest_hello(supervisor), 2)


def lingering():
    """A TCP socket that takes 20 s to close, and what keeps it so."""
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    server.bind(("127.0.0.1", 0))
    server.listen(1)
    one = socket.socket()
    one.connect(server.getsockname())
    other = server.accept()[0]
    one.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            one.send(bytes(65536))
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                   struct.pack("ii", 1, 20))
    return one, (other, server)


HELLO_MESSAGE = head(HELLO, 16)
def begun(sock):
    """A job of which the bundle is to come."""
    sock.send(message()[:-8] + struct.pack("<II", 1000, 0))


# Ways to send a client's own fd, which is never taken.
PASSES = {
    "with a job": lambda sock, fd: pass_fds(sock, message(), [fd]),
    "with a bundle": lambda sock, fd: (begun(sock),
                                       pass_fds(sock, bytes(1000), [fd])),
    "in place of a bundle": lambda sock, fd: (begun(sock),
                                              pass_fds(sock, b"", [fd])),
    "with a dropped bundle": lambda sock, fd: (
        sock.send(message(policy="none")[:-8] + struct.pack("<II", 9, 0)),
        pass_fds(sock, bytes(9), [fd])),
    "where no fd belongs": lambda sock, fd: pass_fds(sock, HELLO_MESSAGE,
                                                     [fd]),
    "with an empty message": lambda sock, fd: pass_fds(sock, b"", [fd]),
    "among many": lambda sock, fd: pass_fds(sock, HELLO_MESSAGE,
                                            [0] * 252 + [fd]),
    "in the queue": lambda sock, fd: (sock.send(b"nonsense"),
                                      pass_fds(sock, HELLO_MESSAGE, [fd])),
}


@pytest.mark.parametrize("name", PASSES)
def test_closing_a_clients_socket_blocks_nobody(supervisor,  # noqa: F811
                                                name):
    """SO_LINGER lets close() wait; only in the last process that has it."""
    one, held = lingering()
    with supervisor.connect() as sock, contextlib.suppress(OSError):
        os.kill(supervisor.process.pid, signal.SIGSTOP)
        PASSES[name](sock, one.fileno())
        one.close()
    os.kill(supervisor.process.pid, signal.SIGCONT)
    assert slowest_hello(supervisor, 0.5) < 10 * SLOWNESS
    until(lambda: set(map(int, children(supervisor))) <=
          supervisor.standby_pids())
    for one in held:
        one.close()


@pytest.fixture
def fuse(tmp_path):
    with Fuse(tmp_path / "mnt") as one:
        yield one


@pytest.mark.parametrize("name", PASSES)
def test_a_clients_fuse_file_blocks_nobody(supervisor, fuse,  # noqa: F811
                                           name):
    """Its maker decides when close() returns, in every process that has it:
    so nobody ever has it."""
    fd = fuse.open()
    for _ in range(fewer(20, 3)):
        with supervisor.connect() as sock, contextlib.suppress(OSError):
            os.kill(supervisor.process.pid, signal.SIGSTOP)
            PASSES[name](sock, fd)
        os.kill(supervisor.process.pid, signal.SIGCONT)
        assert slowest_hello(supervisor, 0.01) < 10 * SLOWNESS
    os.close(fd)
    until(lambda: set(map(int, children(supervisor))) <=
          supervisor.standby_pids())
    assert fuse.blocked == set()


def test_a_dirty_fuse_file_blocks_no_more_than_some_children(
        supervisor, fuse):  # noqa: F811
    """With pages to be written even what nobody has blocks whoever lets it
    go: a child of the supervisor.  With some of them it takes no more
    connections, but goes on with those that it has."""
    open_to_all(supervisor)
    old = supervisor.connect()
    for number in range(60):
        fd = fuse.open(number)
        with connect_as(supervisor, 61234) as sock:
            sock.settimeout(0.5)
            os.kill(supervisor.process.pid, signal.SIGSTOP)
            pass_fds(sock, HELLO_MESSAGE, [fd])
            os.close(fd)
            fuse.soil(number)
            os.kill(supervisor.process.pid, signal.SIGCONT)
            with contextlib.suppress(OSError):
                sock.recv(512)
        began = time.monotonic()
        old.send(HELLO_MESSAGE)
        assert old.recv(512)
        assert time.monotonic() - began < 10 * SLOWNESS
    assert 30 <= len(children(supervisor)) <= 40
    assert "connections do not close" in supervisor.log_text()
    post(old, message(), bundle("pass"))
    assert supervisor.done(old).outcome == EXITED
    old.close()
    fuse.end()
    until(lambda: set(map(int, children(supervisor))) <=
          supervisor.standby_pids())
    assert slowest_hello(supervisor, 0.5) < 10 * SLOWNESS


def test_the_log_of_refusals_is_bounded(supervisor):  # noqa: F811
    """A client that is refused, or talks nonsense, as fast as it can."""
    before, began = len(supervisor.log_text()), time.monotonic()
    for _ in range(fewer(1000, 200)):
        with supervisor.connect() as sock:
            post(sock, message(policy="nope"), b"junk")
            assert supervisor.done(sock).outcome == REFUSED
            sock.send(b"nonsense")
            assert sock.recv(512) == b""
    text = supervisor.log_text()[before:]
    # 30 a minute; any length of time has parts of two minutes.
    most = 30 * (2 + (time.monotonic() - began) // 60)
    assert 20 <= text.count("job_refused") <= most < 500
    assert 20 <= text.count("peer_dropped") <= most


def test_stopping_waits_for_no_client(supervisor):  # noqa: F811
    one, held = lingering()
    os.kill(supervisor.process.pid, signal.SIGSTOP)
    with supervisor.connect() as sock:
        pass_fds(sock, HELLO_MESSAGE, [one.fileno()])
        one.close()
        supervisor.process.send_signal(signal.SIGTERM)
        os.kill(supervisor.process.pid, signal.SIGCONT)
        assert supervisor.process.wait(timeout=15) == 0
    for one in held:
        one.close()


COLLECTED = """
open("result", "wb").write(bytes(15 << 20))
"""


def test_results_that_a_client_keeps_take_nothing_from_the_next_job(
        supervisor):  # noqa: F811
    """Their memory stays charged to the slot that they come from."""
    kept = []
    job = (b"PCB1" + struct.pack("<I", 3) +
           entry(1, "", b"mode=run\0code=solution.py\0") +
           entry(2, "solution.py", COLLECTED.encode()) +
           entry(3, "result", b""))
    for _ in range(40):  # two in each slot
        with supervisor.connect() as sock:
            post(sock, message(policy="permissive"), job)
            kind = None
            while kind != DONE:
                raw, control, _, _ = sock.recvmsg(512, 512)
                kind = struct.unpack_from("<HH", raw)[1]
                for _, _, data in control:
                    fds = array.array("i")
                    fds.frombytes(data)
                    kept += fds
        assert Done(raw).outcome == EXITED
    for _ in range(20):
        assert output(supervisor, "print(1)", memory=24 << 20)[0] == "1\n"
    for fd in kept:
        os.close(fd)


def memory_of_jails(one):
    """Charged to all slots together, and to what is left of earlier ones."""
    for top in one.cgroups():
        for name in ("memory.usage_in_bytes", "memory.current"):
            if (top / name).exists():
                return int((top / name).read_text())
    raise AssertionError("no memory cgroup")


def keep_results(one, count):
    """Run as many jobs and let go of nothing that they bring back: files, and
    full pipes."""
    kept, outcomes = [], []
    code = COLLECTED + "import sys\nsys.stdout.write('x' * 65536)\n"
    job = (b"PCB1" + struct.pack("<I", 3) +
           entry(1, "", b"mode=run\0code=solution.py\0") +
           entry(2, "solution.py", code.encode()) + entry(3, "result", b""))
    for _ in range(count):
        with one.connect() as sock:
            post(sock, message(policy="permissive"), job)
            kind = None
            while kind != DONE:
                raw, control, _, _ = sock.recvmsg(512, 512)
                kind = struct.unpack_from("<HH", raw)[1]
                for _, _, data in control:
                    fds = array.array("i")
                    fds.frombytes(data)
                    kept += fds
        outcomes.append(Done(raw))
    return kept, outcomes


@pytest.mark.parametrize("most", [160 << 20, None])
def test_results_that_a_client_keeps_are_bounded(tmp_path, most):
    """No job is charged for them; all jails together are."""
    tmp_path.chmod(0o755)
    one = Supervisor(tmp_path, slots=4, options=(
        ["--memory-max", str(most)] if most else []))
    try:
        kept, outcomes = keep_results(one, 20)
        used = memory_of_jails(one)
        ran = sum(done.outcome == EXITED for done in outcomes)
        if most is None:
            assert used > 20 * (15 << 20) and ran == 20, (used, outcomes)
        else:
            assert used <= most and 5 < ran < 20, (used, outcomes)
        for fd in kept:
            os.close(fd)
        until(lambda: memory_of_jails(one) < 100 << 20)
        assert one.run("pass").outcome == EXITED
    finally:
        one.stop()


DENTRIES = """
import os, time
for name in "ab":
    if os.fork() == 0:
        break
end, count = time.time() + 12, 0
while time.time() < end:
    for _ in range(1000):
        os.path.exists(f"/usr/lib/{name}{count}{os.getpid()}")
        count += 1
"""


def test_a_job_that_leaves_a_million_dentries_holds_up_nobody(
        supervisor):  # noqa: F811
    """To empty its cgroup of them took seconds, in the one thread."""
    def worst_beside():
        worst, ended = [], threading.Event()

        def look():
            # Of its time only the end counts, and what comes after it.
            ended.wait(11)
            while not ended.is_set():
                worst.append(slowest_hello(supervisor, 0.5))
            worst.append(slowest_hello(supervisor, 3))

        thread = threading.Thread(target=look)
        thread.start()
        try:
            assert output(supervisor, DENTRIES,
                          policy="permissive")[1].outcome == EXITED
        finally:
            ended.set()
            thread.join()
        return max(worst)

    assert best_of_three(worst_beside, 0.6)


def test_an_ignored_sigchld_is_not_inherited(tmp_path):
    """The end of a child could not be seen: nothing would ever start."""
    tmp_path.chmod(0o755)
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        one = Supervisor(tmp_path)
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert one.run("pass").outcome == EXITED
    assert one.stop() == 0


SOCKETS = """
import os, socket, sys, time
def fill():
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(100)
    held = []
    try:
        while True:
            one = socket.create_connection(server.getsockname())
            held += [one, server.accept()[0]]
            for sock in held[-2:]:
                sock.setblocking(False)
                try:
                    while True:
                        sock.send(bytes(65536))
                except BlockingIOError:
                    pass
    except OSError:
        pass
    os.write(1, b"%d\\n" % len(held))
    time.sleep(600)
for _ in range(3):
    if os.fork() == 0:
        fill()
time.sleep(600)
"""
TRANSFER = """
import socket, threading
server = socket.create_server(("127.0.0.1", 0))
def serve():
    peer, total = server.accept()[0], 0
    while data := peer.recv(65536):
        total += len(data)
    print(total, flush=True)
thread = threading.Thread(target=serve)
thread.start()
with socket.create_connection(server.getsockname()) as sock:
    sock.sendall(bytes(8 << 20))
thread.join()
"""


def tcp_bytes():
    """What all TCP sockets of the host buffer, which tcp_mem is the limit of."""
    with open("/proc/net/sockstat") as file:
        line = next(line for line in file if line.startswith("TCP:"))
    return int(line.split()[-1]) * 4096


def socket_bytes(one):
    """Of a full one: cgroup v1 has a limit for them, and they do not grow."""
    is_v2 = (one.cgroups()[0] / "cgroup.controllers").exists()
    return (24 if is_v2 else 12) * 1024


def test_a_loopback_jail_leaves_the_hosts_tcp_alone(supervisor):  # noqa: F811
    """12,000 sockets buffered 68 KiB each, whatever the limit of the job."""
    before = tcp_bytes()
    with supervisor.connect() as sock:
        post(sock, message(policy="permissive", wall_ms=300000),
             bundle(SOCKETS))
        pipes = supervisor.started(sock)
        with open(pipes[1], "rb") as stdout:
            counts = [int(stdout.readline()) for _ in range(3)]
        assert sum(counts) > 10000, counts
        during, most = tcp_bytes(), sum(counts) * socket_bytes(supervisor)
    for fd in pipes[:1] + pipes[2:]:
        os.close(fd)
    if during - before >= most:  # another program's, if they stay now
        until(lambda: not supervisor.job_processes())
        time.sleep(1)
        assert during - tcp_bytes() < most


def test_a_loopback_jail_has_a_fast_loopback(supervisor):  # noqa: F811
    def seconds():
        began = time.monotonic()
        assert output(supervisor, TRANSFER, policy="permissive")[0] == \
            f"{8 << 20}\n"
        return time.monotonic() - began

    assert best_of_three(seconds, 5)


FILLER = """
import os, time
end, left, names = {end}, 400, 0
while {is_files} and left > 0 and time.time() < end:
    with open(f"/{{'work' if left > 200 else 'tmp'}}/{{left}}", "wb") as file:
        file.write(bytes(1 << 20))
    left -= 1
while not {is_files} and names < 60000 and time.time() < end:
    os.path.exists(f"/usr/lib/{{names}}{{end}}{{os.stat('/work').st_dev}}")
    names += 1
print(left, names, flush=True)
while time.time() < end:
    time.sleep(0.001)
"""


def longest_stall(supervisor, seconds):  # noqa: F811
    """Of a message that costs nothing, over a connection that is there."""
    worst, end = 0, time.monotonic() + seconds
    with supervisor.connect() as sock:
        while time.monotonic() < end:
            began = time.monotonic()
            sock.send(HELLO_MESSAGE)
            assert sock.recv(512)
            worst = max(worst, time.monotonic() - began)
            time.sleep(0.0005)
    return worst


@pytest.mark.parametrize("is_files", [True, False],
                         ids=["files", "dentries"])
def test_jobs_that_end_together_hold_up_nobody(supervisor,  # noqa: F811
                                               is_files):
    """Eight that fill 400 MiB of tmpfs each, or the cache of names: to empty
    their cgroups held the loop for 0.4 to 0.8 s each time."""
    stalls = []
    for _ in range(fewer(4, 2)):
        end = time.time() + 8 * SLOWNESS
        code = FILLER.format(end=end, is_files=is_files)
        socks = [supervisor.connect() for _ in range(8)]
        for sock in socks:
            post(sock, message(policy="permissive", wall_ms=120000),
                 bundle(code))
        pipes = [supervisor.started(sock) for sock in socks]
        time.sleep(max(0, end - time.time() - 0.3))
        stalls.append(longest_stall(supervisor, 3))
        for sock, fds in zip(socks, pipes):
            assert supervisor.done(sock).outcome == EXITED
            left, names = os.read(fds[1], 99).split()
            assert int(left) < 300 if is_files else int(names) > 5000
            sock.close()
            for fd in fds:
                os.close(fd)
        if min(stalls) < 0.2 * SLOWNESS:
            return  # what it needs itself; the rest is a machine under load
    assert not stalls, stalls
