# SPDX-License-Identifier: Apache-2.0
"""Who may do what and how often, and what the API process itself may do.

Forged tokens and wrong bodies are in test_bad_input.py.
"""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import contract
import pytest
from promptcraft import (BUILD, SLOWNESS, Client, Stack, make_directory,
                         problem, wait_for)

API = BUILD / "promptcraft-api"
API_UID = 0x70000000 - 5000  # below what tools/stack hands out
HTTP_THREADS = 2
REQUEST_TIMEOUT_S = 3
SLEEPER = {"language": "python", "code": "import time; time.sleep(30)"}


@pytest.fixture(scope="module")
def limited():
    """Few of everything, so that the limits can be met."""
    stack = Stack.up(env={
        "RATE_LIMIT_EXECUTE_PER_HOUR": "2", "RATE_LIMIT_STATUS_PER_HOUR": "5",
        "PROMPTCRAFT_LOGIN_ATTEMPTS": "3", "PROMPTCRAFT_JOB_THREADS": "1",
        "PROMPTCRAFT_MAX_CONNECTIONS": "64",
        "PROMPTCRAFT_MAX_CONNECTIONS_PER_ADDRESS": "16"})
    yield stack
    stack.down()


# ---- logins and limits ----------------------------------------------------


def login(anonymous, username, password):
    return anonymous.post("/auth/token", {"username": username,
                                          "password": password})


def test_token_answer(limited):
    reply = login(limited.anonymous(), limited.info["admin_user"],
                  limited.info["admin_password"])
    body = reply.json()
    assert sorted(body) == ["access_token", "expires_in", "token_type"]
    assert body["token_type"] == "bearer"
    assert body["expires_in"] == 24 * 3600


def test_guessing_is_slowed_down_per_name(limited):
    mia = limited.new_user("mia")
    anonymous = limited.anonymous()
    for _ in range(3):
        problem(login(anonymous, "mia", "wrong password"), 401)
    reply = login(anonymous, "mia", "wrong password")
    problem(reply, 429, detail="Rate limit exceeded")
    assert 0 < int(reply.headers["Retry-After"]) <= 900
    # Even with the right one, or the answer would tell which it is.
    problem(login(anonymous, "mia", mia.password), 429)
    # Nobody else is locked out, and tokens given before are good.
    assert login(anonymous, limited.info["admin_user"],
                 limited.info["admin_password"]).status == 200
    assert mia.get("/api/v3/workflows").status == 200


def test_right_passwords_are_no_guesses(limited):
    zoe = limited.new_user("zoe")
    for _ in range(6):
        assert login(limited.anonymous(), "zoe", zoe.password).status == 200


def test_parallel_guesses_get_no_further(limited):
    limited.new_user("pat")
    replies = []
    threads = [threading.Thread(target=lambda: replies.append(
        login(limited.anonymous(), "pat", "wrong password").status))
        for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(replies) == [401] * 3 + [429] * 7


def slow_queue(client):
    text = client.get("/metrics").body.decode()
    return int(re.search(r'^promptcraft_http_queue{pool="slow"} (\d+)', text,
                         re.M).group(1))


def busy_slots(stack):
    hello = stack.status()["supervisor"]
    return hello["slots_total"] - hello["slots_free"]


def test_one_user_with_many_jobs_does_not_hold_up_others(limited):
    """There is one thread for jobs: four of one user's take eleven seconds."""
    ann, bob = limited.new_user("ann-of-many"), limited.new_user("bob-of-one")
    ended = []

    def run(user, name, seconds):
        user.job(language="python", code=f"import time; time.sleep({seconds})")
        ended.append(name)

    many = [threading.Thread(target=run, args=(ann, "ann", seconds))
            for seconds in (8, 1, 1, 1)]
    many[0].start()
    wait_for(lambda: busy_slots(limited), lambda count: count == 1)
    for thread in many[1:]:
        thread.start()
    wait_for(lambda: slow_queue(limited.client()), lambda count: count >= 3,
             seconds=60)
    run(bob, "bob", 0)
    assert ended.count("ann") <= 2
    for thread in many:
        thread.join()
    assert ended.count("ann") == 4


# ---- behind a proxy -------------------------------------------------------


def guess_from(anonymous, *senders):
    """A wrong password; the status."""
    head = {"X-Forwarded-For": ", ".join(senders)} if senders else {}
    return anonymous.post("/auth/token", {"username": "sam", "password": "no"},
                          headers=head).status


def test_forwarded_senders_of_strangers_are_not_believed(limited):
    """Everybody could have as many attempts as there are addresses."""
    assert [guess_from(limited.anonymous(), f"198.51.100.{n}")
            for n in range(4)] == [401] * 3 + [429]


def test_each_sender_behind_a_trusted_proxy_counts_for_itself():
    stack = Stack.up(env={
        "PROMPTCRAFT_TRUSTED_PROXIES": "127.0.0.1, 10.1.0.0/16",
        "PROMPTCRAFT_LOGIN_ATTEMPTS": "3",
        "PROMPTCRAFT_MAX_CONNECTIONS_PER_ADDRESS": "8"})
    try:
        anonymous = stack.anonymous()
        first = "198.51.100.1"
        assert [guess_from(anonymous, first)
                for _ in range(4)] == [401] * 3 + [429]
        # What it writes itself, and a second proxy, change nothing.
        assert guess_from(anonymous, "203.0.113.5", first) == 429
        assert guess_from(anonymous, first, "10.1.0.7") == 429
        assert guess_from(anonymous, first, "198.51.100.2") == 401
        assert guess_from(anonymous, "2001:db8::1") == 401
        # Nor is the proxy itself locked out.
        assert guess_from(anonymous) == 401
        wait_for(stack.logs, lambda text: f"address={first} " in text)
        with contextlib.ExitStack() as held:
            for _ in range(20):
                held.enter_context(socket.create_connection(
                    (urlsplit(stack.url).hostname, urlsplit(stack.url).port),
                    30))
            assert anonymous.get("/health").status == 200
    finally:
        stack.down()


def test_rate_limits_are_per_user_and_operation(limited):
    ann, bob = limited.new_user("ann"), limited.new_user("bob")
    goal = {"goal": "A program that adds two numbers"}
    assert [ann.post("/api/v3/execute", goal).status
            for _ in range(2)] == [202, 202]
    reply = ann.post("/api/v3/execute", goal)
    body = problem(reply, 429)
    assert body["detail"] == ("Rate limit exceeded. Max 2 execute requests "
                              "per hour.")
    assert 3000 < int(reply.headers["Retry-After"]) <= 3600
    assert bob.post("/api/v3/execute", goal).status == 202
    assert [ann.get("/api/v3/workflows").status
            for _ in range(6)] == [200] * 5 + [429]


def test_bodies_that_are_not_json_do_not_count(limited):
    leo = limited.new_user("leo")
    for _ in range(4):
        problem(leo.request("POST", "/api/v3/execute", raw=b"{"), 400)
    goal = {"goal": "A program that adds two numbers"}
    assert leo.post("/api/v3/execute", goal).status == 202


def test_limits_survive_a_restart():
    stack = Stack.up(env={"RATE_LIMIT_STATUS_PER_HOUR": "3"})
    try:
        client = stack.client()
        assert [client.get("/api/v3/workflows").status
                for _ in range(3)] == [200] * 3
        stack.kill("api")
        stack.restart("api")
        problem(client.get("/api/v3/workflows"), 429)
    finally:
        stack.down()


# ---- HTTP -----------------------------------------------------------------


def connect(stack):
    address = urlsplit(stack.url)
    return socket.create_connection((address.hostname, address.port),
                                    timeout=20)


def read_all(sock):
    data = b""
    with contextlib.suppress(ConnectionError):
        while chunk := sock.recv(65536):
            data += chunk
    return data


def test_every_answer_has_the_headers(stack):
    for client, path, status in [(stack.anonymous(), "/health", 200),
                                 (stack.anonymous(), "/nowhere", 404),
                                 (stack.anonymous(), "/api/v3/workflows", 401),
                                 (stack.client(), "/api/v3/workflows", 200)]:
        reply = client.get(path)
        assert reply.status == status
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Cache-Control"] == "no-store"
        assert re.fullmatch("[0-9a-f]{32}", reply.headers["X-Request-Id"])
        assert "Access-Control-Allow-Origin" not in reply.headers
        kind = "problem+json" if status >= 400 else "json"
        assert reply.headers["Content-Type"] == f"application/{kind}"
        # The line is written when the answer has been sent.
        line = f"request_id={reply.headers['X-Request-Id']}"
        wait_for(stack.logs, lambda text, line=line: line in text)


def test_methods(stack):
    anonymous = stack.anonymous()
    reply = anonymous.request("DELETE", "/api/v3/jobs")
    problem(reply, 405)
    assert reply.headers["Allow"] == "POST, OPTIONS"
    reply = anonymous.request("OPTIONS", "/health")
    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers["Allow"] == "GET, HEAD, OPTIONS"
    reply = anonymous.request("HEAD", "/health")
    assert (reply.status, reply.body) == (200, b"")
    assert int(reply.headers["Content-Length"]) > 100


def test_health_names_every_service(stack):
    body = stack.anonymous().get("/health").json()
    assert body["services"] == {
        "zen_mcp": "embedded", "execution_engine": "ready",
        "redis": "disabled", "store": "sqlite", "supervisor": "connected"}


def test_what_is_installed_can_be_listed(client):
    policies = client.get("/api/v3/policies").data["policies"]
    assert {"strict", "standard", "permissive"} <= {p["name"]
                                                    for p in policies}
    assert all(re.fullmatch("[0-9a-f]{64}", p["sha256"]) for p in policies)
    runtimes = client.get("/api/v3/runtimes").data["runtimes"]
    assert {"python", "javascript", "c", "shell"} <= {r["name"]
                                                      for r in runtimes}


def test_queries_and_tokens_are_not_logged(stack, client):
    secret = "query-secret-4711"
    reply = client.get(f"/api/v3/workflows?x={secret}")
    assert reply.status == 200
    logs = wait_for(stack.logs,
                    lambda text: reply.headers["X-Request-Id"] in text)
    assert secret not in logs
    assert client.token not in logs


def test_path_bytes_cannot_forge_a_log_line(stack):
    stack.anonymous().get("/x%0a%3C3%3Eforged%20event%1b%5b31m")
    forged = wait_for(lambda: [line for line in stack.logs().splitlines()
                               if "forged event" in line], len)
    assert len(forged) == 1 and "request_id=" in forged[0]
    assert "\x1b" not in forged[0]


def test_keep_alive_serves_many_requests(stack):
    connection = http.client.HTTPConnection(urlsplit(stack.url).netloc)
    for path in ["/health", "/nowhere"] * 20:
        connection.request("GET", path)
        reply = connection.getresponse()
        contract.read(reply, "GET", path)
        assert reply.status == (200 if path == "/health" else 404)
        sock = connection.sock
        assert sock is not None
    connection.close()


def test_a_refused_body_leaves_the_connection_usable(stack):
    connection = http.client.HTTPConnection(urlsplit(stack.url).netloc)
    for _ in range(3):
        connection.request("POST", "/api/v3/jobs", body=b"x" * 100000)
        reply = connection.getresponse()
        contract.read(reply, "POST", "/api/v3/jobs")
        assert reply.status == 401
        assert connection.sock is not None
    connection.close()


def test_chunked_bodies_have_the_same_limit(stack, client):
    connection = http.client.HTTPConnection(urlsplit(stack.url).netloc)

    def chunks():
        for _ in range(80):
            yield b" " * 65536

    connection.request("POST", "/api/v3/jobs", body=chunks(), headers={
        "Authorization": f"Bearer {client.token}",
        "Content-Type": "application/json"}, encode_chunked=True)
    reply = connection.getresponse()
    contract.read(reply, "POST", "/api/v3/jobs")
    assert reply.status == 413
    connection.close()


@pytest.mark.parametrize("lengths", [
    b"Content-Length: 2\r\nContent-Length: 40\r\n",
    b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
    # Without an end: all that follows would be the body.
    b"Transfer-Encoding: xchunked\r\n",
    b"Transfer-Encoding: identity, chunked\r\n",
    # No length for libmicrohttpd, but one for whoever forgives the blank.
    b"Content-Length : 2\r\n",
    b"Transfer-Encoding\t: chunked\r\n"])
def test_unclear_body_lengths_are_refused(stack, lengths):
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    with connect(stack) as sock:
        sock.sendall(b"POST /auth/token HTTP/1.1\r\nHost: x\r\n" + lengths +
                     b"\r\n")
        time.sleep(0.2)
        with contextlib.suppress(ConnectionError):
            sock.sendall(b"{}" + smuggled)
        answer = read_all(sock)
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert "/smuggled" not in stack.logs()


def test_http_1_0_has_no_chunks(stack):
    with connect(stack) as sock:
        sock.sendall(b"POST /auth/token HTTP/1.0\r\nHost: x\r\n"
                     b"Connection: keep-alive\r\n"
                     b"Transfer-Encoding: chunked\r\n\r\n"
                     b"2\r\n{}\r\n0\r\n\r\n"
                     b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = read_all(sock)
    assert answer.startswith(b"HTTP/1.1 400"), answer
    assert answer.count(b"HTTP/1.1 ") == 1
    assert "/smuggled" not in stack.logs()


@pytest.mark.parametrize("path", ["/api%2Fv3/policies", "/%2fmetrics",
                                  "/health%00"])
def test_a_path_is_what_a_proxy_takes_it_for(stack, path):
    with connect(stack) as sock:
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n"
                     "Connection: close\r\n\r\n".encode())
        assert read_all(sock).startswith(b"HTTP/1.1 404 ")


SLOW = {
    "silent": (b"", b""),
    "headers": (b"GET /health HTTP/1.1\r\nHost: x\r\n", b"X-Pad: 1\r\n"),
    "body": (b"POST /auth/token HTTP/1.1\r\nHost: x\r\n"
             b"Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n",
             b" "),
}


@pytest.mark.parametrize("name", SLOW)
def test_slow_senders_are_cut_off(directory, name):
    """Also if they send a byte now and then."""
    first, more = SLOW[name]
    api = Process(directory, PROMPTCRAFT_REQUEST_TIMEOUT=str(
        REQUEST_TIMEOUT_S)).start()
    where = api.wait_listening()
    began = time.monotonic()
    with connect(where) as sock:
        sock.sendall(first)
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - began < 15:
                sock.settimeout(0.4)
                try:
                    if not sock.recv(4096):
                        break
                except TimeoutError:
                    sock.sendall(more)
    # Once for the headers, once for the body.
    assert time.monotonic() - began < 2 * REQUEST_TIMEOUT_S + 8
    assert api.stop() == 0


def test_a_client_that_hangs_up_holds_nothing(stack):
    began = time.monotonic()
    with connect(stack) as sock:
        sock.sendall(b"POST /auth/token HTTP/1.1\r\nHost: x\r\n"
                     b"Content-Length: 100\r\n\r\n{")
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock) == b""
    # Of the 30 s that a request may take.
    assert time.monotonic() - began < 15 * SLOWNESS


def is_open(sock):
    sock.settimeout(0.01)
    try:
        return sock.recv(1) != b""
    except TimeoutError:
        return True
    except ConnectionError:
        return False


def test_one_address_cannot_take_all_connections(directory):
    # None of them is closed for its silence meanwhile.
    api = Process(directory, PROMPTCRAFT_REQUEST_TIMEOUT="600",
                  PROMPTCRAFT_MAX_CONNECTIONS="64",
                  PROMPTCRAFT_MAX_CONNECTIONS_PER_ADDRESS="16").start()
    anonymous = api.wait_listening()
    held = [connect(anonymous) for _ in range(40)]
    try:
        # The others are closed as the server comes to them.
        open_ones = wait_for(lambda: sum(map(is_open, held)),
                             lambda count: count <= 16)
        assert open_ones >= 8
    finally:
        for sock in held:
            sock.close()
    wait_for(lambda: health_status(anonymous), lambda s: s == 200)
    assert api.stop() == 0


def health_status(client):
    try:
        return client.get("/health").status
    except OSError:
        return None


def test_jobs_do_not_block_logins_or_health(limited):
    """The only job thread is taken; everything else still answers."""
    client = limited.client()
    sleeper = threading.Thread(target=client.post, args=("/api/v3/jobs", {
        **SLEEPER, "limits": {"timeout_seconds": 10 * min(SLOWNESS, 3)}}))
    sleeper.start()
    wait_for(lambda: busy_slots(limited), lambda count: count == 1)
    assert login(limited.anonymous(), limited.info["admin_user"],
                 limited.info["admin_password"]).status == 200
    assert limited.anonymous().get("/health").status == 200
    assert client.get("/api/v3/policies").status == 200
    assert sleeper.is_alive()
    sleeper.join()


# ---- the process ----------------------------------------------------------


def proc_status(pid):
    text = Path(f"/proc/{pid}/status").read_text()
    return dict(line.split(":\t", 1) for line in text.splitlines()
                if ":\t" in line)


def test_posture_of_every_thread(stack):
    pid = stack.pid("api")
    tasks = os.listdir(f"/proc/{pid}/task")
    assert len(tasks) > HTTP_THREADS
    for task in tasks:
        try:
            status = proc_status(f"{pid}/task/{task}")
        except (FileNotFoundError, ProcessLookupError):
            continue  # one that lives as long as an analysis
        uids, gids = status["Uid"].split(), status["Gid"].split()
        assert len(set(uids)) == 1 and uids[0] != "0"
        assert len(set(gids)) == 1 and gids[0] != "0"
        assert status["Groups"].split() == []
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(status[name], 16) == 0, name
        assert status["NoNewPrivs"] == "1"
        assert status["Seccomp"] == "2"


def test_files_of_the_state_are_private(stack):
    state = Path(stack.info["state_dir"])
    names = {path.name for path in state.iterdir()}
    assert {"promptcraft.db", "releases"} <= names
    assert stat.S_IMODE(state.stat().st_mode) & 0o077 == 0
    for path in state.iterdir():
        # A group may read releases, where its way there is open.
        others = 0o027 if path.name == "releases" else 0o077
        assert stat.S_IMODE(path.stat().st_mode) & others == 0, path


class Process:
    """The API alone, without a supervisor."""

    def __init__(self, directory, **env):
        self.dir = Path(directory)
        self.log = tempfile.TemporaryFile()
        self.env = {"PATH": "/usr/bin:/bin", "API_HOST": "127.0.0.1",
                    "API_PORT": "0", "PROMPTCRAFT_USER": str(API_UID),
                    "PROMPTCRAFT_STATE_DIR": f"{directory}/state",
                    "PROMPTCRAFT_SUPERVISOR_SOCKET": f"{directory}/none",
                    "PROMPTCRAFT_COOKBOOK_DIR": "none",
                    "PROMPTCRAFT_RULES_DIR": str(BUILD / "rules"),
                    **env}
        self.process = None

    def start(self, **kwargs):
        self.process = subprocess.Popen([API], env=self.env, stderr=self.log,
                                        **kwargs)
        return self

    def text(self):
        # Not read(): the API writes at the same offset.
        size = os.fstat(self.log.fileno()).st_size
        return os.pread(self.log.fileno(), size, 0).decode(errors="replace")

    def wait_listening(self):
        found = wait_for(
            lambda: re.search(r"listening host=\S+ port=(\d+)", self.text()),
            lambda match: match or self.process.poll() is not None)
        assert found, self.text()
        return Client(f"http://127.0.0.1:{found[1]}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=20)


@pytest.fixture
def directory():
    path = make_directory()
    yield path
    subprocess.run(["rm", "-rf", "--", path], check=True)


def test_first_start_makes_an_admin_and_says_the_password_once(directory):
    api = Process(directory).start()
    anonymous = api.wait_listening()
    password = re.search(r"account is admin, its password (\S+)",
                         api.text())[1]
    assert len(password) == 32
    assert login(anonymous, "admin", password).status == 200
    for default in ("admin", "demo123", "password", "promptcraft"):
        assert login(anonymous, "admin", default).status == 401
    assert login(anonymous, "demo", "demo123").status == 401
    assert api.stop() == 0
    again = Process(directory).start()
    anonymous = again.wait_listening()
    assert "password" not in again.text()
    assert login(anonymous, "admin", password).status == 200
    assert again.stop() == 0


def test_first_password_goes_to_a_file_if_wished(directory):
    os.mkdir(f"{directory}/secret")
    os.chown(f"{directory}/secret", API_UID, API_UID)
    path = Path(directory, "secret", "admin")
    api = Process(directory, PROMPTCRAFT_ADMIN_PASSWORD_FILE=str(path)).start()
    anonymous = api.wait_listening()
    password = path.read_text().rstrip("\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert password not in api.text()
    assert login(anonymous, "admin", password).status == 200
    assert api.stop() == 0


def test_token_of_a_deleted_store_is_worth_nothing(directory):
    """The secret lives in the store: a new store has another one."""
    api = Process(directory).start()
    anonymous = api.wait_listening()
    password = re.search(r"its password (\S+)", api.text())[1]
    token = login(anonymous, "admin", password).json()["access_token"]
    assert api.stop() == 0
    subprocess.run(["rm", "-rf", f"{directory}/state"], check=True)
    api = Process(directory).start()
    client = Client(api.wait_listening().url, token)
    problem(client.get("/api/v3/workflows"), 401)
    assert api.stop() == 0


def test_without_supervisor_it_is_degraded_and_says_so(directory):
    api = Process(directory).start()
    anonymous = api.wait_listening()
    reply = anonymous.get("/health")
    assert reply.status == 200
    body = reply.json()
    assert body["status"] == "degraded"
    assert body["services"]["supervisor"] == "unreachable"
    assert body["services"]["execution_engine"] == "degraded"
    assert directory not in json.dumps(body)
    assert "supervisor_down" in api.text()
    assert api.stop() == 0


BAD_STARTS = {
    "as root": ({"PROMPTCRAFT_USER": ""}, "PROMPTCRAFT_USER"),
    "as root by number": ({"PROMPTCRAFT_USER": "0"}, "does not run as root"),
    "unknown user": ({"PROMPTCRAFT_USER": "no-such-user"}, "no-such-user"),
    "short secret": ({"JWT_SECRET": "hunter2hunter2"}, "JWT_SECRET"),
    "manual's secret": ({"JWT_SECRET": "your-super-secret-jwt-key-change-in-"
                                       "production"}, "JWT_SECRET"),
    "store": ({"PROMPTCRAFT_STORE": "mysql"}, "PROMPTCRAFT_STORE"),
    "port": ({"API_PORT": "http"}, "API_PORT"),
    "host": ({"API_HOST": "no-such-host.invalid"}, "API_HOST"),
    "proxies": ({"PROMPTCRAFT_TRUSTED_PROXIES": "proxy.example.org"},
                "PROMPTCRAFT_TRUSTED_PROXIES"),
    "state": ({"PROMPTCRAFT_STATE_DIR": "/proc/no/such"},
              "PROMPTCRAFT_STATE_DIR"),
}


@pytest.mark.parametrize("name", BAD_STARTS)
def test_bad_settings_stop_the_start(directory, name):
    env, word = BAD_STARTS[name]
    api = Process(directory, **env).start()
    assert api.process.wait(timeout=60) == 1
    assert "start_failed" in api.text() and word in api.text()
    assert "hunter2" not in api.text()


def test_ready_is_told_when_it_is_true(directory):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(f"\0pc-test-notify-{os.getpid()}")
        notify.settimeout(60)
        api = Process(directory, NOTIFY_SOCKET="@pc-test-notify-"
                                               f"{os.getpid()}").start()
        assert notify.recv(100) == b"READY=1"
        assert api.wait_listening().get("/health").status == 200
        assert api.stop() == 0
        assert notify.recv(100) == b"STOPPING=1"


def test_a_stop_answers_what_is_running(own_stack):
    client = own_stack.client()
    replies = []

    def submit():
        replies.append(client.post("/api/v3/jobs", SLEEPER))

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_for(lambda: busy_slots(own_stack), lambda count: count == 4)
    pid = own_stack.pid("api")
    began = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    for thread in threads:
        thread.join(timeout=20 * SLOWNESS)
    assert len(replies) == 4  # each got an answer, not a broken connection
    assert time.monotonic() - began < 20 * SLOWNESS
    for reply in replies:
        assert reply.status in (200, 503), reply
    own_stack.restart("api")
