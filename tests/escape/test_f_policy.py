# SPDX-License-Identifier: Apache-2.0
"""Rows F01-F06: policies mean what they say, a weaker host is told, every
jail is as its policy expects, and every refusal is seen.

What the gate must notice is injected one by one in
tests/integration/test_gate_faults.py as well."""

import json
import subprocess
import sys

import pytest

import escape
import wire
from escape import BUILD, PROFILES
from promptcraft import Stack
from test_a_setup import all_blocked, refused

LIMITED = (sys.executable, str(escape.HERE.parent / "integration" /
                               "limited.py"))


# ---- F01: somebody asks for more ------------------------------------------------

ALWAYS = {"connect", "host_file", "home", "write_usr", "environment"}
FREE = {"strict": set(), "standard": {"unix"}, "permissive": {"unix", "inet"}}


@pytest.fixture(scope="module")
def client():
    stack = Stack.up()
    yield stack.client()
    stack.down()


def test_f01_the_code_asks(jail, profile):
    """A comment is no policy, and neither is what a program says it needs."""
    run = jail(profile).run("f01_more.py")
    assert run.done() == FREE[profile], run
    assert ALWAYS <= run.blocked()


ASKS = {
    "network": True, "network_access": True, "privileged": True,
    "security_opt": ["seccomp=unconfined"], "seccomp": "unconfined",
    "capabilities": ["CAP_SYS_ADMIN"], "cap_add": ["ALL"],
    "mounts": [{"source": "/", "target": "/host"}], "volumes": ["/:/host"],
    "BindReadOnlyPaths": "/root", "devices": ["/dev/mem"], "user": "root",
    "uid": 0, "env": {"EVIL": "1"}, "environment": {"EVIL": "1"},
    "runtime": {"argv": ["/bin/sh"]}, "entrypoint": "/bin/sh",
    "policy_text": "[Policy]\nDescription=x\n", "sandbox": False,
    "limits": {"timeout_seconds": 20, "pids": 100000, "network": True},
    "sysctls": {"kernel.core_pattern": "|/bin/sh"},
}


@pytest.mark.parametrize("name", ASKS)
def test_f01_a_request_asks(client, profile, name):
    """Unknown words change nothing; the policy is the operator's, by name."""
    code = (escape.PROGRAMS / "f01_more.py").read_text()
    reply = client.post("/api/v3/jobs", {
        "language": "python", "code": code, "security_level": profile,
        name: ASKS[name]})
    if reply.status >= 400:
        assert reply.status in (400, 422), reply
        return
    run = escape.Run(reply.data)
    assert run.data["policy"]["name"] == profile
    assert run.done() == FREE[profile], run


NAMES = ["../permissive", "permissive.policy", "/etc/promptcraft/policy",
         "PERMISSIVE", "permissive ", "none", "unconfined", "", "strict,x",
         ["permissive"], {"name": "permissive"}, 1, None, True,
         "strict\u0000permissive"]


@pytest.mark.parametrize("key", ["security_level", "policy"])
def test_f01_only_a_name_of_the_list(client, key):
    for name in NAMES:
        reply = client.post("/api/v3/jobs", {
            "language": "python", "code": "print('attempt ran done')",
            key: name})
        if reply.status < 400:
            assert name is None and reply.data["policy"]["name"] == \
                "standard", (name, reply)
        else:
            assert reply.status in (400, 404, 422), (name, reply)


def test_f01_limits_above_the_ceiling(jail, profile):
    """Through the product's own client: asked for 1 TiB, given the policy's."""
    ceiling = {"strict": 256, "standard": 512, "permissive": 1024}
    run = jail(profile).run("f01_more.py", limits={
        "memory_mb": 1 << 20, "timeout": 86400})
    assert run.outcome == "completed", run
    assert run.limits["memory_mb"] == ceiling[profile]
    assert run.limits["timeout_seconds"] <= 300


def test_f01_control_clamp(loose):
    run = loose("strict", "clamp").run("f01_more.py", limits={
        "memory_mb": 4096})
    assert run.limits["memory_mb"] == 4096, run


# ---- F02: a rule that is not applied ---------------------------------------------

RULES = [
    ("Limits", "MemoryMaxx=1M"), ("Limits", "memorymax=1M"),
    ("Limits", "MemoryMax =1M\nMemoryMax=2M"), ("Limits", "MemoryMax="),
    ("Limits", "MemoryMax=1Q"), ("Limits", "MemoryMax=-1"),
    ("Limits", "MemoryMax=99999999999999999999"), ("Limits", "TasksMax=0"),
    ("Limits", "TasksMax=0x10"), ("Limits", "CPUQuota=100"),
    ("Limits", "RuntimeMaxSec=infinity"), ("Limits", "MemoryMax=64M # no"),
    ("Network", "MemoryMax=1M"), ("Evil", "MemoryMax=1M"),
    ("Filesystem", "BindReadOnlyPaths=/usr/bin/*"),
    ("Filesystem", "BindReadOnlyPaths=~/bin"),
    ("Filesystem", "BindReadOnlyPaths=$HOME/bin"),
    ("Filesystem", "BindReadOnlyPaths=%h/bin"),
    ("Filesystem", "BindReadOnlyPaths=/usr/../root"),
    ("Filesystem", "BindReadOnlyPaths=usr/bin"),
    ("Filesystem", "BindReadOnlyPaths=/usr//share/doc"),
    ("Filesystem", "BindReadOnlyPaths=/usr/bin/"),
    ("Filesystem", "BindReadOnlyPaths="),
    ("Filesystem", "Symlinks=usr/bin"),
    ("SystemCalls", "SystemCallFilter=@nothing"),
    ("SystemCalls", "SystemCallFilter=opennat"),
    ("SystemCalls", "SystemCallFilter=~ptrace"),
    ("SystemCalls", "SystemCallFilter=*"),
    ("SystemCalls", "SystemCallFilter="),
    ("SystemCalls", "RestrictAddressFamilies=AF_EVERYTHING"),
    ("SystemCalls", "MemoryDenyWriteExecute=maybe"),
    ("Network", "Loopback=1"), ("Network", "PrivateNetwork=no"),
    ("Environment", "LD_PRELOAD=/work/x.so"), ("Environment", "A-B=1"),
    ("Examples", "Deny=openat(AT_FDCWD, *, O_RDONLY)"),
    ("Examples", "Allow=mount(*)"),
    ("Limits", "just a line"), ("Limits", "=1M"),
]
LOOSENED = ("MemoryMax TasksMax RuntimeMaxSec BindReadOnlyPaths "
            "SystemCallFilter RestrictAddressFamilies").split()


def policyc(binary, top):
    return subprocess.run(
        [binary, "policy", "--sets", top / "sets",
         top / "profiles" / "mine.policy"], capture_output=True, timeout=60)


def loosens_for(line):
    key = line.split("=")[0].strip()
    return key if key in LOOSENED else None


@pytest.mark.all_profiles
@pytest.mark.parametrize("section, line", RULES)
def test_f02_never_silently(policies, section, line):
    """Each is an error with the file and the line, whatever it extends."""
    for base in PROFILES:
        top = policies(f"[{section}]\n{line}\n", base=base,
                       loosens=loosens_for(line))
        if base == "permissive":  # which stands on standard
            for name in PROFILES:
                (top / "profiles" / f"{name}.policy").write_bytes(
                    (BUILD / "policy/profiles" / f"{name}.policy")
                    .read_bytes())
        else:
            (top / "profiles/standard.policy").write_bytes(
                (BUILD / "policy/profiles/standard.policy").read_bytes())
        done = policyc(BUILD / "promptcraft-policyc", top)
        said = done.stderr.decode()
        assert done.returncode == 1 and done.stdout == b"", (base, said)
        lines = (top / "profiles/mine.policy").read_text().splitlines()
        numbers = [n for n, text in enumerate(lines, 1)
                   if text in (*line.splitlines(), f"[{section}]")]
        assert any(f"{top}/profiles/mine.policy:{n}:" in said
                   for n in numbers), (base, said)


def test_f02_a_supervisor_does_not_start_on_it(own, policies):
    said = own(policy_dir=policies("[Limits]\nMemoryMaxx=1M\n")) \
        .fails_to_start()
    assert "mine.policy:5" in said and "MemoryMaxx" in said


@pytest.mark.all_profiles
def test_f02_a_path_that_is_missing(own, policies):
    """Without "-" a bind that is not there refuses the job by name."""
    for base in PROFILES[:1]:
        top = policies("[Filesystem]\nBindReadOnlyPaths=/srv/nowhere\n",
                       base=base, loosens="BindReadOnlyPaths")
        supervisor = own(policy_dir=top).start()
        refused(supervisor.run("mine", "f01_more.py"), "/srv/nowhere")


def test_f02_control_errors_count(policies, careless_policyc):
    """A compiler that drops its errors loads the same policy, without the
    limit that its author meant to set."""
    done = policyc(careless_policyc, policies("[Limits]\nMemoryMaxx=1M\n"))
    assert done.returncode == 0 and len(done.stdout) > 10000, done.stderr


# ---- F03: what a host cannot give ------------------------------------------------

LACKS = {"userns-limit": "user namespace", "no-memory": "memory",
         "no-pids": "pids", "no-cpu": "cpu", "container": "namespace"}


def lacks(mode):
    return (*LIMITED, mode)


@pytest.mark.all_profiles
@pytest.mark.parametrize("mode", LACKS)
def test_f03_a_missing_layer_refuses(own, mode):
    supervisor = own(prefix=lacks(mode)).start()
    hello = supervisor.hello()
    assert hello["ready"] == 0 and LACKS[mode] in hello["cause"], hello
    for profile in PROFILES:
        refused(supervisor.run(profile, "f01_more.py"), LACKS[mode])


@pytest.mark.parametrize("mode", LACKS)
def test_f03_doctor_names_cause_and_fix(mode):
    done = subprocess.run([*lacks(mode), escape.CLI, "doctor", "--json"],
                          capture_output=True, text=True,
                          timeout=escape.slow(60))
    report = json.loads(done.stdout)
    missing = [x for x in report["layers"] if x["state"] == "missing"]
    assert done.returncode == 1 and missing
    assert all(x["cause"] and x["fix"] for x in missing), missing


@pytest.mark.all_profiles
def test_f03_an_old_landlock(own, policies):
    """A policy that asks for more than the kernel has runs nothing."""
    for base in ("strict",):
        top = policies("[SystemCalls]\nLandlockMinABI=64\n", base=base)
        supervisor = own(policy_dir=top).start()
        refused(supervisor.run("mine", "f01_more.py"), "Landlock ABI 64")


def test_f03_control_landlock_minimum(own, policies):
    """The same jail without that rule, so weaker than was asked for."""
    top = policies("[SystemCalls]\nLandlockMinABI=64\n")
    supervisor = own(policy_dir=top, loose=["landlock-min"]).start()
    run = supervisor.run("mine", "f01_more.py")
    assert run.outcome == "completed" and run.attempts, run


# ---- F04: the look at the host before the first job --------------------------------


@pytest.mark.all_profiles
def test_f04_no_job_before_the_probes_pass(own):
    """Not ready, for as long as it lives; ready after a start that passes."""
    supervisor = own(prefix=lacks("userns-limit"))
    argv = supervisor.argv
    supervisor.start()
    assert "self-test" in supervisor.log_text()
    for profile in PROFILES:
        refused(supervisor.run(profile, "f01_more.py"), "user namespace")
    assert supervisor.hello()["ready"] == 0
    supervisor.stop()
    supervisor.argv = argv[len(LIMITED) + 1:]
    supervisor.start()
    assert supervisor.hello()["ready"] == 1
    for profile in PROFILES:
        assert supervisor.run(profile, "f01_more.py").outcome == "completed"


def test_f04_control_self_test(own):
    """Without it the service says that it is ready where no jail can be."""
    supervisor = own(prefix=lacks("userns-limit"), loose=["self-test"])
    assert supervisor.start().hello()["ready"] == 1


# ---- F05: the posture of each live jail --------------------------------------------

WRONG = {"fds": "fd ", "caps": "capabilities", "ids": "uid",
         "rlimits": "limit", "init": "jail-init", "ipcns": "ns/ipc",
         "cgroupns": "ns/cgroup", "netns": "ns/net", "utsns": "ns/uts",
         "proc-rw": "/proc", "mounts-ro": "ro"}


@pytest.mark.parametrize("control", WRONG)
def test_f05_a_wrong_posture_never_runs(loose, profile, control):
    run = loose(profile, control, "gated").run("f01_more.py")
    refused(run, WRONG[control])
    assert run.stdout == ""
    assert run.audit["outcome"] == "refused"
    assert run.audit["posture"] not in ("passed", "not reached"), run.audit


def test_f05_the_right_one_is_recorded(jail, profile):
    assert jail(profile).run("f01_more.py").audit["posture"] == "passed"


@pytest.mark.parametrize("control", WRONG)
def test_f05_control_gate(loose, control):
    """The same jail with the gate open: its program runs."""
    run = loose("strict", control).run("f01_more.py")
    assert run.attempts, run


# ---- F06: refusals are seen and counted ---------------------------------------------

CALLS = ("unshare", "bpf", "ptrace", "io_uring_setup")


@pytest.mark.parametrize("each", [1, 5, 500])
def test_f06_every_refusal_is_counted(jail, profile, each):
    """Four threads at a time, up to 8,000 refusals: none is lost."""
    run = jail(profile).run("f06_denials.c", argv=[each],
                            limits={"timeout": escape.slow(30)})
    all_blocked(run, {"calls"})
    total = 4 * each
    assert run.denials_total == total * len(CALLS), run
    assert run.reason == "denied"
    assert run.audit["denials"]["total"] == total * len(CALLS)
    assert run.audit["denials"]["calls"] == dict.fromkeys(CALLS, total)
    told = sum(d["count"] for d in run.denials)
    assert told == min(total * len(CALLS), 64)
    for denial in run.denials:
        assert denial["syscall"] in CALLS and denial["pid"] > 1
        assert len(denial["args"]) == 6 and denial["errno"] > 0
        if denial["syscall"] == "unshare":
            assert denial["args"][0] == "0x20000"  # CLONE_NEWNS


def test_f06_control_listener(loose):
    """Refused by the filter alone, the same calls leave no trace."""
    run = loose("strict", "audit").run("f06_denials.c", argv=[5])
    all_blocked(run, {"calls"})
    assert run.denials_total == 0 and run.reason is None


def test_f06_other_jobs_wait_for_no_flood(jail, profile):
    """The supervisor has one thread: a flood of refusals is answered by the
    turn, and a job beside it runs."""
    one = jail(profile)
    process = one.popen("f06_denials.c", argv=[3000])
    escape.wait_for(one.supervisor.job_pids)
    run = jail(profile).run("f01_more.py")
    assert run.outcome == "completed"
    assert run.usage["wall_ms"] < escape.slow(10000)
    flood = one.finish(process)
    assert flood.denials_total > 0
    assert flood.audit["denials"]["total"] == flood.denials_total


def test_f06_no_denial_is_another_jobs(world):
    """Two at a time: each job is told of its own."""
    supervisor = world.supervisor()
    first = supervisor.popen("strict", "f06_denials.c", argv=[50])
    second = supervisor.popen("strict", "f06_denials.c", argv=[7])
    runs = [supervisor.finish(p) for p in (first, second)]
    assert [r.denials_total for r in runs] == [800, 112]
    assert wire.NAMES[1] == runs[0].audit["outcome"]
