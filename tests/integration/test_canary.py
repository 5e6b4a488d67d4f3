# SPDX-License-Identifier: Apache-2.0
"""Canaries in every secret and in all that people and models write, peers that
fail and echo what they were sent, LOG_LEVEL=debug; then no canary stands in a
log, an error, a metric, the audit log or what others may read of /proc."""

import base64
import json
import secrets
import shutil
import subprocess
from collections import Counter
from pathlib import Path

from model_server import ModelServer, good
from promptcraft import Client, Stack, make_directory, wait_for
from receivers import HttpReceiver, MailReceiver, make_certificate, verify

NAMES = ("model_key", "jwt", "webhook_secret", "smtp_password", "slack_path",
         "hitl_path", "metrics_token", "goal", "code", "answer", "login",
         "stdout")
CANARY = {name: f"{secrets.token_hex(16)}" for name in NAMES}


class Echo(ModelServer):
    """Its errors repeat the key and the prompt, as real servers' may."""

    def take(self, call):
        answer = super().take(call)
        if answer.get("status", 200) != 200:
            answer["body"] = json.dumps({"error": {
                "message": call.headers.get("Authorization", "") + call.user,
                "code": CANARY["answer"]}})
        return answer


def echo(handler):
    data = (handler.path + str(handler.headers) + CANARY["answer"]).encode()
    handler.send_response(500, f"not {handler.path}")
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


CODE = (f"# {CANARY['code']}\ndef add(a, b):\n"
        f"    print('{CANARY['stdout']}')\n    return a + b\n")
TESTS = ("from solution import add\n\n\ndef test_add():\n"
         "    assert add(1, 2) == 3\n")


def journeys(stack, server):
    """Texts of problems that clients get."""
    client, problems = stack.client(), []
    for name, answers in {
            "good": [{"status": 500}, good(CODE, TESTS)],
            "wrong": [good(CODE.replace("+ b", "- b"), TESTS)],
            "down": [{"status": 401}], "odd": [{"status": 400}],
            "prose": [CANARY["answer"]]}.items():
        server.script(name, *answers)
        data = client.wait_workflow(client.execute(
            f"Add {CANARY['goal']} [{name}]", {
                "language": "python", "execution_preferences": {
                    "require_approval": False}}))
        assert data["status"] == ("completed" if name == "good" else "failed")
        if data["status"] == "failed":
            assert data["error"]
            problems.append(data["error"])
    server.script("asked", good(CODE, TESTS))
    workflow = client.execute(f"Add {CANARY['goal']} [asked]")
    client.wait_workflow(workflow, "waiting_approval")
    for path, body in BAD_REQUESTS:
        reply = client.request("POST", path, raw=body.encode())
        assert reply.status >= 400, reply
        problems.append(reply.body.decode())
    return problems


GOAL, BAD_CODE = f"Add {CANARY['goal']}", f"x = '{CANARY['code']}'"
BAD_REQUESTS = [(path, json.dumps(body)) for path, body in (
    ("/auth/token", {"username": "admin", "password": CANARY["login"]}),
    ("/api/v3/execute", {"goal": 7}),
    ("/api/v3/execute", {"goal": GOAL, "options": {
        "notification_webhook": "ftp://x"}}),
    ("/api/v3/execute", {"goal": GOAL * 2000}),
    ("/api/v3/execute", {"goal": GOAL, "context": {"code": BAD_CODE,
                                                   "tests": 7}}),
    ("/api/v3/jobs", {"code": BAD_CODE, "language": "cobol"}),
    ("/api/v3/analyze", {"code": BAD_CODE, "language": "cobol"}),
)] + [("/api/v3/execute", f'{{"goal": "{GOAL}'),
      ("/api/v3/execute", f'{{"goal": {CANARY["goal"]}}}')]


def forms(canary):
    """Itself, and what base64 makes of it wherever it stands in a text."""
    yield canary
    for before, start in ((0, 0), (1, 2), (2, 3)):
        data = bytes(before) + canary.encode()
        whole = len(data) // 3 * 3
        yield base64.b64encode(data[:whole]).decode()[start:]


def look(where, text):
    for name, canary in CANARY.items():
        for form in forms(canary):
            assert form not in text, f"the canary of {name} is in {where}"


def wait_deliveries(stack):
    """Until each was tried twice in vain; what the API tells of them."""
    def rows(reply):
        return reply.data["notifications"]

    reply = wait_for(
        lambda: stack.client().get("/api/v3/notifications?limit=200"),
        lambda r: {row["status"] for row in rows(r)} == {"dead"}
        # Five ends and a request for an approval.
        and Counter(row["channel"] for row in rows(r)) == {
            "slack": 6, "hitl": 1, "mail": 6, "webhook": 6}, 60)
    assert {row["attempts"] for row in rows(reply)} == {2}
    return reply.body.decode()


def check_used(server, hooks, mail):
    """The receivers have seen the secrets that are looked for."""
    calls = server.all_of("good")
    for call in calls:
        assert call.headers["Authorization"] == f"Bearer {CANARY['model_key']}"
        assert CANARY["goal"] in call.user
    assert hooks.got(f"/{CANARY['slack_path']}")
    assert hooks.got(f"/{CANARY['hitl_path']}")
    request = hooks.got("/hook")[-1]
    verify(CANARY["webhook_secret"], request.headers, request.body, set())
    # Nobody gets as far without the password.
    assert mail.asked == ["b@example.org"] * len(mail.asked) != []


def look_everywhere(stack, problems, deliveries):
    for text in problems:
        look("a problem", text)
    look("the list of deliveries", deliveries)
    check_proc(stack)
    metrics = Client(stack.url, CANARY["metrics_token"]).get("/metrics")
    assert metrics.status == 200
    look("the metrics", metrics.body.decode())
    # The line is written just after what clients are told.
    logs = wait_for(stack.logs,
                    lambda text: "channel=mail status=dead" in text)
    look("a log", logs)
    assert "event=model_call" in logs
    state = Path(stack.info["state_dir"]).parent / "supervisor"
    records = "".join(path.read_text()
                      for path in state.glob("audit/audit.*.log"))
    assert '"type":"job"' in records
    for path in state.rglob("*"):
        if path.is_file():
            look(path.name, path.read_text(errors="replace"))


def check_proc(stack):
    """As somebody who is neither root nor the API's user."""
    for name in ("api", "supervisor"):
        pid = stack.pid(name)
        look(f"the command line of {name}",
             Path(f"/proc/{pid}/cmdline").read_text())
        for file in ("environ", "mem", "maps"):
            done = subprocess.run(
                ["setpriv", "--reuid=65534", "--regid=65534",
                 "--clear-groups", "head", "-c", "100",
                 f"/proc/{pid}/{file}"], capture_output=True)
            assert done.returncode != 0 and done.stdout == b"", (name, file)
        look(f"the environment of {name}", Path(
            f"/proc/{pid}/environ").read_text(errors="replace"))
        limits = Path(f"/proc/{pid}/limits").read_text()
        [core] = [line for line in limits.splitlines()
                  if line.startswith("Max core file size")]
        assert core.split()[4] == "0", (name, core)


def settings(directory, server, hooks, mail):
    prices = directory / "prices.ini"
    prices.write_text("[default]\ninput = 1.00\noutput = 3.00\n")
    return {
        "SLACK_WEBHOOK_URL": hooks.url(f"/{CANARY['slack_path']}"),
        "HITL_NOTIFICATION_WEBHOOK": hooks.url(f"/{CANARY['hitl_path']}"),
        "PROMPTCRAFT_CA_FILE": str(directory / "mail.pem"),
        "HITL_EMAIL_SMTP_HOST": mail.host,
        "HITL_EMAIL_SMTP_PORT": str(mail.port),
        "HITL_EMAIL_SMTP_USER": "mailer",
        "HITL_EMAIL_SMTP_PASSWORD": CANARY["smtp_password"],
        "HITL_EMAIL_FROM": "a@example.org",
        "HITL_EMAIL_TO": "b@example.org",
        "PROMPTCRAFT_NOTIFY_ATTEMPTS": "2",
        "PROMPTCRAFT_NOTIFY_RETRY_SECONDS": "1",
        "LOG_LEVEL": "debug",
        "PROMPTCRAFT_MODEL_URL": server.url, "PROMPTCRAFT_MODEL": "m",
        "PROMPTCRAFT_MODEL_KEY": CANARY["model_key"],
        "PROMPTCRAFT_PRICES": str(prices), "JWT_SECRET": CANARY["jwt"],
        "PROMPTCRAFT_METRICS_TOKEN": CANARY["metrics_token"],
        "PROMPTCRAFT_RETRY_BASE_MS": "50",
        "PROMPTCRAFT_WEBHOOK_URL": hooks.url("/hook"),
        "PROMPTCRAFT_WEBHOOK_SECRET": CANARY["webhook_secret"]}


def test_no_canary_gets_out():
    directory = Path(make_directory())
    certificate = make_certificate(directory, "mail")
    # A mail server has an address of its own: four at once go to one host.
    with Echo() as server, HttpReceiver("127.0.0.3") as hooks, MailReceiver(
            "127.0.0.1", certificate=certificate, user="mailer",
            password=CANARY["smtp_password"], require_starttls=True) as mail:
        for path in ("hook", CANARY["slack_path"], CANARY["hitl_path"]):
            hooks.behave(f"/{path}", [echo])
        mail.refuse = f"451 not with {CANARY['smtp_password']}"
        stack = Stack.up("--store", "redis",
                         env=settings(directory, server, hooks, mail))
        CANARY["redis"] = stack.info["redis"]["password"]
        CANARY["admin"] = stack.info["admin_password"]
        CANARY["token"] = stack.info["token"]
        try:
            problems = journeys(stack, server)
            deliveries = wait_deliveries(stack)
            check_used(server, hooks, mail)
            look_everywhere(stack, problems, deliveries)
        finally:
            stack.down()
            shutil.rmtree(directory)
