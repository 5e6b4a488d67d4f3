# SPDX-License-Identifier: Apache-2.0
"""The supervisor alone, over its own socket: strangers and nonsense are kept
out, a jail that is not as it must be never runs, and whatever dies, nothing is
left behind."""

import array
import contextlib
import ctypes
import errno
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import time
import uuid
from pathlib import Path

import pytest

from promptcraft import BUILD, SLOWNESS, is_standby, whole_lines

HELLO, HELLO_REPLY, SUBMIT, STARTED, DENIAL, KILL, DONE = 1, 2, 7, 8, 9, 10, 11
EXITED, SIGNALED, TIMEOUT, KILLED, REFUSED, ERROR = range(1, 7)
REASONS = ("", "memory", "output_limit", "pids", "timeout", "cancelled",
           "denied", "shutdown")
CHUNK, SUBMIT_SIZE = 65536, 272


def head(kind, size, nfds=0, version=1, zero=0, seq=1):
    return struct.pack("<HHIIHH", version, kind, size, seq, nfds, zero)


def post(sock, message, data):
    """A JOB_SUBMIT and the bundle that follows it."""
    sock.send(message[:-8] + struct.pack("<II", len(data), 0))
    send_bytes(sock, data)


def send_bytes(sock, data):
    """What follows a message."""
    for at in range(0, len(data), CHUNK):
        sock.send(data[at:at + CHUNK])


def pass_fds(sock, message, fds):
    sock.sendmsg([message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                              array.array("i", fds))])


def entry(kind, path, data):
    path = path.encode()
    return struct.pack("<BBHI", kind, 0, len(path), len(data)) + path + data


def bundle(code):
    return (b"PCB1" + struct.pack("<I", 2) +
            entry(1, "", b"mode=run\0code=solution.py\0") +
            entry(2, "solution.py", code.encode()))


def submit_message(job_id=None, policy="strict", runtime="python", workflow="",
                   wall_ms=20000):
    fields = ((job_id or str(uuid.uuid4()), 40), (policy, 32), (runtime, 32),
              ("test", 64), (workflow, 40))
    text = b"".join(value.encode().ljust(size, b"\0")
                    for value, size in fields)
    return (head(SUBMIT, SUBMIT_SIZE) + text + struct.pack("<II", 0, 0) +
            struct.pack("<QQQIIII", wall_ms, 0, 0, 0, 0, 0, 0))


class Done:
    def __init__(self, raw):
        self.outcome, reason, self.exit_code, self.signal = \
            struct.unpack_from("<IIii", raw, 56)
        self.reason = REASONS[reason]
        self.error = raw[120:].split(b"\0")[0].decode()

    def __repr__(self):
        return f"<Done {self.outcome} {self.reason!r} {self.error!r}>"


def parent_of(pid):
    with contextlib.suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_text()
        return int(stat.rpartition(")")[2].split()[1])
    return None


class Supervisor:
    def __init__(self, directory, runtimes=None, state=None, libexec=BUILD,
                 program=BUILD / "promptcraft-supervisor", slots=20,
                 options=()):
        self.slots, self.options = slots, options
        self.dir, self.libexec, self.program = directory, libexec, program
        self.state = state or directory / "state"
        self.socket = directory / "s"
        self.runtimes = runtimes or BUILD / "runtimes"
        self.start()

    def start(self):
        self.log = open(self.dir / "log", "ab")
        self.process = subprocess.Popen(
            [self.program, "--socket", self.socket,
             "--state-dir", self.state, "--policy-dir", BUILD / "policy",
             "--runtime-dir", self.runtimes, "--libexec-dir", self.libexec,
             "--slots", str(self.slots), "--client-uid", "61234",
             "--log-level", "debug", *self.options], stderr=self.log)
        deadline = time.monotonic() + 30 * SLOWNESS
        while True:
            with contextlib.suppress(OSError):
                self.hello()
                return
            assert self.process.poll() is None, self.log_text()
            assert time.monotonic() < deadline, self.log_text()
            time.sleep(0.05)

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(timeout=20 * SLOWNESS)
        self.log.close()
        return code

    def log_text(self):
        return (self.dir / "log").read_text()

    def connect(self):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Longer than the supervisor waits for a jail to be ready.  With a
        # timeout of Python's, connect() fails where the queue is full.
        seconds = 60 * SLOWNESS
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO,
                        struct.pack("ll", int(seconds), 0))
        sock.connect(str(self.socket))
        sock.settimeout(seconds)
        return sock

    @contextlib.contextmanager
    def up_to_date(self):
        """It has seen the end of each connection that was closed before; one
        more is open, always one."""
        with self.connect() as sock:
            for _ in range(2):  # the second is read after what came with it
                sock.send(head(HELLO, 16))
                assert sock.recv(512)
            yield

    def hello(self):
        with self.connect() as sock:
            sock.send(head(HELLO, 16))
            reply = sock.recv(512)
        assert struct.unpack_from("<HH", reply) == (1, HELLO_REPLY)
        names = "total free policies runtimes cgroup landlock ready".split()
        return dict(zip(names, struct.unpack_from("<7I", reply, 32)),
                    cause=reply[104:].split(b"\0")[0].decode())

    def submit(self, code="pass", data=None, **fields):
        sock = self.connect()
        post(sock, submit_message(**fields),
             bundle(code) if data is None else data)
        return sock

    def run(self, code="pass", **fields):
        """Submit and wait for JOB_DONE; what it printed is dropped."""
        with self.submit(code, **fields) as sock:
            return self.done(sock)

    def started(self, sock):
        raw, control, _, _ = sock.recvmsg(512, 512)
        assert struct.unpack_from("<HH", raw)[1] == STARTED, Done(raw)
        fds = array.array("i")
        fds.frombytes(control[0][2])
        return list(fds)

    def done(self, sock):
        fds = []
        try:
            while True:
                raw, control, _, _ = sock.recvmsg(512, 512)
                for _, _, data in control:
                    passed = array.array("i")
                    passed.frombytes(data)
                    fds += passed
                if struct.unpack_from("<HH", raw)[1] == DONE:
                    return Done(raw)
        finally:
            for fd in fds:
                os.close(fd)

    def job_records(self):
        """What the audit log says of jobs that ended, the last one last."""
        return [record for path in
                sorted((self.state / "audit").glob("audit.*.log"))
                for record in map(json.loads, whole_lines(path))
                if record["type"] == "job"]

    def cgroups(self):
        return [Path(line) for line in
                (self.state / "cgroups").read_text().split()]

    def standby_pids(self):
        """PIDs 1 of the jails that wait for their job.  By now the number of
        an earlier one may be that of any other process."""
        told = set(map(int, re.findall(r"standby_ready .*pid=(\d+)",
                                       self.log_text())))
        return {pid for pid in told
                if parent_of(pid) == self.process.pid and is_standby(pid)}

    def job_processes(self):
        """Of jobs, in any slot's cgroup."""
        return [pid for pid in self.jailed() if not is_standby(pid)]

    def jailed(self):
        """Pids in any slot's cgroup; zombies are in none."""
        found = []
        for top in self.cgroups():
            for file in top.glob("slot-*/cgroup.procs"):
                # A slot whose cgroup is just made anew, or goes, has none.
                with contextlib.suppress(OSError):
                    found += file.read_text().split()
        return found


@pytest.fixture
def supervisor(tmp_path):
    tmp_path.chmod(0o755)
    one = Supervisor(tmp_path)
    yield one
    one.stop()
    assert not [top for top in one.cgroups() if top.exists()]


def until(check, seconds=60):
    deadline = time.monotonic() + seconds * SLOWNESS
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# ---- peers -----------------------------------------------------------------

NONSENSE = {
    "short": b"x",
    "other version": head(HELLO, 16, version=2),
    "unknown type": head(99, 16),
    "type of the other side": head(HELLO_REPLY, 296) + bytes(280),
    "longer than it says": head(HELLO, 16) + bytes(8),
    "longer than any message": head(HELLO, 16) + bytes(600),
    "reserved bits": head(HELLO, 16, zero=1),
    "fd that does not come": head(HELLO, 16, nfds=1),
    "kill with a wrong reason":
        head(KILL, 64) + bytes(40) + struct.pack("<II", 7, 0),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_drops_the_peer_only(supervisor, name):
    with supervisor.connect() as sock, supervisor.connect() as other:
        with contextlib.suppress(ConnectionError):
            sock.send(NONSENSE[name])
            assert sock.recv(512) == b""
        other.send(head(HELLO, 16))
        assert other.recv(512)


def hello_as(uid, path):
    """Exit code 0: answered; 1: turned away."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            sock.connect(str(path))
            sock.send(head(HELLO, 16))
            os._exit(0 if sock.recv(512) else 1)
        except OSError:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_only_root_and_the_client_uid_may_connect(supervisor):
    for parent in [supervisor.dir, *supervisor.dir.parents][:3]:
        os.chmod(parent, os.stat(parent).st_mode | 0o011)
    assert hello_as(61234, supervisor.socket) == 0
    os.chmod(supervisor.socket, 0o666)
    assert hello_as(61235, supervisor.socket) == 1
    assert "peer_refused" in supervisor.log_text()


# ---- a socket that systemd made --------------------------------------------

def start_activated(directory, kind=socket.SOCK_SEQPACKET, path=None, count=1):
    """The supervisor as a socket unit starts it: listening already on fd 3."""
    sock = socket.socket(socket.AF_UNIX, kind)
    sock.bind(str(path or directory / "s"))
    if kind != socket.SOCK_DGRAM:
        sock.listen()
    log = open(directory / "log", "ab")
    process = subprocess.Popen(
        ["/bin/sh", "-c", f'LISTEN_PID=$$ LISTEN_FDS={count} exec "$@"', "sh",
         BUILD / "promptcraft-supervisor", "--socket", directory / "s",
         "--state-dir", directory / "state", "--policy-dir", BUILD / "policy",
         "--runtime-dir", BUILD / "runtimes", "--libexec-dir", BUILD,
         "--slots", "2"],
        stderr=log, close_fds=False,
        preexec_fn=lambda: os.dup2(sock.fileno(), 3, inheritable=True))
    log.close()
    return process, sock


def test_a_passed_socket_is_used_and_left(tmp_path):
    process, sock = start_activated(tmp_path)
    client = Supervisor.__new__(Supervisor)
    client.socket, client.dir = tmp_path / "s", tmp_path
    with sock:
        # Connected before anybody accepts: it waits.
        assert client.hello()["total"] == 2, client.log_text()
        assert client.run().outcome == EXITED
        process.terminate()
        assert process.wait(timeout=30) == 0, client.log_text()
        assert client.socket.exists(), "it is not the supervisor's to remove"


@pytest.mark.parametrize("wrong", [
    {"kind": socket.SOCK_STREAM}, {"kind": socket.SOCK_DGRAM},
    {"path": "elsewhere"}, {"count": 2}])
def test_a_passed_socket_must_be_the_right_one(tmp_path, wrong):
    if "path" in wrong:
        wrong = {"path": tmp_path / wrong["path"]}
    process, sock = start_activated(tmp_path, **wrong)
    with sock:
        assert process.wait(timeout=30) == 1
    assert "LISTEN_FDS: wanted is one listening SEQPACKET" in \
        (tmp_path / "log").read_text()


def test_a_peer_that_does_not_read_is_dropped(supervisor):
    with supervisor.connect() as sock:
        sock.setblocking(False)
        deadline = time.monotonic() + 60 * SLOWNESS
        with pytest.raises(ConnectionError):
            while time.monotonic() < deadline:
                with contextlib.suppress(BlockingIOError):
                    sock.send(head(HELLO, 16))
    assert supervisor.hello()["ready"] == 1


@pytest.mark.parametrize("fields, names", [
    ({"job_id": "../../etc"}, "job_id"),
    ({"policy": "../strict"}, "policy"),
    ({"runtime": "cobol"}, "runtime"),
    ({"workflow": "a/b"}, "workflow"),
])
def test_a_wrong_field_is_named(supervisor, fields, names):
    done = supervisor.run(**fields)
    assert done.outcome == REFUSED
    assert done.error.startswith(names + ":")


@pytest.mark.parametrize("policy,runtime", [
    ("analyzer", "python"), ("standard", "analyze-shellcheck"),
    ("strict", "analyze-shellcheck")])
def test_analyzers_and_their_policy_go_together_only(supervisor, policy,
                                                     runtime):
    """Whoever asks, with whatever checks of its own."""
    done = supervisor.run(policy=policy, runtime=runtime)
    assert (done.outcome, done.error) == (
        REFUSED, f"runtime: {runtime} does not run under policy {policy}")


def test_a_tool_that_a_host_may_lack_is_only_missing_itself(tmp_path):
    runtimes = tmp_path / "runtimes"
    shutil.copytree(BUILD / "runtimes", runtimes)
    ini = runtimes / "analyze-shellcheck" / "runtime.ini"
    ini.write_text(ini.read_text().replace("Requires=-/usr/bin/shellcheck",
                                           "Requires=-/nonexistent/tool"))
    one = Supervisor(tmp_path, runtimes=runtimes)
    try:
        done = one.run(policy="analyzer", runtime="analyze-shellcheck")
        assert (done.outcome, done.error) == (
            REFUSED, "runtime analyze-shellcheck needs /nonexistent/tool: "
            "install it and restart the supervisor: No such file or directory")
        assert one.run("pass").outcome == EXITED
    finally:
        one.stop()


def test_junk_is_no_bundle(supervisor):
    done = supervisor.run(data=b"junk")
    assert done.outcome == REFUSED
    assert "unpack" in done.error


@pytest.mark.parametrize("size", [0, (16 << 20) + 1, 2**32 - 1])
def test_a_bundle_has_a_size(supervisor, size):
    with supervisor.connect() as sock:
        sock.send(submit_message()[:-8] + struct.pack("<II", size, 0))
        done = supervisor.done(sock)
    assert done.outcome == REFUSED
    assert done.error.startswith(f"bundle: {size} bytes, allowed are 1 to ")


def test_the_largest_bundle_is_taken_in_any_pieces(supervisor):
    good = bundle("print(1)")
    filler = b"x" * ((16 << 20) - len(good) - 8 - 9)
    data = good[:4] + struct.pack("<I", 3) + good[8:] + \
        entry(2, "file.bin", filler)
    assert len(data) <= 16 << 20
    assert supervisor.run(data=data, policy="standard").outcome == EXITED
    with supervisor.connect() as sock:  # a byte at a time
        sock.send(submit_message()[:-8] + struct.pack("<II", len(good), 0))
        for byte in good:
            sock.send(bytes([byte]))
        assert supervisor.done(sock).outcome == EXITED


def test_a_refused_jobs_bundle_is_dropped(supervisor):
    """What follows it is the next message."""
    with supervisor.connect() as sock:
        post(sock, submit_message(policy="none"), bytes(3 << 20))
        post(sock, submit_message(), bundle("pass"))
        assert supervisor.done(sock).outcome == REFUSED
        assert supervisor.done(sock).outcome == EXITED


def test_more_than_a_bundle_drops_the_peer(supervisor):
    with supervisor.connect() as sock:
        sock.send(submit_message()[:-8] + struct.pack("<II", 100, 0))
        sock.send(bytes(101))
        assert sock.recv(512) == b""
    assert "101 bytes, expected 100" in supervisor.log_text()
    assert supervisor.hello()["free"] == 20


# ---- posture ---------------------------------------------------------------

MUTANTS = {
    "leaked socket": ("import socket; leak = socket.socketpair()",
                      "comes from outside"),
    "leaked memfd": ("import os; leak = os.memfd_create('x')",
                     "comes from outside"),
    "replaced stdin": ("import os; os.dup2(os.open('/dev/null', 0), 0)",
                       "fd 0 is not the one passed"),
    "closed result": ("import os; os.close(3)", "fd 3 is closed"),
    "other directory": ("import os; os.chdir('/usr')", "working directory"),
    # It then waits as it should: what opens files meanwhile is refused too.
    "gate twice": ("import os; os.write(4, b'R'); os.write(4, b'R'); "
                   "os.read(4, 1)", "out of turn"),
    "early death": ("import os; os._exit(7)", "exit code 7"),
}


@pytest.mark.parametrize("name", [None, *MUTANTS])
def test_a_jail_that_is_not_right_never_runs(tmp_path, name):
    """A harness that misbehaves before the gate; unchanged it must pass."""
    tmp_path.chmod(0o755)
    runtimes = tmp_path / "runtimes"
    shutil.copytree(BUILD / "runtimes", runtimes)
    line, said = MUTANTS.get(name, ("pass", ""))
    harness = runtimes / "python" / "harness.py"
    text = harness.read_text()
    last = list(re.finditer(r"^(?:import|from) .*\n", text, re.M))[-1].end()
    harness.write_text(text[:last] + line + "\n" + text[last:])
    one = Supervisor(tmp_path, runtimes=runtimes)
    try:
        done = one.run("pass")
        if name is None:
            assert (done.outcome, done.exit_code) == (EXITED, 0), done
        else:
            # A second word may come when the gate is open already.
            late = ERROR if name == "gate twice" else REFUSED
            assert done.outcome in (REFUSED, late)
            assert said in done.error
        until(lambda: not one.job_processes())
    finally:
        one.stop()


# ---- ends ------------------------------------------------------------------

SLEEPERS = ("import os, time\n"
            "for i in range(3):\n"
            "    if os.fork() == 0:\n"
            "        os.setsid()\n"
            "        break\n"
            "time.sleep(300)\n")


def has_comm(pid, name):
    with contextlib.suppress(OSError):  # it has gone since it was found
        return Path(f"/proc/{pid}/comm").read_text() == f"{name}\n"
    return False


def run_sleepers(supervisor, count):
    socks = [supervisor.submit(SLEEPERS, wall_ms=60000)
             for _ in range(count)]
    for sock in socks:
        for fd in supervisor.started(sock):
            os.close(fd)
    until(lambda: len(set(supervisor.job_processes())) >= 5 * count)
    return socks


def test_kill_9_leaves_no_job_and_a_restart_cleans_up(supervisor):
    socks = run_sleepers(supervisor, 20)
    supervisor.stop(signal.SIGKILL)
    until(lambda: not supervisor.job_processes(), seconds=30)
    for sock in socks:
        assert sock.recv(512) == b""
        sock.close()
    supervisor.start()
    assert "stale_cgroup_removed" in supervisor.log_text()
    assert supervisor.run("pass").outcome == EXITED


def fd_of_process(pid, path):
    """The same open file as that process has, as a child of it would."""
    found = []
    for name in os.listdir(f"/proc/{pid}/fd"):
        # It may be closing that of a connection.
        with contextlib.suppress(FileNotFoundError):
            if os.readlink(f"/proc/{pid}/fd/{name}") == str(path):
                found.append(int(name))
    [number] = found
    pidfd = os.pidfd_open(pid)
    fd = ctypes.CDLL(None).syscall(438, pidfd, number, 0)  # pidfd_getfd(2)
    os.close(pidfd)
    assert fd >= 0
    return fd


def test_one_supervisor_a_state_directory(supervisor, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(AssertionError, match="another supervisor uses"):
        Supervisor(other, state=supervisor.state)
    # A child that lives a moment longer than it keeps nobody out.
    fd = fd_of_process(supervisor.process.pid, supervisor.state / "lock")
    supervisor.stop(signal.SIGKILL)
    supervisor.start()
    os.close(fd)
    assert supervisor.run("pass").outcome == EXITED


def test_a_client_that_goes_takes_its_jobs_with_it(supervisor):
    for sock in run_sleepers(supervisor, 3):
        sock.close()
    until(lambda: not supervisor.job_processes(), seconds=30)
    until(lambda: supervisor.hello()["free"] == 20)


def test_sigterm_ends_jobs_with_a_reason(supervisor):
    socks = run_sleepers(supervisor, 5)
    supervisor.process.terminate()
    for sock in socks:
        done = supervisor.done(sock)
        assert (done.outcome, done.reason) == (KILLED, "shutdown")
        sock.close()
    assert supervisor.stop() == 0
    assert not supervisor.socket.exists()


def test_the_answer_does_not_wait_for_the_end_of_the_jail(supervisor):
    """With PID 1 all namespaces end: it waits until the supervisor hangs up."""
    with supervisor.submit("input()") as sock:
        fds = supervisor.started(sock)
        init, = {Path("/proc") / pid for pid in supervisor.job_processes()
                 if has_comm(pid, "jail-init")}

        def is_alone_and_asleep():
            state = (init / "stat").read_text().rpartition(") ")[2]
            return state[0] == "S" and \
                not (init / f"task/{init.name}/children").read_text()

        supervisor.process.send_signal(signal.SIGSTOP)
        try:
            for fd in fds:
                os.close(fd)
            until(is_alone_and_asleep, seconds=20)
        finally:
            supervisor.process.send_signal(signal.SIGCONT)
        assert supervisor.done(sock).outcome == EXITED
    until(lambda: not supervisor.job_processes())


def test_many_jobs_leave_nothing(supervisor):
    def footprint():
        proc = Path("/proc") / str(supervisor.process.pid)
        with supervisor.up_to_date():
            return (len(list((proc / "fd").iterdir())),
                    sum(len(list(top.glob("slot-*")))
                        for top in supervisor.cgroups()))

    supervisor.run("pass")
    # Nor is the jail still being built that waits for the next job.
    until(lambda: not supervisor.job_processes() and supervisor.standby_pids())
    before = footprint()
    for _ in range(10):
        socks = [supervisor.submit("print('x')") for _ in range(10)]
        for sock in socks:
            assert supervisor.done(sock).outcome == EXITED
            sock.close()
    until(lambda: all(now <= was for now, was in zip(footprint(), before)))
    until(lambda: not supervisor.job_processes())


# ---- what a slot keeps -----------------------------------------------------

# Two sockets that hold each other in their queues outlive their process, until
# the kernel looks for such cycles.
LEAVE_SOCKETS = """
import array, os, socket
print(os.readlink("/proc/self/ns/net"))
a, b = socket.socketpair(socket.AF_UNIX)
named = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
named.bind("\\0left")
named.listen()
for one, other in ((a, b), (b, a)):
    one.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array(
        "i", [a.fileno(), b.fileno(), named.fileno()]))])
"""
FIND_SOCKETS = """
import os, socket
print(os.readlink("/proc/self/ns/net"))
try:
    socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).connect("\\0left")
    print("FOUND")
except OSError as error:
    print(error.errno)
"""


def output(supervisor, code):
    with supervisor.submit(code, policy="standard") as sock:
        fds = supervisor.started(sock)
        with os.fdopen(fds[1]) as reader:
            text = reader.read().split()
        for fd in fds[:1] + fds[2:]:
            os.close(fd)
        assert supervisor.done(sock).outcome == EXITED
        until(lambda: not supervisor.job_processes())
        return text


FORKS = """
import os
ready, go = os.pipe(), os.pipe()
for _ in range(3):
    if os.fork() == 0:
        os.write(ready[1], b".")
        os.read(go[0], 1)
        os._exit(0)
for _ in range(3):
    os.read(ready[0], 1)
os.write(go[1], b"...")
for _ in range(3):
    os.wait()
"""


def test_the_peak_of_processes_is_each_jobs_own(tmp_path):
    """The directory of pids is kept after a job that had no more than any;
    what one job reached is not told of the next."""
    s = Supervisor(tmp_path, slots=1, options=("--standby", "0"))
    # v2: the only directory, made anew for each job in any case.
    top = ([path for path in s.cgroups() if "/pids/" in str(path)] or
           [None])[0]
    pid, made = s.process.pid, []
    children = Path(f"/proc/{pid}/task/{pid}/children")
    for code in ("pass", "pass", FORKS, "pass", "pass"):
        done = s.run(code, policy="standard")
        assert (done.outcome, done.exit_code) == (EXITED, 0), done
        until(lambda: not children.read_text())
        s.hello()  # and its slot has been cleaned
        if top:
            made.append((top / "slot-0").stat().st_ino)
    peaks = [record["usage"]["pids_peak"] for record in s.job_records()]
    assert s.stop() == 0
    assert peaks == [1, 1, 4, 1, 1]
    if top:
        assert made[0] == made[1] != made[2] == made[3] == made[4]


def test_a_slots_network_namespace_is_kept_and_empty(tmp_path):
    tmp_path.chmod(0o755)
    one = Supervisor(tmp_path, slots=1, options=("--standby", "0"))
    try:
        seen = set()
        for _ in range(10):
            seen.add(output(one, LEAVE_SOCKETS)[0])
            name, found = output(one, FIND_SOCKETS)
            seen.add(name)
            assert found == str(errno.ECONNREFUSED)
        assert os.readlink("/proc/self/ns/net") not in seen
        # As often as the kernel was slower than the next job, it was replaced.
        replaced = one.log_text().count("netns_replaced")
        assert len(seen) <= 1 + replaced + 4  # 4: spare slots
    finally:
        one.stop()
