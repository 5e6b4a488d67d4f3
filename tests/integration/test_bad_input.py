# SPDX-License-Identifier: Apache-2.0
"""Wrong input on every endpoint: a problem that names the field, and nothing
secret in the logs."""

import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import secrets
import socket
import time
import uuid
from urllib.parse import urlsplit

import contract
import pytest
from promptcraft import Client, Stack, problem

SECRET = secrets.token_hex(32)
NOBODY = str(uuid.uuid4())
# In code, goals and comments of these tests: must never reach a log.
CANARY = "canary-" + secrets.token_hex(8)
GOAL = f"A small program with tests {CANARY}"
JOB = {"language": "python", "code": f"print('{CANARY}')"}

# method, path, a body that is right (None: none is taken)
ENDPOINTS = [
    ("POST", "/api/v3/execute", {"goal": GOAL}),
    ("GET", f"/api/v3/execute/status/{NOBODY}", None),
    ("POST", f"/api/v3/execute/cancel/{NOBODY}", None),
    ("POST", f"/api/v3/execute/approve/{NOBODY}",
     {"workflow_id": NOBODY, "approval_id": NOBODY, "decision": "approved"}),
    ("POST", "/api/v3/jobs", JOB),
    ("GET", f"/api/v3/jobs/{NOBODY}", None),
    ("GET", "/api/v3/workflows", None),
    ("GET", "/api/v3/policies", None),
    ("GET", "/api/v3/runtimes", None),
]
BODIES = [("POST", "/auth/token", {"username": "x", "password": "y" * 12})
          ] + [e for e in ENDPOINTS if e[2] is not None]


def ids(cases):
    return [f"{c[0]} {c[1].replace(NOBODY, 'ID')}" for c in cases]


@pytest.fixture(scope="module")
def stack():
    stack = Stack.up(env={"JWT_SECRET": SECRET})
    yield stack
    logs = stack.logs()
    stack.down()
    for secret, what in ((SECRET, "JWT secret"), (CANARY, "code or goal"),
                         (stack.info["admin_password"], "password"),
                         (stack.info["token"].split(".")[2], "token")):
        assert secret not in logs, f"the {what} is in a log"


@pytest.fixture(scope="module")
def client(stack):
    return stack.client()


@pytest.fixture(scope="module")
def eve(stack):
    return stack.new_user("eve")


# ---- tokens ---------------------------------------------------------------


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def forge(token, key=SECRET, alg="HS256", digest=hashlib.sha256, **changes):
    """The same claims but for `changes` (None removes one), signed anew."""
    claims = json.loads(unb64(token.split(".")[1]))
    claims.update(changes)
    claims = {k: v for k, v in claims.items() if v is not None}
    head = b64(json.dumps({"alg": alg, "typ": "JWT"}).encode())
    text = f"{head}.{b64(json.dumps(claims).encode())}"
    signature = "" if digest is None else b64(
        hmac.new(key.encode(), text.encode(), digest).digest())
    return f"{text}.{signature}"


def cut_signature(token):
    return token.rsplit(".", 1)[0] + "."


def flip(token):
    head, claims, signature = token.split(".")
    changed = ("A" if signature[0] != "A" else "B") + signature[1:]
    return f"{head}.{claims}.{changed}"


def other_claims(token):
    """Claims changed, signature kept."""
    head, claims, signature = token.split(".")
    body = json.loads(unb64(claims))
    body["role"] = "admin"
    body["sub"] = "admin"
    return f"{head}.{b64(json.dumps(body).encode())}.{signature}"


TOKENS = {
    "expired": lambda t: forge(t, exp=int(time.time()) - 10),
    "without expiry": lambda t: forge(t, exp=None),
    "expiry is text": lambda t: forge(t, exp="never"),
    "another key": lambda t: forge(t, key="x" * 64),
    "alg none": lambda t: forge(t, alg="none", digest=None),
    "alg None": lambda t: forge(t, alg="None", digest=None),
    "alg none, kept signature": lambda t: forge(t, alg="none"),
    "alg HS512": lambda t: forge(t, alg="HS512", digest=hashlib.sha512),
    "alg HS384": lambda t: forge(t, alg="HS384", digest=hashlib.sha384),
    "alg RS256": lambda t: forge(t, alg="RS256"),
    "alg ES256": lambda t: forge(t, alg="ES256"),
    "signature cut": cut_signature,
    "signature flipped": flip,
    "claims changed": other_claims,
    "user unknown": lambda t: forge(t, user_id=NOBODY, sub="nobody"),
    "empty": lambda t: "",
    "not a token": lambda t: "aaaa.bbbb.cccc",
    "two parts": lambda t: "aaaa.bbbb",
    "very long": lambda t: "a" * 6000,
}


def test_the_forger_can_make_good_tokens(client, stack):
    """Else the refusals below would prove nothing."""
    good = Client(stack.url, forge(client.token))
    assert good.get("/api/v3/workflows").status == 200


@pytest.mark.parametrize("name", TOKENS)
def test_bad_tokens(stack, client, name):
    bad = Client(stack.url, TOKENS[name](client.token))
    reply = bad.get("/api/v3/workflows")
    assert "WWW-Authenticate" in reply.headers
    problem(reply, 401)


@pytest.mark.parametrize("header", [
    "Basic YWRtaW46YWRtaW4=", "Bearer", "Bearer ", "bearer-token x", ""])
def test_bad_authorization_headers(anonymous_of, header):
    reply = anonymous_of.get("/api/v3/workflows",
                             headers={"Authorization": header})
    problem(reply, 401)


@pytest.fixture(scope="module")
def anonymous_of(stack):
    return stack.anonymous()


@pytest.mark.parametrize("method,path,body", ENDPOINTS, ids=ids(ENDPOINTS))
def test_every_endpoint_wants_a_token(anonymous_of, method, path, body):
    problem(anonymous_of.request(method, path, body), 401)


def test_an_old_password_takes_its_tokens_along(stack):
    from promptcraft import run_cli
    kim = stack.new_user("kim")
    assert kim.get("/api/v3/workflows").status == 200
    run_cli("user", "passwd", "kim", "--state-dir", stack.info["state_dir"],
            "--password-file", "-", input="another password\n")
    problem(kim.get("/api/v3/workflows"), 401)


@pytest.mark.parametrize("name,password", [
    ("admin", "wrong password"), ("nobody", "wrong password")])
def test_wrong_credentials_say_no_more(anonymous_of, name, password):
    reply = anonymous_of.post("/auth/token",
                              {"username": name, "password": password})
    assert problem(reply, 401)["detail"] == "Invalid credentials"


# ---- bodies ---------------------------------------------------------------

BROKEN = {
    "empty": b"",
    "cut off": b'{"goal": "x',
    "not JSON": b"goal=x&code=y",
    "two values": b"{} {}",
    "bad UTF-8": b'{"goal": "\xff\xfe\xfa"}',
    "trailing": b'{"goal": "x"} tail',
    "duplicate key": b'{"goal": "aaaaaaaaaaaa", "goal": "bbbbbbbbbbbb"}',
    "huge number": b'{"goal": 1e999999}',
    "lone surrogate": b'{"goal": "\\ud800"}',
}


@pytest.mark.parametrize("method,path,body", BODIES, ids=ids(BODIES))
@pytest.mark.parametrize("name", BROKEN)
def test_bodies_that_are_not_json(client, method, path, body, name):
    problem(client.request(method, path, raw=BROKEN[name]), 400)


@pytest.mark.parametrize("method,path,body", BODIES, ids=ids(BODIES))
@pytest.mark.parametrize("depth", [40, 1000, 500000])
def test_bodies_that_are_too_deep(client, method, path, body, depth):
    data = b'{"a":' * depth + b"1" + b"}" * depth
    assert send_raw(client, method, path, data) == 413


@pytest.mark.parametrize("method,path,body", BODIES, ids=ids(BODIES))
@pytest.mark.parametrize("value", [[], "text", 1, None, True],
                         ids=["array", "string", "number", "null", "true"])
def test_bodies_that_are_no_object(client, method, path, body, value):
    reply = client.request(method, path, raw=json.dumps(value).encode())
    assert reply.status in (400, 422), reply
    problem(reply, reply.status)


@pytest.mark.parametrize("method,path,body", BODIES, ids=ids(BODIES))
def test_10_mib_body(client, method, path, body):
    big = dict(body, filler="x" * (10 << 20))
    assert send_raw(client, method, path, json.dumps(big).encode()) == 413


def send_raw(client, method, path, data):
    """A server may answer and close before it has read all of it."""
    connection = http.client.HTTPConnection(urlsplit(client.url).netloc,
                                            timeout=30)
    connection.putrequest(method, path)
    connection.putheader("Authorization", f"Bearer {client.token}")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(len(data)))
    connection.endheaders()
    try:
        connection.send(data)
    except (BrokenPipeError, ConnectionResetError):
        pass
    try:
        reply = connection.getresponse()
        contract.read(reply, method, path)
        return reply.status
    finally:
        connection.close()


REQUIRED = [
    ("/auth/token", {"username": "x", "password": "y"}, "username"),
    ("/auth/token", {"username": "x", "password": "y"}, "password"),
    ("/api/v3/execute", {"goal": GOAL}, "goal"),
    ("/api/v3/jobs", JOB, "language"),
    ("/api/v3/jobs", JOB, "code"),
    (ENDPOINTS[3][1], ENDPOINTS[3][2], "workflow_id"),
    (ENDPOINTS[3][1], ENDPOINTS[3][2], "approval_id"),
    (ENDPOINTS[3][1], ENDPOINTS[3][2], "decision"),
]


@pytest.mark.parametrize("path,body,field", REQUIRED,
                         ids=[f"{p.replace(NOBODY, 'ID')} {f}"
                              for p, _, f in REQUIRED])
def test_missing_fields(client, path, body, field):
    body = {k: v for k, v in body.items() if k != field}
    problem(client.post(path, body), 422, field=field)


def job(**changes):
    return "/api/v3/jobs", {**JOB, **changes}


def execute(**context):
    return "/api/v3/execute", {"goal": GOAL, "context": context}


def goal(text):
    return "/api/v3/execute", {"goal": text}


def one_file(path, content="x"):
    return [{"path": path, "content": content}]


# request, field that the problem must name
WRONG = {
    "goal a number": (goal(5), "goal"),
    "goal too short": (goal("short"), "goal"),
    "goal too long": (goal("x" * 1001), "goal"),
    "goal of 1001 umlauts": (goal("ü" * 1001), "goal"),
    "goal with NUL": (goal("A goal with a\0 byte in it"), "goal"),
    "context an array": (("/api/v3/execute", {"goal": GOAL, "context": []}),
                         "context"),
    "options a string": (("/api/v3/execute", {"goal": GOAL, "options": ""}),
                         "options"),
    "code a number": (execute(code=5), "context.code"),
    "level unknown": (execute(execution_preferences={
        "security_level": "none"}),
        "context.execution_preferences.security_level"),
    "iterations negative": (execute(execution_preferences={
        "max_iterations": -1}),
        "context.execution_preferences.max_iterations"),
    "iterations a string": (execute(execution_preferences={
        "max_iterations": "3"}),
        "context.execution_preferences.max_iterations"),
    "approval a string": (execute(execution_preferences={
        "require_approval": "no"}),
        "context.execution_preferences.require_approval"),
    "workflow file path": (execute(code="x = 1", files=one_file("../x")),
                           "context.files[0].path"),
    "workflow language": (execute(code="x = 1", language="cobol"),
                          "context.language"),
    "language to write in": (execute(language="cobol"), "context.language"),
    "language to write in, an analyzer": (execute(language="analyze-python"),
                                          "context.language"),
    "language unknown": (job(language="cobol"), "language"),
    "language a list": (job(language=["python"]), "language"),
    "language empty": (job(language=""), "language"),
    "language with NUL": (job(language="python\0"), "language"),
    "code empty": (job(code=""), "code"),
    "code null": (job(code=None), "code"),
    "code with NUL": (job(code="print(1)\0"), "code"),
    "path absolute": (job(code_path="/etc/passwd"), "code_path"),
    "path with ..": (job(code_path="a/../../b.py"), "code_path"),
    "path just ..": (job(code_path=".."), "code_path"),
    "path with NUL": (job(code_path="a\0b.py"), "code_path"),
    "path with newline": (job(code_path="a\nb.py"), "code_path"),
    "path with //": (job(code_path="a//b.py"), "code_path"),
    "path ends in /": (job(code_path="a/"), "code_path"),
    "path too long": (job(code_path="x" * 300), "code_path"),
    "tests path": (job(tests="x", tests_path="../t.py"), "tests_path"),
    "files an object": (job(files={}), "files"),
    "file a string": (job(files=["x"]), "files[0]"),
    "file without path": (job(files=[{"content": "x"}]), "files[0].path"),
    "file without content": (job(files=[{"path": "x"}]), "files[0].content"),
    "file content a number": (job(files=one_file("x", 5)),
                              "files[0].content"),
    "file path with ..": (job(files=one_file("ok") + one_file("../../etc/x")),
                          "files[1].path"),
    "file path with NUL": (job(files=one_file("a\0b")), "files[0].path"),
    "file path absolute": (job(files=one_file("/tmp/x")), "files[0].path"),
    "257 files": (job(files=[{"path": f"f{i}", "content": ""}
                             for i in range(257)]), "files"),
    "args a string": (job(args="-x"), "args"),
    "arg a number": (job(args=["a", 1]), "args[1]"),
    "arg with NUL": (job(args=["a\0b"]), "args[0]"),
    "stdin a number": (job(stdin=1), "stdin"),
    "level of a job": (job(security_level="root"), "security_level"),
    "limits a number": (job(limits=5), "limits"),
    "timeout 0": (job(limits={"timeout_seconds": 0}),
                  "limits.timeout_seconds"),
    "timeout negative": (job(limits={"timeout_seconds": -5}),
                         "limits.timeout_seconds"),
    "timeout a string": (job(limits={"timeout_seconds": "5"}),
                         "limits.timeout_seconds"),
    "memory tiny": (job(limits={"memory_mb": 1}), "limits.memory_mb"),
    "memory true": (job(limits={"memory_mb": True}), "limits.memory_mb"),
    "a misspelt limit": (job(limits={"memory": 64}), "limits.memory"),
    "a misspelt field": (job(timeout=5), "timeout"),
    "a policy by name": (job(policy="permissive"), "policy"),
    "collect ..": (job(collect=["../x"]), "collect[0]"),
    "decision unknown": ((ENDPOINTS[3][1], {**ENDPOINTS[3][2],
                                            "decision": "maybe"}),
                         "decision"),
    "username a number": (("/auth/token", {"username": 5, "password": "x"}),
                          "username"),
    "password with NUL": (("/auth/token", {"username": "x",
                                           "password": "a\0b"}), "password"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_values_name_the_field(client, name):
    (path, body), field = WRONG[name]
    body = problem(client.post(path, body), 422, field=field)
    assert field.rpartition(".")[2].split("[")[0] in body["detail"], body


def test_limits_are_clamped_to_the_policy(client):
    data = client.job(language="shell", code="true", security_level="strict",
                      limits={"timeout_seconds": 86400,
                              "memory_mb": 1048576})
    ceiling = {p["name"]: p for p in client.get(
        "/api/v3/policies").data["policies"]}["strict"]
    assert data["limits"]["memory_mb"] <= 1024
    assert data["limits"]["timeout_seconds"] < 86400
    assert ceiling["name"] == "strict"


# ---- other people's things, unknown things, other methods -------------------


@pytest.mark.parametrize("bad", [
    NOBODY, "..", "%2e%2e", "x", "%00", "a" * 300,
    "'; DROP TABLE workflows;--".replace(" ", "%20"), NOBODY.upper() + "0"])
@pytest.mark.parametrize("path", [
    "/api/v3/execute/status/", "/api/v3/jobs/"])
def test_unknown_ids(client, path, bad):
    reply = client.get(path + bad)
    assert reply.status in (400, 404), reply
    problem(reply, reply.status)


@pytest.mark.parametrize("path", ["/", "/api", "/api/v3", "/api/v3/jobs/",
                                  "/api/v3/../../etc/passwd", "/health/",
                                  "//health", "/api/v3/execute/status/"])
def test_unknown_paths(client, path):
    problem(client.get(path), 404)


@pytest.mark.parametrize("method,path", [
    ("GET", "/api/v3/execute"), ("DELETE", "/api/v3/jobs"),
    ("PUT", "/auth/token"), ("POST", "/health"),
    ("GET", f"/api/v3/execute/approve/{NOBODY}"),
    ("GET", f"/api/v3/execute/cancel/{NOBODY}")])
def test_other_methods(client, method, path):
    reply = client.request(method, path)
    problem(reply, 405)
    assert reply.headers["Allow"]


def test_another_users_things(client, eve):
    workflow = client.execute(GOAL, {"language": "python", "code": "x = 1",
                                     "tests": "import unittest"})
    made = client.job(**JOB)["job_id"]
    problem(eve.get(f"/api/v3/execute/status/{workflow}"), 403)
    problem(eve.post(f"/api/v3/execute/cancel/{workflow}"), 403)
    problem(eve.post(f"/api/v3/execute/approve/{workflow}", {
        "workflow_id": workflow, "approval_id": NOBODY,
        "decision": "approved"}), 403)
    problem(eve.get(f"/api/v3/jobs/{made}"), 403)
    listed = eve.get("/api/v3/workflows").data["workflows"]
    assert workflow not in [w["workflow_id"] for w in listed]
    # And the owner still can.
    assert client.get(f"/api/v3/jobs/{made}").status == 200


@pytest.mark.parametrize("limit", ["0", "-1", "x", "201", "1e3", ""])
def test_a_wrong_list_limit(client, limit):
    problem(client.get(f"/api/v3/workflows?limit={limit}"), 422,
            field="limit")


def test_a_nul_in_the_query(client):
    reply = client.get("/api/v3/workflows?limit=%00")
    problem(reply, reply.status)
    assert reply.status in (400, 404, 422)


# ---- HTTP itself ----------------------------------------------------------


def talk(stack, data):
    """Raw bytes to the port; the status of the answer, None if closed."""
    address = urlsplit(stack.url)
    with socket.create_connection((address.hostname, address.port),
                                  timeout=60) as s:
        answer = b""
        with contextlib.suppress(OSError):  # it may close before the end
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
        while chunk := s.recv(65536):
            answer += chunk
    if not answer:
        return None
    return int(answer.split()[1])


@pytest.mark.parametrize("data", [
    b"\0\0\0\0\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /health HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
    b"POST /auth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
    b"Content-Length: 6\r\n\r\nabcdef",
    b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\n\r\n",
    b"GET /health HTTP/1.1\r\n" + b"X: y\r\n" * 20000 + b"\r\n",
    b"POST /auth/token HTTP/1.1\r\nHost: x\r\n"
    b"Transfer-Encoding: chunked\r\n\r\nZZZ\r\n",
], ids=["zeros", "no path", "version", "negative length", "two lengths",
        "long path", "many headers", "bad chunk"])
def test_malformed_http(stack, anonymous_of, data):
    try:
        status = talk(stack, data)
    except ConnectionError:
        status = None
    assert status is None or 400 <= status < 600
    assert anonymous_of.get("/health").json()["status"] == "healthy"


def test_health_is_open_and_says_little(anonymous_of, stack):
    reply = anonymous_of.get("/health")
    assert reply.status == 200
    body = reply.json()
    assert body["status"] == "healthy"
    assert body["version"] == "3.0.0"
    text = json.dumps(body)
    assert str(stack.dir) not in text
