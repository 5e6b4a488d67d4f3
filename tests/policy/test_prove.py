# SPDX-License-Identifier: Apache-2.0
"""prove, diff and check: exit status, streams, and what they say.

That the prover is right is shown in tests/unit/test_policy_prove.c, on filters
with planted holes.
"""
import json
import os
import re
import resource
import shutil
import subprocess

import pytest

from compiled import (BUILD, PROFILES, SETS, Machine, compile_policy, policyc,
                      verdict)

NAMES = ["strict", "standard", "permissive", "analyzer"]
CLI = BUILD / "promptcraft"
# As in tests/integration/promptcraft.py.
SLOWNESS = float(os.environ.get("PROMPTCRAFT_SLOW_MACHINE", "1"))


def profile(name):
    return PROFILES / f"{name}.policy"


def cli(*args):
    return subprocess.run([str(CLI), "policy", *map(str, args)], timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False)


def edited(tmp_path, old, new, name="strict"):
    text = profile(name).read_text()
    assert old in text
    path = tmp_path / f"{name}.policy"
    path.write_text(text.replace(old, new))
    return path


@pytest.mark.parametrize("name", NAMES)
def test_each_profile_is_proven_within_a_second(name):
    for _ in range(5):  # a processor is slower where its other half works
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        done = policyc("prove", profile(name), "--sets", SETS)
        took = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
        if took < SLOWNESS:
            break
    text = done.stdout.decode()
    assert done.returncode == 0 and done.stderr == b""
    assert text.endswith("proven\n") and "HOLE" not in text
    assert took < SLOWNESS
    reach = re.search(r"^(\d+) of (\d+) system calls .*380 names allowed", text,
                      re.MULTILINE)
    allowed = compile_policy(profile(name)).syscalls_allowed
    assert int(reach[1]) == allowed < int(reach[2]) == 381


@pytest.mark.parametrize("name", NAMES)
def test_the_table_has_every_argument_condition(name):
    text = policyc("prove", profile(name), "--sets", SETS).stdout.decode()
    assert " ioctl\n   allowed\n      ioctl(*, {FI" in text
    assert "clone(&CLONE_NEWTIME|CLONE_NEWNS|" in text
    assert "  0x40000000..0xfffffffe  killed\n" in text
    has_inet = "socket(AF_INET, &SOCK_TYPE_MASK=" in text
    assert has_inet == (name == "permissive")


@pytest.mark.parametrize("name", NAMES)
def test_each_profile_checks_clean(name):
    done = policyc("check", profile(name), "--sets", SETS)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode().endswith(": ok\n") and done.stderr == b""


@pytest.mark.parametrize("name", NAMES)
def test_a_policy_is_the_same_as_itself(name):
    done = policyc("diff", profile(name), profile(name), "--sets", SETS)
    assert done.returncode == 0
    assert b"0 calls and 0 other lines differ" in done.stdout


def test_another_order_is_no_difference(tmp_path):
    old = "SystemCallFilter=@files @memory @process @signals"
    new = "SystemCallFilter=@signals @process @memory @files"
    path = edited(tmp_path, old, new)
    done = policyc("diff", profile("strict"), path, "--sets", SETS)
    assert done.returncode == 0, done.stdout.decode()


@pytest.mark.parametrize("old,new,lines", [
    ("MemoryMax=256M", "MemoryMax=512M",
     ["- limit MemoryMax (bytes): 268435456",
      "+ limit MemoryMax (bytes): 536870912"]),
    ("TZ=UTC", "TZ=CET", ["- environment TZ=UTC", "+ environment TZ=CET"]),
    (" /usr/include", "", ["- mount /usr/include at /usr/include"]),
    ("mode=1777,noexec", "mode=1777",
     ["+ tmpfs /dev/shm: 16777216 bytes, 256 inodes, mode 1777"]),
    ("LandlockMinABI=1", "LandlockMinABI=3",
     ["+ landlock: version 3 or later"]),
    ("@files @memory", "@files @memory listen",
     ["  listen", "    ENOSYS -> allowed"]),
    ("SystemCallAudit=@audited", "SystemCallAudit=@audited modify_ldt",
     ["  modify_ldt", "    ENOSYS -> refused and recorded"]),
    ("RestrictAddressFamilies=none", "RestrictAddressFamilies=AF_UNIX",
     ["  socket", "    + socket(AF_UNIX, &SOCK_TYPE_MASK="
      "{SOCK_SEQPACKET SOCK_DGRAM SOCK_STREAM})"]),
    ("MemoryDenyWriteExecute=no", "MemoryDenyWriteExecute=yes",
     ["- writable and executable memory: allowed", "  mprotect"]),
])
def test_what_differs_is_said(tmp_path, old, new, lines):
    text = profile("strict").read_text()
    path = edited(tmp_path, old, new)
    # The examples are the old policy's.
    path.write_text(path.read_text().split("[Examples]")[0])
    assert "[Examples]" in text
    done = policyc("diff", profile("strict"), path, "--sets", SETS)
    assert done.returncode == 1, done.stderr.decode()
    for line in lines:
        assert line in done.stdout.decode().splitlines(), line
    back = policyc("diff", path, profile("strict"), "--sets", SETS)
    assert back.returncode == 1


def test_diff_of_what_does_not_compile_is_2(tmp_path):
    bad = edited(tmp_path, "256M", "256Q")
    done = policyc("diff", profile("strict"), bad, "--sets", SETS)
    assert done.returncode == 2 and done.stdout == b""
    assert done.stderr.decode().startswith(f"{bad}:")


@pytest.mark.parametrize("old,new,message", [
    ("@files @memory", "@files @memory listen",
     "{path}:{line}: SystemCallFilter=: listen stands here without a reason"),
    ("/usr/include", "/usr/share/not-there-at-all",
     "{path}:{line}: /usr/share/not-there-at-all is not there on this host"),
    ("\nAllow=", "\n#Allow=", "{path}: [Examples] lacks a call that is allowed"),
    ("MemoryMax=256M", "MemoryMax=256Q",
     '{path}:{line}: MemoryMax=: "256Q" is not a size'),
    ("@memory", "@memory ptrace",
     "{path}: allows ptrace, which no policy may allow"),
])
def test_check_says_where(tmp_path, old, new, message):
    path = edited(tmp_path, old, new)
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1)
                if new.strip() in text)
    done = policyc("check", path, "--sets", SETS)
    assert done.returncode == 1 and done.stdout == b""
    assert message.format(path=path, line=line) in done.stderr.decode()


def test_check_wants_arguments_of_calls_that_are_many(tmp_path):
    sets = tmp_path / "sets"
    shutil.copytree(SETS, sets)
    text = (sets / "files").read_text()
    wide = re.sub(r"^ioctl\(.*?\)", "ioctl", text, flags=re.MULTILINE)
    assert wide != text
    (sets / "files").write_text(wide)
    path = edited(tmp_path, "Deny=ioctl", "#Deny=ioctl")
    done = policyc("check", path, "--sets", sets)
    said = done.stderr.decode()
    assert done.returncode == 1 and done.stdout == b""
    assert f"{path}: ioctl is allowed with any arguments: say which" in said
    # TIOCSTI and TIOCLINUX
    assert f"{path}: 2 claims about every policy do not hold" in said
    proof = policyc("prove", path, "--sets", sets)
    assert proof.returncode == 1
    assert b"but ioctl(0, TIOCSTI, ...) is allowed\n" in proof.stdout
    assert proof.stdout.endswith(b"NOT PROVEN: 2 claims do not hold\n")


@pytest.mark.parametrize("args", [
    ("prove",), ("prove", "x"), ("prove", "--sets", SETS),
    ("prove", "a", "b", "--sets", SETS), ("diff", "a", "--sets", SETS),
    ("diff", "a", "b", "c", "--sets", SETS), ("check", "a", "--what"),
])
def test_wrong_usage(args):
    done = policyc(*args)
    assert done.returncode == 2 and done.stderr.startswith(b"usage: ")


@pytest.mark.parametrize("command", ["prove", "check", "show"])
def test_a_full_device_is_an_error(command):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [str(CLI), "policy", command, "strict"], stdout=full,
            stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1 and b"write to stdout" in done.stderr


def test_the_program_finds_policies_by_name_and_by_file(tmp_path):
    by_name = cli("prove", "strict")
    assert by_name.returncode == 0, by_name.stderr.decode()
    assert by_name.stdout == cli("prove", profile("strict")).stdout
    assert cli("diff", "strict", "permissive").returncode == 1
    shutil.copytree(PROFILES, tmp_path / "profiles")
    shutil.copytree(SETS, tmp_path / "sets")
    (tmp_path / "profiles/mine.policy").write_text(
        "[Policy]\nDescription=mine\nExtends=strict\n")
    done = cli("diff", "strict", "mine", "--policy-dir", tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    missing = cli("prove", "nosuch")
    assert missing.returncode == 125 and missing.stdout == b""
    assert b"nosuch.policy: No such file" in missing.stderr
    assert cli("diff", "strict").returncode == 2
    for command in "show", "prove", "check":
        assert cli(command, "--json", "strict").stdout == policyc(
            command, "--json", BUILD / "policy/profiles/strict.policy",
            "--sets", SETS).stdout


# ---- reasons ---------------------------------------------------------------

def as_json(*args, code=0):
    done = policyc(*args, "--json", "--sets", SETS)
    assert done.returncode == code, done.stderr.decode()
    assert done.stderr == b""
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", NAMES)
def test_show_gives_a_reason_for_every_rule(name):
    shown = as_json("show", profile(name))
    groups = {group["set"]: group for group in shown["allowed"]}
    assert {"files", "memory", "process", "signals"} <= set(groups)
    for group in groups.values():
        assert group["why"] or not group["rules"] or group["set"] is None
        assert [rule for rule in group["rules"] if not rule["why"]] == []
    assert [call for call in shown["audited"] if not call["why"]] == []
    calls = {rule["rule"].split("(")[0]
             for group in groups.values() for rule in group["rules"]}
    assert len(calls) == shown["reachable"] < shown["docker_default"] == 380
    assert shown["named"] == 381
    text = policyc("show", profile(name), "--sets", SETS).stdout.decode()
    for group in groups.values():
        for rule in group["rules"]:
            assert re.search(rf"^  {re.escape(rule['rule'])}\s+"
                             rf"{re.escape(rule['why'])}$", text, re.M), rule
    assert f"allowed: {len(calls)} of 381 (Docker's default profile: 380" in text
    assert "\n@process: make processes and threads, wait for them" in text


def test_a_rule_of_the_policy_itself_is_shown_without_a_reason(tmp_path):
    path = edited(tmp_path, "@files @memory", "@files @memory listen")
    shown = as_json("show", path)
    own = [group for group in shown["allowed"] if group["set"] is None]
    assert own == [{"set": None, "why": "",
                    "rules": [{"rule": "listen", "why": ""}]}]


# ---- JSON ------------------------------------------------------------------

@pytest.mark.parametrize("name", NAMES)
def test_the_proof_as_json_is_what_the_filter_answers(name):
    policy = compile_policy(profile(name))
    machine, proof = Machine(policy), as_json("prove", profile(name))
    assert proof["proven"] and all(c["holds"] for c in proof["claims"])
    assert proof["reachable"] == policy.syscalls_allowed
    assert proof["bpf_sha256"] == bytes(policy.bpf_sha256).hex()
    assert [call["nr"] for call in proof["calls"]] == list(range(1024))
    for call in proof["calls"]:
        for args in ([0] * 6, [2**64 - 1] * 6, [2**32] * 6, [1] * 6):
            assert verdict(machine.run(call["nr"], args)) in call["answers"]
        is_partly = "allow" in call["answers"] and len(call["answers"]) > 1
        assert is_partly == ("allowed_when" in call)
    edges = [1024] + [r["last"] + 1 for r in proof["ranges"]]
    assert [r["first"] for r in proof["ranges"]] == edges[:-1]
    assert edges[-1] == 2**32


def test_a_hole_as_json_has_a_call_that_goes_through(tmp_path):
    sets = tmp_path / "sets"
    shutil.copytree(SETS, sets)
    text = (sets / "files").read_text()
    (sets / "files").write_text(
        re.sub(r"^ioctl\(.*?\)", "ioctl", text, flags=re.MULTILINE))
    path = edited(tmp_path, "Deny=ioctl", "#Deny=ioctl")
    done = policyc("prove", "--json", path, "--sets", sets)
    proof = json.loads(done.stdout)
    assert done.returncode == 1 and not proof["proven"]
    broken = [c for c in proof["claims"] if not c["holds"]]
    assert ["ioctl(0, TIOCSTI, ...) is allowed"] in [
        c["counterexamples"] for c in broken]
    assert len(broken) == 2


def test_check_as_json_has_file_line_and_message(tmp_path):
    assert as_json("check", profile("strict")) == {
        "file": str(profile("strict")), "problems": [], "ok": True}
    path = edited(tmp_path, "MemoryMax=256M", "MemoryMax=256Q")
    line = path.read_text().splitlines().index("MemoryMax=256Q") + 1
    shown = as_json("check", path, code=1)
    assert not shown["ok"]
    assert shown["problems"][0]["file"] == str(path)
    assert shown["problems"][0]["line"] == line
    assert shown["problems"][0]["message"].startswith('MemoryMax=: "256Q" is')


def test_diff_as_json():
    same = as_json("diff", profile("strict"), profile("strict"))
    assert same == {"before": "strict", "now": "strict", "removed": [],
                    "added": [], "calls": [], "same": True}
    shown = as_json("diff", profile("strict"), profile("standard"), code=1)
    assert not shown["same"]
    assert "limit MemoryMax (bytes): 536870912" in shown["added"]
    calls = {call["name"]: call for call in shown["calls"]}
    assert calls["listen"]["changes"] == [
        {"from": "ENOSYS", "to": "allow", "example": None}]
    assert calls["socket"]["allowed_before"] == []
    assert calls["socket"]["allowed_now"][0].startswith("socket(AF_UNIX, ")


def test_text_from_a_policy_stays_text(tmp_path):
    path = edited(tmp_path, "Description=Unreviewed code",
                  'Description="quoted\\ \u00e9')
    assert as_json("show", path)["description"].startswith('"quoted\\ \u00e9')


@pytest.mark.parametrize("missing", ["openat2", "preadv2", "pwritev2",
                                     "fchmodat2", "execveat", "sendmmsg"])
def test_one_of_several_that_do_the_same_is_missed(tmp_path, missing):
    sets = tmp_path / "sets"
    shutil.copytree(SETS, sets)
    for file in sets.iterdir():
        text = file.read_text()
        file.write_text(re.sub(rf"^{missing}\b.*\n", "", text, flags=re.M))
    path = edited(tmp_path, "[Examples]", "[Examples]")
    done = policyc("check", path, "--sets", sets)
    said = done.stderr.decode()
    assert done.returncode == 1
    assert re.search(rf"^{path}(:\d+)?: .*\b{missing}\b", said, re.M), said
