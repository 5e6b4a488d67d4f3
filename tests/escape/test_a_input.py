# SPDX-License-Identifier: Apache-2.0
"""Rows A12-A18: what a client, an archive or an API process that was taken
over can say."""

import contextlib
import fcntl
import json
import os
import random
import re
import shlex
import signal
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
from escape import BUILD, OWN_MOUNTS, PROFILES, wait_for
from test_a_setup import all_blocked
from test_supervisor import hello_as
from wire import FILE, MANIFEST, bundle, entry, job, manifest, program

# ---- A12: does it exist? -----------------------------------------------------

# There on this host, and the like that is nowhere.
PAIRS = [("/etc/passwd", "/etc/nope"), ("/etc/shadow", "/etc/nope2"),
         ("/etc/ssl", "/etc/nope3"), ("/root", "/nope"),
         ("/root/.bashrc", "/nope/x"), ("/home", "/nope4"),
         ("/var/lib/dpkg/status", "/var/lib/nope"), ("/sys/kernel", "/nope5"),
         ("/usr/local/bin", "/usr/nope"), ("/usr/share/doc", "/usr/share/x"),
         ("/dev/kmsg", "/dev/nope"), ("/dev/console", "/dev/nope2"),
         ("/proc/sys/kernel/osrelease", "/proc/nope"),
         ("/proc/meminfo", "/proc/nope2"), ("/proc/1/status", "/proc/999999"),
         ("/boot", "/nope6"), ("/tmp/../root/.profile", "/tmp/../nope/x")]
ORACLE = {"open", "stat", "lstat", "access", "chdir", "exec", "readlink",
          "mkdir_in", "link", "truncate", "statfs", "listxattr"}


def oracle_args(pairs):
    return [",".join(a for a, _ in pairs), ",".join(b for _, b in pairs)]


def test_a12_absent_and_hidden_look_alike(jail, profile):
    all_blocked(jail(profile).run("a12_oracle.py", argv=oracle_args(PAIRS)),
                ORACLE)


def test_a12_control_own_root(plain):
    """In the host's own tree an unprivileged program learns what is there."""
    pairs = [("/etc/shadow", "/etc/nope"), ("/etc/passwd", "/etc/nope2")]
    run = plain("ids", "caps").run("a12_oracle.py", argv=oracle_args(pairs))
    assert {"open", "stat", "access"} <= run.done(), run


# ---- A13: kinds of mounts ----------------------------------------------------

MOUNTS = [
    "TemporaryFileSystem=/work:size=1M,nr_inodes=9,type=overlay",
    "TemporaryFileSystem=/work:size=1M,nr_inodes=9,exec,suid",
    "TemporaryFileSystem=/work:size=1M,nr_inodes=9,mode=0700,dev",
    "TemporaryFileSystem=proc:/x", "TemporaryFileSystem=/proc:size=1M",
    "BindReadOnlyPaths=/usr/bin:/x:rw", "BindReadOnlyPaths=/usr/bin:/x:rbind",
    "BindReadOnlyPaths=overlay:/x", "BindReadOnlyPaths=tmpfs:/x:noexec",
    "BindReadOnlyPaths=/proc:/x", "BindReadOnlyPaths=/sys/fs/cgroup:/x",
    "BindReadOnlyPaths=/dev/mem", "BindReadOnlyPaths=/usr/../root:/x",
    "BindPaths=/usr/bin", "MountImages=/x.img:/x", "RootImage=/x.img",
    "MountAPIVFS=yes", "ProcSubset=all",
    "BindReadOnlyPaths=/usr/bin:/x\x01", "DeviceAllow=/dev/loop0",
    "DeviceAllow=block-loop", "DeviceAllow=/dev/null rwm",
]


@pytest.mark.parametrize("line", MOUNTS)
def test_a13_a_kind_of_mount_that_is_not_there(policies, line):
    key = line.split("=")[0]
    top = policies(f"[Filesystem]\n{line}\n", loosens=key if key in (
        "BindReadOnlyPaths", "TemporaryFileSystem") else None)
    mine = top / "profiles" / "mine.policy"
    done = subprocess.run(
        [BUILD / "promptcraft-policyc", "policy", "--sets", top / "sets",
         mine], capture_output=True, timeout=60)
    number = 1 + mine.read_text().splitlines().index(line)
    assert done.returncode == 1 and done.stdout == b"", done.stderr
    assert f"mine.policy:{number}:" in done.stderr.decode(), done.stderr


def test_a13_control_errors_count(policies, careless_policyc):
    """A compiler that drops its errors takes such a policy."""
    top = policies("[Filesystem]\nBindPaths=/usr/bin\n")
    done = subprocess.run(
        [careless_policyc, "policy", "--sets", top / "sets",
         top / "profiles" / "mine.policy"], capture_output=True, timeout=60)
    assert done.returncode == 0 and len(done.stdout) > 10000, done.stderr


# ---- A14: archives -------------------------------------------------------------

GOOD = entry(FILE, "solution.py", b"print('attempt ran done x')")


def file(path, data=b"x", **fields):
    path = path if isinstance(path, bytes) else path.encode()
    kind, status = fields.get("kind", FILE), fields.get("status", 0)
    return struct.pack("<BBHI", kind, status,
                       fields.get("path_len", len(path)),
                       fields.get("data_len", len(data))) + path + data


SLIPS = ["../escaped", "../tmp/escaped", "a/../../tmp/escaped", "/escaped",
         "/tmp/escaped", "./escaped", "a/./escaped", "a//escaped", "escaped/",
         "a/..", "..", ".", "", "//tmp/escaped", "a/../escaped"]
HOSTILE = {
    **{f"path {path!r}": bundle(manifest(), GOOD, file(path))
       for path in SLIPS},
    **{f"collects {path!r}": bundle(manifest(), GOOD,
                                    file(path, b"", kind=3))
       for path in SLIPS},
    "NUL in a path": bundle(manifest(), GOOD, file(b"a\0b")),
    "newline in a path": bundle(manifest(), GOOD, file("a\nb")),
    "escape in a path": bundle(manifest(), GOOD, file("a\x1b[2Jb")),
    "a symlink": bundle(manifest(), GOOD, file("l", b"/tmp", kind=4)),
    "kind 0": bundle(manifest(), GOOD, file("l", kind=0)),
    "kind 255": bundle(manifest(), GOOD, file("l", kind=255)),
    "a mode for a status": bundle(manifest(), GOOD, file("l", status=4)),
    "status 255": bundle(manifest(), GOOD, file("l", status=255)),
    "a path twice": bundle(manifest(), GOOD, GOOD),
    "a file as directory": bundle(manifest(), GOOD, file("solution.py/x")),
    "a directory as file": bundle(manifest(), GOOD, file("d/x"), file("d")),
    "a path too long": bundle(manifest(), GOOD, file("x" * 256)),
    "a component too long": bundle(manifest(), GOOD, file("x" * 256 + "/y")),
    "more entries than there are": bundle(manifest(), GOOD, count=3),
    "fewer entries than there are": bundle(manifest(), GOOD, count=1),
    "2^32-1 entries": bundle(manifest(), GOOD, count=0xffffffff),
    "a million entries": bundle(*[file("")] * 4, count=1000000),
    "1025 entries": bundle(manifest(), GOOD,
                           *[file(f"f{n}") for n in range(1023)]),
    "path beyond the end": bundle(manifest(), file("x", path_len=65535)),
    "data beyond the end": bundle(manifest(), file("x", data_len=1 << 20)),
    "4 GiB of data": bundle(manifest(), file("x", data_len=0xffffffff)),
    "no entries": bundle(), "not a bundle": b"PK\x03\x04" + bytes(60),
    "another version": b"PCB2" + bundle(manifest(), GOOD)[4:],
    "cut in a head": bundle(manifest(), GOOD)[:-len(GOOD) + 3],
    "cut to the magic": b"PCB1",
    "no manifest": bundle(GOOD), "manifest last": bundle(GOOD, manifest()),
    "two manifests": bundle(manifest(), manifest(), GOOD),
    "manifest with a path": bundle(file("x", b"mode=run\0", kind=MANIFEST),
                                   GOOD),
    "manifest without end": bundle(file("", b"mode=run", kind=MANIFEST),
                                   GOOD),
    "manifest too long": bundle(file("", b"mode=run\0" + b"a" * 65536,
                                     kind=MANIFEST), GOOD),
    "collect with data": bundle(manifest(), GOOD, file("x", b"1", kind=3)),
    "an inode bomb": bundle(manifest(), GOOD, *[
        file(f"{n}/" + "/".join("d" * 1 for _ in range(120)))
        for n in range(1000)]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a14_hostile_archives(jail, name, profile):
    supervisor = jail(profile).supervisor
    done = job(supervisor, HOSTILE[name], policy=profile)
    assert done.outcome == "refused" and "attempt" not in done.stdout, done
    assert "unpack" in done.error or "bundle" in done.error, done
    assert not any(ord(c) < 32 for c in done.error)


def memfd(data=b"", seals=0xf):
    fd = os.memfd_create("x", os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    fcntl.fcntl(fd, 1033, seals)
    return fd


def test_a14_no_file_of_a_client(jail, profile, tmp_path):
    """Whatever could change, block or never end is not even taken."""
    supervisor = jail(profile).supervisor
    good = program("print('attempt ran done x')")
    plain_file = tmp_path / "f"
    plain_file.write_bytes(good)
    big = os.memfd_create("x", os.MFD_ALLOW_SEALING)
    os.truncate(big, 1 << 44)
    fcntl.fcntl(big, 1033, 0xf)
    fds = [memfd(good, 0), memfd(good, 0x8), memfd(good, 0x2), memfd(b""),
           big, os.open(plain_file, os.O_RDONLY), os.pipe()[0],
           socket.socketpair()[0].detach(), os.open("/dev/zero", os.O_RDONLY),
           os.open("/proc/self/mem", os.O_RDONLY),
           os.open("/", os.O_PATH), os.open("/", os.O_RDONLY)]
    for fd in fds:
        with supervisor.connect() as sock:
            wire.send(sock, wire.submit(policy=profile), [fd])
            os.close(fd)
            with pytest.raises(ConnectionResetError):  # it lies unread
                sock.recv(512)
    assert "message with fds" in supervisor.log_text()
    assert job(supervisor, good, policy=profile).outcome == "exited"


def test_a14_what_is_unpacked_is_plain(jail, profile, host):
    """A good archive with a deep tree: regular files, no odd modes."""
    with host.unchanged():
        run = jail(profile).run("a14_look.py", files={
            "a/b/c/" + "d/" * 50 + "f": b"x", "g": b"y"})
    all_blocked(run, {"slip", "modes"})


def test_a14_control_path_check(loose):
    """Paths as they come: the archive writes where it likes in the jail."""
    source = (escape.PROGRAMS / "a14_look.py").read_text()
    done = job(loose("strict", "unpack").supervisor,
               bundle(manifest(), entry(FILE, "solution.py",
                                        source.encode()),
                      file("../tmp/escaped")))
    assert "attempt slip done /tmp/escaped" in done.stdout, done


# ---- A15: what is not a name -----------------------------------------------------

STEMS = ["a;touch pwned", "$(touch pwned)", "`touch pwned`", "a b", "a'b\"c",
         "--help", "-c", "-", "@x", "*", "a&b|c>d", "%s%n", "~", "#x", "!x",
         "\\n", "-fplugin=x", "-o", "[a]", "é", "=x"]
BODIES = {
    ".py": "import os\nprint('attempt ran done', *os.listdir('.'))\n",
    ".sh": "#!/bin/sh\necho attempt ran done *\n",
    ".c": "#include <stdio.h>\nint main(void) { puts(\"attempt ran done c\");"
          " return 0; }\n",
    ".js": "console.log('attempt ran done', "
           "require('fs').readdirSync('.').join(' '))\n",
}
LANGUAGES = {".py": "python", ".sh": "shell", ".c": "c", ".js": "javascript"}


@pytest.mark.parametrize("suffix", BODIES)
def test_a15_file_names(world, suffix, profile):
    """Each is run as what it is: a file of that name."""
    stems = STEMS if suffix != ".c" else STEMS[::3]
    for stem in stems:
        name = stem + suffix
        done = job(world.supervisor(), bundle(
            manifest(("mode", "run"), ("code", name)),
            entry(FILE, name, BODIES[suffix].encode())),
            runtime=LANGUAGES[suffix], policy=profile)
        assert done.stdout.startswith("attempt ran done"), (name, done)
        assert " pwned" not in done.stdout.replace("touch pwned", ""), done


ARGS = ["", " ", ";touch pwned", "$(touch pwned)", "`id`", "--help", "-c",
        "a\nb", "\t", "'", '"', "\\", "*", "${HOME}", "é", "%n", "x" * 4000,
        "--", "&&", "|", ">pwned", "\x1b[31m", "key=value"]


def test_a15_arguments_arrive_as_they_are(jail, profile):
    run = jail(profile).run("a15_echo.py", argv=ARGS)
    said = json.loads(run.stdout)
    assert said["argv"] == ARGS
    assert said["files"] == ["a15_echo.py"]


EVIL_ENV = {"LD_PRELOAD": "/work/x.so", "PYTHONPATH": "/work", "EVIL": "1",
            "PYTHONSTARTUP": "/work/x", "NODE_OPTIONS": "--require /work/x",
            "BASH_ENV": "/work/x", "ENV": "/work/x", "IFS": "x",
            "PATH": "/work:/usr/bin:/usr/sbin:/bin:/sbin",
            "GCC_EXEC_PREFIX": "/work/", "LD_LIBRARY_PATH": "/work"}
JAIL_ENV = ["HOME", "LANG", "LOGNAME", "PATH", "PWD", "SHELL", "TERM",
            "TMPDIR", "TZ", "USER"]


@pytest.mark.all_profiles
def test_a15_the_supervisors_environment_stays_out(own, monkeypatch):
    for name, value in EVIL_ENV.items():
        if not name.startswith("LD_"):
            monkeypatch.setenv(name, value)
    supervisor = own().start()
    for profile in PROFILES:
        said = json.loads(supervisor.run(profile, "a15_echo.py").stdout)
        assert said["env"] == JAIL_ENV


MANIFESTS = [
    [("mode", "evil"), ("code", "solution.py")], [("mode", "run")],
    [("code", "solution.py")], [("mode", "run"), ("code", "../tmp/x")],
    [("mode", "run"), ("code", "/opt/runtime/harness.py")],
    [("mode", "run"), ("mode", "test"), ("code", "solution.py")],
    [("mode", "run"), ("code", "solution.py"), ("code", "x.py")],
    [("mode", "test"), ("code", "solution.py")],
    [("mode", "run"), ("code", "nothing.py")], [("", "")],
    [("mode=run", "x")], [("mode", "run"), ("code", "x" * 5000)],
]


@pytest.mark.parametrize("number", range(len(MANIFESTS)))
def test_a15_manifests_that_make_no_sense(world, number, profile):
    """The harness, which is ours, refuses them: nothing of it runs."""
    for runtime in LANGUAGES.values():
        done = job(world.supervisor(),
                   bundle(manifest(*MANIFESTS[number]), GOOD),
                   policy=profile, runtime=runtime)
        assert "attempt ran" not in done.stdout, (runtime, done)
        assert done.outcome in ("refused", "exited", "error"), done
        assert done.done.exit_code != 0 or done.outcome != "exited", done


NAMES = ["strict;id", "strict\n", "strict ", "--help", "../strict", "strict/",
         "/etc/passwd", "strict\x1b[2J", "STRICT", "%s", "", "..",
         "strict.policy", "a" * 32]


@pytest.mark.parametrize("field", ["policy", "runtime", "job_id", "workflow"])
def test_a15_fields_of_a_request(world, field):
    """Nothing but a name of the list, a UUID, a word; and no line of a log
    or record is ever more than one."""
    supervisor = world.supervisor()
    before = len(supervisor.log_text().splitlines())
    for name in NAMES:
        if field == "workflow" and name in ("", "STRICT", "a" * 32):
            continue  # harmless words
        if field == "job_id" and name == "":
            name = "x"
        if len(name) == 32 and field in ("policy", "runtime"):
            with pytest.raises(ConnectionError):  # without its NUL
                job(supervisor, program("pass"), **{field: name})
            continue
        done = job(supervisor, program("print('attempt ran done')"),
                   **{field: name.encode()})
        assert done.outcome == "refused", (name, done)
        assert done.error.startswith(field)
    actor = b'x"}\n{"seq":1,"type":"job"}\n\x1b[31m\xff'
    done = job(supervisor, program("pass"), actor=actor)
    assert done.outcome in ("exited", "refused")
    lines = supervisor.log_text().splitlines()[before:]
    assert all(line.startswith("<") and line.isascii() for line in lines)
    assert "\x1b" not in "".join(lines)
    supervisor.records()  # each line is one JSON object


def test_a15_control_a_shell_in_between(plain, tmp_path):
    """The same names do harm as soon as a shell reads them."""
    script = tmp_path / "a15.sh"
    script.write_text("\n".join(
        f"sh -c 'echo '{shlex.quote(stem + '.py')} >/dev/null 2>&1 || true"
        for stem in STEMS[:3]) + "\n[ -e pwned.py ] || [ -e pwned ] && "
        "echo attempt shell done pwned\n")
    run = plain("none").run(str(script))
    assert run.done() == {"shell"}, run


# ---- A16: the socket ------------------------------------------------------------

CEILINGS = {"strict": (256, 64, 100), "standard": (512, 128, 200),
            "permissive": (1024, 256, 400)}
GREED = [dict(memory=3 << 30, pids=2000, cpu=6400, wall_ms=86400000,
              output=1 << 30),
         dict(memory=2**64 - 1, pids=2**32 - 1, cpu=2**32 - 1,
              wall_ms=2**64 - 1, output=2**64 - 1),
         dict(memory=2**63, pids=2**31, cpu=2**31, wall_ms=2**63,
              output=2**63)]


@pytest.mark.parametrize("number", range(len(GREED)))
def test_a16_limits_are_clamped(world, profile, number):
    supervisor = world.supervisor()
    done = job(supervisor, program("print('attempt ran done')"),
               policy=profile, **GREED[number])
    memory, pids, cpu = CEILINGS[profile]
    assert done.outcome == "exited", done
    assert done.limits["memory"] == memory << 20
    assert (done.limits["pids"], done.limits["cpu"]) == (pids, cpu)
    assert done.limits["wall_ms"] <= 300000
    assert done.limits["output"] <= 16 << 20


def test_a16_control_clamp(loose):
    done = job(loose("strict", "clamp").supervisor, program("pass"),
               **GREED[0])
    assert done.limits["memory"] == 3 << 30 and done.limits["pids"] == 2000


def test_a16_any_bytes(world, profile):
    """Frames that were right but for some bytes; half of them are jobs."""
    supervisor, rng = world.supervisor(), random.Random(profile)
    good = program("pass")
    for _ in range(400):
        message = bytearray(wire.submit(policy=profile))
        for _ in range(rng.randint(1, 12)):
            message[rng.randrange(len(message))] = rng.choice(
                (0, 1, 0x7f, 0x80, 0xff, rng.randrange(256)))
        message = message[:rng.choice((len(message), rng.randrange(272)))]
        message += bytes(rng.choice((0, 0, 0, rng.randrange(300))))
        with supervisor.connect() as sock, contextlib.suppress(OSError):
            if rng.random() < .7:
                wire.post(sock, bytes(message), good)
            else:
                sock.send(bytes(message))
            if rng.random() < .3:
                sock.settimeout(5)
                wire.Job(sock)
    assert supervisor.hello()["ready"] == 1
    wait_for(lambda: supervisor.hello()["free"], lambda free: free == 8, 60)


def kept_fds(supervisor, name):
    """Fds of the memfd of that name that the supervisor still holds."""
    found = []
    for fd in Path(f"/proc/{supervisor.process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if f"memfd:{name}" in os.readlink(fd):
                found.append(fd.name)
    return found


def test_a16_thousands_of_fds(world):
    """As many as one message can carry, where one or none belongs."""
    supervisor = world.supervisor()
    many = os.memfd_create("one-of-many")
    for message in (wire.submit(), wire.head(wire.HELLO, 16),
                    wire.submit(nfds=253), wire.submit(nfds=0), b"x"):
        for _ in range(20):
            with supervisor.connect() as sock, contextlib.suppress(OSError):
                wire.send(sock, message, [many] * 253)
    os.close(many)
    wait_for(lambda: not kept_fds(supervisor, "one-of-many"))


def test_a16_peers_that_die(world, profile):
    """At once, after half of their job, and without ever reading."""
    supervisor = world.supervisor()
    data = program("import time; time.sleep(60)")
    for number in range(40):
        sock = supervisor.connect()
        wire.post(sock, wire.submit(policy=profile), data)
        if number % 4 == 0:
            sock.recvmsg(512, 512)
        if number % 3 == 0:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_WR)
        sock.close()
    wait_for(lambda: supervisor.hello()["free"], lambda free: free == 8, 60)
    wait_for(supervisor.job_pids, lambda pids: not pids)


def test_a16_another_peers_job(world, profile):
    """A connection can neither end nor name what another one began."""
    supervisor, job_id = world.supervisor(), str(uuid.uuid4())
    # The first stays until its stdin is received and closed.
    data = program("import sys; sys.stdin.read(); print('alive')")
    with supervisor.connect() as one, supervisor.connect() as two:
        wire.post(one, wire.submit(job_id=job_id, policy=profile), data)
        wait_for(supervisor.job_pids)
        for _ in range(20):
            two.send(wire.head(10, 64) + job_id.encode().ljust(40, b"\0") +
                     struct.pack("<II", 5, 0))
        wire.post(two, wire.submit(job_id=job_id, policy=profile), data)
        second = wire.Job(two)
        first = wire.Job(one)
    assert first.stdout == "alive\n" and first.outcome == "exited", first
    assert second.outcome == "refused" and "job_id" in second.error


def test_a16_only_root_and_the_api_may_connect(world):
    supervisor = world.supervisor()
    assert hello_as(escape.CLIENT_UID, supervisor.socket) == 0
    os.chmod(supervisor.socket, 0o666)
    assert hello_as(61235, supervisor.socket) == 1
    os.chmod(supervisor.socket, 0o600)


def test_a16_control_peer_uid(loose):
    supervisor = loose("strict", "client-uid").supervisor
    os.chmod(supervisor.socket, 0o666)
    assert hello_as(61235, supervisor.socket) == 0


# ---- A17: ids that are paths ------------------------------------------------------

IDS = ["..", "../../x", "/", "a/b", "....//....//", "0" * 36,
       "00000000-0000-0000-0000-00000000000/", "../00000-0000-0000-0000-"
       "000000000000", "00000000-0000-0000-0000-00000000000\n"]


def only_slots(supervisor):
    """No cgroup has a name but a slot's; on v2 they come and go."""
    tops = (supervisor.state / "cgroups").read_text().split()
    names = {entry.name for top in tops for entry in os.scandir(top)
             if entry.is_dir()}
    return all(re.fullmatch(r"slot-\d+", name) for name in names)


def test_a17_job_ids(world, profile):
    supervisor = world.supervisor()
    for name in IDS:
        done = job(supervisor, program("pass"), job_id=name, policy=profile)
        assert done.outcome == "refused" and done.error.startswith("job_id")
        done = job(supervisor, program("pass"), workflow=name + "/",
                   policy=profile)
        assert done.outcome == "refused"
    assert only_slots(supervisor)


def test_a17_control_request_check(loose):
    """Unchecked it is taken; even then no name is made of it."""
    supervisor = loose("strict", "request").supervisor
    done = job(supervisor, program("pass"), job_id="../../x")
    assert done.outcome == "exited"
    assert only_slots(supervisor)


# ---- A18: pids that come again -----------------------------------------------------

BYSTANDERS = """
mount -t proc proc /proc
if [ "$SMALL" = 1 ]; then echo 500 >/proc/sys/kernel/pid_max; fi
cat >bystander <<'END'
while :; do
	sh -c 'sleep 0.02' || echo "killed $?" >>killed
	echo x >>alive
done
END
for n in 1 2 3; do sh bystander & done
"""


def has_own_pid_max():
    """A limit for each PID namespace: Linux 6.14."""
    major, minor = os.uname().release.split(".")[:2]
    return (int(major), int(minor)) >= (6, 14)


def crowded(own, tmp_path):
    """A supervisor in a PID namespace of 500 numbers, with bystanders that
    use them up; and the directory where they tell who was killed."""
    place = tmp_path / "crowd"
    place.mkdir()
    small = "1" if has_own_pid_max() else "0"
    return own(prefix=(
        "unshare", "-p", "-f", *OWN_MOUNTS,
        f"cd {place}; SMALL={small}; {BYSTANDERS}")).start(), place


@pytest.mark.all_profiles
def test_a18_no_signal_hits_a_reused_pid(own, tmp_path):
    """Jobs end, time out and are cancelled while numbers come round again;
    nobody else is ever hit, because signals go to pidfds."""
    supervisor, place = crowded(own, tmp_path)
    stop = time.monotonic() + 6
    outcomes = set()

    def work(profile):
        while time.monotonic() < stop:
            done = job(supervisor, program(
                "import os, time\n"
                "for _ in range(100):\n"
                "    pid = os.fork()\n"
                "    if pid == 0: os._exit(0)\n"
                "    os.waitpid(pid, 0)\n"
                "time.sleep(0.1)"), policy=profile, wall_ms=300)
            outcomes.add(done.outcome)

    threads = [threading.Thread(target=work, args=(p,))
               for p in PROFILES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes & {"exited", "timeout"}
    wait_for(lambda: len((place / "alive").read_text().split()),
             lambda turns: turns > 30)
    assert not (place / "killed").exists()


def test_a18_cycling_pids(jail, profile, host):
    with host.unchanged():
        run = jail(profile).run("a18_pids.c", argv=["1"])
    assert run.done() == {"cycle"}, run


def test_a18_control_cannot_be_shown(jail, cannot_show):
    cannot_show("a pid cannot be made to come again between two lines of a "
                "program; that no signal goes to a number is read from the "
                "sources")
    run = jail("strict").run("a18_pids.c", argv=["1"])
    assert run.done() == {"cycle"}, run


def test_a18_no_signal_goes_to_a_number():
    """In the supervisor only to its own unreaped compiler and prober."""
    calls = []
    for path in sorted((escape.REPO / "supervisor").glob("*.c")):
        for line in path.read_text().splitlines():
            code = line.strip()
            if any(word in code for word in (" kill(", "\tkill(", "(kill(",
                                             ")kill(", "tgkill")):
                if not code.startswith("*"):
                    calls.append((path.name, code))
    assert {name for name, _ in calls} <= {"policyc.c", "gate_filter.c"}, \
        calls


def test_a18_a_stale_cgroup_is_emptied_by_pidfd(own):
    """What a killed supervisor left alive ends with the next start."""
    supervisor = own().start()
    tops = [Path(top) for top in
            (supervisor.state / "cgroups").read_text().split()]
    supervisor.stop(signal.SIGKILL)
    slot = tops[0] / "slot-0"
    slot.mkdir(exist_ok=True)
    left = subprocess.Popen(["sleep", "300"])
    (slot / "cgroup.procs").write_text(str(left.pid))
    supervisor.start()
    assert left.wait(timeout=escape.slow(60)) == -signal.SIGKILL
