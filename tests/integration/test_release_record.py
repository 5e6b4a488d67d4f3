# SPDX-License-Identifier: Apache-2.0
"""The supervisor's record of a release, over its own socket: it hashes by
itself what was shown, knows which policies it has loaded, writes one record,
and refuses everything else on record."""

import hashlib
import json
import os
import signal
import struct
import threading
import uuid

import pytest

from promptcraft import run_cli, whole_lines
from test_audit import fill, small_disk
from test_supervisor import (Supervisor, head, pass_fds, send_bytes,
                             supervisor, until)  # noqa: F401

RELEASE, REPLY, POLICY_GET = 12, 13, 3
SHOWN_MAX = 16 << 20
SHOWN = json.dumps({"code": "print(1)\n", "goal": "one"}).encode()
INVALID, NOT_FOUND, CONFLICT, LIMIT = 1, 3, 4, 6


def sha256(data):
    return hashlib.sha256(data).digest()


def policy_sha256(sup, name):
    for index in range(32):
        with sup.connect() as sock:
            sock.send(head(POLICY_GET, 24) + struct.pack("<II", index, 0))
            raw = sock.recv(512)
        if raw[16:48].rstrip(b"\0").decode() == name:
            return raw[176:208]
    raise AssertionError(f"no policy {name}")


def message(sup, workflow=None, policy="strict", policy_hash=None,
            shown=SHOWN, claimed=None, manifest=b"m", approvals=1, attempt=1,
            runtime="python", actor="ann", nfds=0):
    text = b"".join(value.encode().ljust(size, b"\0") for value, size in (
        (workflow or str(uuid.uuid4()), 40), (actor, 64), (policy, 32),
        (runtime, 32)))
    hashes = ((policy_hash or policy_sha256(sup, "strict")) +
              (claimed or sha256(shown)) + sha256(manifest))
    return (head(RELEASE, 304, nfds=nfds) + text + hashes +
            struct.pack("<QIIII", len(shown), 1, approvals, attempt,
                        len(shown)))


class Reply:
    def __init__(self, raw):
        assert struct.unpack_from("<HH", raw) == (1, REPLY)
        self.record, repeated = struct.unpack_from("<QI", raw, 56)
        self.is_repeated = bool(repeated)
        (self.kind,) = struct.unpack_from("<I", raw, 72)
        self.error = raw[80:].split(b"\0")[0].decode()

    def __repr__(self):
        return f"<Reply {self.record} {self.is_repeated} {self.error!r}>"


def send(sock, raw, shown=SHOWN):
    sock.send(raw)
    send_bytes(sock, shown)


def ask(sup, raw=None, **fields):
    with sup.connect() as sock:
        send(sock, raw or message(sup, **fields), fields.get("shown", SHOWN))
        return Reply(sock.recv(512))


def records(sup, kind):
    return [record for path in sorted((sup.state / "audit").glob("*.log"))
            for record in map(json.loads, whole_lines(path))
            if record["type"] == kind]


def assert_refused(sup, reply, kind, words):
    assert (reply.record, reply.kind) == (0, kind), reply
    assert words in reply.error, reply
    assert records(sup, "release") == []
    refusal = records(sup, "release_refused")[-1]
    assert refusal["error"] == reply.error
    return refusal


def test_a_release_is_recorded(supervisor):  # noqa: F811
    workflow = str(uuid.uuid4())
    reply = ask(supervisor, workflow=workflow, approvals=2)
    assert reply.record > 0 and not reply.is_repeated, reply
    [record] = records(supervisor, "release")
    assert record["seq"] == reply.record
    assert record["workflow"] == workflow
    assert record["shown_sha256"] == sha256(SHOWN).hex()
    assert record["manifest_sha256"] == sha256(b"m").hex()
    assert record["policy"] == "strict"
    assert record["policy_sha256"] == policy_sha256(supervisor, "strict").hex()
    assert (record["actor_claimed"], record["approvals_claimed"],
            record["attempt_claimed"]) == ("ann", 2, 1)
    done = json.loads(run_cli("audit", "verify", "--json", "--state-dir",
                              supervisor.state).stdout)
    assert done["intact"] and done["releases"] == 1


def test_g01_what_is_released_is_hashed_by_the_supervisor(supervisor):  # noqa
    """A client that claims the approved digest and sends something else."""
    reply = ask(supervisor, shown=SHOWN + b" ", claimed=sha256(SHOWN))
    refusal = assert_refused(supervisor, reply, CONFLICT, "digest differs")
    assert refusal["shown_sha256"] == sha256(SHOWN).hex()
    assert refusal["found_sha256"] == sha256(SHOWN + b" ").hex()


@pytest.mark.parametrize("fields,kind,words", [
    ({"policy_hash": bytes(32)}, CONFLICT, "not the one that was shown"),
    ({"policy": "standard"}, CONFLICT, "not the one that was shown"),
    ({"policy": "nowhere"}, NOT_FOUND, "no such policy"),
    ({"workflow": "../../etc"}, INVALID, "workflow: not a UUID"),
    ({"runtime": "py thon"}, INVALID, "runtime:"),
    ({"attempt": 0}, INVALID, "attempt"),
])
def test_refused(supervisor, fields, kind, words):  # noqa: F811
    assert_refused(supervisor, ask(supervisor, **fields), kind, words)


@pytest.mark.parametrize("size", [0, SHOWN_MAX + 1, 2**32 - 1])
def test_what_is_no_document(supervisor, size):  # noqa: F811
    """Not a byte of it is waited for."""
    with supervisor.connect() as sock:
        sock.send(message(supervisor)[:-4] + struct.pack("<I", size))
        reply = Reply(sock.recv(512))
    assert_refused(supervisor, reply, LIMIT, f"{size} bytes")


def test_a_file_in_place_of_bytes_drops_the_peer(supervisor):  # noqa: F811
    """Its maker could change it after it was hashed, or block who closes it."""
    fd = os.memfd_create("shown", os.MFD_ALLOW_SEALING)
    os.write(fd, SHOWN)
    with supervisor.connect() as sock:
        pass_fds(sock, message(supervisor), [fd])
        with pytest.raises(ConnectionResetError):
            sock.recv(512)
    os.close(fd)
    assert records(supervisor, "release") == []


def test_the_largest_document(supervisor):  # noqa: F811
    shown = b"x" * SHOWN_MAX
    assert ask(supervisor, shown=shown).record > 0
    shown += b"x"
    reply = ask(supervisor, shown=shown)
    assert (reply.record, reply.kind) == (0, LIMIT), reply


@pytest.mark.parametrize("raw", [
    lambda s: message(s)[:-1], lambda s: message(s) + b"\0",
    lambda s: message(s, nfds=1),
    lambda s: message(s)[:16] + b"x" * 40 + message(s)[56:],
    lambda s: head(REPLY, 272) + bytes(256),
], ids=["short", "long", "an fd", "no end", "reply"])
def test_nonsense_drops_the_peer(supervisor, raw):  # noqa: F811
    with supervisor.connect() as sock:
        try:
            sock.send(raw(supervisor))
            assert sock.recv(512) == b""
        except ConnectionError:
            pass
    assert supervisor.hello()["ready"] == 1
    assert records(supervisor, "release") == []


def test_a_replay_gets_the_record_that_is_there(supervisor):  # noqa: F811
    workflow = str(uuid.uuid4())
    first = ask(supervisor, workflow=workflow)
    again = ask(supervisor, workflow=workflow, attempt=2)
    assert (again.record, again.is_repeated) == (first.record, True)
    assert len(records(supervisor, "release")) == 1


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_replay_after_a_restart(supervisor, how):  # noqa: F811
    workflow = str(uuid.uuid4())
    first = ask(supervisor, workflow=workflow)
    supervisor.stop(how)
    supervisor.start()
    again = ask(supervisor, workflow=workflow, attempt=2)
    assert (again.record, again.is_repeated) == (first.record, True)
    assert len(records(supervisor, "release")) == 1


def test_a_replay_that_nobody_remembers_is_marked(supervisor):  # noqa: F811
    """Another file was begun since, and the supervisor restarted."""
    workflow = str(uuid.uuid4())
    ask(supervisor, workflow=workflow)
    supervisor.process.send_signal(signal.SIGHUP)
    until(lambda: len(records(supervisor, "log_open")) == 2)
    supervisor.stop(signal.SIGKILL)
    supervisor.start()
    again = ask(supervisor, workflow=workflow, attempt=2)
    assert again.record > 0 and not again.is_repeated
    first, second = records(supervisor, "release")
    assert (first["attempt_claimed"], second["attempt_claimed"]) == (1, 2)
    assert first["manifest_sha256"] == second["manifest_sha256"]


def test_another_release_of_the_same_workflow(supervisor):  # noqa: F811
    workflow = str(uuid.uuid4())
    assert ask(supervisor, workflow=workflow).record > 0
    for other in ({"manifest": b"n"}, {"shown": b"other"}):
        reply = ask(supervisor, workflow=workflow, **other)
        assert (reply.record, reply.kind) == (0, CONFLICT), reply
    assert len(records(supervisor, "release")) == 1
    assert len(records(supervisor, "release_refused")) == 2


def test_many_at_once_leave_one_record(supervisor):  # noqa: F811
    workflow = str(uuid.uuid4())
    replies = []
    raw = message(supervisor, workflow=workflow)
    threads = [threading.Thread(
        target=lambda: replies.append(ask(supervisor, raw=raw)))
        for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({reply.record for reply in replies}) == 1, replies
    assert sum(not reply.is_repeated for reply in replies) == 1
    assert len(records(supervisor, "release")) == 1


def test_refusals_do_not_flood_the_log(supervisor):  # noqa: F811
    for _ in range(100):
        ask(supervisor, policy="nowhere")
    assert len(records(supervisor, "release_refused")) == 30
    supervisor.stop()
    assert records(supervisor, "refusals")[-1]["count"] == 70


def test_strangers_are_turned_away(supervisor):  # noqa: F811
    raw = message(supervisor)
    for parent in [supervisor.dir, *supervisor.dir.parents][:3]:
        os.chmod(parent, os.stat(parent).st_mode | 0o011)
    os.chmod(supervisor.socket, 0o666)
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(61235, 61235, 61235)
            os.setresuid(61235, 61235, 61235)
            with supervisor.connect() as sock:
                send(sock, raw)
                os._exit(0 if sock.recv(512) else 1)
        except OSError:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    assert records(supervisor, "release") == []


def test_no_room_for_the_record(tmp_path):
    """On a full disk nothing is promised that is not written."""
    tmp_path.chmod(0o755)
    with small_disk(tmp_path) as disk:
        sup = Supervisor(tmp_path, state=disk)
        try:
            fill(disk / "fill")
            replies = [ask(sup) for _ in range(400)]
            assert replies[-1].record == 0, replies[-1]
            assert "no room" in replies[-1].error
            kept = sum(reply.record > 0 for reply in replies)
            assert len(records(sup, "release")) == kept
            (disk / "fill").unlink()
            assert ask(sup).record > 0
            assert len(records(sup, "release")) == kept + 1
        finally:
            sup.stop()
