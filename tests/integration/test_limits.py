# SPDX-License-Identifier: Apache-2.0
"""Limits as clients meet them: rate limits told and exact under load, requests
that are sent twice and done once, usage, costs and metrics."""

import concurrent.futures
import contextlib
import http.client
import json
import re
import sqlite3
import threading
import time
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import contract
import pytest
from promptcraft import (SLOWNESS, Stack, is_standby, problem, run_cli,
                         wait_for)

GOAL = {"goal": "A program that adds two numbers"}
HELLO = {"language": "shell", "code": "echo hello"}


@pytest.fixture(scope="module")
def limited():
    stack = Stack.up(env={"RATE_LIMIT_STATUS_PER_HOUR": "50",
                          "RATE_LIMIT_EXECUTE_PER_HOUR": "2"})
    yield stack
    stack.down()


def keyed(client, path, body, key):
    return client.post(path, body, headers={"Idempotency-Key": key})


def is_replay(reply):
    return reply.headers.get("Idempotency-Replayed") == "true"


def job_pids(stack):
    pids = set()
    for group in stack.status()["cgroups"]:
        try:
            pids.update((Path(group) / "cgroup.procs").read_text().split())
        except OSError:
            continue
    return {pid for pid in pids if not is_standby(pid)}


# ---- rate limits ----------------------------------------------------------


def test_answers_tell_what_is_left(limited):
    ann = limited.new_user("ann")
    for left in (1, 0):
        reply = ann.post("/api/v3/execute", GOAL)
        assert reply.status == 202
        assert reply.headers["RateLimit-Limit"] == "2"
        assert reply.headers["RateLimit-Remaining"] == str(left)
        assert 3000 < int(reply.headers["RateLimit-Reset"]) <= 3600
        assert reply.headers["Retry-After"] is None
    reply = ann.post("/api/v3/execute", GOAL)
    problem(reply, 429, detail="rate limit".capitalize())
    assert reply.headers["RateLimit-Remaining"] == "0"
    assert reply.headers["RateLimit-Reset"] == reply.headers["Retry-After"]
    # What is not limited says nothing.
    assert ann.get("/api/v3/policies").headers["RateLimit-Limit"] is None


def test_refused_requests_do_not_prolong_the_hour(limited):
    bob = limited.new_user("bob")
    assert [bob.post("/api/v3/execute", GOAL).status
            for _ in range(2)] == [202, 202]
    first = bob.post("/api/v3/execute", GOAL)
    reset = int(first.headers["Retry-After"])
    began = time.monotonic()
    wait_for(lambda: int(bob.post("/api/v3/execute", GOAL)
                         .headers["Retry-After"]),
             lambda now: now < reset, seconds=10, pause=0.3)
    assert time.monotonic() - began < 10 * SLOWNESS


def test_exactly_the_limit_passes(limited):
    carl = limited.new_user("carl")
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        replies = list(pool.map(lambda _: carl.get("/api/v3/workflows"),
                                range(200)))
    assert sorted({r.status for r in replies}) == [200, 429]
    assert sum(r.status == 200 for r in replies) == 50
    left = sorted(int(r.headers["RateLimit-Remaining"]) for r in replies
                  if r.status == 200)
    assert left == list(range(50))


def test_a_token_of_before_uses_up_nothing(limited):
    """Else whoever stole it keeps its owner out after the new password."""
    old = limited.new_user("nell")
    workflow_id = old.execute()
    run_cli("user", "passwd", "nell", "--password-file", "-", "--state-dir",
            limited.info["state_dir"], input="another-passphrase\n")
    path = f"/api/v3/execute/status/{workflow_id}"
    for _ in range(60):
        problem(old.get(path), 401)
    reply = limited.anonymous().post("/auth/token", {
        "username": "nell", "password": "another-passphrase"})
    old.token = reply.json()["access_token"]
    reply = old.get(path)
    assert reply.status == 200, reply
    assert reply.headers["RateLimit-Remaining"] == "49"


def test_what_fails_validation_counts(limited):
    dora = limited.new_user("dora")
    for _ in range(2):
        problem(dora.post("/api/v3/execute", {"goal": ""}), 422)
    problem(dora.post("/api/v3/execute", GOAL), 429)


# ---- Idempotency-Key ------------------------------------------------------


def test_an_answer_is_given_again(client):
    key = str(uuid.uuid4())
    first = keyed(client, "/api/v3/execute", GOAL, key)
    again = keyed(client, "/api/v3/execute", GOAL, f'"{key}"')
    assert first.status == again.status == 202
    assert not is_replay(first) and is_replay(again)
    assert again.body == first.body
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    other = keyed(client, "/api/v3/execute", GOAL, str(uuid.uuid4()))
    assert other.data["workflow_id"] != first.data["workflow_id"]
    ids = [row["workflow_id"] for row in
           client.get("/api/v3/workflows?limit=200").data["workflows"]]
    assert ids.count(first.data["workflow_id"]) == 1


def test_a_key_is_for_one_request(client):
    key = str(uuid.uuid4())
    assert keyed(client, "/api/v3/execute", GOAL, key).status == 202
    other = dict(GOAL, goal="Another program, that multiplies")
    problem(keyed(client, "/api/v3/execute", other, key), 422,
            field="Idempotency-Key", detail="another request")
    problem(keyed(client, "/api/v3/jobs", GOAL, key), 422,
            field="Idempotency-Key")


def test_a_key_is_its_users(stack, client):
    eve = stack.new_user("eve-keys")
    key = str(uuid.uuid4())
    mine = keyed(client, "/api/v3/execute", GOAL, key)
    hers = keyed(eve, "/api/v3/execute", GOAL, key)
    assert hers.status == 202 and not is_replay(hers)
    assert hers.data["workflow_id"] != mine.data["workflow_id"]


@pytest.mark.parametrize("key", ["", "x" * 256, "two words", '"open', "\xe4"])
def test_bad_keys(client, key):
    problem(keyed(client, "/api/v3/execute", GOAL, key), 400,
            field="Idempotency-Key")


def test_two_keys(client):
    url = urlsplit(client.url)
    raw = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
    raw.putrequest("POST", "/api/v3/execute")
    raw.putheader("Authorization", f"Bearer {client.token}")
    raw.putheader("Content-Type", "application/json")
    raw.putheader("Idempotency-Key", "one")
    raw.putheader("idempotency-key", "two")
    body = json.dumps(GOAL).encode()
    raw.putheader("Content-Length", str(len(body)))
    raw.endheaders(body)
    reply = raw.getresponse()
    contract.read(reply, "POST", "/api/v3/execute")
    assert reply.status == 400
    raw.close()


def test_a_refusal_is_given_again_and_a_replay_is_free(limited):
    fay = limited.new_user("fay")
    bad = keyed(fay, "/api/v3/execute", {"goal": "short"}, "bad")
    again = keyed(fay, "/api/v3/execute", {"goal": "short"}, "bad")
    assert bad.status == again.status == 422
    assert is_replay(again) and again.body == bad.body
    good = keyed(fay, "/api/v3/execute", GOAL, "good")
    assert good.status == 202
    # The hour is used up: a new request is refused, an old one is not.
    late = keyed(fay, "/api/v3/execute", GOAL, "late")
    problem(late, 429)
    assert keyed(fay, "/api/v3/execute", GOAL, "good").body == good.body
    # 429 is not kept: it is no replay the next time either.
    late = keyed(fay, "/api/v3/execute", GOAL, "late")
    problem(late, 429)
    assert not is_replay(late)


def test_decisions_and_cancels_are_given_again(client):
    context = {"code": "print(1)", "language": "python",
               "tests": "def test_one():\n    assert True\n"}
    workflow_id = client.execute(context=context)
    data = client.wait_workflow(workflow_id, "waiting_approval")
    assert data["status"] == "waiting_approval", data
    path = f"/api/v3/execute/approve/{workflow_id}"
    body = {"workflow_id": workflow_id, "decision": "rejected",
            "approval_id": data["pending_approvals"][0]["approval_id"]}
    first = keyed(client, path, body, "decide-" + workflow_id)
    assert first.status == 200 and not is_replay(first)
    again = keyed(client, path, body, "decide-" + workflow_id)
    assert is_replay(again) and again.body == first.body

    workflow_id = client.execute(context=context)
    path = f"/api/v3/execute/cancel/{workflow_id}"
    first = keyed(client, path, None, "cancel-" + workflow_id)
    assert first.status == 200, first
    again = keyed(client, path, None, "cancel-" + workflow_id)
    assert again.status == 200 and is_replay(again)
    # Without a key the second one is told that it comes too late.
    problem(client.post(path), 400)


def test_identical_requests_at_once(client):
    key = str(uuid.uuid4())
    barrier = threading.Barrier(12)

    def send(_):
        barrier.wait()
        while True:
            reply = keyed(client, "/api/v3/jobs", HELLO, key)
            if reply.status != 409:
                return reply
            assert int(reply.headers["Retry-After"]) >= 1
            time.sleep(0.05)

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        replies = list(pool.map(send, range(12)))
    assert {r.status for r in replies} == {200}
    assert len({r.data["job_id"] for r in replies}) == 1
    assert sum(not is_replay(r) for r in replies) == 1
    assert len({r.body for r in replies}) == 1


def test_a_key_keeps_a_job_of_a_client_that_left(stack, client):
    """Its answer waits for the retry; without a key the job is killed."""
    key = str(uuid.uuid4())
    slow = {"language": "shell", "code": "sleep 10; echo done"}
    url = urlsplit(client.url)
    raw = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
    raw.request("POST", "/api/v3/jobs", json.dumps(slow).encode(), {
        "Authorization": f"Bearer {client.token}",
        "Content-Type": "application/json", "Idempotency-Key": key})
    wait_for(lambda: job_pids(stack), bool)
    raw.close()
    assert keyed(client, "/api/v3/jobs", slow, key).status == 409
    reply = wait_for(lambda: keyed(client, "/api/v3/jobs", slow, key),
                     lambda r: r.status != 409, seconds=60)
    assert is_replay(reply)
    assert reply.data["outcome"] == "completed"
    assert reply.data["stdout"] == "done\n"


# ---- usage ----------------------------------------------------------------


def usage(client, **query):
    text = "&".join(f"{k}={v}" for k, v in query.items())
    return client.get(f"/api/v3/usage?{text}").data


def test_usage_is_logged(limited):
    gus = limited.new_user("gus")
    goal = {"goal": "Ünïcode " * 20}
    assert [gus.post("/api/v3/execute", goal).status
            for _ in range(3)] == [202, 202, 429]
    data = wait_for(lambda: usage(gus),
                    lambda d: d["operations"].get("execute", {}).get(
                        "requests") == 3)
    sums = data["operations"]["execute"]
    assert sums["errors"] == sums["refused"] == 1
    assert sums["duration_ms"] > 0
    mine = [e for e in data["entries"] if e["operation"] == "execute"]
    assert sum(e["count"] for e in mine) == 3
    assert {e["details"] for e in mine if e["status"] == 202} == {
        goal["goal"][:100]}
    assert {e["user_id"] for e in data["entries"]} == {mine[0]["user_id"]}
    assert {e["status"] for e in mine} == {202, 429}
    assert all(e["timestamp"].startswith(data["date"]) for e in mine)
    assert data["truncated"] is False
    # Another user sees only himself, an admin everybody.
    hal = limited.new_user("hal")
    assert usage(hal)["entries"] == []
    wait_for(lambda: usage(limited.client(), limit=1000)["entries"],
             lambda entries: {e["user_id"] for e in entries} >
             {mine[0]["user_id"]})
    assert usage(hal, date="2020-01-01") == {
        "date": "2020-01-01", "operations": {}, "entries": [],
        "truncated": False}
    assert len(usage(limited.client(), limit=1)["entries"]) == 1


def test_names_of_what_is_not_there_fill_no_log(limited):
    lou = limited.new_user("lou")
    for n in range(60):
        assert lou.get(f"/api/v3/execute/status/none-{n}").status in (404, 429)
        problem(lou.post(f"/api/v3/execute/cancel/none-{n}"), 404)
    data = wait_for(lambda: usage(limited.client(), limit=1000)["entries"],
                    lambda rows: sum(e["count"] for e in rows if e["status"]
                                     in (404, 429) and e["operation"] in
                                     ("status", "cancel")) >= 120)
    assert not [e for e in data if "none-" in e["details"]]


@pytest.mark.parametrize("query", [
    "date=today", "date=2026-13-01", "date=2026-00-01", "date=2026-01-32",
    "date=2026-1-1", "date=2026-01-01x", "date=", "limit=0", "limit=1001",
    "limit=-1", "limit=x"])
def test_usage_queries(client, query):
    problem(client.get(f"/api/v3/usage?{query}"), 422,
            field=query.split("=")[0])
    if query.startswith("date"):
        problem(client.get(f"/api/v3/costs?{query}"), 422, field="date")


def test_usage_outlives_an_orderly_restart(own_stack):
    client = own_stack.client()
    for _ in range(5):
        assert client.get("/api/v3/runtimes").status == 200
    own_stack.restart("api")
    assert usage(client)["operations"]["runtimes"]["requests"] == 5


# ---- costs ----------------------------------------------------------------


def test_costs(own_stack):
    """Own costs for a user, everybody's for an admin.  Nothing here spends
    money, so the rows of paid calls are put into the store."""
    ida = own_stack.new_user("ida")
    admin = own_stack.client()
    empty = ida.get("/api/v3/costs").data
    assert (empty["total_cost"], empty["total_micros"]) == (0, 0)
    assert empty["limits"]["daily_cost_limit"] == 10
    assert empty["limits"]["execution_cost_limit"] == 2
    assert empty["limits"]["alert_threshold"] == 0.8
    assert empty["limits"]["resets_at"].endswith("T00:00:00.000000Z")
    assert "users" not in empty
    users = {}
    for client in (ida, admin):
        workflow_id = client.execute()
        # Written down when the answer is out.
        users[client], = wait_for(
            lambda c=client: {row["user_id"] for row in usage(c)["entries"]
                              if row["operation"] == "execute"} - {
                                  *users.values()}, bool)
        spend(own_stack, empty["date"], workflow_id, users[client],
              123456 if client is ida else 1)
    mine = ida.get(f"/api/v3/costs?date={empty['date']}").data
    assert (mine["total_cost"], mine["total_micros"]) == (0.123456, 123456)
    everything = admin.get("/api/v3/costs").data
    assert everything["total_micros"] == 123457
    assert {u["username"]: u["total_micros"]
            for u in everything["users"]} == {"admin": 1, "ida": 123456}
    assert ida.get("/api/v3/costs?date=2020-01-01").data["total_cost"] == 0


def spend(stack, date, workflow_id, user_id, micros):
    path = Path(stack.info["state_dir"]) / "promptcraft.db"
    with contextlib.closing(sqlite3.connect(path, timeout=30)) as db, db:
        db.execute("INSERT INTO spend (spend_id, workflow_id, user_id, date,"
                   " step, micros) VALUES (?, ?, ?, ?, 1, ?)",
                   (uuid.uuid4().hex, workflow_id, user_id, date, micros))


def test_prices_that_cannot_be_read_stop_the_start():
    with pytest.raises(AssertionError, match="PROMPTCRAFT_PRICES"):
        Stack.up(env={"PROMPTCRAFT_PRICES": "/nonexistent/prices.ini"})


# ---- metrics --------------------------------------------------------------

SCRAPER = "a-token-for-the-scraper-and-nothing-else"


@pytest.fixture(scope="module")
def metered():
    stack = Stack.up(env={"PROMPTCRAFT_METRICS_TOKEN": SCRAPER})
    yield stack
    stack.down()


def metrics(client):
    """{name{labels}: value}; checks the format on the way."""
    reply = client.get("/metrics")
    assert reply.status == 200, reply
    assert reply.headers["Content-Type"] == \
        "text/plain; version=0.0.4; charset=utf-8"
    values, types = {}, {}
    for line in reply.body.decode().splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name not in types
            types[name] = kind
        elif not line.startswith("# HELP "):
            name, labels, value = re.fullmatch(
                r"([a-z_]+)(\{.+\})? ([0-9.e+-]+)", line).groups()
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            assert name in types or types[base] == "histogram"
            key = name + (labels or "")
            assert key not in values
            values[key] = float(value)
    return values


def test_metrics_are_for_admins_and_the_scraper(metered):
    scraper = metered.anonymous()
    problem(scraper.get("/metrics"), 401)
    problem(metered.new_user("joe").get("/metrics"), 403)
    for token in (SCRAPER[:-1], SCRAPER + "x", "x" * len(SCRAPER), ""):
        scraper.token = token
        problem(scraper.get("/metrics"), 401)
    scraper.token = SCRAPER
    assert metrics(scraper)
    assert metrics(metered.client())
    # It opens nothing else.
    problem(scraper.get("/api/v3/workflows"), 401)
    assert SCRAPER not in metered.logs()


def test_metrics_count(metered):
    admin = metered.client()
    admin.job(**HELLO)
    workflow_id = admin.execute()
    problem(admin.get("/nowhere"), 404)
    admin.wait_workflow(workflow_id)
    route = 'method="POST",route="/api/v3/execute"'
    name = "promptcraft_http_request"
    ones = {'promptcraft_workflows{status="failed"}',
            'promptcraft_jobs_total{outcome="completed"}',
            f'{name}s_total{{{route},status="202"}}',
            f'{name}s_total{{method="",route="",status="404"}}'}
    # A request is counted when its answer has been sent.
    values = wait_for(lambda: metrics(admin),
                      lambda v: all(v.get(one) for one in ones), seconds=30)
    assert {values[one] for one in ones} == {1}
    assert values['promptcraft_jobs_total{outcome="failed"}'] == 0
    assert values[f"{name}_duration_seconds_count{{{route}}}"] == 1
    assert values[f'{name}_duration_seconds_bucket{{{route},le="+Inf"}}'] == 1
    assert 0 < values[f"{name}_duration_seconds_sum{{{route}}}"] < 60
    buckets = [v for k, v in values.items()
               if k.startswith(f"{name}_duration_seconds_bucket{{{route},")]
    assert buckets == sorted(buckets)
    assert values["promptcraft_store_ping_seconds_count"] >= 1
    assert values['promptcraft_up{part="supervisor"}'] == 1
    assert values["promptcraft_spend_today_dollars"] == 0
    assert values["promptcraft_daily_cost_limit_dollars"] == 10
    assert values['promptcraft_deliveries{status="dead"}'] == 0
    assert values['promptcraft_http_queue{pool="slow"}'] == 0
    assert values["promptcraft_usage_lost_total"] == 0
    # No names of people or of what they want.
    text = admin.get("/metrics").body.decode()
    assert workflow_id not in text and "admin" not in text


def test_metrics_can_be_switched_off():
    stack = Stack.up(env={"ENABLE_METRICS": "false"})
    try:
        problem(stack.client().get("/metrics"), 404, detail="ENABLE_METRICS")
    finally:
        stack.down()


# ---- kill -9 --------------------------------------------------------------


def test_a_job_cut_off_is_not_run_again(own_stack):
    client = own_stack.client()
    slow = {"language": "shell", "code": "sleep 600"}
    got = []

    def send():
        try:
            got.append(keyed(client, "/api/v3/jobs", slow, "k"))
        except OSError as error:
            got.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    wait_for(lambda: job_pids(own_stack), bool)
    assert keyed(client, "/api/v3/jobs", slow, "k").status == 409
    own_stack.kill("api")
    thread.join(60)
    assert isinstance(got[0], OSError), got
    own_stack.restart("api")
    first = keyed(client, "/api/v3/jobs", slow, "k")
    assert first.status == 200 and is_replay(first), first
    assert (first.data["outcome"], first.data["reason"]) == \
        ("error", "api restarted")
    again = keyed(client, "/api/v3/jobs", slow, "k")
    assert again.data == first.data and is_replay(again)


def test_kills_while_workflows_are_made(own_stack):
    """Whatever moment the process dies at: one workflow a key, and each key
    gets its answer by sending the request again."""
    client = own_stack.client()
    answers = {}

    def send(n):
        deadline = time.monotonic() + 120 * SLOWNESS
        while time.monotonic() < deadline:
            try:
                reply = keyed(client, "/api/v3/execute", GOAL, f"key-{n}")
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
                continue
            if reply.status == 202:
                answers.setdefault(n, set()).add(reply.data["workflow_id"])
                return reply
            assert reply.status in (409, 503), reply
            time.sleep(0.05)
        raise AssertionError(f"no answer to key-{n}")

    def send_all(numbers):
        for n in numbers:
            send(n)

    threads = [threading.Thread(target=send_all,
                                args=(range(i, 120, 4),)) for i in range(4)]
    for thread in threads:
        thread.start()
    for kills in range(1, 4):
        wait_for(lambda: len(answers), lambda n, k=kills: n >= 20 * k,
                 seconds=120, pause=0.005)
        own_stack.kill("api")
        own_stack.restart("api")
    for thread in threads:
        thread.join(150 * SLOWNESS)
    assert len(answers) == 120
    for n in range(120):
        send(n)  # and once more, each of them
    assert all(len(ids) == 1 for ids in answers.values()), answers
    rows = client.get("/api/v3/workflows?limit=200").data["workflows"]
    assert len(rows) == 120
    assert {row["workflow_id"] for row in rows} == \
        set.union(*answers.values())
