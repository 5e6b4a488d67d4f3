# SPDX-License-Identifier: Apache-2.0
"""Attacks on the parts that only this design has: PID 1, the gate's pipes, the
unpacker, the harness, collect, the control socket, the seccomp listener, slots
used again, two jails beside each other, and what a jail is told."""

import concurrent.futures
import os
import random
import socket
import struct
import subprocess
import threading
import time
import uuid
from pathlib import Path

import pytest

import escape
import wire
from escape import BUILD, PROGRAMS, wait_for
from live import Live


def names(*texts):
    return set(" ".join(texts).split())


@pytest.fixture(scope="module")
def one_slot(world):
    """All jobs follow each other in the same slot."""
    supervisor = escape.Supervisor(world.dir / "design-slot", slots=1,
                                   options=escape.NONE_READY).start()
    yield supervisor
    supervisor.stop()


# ---- PID 1 ------------------------------------------------------------------


def test_design_pid1_is_worn_out_by_nothing(jail, profile, host):
    with host.unchanged():
        run = jail(profile).run("design_pid1.c")
    assert run.outcome == "completed" and run.exit_code == 0, run
    assert run.done() == names("parent-is-pid1 pidfd_open orphans"), run
    # It reaps while more come: hardly a fork was refused.
    assert int(run.attempts["orphans"][1]) > 2000, run


def test_design_control_pid1_pid_and_ids(loose):
    """Only of another uid: a PID 1 with all its capabilities and that can be
    looked at is still out of reach."""
    run = loose("strict", "seccomp", "landlock", "init", "dumpable",
                "proc").run("design_pid1.c")
    assert names("signals nofile cpu setpriority ptrace mem fd root") <= \
        run.blocked(), run
    assert "proc" in run.done(), run  # hidepid hid it


def hostile_init(directory, how):
    """A libexec directory with design_init.c in jail-init's place."""
    libexec = directory / "libexec"
    libexec.mkdir(mode=0o755, parents=True)
    for name in ("promptcraft-policyc",):
        (libexec / name).write_bytes((BUILD / name).read_bytes())
        (libexec / name).chmod(0o755)
    escape.gcc("-static", f'-DHOW="{how}"', PROGRAMS / "design_init.c", "-o",
               libexec / "jail-init")
    return libexec


@pytest.mark.parametrize("how", [
    "flood", "many-fds", "no-fd", "wrong-fd", "itself", "ended", "collected",
    "failed", "unknown", "closed"])
def test_design_pid1_taken_over(world, how):
    """It may say what it likes: its job is refused and recorded, everybody of
    it is dead, and the supervisor serves on."""
    place = world.dir / f"init-{how}"
    place.mkdir(mode=0o711)
    # One that says nothing would be kept for half a minute before its job.
    supervisor = escape.Supervisor(place, options=escape.NONE_READY)
    at = supervisor.argv.index("--libexec-dir") + 1
    supervisor.argv[at] = str(hostile_init(place, how))
    supervisor.start()
    try:
        before = world.host.fds(supervisor.process.pid)
        # One that only closes its socket is waited for: a small deadline is
        # not the client's to set, so it leaves.
        if how == "closed":
            with supervisor.connect() as sock:
                wire.post(sock, wire.submit(), wire.program("pass"))
                wait_for(supervisor.jail_pids)
        else:
            result = wire.job(supervisor, wire.program("pass"))
            assert result.outcome in ("refused", "error"), result
            assert result.error, result
        wait_for(supervisor.jail_pids, lambda pids: not pids)
        wait_for(supervisor.hello, lambda hello: hello["ready"] == 1 and
                 hello["free"] == hello["total"])
        records = wait_for(lambda: [r for r in supervisor.records()
                                    if r["type"] == "job"])
        assert len(records) == 1 and records[0]["posture"] != "passed", records
        # What it said is quoted: no line of the log begins with its words.
        for line in supervisor.log_text().splitlines():
            assert line.startswith("<") and "\033" not in line, line
            assert not line.startswith("<6>job_done job=forged"), line
        # Of the fds that came along none is left.
        wait_for(lambda: world.host.fds(supervisor.process.pid),
                 lambda now: len(now) <= len(before))
    finally:
        assert supervisor.stop() == 0


# ---- the gate, pipes, the harness -------------------------------------------


def own_streams():
    """A job's standard streams are its own: `>/dev/stderr` opens one anew."""
    return {f"{what}-{name}" for name in ("stdin", "stdout", "stderr")
            for what in ("chmod", "chown")} | \
        {f"reopen-{name}-{how}" for name in ("stdin", "stdout", "stderr")
         for how in ("read", "write", "both")}


def test_design_gate_and_pipes(jail, profile):
    run = jail(profile).run("design_pipes.py")
    assert run.done() == own_streams() and len(run.blocked()) >= 11, run
    assert run.attempts["gate"] == ("blocked", "EBADF"), run


def test_design_control_gate_seccomp(loose):
    """Without the filter a listener of one's own can be had."""
    run = loose("strict", "seccomp").run("design_pipes.py")
    assert "seccomp-listener" in run.done(), run


def test_design_harness_of_compiled_tests(world, profile):
    """The harness is the test program's parent, under the same uid: it can be
    read, so it must hold no secret; it cannot be written, and its result pipe
    cannot be had."""
    code = world.dir / "nothing.c"
    code.write_text("/* nothing but tests */\n")
    header = (PROGRAMS / "attempt.h").read_text()
    run = world.jail(profile).run(code, tests="design_parent.c",
                                  files={"attempt.h": header})
    attempts = escape.parse_attempts(run.stderr)
    done = {n for n, (how, _) in attempts.items() if how == "done"}
    assert names("own-fds mem-write result-pipe-write result-pipe-read gate "
                 "pidfd_getfd ptrace process_vm_readv") <= \
        set(attempts) - done, run
    assert done <= names("mem-read maps"), run


# ---- the unpacker -----------------------------------------------------------


def file(path, data=b"x"):
    return wire.entry(wire.FILE, path, data)


def raw_entry(kind, path, data, path_len=None, data_len=None, status=0):
    return struct.pack("<BBHI", kind, status,
                       len(path) if path_len is None else path_len,
                       len(data) if data_len is None else data_len) + \
        path + data


M = wire.manifest()
CODE = file("solution.py", b"print('ran')")
BUNDLES = {
    "file over directory": wire.bundle(M, CODE, file("a/b"), file("a")),
    "directory over file": wire.bundle(M, CODE, file("a"), file("a/b")),
    "same file twice": wire.bundle(M, CODE, CODE),
    "manifest twice": wire.bundle(M, M, CODE),
    "manifest last": wire.bundle(CODE, M),
    "no manifest": wire.bundle(CODE),
    "empty": wire.bundle(),
    "a NUL in a path": wire.bundle(M, CODE, raw_entry(2, b"a\0b", b"")),
    "a newline in a path": wire.bundle(M, CODE, raw_entry(2, b"a\nb", b"")),
    "up": wire.bundle(M, CODE, file("a/../../../etc/x")),
    "absolute": wire.bundle(M, CODE, file("/tmp/x")),
    "dot": wire.bundle(M, CODE, file("./x")),
    "double slash": wire.bundle(M, CODE, file("a//x")),
    "slash at the end": wire.bundle(M, CODE, file("a/")),
    "no name": wire.bundle(M, CODE, raw_entry(2, b"", b"x")),
    "path longer than the bundle":
        wire.bundle(M, CODE, raw_entry(2, b"a", b"", path_len=65535)),
    "data longer than the bundle":
        wire.bundle(M, CODE, raw_entry(2, b"a", b"", data_len=0xffffffff)),
    "sum of lengths wraps":
        wire.bundle(M, CODE, raw_entry(2, b"a", b"", path_len=65535,
                                       data_len=0xffffffff - 65534)),
    "more entries than said": wire.bundle(M, CODE, file("a"), count=2),
    "fewer entries than said": wire.bundle(M, CODE, count=3),
    "a million entries": wire.bundle(M, CODE, count=1000000),
    "all ones as count": wire.bundle(M, CODE, count=0xffffffff),
    "unknown kind": wire.bundle(M, CODE, raw_entry(9, b"a", b"")),
    "kind of an answer": wire.bundle(M, CODE, raw_entry(2, b"a", b"",
                                                        status=1)),
    "collect with data": wire.bundle(M, CODE, raw_entry(3, b"a", b"xx")),
    "more files than inodes": wire.bundle(M, CODE, *(
        file(f"d{i}/{'x' * 100}") for i in range(4090))),
    "components of 255 and more": wire.bundle(M, CODE, file("x" * 256)),
    "very deep": wire.bundle(M, CODE, file("/".join(["d"] * 200))),
    "wrong magic": b"PCB2" + wire.bundle(M, CODE)[4:],
    "a ZIP": b"PK\3\4" + bytes(100),
    "half a head": b"PCB1\1",
}
FINE = {"very deep"}  # may be unpacked; then the program runs


@pytest.mark.parametrize("name", BUNDLES)
def test_design_unpacker(world, name):
    result = wire.job(world.supervisor(), BUNDLES[name])
    if name in FINE and result.outcome == "exited":
        assert result.stdout == "ran\n", result
    else:
        assert result.outcome == "refused", result
        assert "\n" not in result.error and "\0" not in result.error, result
        assert result.stdout == "", result


def test_design_unpacker_of_random_bytes(world):
    """A good bundle with some bytes changed: refused, or what it says."""
    rng = random.Random(20240229)
    good = wire.bundle(M, CODE, file("a/b", b"y" * 40),
                       wire.entry(wire.COLLECT, "a/b", b""))
    supervisor = world.supervisor()
    seen = set()
    for _ in range(60):
        data = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(4, len(data))] = rng.choice(
                (0, 1, 0x2f, 0x2e, 0xff, rng.randrange(256)))
        result = wire.job(supervisor, bytes(data))
        seen.add(result.outcome)
        assert result.outcome in ("refused", "exited", "error"), result
        assert "posture" not in result.error and \
            "jail-init died" not in result.error, result
    assert "refused" in seen
    assert wire.job(supervisor, good).stdout == "ran\n"


def test_design_control_unpacker_path_check(world):
    """Without its checks of paths a name that goes up is used as it is; the
    jail's read-only root is then what holds it."""
    data = wire.bundle(M, file("solution.py", b"import os\n"
                               b"print(open('/tmp/up').read())"),
                       file("../tmp/up", b"was here"))
    good = wire.job(world.supervisor(), data)
    assert good.outcome == "refused" and "up" not in good.stdout, good
    bad = wire.job(world.supervisor("unpack"), data)
    assert bad.stdout == "was here\n", bad
    outside = wire.bundle(M, CODE, file("../etc/up", b"was here"))
    assert wire.job(world.supervisor("unpack"), outside).outcome == "refused"


# ---- collect ----------------------------------------------------------------


def test_design_collect_races(jail, profile, host):
    """Those who swap files are dead before the first is looked at."""
    for _ in range(5):
        with host.unchanged():
            run = jail(profile).run("design_race.py", collect=[
                "result", "d/result", "e/result", "link/os-release",
                "link/result"])
        assert run.attempts["racers"] == ("done", "4"), run
        for entry in run.files.values():
            assert entry["status"] in ("ok", "not_regular", "missing"), run
            if entry["status"] == "ok":
                assert entry["content"] == "mine", entry


def test_design_control_collect_links(loose):
    """Opened by name, a link's target comes back sooner or later."""
    jail = loose("strict", "collect")
    wait_for(lambda: jail.run("design_race.py", collect=[
        "result", "other", "d/result", "e/result"]).files.values(),
        lambda files: any(f["status"] == "ok" and f.get("content") != "mine"
                          for f in files), seconds=60)


# ---- the control socket -----------------------------------------------------


def kill_message(job_id, reason=5):
    return wire.head(10, 64) + job_id.encode().ljust(40, b"\0") + \
        struct.pack("<II", reason, 0)


def test_design_socket_nobody_kills_anothers_job(world):
    supervisor = world.supervisor()
    job_id = str(uuid.uuid4())
    with Live(supervisor, "strict", job_id=job_id) as live:
        with supervisor.connect() as other:
            other.send(kill_message(job_id))
            other.send(struct.pack("<HHIIHH", 1, 1, 16, 1, 0, 0))
            assert other.recv(512)  # it was read before this
        assert live("1 + 1") == 2
        # Nor is its id taken by a second job while it runs.
        twin = wire.job(supervisor, wire.program("print(1)"), job_id=job_id)
        assert twin.outcome == "refused" and "job_id" in twin.error, twin
        live.sock.send(kill_message(job_id))
        wait_for(lambda: supervisor.job_pids() & set(live.host_pids),
                 lambda left: not left)
        live.finish()
        assert live.done.reason == "cancelled", live.done


def test_design_socket_is_not_in_a_jail(world, profile):
    """No path leads to it; the only other way would be an fd."""
    supervisor = world.supervisor()
    with Live(supervisor, profile) as live:
        live("import os, stat, subprocess")
        assert live("[f for f in range(256) if os.path.exists(f'/proc/self/"
                    "fd/{f}') and stat.S_ISSOCK(os.fstat(f).st_mode)]") == []
        assert live("subprocess.run(['find', '/', '-path', '/proc', '-prune', "
                    "'-o', '-type', 's', '-print'], capture_output=True)"
                    ".stdout.decode()") == ""


# ---- the seccomp listener ---------------------------------------------------


def test_design_listener_under_flood(world):
    """A job that makes refused calls as fast as it can neither holds up the
    supervisor nor another job's calls, and can be ended at once."""
    supervisor = world.supervisor()
    flood = supervisor.popen("permissive", "design_denied.c")
    wait_for(lambda: len(supervisor.job_pids()), lambda n: n >= 2)
    time.sleep(0.5)  # let it get going; nothing depends on how far
    answers, took = [], []
    for _ in range(10):
        began = time.monotonic()
        supervisor.hello()
        answers.append(time.monotonic() - began)
    for _ in range(3):
        run = supervisor.run("strict", "design_denied.c", argv=["once"])
        assert run.attempts["unshare"] == ("blocked", "EPERM"), run
        assert run.denials_total == 1, run.denials
        took.append(int(run.attempts["took"][1]))
    flood.terminate()  # the client goes, and so does the job
    wait_for(supervisor.job_pids, lambda pids: not pids, seconds=20)
    flood.wait(timeout=escape.slow(30))
    for stream in flood.streams:
        stream.close()
    # Not the slowest, whose client may have waited for a processor.
    assert sorted(answers)[5] < escape.slow(2), answers
    assert sorted(took)[1] < escape.slow(2000000), took


def test_design_listener_goes_with_the_job(own, host):
    """Killed while threads wait for an answer: nothing hangs, all counted."""
    supervisor = own(slots=8, options=escape.NONE_READY).start()
    for _ in range(3):
        run = supervisor.run("standard", "design_denied.c",
                             limits={"timeout": escape.slow(1)})
        assert run.outcome == "timeout", run
        assert run.denials_total > 0 and "flood" in run.done(), run
        assert run.audit["denials"]["total"] == run.denials_total
    wait_for(lambda: supervisor.hello()["free"], lambda free: free == 8)
    wait_for(lambda: [f for f in host.fds(supervisor.process.pid).values()
                      if "seccomp" in f], lambda left: not left)


# ---- slots ------------------------------------------------------------------


def test_design_slot_used_again(one_slot, profile):
    """All that a job leaves is gone for the next one of the same slot, uid and
    cgroup."""
    left = one_slot.run(profile, "design_residue.py", argv=["leave"])
    assert "leave" in left.done(), left
    assert left.usage["memory_peak_bytes"] > 100 << 20, left.usage
    for _ in range(2):
        run = one_slot.run(profile, "design_residue.py", argv=["scan"])
        assert not run.done() and len(run.blocked()) >= 15, run
        # Nor is it charged for what went before.
        assert run.usage["memory_peak_bytes"] < 60 << 20, run.usage
        assert run.usage["pids_peak"] < 10, run.usage
        assert run.reason != "memory" and run.outcome == "completed", run


def test_design_control_slot_processes_and_locks(plain):
    """Where nothing ends with the program, the same scan finds it."""
    plain("ids").run("design_residue.py", argv=["leave"])
    ours = {int(p) for p in os.listdir("/proc") if p.isdigit() and
            b"design_residue.py\0leave" in cmdline(p)}
    try:
        run = plain("ids").run("design_residue.py", argv=["scan"])
        assert names("processes lock files-/tmp files-/dev/shm") <= \
            run.done(), run
    finally:
        for pid in ours:
            os.kill(pid, 9)
        subprocess.run(["/usr/bin/ipcrm", "-M", "0x50434a31"], check=True)
        for place in ("/tmp", "/dev/shm"):
            for path in Path(place).glob("promptcraft-residue*"):
                subprocess.run(["rm", "-rf", path], check=True)


def cmdline(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_design_slots_have_uids_of_their_own(world):
    """Of all jobs at one time, also of two supervisors."""
    other = escape.Supervisor(world.dir / "uids", slots=4).start()
    lives = []
    try:
        lives = [Live(supervisor, "strict")
                 for supervisor in [world.supervisor()] * 4 + [other] * 4]
        uids = [os.stat(f"/proc/{pid}").st_uid for live in lives
                for pid in live.host_pids]
        assert len(uids) == len(set(uids)) == 16, uids
        assert min(uids) >= 0x70000000
    finally:
        for live in lives:
            live.finish()
        other.stop()


# ---- two jails side by side -------------------------------------------------

BESIDE = """
import ctypes, errno, os, socket
libc = ctypes.CDLL(None, use_errno=True)
held = []
def listen(family, address):
    sock = socket.socket(family)
    sock.bind(address)
    sock.listen()
    held.append(sock)
def connect(family, address):
    sock = socket.socket(family)
    sock.settimeout(5)
    sock.connect(address)
def sendto(address):
    socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(
        b'x', address)
def call(nr, *args):
    if libc.syscall(nr, *args) < 0:
        raise OSError(ctypes.get_errno(), '')
"""


def test_design_two_jails_of_one_policy(world, profile):
    """What one holds open the other cannot reach, by any way there is."""
    supervisor = world.supervisor()
    with Live(supervisor, profile) as a, Live(supervisor, profile) as b:
        for one in (a, b):
            one(BESIDE)
        if profile != "strict":
            a("listen(socket.AF_UNIX, '\\0beside')")
            a("listen(socket.AF_UNIX, '/tmp/beside')")
            a("connect(socket.AF_UNIX, '\\0beside')")
            assert b.error("connect(socket.AF_UNIX, '\\0beside')") == \
                "ECONNREFUSED"
            assert b.error("connect(socket.AF_UNIX, '/tmp/beside')") == \
                "ENOENT"
        assert b.error("sendto('\\0beside')") == "ECONNREFUSED"
        if profile == "permissive":
            a("listen(socket.AF_INET, ('127.0.0.1', 47200))")
            a("connect(socket.AF_INET, ('127.0.0.1', 47200))")
            assert b.error("connect(socket.AF_INET, ('127.0.0.1', 47200))") \
                == "ECONNREFUSED"
            b("listen(socket.AF_INET, ('127.0.0.1', 47200))")
        a("os.mkfifo('/tmp/fifo')")
        a("fd = os.open('/dev/shm/seg', os.O_CREAT | os.O_RDWR)")
        for path in ("/tmp/fifo", "/dev/shm/seg", "/dev/shm/sem.seg"):
            assert b.error(f"os.stat({path!r})") == "ENOENT"
        pid = a.payload_pid()[0]
        for nr, arguments in ((101, f"16, {pid}, 0, 0"),
                              (310, f"{pid}, 0, 0, 0, 0, 0"),
                              (438, "0, 0, 0"), (312, f"{pid}, 1, 0, 0, 0"),
                              (250, "0, -3, 0"), (29, "1, 1, 0"),
                              (248, "b'user', b'x', 0, 0, -3"),
                              (240, "b'x', 0, 0, 0")):
            assert b.error(f"call({nr}, {arguments})") in ("EPERM", "ENOSYS")
        for name in ("mem", "fd", "root", "environ", "ns/net"):
            assert b.error(f"os.stat('/proc/{pid}/{name}')") == "ENOENT"
        # Namespaces: not one in common.
        kinds = "user pid mnt net ipc uts cgroup".split()
        links = [{k: os.readlink(f"/proc/{one.payload_pid()[0]}/ns/{k}")
                  for k in kinds} for one in (a, b)]
        assert all(links[0][k] != links[1][k] for k in kinds), links


# ---- what is told -----------------------------------------------------------


def root_of(path):
    """What mountinfo calls the root of a bind mount of this path: its place in
    the filesystem that it is on."""
    root, point = "/", "/"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        if len(fields[4]) >= len(point) and path.is_relative_to(fields[4]):
            root, point = fields[3:5]
    return os.path.normpath(f"{root.rstrip('/')}/{path.relative_to(point)}")


def test_design_told_of_the_host(jail, profile):
    """The exact list, so that an addition is noticed.  docs/SECURITY.md has
    it: host paths of the mounts, devices of the disks, sizes."""
    run = jail(profile).run("design_tells.py")
    told = {n: text for n, (_, text) in run.attempts.items()}
    roots = set(told["mount-roots"].split(","))
    points = set(told["mount-points"].split(","))
    assert told["hostname"] == "jail" and told["cgroup"] == "/", told
    assert told["environment"] == \
        "HOME,LANG,LOGNAME,PATH,PWD,SHELL,TERM,TMPDIR,TZ,USER", told
    # The one host path that is not the policy's: the runtime's folder.
    known = {"/", root_of(BUILD / "runtimes" / "python"), *points,
             *(p[4:] for p in points if p.startswith("/dev/"))}
    assert roots <= known, roots - known
    assert names("proc tmpfs") <= set(told["mount-types"].split(",")), told
    # Memory, load and disk of the host, by sysinfo() and statfs().
    assert len(told["sysinfo"].split()) == 4, told


def test_design_control_told_root_directory(plain):
    run = plain("ids").run("design_tells.py")
    assert run.attempts["hostname"][1] == socket.gethostname(), run
    assert len(run.attempts["mount-points"][1]) > 0, run
    assert run.attempts["cgroup"][1] != "" and "/work" not in \
        run.attempts["mount-points"][1].split(","), run


# ---- all at once ------------------------------------------------------------


def test_design_many_jails_at_once(world, profile):
    """Each does its own: nobody's output, files or end is another's."""
    supervisor = world.supervisor()

    def one(number):
        code = (f"import os\nopen('mine', 'w').write('{number}')\n"
                f"print({number}, os.listdir('.').count('mine'))")
        for _ in range(50):
            result = wire.job(supervisor, wire.program(
                code, wire.entry(wire.COLLECT, "mine", b"")), policy=profile)
            if "slots are in use" not in result.error:
                return result
            time.sleep(0.1)
        return result

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = list(pool.map(one, range(40)))
    for number, result in enumerate(results):
        assert result.stdout == f"{number} 1\n", result
    assert threading.active_count() < 50


# ---- what is lent -----------------------------------------------------------


LENT = """
import errno, mmap, os
def change(path):
    tries = {
        'write': lambda: os.open(path, os.O_WRONLY),
        'truncate': lambda: os.truncate(path, 0),
        'chmod': lambda: os.chmod(path, 0o777),
        'chown': lambda: os.chown(path, os.getuid(), -1),
        'utime': lambda: os.utime(path),
        'rename': lambda: os.rename(path, path + '.old'),
        'unlink': lambda: os.unlink(path),
        'link': lambda: os.link(path, '/tmp/link'),
        'create': lambda: os.open(path + '.new', os.O_CREAT | os.O_WRONLY),
        'setxattr': lambda: os.setxattr(path, 'user.x', b'x'),
    }
    done = []
    for name, step in tries.items():
        try:
            step()
            done.append(name)
        except OSError as error:
            if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM,
                                   errno.EXDEV, errno.ENOSYS, errno.EINVAL):
                done.append(f'{name}: {error}')
    return done
"""


def test_design_lent_files_cannot_be_changed(world, profile):
    """The job's manifest, the harness, programs, the loader's cache, devices.
    Nor is reading them noted anywhere (atime)."""
    with Live(world.supervisor(), profile) as live:
        live(LENT)
        for path in ("/run/job", "/opt/runtime/harness.py", "/usr/bin/true",
                     "/usr/lib/os-release", "/etc/ld.so.cache"):
            before = os.stat(path).st_atime_ns if not path.startswith(
                ("/run/", "/opt/")) else None
            assert live(f"change({path!r})") == [], path
            live(f"len(open({path!r}, 'rb').read())")
            if before is not None:
                assert os.stat(path).st_atime_ns == before, path
        # A device is there to be written to, and for nothing else.
        mode = os.stat("/dev/null").st_mode
        assert live("change('/dev/null')") == ["write"]
        assert os.stat("/dev/null").st_mode == mode


def test_design_control_lent_read_only_mounts(world):
    """A folder that anybody may write, lent without the two: written to."""
    results = {}
    for loose in (("mounts-ro", "landlock"), ()):
        place = world.dir / f"lent-{len(loose)}"
        runtimes = place / "runtimes"
        runtimes.parent.mkdir(mode=0o755)
        subprocess.run(["cp", "-r", BUILD / "runtimes", runtimes], check=True)
        (runtimes / "python").chmod(0o777)
        supervisor = escape.Supervisor(place / "s", set(loose) | {"gate"}
                                       if loose else (),
                                       runtime_dir=runtimes).start()
        try:
            with Live(supervisor, "strict") as live:
                live(LENT)
                results[loose] = live("change('/opt/runtime/x')") + \
                    sorted(p.name for p in (runtimes / "python").glob("x*"))
        finally:
            supervisor.stop()
    assert "x.new" in results[("mounts-ro", "landlock")], results
    assert "x.new" not in results[()], results
