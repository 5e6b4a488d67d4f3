# SPDX-License-Identifier: Apache-2.0
"""Rows C01-C16: the system call filter, and what speaks for it."""

import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import escape
from escape import BUILD, PROFILES, REPO, Supervisor, wait_for

sys.path.insert(0, str(escape.PROGRAMS))
from c09_hooks import FILES as HOOKS  # noqa: E402

HIGH = (1 << 32, 1 << 63, 0xFFFFFFFF << 32)
KERNEL = tuple(int(n) for n in os.uname().release.split("-")[0].split(".")[:2])


def number(name):
    """Of a system call; -1 if this libseccomp does not know it."""
    resolve = ctypes.CDLL("libseccomp.so.2").seccomp_syscall_resolve_name
    return resolve(name.encode())


def table(rows):
    """The file that c03_calls.c reads: name, number, six arguments."""
    lines = []
    for name, nr, *args in rows:
        words = [str(a) for a in args] + ["0"] * (6 - len(args))
        lines.append(" ".join([name, str(nr), *words]))
    return {"calls": "\n".join(lines) + "\n"}


def calls(jail, rows):
    """{name: errno name or signal, "done" if it was made}"""
    run = jail.run("c03_calls.c", files=table(rows))
    got = {name: why if how == "blocked" else "done"
           for name, (how, why) in run.attempts.items()}
    assert set(got) == {row[0] for row in rows}, run
    return got


def policy_dir(directory, **texts):
    """The product's policies and these besides."""
    shutil.copytree(BUILD / "policy", directory)
    for name, text in texts.items():
        (directory / "profiles" / f"{name}.policy").write_text(text)
    for path in [directory, *directory.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return directory


# ---- C01: other architectures ----------------------------------------------

FOREIGN = {"int80", "int80_thread", "sysenter", "compat_int80",
           "compat_syscall"}


def test_c01_foreign_architecture(jail, profile, host):
    with host.unchanged():
        run = jail(profile).run("c01_foreign.c")
    assert run.blocked() == FOREIGN, run
    by_maker = {"sysenter", "compat_syscall"}
    for name in FOREIGN - by_maker:
        assert run.attempts[name] == ("blocked", "SIGSYS"), run
    # Each of these two is SIGILL on the processors of one maker.
    found = {run.attempts[name][1] for name in by_maker}
    assert "SIGSYS" in found <= {"SIGSYS", "SIGILL"}, run


def test_c01_control_no_architecture_check(loose):
    run = loose("strict", "arch").run("c01_foreign.c")
    assert run.done() >= {"int80", "int80_thread", "compat_int80"}, run


# ---- C02: x32 --------------------------------------------------------------


def test_c02_x32_numbers(jail, profile):
    run = jail(profile).run("c02_x32.c")
    assert len(run.attempts) == 13, run
    assert set(run.attempts.values()) == {("blocked", "SIGSYS")}, run


def test_c02_control_no_kill(loose, cannot_show):
    """Past the filter it is the kernel's answer that counts."""
    run = loose("strict", "arch").run("c02_x32.c")
    assert len(run.attempts) == 13, run
    if run.done():
        assert "x32_getpid" in run.done(), run
        return
    assert set(run.attempts.values()) == {("blocked", "ENOSYS")}, run
    cannot_show("this kernel is built without x32 (CONFIG_X86_X32_ABI): the "
                "numbers pass the filter and it answers ENOSYS")


# ---- C03: the upper half of an argument ------------------------------------

# (call, arguments, {index of an argument that rules test: values})
TESTED = [
    ("mmap", (0, 4096, 3, 0x22, 0xFFFFFFFF), {3: (0x22, 0x40022)}),
    ("ioctl", ("#", 0, "@"), {1: (0x5401, 0x541B, 0x5412, 0x541C, 0x40049409)}),
    ("socket", (2, 1, 0), {0: (1, 2, 10, 16, 17, 38, 40), 1: (1, 2, 3, 10),
                           2: (0, 1, 6, 262)}),
    ("socket", (1, 1, 0), {1: (1, 3)}),
    ("socketpair", (1, 1, 0, "@"), {0: (1, 30), 1: (1, 3)}),
    ("setsockopt", ("#", 1, 2, "@", 4), {1: (1, 6, 0, 41), 2: (2, 26, 50)}),
    ("setsockopt", ("#", 6, 1, "@", 4), {2: (1, 31)}),
    ("clone", (17,), {0: (17, 0x10000011, 0x40000011, 0x20011, 0x91)}),
    ("fcntl", ("#", 3, "@"), {1: (3, 5, 6, 37, 8, 10, 1024, 1026)}),
    ("mknod", ("@", 0), {1: (0o100644, 0o060644, 0o020644)}),
    ("mknodat", (0xFFFFFF9C, "@", 0), {2: (0o100644, 0o060644)}),
    ("personality", (0,), {0: (0, 0xFFFFFFFF, 0x40000, 0x400000)}),
    ("prctl", (15, "@"), {0: (15, 22, 35, 53, 4, 47, 62)}),
    ("arch_prctl", (0x1003, "@"), {0: (0x1003, 0x1012, 0x1022)}),
    ("setrlimit", (13, "@"), {0: (13, 4)}),
    ("prlimit64", (0, 13, 0, 0), {1: (13, 4)}),
    ("fadvise64", ("#", 0, 0, 0), {3: (0, 4)}),
    ("memfd_create", ("@", 1), {1: (1, 4)}),
    ("madvise", ("@", 4096, 0), {2: (0, 12, 21)}),
    ("sendto", ("#", "@", 1, 0, 0, 0), {3: (0, 1)}),
    ("sendmsg", ("#", "@", 0), {2: (0, 1)}),
    ("sendmmsg", ("#", "@", 1, 0), {3: (0, 1)}),
]


def variants():
    """(row, rows that must answer the same) for every tested value."""
    for at, (name, args, tested) in enumerate(TESTED):
        for index, values in tested.items():
            for value in values:
                base = f"{name}{at}.{index}={value:#x}"
                words = list(args)
                words[index] = value
                yield ((base, number(name), *words),
                       [(f"{base}|{high:#x}", number(name), *words[:index],
                         value | high, *words[index + 1:]) for high in HIGH])


def conditional(profile):
    """The calls whose arguments this policy's filter looks at."""
    text = subprocess.run(
        [BUILD / "promptcraft", "policy", "prove",
         BUILD / "policy" / "profiles" / f"{profile}.policy"],
        capture_output=True, text=True, check=True, timeout=60).stdout
    part = text.split("decided by their arguments:")[1]
    part = part.split("\n", 1)[1]
    part = part.split("\nall other numbers")[0]
    return set(re.findall(r"^ (\w+)$", part, re.M))


def answers_by_half(jail):
    rows = list(variants())
    got = calls(jail, [r for row, high in rows for r in (row, *high)])
    return {row[0]: {got[row[0]], *(got[h[0]] for h in high)}
            for row, high in rows}


def test_c03_upper_half_of_arguments(jail, profile):
    """And every call with conditions is in the table."""
    assert conditional(profile) <= {name for name, _, _ in TESTED}
    answers = answers_by_half(jail(profile))
    assert [n for n, seen in answers.items() if len(seen) > 1] == [], answers
    refused = {n for n, seen in answers.items() if seen <= {"EPERM", "ENOSYS"}}
    assert refused >= {"ioctl1.1=0x5412", "clone7.0=0x10000011",
                       "prctl12.0=0x16", "fcntl8.1=0x6"}, answers


def test_c03_control_the_kernel_drops_the_upper_half(loose):
    """What makes a 64-bit comparison a hole: the kernel makes the same call of
    both."""
    answers = answers_by_half(loose("strict", "seccomp"))
    assert [n for n, seen in answers.items() if len(seen) > 1] == [], answers
    done = {n for n, seen in answers.items() if seen == {"done"}}
    assert done >= {"socket2.0=0x2", "personality11.0=0x400000",
                    "fcntl8.1=0x6", "clone7.0=0x10000011"}, answers


# ---- C04: numbers that no call has -----------------------------------------
# All numbers of each policy, live: tests/policy/test_live.py.

UNKNOWN = [*range(480, 512), *range(548, 1024, 7), 0x3FFFFFFF, 0x12345678,
           0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF]


def test_c04_unknown_numbers(jail, profile):
    got = calls(jail(profile), [(f"n{nr}", nr) for nr in UNKNOWN])
    assert set(got.values()) == {"ENOSYS"}, got


def test_c04_control_known_numbers(loose):
    """The same table, a call that no profile has: it is made."""
    nr = number("get_mempolicy")
    got = calls(loose("strict", "seccomp"), [("n", nr, 0, 0, 0, 0, 0)])
    assert got == {"n": "done"}


# ---- C05: io_uring ---------------------------------------------------------

URING = {"setup", "enter", "register", "setup_high"}


def test_c05_io_uring(jail, profile):
    run = jail(profile).run("c05_uring.c")
    assert run.attempts == dict.fromkeys(URING, ("blocked", "EPERM")), run
    assert run.denials_total == 4, run
    assert {d["syscall"] for d in run.denials} == {
        "io_uring_setup", "io_uring_enter", "io_uring_register"}, run.denials


def test_c05_control_no_filter(loose, cannot_show):
    run = loose("strict", "seccomp").run("c05_uring.c")
    off = Path("/proc/sys/kernel/io_uring_disabled")
    if off.exists() and off.read_text().strip() != "0":
        cannot_show("kernel.io_uring_disabled is set on this host")
        return
    assert run.done() == URING, run


# ---- C06: calls that do the same -------------------------------------------


def siblings():
    """The classes that the compiler holds policies to."""
    text = (REPO / "policy" / "verify.c").read_text()
    rows = text.split("siblings[][SIBLINGS_MAX] = {")[1].split("};")[0]
    found = [re.findall(r'"(\w+)"', row) for row in rows.split("},")]
    return [row for row in found if row]


def decision(answer):
    return answer if answer in ("ENOSYS", "EPERM") else "allowed"


def test_c06_siblings_get_one_answer(jail, profile):
    classes = siblings()
    assert len(classes) > 30 and ["open", "openat", "openat2",
                                  "creat"] in classes
    # By c03_calls.c's way vfork cannot be called; d01_bomb.c does.
    names = [n for row in classes for n in row
             if n != "vfork" and number(n) >= 0]
    if KERNEL < (6, 6):
        print("fchmodat2 left out: this kernel has none")
        names.remove("fchmodat2")
    got = calls(jail(profile),
                [(n, number(n), *["0xffffffffffffffff"] * 6) for n in names])
    for row in classes:
        seen = {n: decision(got[n]) for n in row if n in got}
        assert len(set(seen.values())) == 1, seen


HALF = """[Policy]
Description=All but one of calls that do the same
Extends=strict
[SystemCalls]
SystemCallAudit={}
"""


def compile_policy(directory, name):
    return subprocess.run(
        [BUILD / "promptcraft-policyc", "policy", "--sets",
         directory / "sets", directory / "profiles" / f"{name}.policy"],
        capture_output=True, text=True, timeout=60)


def test_c06_control_half_a_class_does_not_compile(world, cannot_show):
    names = ("openat2", "fchmodat2", "preadv2", "execveat", "renameat2")
    directory = policy_dir(world.dir / "half", **{
        name: HALF.format(name) for name in names})
    for name in names:
        done = compile_policy(directory, name)
        assert done.returncode == 1
        assert f"not {name}, which does the same" in done.stderr, done.stderr
    cannot_show("no policy that allows half of a class compiles")


# ---- C07: arguments that change while a call waits -------------------------


def test_c07_arguments_rewritten_by_peers(jail, profile):
    run = jail(profile).run("c07_swap.c")
    assert run.attempts == {"swap": ("blocked", "EPERM")}, run
    assert run.denials_total == 500, run
    denials = run.audit["denials"]
    assert (denials["total"], denials["calls"]) == (500, {"add_key": 500})


def test_c07_control_no_filter(loose):
    """The peers do turn a wrong type into a right one in time."""
    # It ends with the first; they may have to wait for a processor.
    run = loose("strict", "seccomp").run("c07_swap.c", argv=[20000000])
    assert run.done() == {"swap"}, run


def test_c07_control_a_listener_that_looks_is_fooled(plain):
    """The mistake that the supervisor does not make: it reads the argument,
    finds it harmless and lets the kernel read it again."""
    run = plain().run("c07_naive.c")
    assert run.done() == {"looked_then_continued"}, run


# ---- C08: the listener under load, slow, and dead --------------------------

FLOOD = (40, 250)


def rss(pid):
    """What it has allocated: more of its program is read as it goes along."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", text)[1]) * 1024


def test_c08_flood_is_counted_and_holds_up_nobody(jail, profile):
    supervisor = jail(profile).supervisor
    jail(profile).run("c08_flood.c", argv=[2, 2])  # what is allocated once
    before, total = rss(supervisor.process.pid), FLOOD[0] * FLOOD[1]
    # One of us may have waited for a processor; not each time.
    for _ in range(4):
        worst, run = flood_beside(jail(profile))
        check_flood(run, total)
        if worst < escape.slow(2):
            break
    assert rss(supervisor.process.pid) < before + (1 << 20)
    assert worst < escape.slow(2), worst


def flood_beside(jail):
    """The longest that the supervisor was busy meanwhile, and the Run."""
    worst, process = 0, jail.popen("c08_flood.c", argv=FLOOD)
    while process.poll() is None:
        began = time.monotonic()
        jail.supervisor.hello()
        worst = max(worst, time.monotonic() - began)
        time.sleep(0.01)
    return worst, jail.finish(process)


def check_flood(run, total):
    assert run.attempts == {"flood": ("blocked", "EPERM")}, run
    assert f"refused {total} other 0" in run.stdout, run
    assert run.denials_total == total, run
    assert run.audit["denials"]["calls"] == {"kcmp": total}, run.audit
    assert run.reason == "denied", run
    assert sum(d.get("count", 1) for d in run.denials) <= 64, run.denials


def test_c08_control_no_filter(loose):
    run = loose("strict", "seccomp").run("c08_flood.c", argv=FLOOD)
    assert run.done() == {"flood"}, run


@pytest.fixture
def own(tmp_path_factory, world):
    """Supervisors of a test's own, at an end with it."""
    made = []

    def make(name, **fields):
        one = Supervisor(world.dir / name, **fields)
        made.append(one)
        return one

    yield make
    for one in made:
        if getattr(one, "process", None) is not None:
            one.stop(signal.SIGKILL)
        if (one.state / "cgroups").exists():
            remove_cgroups(one)


def remove_cgroups(supervisor):
    """What one that was killed has left; on v2 it may have no slots."""
    for slot in supervisor.cgroups():
        wait_for(lambda: not escape.pids_below(slot))
        slot.rmdir()
    for top in map(Path, (supervisor.state / "cgroups").read_text().split()):
        if top.exists():
            top.rmdir()


def test_c08_supervisor_stopped_and_killed_while_calls_wait(own, host,
                                                            profile):
    """Slow: the calls wait.  Dead: they fail, and everything ends."""
    supervisor = own(f"killed-{profile}", slots=2).start()
    process = supervisor.popen(profile, "c08_wait.c",
                               limits={"timeout": escape.slow(25)})
    out = process.streams[0]
    pids = wait_for(supervisor.job_pids, lambda p: len(p) >= 2)

    def blocked():
        """A thread of the job waits in its call for the listener."""
        found = []
        for pid in supervisor.job_pids():
            try:
                word = Path(f"/proc/{pid}/syscall").read_text().split()[0]
            except OSError:
                continue
            found.append(word)
        return str(number("io_uring_setup")) in found

    wait_for(blocked, pause=0)  # it runs
    supervisor.process.send_signal(signal.SIGSTOP)
    wait_for(blocked)
    time.sleep(0.3)
    assert blocked()  # nobody answered in its place
    supervisor.process.send_signal(signal.SIGCONT)
    wait_for(lambda: supervisor.hello()["ready"])
    supervisor.process.send_signal(signal.SIGSTOP)
    wait_for(blocked)
    supervisor.process.kill()
    supervisor.process.wait()
    wait_for(supervisor.job_pids, lambda left: not left, seconds=20)
    process.wait(timeout=escape.slow(60))
    out.seek(0)
    text = out.read().decode()
    assert "attempt wait done" not in text, text
    for stream in process.streams:
        stream.close()
    shutil.rmtree(process.place)
    for pid in pids:
        wait_for(lambda: is_gone(pid))


def is_gone(pid):
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return text.rsplit(")", 1)[1].split()[0] in "ZX"


# ---- C09: code that runs before the program --------------------------------

WAYS = {"sitecustomize", "usercustomize", "pth", "pythonstartup", "bash_env",
        "bashrc", "bash_function", "sh_env", "node_options", "node_modules",
        "ld_preload", "ld_audit", "gcc_plugin", "gcc_specs", "gcc_wrapper"}
NEVER = {"own", "gcc_plugin"}


def test_c09_early_code_finds_the_filter(jail, profile):
    run = jail(profile).run("c09_early.py", files=HOOKS)
    assert run.blocked() == WAYS | {"own"}, run
    # The hooks are real: all but these ran, under the filter.
    ran = {n for n, (_, why) in run.attempts.items() if why == "filtered"}
    assert ran >= WAYS - NEVER, run
    assert run.attempts["own"] == ("blocked", "never_ran"), run


@pytest.mark.parametrize("program", ["c09_first.js", "c09_first.sh"])
def test_c09_nothing_before_the_first_line(jail, profile, program):
    run = jail(profile).run(program, files=HOOKS)
    assert run.attempts == {"hook": ("blocked", "never_ran"),
                            "first_line": ("blocked", "filtered")}, run


def test_c09_test_runner_files(jail, profile):
    """conftest.py, pytest.ini: a runner reads them, filtered as it is."""
    files = {**HOOKS, "conftest.py": HOOKS["sitecustomize.py"],
             "pytest.ini": "[pytest]\naddopts = -p hook_plugin\n",
             "hook_plugin.py": HOOKS["sitecustomize.py"],
             "pyproject.toml": "[tool.pytest.ini_options]\n"}
    run = jail(profile).run("c09_early.py", files=files,
                            tests="c09_test_first.py")
    assert run.attempts == {"conftest": ("blocked", "filtered")}, run


def test_c09_control_no_filter(plain):
    run = plain().run("c09_early.py", files=HOOKS)
    assert run.done() >= WAYS - NEVER, run


# ---- C10: a layer that cannot be installed ---------------------------------

TOO_NEW = """[Policy]
Description=More of Landlock than there is
Extends=strict
[SystemCalls]
LandlockMinABI=64
"""


def refused(supervisor, policy):
    """It does not run and says why."""
    run = supervisor.run(policy, "c09_first.sh")
    assert run.outcome == "error", run
    assert not run.attempts, run
    return str(run.error)


def test_c10_landlock_too_old_for_the_policy(own, world):
    supervisor = own("abi", policy_dir=policy_dir(world.dir / "abi-policy",
                                                  new=TOO_NEW)).start()
    assert "Landlock ABI 64" in refused(supervisor, "new")
    assert supervisor.run("strict", "c09_first.sh").outcome == "completed"


WITHOUT = [sys.executable, str(escape.PROGRAMS / "c10_without.py")]


@pytest.mark.parametrize("layer", ["landlock", "seccomp", "notify"])
def test_c10_kernel_without(own, layer):
    """The kernel's answer where it was built without it.  As it comes from a
    filter, the self-test, which refuses to run under one, is taken out; so it
    knows of no Landlock, which nobody may ask for then."""
    loose = {"self-test"} | ({"landlock-min"} if layer != "landlock" else
                             set())
    supervisor = own(f"no-{layer}", loose=loose, prefix=[*WITHOUT, layer])
    supervisor.spawn()
    wait_for(lambda: supervisor.process.poll() is not None or
             answers(supervisor))
    assert supervisor.process.poll() is None, supervisor.log_text()
    for name in PROFILES:
        why = refused(supervisor, name).lower()
        # jail-init, which needs no listener, may be looked at first; it has
        # not shrunk when the payload gives up.
        assert layer_word(layer) in why or (
            layer == "notify" and "posture of jail-init" in why)


def test_c10_self_test_first(own, profile):
    """With the self-test no job comes as far as that."""
    supervisor = own(f"self-test-{profile}", prefix=[*WITHOUT, "seccomp"])
    supervisor.spawn()
    wait_for(lambda: supervisor.process.poll() is not None or
             answers(supervisor))
    if supervisor.process.poll() is None:
        assert "self-test" in refused(supervisor, profile)


def answers(supervisor):
    try:
        return supervisor.hello()
    except OSError:
        return None


def layer_word(layer):
    return {"landlock": "landlock", "seccomp": "install filter",
            "notify": "install seccomp filter"}[layer]


def test_c10_control_no_policy_does_without(world, cannot_show):
    directory = policy_dir(world.dir / "abi-0", new=TOO_NEW.replace("64", "0"))
    done = compile_policy(directory, "new")
    assert done.returncode == 1 and "not within 1..64" in done.stderr, done
    cannot_show("no policy can do without Landlock or the filter, and the "
                "launch ends where one of them cannot be installed")


# ---- C11: every thread -----------------------------------------------------

THREADS = {"threads", "fork", "clone_vm", "exec"}


def many_tasks(host):
    """The tasks of the job that has more than 20; None while there is none."""
    for pid in host.processes():
        try:
            tasks = [task for task in host.tasks(pid)
                     if task["State"][0] not in "ZX"]
        except OSError:
            continue  # it ended
        if len(tasks) > 20:
            return tasks
    return None


def tasks_of_threads(jail, host):
    """What is seen from outside of a job with many threads, and its Run."""
    for _ in range(5):  # it may have come and gone while we did not run
        tasks, process = None, jail.popen("c11_threads.c", argv=[2])
        while tasks is None and process.poll() is None:
            tasks = many_tasks(host)
            time.sleep(0.02)
        run = jail.finish(process)
        if tasks is not None:
            return tasks, run
    raise AssertionError("its threads were never seen")


def test_c11_every_task_is_filtered(jail, profile, host):
    tasks, run = tasks_of_threads(jail(profile), host)
    assert run.blocked() == THREADS, run
    postures = {(t["Seccomp"], t["NoNewPrivs"], t["Seccomp_filters"])
                for t in tasks}
    assert len(tasks) > 20 and postures == {("2\n", "1\n", "1\n")} or \
        postures == {("2", "1", "1")}, postures


def test_c11_control_no_filter(plain):
    run = plain().run("c11_threads.c")
    assert run.done() == THREADS, run


# ---- C12: sockets ----------------------------------------------------------

FAMILIES = {"strict": set(), "standard": {1}, "permissive": {1, 2, 10}}
PROTOCOLS = {"mptcp", "sctp", "dccp", "udplite", "icmp_ping", "raw_icmp",
             "inet_packet", "smc", "raw_high"}
OPTIONS = {"tcp_ulp", "tcp_md5", "tcp_repair", "udp_encap", "attach_filter",
           "attach_bpf", "reuseport_cbpf", "ip_options", "ipt_replace",
           "ip6t_replace", "xfrm_policy", "mcast", "tls_tx", "zerocopy"}


def test_c12_families_protocols_options(jail, profile):
    run = jail(profile).run("c12_sockets.c")
    names = {f"family_{n}" for n in range(46)}
    assert set(run.attempts) == names | PROTOCOLS | OPTIONS, run
    assert run.done() == {f"family_{n}" for n in FAMILIES[profile]}, run
    assert {run.attempts[n][1] for n in OPTIONS} == {"ENOSYS"}, run
    assert {run.attempts[n][1] for n in PROTOCOLS} == {"EPERM"}, run


def test_c12_control_no_filter(loose):
    run = loose("permissive", "seccomp").run("c12_sockets.c")
    assert run.done() >= {"family_1", "family_2", "family_10", "family_16",
                          "mptcp", "udplite"}, run
    assert "ENOSYS" not in {run.attempts[n][1] for n in OPTIONS}, run


# ---- C13: run what was written ---------------------------------------------

WRITTEN = {"memfd_execveat", "written_work", "write_then_exec",
           "pkey_write_then_exec", "write_and_exec", "two_mappings"}
NOEXEC = {"noexec_shm", "noexec_shm_mmap"}
PERSONALITIES = {"read_implies_exec", "no_randomize", "no_randomize_high"}
NO_WRITE_EXEC = """[Policy]
Description=No memory that is written and run
Extends=strict
[SystemCalls]
MemoryDenyWriteExecute=yes
"""


def test_c13_as_the_policy_says(jail, profile):
    """Programs may be built and run in /work; V8 writes code."""
    run = jail(profile).run("c13_exec.c")
    assert run.done() == WRITTEN, run
    assert run.blocked() == NOEXEC | PERSONALITIES, run
    assert {run.attempts[n][1] for n in NOEXEC} <= {"EACCES", "EPERM"}, run
    assert {run.attempts[n][1] for n in PERSONALITIES} == {"ENOSYS"}, run


def test_c13_memory_deny_write_execute(own, world):
    supervisor = own("wx", policy_dir=policy_dir(world.dir / "wx-policy",
                                                 wx=NO_WRITE_EXEC)).start()
    run = supervisor.run("wx", "c13_exec.c")
    assert run.done() <= {"memfd_execveat", "written_work",
                          "two_mappings"}, run
    # MDWE of newer kernels looks at mappings, the filter at calls.
    assert run.blocked() >= NOEXEC | PERSONALITIES | {
        "write_then_exec", "pkey_write_then_exec", "write_and_exec"}, run


def test_c13_control_no_noexec(loose):
    run = loose("strict", "noexec", "landlock").run("c13_exec.c")
    assert run.done() >= WRITTEN | NOEXEC, run


def test_c13_control_no_filter(loose):
    run = loose("strict", "seccomp").run("c13_exec.c")
    assert run.done() >= WRITTEN | PERSONALITIES, run


# ---- C14: calls that nobody in a jail needs --------------------------------

NEVER_CALLED = """bpf perf_event_open userfaultfd kexec_load kexec_file_load
init_module finit_module delete_module quotactl quotactl_fd swapon swapoff acct
reboot lookup_dcookie move_pages mbind migrate_pages set_mempolicy
get_mempolicy set_mempolicy_home_node iopl ioperm modify_ldt vhangup
nfsservctl uselib ustat sysfs _sysctl syslog process_madvise
process_mrelease pidfd_getfd kcmp process_vm_readv process_vm_writev ptrace
setns unshare mincore vmsplice splice tee landlock_create_ruleset memfd_secret
fanotify_init fanotify_mark inotify_init inotify_init1 inotify_add_watch
name_to_handle_at open_by_handle_at sched_setaffinity sched_setscheduler
sched_setattr ioprio_set io_setup io_submit io_uring_setup seccomp setuid
setgid setreuid setresuid setgroups setfsuid capset mlock mlockall
remap_file_pages sync syncfs shmget msgget semget mq_open keyctl add_key
request_key clock_settime settimeofday adjtimex sethostname setdomainname
cachestat map_shadow_stack listmount statmount lsm_set_self_attr mseal
futex_waitv""".split()


def test_c14_calls_of_administrators(jail, profile):
    rows = [(n, number(n)) for n in NEVER_CALLED if number(n) >= 0]
    assert len(rows) > 80
    got = calls(jail(profile), rows)
    assert set(got.values()) <= {"EPERM", "ENOSYS"}, got


def test_c14_control_no_filter(loose, cannot_show):
    """What needs no capability besides is made; the rest has two controls."""
    run = loose("strict", "seccomp")
    got = calls(run, [("userfaultfd", number("userfaultfd"), 1),
                      ("get_mempolicy", number("get_mempolicy")),
                      ("move_pages", number("move_pages")),
                      ("sync", number("sync")),
                      ("inotify_init", number("inotify_init")),
                      ("sched_setscheduler", number("sched_setscheduler"), 0,
                       0, "@")])
    assert set(got.values()) == {"done"}, got
    cannot_show("reboot, kexec, modules, swap and the like: the attempt would "
                "end this host, and an empty capability set holds them too")


# ---- C15: timing -----------------------------------------------------------

TIMING = {"store_bypass_on", "indirect_branch_on", "l1d_flush_off", "set_tsc",
          "core_sched", "perf", "pin", "fifo", "nice"}


def test_c15_mitigations_cannot_be_turned_off(jail, profile, host):
    tasks, _ = tasks_of_threads(jail(profile), host)
    run = jail(profile).run("c15_timing.c")
    assert run.blocked() == TIMING, run
    # Where the kernel lets each process choose, the jail has chosen.
    for task in tasks:
        word = task.get("SpeculationIndirectBranch", "").strip()
        assert not word.startswith("conditional enabled"), word


def test_c15_control_no_filter(loose):
    run = loose("strict", "seccomp").run("c15_timing.c")
    assert run.done() >= {"set_tsc", "pin"}, run


# ---- C16: filters of the job's own -----------------------------------------

FILTERS = {"allow_all", "by_prctl", "by_prctl_high", "own_listener", "tsync",
           "spec_allow", "action_avail", "stack", "strict_mode"}


def test_c16_no_filters_of_its_own(jail, profile):
    run = jail(profile).run("c16_filters.c")
    assert run.attempts == dict.fromkeys(FILTERS, ("blocked", "ENOSYS")), run


def test_c16_control_no_filter(loose):
    run = loose("strict", "seccomp").run("c16_filters.c")
    assert run.done() >= {"allow_all", "by_prctl", "own_listener",
                          "stack"}, run
