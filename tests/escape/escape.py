# SPDX-License-Identifier: Apache-2.0
"""The frame of the escape suite: run an attack in the product's jail, in the
product less some controls, or with no product at all; and look from outside.

    run = world.jail("strict").run("a01_fds.py", argv=["x"])
    run = world.loose("strict", "fds").run("a01_fds.py")
    run = world.plain("netns", "nnp").run("b08_sockets.c")
    run.attempts == {"open /dev/mem": ("blocked", "EACCES")}

An attack prints one line for each thing it tried:

    attempt NAME blocked ERRNO_OR_REASON
    attempt NAME done DETAIL

NAME has no blank.  The controls of loose() are listed in loosen.c (policy),
loosen_init.c (PID 1 and payload) and loosen_supervisor.c.
"""

import contextlib
import functools
import hashlib
import json
import math
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path

from promptcraft import is_standby, whole_lines

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
BUILD = Path(os.environ.get("PROMPTCRAFT_BUILD",
                            REPO / "build" / "release")).resolve()
PROGRAMS = HERE / "programs"
PROFILES = ("strict", "standard", "permissive")
# As tests/integration/promptcraft.py: more than 1 on an emulated processor.
SLOWNESS = float(os.environ.get("PROMPTCRAFT_SLOW_MACHINE", "1"))
CLI = BUILD / "promptcraft"
CLIENT_UID = 61234  # beside root, who may connect

# What the gate would see: with these the gate is off as well.
SEEN_BY_GATE = {"fds", "caps", "nnp", "ids", "rlimits", "init", "netns",
                "ipcns", "utsns", "cgroupns", "proc", "proc-rw", "mounts-ro",
                "dumpable", "landlock", "device"}
OWN_MOUNTS = ("/usr/bin/python3", str(HERE / "own_mounts.py"))
INIT_WRAPS = """landlock_apply lockdown_limits lockdown_bounds lockdown_caps
lockdown_seccomp lockdown_init setresuid setresgid getresuid getresgid prctl
syscall fsconfig fsmount fstatvfs openat kill collect_files bundle_reader_next
net_loopback net_hostname fd_is_sealed_memfd""".split()
SUPERVISOR_WRAPS = """gate_check_filtered gate_check_ready gate_check_init
    gate_check_init_fds gate_check_limits
jail_spawn syscall unshare mount_setattr fd_memfd_sealed fd_is_sealed_memfd
fstatfs fstatvfs openat prctl host_probe job_limits job_check_request
getsockopt""".split()


def slow(seconds):
    """That much time, and more where everything takes longer."""
    return math.ceil(seconds * SLOWNESS)


def wait_for(get, is_good=bool, seconds=60, pause=0.02):
    """Call get() until is_good(value); the value, or an AssertionError."""
    deadline = time.monotonic() + slow(seconds)
    while True:
        value = get()
        if is_good(value):
            return value
        assert time.monotonic() < deadline, f"not in {seconds} s: {value!r}"
        time.sleep(pause)


def pids_below(cgroup):
    """In it and in those below it.  On v2 one goes with its job, so it may be
    gone at any moment; the walk says nothing of that, the read does."""
    pids = set()
    for directory, _, _ in os.walk(cgroup):
        with contextlib.suppress(OSError):
            pids |= set(map(int, (Path(directory) / "cgroup.procs")
                            .read_text().split()))
    return pids


# ---- what came out of it ---------------------------------------------------


def parse_attempts(text):
    attempts = {}
    for line in text.splitlines():
        words = line.split(" ", 3)
        if len(words) < 3 or words[0] != "attempt":
            continue
        name, verdict = words[1:3]
        assert verdict in ("blocked", "done"), line
        assert name not in attempts, f"attempt {name} twice"
        attempts[name] = (verdict, words[3] if len(words) > 3 else "")
    return attempts


class Run:
    """One run of one program; .data is the whole JSON answer."""

    def __init__(self, data, audit=None):
        self.data, self.audit = data, audit
        self.job_id = data.get("job_id")
        self.outcome = data.get("outcome")
        self.reason = data.get("reason")
        self.error = data.get("error")
        self.exit_code = data.get("exit_code")
        self.signal = data.get("signal")
        self.stdout = data.get("stdout") or ""
        self.stderr = data.get("stderr") or ""
        self.denials = data.get("denials") or []
        self.denials_total = data.get("denials_total", 0)
        self.counts = data.get("tests")
        self.usage = data.get("usage")
        self.limits = data.get("limits")
        self.files = {f["path"]: f for f in data.get("files") or []}
        self.attempts = parse_attempts(self.stdout)

    def done(self):
        """The names of the attempts that succeeded."""
        return {n for n, (how, _) in self.attempts.items() if how == "done"}

    def blocked(self):
        return {n for n, (how, _) in self.attempts.items()
                if how == "blocked"}

    def __repr__(self):
        return (f"<Run {self.outcome} {self.reason} exit={self.exit_code} "
                f"signal={self.signal} error={self.error!r}\n"
                f"{self.stdout[-3000:]}\n{self.stderr[-3000:]}>")


def find_program(name):
    path = Path(name)
    if path.is_absolute():
        return path
    return PROGRAMS / (name[9:] if name.startswith("programs/") else name)


def shared_files(source):
    """The header that some C programs share."""
    header = PROGRAMS / "attempt.h"
    if source.suffix == ".c" and header.name in source.read_text():
        return {header.name: header.read_text()}
    return {}


# ---- the product -------------------------------------------------------------

# No jails but those of jobs: with slots=1 they follow each other in one slot.
NONE_READY = ("--standby", "0")


class Supervisor:
    """A private supervisor; `loose` words make it a weaker one."""

    def __init__(self, directory, loose=(), slots=8, policy_dir=None,
                 runtime_dir=None, prefix=(), cli=CLI, options=()):
        self.dir = Path(directory)
        self.dir.mkdir(mode=0o711, exist_ok=True)
        self.loose = sorted(loose)
        self.socket, self.state = self.dir / "s", self.dir / "state"
        self.cli = cli
        binary, libexec = (loosen(self.dir, self.loose) if loose
                           else (BUILD / "promptcraft-supervisor", BUILD))
        self.argv = [*map(str, prefix), str(binary), "--socket",
                     str(self.socket), "--state-dir", str(self.state),
                     "--policy-dir", str(policy_dir or BUILD / "policy"),
                     "--runtime-dir", str(runtime_dir or BUILD / "runtimes"),
                     "--libexec-dir", str(libexec), "--slots", str(slots),
                     "--client-uid", str(CLIENT_UID), *options]

    def spawn(self):
        self.log = open(self.dir / "log", "ab")
        self.process = subprocess.Popen(self.argv, stderr=self.log,
                                        stdin=subprocess.DEVNULL)

    def start(self, seconds=60):
        self.spawn()
        deadline = time.monotonic() + slow(seconds)
        while True:
            with contextlib.suppress(OSError):
                self.hello()
                return self
            assert self.process.poll() is None, self.log_text()
            assert time.monotonic() < deadline, self.log_text()
            time.sleep(0.02)

    def fails_to_start(self, seconds=60):
        """It must end by itself; what it said."""
        self.spawn()
        try:
            code = self.process.wait(timeout=slow(seconds))
        except subprocess.TimeoutExpired:
            self.stop()
            raise AssertionError("it started: " + self.log_text())
        self.log.close()
        assert code > 0, code
        return self.log_text()

    @property
    def pid(self):
        """Of the supervisor itself, below what its prefix left between."""
        pid = self.process.pid
        while os.path.basename(os.readlink(f"/proc/{pid}/exe")) != \
                "promptcraft-supervisor":
            pid = int(Path(f"/proc/{pid}/task/{pid}/children").read_text())
        return pid

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            try:
                os.kill(self.pid, how)
            except (OSError, ValueError):  # not that far, or gone
                self.process.send_signal(how)
        code = self.process.wait(timeout=300)
        self.log.close()
        return code

    def log_text(self):
        return (self.dir / "log").read_text(errors="replace")

    def connect(self):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sock.settimeout(slow(60))
        sock.connect(str(self.socket))
        return sock

    def hello(self):
        with self.connect() as sock:
            sock.send(struct.pack("<HHIIHH", 1, 1, 16, 1, 0, 0))
            reply = sock.recv(512)
        names = "total free policies runtimes cgroup landlock ready".split()
        return dict(zip(names, struct.unpack_from("<7I", reply, 32)),
                    cause=reply[104:].split(b"\0")[0].decode())

    def records(self):
        """The audit log, from the oldest line on, as far as it is written."""
        files = sorted((self.state / "audit").glob("audit.*.log"))
        return [json.loads(line) for file in files
                for line in whole_lines(file)]

    def record(self, job_id):
        """Of a job, or of a refused request; a flood of those is counted
        only, so there may be none."""
        found = [r for r in self.records() if r.get("job_id") == job_id
                 and r["type"] in ("job", "refusal")]
        assert len(found) <= 1, f"{len(found)} records of job {job_id}"
        return found[0] if found else None

    def cgroups(self):
        """The slots' cgroup directories."""
        tops = (self.state / "cgroups").read_text().split()
        return [slot for top in tops for slot in Path(top).glob("slot-*")]

    def slot_pids(self, number):
        """Of the jail that has this slot."""
        return set().union(*(pids_below(slot) for slot in self.cgroups()
                             if slot.name == f"slot-{number}"))

    def jail_pids(self):
        """Of all jails, with a job or without; zombies are in no cgroup."""
        return set().union(*map(pids_below, self.cgroups()))

    def job_pids(self):
        """Of all jobs whose bundle has been unpacked."""
        return {pid for pid in self.jail_pids() if not is_standby(pid)}

    def popen(self, profile, program, argv=(), files=None, limits=None,
              tests=None, collect=(), stdin=None, runtime=None):
        """Start `promptcraft jail run`; the process and its directory."""
        limits = dict(limits or {})
        place = Path(tempfile.mkdtemp(prefix="run-", dir=self.dir))
        source = find_program(program)
        words = [str(self.cli), "jail", "run", "--json", "--socket",
                 str(self.socket), "--policy", profile]
        files = {**shared_files(source), **(files or {})}
        for name, content in files.items():
            target = place / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content if isinstance(content, bytes)
                               else content.encode())
            words += ["--file", name]
        if stdin is not None:
            (place / ".stdin").write_bytes(stdin)
            words += ["--stdin", str(place / ".stdin")]
        if tests is not None:
            words += ["--tests", str(find_program(tests))]
        if runtime is not None:
            words += ["--runtime", runtime]
        for path in collect:
            words += ["--collect", path]
        for option, key in (("--timeout", "timeout"), ("--memory",
                                                       "memory_mb")):
            if key in limits:
                words += [option, str(limits.pop(key))]
        assert not limits, f"unknown limits {limits}"
        words += [str(source), "--", *map(str, argv)]
        out = open(place / ".out", "w+b")
        err = open(place / ".err", "w+b")
        process = subprocess.Popen(words, cwd=place, stdout=out, stderr=err,
                                   stdin=subprocess.DEVNULL)
        process.streams, process.place = (out, err), place
        return process

    def finish(self, process, timeout=300):
        """Wait for what popen() started; its Run."""
        try:
            process.wait(timeout=slow(timeout))
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            texts = []
            for stream in process.streams:
                stream.seek(0)
                texts.append(stream.read().decode(errors="replace"))
                stream.close()
            shutil.rmtree(process.place, ignore_errors=True)
        out, err = texts
        try:
            data = json.loads(out)
        except ValueError:
            # Refused before there was a job.
            return Run({"outcome": "rejected", "error": err, "stdout": out})
        audit = None
        if data.get("job_id") is not None:
            audit = self.record(data["job_id"])
        return Run(data, audit)

    def run(self, profile, program, timeout=300, **fields):
        return self.finish(self.popen(profile, program, **fields), timeout)

    def client(self):
        """For tests that speak the protocol themselves (attacker.py)."""
        return self.connect()


class Jail:
    """A supervisor and the profile to run under."""

    def __init__(self, supervisor, profile):
        self.supervisor, self.profile = supervisor, profile

    def run(self, program, **fields):
        return self.supervisor.run(self.profile, program, **fields)

    def popen(self, program, **fields):
        return self.supervisor.popen(self.profile, program, **fields)

    def finish(self, process, **fields):
        return self.supervisor.finish(process, **fields)


# ---- the product less some controls -----------------------------------------


def gcc(*words, program="gcc"):
    done = subprocess.run([program, "-std=gnu17", "-O1", "-g", "-D_GNU_SOURCE",
                           f"-I{REPO}", *map(str, words)],
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def jail_cc(*words):
    gcc(*words, program=str(REPO / "tools/jail-cc"))


def wraps(names):
    return [f"-Wl,--wrap={name}" for name in names]


def objects(name):
    return (BUILD / "escape" / f"{name}.objs").read_text().split()


def loosen(directory, controls):
    """Build a supervisor and its libexec directory without these controls."""
    words = f' {" ".join(controls)} '
    libexec = directory / "libexec"
    libexec.mkdir(mode=0o755)
    known = "".join((HERE / f"loosen{part}.c").read_text()
                    for part in ("", "_init", "_supervisor"))
    for word in controls:
        assert word.split(":")[0] in known, f"no control {word}"
    # nobody must reach the compiler.
    real = libexec / "policyc"
    shutil.copy(BUILD / "promptcraft-policyc", real)
    gcc(f'-DLOOSE="{words}"', f'-DREAL_POLICYC="{real}"',
        HERE / "loosen.c", "-lsodium", "-o", libexec / "promptcraft-policyc")
    loose = directory / "loosen_init.o"
    jail_cc("-c", f'-DLOOSE="{words}"', "-fPIE", HERE / "loosen_init.c", "-o",
            loose)
    jail_cc(*wraps(INIT_WRAPS), loose, *objects("init"), "-o",
            libexec / "jail-init")
    binary = directory / "promptcraft-supervisor"
    gcc(f'-DLOOSE="{words}"', *wraps(SUPERVISOR_WRAPS),
        HERE / "loosen_supervisor.c", *objects("supervisor"), "-lcap",
        "-lsodium", "-o", binary)
    return binary, libexec


# ---- no product at all --------------------------------------------------------

INTERPRETERS = {".py": ["/usr/bin/python3", "-I"], ".sh": ["/bin/bash"],
                ".js": ["/usr/bin/node"]}


class Plain:
    """tests/escape/plain with the named layers only."""

    def __init__(self, world, layers):
        self.world, self.layers = world, ",".join(layers) or "none"

    def run(self, program, argv=(), files=None, timeout=60, profile="strict"):
        place = Path(tempfile.mkdtemp(prefix="plain-", dir=self.world.dir))
        place.chmod(0o777)
        source = find_program(program)
        if source.suffix == ".c":
            words = [str(place / "program")]
            gcc("-pthread", f"-I{PROGRAMS}", source, "-o", words[0])
        else:
            shutil.copy(source, place)
            words = [*INTERPRETERS[source.suffix], str(place / source.name)]
        for name, content in (files or {}).items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(content if isinstance(content, bytes)
                                       else content.encode())
        policy = []
        if "seccomp" in self.layers:
            policy = ["-p", str(self.world.compiled(profile))]
        try:
            done = subprocess.run(
                [str(self.world.plain_binary), *policy, self.layers, *words,
                 *map(str, argv)], cwd=place, capture_output=True, text=True,
                errors="replace", timeout=slow(timeout),
                stdin=subprocess.DEVNULL)
        finally:
            shutil.rmtree(place, ignore_errors=True)
        code = done.returncode
        return Run({"outcome": "completed", "exit_code": code,
                    "signal": code - 128 if code > 128 else None,
                    "stdout": done.stdout, "stderr": done.stderr})


# ---- outside ------------------------------------------------------------------


class Host:
    """What somebody sees who is in no jail."""

    def __init__(self, world):
        self.world, self.hashed = world, {}

    def uids(self):
        """Those of all slots of our supervisors' ranges."""
        found = set()
        for pid in self.world.all_job_pids():
            with contextlib.suppress(OSError):
                found.add(os.stat(f"/proc/{pid}").st_uid)
        return found

    def processes(self):
        """{pid: status fields} of every process of a slot's uid."""
        return {pid: status for pid in self.world.all_job_pids()
                if (status := self.status(pid))}

    def status(self, pid):
        try:
            text = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            return None
        return dict(line.split(":\t", 1) for line in text.splitlines()
                    if ":\t" in line)

    def tasks(self, pid):
        """Status fields of each thread."""
        found = []
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                text = (task / "status").read_text()
                found.append(dict(line.split(":\t", 1)
                                  for line in text.splitlines()
                                  if ":\t" in line))
        return found

    def fds(self, pid):
        """{number: target}; (device, inode) is in .fd_stat()."""
        found = {}
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                found[int(entry.name)] = os.readlink(entry)
        return found

    def mounts(self):
        """Mount points of the host, without other tests' own."""
        found = set()
        for line in Path("/proc/self/mountinfo").read_text().splitlines():
            where = line.split()[4]
            if not where.startswith("/tmp/") or \
                    where.startswith(str(self.world.dir)):
                found.add((where, line.split(" - ")[1]))
        return found

    def cgroups(self):
        """Cgroups of jobs that have a process in them."""
        return {str(slot) for sup in self.world.supervisors
                for slot in sup.cgroups()
                if not all(map(is_standby, pids_below(slot)))}

    def mem_available(self):
        """With what the kernel keeps in each processor's own list of free
        pages: hundreds of MiB since Linux 6.7, given back slowly; and with
        what other programs of the machine have allocated, which come and go."""
        kept = sum(int(line.split()[1]) for line in
                   Path("/proc/zoneinfo").read_text().splitlines()
                   if line.split()[0] == "count:")
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return (int(line.split()[1]) * 1024 + kept * 4096 +
                        self.others_memory())
        raise AssertionError("no MemAvailable")

    def others_memory(self):
        """Anonymous memory of processes that are neither supervisors of ours
        nor in their jails."""
        ours = {supervisor.process.pid
                for supervisor in self.world.supervisors}.union(
            *(supervisor.jail_pids() for supervisor in self.world.supervisors))
        total = 0
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) not in ours:
                status = self.status(entry.name) or {}
                total += int(status.get("RssAnon", "0").split()[0]) * 1024
        return total

    def file_hash(self, path):
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()

    def hashes(self):
        files = [BUILD / "jail-init", BUILD / "promptcraft-supervisor",
                 Path("/usr/bin/python3"), Path("/usr/bin/bash"),
                 Path("/usr/bin/node")]
        files += [f for f in (BUILD / "runtimes").rglob("*") if f.is_file()]
        return {str(f): self.hash_if_changed(f) for f in files}

    def hash_if_changed(self, path):
        """A write changes ctime, and nobody can set that."""
        st = os.stat(path)
        key = (str(path), st.st_ino, st.st_ctime_ns, st.st_size)
        if key not in self.hashed:
            self.hashed[key] = self.file_hash(path), st.st_mode, st.st_uid
        return self.hashed[key]

    @contextlib.contextmanager
    def unchanged(self):
        """The block leaves no process, mount, busy cgroup or changed file."""
        mounts, hashes = self.mounts(), self.hashes()
        busy, pids = self.cgroups(), self.world.all_job_pids()
        yield
        wait_for(lambda: self.world.all_job_pids() - pids,
                 lambda left: not left)
        # A jail that is ready for nobody any more may be going just now.
        wait_for(self.cgroups, lambda now: now <= busy)
        assert self.mounts() - mounts == set()
        assert self.hashes() == hashes


class World:
    """Supervisors by what they lack, made when first asked for."""

    def __init__(self, directory):
        self.dir = directory
        self.by_controls, self.made = {}, 0
        self.host = Host(self)

    @property
    def supervisors(self):
        return list(self.by_controls.values())

    def supervisor(self, *controls):
        key = frozenset(controls) - {"gated"}
        if key & SEEN_BY_GATE and "gated" not in controls:
            key |= {"gate"}
        if key not in self.by_controls:
            self.made += 1
            name = self.dir / f"s{self.made}"
            self.by_controls[key] = Supervisor(name, key).start()
        return self.by_controls[key]

    def jail(self, profile):
        return Jail(self.supervisor(), profile)

    def loose(self, profile, *controls):
        """Less these controls; "gated" keeps the gate that would see it."""
        assert controls, "say which control is off"
        return Jail(self.supervisor(*controls), profile)

    def plain(self, *layers):
        return Plain(self, layers)

    @functools.cached_property
    def plain_binary(self):
        gcc(HERE / "plain.c", "-o", self.dir / "plain")
        return self.dir / "plain"

    @functools.cache
    def compiled(self, profile):
        """A compiled policy as a file, for plain's filter."""
        done = subprocess.run(
            [BUILD / "promptcraft-policyc", "policy", "--sets",
             BUILD / "policy" / "sets",
             BUILD / "policy" / "profiles" / f"{profile}.policy"],
            capture_output=True, timeout=60, check=True)
        path = self.dir / f"{profile}.compiled"
        path.write_bytes(done.stdout)
        return path

    def all_job_pids(self):
        pids = set()
        for supervisor in self.supervisors:
            pids |= supervisor.job_pids()
        return pids

    def close(self):
        codes = {tuple(s.loose): s.stop() for s in self.supervisors}
        assert not any(codes.values()), codes
