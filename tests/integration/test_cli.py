# SPDX-License-Identifier: Apache-2.0
"""The promptcraft program: what it prints, where, and how it exits."""

import fcntl
import json
import os
import re
import struct
import subprocess
from pathlib import Path

import pytest
from promptcraft import CLI, run_cli

COMMANDS = ["demo", "doctor", "jail run", "user add", "user passwd",
            "user list", "token", "analyze", "workflow list", "workflow show", "job"]

CODE = "def double(x):\n    return 2 * x\n"
TESTS = """
import unittest
from program import double

class T(unittest.TestCase):
    def test_number(self):
        self.assertEqual(double(2), 4)

    def test_text(self):
        self.assertEqual(double("a"), "{}")
"""


@pytest.fixture
def program(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.write_text(text)
        return path
    return write


@pytest.fixture
def jail(stack):
    def run(*args, **kwargs):
        return run_cli("jail", "run", "--socket", stack.socket, *args,
                       check=False, **kwargs)
    return run


# ---- general ---------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(command):
    done = run_cli(*command.split(), "--help")
    assert done.stdout.startswith(f"usage: promptcraft {command}")
    assert "--json" in done.stdout
    assert done.stderr == ""


def test_the_list_of_commands():
    done = run_cli("--help")
    for command in COMMANDS:
        assert f"  {command} " in done.stdout


@pytest.mark.parametrize("args", [
    [], ["nonsense"], ["user"], ["doctor", "--nonsense"], ["doctor", "x"],
    ["job"], ["jail", "run"], ["user", "add"], ["token", "a", "b"],
    ["jail", "run", "--timeout", "x", "f"], ["jail", "run", "--timeout"]])
def test_wrong_usage_is_2(args):
    done = run_cli(*args, check=False)
    assert done.returncode == 2
    assert "usage:" in done.stderr
    assert done.stdout == ""


def test_lost_output_is_no_success():
    with open("/dev/full", "w") as full:
        done = subprocess.run([CLI, "--help"], stdout=full,
                              stderr=subprocess.PIPE)
    assert done.returncode == 125


# ---- jail run ----------------------------------------------------------------


def test_output_and_exit_status_are_the_programs(jail, program):
    path = program("p.py", "import sys\nprint('out')\n"
                   "print('err', file=sys.stderr)\nsys.exit(7)\n")
    done = jail(path)
    assert done.returncode == 7
    assert done.stdout == "out\n"
    assert done.stderr.startswith("err\n")
    assert "exit code 7" in done.stderr
    assert "policy   standard, sha256 " in done.stderr


def test_arguments_stdin_and_more_files(jail, program, tmp_path):
    path = program("p.py", "import sys, helper\n"
                   "print(sys.argv[1:], sys.stdin.read(), helper.NAME)\n")
    helper = program("helper.py", "NAME = 'Jürgen'\n")
    given = program("input", "ein Wort")
    done = jail(path, "--file", helper, "--stdin", given, "--", "-a", "b c")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "['-a', 'b c'] ein Wort Jürgen\n"
    done = jail(path, "--file", helper, "--stdin", "-", input="pipe")
    assert done.stdout == "[] pipe Jürgen\n"


@pytest.mark.parametrize("right,code", [("aa", 0), ("no", 1)])
def test_tests(jail, program, right, code):
    path = program("program.py", CODE)
    tests = program("test_program.py", TESTS.replace("{}", right))
    done = jail("--policy", "strict", "--tests", tests, path)
    assert done.returncode == code, done.stderr
    assert "policy   strict" in done.stderr
    words = "2 passed" if code == 0 else "1 passed, 1 failed"
    assert words in done.stderr
    done = jail("--json", "--tests", tests, path)
    data = json.loads(done.stdout)
    assert done.returncode == code
    assert data["outcome"] == ("passed" if code == 0 else "failed")
    assert data["policy"]["name"] == "standard"
    assert len(data["tests"]["cases"]) == 2


def test_timeout_is_124(jail, program):
    done = jail("--timeout", "1", program("p.py", "while True: pass"))
    assert done.returncode == 124
    assert "timeout" in done.stderr


def test_a_limit_is_137(jail, program):
    path = program("p.py", "x = []\nwhile True: x.append(bytearray(1 << 20))")
    done = jail("--memory", "64", path)
    assert done.returncode == 137, done.stderr
    assert "reason: memory" in done.stderr


def test_a_signal_of_its_own_is_128_plus(jail, program):
    path = program("p.sh", "kill -USR1 $$")
    done = jail("--runtime", "shell", path)
    assert done.returncode == 128 + 10, done.stderr


@pytest.mark.parametrize("args,words", [
    (["--policy", "nonsense"], "nonsense"),
    (["--runtime", "cobol"], "cobol"),
    (["--tests", "/nonexistent"], "/nonexistent"),
    (["--collect", "../x"], "collect[0]"),
    (["--socket", "/nonexistent"], "/nonexistent"),
])
def test_what_cannot_run_is_125(jail, program, args, words):
    done = jail(*args, program("p.py", "print('ran')"))
    assert done.returncode == 125
    assert words in done.stderr
    assert "ran" not in done.stdout


def test_an_unknown_kind_of_file_wants_a_runtime(jail, program):
    done = jail(program("p.xyz", "print(1)"))
    assert done.returncode == 125
    assert "--runtime" in done.stderr


def test_collect(jail, program, tmp_path):
    path = program("p.py", "import os\nos.mkdir('d')\n"
                   "open('d/result.txt', 'w').write('Ergebnis')\n"
                   "os.symlink('/etc/shadow', 'link')\n")
    done = jail("--collect", "d/result.txt", "--collect", "link", "--collect",
                "none", "--output-dir", tmp_path, path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "result.txt").read_text() == "Ergebnis"
    assert not os.path.lexists(tmp_path / "link")
    assert "link (not_regular)" in done.stderr
    assert "none (missing)" in done.stderr
    # Nothing that is there is overwritten.
    done = jail("--collect", "d/result.txt", "--output-dir", tmp_path, path)
    assert done.returncode == 125
    assert "exists" in done.stderr


def open_terminal(directory):
    """Both ends of a new terminal, also where there is no /dev/pts."""
    TIOCSPTLCK, TIOCGPTPEER = 0x40045431, 0x5441
    subprocess.run(["mount", "-t", "devpts", "-o", "ptmxmode=0600", "devpts",
                    directory], check=True)
    try:
        parent = os.open(directory / "ptmx", os.O_RDWR | os.O_NOCTTY)
        fcntl.ioctl(parent, TIOCSPTLCK, struct.pack("i", 0))
        child = fcntl.ioctl(parent, TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY)
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)
    return parent, child


def on_terminal(argv, directory):
    """Run with a terminal as stdout and stderr; the bytes it got."""
    parent, child = open_terminal(directory)
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=child,
                               stderr=child)
    os.close(child)
    got = b""
    while True:
        try:
            chunk = os.read(parent, 65536)
        except OSError:
            break
        if not chunk:
            break
        got += chunk
    os.close(parent)
    return process.wait(), got


def test_a_jail_cannot_drive_the_terminal(stack, program, tmp_path):
    (tmp_path / "pts").mkdir()
    path = program("p.sh", r"printf '\033]0;title\007\033[2Jtext\302\233m\n'")
    status, got = on_terminal([CLI, "jail", "run", "--runtime", "shell",
                               "--socket", stack.socket, path],
                              tmp_path / "pts")
    assert status == 0
    assert rb"\x1b]0;title\x07\x1b[2Jtext\xc2\x9bm" in got
    assert b"\033]0;" not in got and b"\233" not in got


def test_a_file_gets_the_bytes_as_they_are(stack, program):
    path = program("p.sh", r"printf '\000\033\377'")
    done = subprocess.run([CLI, "jail", "run", "--runtime", "shell",
                           "--socket", stack.socket, path],
                          capture_output=True)
    assert done.stdout == b"\0\033\377"


# ---- accounts ------------------------------------------------------------------


def test_accounts(stack):
    state = ["--state-dir", stack.info["state_dir"]]
    done = run_cli("user", "add", "anna", "--role", "approver", "--json",
                   *state)
    password = json.loads(done.stdout)["password"]
    assert len(password) >= 20
    users = {u["username"]: u for u in json.loads(
        run_cli("user", "list", "--json", *state).stdout)["users"]}
    assert users["anna"]["role"] == "approver"
    assert users["admin"]["role"] == "admin"
    assert "hash" not in json.dumps(users)

    token = run_cli("token", "anna", "--url", stack.url, "--password-file",
                    "-", input=password).stdout.strip()
    assert token.count(".") == 2
    run_cli("user", "passwd", "anna", "--password-file", "-", *state,
            input="another password\n")
    done = run_cli("token", "anna", "--url", stack.url, "--password-file",
                   "-", input=password, check=False)
    assert done.returncode == 125 and "401" in done.stderr


@pytest.mark.parametrize("args,password,words", [
    (["bad name"], "long enough password", "name"),
    (["x" * 64], "long enough password", "name"),
    (["fine", "--role", "king"], "long enough password", "user, approver"),
    (["fine"], "short", "8"),
    (["fine"], "", "no password"),
    (["admin"], "long enough password", "exists"),
])
def test_accounts_that_cannot_be(stack, args, password, words):
    done = run_cli("user", "add", *args, "--password-file", "-",
                   "--state-dir", stack.info["state_dir"], check=False,
                   input=password)
    assert done.returncode == 125
    assert words in done.stderr


def test_no_store_is_made_where_there_is_none(tmp_path):
    done = run_cli("user", "list", "--state-dir", tmp_path / "none",
                   check=False)
    assert done.returncode == 125
    assert not (tmp_path / "none").exists()


# ---- workflows and jobs -----------------------------------------------------------


@pytest.fixture
def remote(stack):
    env = {**os.environ, "PROMPTCRAFT_URL": stack.url,
           "PROMPTCRAFT_TOKEN": stack.info["token"]}

    def run(*args, **kwargs):
        return run_cli(*args, env=env, **kwargs)
    return run


def test_workflow_and_job(remote, client):
    workflow = client.execute("Double a number, with a test", {
        "language": "python", "code": CODE,
        "tests": TESTS.replace("program", "solution").replace("{}", "no"),
        "execution_preferences": {"require_approval": False}})
    data = client.wait_workflow(workflow)
    done = remote("workflow", "show", workflow, check=False)
    assert done.returncode == 1
    assert f"workflow {workflow} failed" in done.stdout
    assert "1 passed, 1 failed" in done.stdout
    assert workflow in remote("workflow", "list").stdout
    shown = json.loads(remote("workflow", "show", workflow, "--json",
                              check=False).stdout)
    assert shown["data"]["status"] == "failed"

    job_id = data["artifacts"]["test_results"]["job_id"]
    done = remote("job", job_id)
    assert "1 passed, 1 failed" in done.stdout
    assert "policy   standard, sha256 " in done.stdout


@pytest.mark.parametrize("args,words", [
    (["job", "../../../etc"], "not a job's id"),
    (["job", "00000000-0000-4000-8000-000000000000"], "404"),
    (["workflow", "show", "x"], "404"),
    (["workflow", "list", "--url", "http://127.0.0.1:1"], "connect"),
    (["workflow", "list", "--token", "wrong"], "401"),
])
def test_what_the_api_refuses_is_told(remote, args, words):
    done = remote(*args, check=False)
    assert done.returncode == 125
    assert words in done.stderr


def test_without_a_token_the_way_to_one_is_told(stack):
    env = {k: v for k, v in os.environ.items() if k != "PROMPTCRAFT_TOKEN"}
    done = run_cli("workflow", "list", "--url", stack.url, check=False,
                   env=env)
    assert done.returncode == 125
    assert "PROMPTCRAFT_TOKEN" in done.stderr


# ---- the demo ---------------------------------------------------------------------


def test_the_demo(stack):
    done = run_cli("demo", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for words in ("6 passed", "waiting_approval", "approved by admin", "completed  Run the tests in a jail",
                  "(reason: denied)", "(reason: pids)", "mount(",
                  "the service is healthy", "no process, mount or cgroup",
                  "Next:"):
        assert words in done.stdout, words
    assert "\033" not in done.stdout
    directory = re.search(r"state +(/tmp/promptcraft-demo\.\w+)\n", done.stdout)
    assert directory and not Path(directory[1]).exists(), done.stdout


def test_the_demo_needs_root():
    done = subprocess.run(
        ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
         str(CLI), "demo"], capture_output=True, text=True)
    assert done.returncode == 125
    assert "root" in done.stderr
