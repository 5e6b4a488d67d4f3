# SPDX-License-Identifier: Apache-2.0
"""Somebody is not run for seconds, or two meet: nothing is lost, and nobody is
told what is not so."""

import contextlib
import os
import signal
import struct
import time

from promptcraft import SLOWNESS
from test_api_auth import Process, directory
from test_supervisor import (DONE, EXITED, HELLO, REFUSED, Done, Supervisor,
                             bundle, head, post, submit_message, supervisor,
                             until)

__all__ = ["directory", "supervisor"]


@contextlib.contextmanager
def stopped(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


# ---- the supervisor ----------------------------------------------------------

def test_what_ended_in_time_is_no_timeout(supervisor):
    """More jobs than one turn of its loop has events ended in time, and it
    wakes up when the time of all is over."""
    wall_s = 15 * SLOWNESS
    socks = [supervisor.submit("import sys\nsys.stdin.read()",
                               wall_ms=int(wall_s * 1000))
             for _ in range(supervisor.slots)]
    fds = [supervisor.started(sock) for sock in socks]
    last = time.monotonic()
    assert len(set(supervisor.job_processes())) >= 2 * len(socks)
    with stopped(supervisor.process.pid):
        for fd in sum(fds, []):
            os.close(fd)  # their stdin, too: they end
        until(lambda: len(set(supervisor.job_processes())) == len(socks))
        assert time.monotonic() < last + wall_s, "too slow to tell"
        time.sleep(last + wall_s + 0.5 - time.monotonic())
    done = [supervisor.done(sock) for sock in socks]
    assert [d.outcome for d in done] == [EXITED] * len(socks), done
    for sock in socks:
        sock.close()


def test_who_is_refused_hears_it_though_it_stops(supervisor):
    with supervisor.connect() as sock:
        sock.send(head(HELLO, 16))
        assert sock.recv(512)  # it knows the connection
        with stopped(supervisor.process.pid):
            post(sock, submit_message(policy="none"), bundle("pass"))
            supervisor.process.send_signal(signal.SIGTERM)
        raw = sock.recv(512)
        assert struct.unpack_from("<HH", raw)[1:] == (DONE,), raw
        assert Done(raw).outcome == REFUSED
    assert supervisor.stop() == 0


def test_the_socket_of_a_successor_stays(supervisor, tmp_path):
    """Another took over the path, with a state directory of its own, while
    this one was still about to stop."""
    before = supervisor.socket.stat().st_ino
    other = Supervisor(tmp_path, state=tmp_path / "other")
    try:
        # Till then it is the first that answers.
        until(lambda: supervisor.socket.exists()
              and supervisor.socket.stat().st_ino != before)
        other.hello()
        assert supervisor.stop() == 0
        assert other.run("pass").outcome == EXITED
    finally:
        other.stop()
    assert not other.socket.exists()
    supervisor.start()  # for the fixture


# ---- the API -----------------------------------------------------------------

def test_one_api_a_state_directory(directory):
    """It would take the first one's workflows for what a crash left."""
    one = Process(directory).start()
    client = one.wait_listening()
    two = Process(directory).start()
    try:
        assert two.process.wait(timeout=60 * SLOWNESS) == 1
        assert "another process uses" in two.text()
    finally:
        two.process.kill()
    assert client.get("/health").status < 500
    one.process.kill()
    one.process.wait()
    two.start().wait_listening()
    assert two.stop() == 0
