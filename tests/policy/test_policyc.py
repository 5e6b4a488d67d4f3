# SPDX-License-Identifier: Apache-2.0
"""The compiler's command line: exit status, streams, privileges."""
import os
import resource
import shutil
import subprocess

import pytest

from compiled import POLICYC, PROFILES, ROOT, SETS, policyc

STRICT = PROFILES / "strict.policy"


@pytest.mark.parametrize("args", [
    (), ("policy",), ("policy", STRICT), ("policy", "--sets", SETS),
    ("policy", "--sets"), ("policy", "--sets", SETS, STRICT, STRICT),
    ("policy", "--what", SETS, STRICT), ("compile", STRICT), ("runtime",),
])
def test_wrong_usage(args):
    done = policyc(*args)
    assert done.returncode == 2
    assert done.stdout == b"" and done.stderr.startswith(b"usage: ")


def test_an_error_writes_nothing_to_stdout(tmp_path):
    bad = tmp_path / "bad.policy"
    bad.write_text(STRICT.read_text().replace("256M", "256Q"))
    done = policyc("policy", "--sets", SETS, bad)
    assert done.returncode == 1 and done.stdout == b""
    line = bad.read_text().splitlines().index("MemoryMax=256Q") + 1
    assert done.stderr.decode().startswith(
        f'{bad}:{line}: MemoryMax=: "256Q" is not a size')


def test_a_policy_that_breaks_a_claim_is_not_compiled(tmp_path):
    """The text is right, and what it allows holds for no policy of ours."""
    sets = tmp_path / "sets"
    shutil.copytree(SETS, sets)
    process = sets / "process"
    process.write_text(process.read_text().replace("|CLONE_NEWTIME=0", "=0"))
    done = policyc("policy", "--sets", sets, STRICT)
    said = done.stderr.decode()
    assert done.returncode == 1 and done.stdout == b"", said
    assert said.startswith(f"{STRICT}: does not hold: ") and \
        "clone(CLONE_NEWTIME" in said


def test_a_closed_stdout_is_an_error():
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [str(POLICYC), "policy", "--sets", str(SETS), str(STRICT)],
            stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1 and b"write to stdout" in done.stderr


def test_show_to_a_full_device_is_an_error():
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [str(POLICYC), "show", str(STRICT), "--sets", str(SETS)],
            stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1 and b"write to stdout" in done.stderr


def no_privilege():
    """As the supervisor starts it: nobody, no files, no processes."""
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))


def test_runs_as_nobody_without_write_access(tmp_path):
    assert os.getuid() == 0, "needs root to become nobody"
    shutil.copytree(ROOT / "policy", tmp_path / "policy")
    shutil.copy(POLICYC, tmp_path / "policyc")
    for at in [tmp_path, *tmp_path.parents][:4]:
        if str(at).startswith("/tmp/pytest"):
            at.chmod(0o755)
    done = subprocess.run(
        ["./policyc", "policy", "--sets", "policy/sets",
         "policy/profiles/strict.policy"],
        cwd=tmp_path, preexec_fn=no_privilege, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert len(done.stdout) > 60000


def test_the_installed_runtimes_compile():
    built = POLICYC.parent / "runtimes"
    names = sorted(p.name for p in built.iterdir())
    assert {"python", "javascript", "c", "shell"} <= set(names)
    for name in names:
        done = policyc("runtime", built / name)
        assert done.returncode == 0, done.stderr.decode()
