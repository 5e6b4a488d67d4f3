# SPDX-License-Identifier: Apache-2.0
"""Notifications against real receivers: what they get, what they may do, where
they may be, and what a crash leaves (regressions G06, G10, G12)."""

import email
import email.policy
import json
import os
import re
import secrets
import selectors
import signal
import socket
import sqlite3
import time
from pathlib import Path

import pytest

from promptcraft import (BUILD, SLOWNESS, Client, Stack, problem, run_cli,
                         wait_for)
from receivers import (HttpReceiver, MailReceiver, Refused, endless_body,
                       endless_head, make_certificate, verify)

SLACK_CANARY = "slack" + secrets.token_hex(12)
CODE_CANARY = "code" + secrets.token_hex(12)
URL_CANARY = "query" + secrets.token_hex(12)
MASTER = secrets.token_hex(32)
MAIL_PASSWORD = "mail" + secrets.token_hex(12)
# Long goals with what mail, Slack and terminals would make something of.
GOAL = ("Add <two> & *numbers* <!channel>\r\nBcc: everybody@example.org\x1b[31m "
        "für Zürich ✓")
PROGRAM = {
    "language": "python",
    "code": f"def add(a, b):\n    return a + b  # {CODE_CANARY}\n",
    "tests": "from solution import add\ndef test_add():\n"
             "    assert add(2, 3) == 5\n",
    "execution_preferences": {"require_approval": False},
}


class World:
    """One stack with every channel on, and its receivers.

    127.0.0.2 to .8 may be reached by clients' webhooks, no other private
    address.
    """

    def __init__(self, directory):
        self.dir = directory
        self.certificate = make_certificate(directory, "trusted")
        self.hooks = HttpReceiver("127.0.0.8")
        self.slow = HttpReceiver("127.0.0.2")
        self.slack = HttpReceiver("127.0.0.3")
        self.private = HttpReceiver("127.0.0.9")
        self.mail = MailReceiver("127.0.0.1", certificate=self.certificate,
                                 user="promptcraft", password=MAIL_PASSWORD,
                                 require_starttls=True)
        self.tls = HttpReceiver("127.0.0.4", certificate=make_certificate(
            directory, "tls", "127.0.0.4"))
        self.stranger = HttpReceiver("127.0.0.5", certificate=make_certificate(
            directory, "stranger", "127.0.0.5"))
        self.misnamed = HttpReceiver("127.0.0.6", certificate=make_certificate(
            directory, "misnamed", "example.org"))
        bundle = directory / "ca.pem"
        bundle.write_text("".join(
            re.sub(r"-----BEGIN PRIVATE.*", "",
                   (directory / f"{n}.pem").read_text(), flags=re.S)
            for n in ("trusted", "tls", "misnamed")))
        bundle.chmod(0o644)
        self.http = [self.hooks, self.slow, self.slack, self.private, self.tls,
                     self.stranger, self.misnamed]
        self.env = {
            "SLACK_WEBHOOK_URL": self.slack.url(f"/services/{SLACK_CANARY}"),
            "PROMPTCRAFT_WEBHOOK_URL": self.slack.url("/operator"),
            "PROMPTCRAFT_WEBHOOK_SECRET": MASTER,
            "PROMPTCRAFT_WEBHOOK_ALLOW":
                "127.0.0.2/31, 127.0.0.4/30, 127.0.0.8",
            "PROMPTCRAFT_WEBHOOK_PORTS": ",".join(
                str(r.port) for r in [*self.http, self.mail]),
            "PROMPTCRAFT_PUBLIC_URL": "https://pc.example.org/base/",
            "PROMPTCRAFT_CA_FILE": str(bundle),
            "HITL_EMAIL_SMTP_HOST": "127.0.0.1",
            "HITL_EMAIL_SMTP_PORT": str(self.mail.port),
            "HITL_EMAIL_SMTP_USER": "promptcraft",
            "HITL_EMAIL_SMTP_PASSWORD": MAIL_PASSWORD,
            "HITL_EMAIL_FROM": "noreply@pc.example.org",
            "HITL_EMAIL_TO": "ops@example.org, lead@example.org",
            "PROMPTCRAFT_NOTIFY_ATTEMPTS": "3",
            "PROMPTCRAFT_NOTIFY_RETRY_SECONDS": "1",
            "PROMPTCRAFT_NOTIFY_TIMEOUT": "5",
        }
        self.stack = None

    def __enter__(self):
        for receiver in [*self.http, self.mail]:
            receiver.__enter__()
        self.stack = Stack.up(env=self.env)
        return self

    def __exit__(self, *_exc):
        for receiver in [*self.http, self.mail]:
            receiver.__exit__()
        self.stack.down()

    @property
    def client(self):
        return self.stack.client()

    def secret(self, client=None):
        data = (client or self.client).get("/api/v3/notifications/secret").data
        return data["webhook_secret"]

    def run(self, url=None, client=None, goal=GOAL):
        """A workflow to its end; its id."""
        options = {} if url is None else {"notification_webhook": url}
        client = client or self.client
        workflow = client.execute(goal, PROGRAM, options)
        data = client.wait_workflow(workflow)
        assert data["status"] == "completed", data
        return workflow

    def deliveries(self, workflow, channel="client", status=None):
        path = "/api/v3/notifications?limit=200"
        if status is not None:
            path += f"&status={status}"
        return [d for d in self.client.get(path).data["notifications"]
                if d["workflow_id"] == workflow and d["channel"] == channel]

    def wait_status(self, workflow, status, channel="client"):
        """The workflow's one delivery, when it has that status."""
        rows = wait_for(lambda: self.deliveries(workflow, channel),
                        lambda r: r and r[0]["status"] == status, 60)
        assert len(rows) == 1, rows
        return rows[0]


@pytest.fixture(scope="module")
def world():
    directory = Path("/tmp/pc-test-notify-" + secrets.token_hex(4))
    directory.mkdir(mode=0o755)
    directory.chmod(0o755)
    try:
        with World(directory) as world:
            yield world
    finally:
        for path in directory.iterdir():
            path.unlink()
        directory.rmdir()


# ---- what they get ------------------------------------------------------


def test_completion_reaches_every_channel(world):
    mails_before = len(world.mail.mails)
    workflow = world.run(world.hooks.url(f"/all?k={URL_CANARY}"))

    [hook] = world.hooks.wait(f"/all?k={URL_CANARY}")
    event = verify(world.secret(), hook.headers, hook.body, set())
    assert event["event"] == "workflow_completed"
    assert event["delivery_id"] == hook.delivery
    # The completion response of the specification, 5.1.
    assert event["status"] == "completed"
    assert event["data"]["workflow_id"] == workflow
    assert CODE_CANARY in event["data"]["artifacts"]["generated_code"]
    assert event["data"]["metrics"]["test_success_rate"] == 1.0
    assert {"agents_used", "tools_used", "approvals_required",
            "total_cost"} <= event["metadata"].keys()

    def of_this(path):
        return [r for r in world.slack.got(path)
                if workflow.encode() in r.body]

    [operator] = wait_for(lambda: of_this("/operator"), bool, 60)
    told = verify(MASTER, operator.headers, operator.body, set())
    assert (told["event"], told["workflow_id"]) == ("workflow_completed",
                                                    workflow)
    assert told["url"] == ("https://pc.example.org/base/api/v3/execute/status/"
                           + workflow)
    [slack] = wait_for(lambda: of_this(f"/services/{SLACK_CANARY}"), bool, 60)
    text = slack.json()["text"]
    assert slack.json()["mrkdwn"] is False
    assert "Add &lt;two&gt; &amp; *numbers* &lt;!channel&gt; Bcc:" in text
    assert "für Zürich ✓" in text and "\x1b" not in text
    mails = world.mail.wait(mails_before + 2)[mails_before:]
    assert sorted(m[1][0] for m in mails) == ["lead@example.org",
                                              "ops@example.org"]
    for body in (operator.body, slack.body, *(m[2] for m in mails)):
        assert CODE_CANARY.encode() not in body
        assert URL_CANARY.encode() not in body


def test_mail_is_well_formed(world):
    before = len(world.mail.mails)
    workflow = world.run()
    sender, to, content, is_encrypted = world.mail.wait(before + 2)[before]
    assert is_encrypted and sender == "noreply@pc.example.org"
    assert ("PLAIN", True) in world.mail.logins
    assert all(is_tls for _, is_tls in world.mail.logins)
    message = email.message_from_bytes(content, policy=email.policy.SMTP)
    assert message["To"] == f"<{to[0]}>" or to[0] in message["To"]
    assert message["Bcc"] is None
    assert message["Auto-Submitted"] == "auto-generated"
    assert re.fullmatch(r"<[0-9a-f]{32}@pc\.example\.org>",
                        message["Message-ID"])
    assert "für Zürich" in message["Subject"]
    assert "\r" not in message["Subject"] and "\n" not in message["Subject"]
    assert not message.defects
    text = message.get_content()
    assert workflow in text and "für Zürich ✓" in text
    assert "\nBcc:" not in text and "\x1b" not in text
    assert max(map(len, content.split(b"\r\n"))) <= 78


def test_approvals_are_told_of(world):
    """Asked and decided, once each; who, what, risk, until when, where."""
    context = dict(PROGRAM, execution_preferences={"require_approval": True})
    workflow = world.client.execute(GOAL, context)
    data = world.client.wait_workflow(workflow, until="waiting_approval")
    assert data["status"] == "waiting_approval", data
    [approval] = data["pending_approvals"]

    def told():
        return [r.json() for r in world.slack.got("/operator")
                if workflow.encode() in r.body]

    [asked] = wait_for(told, bool, 60)
    assert asked["event"] == "approval_requested"
    assert asked["approval"]["approval_id"] == approval["approval_id"]
    assert asked["approval"]["risk_level"] == approval["risk_level"]
    [slack] = wait_for(lambda: [
        r.json()["text"] for r in world.slack.got(f"/services/{SLACK_CANARY}")
        if workflow.encode() in r.body], bool, 60)
    for line in (f"Workflow: {workflow}", f"Risk: {approval['risk_level']}",
                 "Who: an approver must decide",
                 f"Until: {approval['expires_at']}",
                 f"Approval: {approval['approval_id']}",
                 "Where: https://pc.example.org/base/api/v3/execute/status/"
                 + workflow):
        assert line in slack, slack
    assert world.client.post(f"/api/v3/execute/approve/{workflow}", {
        "workflow_id": workflow, "approval_id": approval["approval_id"],
        "decision": "approved"}).status == 200
    assert world.client.wait_workflow(workflow)["status"] == "completed"
    events = wait_for(lambda: [t["event"] for t in told()],
                      lambda e: "workflow_completed" in e
                      and "approval_decided" in e, 60)
    assert sorted(events) == ["approval_decided", "approval_requested",
                              "workflow_completed"]
    for text in (*map(str, told()), slack):
        assert CODE_CANARY not in text


def test_each_user_has_a_key_of_their_own(world):
    eve = world.stack.new_user("eve")
    assert world.secret(eve) != world.secret()
    assert "operator_webhook_secret" not in (
        eve.get("/api/v3/notifications/secret").data)
    world.run(world.hooks.url("/eve"), client=eve)
    [hook] = world.hooks.wait("/eve")
    with pytest.raises(Refused, match="wrong signature"):
        verify(world.secret(), hook.headers, hook.body, set())
    verify(world.secret(eve), hook.headers, hook.body, set())


def test_g06_signature_missing_wrong_stale_replayed(world):
    world.run(world.hooks.url("/g06"))
    [hook] = world.hooks.wait("/g06")
    key, seen = world.secret(), set()
    verify(key, hook.headers, hook.body, seen)
    with pytest.raises(Refused, match="replayed"):
        verify(key, hook.headers, hook.body, seen)
    with pytest.raises(Refused, match="stale"):
        verify(key, hook.headers, hook.body, set(), now=time.time() + 301)
    with pytest.raises(Refused, match="wrong signature"):
        verify(key, hook.headers, hook.body.replace(b"completed", b"failed"),
               set())
    with pytest.raises(Refused, match="no signature"):
        verify(key, {}, hook.body, set())


@pytest.mark.parametrize("path", [
    "/slack/interactive", "/slack/actions", "/webhook", "/api/v3/webhook",
    "/api/v3/slack", "/api/v3/notifications/callback", "/approve",
    "/api/v3/approve"])
def test_g06_no_callback_is_accepted(world, path):
    """Nothing but an authenticated POST decides: there is no such path."""
    anonymous = Client(world.stack.url)
    for method in ("GET", "POST"):
        reply = anonymous.request(method, path, raw=b"payload=%7B%7D", headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Signature": "v0=00"})
        assert reply.status in (401, 404, 405), reply
        assert world.client.request(method, path, body={}).status in (404, 405)


def test_g06_a_get_never_decides(world):
    context = dict(PROGRAM, execution_preferences={"require_approval": True})
    workflow = world.client.execute(GOAL, context)
    data = world.client.wait_workflow(workflow, until="waiting_approval")
    assert data["status"] == "waiting_approval", data
    path = f"/api/v3/execute/approve/{workflow}"
    for client in (Client(world.stack.url), world.client):
        assert client.get(path + "?decision=approved").status in (401, 404,
                                                                  405)
    assert Client(world.stack.url).post(
        path, {"decision": "approved"}).status == 401
    data = world.client.workflow(workflow)
    assert data["status"] == "waiting_approval"
    assert world.client.post(
        f"/api/v3/execute/cancel/{workflow}").status == 200


# ---- where they may be (G10) ---------------------------------------------

LITERALS = [
    "http://127.0.0.9:PORT/", "http://10.1.2.3:PORT/",
    "http://169.254.169.254:PORT/latest/meta-data/", "http://[::1]:PORT/",
    "http://[::ffff:10.0.0.1]:PORT/", "http://0x7f000009:PORT/",
    "http://2130706441:PORT/", "http://0177.0.0.011:PORT/",
    "http://127.9:PORT/", "http://0.0.0.0:PORT/", "http://[fd00::1]:PORT/",
    "http://[64:ff9b::7f00:1]:PORT/", "http://[2002:7f00:1::1]:PORT/",
    "http://100.64.0.1:PORT/", "http://224.0.0.1:PORT/",
    "http://255.255.255.255:PORT/",
]


@pytest.mark.parametrize("url", LITERALS)
def test_g10_addresses_are_refused_at_once(world, url):
    url = url.replace("PORT", str(world.private.port))
    reply = world.client.post("/api/v3/execute", {
        "goal": "Add two numbers", "context": PROGRAM,
        "options": {"notification_webhook": url}})
    problem(reply, 422, "options.notification_webhook")
    assert not world.private.got()


@pytest.mark.parametrize("url, why", [
    ("ftp://example.org/", "URL"), ("file:///etc/passwd", "URL"),
    ("https://user:pw@example.org/", "user or password"),
    ("http://127.0.0.1:22/", "port 22"), ("/relative", "URL"),
    ("https://example.org/#x", "fragment"),
    ("http://example.org\\@127.0.0.1/", "printable"),
    ("http://bücher.example/", "printable")])
def test_g10_urls_are_refused_at_once(world, url, why):
    reply = world.client.post("/api/v3/execute", {
        "goal": "Add two numbers", "context": PROGRAM,
        "options": {"notification_webhook": url}})
    problem(reply, 422, "options.notification_webhook", why)


def test_g10_a_name_is_judged_by_its_address(world):
    """A URL with a name is taken; where it leads is found out when sending."""
    workflow = world.run(f"http://localhost:{world.mail.port}/named")
    row = world.wait_status(workflow, "dead")
    assert "loopback" in row["error"] and row["attempts"] == 1, row


@pytest.mark.parametrize("status", [307, 308])
def test_g10_redirects_are_checked_again(world, status):
    path = f"/to-private{status}"
    world.hooks.behave(path, [(status, {
        "Location": world.private.url("/stolen")})])
    workflow = world.run(world.hooks.url(path))
    row = world.wait_status(workflow, "dead")
    assert "loopback" in row["error"] and row["attempts"] == 1, row
    assert len(world.hooks.got(path)) == 1
    assert not world.private.got("/stolen")


@pytest.mark.parametrize("location", [
    "http://127.0.0.1:22/", "file:///etc/passwd", "gopher://127.0.0.1/",
    "http://user:pw@127.0.0.1/", "http://[::]/"])
def test_g10_redirects_elsewhere(world, location):
    path = "/to-" + secrets.token_hex(4)
    world.hooks.behave(path, [(307, {"Location": location})])
    workflow = world.run(world.hooks.url(path))
    assert world.wait_status(workflow, "dead")["attempts"] == 1


def test_redirects_that_are_allowed_are_followed(world):
    world.hooks.behave("/one", [(307, {"Location": "/two"})])
    world.hooks.behave("/two", [(308, {
        "Location": world.slow.url("/three")})])
    workflow = world.run(world.hooks.url("/one"))
    world.wait_status(workflow, "delivered")
    requests = [world.hooks.got("/one"), world.hooks.got("/two"),
                world.slow.got("/three")]
    assert [len(r) for r in requests] == [1, 1, 1]
    for [request] in requests:
        verify(world.secret(), request.headers, request.body, set())


def test_redirects_end(world):
    world.hooks.behave("/loop", [(307, {"Location": "/loop"})])
    workflow = world.run(world.hooks.url("/loop"))
    row = world.wait_status(workflow, "dead")
    assert "redirects" in row["error"]
    assert len(world.hooks.got("/loop")) == 4


def test_a_redirect_that_drops_the_body_is_not_followed(world):
    world.hooks.behave("/see", [(303, {"Location": "/other"})])
    row = world.wait_status(world.run(world.hooks.url("/see")), "dead")
    assert row["http_status"] == 303
    assert not world.hooks.got("/other")


# ---- receivers that misbehave ---------------------------------------------


def test_retry_until_it_works(world):
    world.hooks.behave("/shaky", [500, 503, 200])
    workflow = world.run(world.hooks.url("/shaky"))
    row = world.wait_status(workflow, "delivered")
    requests = world.hooks.got("/shaky")
    assert row["attempts"] == 3 and len(requests) == 3
    assert len({r.delivery for r in requests}) == 1
    assert len({r.body for r in requests}) == 1
    assert [r.headers["X-PromptCraft-Attempt"] for r in requests] == [
        "1", "2", "3"]
    for request in requests:
        verify(world.secret(), request.headers, request.body, set())
    # 1 s and 2 s, a quarter less at most.
    assert requests[1].at - requests[0].at > 0.7
    assert requests[2].at - requests[1].at > 1.4


def test_retry_after_is_honoured(world):
    world.hooks.behave("/busy", [(429, {"Retry-After": "4"}), 200])
    workflow = world.run(world.hooks.url("/busy"))
    world.wait_status(workflow, "delivered")
    first, second = world.hooks.got("/busy")
    assert second.at - first.at > 3.9


@pytest.mark.parametrize("status", [400, 401, 404, 410, 302])
def test_no_retry_of_what_will_not_change(world, status):
    path = f"/gone{status}"
    world.hooks.behave(path, [status])
    workflow = world.run(world.hooks.url(path))
    row = world.wait_status(workflow, "dead")
    assert (row["attempts"], row["http_status"]) == (1, status)
    assert len(world.hooks.got(path)) == 1


def test_dead_letters_and_retry(world):
    world.hooks.behave("/down", [500])
    workflow = world.run(world.hooks.url("/down"))
    row = world.wait_status(workflow, "dead")
    assert row["attempts"] == 3 and "HTTP 500" in row["error"]
    assert len(world.hooks.got("/down")) == 3
    assert world.deliveries(workflow, status="dead") == [row]
    listed = run_cli("notify", "list", "--status", "dead", "--url",
                     world.stack.url, "--token", world.stack.info["token"])
    assert row["delivery_id"] in listed.stdout
    path = f"/api/v3/notifications/{row['delivery_id']}/retry"
    mallory = world.stack.new_user("mallory")
    problem(mallory.post(path), 403)
    problem(mallory.get("/api/v3/notifications"), 403)
    problem(Client(world.stack.url).get("/api/v3/notifications"), 401)
    assert world.client.post(path).data == {
        "delivery_id": row["delivery_id"], "status": "pending"}
    wait_for(lambda: len(world.hooks.got("/down")), lambda n: n == 6, 60)
    assert world.wait_status(workflow, "dead")["attempts"] == 3
    world.hooks.behave("/down", [200])
    run_cli("notify", "retry", row["delivery_id"], "--url", world.stack.url,
            "--token", world.stack.info["token"])
    assert world.wait_status(workflow, "delivered")["attempts"] == 1
    assert len({r.delivery for r in world.hooks.got("/down")}) == 1
    # It is not dead any more.
    problem(world.client.post(path), 404)
    problem(world.client.post("/api/v3/notifications/nothing/retry"), 404)
    problem(world.client.get("/api/v3/notifications?status=odd"), 422,
            "status")


def test_hanging_receivers_hold_up_nobody(world):
    world.slow.behave("/hang", [world.slow.hang])
    # At once: the first is given up after its three attempts.
    hanging = [world.client.execute(GOAL, PROGRAM, {
        "notification_webhook": world.slow.url("/hang")}) for _ in range(6)]
    for each in hanging:
        data = world.client.wait_workflow(each)
        assert data["status"] == "completed", data
    world.slow.wait("/hang", 4)
    began = time.monotonic()
    workflow = world.run(world.hooks.url("/quick"))
    world.hooks.wait("/quick")
    world.wait_status(workflow, "delivered")
    # Some of them were still hanging: the limit of an attempt is 5 s.
    assert any(world.deliveries(w)[0]["status"] == "pending" for w in hanging)
    world.slow.behave("/hang", [200])
    for each in hanging:
        [row] = wait_for(lambda w=each: world.deliveries(w),
                         lambda rows: rows[0]["status"] != "pending", 60)
        if row["status"] == "dead":  # all of its attempts came before
            path = f"/api/v3/notifications/{row['delivery_id']}/retry"
            assert world.client.post(path).status == 200
        world.wait_status(each, "delivered")
    assert time.monotonic() - began < 120 * SLOWNESS


class Outbox:
    """Deliveries to clients' webhooks, as thousands of workflows leave them."""

    def __init__(self, world):
        self.path = Path(world.stack.info["state_dir"]) / "promptcraft.db"

    def change(self, statement, rows):
        db = sqlite3.connect(self.path, timeout=60)
        with db:
            db.executemany(statement, rows)
        db.close()

    def add(self, urls, user="mallory"):
        now = int(time.time() * 1e6)
        self.change(
            "INSERT INTO delivery (delivery_id, workflow_id, status, attempts,"
            " due_us, updated_us, document) VALUES (?, 'M', 'pending', 0, ?,"
            " ?, ?)",
            [(secrets.token_hex(16), now, now, json.dumps(
                {"channel": "client", "event": "workflow_completed", "to": url,
                 "created_us": now, "user_id": user, "payload": "{}"}))
             for url in urls])

    def clear(self):
        self.change("DELETE FROM delivery WHERE workflow_id = ?", [("M",)])


@pytest.fixture
def outbox(world):
    outbox = Outbox(world)
    yield outbox
    outbox.clear()


def test_a_backlog_for_one_host_holds_up_nobody(world, outbox):
    """More than can be looked at before the first of them is due again."""
    world.slow.behave("/flood", [world.slow.hang])
    outbox.add([world.slow.url("/flood")] * 1500)
    world.slow.wait("/flood", 4)
    workflow = world.run(world.hooks.url("/after-the-flood"))
    world.hooks.wait("/after-the-flood", 1, 120)
    world.wait_status(workflow, "delivered")


class Silent:
    """Listeners that accept and never answer; how many talked at a time."""

    def __init__(self, hosts, port):
        self.selector = selectors.DefaultSelector()
        self.listeners = [socket.create_server((h, port)) for h in hosts]
        for listener in self.listeners:
            self.selector.register(listener, selectors.EVENT_READ)
        self.all = self.most = 0
        self.open = set()

    def look(self, seconds):
        ready = [key.fileobj for key, _ in self.selector.select(seconds)]
        # Who has gone is gone before who has come.
        for sock in [s for s in ready if s in self.open]:
            try:
                gone = not sock.recv(65536)
            except OSError:
                gone = True
            if gone:
                self.selector.unregister(sock)
                self.open.remove(sock)
                sock.close()
        for listener in [s for s in ready if s in self.listeners]:
            sock = listener.accept()[0]
            self.selector.register(sock, selectors.EVENT_READ)
            self.open.add(sock)
            self.all += 1
        self.most = max(self.most, len(self.open))
        return self.all

    def close(self):
        for sock in [*self.listeners, *self.open]:
            sock.close()


@pytest.mark.parametrize("users, most", [(1, 8), (28, 24)])
def test_webhooks_of_clients_leave_room(world, outbox, users, most):
    """Names cost nothing: many of them, all silent, are still one user's."""
    port = world.private.port
    hosts = [f"127.0.0.{i}" for i in range(2, 9)]
    silent = Silent(hosts, port)
    try:
        for i in range(28):
            outbox.add([f"http://{hosts[i % 7]}:{port}/"],
                       f"mallory{i % users}")
        # Until some had to give way to others, by their time limit.
        wait_for(lambda: silent.look(0.5), lambda n: n >= 28, 120, 0)
        assert silent.most <= most
    finally:
        silent.close()


def test_endless_answers(world):
    world.hooks.behave("/endless-body", [endless_body])
    world.hooks.behave("/endless-head", [endless_head])
    pid = world.stack.pid("api")
    body = world.run(world.hooks.url("/endless-body"))
    head = world.run(world.hooks.url("/endless-head"))
    # The status had come; what follows it is nobody's wish.
    assert world.wait_status(body, "delivered")["attempts"] == 1
    assert "head of the answer" in world.wait_status(head, "dead")["error"]
    resident = re.search(r"VmRSS:\s+(\d+) kB",
                         Path(f"/proc/{pid}/status").read_text())
    # AddressSanitizer keeps freed memory on purpose, by itself up to 256 MB
    # beside what all requests before have left.
    assert int(resident[1]) < (1500000 if BUILD.name == "asan" else 300000)


def test_tls(world):
    world.wait_status(world.run(world.tls.url("/tls")), "delivered")
    [hook] = world.tls.got("/tls")
    verify(world.secret(), hook.headers, hook.body, set())
    for receiver in (world.stranger, world.misnamed):
        row = world.wait_status(world.run(receiver.url("/tls")), "dead")
        assert "TLS" in row["error"], row
        assert not receiver.got()


def test_nobody_listens(world):
    url = f"http://127.0.0.7:{world.hooks.port}/nobody"
    row = world.wait_status(world.run(url), "dead")
    assert row["attempts"] == 3 and "refused" in row["error"], row
    assert "/nobody" not in row["error"]


# ---- crashes ---------------------------------------------------------------


def test_killed_between_send_and_record(world):
    """The receiver has it, the outbox does not know: it comes once more."""
    world.slow.behave("/killed", [world.slow.hang, 200])
    workflow = world.run(world.slow.url("/killed"))
    world.slow.wait("/killed")
    world.stack.kill("api")
    world.stack.restart("api")
    row = world.wait_status(workflow, "delivered")
    requests = world.slow.got("/killed")
    assert len(requests) == 2, [r.headers.items() for r in requests]
    assert {r.delivery for r in requests} == {row["delivery_id"]}
    assert requests[0].body == requests[1].body


def broker_of(pid):
    children = [int(p) for p in Path(
        f"/proc/{pid}/task/{pid}/children").read_text().split()]
    assert len(children) == 1, children
    return children[0]


def test_api_ends_with_its_broker(world):
    """It cannot fork another, and says so instead of half working."""
    pid = world.stack.pid("api")
    broker = broker_of(pid)
    # One that is stopped has not ended.
    os.kill(broker, signal.SIGSTOP)
    time.sleep(0.5)
    os.kill(broker, signal.SIGCONT)
    time.sleep(0.5)
    assert "broker_ended" not in world.stack.logs()
    os.kill(broker, signal.SIGKILL)
    wait_for(lambda: Path(f"/proc/{pid}").exists(), lambda e: not e, 30)
    assert "broker_ended" in world.stack.logs()
    world.stack.restart("api")
    assert world.client.get("/health").status == 200


# ---- secrets (G12) ----------------------------------------------------------


def memory_of(pid):
    """All writable memory of a process."""
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        span, mode = line.split()[:2]
        if mode[:2] != "rw":
            continue
        low, high = (int(x, 16) for x in span.split("-"))
        if high - low >= 1 << 30:
            assert BUILD.name == "asan"  # its terabytes of shadow
            continue
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
            try:
                mem.seek(low)
                yield mem.read(high - low)
            except OSError:
                continue


def test_g12_secrets_stay_where_they_belong(world):
    world.hooks.behave(f"/fails?k={URL_CANARY}", [404])
    world.wait_status(
        world.run(world.hooks.url(f"/fails?k={URL_CANARY}")), "dead")
    world.slack.behave(f"/services/{SLACK_CANARY}", [403])
    workflow = world.run()
    row = world.wait_status(workflow, "dead", "slack")
    assert "SLACK_WEBHOOK_URL" in row["error"]
    canaries = (SLACK_CANARY, URL_CANARY, MAIL_PASSWORD, MASTER, CODE_CANARY,
                world.secret())
    shown = world.client.get("/api/v3/notifications?limit=200").body.decode()
    pid = world.stack.pid("api")
    broker = broker_of(pid)
    environ = b"".join(Path(f"/proc/{p}/environ").read_bytes()
                       for p in (pid, broker))
    for canary in canaries:
        assert canary not in world.stack.logs()
        assert canary not in shown
        assert canary.encode() not in environ
    # The broker has forgotten; the API itself is the control.
    for canary in (SLACK_CANARY, MAIL_PASSWORD, MASTER):
        assert any(canary.encode() in part for part in memory_of(pid))
        # AddressSanitizer keeps what was freed, as it was.
        assert BUILD.name == "asan" or not any(
            canary.encode() in part for part in memory_of(broker))


# ---- mail servers of other kinds --------------------------------------------


def mail_env(mail, **more):
    return {"HITL_EMAIL_SMTP_HOST": mail.host,
            "HITL_EMAIL_SMTP_PORT": str(mail.port),
            "HITL_EMAIL_FROM": "noreply@pc.example.org",
            "HITL_EMAIL_TO": "ops@example.org",
            "PROMPTCRAFT_NOTIFY_ATTEMPTS": "2",
            "PROMPTCRAFT_NOTIFY_RETRY_SECONDS": "1",
            "PROMPTCRAFT_NOTIFY_TIMEOUT": "5", **more}


def mail_row(mail, until, **more):
    stack = Stack.up(env=mail_env(mail, **more))
    try:
        client = stack.client()
        workflow = client.execute("Add two numbers", PROGRAM)
        client.wait_workflow(workflow)
        return wait_for(
            lambda: client.get("/api/v3/notifications").data["notifications"],
            lambda rows: rows and rows[0]["status"] in ("delivered", "dead"),
            60)[0]
    finally:
        stack.down()


def test_mail_needs_starttls_by_default():
    with MailReceiver() as mail:
        row = mail_row(mail, "dead")
    assert row["status"] == "dead" and "TLS" in row["error"], row
    assert not mail.mails


def test_mail_in_the_clear_if_wanted():
    with MailReceiver() as mail:
        row = mail_row(mail, "delivered",
                       HITL_EMAIL_SMTP_SECURITY="opportunistic")
    assert row["status"] == "delivered", row
    assert len(mail.mails) == 1


def test_mail_refused_for_good():
    with MailReceiver() as mail:
        mail.refuse = "550 no such mailbox"
        row = mail_row(mail, "dead", HITL_EMAIL_SMTP_SECURITY="none")
    assert (row["status"], row["attempts"]) == ("dead", 1), row
    assert row["http_status"] == 550


def test_mail_refused_for_now():
    with MailReceiver() as mail:
        mail.refuse = "451 try later"
        row = mail_row(mail, "dead", HITL_EMAIL_SMTP_SECURITY="none")
    assert (row["status"], row["attempts"]) == ("dead", 2), row


@pytest.mark.parametrize("env, setting", [
    ({"SLACK_WEBHOOK_URL": "hooks.slack.com/x"}, "SLACK_WEBHOOK_URL"),
    ({"PROMPTCRAFT_WEBHOOK_SECRET": "short"}, "PROMPTCRAFT_WEBHOOK_SECRET"),
    ({"PROMPTCRAFT_WEBHOOK_ALLOW": "10.0.0.1/8"}, "PROMPTCRAFT_WEBHOOK_ALLOW"),
    ({"PROMPTCRAFT_WEBHOOK_PORTS": "http"}, "PROMPTCRAFT_WEBHOOK_PORTS"),
    ({"HITL_EMAIL_SMTP_HOST": "mail.example.org"}, "HITL_EMAIL_FROM"),
    ({"HITL_EMAIL_SMTP_HOST": "mail.example.org", "HITL_EMAIL_FROM":
      "a@b.example\nBcc: x@y.example", "HITL_EMAIL_TO": "a@b.example"},
     "HITL_EMAIL_FROM"),
    ({"HITL_EMAIL_SMTP_HOST": "mail.example.org", "HITL_EMAIL_FROM":
      "a@b.example", "HITL_EMAIL_TO": "a@b.example", "HITL_EMAIL_SMTP_USER":
      "u", "HITL_EMAIL_SMTP_SECURITY": "none"}, "HITL_EMAIL_SMTP_SECURITY"),
    ({"PROMPTCRAFT_CA_FILE": "/etc/passwd"}, "PROMPTCRAFT_CA_FILE"),
    ({"PROMPTCRAFT_CA_FILE": "/nowhere.pem"}, "PROMPTCRAFT_CA_FILE"),
])
def test_bad_settings_stop_the_start(env, setting):
    with pytest.raises(AssertionError, match=setting):
        Stack.up(env=env)
