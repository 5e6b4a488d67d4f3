# SPDX-License-Identifier: Apache-2.0
"""`make install` and the two units, as an administrator would do it."""

import json
import re
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from promptcraft import wait_for

TREE = Path(__file__).resolve().parents[2]
URL = "http://127.0.0.1:8000"
PASSWORD_FILE = "/var/lib/promptcraft/api/admin-password"
SOCKET = "promptcraft-supervisor.socket"
UNITS = ["promptcraft-supervisor.service", "promptcraft-api.service"]
# The API must be as confined as systemd can make a network service; the
# supervisor's figure is what its work allows (reasons are in its unit).
MOST_EXPOSURE = {"promptcraft-api.service": 1.5,
                 "promptcraft-supervisor.service": 7.2}


def run(*command):
    done = subprocess.run(command, text=True, capture_output=True, timeout=600)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


def journal():
    return run("journalctl", "--no-pager", "-n", "60",
               *(f"--unit={unit}" for unit in UNITS))


def ask(path, body=None, token=None):
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(URL + path, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as problem:
        pytest.fail(problem.read().decode() + journal(), pytrace=False)


def health():
    try:
        return ask("/health")["status"]
    except OSError as problem:
        return str(problem)


@pytest.fixture(scope="module")
def token():
    run("make", "-C", str(TREE), "install")
    run("systemd-sysusers")
    Path("/etc/promptcraft/promptcraft.env").write_text(
        f"API_HOST=127.0.0.1\nPROMPTCRAFT_ADMIN_PASSWORD_FILE={PASSWORD_FILE}\n")
    run("systemd-tmpfiles", "--create", "promptcraft.conf")
    assert Path("/etc/promptcraft/promptcraft.env").stat().st_mode & 0o777 \
        == 0o600
    run("systemctl", "daemon-reload")
    try:
        run("systemctl", "start", "promptcraft-api")
        wait_for(health, lambda text: text == "healthy", 60)
        password = Path(PASSWORD_FILE).read_text().strip()
        yield ask("/auth/token", {"username": "admin",
                                  "password": password})["access_token"]
    except AssertionError:
        print(journal())
        raise
    finally:
        run("systemctl", "stop", SOCKET, *UNITS)
    assert not list(Path("/sys/fs/cgroup").glob("**/promptcraft-*/slot-*"))


def test_the_installed_service_runs_jobs(token):
    data = ask("/api/v3/jobs", {"language": "python", "code": "print(6 * 7)"},
               token)["data"]
    assert (data["outcome"], data["stdout"]) == ("completed", "42\n"), data


def test_the_socket_starts_the_supervisor(token):
    """systemd holds the socket, so a request finds it also when the service
    is down."""
    unit = "promptcraft-supervisor.service"
    run("systemctl", "stop", unit)
    # Its start takes longer here than the API waits for an answer, and its
    # health is told from what was seen last.
    wait_for(lambda: (health(), run("systemctl", "show", "-P", "ActiveState",
                                    unit).strip()),
             lambda state: state[1] == "active", 60)
    wait_for(health, lambda text: text == "healthy", 60)
    test_the_installed_service_runs_jobs(token)
    assert run("systemctl", "is-active", unit).strip() == "active"


def test_denials_are_seen_through_the_units_own_hardening(token):
    code = ("import socket\n"
            "for family in (40, 16, 2):\n"
            "    try: socket.socket(family, socket.SOCK_STREAM)\n"
            "    except OSError as e: print(e.errno)\n")
    data = ask("/api/v3/jobs", {"language": "python", "code": code},
               token)["data"]
    assert data["stdout"] == "1\n1\n1\n", data
    assert [d["syscall"] for d in data["denials"]] == ["socket"] * 3


def test_processes_are_who_they_should_be(token):
    for unit, user in zip(UNITS, ("root", "promptcraft")):
        pid = run("systemctl", "show", "-P", "MainPID", unit).strip()
        assert run("ps", "-o", "user:32=", "-p", pid).strip() == user
    mode = Path("/var/lib/promptcraft/supervisor").stat().st_mode & 0o777
    assert mode == 0o700 and Path("/var/lib/promptcraft").stat().st_uid == 0


@pytest.mark.parametrize("unit", UNITS)
def test_exposure(token, unit, capsys):
    text = run("systemd-analyze", "security", "--no-pager", unit)
    figure = float(re.search(r"exposure level for \S+: ([0-9.]+)", text)[1])
    with capsys.disabled():
        print(f"\nexposure of {unit}: {figure}")
    assert figure <= MOST_EXPOSURE[unit], text
