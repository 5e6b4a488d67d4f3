# SPDX-License-Identifier: Apache-2.0
"""promptcraft doctor, and what happens where a layer is missing: the cause
and the fix are named, and jobs are refused, not weakened."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from promptcraft import CLI, Stack, problem, run_cli

LIMITED = [sys.executable, str(Path(__file__).with_name("limited.py"))]

# mode of limited.py, layer that must be missing, words of cause, words of fix
LACKS = [
    ("userns-limit", "user namespace", "user.max_user_namespaces = 0",
     "sysctl -w user.max_user_namespaces="),
    ("container", "user namespace", "ENOSYS", "seccomp profile"),
    ("filtered", "filters of jails", "Permission denied",
     "SystemCallFilter="),
] + [(f"no-{name}", f"cgroup {name}", f"{name} controller",
      f"mount -t cgroup -o {name}"
      if Path(f"/sys/fs/cgroup/{name}/tasks").exists()
      else f"write +{name} to cgroup.subtree_control")
     for name in ("pids", "memory", "cpu")]


# Comes from npm, and only its own analyses need it.
ESLINT = "runtime analyze-eslint"
HAS_ESLINT = Path("/usr/lib/node_modules/eslint-plugin-security").exists()


def doctor(*args, prefix=()):
    done = subprocess.run([*prefix, str(CLI), "doctor", "--json", *args],
                          capture_output=True, text=True, timeout=60)
    report = json.loads(done.stdout)
    report["exit"] = done.returncode
    report["by_name"] = {x["name"]: x for x in report["layers"]}
    return report


def test_every_layer_is_probed(stack):
    report = doctor("--socket", stack.socket)
    names = set(report["by_name"])
    assert names >= {
        "kernel", "privileges", "user namespace", "pid namespace",
        "mount namespace", "net namespace", "ipc namespace", "uts namespace",
        "cgroup namespace", "AppArmor and user namespaces",
        "own /proc in a user namespace", "new mount API",
        "pidfd_open, pidfd_getfd", "seccomp filters",
        "seccomp user notification", "filters of jails",
        "Landlock", "cgroup version",
        "cgroup memory", "cgroup pids", "cgroup cpu", "jail-init",
        "policy strict.policy", "policy standard.policy",
        "policy permissive.policy", "runtime python", "runtime javascript",
        "runtime c", "runtime shell", "supervisor"}
    bad = [x for x in report["layers"] if x["state"] != "ok"]
    assert [x["name"] for x in bad] == ([] if HAS_ESLINT else [ESLINT])
    assert not any(x["required"] for x in bad)
    assert report["status"] == ("degraded" if bad else "ok")
    assert report["exit"] == 0
    assert all(x["detail"] for x in report["layers"] if x not in bad)


def test_text_for_people_says_the_same(stack):
    done = run_cli("doctor", "--socket", stack.socket)
    lines = done.stdout.splitlines()
    other = [line for line in lines[:-2] if not line.startswith("ok ")]
    if HAS_ESLINT:
        assert not other
        assert lines[-1] == "Every layer is there: jails can run."
    else:
        assert other[0].split() == ["missing", *ESLINT.split()]
        assert [line.split()[0] for line in other[1:]] == ["cause:", "fix:"]
        assert lines[-1].startswith("Jails can run; see what is degraded")
    assert "\033" not in done.stdout


def test_a_missing_supervisor_is_named():
    report = doctor("--socket", "/nonexistent/supervisor.sock")
    layer = report["by_name"]["supervisor"]
    assert layer["state"] == "missing" and layer["required"]
    assert "/nonexistent/supervisor.sock" in layer["cause"]
    assert "systemctl start promptcraft-supervisor" in layer["fix"]
    assert report["exit"] == 1


def test_an_ordinary_user_is_told_to_use_root():
    done = subprocess.run(
        ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
         str(CLI), "doctor", "--json"], capture_output=True, text=True)
    layer = {x["name"]: x for x in json.loads(done.stdout)["layers"]}
    assert "sudo" in layer["privileges"]["fix"]
    assert done.returncode == 1


@pytest.mark.parametrize("mode,name,cause,fix", LACKS,
                         ids=[x[0] for x in LACKS])
def test_doctor_names_cause_and_fix(mode, name, cause, fix):
    report = doctor(prefix=[*LIMITED, mode])
    layer = report["by_name"][name]
    assert layer["state"] == "missing" and layer["required"]
    assert cause in layer["cause"]
    assert fix in layer["fix"]
    assert (report["status"], report["exit"]) == ("missing", 1)


@pytest.mark.parametrize("mode,name,cause,fix", LACKS,
                         ids=[x[0] for x in LACKS])
def test_jobs_are_refused_not_weakened(mode, name, cause, fix, tmp_path):
    prefix = [*LIMITED, mode]
    with pytest.raises(AssertionError, match="refuses jobs"):
        Stack.up(prefix=prefix).down()

    stack = Stack.up("--accept-not-ready", prefix=prefix)
    try:
        assert stack.info["ready"] is False
        reason = stack.info["cause"]
        assert name.removeprefix("cgroup ") in reason

        marker = tmp_path / "ran"
        code = f"open('/work/x', 'w').write('ran'); print('{marker}')"
        reply = stack.client().post("/api/v3/jobs", {
            "language": "python", "code": code})
        assert reason in problem(reply, 503)["detail"]

        program = tmp_path / "program.py"
        program.write_text(code)
        done = run_cli("jail", "run", program, "--runtime", "python",
                       "--socket", stack.socket, check=False)
        assert done.returncode == 125
        assert str(marker) not in done.stdout

        layer = doctor("--socket", stack.socket,
                       prefix=prefix)["by_name"]["supervisor"]
        assert layer["state"] == "missing"
        assert reason[:100] in layer["cause"]

        health = stack.anonymous().get("/health").json()
        assert health["status"] != "healthy"
    finally:
        stack.down()
