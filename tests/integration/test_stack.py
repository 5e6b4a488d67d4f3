# SPDX-License-Identifier: Apache-2.0
"""tools/stack: starts, stops, leaves nothing, stands beside others."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from promptcraft import (BUILD, Stack, make_directory, run_stack, wait_for)

def mounts_of(directory):
    """Mounts at, below or from the directory, as this namespace sees them."""
    text = Path("/proc/self/mountinfo").read_text()
    return [line for line in text.splitlines() if str(directory) in line]


def is_alive(pid):
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    # Nobody may have reaped it yet; it is dead all the same.
    return text.rpartition(")")[2].split()[0] not in "ZX"


def alive(pids):
    return {pid for pid in pids if is_alive(pid)}


@pytest.fixture
def directory():
    directory = make_directory()
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


def test_up_and_down_leave_nothing():
    stack = Stack.up()
    try:
        assert set(stack.info) >= {"url", "admin_user", "admin_password",
                                   "token", "supervisor_socket", "pids"}
        pids = set(stack.info["pids"].values())
        assert len(pids) == 2 and alive(pids) == pids
        groups = set(map(Path, stack.status()["cgroups"]))
        assert groups, "the stack knows no cgroup of its supervisor"
        data = stack.client().job(language="python", code="print(6 * 7)")
        assert (data["outcome"], data["stdout"]) == ("completed", "42\n")
        uid = stack.info["api_uid"]
        assert os.stat(stack.dir / "api").st_uid == uid
        # The files it has made belong to the API's own user, none to root.
        assert {p.stat().st_uid for p in (stack.dir / "api").iterdir()} == \
            {uid}
    finally:
        stack.down()
    assert not alive(pids)
    assert not [g for g in groups if g.exists()]
    assert not mounts_of(stack.dir)
    # Another stack may have taken the number since.
    with contextlib.suppress(FileNotFoundError):
        owner = Path(f"/run/promptcraft/api-uid.{uid}").read_text()
        assert owner != str(stack.dir)


def test_api_runs_as_its_own_user_without_capabilities(stack):
    text = Path(f"/proc/{stack.info['pids']['api']}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in text.splitlines()
                  if ":\t" in line)
    assert set(fields["Uid"].split()) == {str(stack.info["api_uid"])}
    assert set(fields["Gid"].split()) == {str(stack.info["api_uid"])}
    assert fields["Groups"].split() == []
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(fields[name], 16) == 0, name
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"


def test_two_side_by_side():
    one, two = Stack.up(), Stack.up()
    try:
        assert one.info["api_uid"] != two.info["api_uid"]
        assert one.url != two.url
        ids = [s.client().job(language="shell", code="id -u")["stdout"]
               for s in (one, two)]
        assert ids[0] == ids[1] == "1000\n"
        # A token of one is nothing to the other.
        from promptcraft import Client
        foreign = Client(two.url, one.info["token"])
        assert foreign.get("/api/v3/workflows").status == 401
        one.down()
        one = None
        data = two.client().job(language="shell", code="echo still here")
        assert data["stdout"] == "still here\n"
    finally:
        if one is not None:
            one.down()
        two.down()


def test_restarts_keep_accounts_and_tokens(own_stack):
    user = own_stack.new_user("kim")
    before = own_stack.info["pids"]
    after = own_stack.restart("api")["pids"]
    assert after["api"] != before["api"]
    assert after["supervisor"] == before["supervisor"]
    assert user.get("/api/v3/workflows").status == 200
    after = own_stack.restart("supervisor")["pids"]
    assert after["supervisor"] != before["supervisor"]
    data = user.job(language="shell", code="echo back")
    assert data["stdout"] == "back\n"


def test_down_after_a_crash_cleans_up(directory):
    info = json.loads(run_stack("up", directory, "--build", BUILD).stdout)
    groups = json.loads(run_stack("status", directory).stdout)["cgroups"]
    for pid in info["pids"].values():
        os.kill(pid, 9)
    wait_for(lambda: alive(info["pids"].values()), lambda left: not left)
    done = run_stack("down", directory)
    assert "no process" in done.stdout
    assert "the supervisor had ended before" in done.stderr
    assert not [g for g in groups if Path(g).exists()]


def test_redis_and_a_node_that_joins(directory):
    """Each goes with its stack, and the state is in the first one's Redis."""
    directory = Path(directory)
    other = directory.with_name(directory.name + "-2")
    first = json.loads(run_stack("up", directory, "--store", "redis").stdout)
    try:
        second = json.loads(run_stack("up", other, "--join",
                                      directory).stdout)
        assert set(first["pids"]) == {"api", "supervisor", "redis"}
        assert set(second["pids"]) == {"api", "supervisor"}
        assert second["admin_password"] == first["admin_password"]
        assert not (directory / "api" / "promptcraft.db").exists()
        done = run_stack("restart-redis", other, check=False)
        assert done.returncode == 2 and "no Redis of its own" in done.stderr
    finally:
        for stack in (other, directory):
            done = run_stack("down", stack, "--purge", check=False)
            assert done.returncode == 0, done.stderr
    assert not alive([first["pids"]["redis"], second["pids"]["api"]])


def test_join_of_a_stack_without_redis(directory):
    run_stack("up", directory)
    try:
        done = run_stack("up", Path(str(directory) + "-2"), "--join",
                         directory, check=False)
        assert done.returncode == 1 and "--store redis" in done.stderr
    finally:
        run_stack("down", directory)
        shutil.rmtree(str(directory) + "-2", ignore_errors=True)


def test_packages_installed_under_a_running_supervisor():
    """ldconfig replaces /etc/ld.so.cache, which every jail has bound."""
    limited = str(Path(__file__).with_name("limited.py"))
    stack = Stack.up(prefix=[sys.executable, limited, "own-etc"])
    try:
        inside = ["nsenter", "--mount", "--target",
                  str(stack.info["pids"]["supervisor"])]
        assert subprocess.run([*inside, "findmnt", "-n", "/etc"],
                              capture_output=True).returncode == 0
        client = stack.client()
        for _ in range(3):
            data = client.job(language="python", code="print('works')")
            assert data["stdout"] == "works\n"
            subprocess.run([*inside, "ldconfig"], check=True)
        data = client.job(language="python", code="print('still')")
        assert data["stdout"] == "still\n"
    finally:
        stack.down()


@pytest.mark.parametrize("case", ["long", "closed", "no build", "twice"])
def test_what_cannot_work_says_why(directory, case, stack):
    args, words = {
        "long": ([f"{directory}/{'x' * 120}"], "shorter"),
        "closed": ([directory], "chmod o+x"),
        "no build": ([directory, "--build", "/usr/share"], "not built"),
        "twice": ([stack.dir], "already holds a stack"),
    }[case]
    if case == "closed":
        os.chmod(directory, 0o700)
    if case != "no build":
        args += ["--build", BUILD]
    done = run_stack("up", *args, check=False)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_supervisor_that_does_not_start_shows_its_log(directory):
    # --slots 0 is refused by the supervisor itself.
    done = run_stack("up", directory, "--build", BUILD, "--slots", "0",
                     check=False)
    assert done.returncode == 1
    assert "--slots" in done.stderr
    assert not (Path(directory) / "stack.json").exists()
