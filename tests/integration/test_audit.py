# SPDX-License-Identifier: Apache-2.0
"""The audit log: what it says of a job, what a crash leaves of it, what a full
disk does; and that `promptcraft audit verify` finds each way of changing it."""

import contextlib
import hashlib
import json
import shutil
import signal
import subprocess
import threading
import time
import uuid
from pathlib import Path

import pytest

from promptcraft import (BUILD, CLI, SLOWNESS, Stack, fewer, make_directory,
                         run_stack, unmount, wait_for)
from test_supervisor import EXITED, REFUSED, Supervisor, run_sleepers

SOCKET = "import socket\ntry:\n    socket.socket(40, 1)\nexcept OSError: pass\n"


DENIALS = ("import ctypes\nlibc = ctypes.CDLL(None)\n"
           "for i in range(16):\n    libc.unshare(0x10000000 + i)\n")


def verify(state, *options):
    return subprocess.run([CLI, "audit", "verify", "--state-dir", state,
                           *options], capture_output=True, text=True,
                          timeout=60 * SLOWNESS)


def must_verify(state, *options):
    done = verify(state, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(verify(state, "--json", *options).stdout)


def log_files(state):
    return sorted((state / "audit").glob("audit.*.log"))


def lines_of(path):
    return path.read_bytes().splitlines(keepends=True)


def records(state):
    """Those that are written to their end."""
    return [json.loads(line) for path in log_files(state)
            for line in lines_of(path) if line.endswith(b"\n")]


def of_type(state, kind):
    return [r for r in records(state) if r["type"] == kind]


@pytest.fixture
def place(tmp_path):
    tmp_path.chmod(0o755)
    return tmp_path


@contextlib.contextmanager
def running(*args, **kwargs):
    one = Supervisor(*args, **kwargs)
    try:
        yield one
    finally:
        one.stop()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A stopped supervisor's state: jobs, a refusal, three files."""
    place = tmp_path_factory.mktemp("audit")
    place.chmod(0o755)
    with running(place) as one:
        for _ in range(3):
            one.run(SOCKET)
        rotate(one)
        assert one.run("pass", policy="none").outcome == REFUSED
        for _ in range(2):
            one.run("pass")
        rotate(one)
        one.run("pass")
    assert len(log_files(one.state)) == 3
    must_verify(one.state)
    return one.state


@pytest.fixture
def state(whole, tmp_path):
    """A copy to be changed; its boot and head are as the original's."""
    shutil.copytree(whole, tmp_path / "state")
    return tmp_path / "state"


def rotate(one):
    before = len(log_files(one.state))
    one.process.send_signal(signal.SIGHUP)
    wait_for(lambda: len(log_files(one.state)), lambda n: n > before)


# ---- what it says ----------------------------------------------------------

def test_a_job_leaves_its_begin_and_all_of_its_end(place):
    job = str(uuid.uuid4())
    with running(place) as one:
        one.run(SOCKET + SOCKET, job_id=job, workflow="wf-1")
        begin, end = [r for r in records(one.state) if r.get("job_id") == job]
        assert (begin["type"], end["type"]) == ("job_begin", "job")
        for record in (begin, end):
            assert record["actor_claimed"] == "test"
            assert record["workflow"] == "wf-1"
            assert record["peer_uid"] == 0
            assert record["policy"] == "strict"
            for key in ("policy_sha256", "bpf_sha256", "runtime_sha256",
                        "bundle_sha256"):
                assert len(record[key]) == 64
            assert record["limits"]["wall_ms"] == 20000
        assert (end["outcome"], end["reason"]) == ("exited", "denied")
        assert end["posture"] == "passed"
        assert end["usage"]["wall_us"] > 0
        denials = end["denials"]
        assert (denials["total"], denials["calls"]) == (2, {"socket": 2})
        call, = denials["first"]
        assert call["call"] == ("socket(AF_VSOCK, SOCK_STREAM|SOCK_CLOEXEC, "
                                "0)")
        assert (call["args"][0], call["count"]) == ("0x28", 2)
        shown = subprocess.run([CLI, "audit", "show", "--state-dir", one.state,
                                job], capture_output=True, text=True)
        assert shown.returncode == 0
        assert "AF_VSOCK" in shown.stdout and "job_begin" in shown.stdout
        tail = subprocess.run([CLI, "audit", "tail", "--state-dir", one.state,
                               "-n", "1"], capture_output=True, text=True)
        assert job in tail.stdout and tail.stdout.count("\n") == 1
    kinds = [r["type"] for r in records(one.state)]
    assert kinds == ["log_open", "supervisor_start", "job_begin", "job",
                     "supervisor_stop"]


def test_a_flood_of_denials_is_counted_to_the_last(place):
    code = ("import ctypes\nlibc = ctypes.CDLL(None)\n"
            "for i in range(3000):\n    libc.unshare(0x10000000 + i % 300)\n")
    with running(place) as one:
        one.run(code)
        end, = of_type(one.state, "job")
        assert end["denials"]["total"] == 3000
        assert end["denials"]["calls"] == {"unshare": 3000}
        assert len(end["denials"]["first"]) == 16
        assert all(d["call"].startswith("unshare(CLONE_NEWUSER")
                   for d in end["denials"]["first"])
        must_verify(one.state)


def test_refusals_are_told_and_then_counted(place):
    with running(place) as one:
        for _ in range(80):
            one.submit("pass", policy="none").close()
        wait_for(lambda: len(of_type(one.state, "refusal")),
                 lambda n: n == 30)
        assert one.run("pass").outcome == EXITED
        assert one.run("pass", policy="none").outcome == REFUSED
        assert len(of_type(one.state, "refusal")) == 30
    summary, = of_type(one.state, "refusals")
    assert (summary["peer_uid"], summary["count"]) == (0, 51)
    assert summary["kinds"] == {"not_found": 51}
    assert must_verify(one.state)["refusals"] == 81


def test_a_huge_request_does_not_spoil_the_log(place):
    """A refused one is recorded as it was asked."""
    with running(place) as one:
        assert one.run("pass", policy="none",
                       wall_ms=2**64 - 1).outcome == REFUSED
    refusal, = of_type(one.state, "refusal")
    assert refusal["limits"]["wall_ms"] == 2**63 - 1
    must_verify(one.state)


def test_tail_follows_over_files(place):
    with running(place) as one:
        tail = subprocess.Popen([CLI, "audit", "tail", "-f", "-n", "2",
                                 "--json", "--state-dir", one.state],
                                stdout=subprocess.PIPE, text=True)
        try:
            seen = [json.loads(tail.stdout.readline()) for _ in range(2)]
            one.run("pass")
            rotate(one)
            one.run("pass")
            seen += [json.loads(tail.stdout.readline()) for _ in range(5)]
        finally:
            tail.kill()
            tail.communicate()
    assert [r["seq"] for r in seen] == [1, 2, 3, 4, 5, 6, 7]
    assert seen[4]["type"] == "log_open"


def follow(state):
    return subprocess.Popen(["timeout", str(60 * SLOWNESS), CLI, "audit",
                             "tail", "-f", "-n", "100", "--json",
                             "--state-dir", state], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def seqs(tail, count):
    return [json.loads(tail.stdout.readline())["seq"] for _ in range(count)]


def test_tail_follows_when_older_files_are_moved_away(state, tmp_path):
    files = log_files(state)
    last = len(records(state))
    moved = tmp_path / "moved"
    moved.mkdir()
    newest = moved / files[2].name
    files[2].rename(newest)
    before = len(records(state))
    tail = follow(state)
    try:
        assert seqs(tail, before) == list(range(1, before + 1))
        files[0].rename(moved / files[0].name)
        time.sleep(1 * SLOWNESS)  # it looks five times a second
        newest.rename(files[2])  # the next file
        assert seqs(tail, last - before) == list(range(before + 1, last + 1))
    finally:
        tail.terminate()
        tail.communicate()


def test_tail_follows_when_a_torn_line_is_set_aside(place):
    """What a killed supervisor did not finish is cut off at the next start."""
    with running(place) as one:
        one.run("pass")
    before = len(records(one.state))
    with log_files(one.state)[-1].open("ab") as file:
        file.write(b'{"seq":%d,"time":"2001-' % (before + 1))
    tail = follow(one.state)
    try:
        assert seqs(tail, before) == list(range(1, before + 1))
        time.sleep(1 * SLOWNESS)  # it has seen that, too
        one.start()
        assert one.run("pass").outcome == EXITED
        one.stop()
        more = records(one.state)[before:]
        assert len(more) >= 4
        assert [json.loads(tail.stdout.readline()) for _ in more] == more
    finally:
        tail.terminate()
        tail.communicate()


# ---- files -------------------------------------------------------------------

def test_files_by_size_keep_the_chain_and_the_jobs_under_way(place):
    with running(place, options=["--audit-max-bytes", "65536"]) as one:
        sock, = run_sleepers(one, 1)
        for _ in range(200):  # a job's records are about 2 KiB
            if len(log_files(one.state)) >= 3:
                break
            one.run("pass")
        assert len(log_files(one.state)) >= 3
        assert all(path.stat().st_size < 65536 + 16384
                   for path in log_files(one.state))
        opened = of_type(one.state, "log_open")
        assert [r["file"] for r in opened] == \
            list(range(1, len(opened) + 1))
        assert opened[1]["previous_file"] == "audit.000001.log"
        sleeper = of_type(one.state, "job_begin")[0]["job_id"]
        assert all(sleeper in r["open"] for r in opened[1:])
        report = must_verify(one.state)
        assert (report["files"], report["open"]) == (len(opened), 1)
        one.stop(signal.SIGKILL)
        one.start()
        assert of_type(one.state, "supervisor_start")[-1]["lost"] == \
            [sleeper]
        sock.close()
        # An administrator moved the first one away.
        log_files(one.state)[0].rename(place / "elsewhere")
        assert verify(one.state).returncode == 1
        must_verify(one.state, "--first-file", "2")


def test_what_was_asked_for_by_signal_happens_once(place):
    with running(place) as one:
        rotate(one)
        one.process.send_signal(signal.SIGHUP)  # nothing in it yet: nothing
        one.hello()
        one.run("pass")
        rotate(one)
        assert len(log_files(one.state)) == 3
    must_verify(one.state)


def test_verify_beside_a_busy_supervisor(place):
    """What is just being written is not taken for damage."""
    with running(place, options=["--audit-max-bytes", "65536"]) as one:
        ends = threading.Event()

        def work():
            while not ends.is_set():
                one.run("pass")

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        try:
            deadline = time.monotonic() + 120 * SLOWNESS
            while len(list((one.state / "audit").glob("audit.*.log"))) < 3:
                done = verify(one.state)
                assert done.returncode == 0, done.stdout
                assert time.monotonic() < deadline
        finally:
            ends.set()
            for thread in threads:
                thread.join()
    report = must_verify(one.state)
    assert report["files"] > 1 and report["open"] == 0
    assert report["jobs"] == len(of_type(one.state, "job_begin"))


def test_a_head_that_is_being_written(place):
    """A reader may see half of the old head and half of the new one."""
    with running(place) as one:
        one.run("pass")
        old = (one.state / "audit.head").read_bytes()
        one.run("pass")
    head = one.state / "audit.head"
    new = head.read_bytes()
    middle = new.index(b'"hash"')
    mixed = old[:middle] + new[middle:]
    assert mixed not in (old, new) and json.loads(mixed)
    ends = threading.Event()

    def overwrite():
        with head.open("r+b", buffering=0) as file:
            while not ends.is_set():
                for text in (mixed, new, new):
                    file.seek(0)
                    file.write(text)

    thread = threading.Thread(target=overwrite)
    thread.start()
    try:
        for _ in range(fewer(20, 5)):
            must_verify(one.state)
            assert head_of(one.state) == head_of(one.state)
    finally:
        ends.set()
        thread.join()
    head.write_bytes(mixed)
    done = subprocess.run([CLI, "audit", "head", "--state-dir", one.state],
                          capture_output=True, text=True)
    assert done.returncode == 125 and "signature is wrong" in done.stderr
    assert done.stdout == ""


# ---- crashes -------------------------------------------------------------------

def test_killed_while_the_head_was_made(place):
    """The first start had made its file and not written to it yet."""
    with running(place):
        pass
    [log], head = log_files(place / "state"), place / "state" / "audit.head"
    log.write_bytes(lines_of(log)[0])
    head.write_bytes(b"")
    assert must_verify(place / "state")["notes"] == ["no audit.head yet"]
    with running(place) as one:
        assert one.run("pass").outcome == EXITED
    must_verify(one.state)
    # With more records than that one it says that somebody was here.
    head.write_bytes(b"")
    assert "audit.head is gone" in verify(one.state).stdout
    with pytest.raises(AssertionError, match="audit.head is gone"):
        Supervisor(place)


def test_kill_9_leaves_evidence_of_jobs_under_way(place):
    with running(place) as one:
        socks = run_sleepers(one, 3)
        one.stop(signal.SIGKILL)
        ids = {r["job_id"] for r in of_type(one.state, "job_begin")}
        report = must_verify(one.state)
        assert (report["open"], report["jobs"]) == (3, 0)
        one.start()
        start = of_type(one.state, "supervisor_start")[-1]
        assert set(start["lost"]) == ids and start["jobs_lost"] == 3
        report = must_verify(one.state)
        assert (report["open"], report["lost"]) == (0, 3)
        shown = subprocess.run([CLI, "audit", "show", "--state-dir", one.state,
                                ids.pop()], capture_output=True, text=True)
        assert "supervisor_start" in shown.stdout
        one.stop(signal.SIGKILL)
        one.start()
        assert of_type(one.state, "supervisor_start")[-1]["lost"] == []
        for sock in socks:
            sock.close()


def test_kill_9_at_any_moment_leaves_an_intact_log(place):
    """While jobs come and go and files change."""
    with running(place, options=["--audit-max-bytes", "65536"]) as one:
        for turn in range(fewer(12, 3)):
            socks = [one.submit("pass") for _ in range(6)]
            time.sleep(0.01 * turn)  # another moment each time
            one.stop(signal.SIGKILL)
            for sock in socks:
                sock.close()
            must_verify(one.state)
            one.start()
            must_verify(one.state)
        assert one.run("pass").outcome == EXITED


def set_boot(state, boot="00000000-0000-0000-0000-000000000000"):
    """As if the machine had been down since."""
    head = state / "audit.head"
    text = head.read_text()
    boot_now = json.loads(text)["boot"]
    head.write_text(text.replace(boot_now, boot))


def cut_lines(state, count):
    """From the end of the last file."""
    path = log_files(state)[-1]
    kept = lines_of(path)
    path.write_bytes(b"".join(kept[:len(kept) - count]))


def test_power_cut_may_take_what_was_not_synced_and_no_more(place):
    with running(place) as one:
        one.run("pass")
        socks = run_sleepers(one, 2)
        one.stop(signal.SIGKILL)
        for sock in socks:
            sock.close()
        cut_lines(one.state, 2)  # two begins
        # The same boot: what was written is there.
        assert "tail was cut" in verify(one.state).stdout
        set_boot(one.state)
        assert "2 records" in must_verify(one.state)["notes"][0]
        before = {p: p.read_bytes() for p in log_files(one.state)}
        cut_lines(one.state, 1)  # one that was synced
        assert "tail was cut" in verify(one.state).stdout
        for path, data in before.items():
            path.write_bytes(data)
        with open(log_files(one.state)[-1], "ab") as log:
            log.write(b"\0" * 300 + b"\n" + b"{\"seq\":9")
        one.start()
        start = of_type(one.state, "supervisor_start")[-1]
        assert start["records_lost_with_power"] == 2
        repaired, = of_type(one.state, "repaired")
        assert repaired["bytes"] == 309
        kept = one.state / "audit" / repaired["kept_in"]
        assert kept.stat().st_size == 309
        must_verify(one.state)


def test_an_unfinished_line_is_moved_aside_and_told(place):
    with running(place) as one:
        one.run("pass")
        one.stop(signal.SIGKILL)
        path = log_files(one.state)[-1]
        half = lines_of(path)[-1][:700]
        with open(path, "ab") as log:
            log.write(half)
        assert "700 bytes" in must_verify(one.state)["notes"][0]
        one.start()
        repaired, = of_type(one.state, "repaired")
        kept = one.state / "audit" / repaired["kept_in"]
        assert kept.read_bytes() == half
        must_verify(one.state)


def test_killed_between_files_goes_on(place):
    """A next file without its first record, or with half of it."""
    for rest in (b"", b"{\"seq\":5,\"ti"):
        with running(place) as one:
            one.run("pass")
            one.stop(signal.SIGKILL)
            last = log_files(one.state)[-1]
            number = int(last.name.split(".")[1]) + 1
            path = last.with_name(f"audit.{number:06}.log")
            path.write_bytes(rest)
            assert verify(one.state).returncode == 0
            one.start()
            assert one.run("pass").outcome == EXITED
            must_verify(one.state)


def test_killed_while_the_log_is_made(place):
    state = place / "state"
    (state / "audit.new").mkdir(parents=True)
    (state / "audit.new" / "key").write_text("half")
    with running(place) as one:
        one.run("pass")
        one.stop(signal.SIGKILL)
        # Made and named, but killed before its head was.
        for path in log_files(one.state):
            path.write_bytes(lines_of(path)[0])
        (one.state / "audit.head").unlink()
        must_verify(one.state)
        one.start()
        must_verify(one.state)


# ---- tampering (G11) -------------------------------------------------------------

ZERO = bytes(32)


def resign(line, prev):
    """The line with seq and all, hashed anew; without the right key."""
    body = line[:line.index(b',"prev":"')] + b',"prev":"' + \
        prev.hex().encode() + b'"'
    digest = hashlib.sha256(prev + body).digest()
    return body + b',"hash":"' + digest.hex().encode() + b'","sig":"' + \
        line[line.index(b'"sig":"') + 7:], digest


def edit(path, change):
    lines = lines_of(path)
    change(lines)
    path.write_bytes(b"".join(lines))


def middle(state):
    return log_files(state)[1]


def byte_edited(state):
    def change(lines):
        assert b'"outcome":"exited"' in lines[3]
        lines[3] = lines[3].replace(b'"outcome":"exited"',
                                    b'"outcome":"killed"')
    edit(log_files(state)[0], change)
    return "audit.000001.log:4", "was changed after it was written"


def record_deleted(state):
    edit(middle(state), lambda lines: lines.pop(2))
    return "audit.000002.log:3", "is missing before this one"


def record_inserted(state):
    def change(lines):
        lines.insert(3, lines[3].replace(b'"pass', b'"path'))
    edit(middle(state), change)
    return "audit.000002.log:5", "duplicated, inserted or moved"


def other_record_inserted(state):
    def change(lines):
        prev = bytes.fromhex(json.loads(lines[2])["hash"])
        line = lines[3].replace(b'"exit_code":0', b'"exit_code":1')
        lines.insert(3, resign(line, prev)[0])
    edit(middle(state), change)
    return "audit.000002.log:4", "not signed by this log's key"


def two_swapped(state):
    def change(lines):
        lines[2], lines[3] = lines[3], lines[2]
    edit(middle(state), change)
    return "audit.000002.log:4", "duplicated, inserted or moved"


def record_duplicated(state):
    edit(middle(state), lambda lines: lines.insert(2, lines[1]))
    return "audit.000002.log:3", "duplicated, inserted or moved"


def tail_cut_by_one(state):
    edit(log_files(state)[-1], lambda lines: lines.pop())
    return "audit.000003.log:", "tail was cut off"


def tail_cut_by_a_file(state):
    log_files(state)[-1].unlink()
    return "audit.000002.log:", "tail was cut off"


def tail_cut_to_the_first_record(state):
    for path in log_files(state)[1:]:
        path.unlink()
    edit(log_files(state)[0], lambda lines: lines.__delitem__(slice(1, None)))
    return "audit.000001.log:1", "tail was cut off"


def tail_cut_after_a_reboot(state):
    set_boot(state)
    return tail_cut_by_one(state)


def all_files_emptied(state):
    for path in log_files(state):
        path.write_bytes(b"")
    return "audit.000003.log:0", "tail was cut off"


def all_files_deleted(state):
    for path in log_files(state):
        path.unlink()
    return "audit.000001.log", "the file is missing"


def stream_deleted(state):
    shutil.rmtree(state / "audit")
    return "audit", "all of it was removed"


def everything_deleted(state):
    shutil.rmtree(state / "audit")
    (state / "audit.head").unlink()
    return "audit", "all of it was removed"


def first_file_deleted(state):
    log_files(state)[0].unlink()
    return "audit.000001.log", "the file is missing"


def middle_file_deleted(state):
    middle(state).unlink()
    return "audit.000002.log", "the file is missing"


def files_swapped(state):
    first, second, _ = log_files(state)
    a, b = first.read_bytes(), second.read_bytes()
    first.write_bytes(b)
    second.write_bytes(a)
    return "audit.000001.log:1", "was another one before", "number 2"


def files_renumbered(state):
    """The middle one removed, the last one named like it."""
    _, second, third = log_files(state)
    third.rename(second)
    return "audit.000002.log:1", "not signed by this log's key for this file"


def file_cut_inside(state):
    edit(log_files(state)[0], lambda lines: lines.pop())
    return "audit.000002.log:1", "is missing before this one"


def line_cut_inside(state):
    path = log_files(state)[0]
    path.write_bytes(path.read_bytes()[:-20])
    return "audit.000001.log:", "the last record is cut"


def head_older(state):
    """Taken from the log itself: signature and all are right."""
    lines = lines_of(log_files(state)[-1])
    old = json.loads(lines[0])
    head = json.loads((state / "audit.head").read_text())
    head.update(count=old["seq"], synced=old["seq"], hash=old["hash"],
                sig=old["sig"])
    write_head(state, head)
    return "audit.head:", "an older head"


def write_head(state, head):
    text = json.dumps(head, separators=(",", ":"))
    (state / "audit.head").write_text(text.ljust(511) + "\n")


def head_signature_damaged(state):
    head = json.loads((state / "audit.head").read_text())
    head["sig"] = ("1" if head["sig"][0] == "0" else "0") + head["sig"][1:]
    write_head(state, head)
    return "audit.head:", "signature is wrong"


def head_count_raised(state):
    head = json.loads((state / "audit.head").read_text())
    head["count"] += 1
    write_head(state, head)
    return "audit.head:", "signature is wrong"


def head_damaged(state):
    (state / "audit.head").write_bytes(b"\0" * 512)
    return "audit.head", "is damaged"


def head_deleted(state):
    (state / "audit.head").unlink()
    return "audit.head", "is gone"


def secret_key_replaced(state):
    (state / "audit" / "key").write_text("11" * 32 + "\n")
    return "audit/key.pub", "one of them was replaced"


def public_key_replaced(state):
    (state / "audit" / "key.pub").write_text("11" * 32 + "\n")
    return "audit/key.pub", "one of them was replaced"


def public_key_deleted(state):
    (state / "audit" / "key.pub").unlink()
    return "audit/", "key.pub"


def renumbered_and_hashed_anew(state):
    """A record left out, and all that follow made to fit; no key."""
    lines = [line for path in log_files(state) for line in lines_of(path)]
    del lines[3]
    prev, fitting = ZERO, []
    for number, line in enumerate(lines, 1):
        line = b'{"seq":%d' % number + line[line.index(b',"time"'):]
        line, prev = resign(line, prev)
        fitting.append(line)
    log_files(state)[0].write_bytes(b"".join(fitting))
    for path in log_files(state)[1:]:
        path.unlink()
    return "audit.000001.log:4", "not signed by this log's key"


def signature_edited(state):
    def change(lines):
        at = lines[2].index(b'"sig":"') + 7
        digit = b"1" if lines[2][at:at + 1] == b"0" else b"0"
        lines[2] = lines[2][:at] + digit + lines[2][at + 1:]
    edit(middle(state), change)
    return "audit.000002.log:3", "not signed by this log's key"


def not_a_record(state):
    edit(middle(state), lambda lines: lines.insert(2, b"hello\n"))
    return "audit.000002.log:3", "not a record"


def field_twice(state):
    def change(lines):
        lines[2] = lines[2].replace(b'{"seq":', b'{"seq":1,"seq":')
    edit(middle(state), change)
    return "audit.000002.log:3", "not a record"


TAMPERINGS = [
    byte_edited, record_deleted, record_inserted, other_record_inserted,
    two_swapped, record_duplicated, tail_cut_by_one, tail_cut_by_a_file,
    tail_cut_to_the_first_record, tail_cut_after_a_reboot, all_files_emptied,
    all_files_deleted, stream_deleted, everything_deleted, first_file_deleted,
    middle_file_deleted, files_swapped, files_renumbered, file_cut_inside,
    line_cut_inside, head_older, head_signature_damaged, head_count_raised,
    head_damaged, head_deleted, secret_key_replaced, public_key_replaced,
    public_key_deleted, renumbered_and_hashed_anew, signature_edited,
    not_a_record, field_twice,
]


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda f: f.__name__)
def test_tampering_is_found(state, tamper):
    must_verify(state)
    where, *words = tamper(state)
    done = verify(state)
    assert done.returncode == 1, done.stdout
    assert any(line.startswith(where) and all(w in line for w in words)
               for line in done.stdout.splitlines()), done.stdout
    assert "NOT INTACT" in done.stdout


# The supervisor does not build on these; the others lie in older files, or
# need the key's owner to look.
REFUSED_AT_START = [
    tail_cut_by_one, tail_cut_by_a_file, tail_cut_to_the_first_record,
    tail_cut_after_a_reboot, all_files_emptied, all_files_deleted,
    stream_deleted, head_older, head_signature_damaged, head_count_raised,
    head_damaged, head_deleted, secret_key_replaced, public_key_replaced,
    renumbered_and_hashed_anew,
]


@pytest.mark.parametrize("tamper", REFUSED_AT_START, ids=lambda f: f.__name__)
def test_the_supervisor_does_not_build_on_it(place, whole, tamper):
    state = place / "state"
    shutil.copytree(whole, state)
    tamper(state)
    before = [(p, p.read_bytes()) for p in sorted(state.rglob("*"))
              if p.is_file() and p.name not in ("lock", "cgroups")]
    with pytest.raises(AssertionError) as failure:
        Supervisor(place)
    assert "audit log (`promptcraft audit verify`" in str(failure.value)
    assert before == [(p, p.read_bytes()) for p in sorted(state.rglob("*"))
                      if p.is_file() and p.name not in ("lock", "cgroups")]


def head_of(state):
    done = subprocess.run([CLI, "audit", "head", "--state-dir", state],
                          capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_only_what_is_kept_elsewhere_shows_the_whole_put_back(place):
    """An older log with its older head and key is whole in itself."""
    with running(place) as one:
        one.run("pass")
        one.stop()
        old = place / "old"
        shutil.copytree(one.state, old)
        one.start()
        one.run("pass")
    options = head_of(one.state)
    must_verify(one.state, *options)
    must_verify(old)
    done = verify(old, *options)
    assert done.returncode == 1
    assert "it was cut or put back" in done.stdout
    # An anchor of before stays good.
    must_verify(one.state, *head_of(old))
    wrong = options[1].split(":")[0] + ":" + "0" * 64
    assert "rewritten since" in verify(one.state, "--anchor", wrong).stdout


def test_the_log_of_another_machine_in_its_place(place, state):
    """And the same with its key and head: a key kept elsewhere tells."""
    options = head_of(state)
    own = place / "own"
    own.mkdir(mode=0o755)
    with running(own) as one:
        one.run("pass")
    shutil.rmtree(state / "audit")
    shutil.copytree(one.state / "audit", state / "audit")
    assert "of another log" in verify(state).stdout
    shutil.copy(one.state / "audit.head", state / "audit.head")
    must_verify(state)
    done = verify(state, *options)
    assert done.returncode == 1 and "key was replaced" in done.stdout


def test_a_file_of_another_log_among_ours(place, state):
    own = place / "own"
    own.mkdir(mode=0o755)
    with running(own) as one:
        one.run("pass")
    shutil.copy(log_files(one.state)[0], log_files(state)[0])
    done = verify(state)
    assert done.returncode == 1 and "of another log" in done.stdout


# ---- key and rights ---------------------------------------------------------------

def test_only_root_reads_key_and_log(whole):
    modes = {path.name: path.stat().st_mode & 0o777
             for path in whole.rglob("*")}
    assert modes["audit"] == 0o700
    assert modes["key"] == modes["audit.head"] == 0o600
    assert modes["audit.000001.log"] == 0o600
    assert modes["key.pub"] == 0o644
    assert len({path.stat().st_uid for path in whole.rglob("*")}) == 1


# ---- a full disk ------------------------------------------------------------------

@contextlib.contextmanager
def small_disk(place, size="4m", name="disk"):
    disk = place / name
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700",
                    "none", disk], check=True)
    try:
        yield disk
    finally:
        unmount(disk)


def fill(path):
    with open(path, "wb", buffering=0) as file:
        with contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))


def test_a_full_disk_refuses_jobs_loses_no_record_and_passes(place):
    with small_disk(place) as disk, running(place, state=disk) as one:
        socks = run_sleepers(one, 4)
        fill(disk / "fill")
        done = None
        for _ in range(2000):  # until what is reserved is used up
            done = one.run(DENIALS)  # a long record
            if done.outcome != EXITED:
                break
        assert done.outcome == REFUSED
        assert "no room for audit records" in done.error
        hello = one.hello()
        assert hello["ready"] == 0 and "no room" in hello["cause"]
        # Those under way end with their records.
        for sock in socks:
            sock.close()
        wait_for(lambda: one.hello()["free"], lambda free: free == 20)
        begun = len(of_type(one.state, "job_begin"))
        assert len(of_type(one.state, "job")) == begun
        must_verify(one.state)
        (disk / "fill").unlink()
        assert one.run("pass").outcome == EXITED
        assert one.hello()["ready"] == 1
        one.stop()
        assert must_verify(one.state)["refusals"] >= 1


def test_the_api_says_503_while_there_is_no_room():
    """And goes on by itself when there is."""
    directory = Path(make_directory())
    with small_disk(directory, name="supervisor") as disk:
        info = run_stack("up", directory, "--build", BUILD).stdout
        stack = Stack(directory, json.loads(info))
        try:
            client = stack.client()
            job = {"language": "python", "code": "print(1)"}
            assert client.job(**job)["stdout"] == "1\n"
            fill(disk / "fill")
            reply = wait_for(lambda: client.post("/api/v3/jobs", job),
                             lambda reply: reply.status != 200, seconds=120,
                             pause=0)
            assert reply.status == 503, reply
            assert "no room for audit records" in reply.json()["detail"]
            wait_for(lambda: client.get("/health").json()["status"],
                     lambda status: status == "degraded", seconds=30)
            (disk / "fill").unlink()
            assert client.job(**job)["stdout"] == "1\n"
            must_verify(disk)
        finally:
            down = run_stack("down", directory, check=False)
        # Our own mount is all that it may find.
        assert down.stderr == (f"stack: stopped, but mount {disk} is left\n")
    shutil.rmtree(directory)


def test_the_api_tells_the_call_too(client):
    data = client.job(language="python", code=SOCKET)
    denial, = data["denials"]
    assert (denial["syscall"], denial["call"]) == \
        ("socket", "socket(AF_VSOCK, SOCK_STREAM|SOCK_CLOEXEC, 0)")
