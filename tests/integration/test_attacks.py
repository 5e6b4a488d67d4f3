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

from promptcraft import SLOWNESS
from test_supervisor import (  # noqa: F401
    DONE, EXITED, HELLO, REFUSED, SUBMIT, Done, Supervisor, bundle, entry,
    head, sealed, supervisor, until)


def message(policy="strict", runtime="python", wall_ms=20000, memory=0,
            pids=0, cpu=0):
    fields = ((str(uuid.uuid4()), 40), (policy, 32), (runtime, 32),
              ("test", 64), ("", 40))
    text = b"".join(value.encode().ljust(size, b"\0")
                    for value, size in fields)
    return (head(SUBMIT, 264, nfds=1) + text + struct.pack("<II", 0, 0) +
            struct.pack("<QQQII", wall_ms, memory, 0, pids, cpu))


def send(sock, data, fds=()):
    sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                           array.array("i", fds))] if fds else [])


def output(supervisor, code, **fields):  # noqa: F811
    """What a program prints, and how it ended."""
    fd = sealed(bundle(code))
    with supervisor.connect() as sock:
        send(sock, message(**fields), [fd])
        os.close(fd)
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


def slowest_hello(supervisor, seconds=4):  # noqa: F811
    worst, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        supervisor.hello()
        worst = max(worst, time.monotonic() - began)
        time.sleep(0.05)
    return worst


def test_a_flood_of_large_bundles_leaves_time_for_others(
        supervisor):  # noqa: F811
    """Hashing them all stopped the clock of every job for half a minute."""
    large = sealed(b"PCB1" + bytes((16 << 20) - 4))

    def step(sock):
        for _ in range(16):
            send(sock, message(), [large])
        for _ in range(16):
            supervisor.done(sock)

    with flood(supervisor, 16, step):
        assert slowest_hello(supervisor) < 5 * SLOWNESS
    os.close(large)


def test_a_flood_of_refusals_leaves_time_for_others(
        supervisor):  # noqa: F811
    """One disk sync a turn, not one a refusal."""
    junk = sealed(b"junk")

    def step(sock):
        for _ in range(64):
            send(sock, message(policy="nope"), [junk])
        for _ in range(64):
            assert supervisor.done(sock).outcome == REFUSED

    with flood(supervisor, 16, step):
        assert slowest_hello(supervisor) < 2 * SLOWNESS
    os.close(junk)


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
LINGERERS = {
    "as a bundle": lambda sock, fd: send(sock, message(), [fd]),
    "where no fd belongs": lambda sock, fd: send(sock, HELLO_MESSAGE, [fd]),
    "with an empty message": lambda sock, fd: send(sock, b"", [fd]),
    "among many": lambda sock, fd: send(sock, HELLO_MESSAGE,
                                        [0] * 252 + [fd]),
    "in the queue": lambda sock, fd: (send(sock, b"nonsense"),
                                      send(sock, HELLO_MESSAGE, [fd])),
}


@pytest.mark.parametrize("name", LINGERERS)
def test_closing_a_clients_socket_blocks_nobody(supervisor,  # noqa: F811
                                                name):
    """SO_LINGER lets close() wait; only in the last process that has it."""
    one, held = lingering()
    with supervisor.connect() as sock, contextlib.suppress(OSError):
        os.kill(supervisor.process.pid, signal.SIGSTOP)
        LINGERERS[name](sock, one.fileno())
        one.close()
    os.kill(supervisor.process.pid, signal.SIGCONT)
    assert slowest_hello(supervisor, 0.5) < 2 * SLOWNESS
    children = f"/proc/{supervisor.process.pid}/task/" \
               f"{supervisor.process.pid}/children"
    until(lambda: open(children).read() == "")
    for one in held:
        one.close()


def test_stopping_waits_for_no_client(supervisor):  # noqa: F811
    one, held = lingering()
    os.kill(supervisor.process.pid, signal.SIGSTOP)
    with supervisor.connect() as sock:
        send(sock, HELLO_MESSAGE, [one.fileno()])
        one.close()
        supervisor.process.send_signal(signal.SIGTERM)
        os.kill(supervisor.process.pid, signal.SIGCONT)
        assert supervisor.process.wait(timeout=5) == 0
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
        fd = sealed(job)
        with supervisor.connect() as sock:
            send(sock, message(policy="permissive"), [fd])
            os.close(fd)
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
    worst = []
    thread = threading.Thread(
        target=lambda: worst.append(slowest_hello(supervisor, 18)))
    thread.start()
    assert output(supervisor, DENTRIES, policy="permissive")[1].outcome == \
        EXITED
    thread.join()
    assert worst[0] < 0.6 * SLOWNESS


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
