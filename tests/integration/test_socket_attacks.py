# SPDX-License-Identifier: Apache-2.0
"""A client that was taken over, against the socket and the slots: bundles that
never end, connections that go in every state, storms of requests.  After each
the supervisor answers at once, and has every slot, fd and process back."""

import array
import contextlib
import os
import resource
import select
import socket
import struct
import threading
import time
import uuid
from pathlib import Path

import pytest

from promptcraft import SLOWNESS
from test_attacks import HELLO_MESSAGE, begun, connect_as, open_to_all
from test_supervisor import (  # noqa: F401
    CHUNK, DONE, EXITED, KILL, KILLED, REFUSED, Done, bundle, head, post,
    send_bytes, submit_message, supervisor, until)

SLEEP = bundle("import time; time.sleep(60)")


def fds_of(one):
    return len(os.listdir(f"/proc/{one.process.pid}/fd"))


def rss_of(one):
    text = Path(f"/proc/{one.process.pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) << 10


def longest_stall(one, seconds):
    """Of a message that costs nothing, over a connection that is there."""
    worst, end = 0, time.monotonic() + seconds
    with one.connect() as sock:
        while time.monotonic() < end:
            began = time.monotonic()
            sock.send(HELLO_MESSAGE)
            assert sock.recv(512)
            worst = max(worst, time.monotonic() - began)
            time.sleep(0.0005)
    return worst


def kill_message(job_id, reason=5):
    return (head(KILL, 64) + job_id.encode().ljust(40, b"\0") +
            struct.pack("<II", reason, 0))


@pytest.fixture
def target(supervisor):  # noqa: F811
    """The supervisor, which must be as it was when the test is over."""
    assert supervisor.run("pass").outcome == EXITED
    until(lambda: not supervisor.job_processes() and supervisor.standby_pids())
    before = fds_of(supervisor)
    yield supervisor
    until(lambda: supervisor.hello()["free"] == supervisor.slots, seconds=60)
    until(lambda: not supervisor.job_processes(), seconds=60)
    assert supervisor.run("pass").outcome == EXITED
    until(lambda: fds_of(supervisor) <= before + 2)
    assert longest_stall(supervisor, 0.3) < 10 * SLOWNESS
    assert supervisor.run("pass").outcome == EXITED


def test_bundles_that_never_end_hold_slots_only(target):
    """As many as there are slots; then requests are refused, not queued."""
    socks = [target.connect() for _ in range(30)]
    for sock in socks:
        begun(sock)
        sock.send(b"x")
    until(lambda: len(select.select(socks, [], [], 0)[0]) >=
          30 - target.slots)
    refused = [sock for sock in socks if is_readable(sock)]
    assert len(refused) == 30 - target.slots
    for sock in refused:
        done = target.done(sock)
        assert done.outcome == REFUSED and "slots are in use" in done.error
    assert target.run("pass").outcome == REFUSED
    for sock in socks:
        sock.close()


def is_readable(sock):
    sock.setblocking(False)
    try:
        deadline = time.monotonic() + 0.2
        while time.monotonic() < deadline:
            with contextlib.suppress(BlockingIOError):
                return bool(sock.recv(1, socket.MSG_PEEK))
            time.sleep(0.005)
        return False
    finally:
        sock.settimeout(60 * SLOWNESS)


def test_a_bundle_has_a_deadline(target):
    began = time.monotonic()
    with target.connect() as sock:
        begun(sock)
        sock.settimeout(60 * SLOWNESS)
        sock.send(b"x")
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(512) == b""
    assert 25 < time.monotonic() - began < 40 * SLOWNESS
    assert "did not come in time" in target.log_text()


def test_what_is_dropped_is_kept_nowhere(target):
    """A refused job may announce 4 GiB; its bytes cost time, no memory."""
    before = rss_of(target)
    with target.connect() as sock, target.connect() as other:
        sock.send(submit_message(policy="none")[:-8] +
                  struct.pack("<II", 2**32 - 1, 0))
        for _ in range(2000):
            sock.send(bytes(CHUNK))
        other.send(HELLO_MESSAGE)
        assert other.recv(512)
        assert target.done(sock).outcome == REFUSED
    assert rss_of(target) < before + (8 << 20)


def test_an_empty_message_in_a_bundle_is_the_end(target):
    with target.connect() as sock:
        begun(sock)
        sock.send(b"")
        assert sock.recv(512) == b""


def test_a_kill_in_a_bundle_is_bytes_of_it(target):
    job_id, data = str(uuid.uuid4()), bundle("pass")
    with target.connect() as one, target.connect() as two:
        post(one, submit_message(job_id=job_id), SLEEP)
        target.started(one)
        message = kill_message(job_id)
        two.send(submit_message()[:-8] + struct.pack(
            "<II", len(data) + len(message), 0))
        two.send(message)
        send_bytes(two, data)
        assert target.done(two).outcome == REFUSED  # no bundle
        assert len(target.job_processes()) >= 2
        one.send(message)
        assert target.done(one).outcome == KILLED


def close_fds(control):
    for _, _, data in control:
        fds = array.array("i")
        fds.frombytes(data)
        for fd in fds:
            os.close(fd)


def test_two_with_one_id(target):
    """Both were taken; the second whose bundle is here is refused.  Which one
    that is the supervisor says: it may come to any of them first."""
    job_id = str(uuid.uuid4())
    socks = [target.connect() for _ in range(5)]
    for sock in socks:
        sock.send(submit_message(job_id=job_id)[:-8] +
                  struct.pack("<II", len(SLEEP), 0))
    for sock in socks:
        sock.send(SLEEP)
    refused = []
    for sock in socks:
        raw, control, _, _ = sock.recvmsg(512, 512)
        close_fds(control)
        if struct.unpack_from("<HH", raw)[1] == DONE:
            refused.append(Done(raw))
    assert [(done.outcome, "job_id" in done.error) for done in refused] == [
        (REFUSED, True)] * 4
    for sock in socks:
        sock.close()


def test_bundles_side_by_side_do_not_mix(target):
    datas = [bundle(f"import sys; sys.exit({i})" + " " * 300)
             for i in range(1, 9)]
    socks = [target.connect() for _ in datas]
    for sock, data in zip(socks, datas):
        sock.send(submit_message()[:-8] + struct.pack("<II", len(data), 0))
    for at in range(max(map(len, datas))):
        for sock, data in zip(socks, datas):
            if at < len(data):
                sock.send(data[at:at + 1])
    for number, sock in enumerate(socks, 1):
        done = target.done(sock)
        assert (done.outcome, done.exit_code) == (EXITED, number)
        sock.close()


@pytest.mark.parametrize("half", [False, True], ids=["close", "shutdown"])
def test_connections_that_go_in_every_state(target, half):
    """After n milliseconds: in the bundle, the clone, the gate, the run."""
    held = []
    for number in range(60):
        sock = target.connect()
        with contextlib.suppress(OSError):
            post(sock, submit_message(), SLEEP)
            time.sleep(number / 1000)
            if half:
                sock.shutdown(socket.SHUT_WR)
                held.append(sock)
                continue
        sock.close()
    until(lambda: target.hello()["free"] == target.slots, seconds=60)
    for sock in held:
        sock.close()


def test_a_storm_of_kills(target):
    """Before, while and after the job runs; of its own and of others."""
    job_id = str(uuid.uuid4())
    with target.connect() as sock, target.connect() as other:
        for _ in range(500):
            sock.send(kill_message(job_id))
        post(sock, submit_message(job_id=job_id), SLEEP)
        for _ in range(500):
            other.send(kill_message(job_id))
        target.started(sock)
        for _ in range(2000):
            sock.send(kill_message(job_id, 2 + 3 * (os.urandom(1)[0] & 1)))
        assert target.done(sock).outcome == KILLED
        for _ in range(500):
            sock.send(kill_message(job_id))
        post(sock, submit_message(job_id=job_id), bundle("pass"))
        assert target.done(sock).outcome == EXITED


def test_ten_thousand_connections(target):
    """As fast as they come, from four threads, some with a word left in."""
    def work():
        for number in range(2500):
            with contextlib.suppress(OSError):
                with target.connect() as sock:
                    if number % 3 == 0:
                        sock.send(HELLO_MESSAGE)
                    elif number % 7 == 0:
                        begun(sock)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    with contextlib.suppress(OSError):
        assert longest_stall(target, 2) < 10 * SLOWNESS
    for thread in threads:
        thread.join()


@contextlib.contextmanager
def own_open_files(count):
    """A login shell's limit is often 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(count, soft), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_more_connections_than_it_takes(target):
    """The client's share is full; root's is not."""
    open_to_all(target)
    with own_open_files(2048), contextlib.ExitStack() as socks:
        for _ in range(1040):
            socks.enter_context(connect_as(target, 61234))
        assert target.hello()["ready"] == 1
        assert target.run("pass").outcome == EXITED


def test_another_user_stays_one(target):
    """Whoever connects is known by what it was when it connected."""
    open_to_all(target)
    os.chmod(target.socket, 0o666)
    with connect_as(target, 61235) as sock, \
            contextlib.suppress(ConnectionError):
        sock.send(HELLO_MESSAGE)  # as root by now
        assert sock.recv(512) == b""


def test_a_client_that_reads_no_answer_holds_no_slot(target):
    with target.connect() as sock:
        sock.setblocking(False)
        with contextlib.suppress(OSError):
            for _ in range(4000):
                sock.send(HELLO_MESSAGE)
        with contextlib.suppress(OSError):
            begun(sock)
        until(lambda: target.hello()["free"] == target.slots)
    assert target.run("pass").outcome == EXITED
