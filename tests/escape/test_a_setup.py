# SPDX-License-Identifier: Apache-2.0
"""Rows A01-A11: what a jail is made of, and what it leaves to collect."""

import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest

import escape
from escape import BUILD, OWN_MOUNTS, PROFILES, wait_for

# How long each racer of A07 runs; 60 for the whole of the row's minute.
RACE_SECONDS = float(os.environ.get("PROMPTCRAFT_RACE_SECONDS", "1.5"))
F_GET_SEALS, ALL_SEALS = 1034, 0xf


def all_blocked(run, names=None):
    assert run.outcome == "completed", run
    assert run.attempts and not run.done(), run
    if names is not None:
        assert run.blocked() == set(names), run


def refused(run, *words):
    """The job did not run, and the answer says why."""
    assert run.outcome in ("error", "rejected"), run
    assert not run.attempts, run
    for word in words:
        assert word in run.error, run


# ---- A01: an fd that leaks into the jail -----------------------------------

FD_PROGRAMS = ["a01_fds.c", "a01_fds.sh", "a01_fds.js"]
WAYS = {"undeclared_fd", "chdir_proc_self_fd", "fchdir",
        "dotdot_from_cwd_and_root", "unreachable_cwd"}


def test_a01_fds_and_their_parents(jail, profile, host):
    with host.unchanged():
        all_blocked(jail(profile).run("a01_fds.py"), WAYS)


@pytest.mark.parametrize("program", FD_PROGRAMS)
def test_a01_fds_of_other_languages(jail, profile, program):
    all_blocked(jail(profile).run(program), {"undeclared_fd"})


def test_a01_control_fd_table(loose):
    """An inheritable directory fd of the supervisor's, and nothing closed."""
    run = loose("strict", "fds").run("a01_fds.py")
    assert run.done() >= {"undeclared_fd", "fchdir"}, run


def test_a01_the_gate_sees_a_leak(loose, profile):
    run = loose(profile, "fds", "gated").run("a01_fds.py")
    refused(run, "fd ")
    assert run.audit["outcome"] == "refused"
    assert run.audit["posture"] not in ("passed", "not reached")


# ---- A02: the program that runs the jail is overwritten --------------------

OWN = {"write_self_exe", "reopen_self_exe", "read_init_exe",
       "write_init_exe", "write_others_exe", "script_of_self_exe"}
ON_TARGETS = {f"{verb}_{n}" for n in (0, 1)
              for verb in ("write", "reopen", "truncate", "chmod", "unlink",
                           "rename", "link")}


def test_a02_programs_cannot_be_overwritten(jail, profile, host):
    with host.unchanged():
        all_blocked(jail(profile).run("a02_exe.py"), OWN | ON_TARGETS)


def test_a02_c_and_its_harness(jail, profile, host):
    """The same on the static harness that compiles and starts C."""
    with host.unchanged():
        run = jail(profile).run("a02_exe.py", argv=[
            "/opt/runtime/runtime.ini", "/usr/bin/bash"])
    all_blocked(run, OWN | ON_TARGETS)


def memfd(supervisor, name):
    """/proc path of the supervisor's memfd of that name."""
    for fd in Path(f"/proc/{supervisor.process.pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            if os.readlink(fd).startswith(f"/memfd:{name}"):
                return fd
    raise AssertionError(f"no memfd {name}")


def overwrite(path):
    """With all the power of root outside, while no jail runs it."""
    fd = os.open(path, os.O_RDWR)
    try:
        os.pwrite(fd, b"#!/proc/self/exe\n", 0)
        return True
    except PermissionError:
        return False
    finally:
        os.close(fd)


@pytest.mark.parametrize("name", ["jail-init", "policy", "runtime"])
def test_a02_memfds_are_sealed(own, name):
    supervisor = own(options=escape.NONE_READY).start()
    path = memfd(supervisor, name)
    fd = os.open(path, os.O_RDONLY)
    assert fcntl.fcntl(fd, F_GET_SEALS) & ALL_SEALS == ALL_SEALS
    os.close(fd)
    assert not overwrite(path)


def test_a02_pid_1_runs_what_was_built(own, profile, host):
    """From outside, while the job runs: PID 1 is our file, byte by byte."""
    one = escape.Jail(own(options=escape.NONE_READY).start(), profile)
    process = one.popen("a11_ids.py")
    ready(one.supervisor, process)
    inits = {pid for pid, name in programs_of(one.supervisor).items()
             if name.startswith("/memfd:")}
    assert len(inits) == 1
    for pid in inits:
        assert host.file_hash(f"/proc/{pid}/exe") == \
            host.file_hash(BUILD / "jail-init")
    release(one.supervisor, process)
    one.finish(process)


def test_a02_control_seals(own):
    """Without seals one write changes PID 1 of every jail to come."""
    supervisor = own(loose=["seals"], options=escape.NONE_READY).start()
    assert supervisor.run("strict", "a14_look.py").outcome == "completed"
    # A program that runs cannot be written to, and PID 1 may be going yet.
    wait_for(supervisor.jail_pids, lambda pids: not pids)
    assert overwrite(memfd(supervisor, "jail-init"))
    refused(supervisor.run("strict", "a14_look.py"))


@pytest.fixture
def open_runtimes(tmp_path):
    """Runtimes whose files everybody may write."""
    top = tmp_path / "runtimes"
    shutil.copytree(BUILD / "runtimes", top)
    for path in top.rglob("*"):
        path.chmod(0o777)
    tmp_path.chmod(0o755)
    return top


@pytest.mark.parametrize("loosened", [(), ("landlock",), ("mounts-ro",)])
def test_a02_each_layer_alone_keeps_files(own, open_runtimes, loosened):
    """A mode of 0777 on the host is not enough: the mount is read-only, and
    Landlock has no rule that lets anybody write there."""
    controls = [*loosened, "gate"] if loosened else []
    supervisor = own(loose=controls, runtime_dir=open_runtimes).start()
    run = supervisor.run("strict", "a02_exe.py",
                         argv=["/opt/runtime/harness.py"])
    assert "write_0" in run.blocked() and "truncate_0" in run.blocked(), run


def test_a02_control_read_only_mounts(own, open_runtimes):
    supervisor = own(loose=["mounts-ro", "landlock", "gate"],
                     runtime_dir=open_runtimes).start()
    run = supervisor.run("strict", "a02_exe.py",
                         argv=["/opt/runtime/harness.py"])
    assert "write_0" in run.done(), run
    # On the host, from inside: first overwritten, then unlinked.
    assert not (open_runtimes / "python/harness.py").exists()


# ---- A03: what a device is made of ------------------------------------------

DEVICES = {"null", "zero", "full", "random", "urandom", "read_null"}
NULLS = {
    "a regular file": "printf SECRET >f; mount --bind f /dev/null",
    "another device": "mount --bind /dev/zero /dev/null",
    "a symlink": "mkdir d; mount -t tmpfs none d; "
                 "cp -a /dev/zero /dev/full /dev/random /dev/urandom d/; "
                 "printf SECRET >f; ln -s \"$PWD/f\" d/null; "
                 "mount --bind d /dev",
    "a directory": "mkdir d; mount -t tmpfs none d; "
                   "cp -a /dev/zero /dev/full /dev/random /dev/urandom d/; "
                   "mkdir d/null; mount --bind d /dev",
    "nothing": "mkdir d; mount -t tmpfs none d; "
               "cp -a /dev/zero /dev/full /dev/random /dev/urandom d/; "
               "mount --bind d /dev",
}


def swapped(tmp_path, script):
    """A prefix under which the script has changed the machine's files."""
    place = tmp_path / "swap"
    place.mkdir(exist_ok=True)
    place.chmod(0o755)
    return (*OWN_MOUNTS, f"cd {place}; {script}")


def test_a03_devices_are_devices(jail, profile):
    all_blocked(jail(profile).run("a03_null.py"), DEVICES)


@pytest.mark.all_profiles
@pytest.mark.parametrize("what", NULLS)
def test_a03_a_false_null_is_refused(own, tmp_path, what):
    supervisor = own(prefix=swapped(tmp_path, NULLS[what])).start()
    for profile in PROFILES:
        refused(supervisor.run(profile, "a03_null.py"), "/dev/null")


def test_a03_control_device_check(own, tmp_path):
    """Lent without a look at what it is, a file comes in as /dev/null."""
    supervisor = own(loose=["device", "gate"],
                     prefix=swapped(tmp_path, NULLS["a regular file"]))
    run = supervisor.start().run("strict", "a03_null.py")
    assert run.done() == {"null", "read_null"}, run
    assert "SECRET" in run.attempts["read_null"][1]


# ---- A04: terminals -----------------------------------------------------------

TTYS = {"open_console", "open_tty", "open_tty0", "open_ptmx",
        "open_pts_ptmx", "open_pts_0", "list", "isatty", "openpty", "ctty",
        "mknod_console"}


def test_a04_there_is_no_terminal(jail, profile):
    all_blocked(jail(profile).run("a04_tty.py"), TTYS)


@pytest.mark.parametrize("device", ["/dev/console", "/dev/pts/0", "/dev/tty",
                                    "/dev/ptmx"])
def test_a04_no_policy_can_lend_one(own, policies, device):
    top = policies(f"[Filesystem]\nDeviceAllow={device}\n")
    said = own(policy_dir=top).fails_to_start()
    assert "mine.policy:" in said and device in said


@pytest.mark.all_profiles
def test_a04_a_terminal_in_a_devices_place(own, tmp_path):
    script = ("mkdir d; mount -t tmpfs none d; mknod d/null c 5 1; "
              "cp -a /dev/zero /dev/full /dev/random /dev/urandom d/; "
              "mount --bind d /dev")
    supervisor = own(prefix=swapped(tmp_path, script)).start()
    for profile in PROFILES:
        refused(supervisor.run(profile, "a04_tty.py"),
                "/dev/null is not character device 1:3")


def test_a04_control_own_dev(plain):
    """Outside of a jail there is a terminal to be had."""
    run = plain("none").run("a04_tty.py")
    assert {"open_ptmx", "openpty"} <= run.done(), run


# ---- A05: procfs and cgroupfs replaced ----------------------------------------

ATTRIBUTES = {"uid_map", "setgroups", "oom_score_adj", "attr_exec",
              "coredump_filter", "mem", "timerslack", "loginuid", "init_oom",
              "core_pattern", "sysrq", "sys_uevent", "mount_on_proc",
              "mount_on_attr", "rename_proc", "symlink_in_proc",
              "replace_self", "cgroupfs"}


def test_a05_attributes_from_inside(jail, profile, host):
    with host.unchanged():
        all_blocked(jail(profile).run("a05_attributes.py"), ATTRIBUTES)


def test_a05_control_attributes(loose):
    """With a writable /proc the payload changes its own attributes."""
    run = loose("strict", "proc-rw", "landlock").run("a05_attributes.py")
    assert {"coredump_filter", "oom_score_adj"} & run.done(), run


# Every process number leads to files of the attacker's; /proc/self is real.
FALSE_PROC = """
mkdir real fake
mount --bind /proc real
for f in uid_map gid_map setgroups; do : >fake/$f; done
mkdir p; mount -t tmpfs none p
ln -s "$PWD/real/self" p/self
ln -s "$PWD/real/thread-self" p/thread-self
for f in filesystems mounts sys cpuinfo meminfo stat version cgroups; do
	ln -s "$PWD/real/$f" p/$f
done
mount --bind p /proc
"""


def false_proc(tmp_path):
    """As a script; numbers are made by Python, which is faster."""
    links = ("/usr/bin/python3 -c \"import os\n"
             "for n in range(2, 32768): os.symlink('$PWD/fake', f'p/{n}')\"")
    return swapped(tmp_path, FALSE_PROC.replace(
        "mount --bind p /proc", links + "\nmount --bind p /proc"))


def test_a05_a_false_proc_is_refused(own, tmp_path):
    said = own(prefix=false_proc(tmp_path)).fails_to_start()
    assert "/proc is not procfs" in said
    assert (tmp_path / "swap/fake/uid_map").read_text() == ""


def test_a05_control_procfs_magic(own, tmp_path):
    """Without the look at the file system, id maps go to the attacker."""
    supervisor = own(loose=["procfs", "gate"], prefix=false_proc(tmp_path))
    supervisor.start()
    said = supervisor.run("strict", "a05_attributes.py").error
    assert (tmp_path / "swap/fake/gid_map").read_text().strip(), said
    assert (tmp_path / "swap/fake/setgroups").read_text() == "deny"


@pytest.mark.all_profiles
def test_a05_a_proc_swapped_later_is_not_used(own, tmp_path):
    """What is held open is used, not what lies on /proc by now."""
    supervisor = own(prefix=swapped(tmp_path, ":")).start()
    subprocess.run(["nsenter", "-t", str(supervisor.process.pid), "-m",
                    "mount", "-t", "tmpfs", "none", "/proc"], check=True)
    for profile in PROFILES:
        run = supervisor.run(profile, "a05_attributes.py")
        if run.outcome == "completed":
            all_blocked(run, ATTRIBUTES)
            assert run.audit["posture"] == "passed"
        else:
            refused(run)


def cgroup_mounts():
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line.split()[4] for line in lines
            if line.split(" - ")[1].startswith("cgroup")]


@pytest.mark.all_profiles
def test_a05_a_false_cgroupfs_is_refused(own, tmp_path):
    script = "; ".join(f"mount -t tmpfs none {path}; mkdir {path}/x"
                       for path in cgroup_mounts())
    supervisor = own(prefix=swapped(tmp_path, script)).start()
    assert supervisor.hello()["ready"] == 0
    for profile in PROFILES:
        refused(supervisor.run(profile, "a05_attributes.py"), "cgroup")


# ---- A06: a root that is made of links -----------------------------------------


@pytest.mark.parametrize("link", ["/proc", "/dev", "/run", "/etc", "/work",
                                  "/opt/runtime", "/usr/bin", "/tmp/x"])
def test_a06_a_policy_with_links_as_root(own, policies, link):
    """Something is to be mounted where the link already is."""
    top = policies(f"[Filesystem]\nSymlinks=usr/lib:{link}\n")
    said = own(policy_dir=top).fails_to_start()
    assert "mine.policy:" in said and link in said, said


@pytest.mark.all_profiles
def test_a06_pid_1_follows_no_link(own):
    """Should a compiled policy have one all the same."""
    supervisor = own(loose=["proc-link"]).start()
    for profile in PROFILES:
        refused(supervisor.run(profile, "a06_list.py", argv=["/tmp"]),
                "/proc")


def test_a06_control_nofollow(own):
    """/proc comes to lie where the link leads."""
    supervisor = own(loose=["proc-link", "nofollow", "landlock", "gate"])
    run = supervisor.start().run("strict", "a06_list.py", argv=["/tmp"])
    assert "self" in run.attempts.get("see_0", ("", ""))[1].split(), run


@pytest.fixture
def lent():
    """A directory that a policy may bind from, removed in the end."""
    with tempfile.TemporaryDirectory(prefix="pc-escape-", dir="/srv") as d:
        os.chmod(d, 0o755)
        yield Path(d)


def linked_source(lent):
    """src is a link to what nobody is to see."""
    (lent / "secret").mkdir()
    (lent / "secret/SECRET").write_text("x")
    (lent / "src").symlink_to("secret")
    (lent / "dir").symlink_to(lent)
    return f"[Filesystem]\nBindReadOnlyPaths={lent}/%s:/mnt\n"


@pytest.mark.parametrize("source", ["src", "dir/secret"])
def test_a06_a_mount_source_that_is_a_link(own, policies, lent, source):
    text = linked_source(lent) % source
    supervisor = own(policy_dir=policies(text, loosens="BindReadOnlyPaths")).start()
    refused(supervisor.run("mine", "a06_list.py", argv=["/mnt"]), source)
    all_blocked(supervisor.run("strict", "a06_list.py", argv=["/mnt"]))


def test_a06_control_source_links(own, policies, lent):
    text = linked_source(lent) % "src"
    supervisor = own(policy_dir=policies(text, loosens="BindReadOnlyPaths"), loose=["source-links",
                                                       "gate"])
    run = supervisor.start().run("mine", "a06_list.py", argv=["/mnt"])
    assert "see_0" in run.done(), run


def test_a06_a_runtime_that_is_a_link(own, tmp_path):
    runtimes = tmp_path / "runtimes"
    shutil.copytree(BUILD / "runtimes", runtimes)
    (runtimes / "python").rename(tmp_path / "elsewhere")
    (runtimes / "python").symlink_to(tmp_path / "elsewhere")
    said = own(runtime_dir=runtimes).fails_to_start()
    assert "runtime python" in said


# ---- A07: races -----------------------------------------------------------------

RENAME_EXCHANGE = 2
LIBC = ctypes.CDLL(None, use_errno=True)
HARNESS = "/opt/runtime/harness.py"


def race(one, seconds, is_hit):
    """Run the racer again and again, twice at least; how often, and how often
    it won."""
    end, runs, hits = time.monotonic() + seconds, 0, 0
    while (time.monotonic() < end or runs < 2) and not (hits and is_hit):
        run = one.run("a07_race.py", argv=[HARNESS],
                      collect=["result", "dir/result"])
        assert run.outcome == "completed", run
        runs += 1
        assert run.stdout.startswith("exchange"), run
        for file in run.files.values():
            text = file.get("content", "")
            assert file["status"] in ("ok", "not_regular", "missing",
                                      "unreadable"), file
            if file["status"] == "ok" and text != "OWN":
                hits += 1
    return runs, hits


def test_a07_results_exchanged_while_collected(jail, profile, host):
    with host.unchanged():
        runs, hits = race(jail(profile), RACE_SECONDS, False)
    assert runs > 1 and hits == 0


def test_a07_control_nobody_is_alive(loose):
    """Racers that live on, and files opened by name: the race is won."""
    runs, hits = race(loose("strict", "orphans", "collect"), 120, True)
    assert hits, runs


def test_a07_nobody_is_alive_when_files_are_collected(loose, jail):
    """With the racers alive the careful collector still returns no link's
    target; killed, they are not even there."""
    runs, hits = race(loose("strict", "orphans"), RACE_SECONDS, False)
    assert runs > 1 and hits == 0


@contextlib.contextmanager
def exchanging(a, b):
    """A thread that exchanges two names of the host without end."""
    stop, count = threading.Event(), [0]

    def work():
        while not stop.is_set():
            for _ in range(51):  # odd: at rest now one, now the other
                LIBC.syscall(316, -100, str(a).encode(), -100,
                             str(b).encode(), RENAME_EXCHANGE)
                count[0] += 1
            time.sleep(0.0005)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield count
    finally:
        stop.set()
        thread.join()


def race_source(own, policies, lent, loose=(), seconds=RACE_SECONDS):
    """A mount source and a link to a secret change places while supervisors
    start; whether a job ever saw the secret, and how many ran."""
    (lent / "secret").mkdir()
    (lent / "secret/SECRET").write_text("x")
    (lent / "src").mkdir()
    (lent / "link").symlink_to("secret")
    top = policies("[Filesystem]\n"
                   f"BindReadOnlyPaths={lent}/src:/mnt\n",
                   loosens="BindReadOnlyPaths")
    end, seen, ran, tried = time.monotonic() + seconds, 0, 0, 0
    supervisor = own(policy_dir=top, loose=loose)
    with exchanging(lent / "src", lent / "link") as count:
        while (time.monotonic() < end or tried < 3) and \
                not (seen and loose):
            supervisor.start()
            run = supervisor.run("mine", "a06_list.py", argv=["/mnt"])
            supervisor.stop()
            tried += 1
            ran += run.outcome == "completed"
            seen += "see_0" in run.done()
    assert count[0] > 100 and (seen or tried > 2)
    return seen, ran


def test_a07_a_mount_source_exchanged(own, policies, lent):
    assert race_source(own, policies, lent)[0] == 0


def test_a07_control_a_mount_source_exchanged(own, policies, lent):
    seen, _ = race_source(own, policies, lent,
                          ["source-links", "gate"], 120)
    assert seen


def race_file(own, policies, lent, loose=(), seconds=RACE_SECONDS):
    """A mounted file is replaced by renaming, as upgrades do, now by a new
    file, now by a link; the supervisor looks its name up again."""
    (lent / "secret").write_text("SECRET")
    (lent / "src").write_text("fine")
    top = policies("[Filesystem]\n"
                   f"BindReadOnlyPaths={lent}/src:/mnt/src\n",
                   loosens="BindReadOnlyPaths")
    supervisor = own(policy_dir=top, loose=loose).start()
    end, seen, ran = time.monotonic() + seconds, 0, 0
    while (time.monotonic() < end or ran == 0) and not (seen and loose):
        (lent / "new").write_text("fine")
        (lent / "new").rename(lent / "src")
        (lent / "l").symlink_to("secret")
        with exchanging(lent / "src", lent / "l"):
            for _ in range(5):
                run = supervisor.run("mine", "a06_list.py",
                                     argv=["/mnt/src"])
                ran += 1
                seen += "see_0" in run.done()
        for name in ("l", "src"):
            (lent / name).unlink()
    return seen, ran


def test_a07_a_mounted_file_exchanged(own, policies, lent):
    seen, ran = race_file(own, policies, lent)
    assert seen == 0 and ran > 3


def test_a07_control_a_mounted_file_exchanged(own, policies, lent):
    assert race_file(own, policies, lent, ["source-links", "gate"],
                     120)[0]


# ---- A08: result files that are something else ----------------------------------

RESULTS = {
    "symlink": "not_regular", "chain": "not_regular",
    "linked/harness.py": "not_regular", "environ": "not_regular",
    "init_environ": "not_regular", "device": "not_regular",
    "shm/file": "not_regular", "hardlink": "not_regular",
    "own": "not_regular", "fifo": "not_regular", "directory": "not_regular",
    "sparse": "too_large", "unreadable": "unreadable",
    "a08_results.py": "not_regular", "nothing": "missing", "good/x": "missing",
    "good": "ok",
}


def test_a08_only_plain_files_come_back(jail, profile, host):
    with host.unchanged():
        run = jail(profile).run("a08_results.py", collect=list(RESULTS))
    got = {path: file["status"] for path, file in run.files.items()}
    assert got == RESULTS, run
    assert run.files["good"]["content"] == "good"
    assert all("content" not in f and "content_base64" not in f
               for path, f in run.files.items() if path != "good")


def test_a08_nodes_and_sockets(jail, profile):
    """Where the profile lets the program make them at all."""
    run = jail(profile).run("a08_results.py", collect=["socket", "node"])
    assert {f["status"] for f in run.files.values()} <= {"not_regular",
                                                         "missing"}, run


def test_a08_control_careful_open(loose):
    """Opened by name, links lead where they like."""
    run = loose("strict", "collect").run(
        "a08_results.py", collect=["symlink", "linked/harness.py", "shm/file",
                                   "hardlink", "good"])
    assert {f["status"] for f in run.files.values()} == {"ok"}, run
    assert "SPDX" in run.files["symlink"]["content"]
    assert run.files["shm/file"]["content"] == "other file system"


def test_a08_control_a_fifo_blocks(loose):
    """And a FIFO holds PID 1 up until the supervisor kills it."""
    one = loose("strict", "collect")
    run = one.run("a08_results.py", collect=["fifo"])
    assert "job_collect_timeout" in one.supervisor.log_text(), run


# ---- A09, A10: cleaning up, and what the tools write ------------------------------


def test_a09_cleanup_follows_nothing(jail, profile, host):
    with host.unchanged():
        run = jail(profile).run("a09_links.py")
    assert run.stdout == "ready\n", run


@pytest.mark.parametrize("name", ["lock", "cgroups", "audit", "audit.head",
                                  "audit/key", "audit/audit.000001.log"])
def test_a09_state_files_that_are_links(own, tmp_path, name):
    """Root writes them: through no link, and it says so."""
    victim, supervisor = tmp_path / "victim", own()
    supervisor.state.mkdir(mode=0o700)
    (supervisor.state / name).parent.mkdir(mode=0o700, exist_ok=True)
    if name == "audit":
        victim.mkdir()
    else:
        victim.write_text("keep me")
    (supervisor.state / name).symlink_to(victim)
    with contextlib.suppress(AssertionError):
        supervisor.start(seconds=10)
        assert supervisor.hello()["ready"] == 0
        refused(supervisor.run("strict", "a09_links.py"))
    assert name.split(".")[0].split("/")[0] in supervisor.log_text()
    if name == "audit":
        assert not list(victim.iterdir())
    else:
        assert victim.read_text() == "keep me"


def test_a09_control_state_links(own, tmp_path):
    """Opened like any file, a link makes root write elsewhere."""
    victim, supervisor = tmp_path / "victim", own(loose=["links"])
    victim.write_text("keep me")
    supervisor.state.mkdir(mode=0o700)
    (supervisor.state / "cgroups").symlink_to(victim)
    supervisor.start()
    assert "keep me" not in victim.read_text()


def test_a09_a_list_of_foreign_cgroups_is_not_swept(own, tmp_path):
    """A forged list in the state directory removes nothing of others."""
    supervisor = own()
    supervisor.state.mkdir(mode=0o700)
    victims = [tmp_path / "victim", tmp_path / "promptcraft-victim"]
    lines = []
    for victim in victims:
        (victim / "slot-0").mkdir(parents=True)
        lines += [str(victim), f"{victim}/../{victim.name}"]
    for top in cgroup_mounts():
        lines += [top, f"{top}/promptcraft-000000000000/../.."]
    (supervisor.state / "cgroups").write_text("\n".join(lines) + "\n")
    supervisor.start()
    assert supervisor.run("strict", "a09_links.py").stdout == "ready\n"
    assert all((victim / "slot-0").exists() for victim in victims)


def test_a09_a_socket_path_that_is_no_socket(own, tmp_path):
    supervisor = own()
    victim = tmp_path / "victim"
    victim.write_text("keep me")
    supervisor.socket.symlink_to(victim)
    assert "is no socket" in supervisor.fails_to_start()
    assert victim.read_text() == "keep me"


def test_a10_results_are_written_through_no_link(world, tmp_path):
    """`promptcraft jail run --collect` on a name that leads elsewhere."""
    victim = tmp_path / "victim"
    victim.write_text("keep me")
    (tmp_path / "good").symlink_to(victim)
    done = subprocess.run(
        [escape.CLI, "jail", "run", "--socket", world.supervisor().socket,
         "--collect", "good", "--output-dir", tmp_path,
         escape.PROGRAMS / "a08_results.py"], capture_output=True, text=True,
        timeout=60, cwd=tmp_path)
    assert done.returncode != 0 and "good" in done.stderr
    assert victim.read_text() == "keep me"


def test_a10_control_program_links(own, tmp_path):
    """Opened like any file, a link is taken for the program."""
    supervisor = own(loose=["links"])
    at = supervisor.argv.index("--libexec-dir")
    libexec = Path(supervisor.argv[at + 1])
    (libexec / "jail-init").rename(tmp_path / "other")
    (libexec / "jail-init").symlink_to(tmp_path / "other")
    assert supervisor.start().run("strict", "a09_links.py").stdout == \
        "ready\n"


@pytest.mark.parametrize("name", ["jail-init", "promptcraft-policyc"])
def test_a10_programs_that_are_links(own, tmp_path, name):
    """Or that everybody may write: the supervisor takes neither."""
    libexec = tmp_path / "libexec"
    libexec.mkdir()
    for program in ("jail-init", "promptcraft-policyc"):
        shutil.copy(BUILD / program, libexec)
    supervisor = own()
    at = supervisor.argv.index("--libexec-dir")
    supervisor.argv[at + 1] = str(libexec)
    (libexec / name).chmod(0o757)
    assert "regular file that not everybody may write" in \
        supervisor.fails_to_start()
    (libexec / name).rename(tmp_path / "other")
    (libexec / name).symlink_to(tmp_path / "other")
    assert name in supervisor.fails_to_start()


# ---- A11: identities ----------------------------------------------------------------

ID_CALLS = {"setuid", "setgid", "setreuid", "setregid", "setresuid",
            "setresgid", "saved_uid", "saved_gid", "setgroups", "initgroups",
            "setfsuid", "setfsgid", "capset", "ambient"}
CAPS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


def ready(supervisor, process):
    """Wait until the one job that runs, ours, has made /tmp/ready."""
    def find():
        assert process.poll() is None, supervisor.finish(process)
        for pid in supervisor.job_pids():
            if os.path.exists(f"/proc/{pid}/root/tmp/ready"):
                return pid
        return None
    return wait_for(find, seconds=60)


def programs_of(supervisor):
    """{pid: what it runs}; an earlier job's last process may be going."""
    found = {}
    for pid in supervisor.job_pids():
        with contextlib.suppress(OSError):
            found[pid] = os.readlink(f"/proc/{pid}/exe")
    return found


def release(supervisor, process):
    ready(supervisor, process)
    for pid, program in programs_of(supervisor).items():
        if not program.startswith("/memfd:"):
            # The first that hears it may end the others.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGUSR1)


def test_a11_every_id_of_every_task(own, profile, host):
    one = escape.Jail(own(options=escape.NONE_READY).start(), profile)
    process = one.popen("a11_ids.py")
    ready(one.supervisor, process)
    seen = {"init": 0, "payload": 0}
    for pid, name in programs_of(one.supervisor).items():
        is_init = name.startswith("/memfd:")
        for task in host.tasks(pid):
            uids, gids = task["Uid"].split(), task["Gid"].split()
            caps = {int(task[name], 16) for name in CAPS}
            assert task["Groups"].split() == []
            assert task["NoNewPrivs"] == "1" and task["Seccomp"] == "2"
            seen["init" if is_init else "payload"] += 1
            base = int(uids[0])
            assert base >= 10000 and gids[0] == uids[0]
            if is_init:
                assert uids == gids == [*[str(base)] * 3, str(base + 1)]
                assert caps <= {0, 1 << 5} and not int(task["CapBnd"], 16)
            else:
                assert uids == gids == [str(base)] * 4
                assert caps == {0}
        for name in ("uid_map", "gid_map"):
            rows = [row.split() for row in
                    Path(f"/proc/{pid}/{name}").read_text().splitlines()]
            assert [row[2] for row in rows] == ["1", "1"]
            assert "0" not in [row[1] for row in rows]
        assert Path(f"/proc/{pid}/setgroups").read_text() == "deny\n"
    assert seen["init"] == 1 and seen["payload"] >= 3, seen
    release(one.supervisor, process)
    all_blocked(one.finish(process), ID_CALLS)


def test_a11_control_real_ids(own, policies):
    """A drop that forgets the real ids gives root of the namespace back; the
    filter refuses the calls as well, so it is off, too.  Before Linux 6.16 the
    first exec gives it, to whom a /work of mode 0700 would be closed."""
    mine = policies("[Filesystem]\nTemporaryFileSystem=/work:size=64M,"
                    "nr_inodes=4096,mode=0755\n",
                    loosens="TemporaryFileSystem")
    one = own(loose=("gate", "ids", "seccomp"), policy_dir=mine).start()
    process = one.popen("mine", "a11_ids.py")
    release(one, process)
    run = one.finish(process)
    assert {"setuid", "setgid"} <= run.done(), run


def test_a11_the_gate_sees_an_incomplete_drop(loose, profile):
    refused(loose(profile, "ids", "gated").run("a11_ids.py"), "uid")
