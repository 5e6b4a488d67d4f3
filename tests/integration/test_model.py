# SPDX-License-Identifier: Apache-2.0
"""Journeys whose code a model writes: a scripted server in its place, all else
is real.  What each kind of answer leads to, what it costs, what happens when
the API dies with a call in flight, and what never gets into a log."""

import threading
import time
from pathlib import Path

import pytest
from model_server import ModelServer, fenced, good
from promptcraft import Stack, make_directory, wait_for

KEY = "sk-canary-key-4711"
CANARY = "canary-of-the-prompt"
MODEL = "scripted-1"
CODE = "def add(a, b):\n    return a + b\n"
WRONG = "def add(a, b):\n    return a - b\n"
TESTS = """import unittest
from solution import add

class T(unittest.TestCase):
    def test_sum(self):
        self.assertEqual(add(1, 2), 3)
    def test_zero(self):
        self.assertEqual(add(0, 0), 0)
"""
NO_APPROVAL = {"execution_preferences": {"require_approval": False}}
# Dollars for a million tokens: an answer of 1000 and 200 tokens costs 0.0016.
PRICES = f"[{MODEL}]\ninput = 1.00\noutput = 3.00\n"


@pytest.fixture(scope="module")
def server():
    with ModelServer() as server:
        yield server


@pytest.fixture(scope="module")
def prices():
    directory = make_directory()
    path = f"{directory}/prices.ini"
    with open(path, "w") as file:
        file.write(PRICES)
    return path


def settings(server, prices, **more):
    return {"PROMPTCRAFT_MODEL_URL": server.url, "PROMPTCRAFT_MODEL": MODEL,
            "PROMPTCRAFT_MODEL_KEY": KEY, "PROMPTCRAFT_PRICES": prices,
            "PROMPTCRAFT_MODEL_TIMEOUT": "20", "DAILY_COST_LIMIT": "1000",
            "PROMPTCRAFT_RETRY_BASE_MS": "50", **more}


@pytest.fixture(scope="module")
def model_stack(server, prices):
    stack = Stack.up(env=settings(server, prices))
    yield stack
    stack.down()


def start(stack, name, **context):
    return stack.client().execute(f"Add two numbers [{name}] {CANARY}",
                                  {**NO_APPROVAL, **context})


def run(stack, name, **context):
    return stack.client().wait_workflow(start(stack, name, **context))




# ---- answers that lead to a release ------------------------------------------


def test_good_code_with_prose_around(server, model_stack):
    server.script("good", good(CODE, TESTS))
    data = run(model_stack, "good")
    assert data["status"] == "completed", data
    assert data["artifacts"]["generated_code"] == CODE
    assert data["artifacts"]["test_results"]["tests"]["passed"] == 2
    assert data["metrics"]["total_cost"] == pytest.approx(0.0016)
    (call,) = server.of("good")
    assert call.headers["Authorization"] == f"Bearer {KEY}"
    assert call.body["model"] == MODEL
    assert call.path == "/v1/chat/completions"
    step = data["execution_plan"][1]
    assert step["agent"] == "create_agent"


def test_the_goal_is_data_and_not_instructions(server, model_stack):
    server.script("data", good(CODE, TESTS))
    run(model_stack, "data", language="python")
    (call,) = server.of("data")
    assert CANARY not in call.system and "[data]" not in call.system
    begin = next(line for line in call.user.splitlines()
                 if line.startswith("BEGIN ") and line.endswith(" goal"))
    marker = begin.split()[1]
    assert len(marker) == 32 and marker in call.system
    assert call.user.count(f"END {marker}\n") == call.user.count(
        f"BEGIN {marker} ")


def test_code_that_is_right_after_feedback(server, model_stack):
    server.script("mend", good(WRONG, TESTS), good(CODE, TESTS))
    data = run(model_stack, "mend")
    assert data["status"] == "completed", data
    assert data["artifacts"]["generated_code"] == CODE
    rates = [one["tests"]["passed"] for one in data["iterations"]]
    assert rates == [1, 2], data["iterations"]
    assert data["metrics"]["total_cost"] == pytest.approx(0.0032)
    first, second = server.of("mend")
    assert first.id != second.id
    # Exactly what failed, and the program that it is about.
    assert "test_sum" in second.user.split("failing-tests")[1]
    failing = second.user.split("failing-tests")[1].split("END ")[0]
    assert "test_zero" not in failing
    assert "return a - b" in second.user
    assert "failing-tests" not in first.user


def test_tests_of_the_client_stay(server, model_stack):
    lenient = TESTS.replace("3)", "-1)")
    server.script("own-tests", good(WRONG, lenient), good(CODE, lenient))
    data = run(model_stack, "own-tests", language="python", tests=TESTS)
    assert data["status"] == "completed", data
    assert data["artifacts"]["generated_code"] == CODE
    first = server.of("own-tests")[0]
    assert "test_zero" in first.user


def test_two_more_files(server, model_stack):
    server.script("files", fenced("table.py", "SUM = {(1, 2): 3, (0, 0): 0}")
                  + fenced("solution.py", "from table import SUM\n\n"
                           "def add(a, b):\n    return SUM[(a, b)]\n")
                  + fenced("test_solution.py", TESTS))
    data = run(model_stack, "files")
    assert data["status"] == "completed", data


def test_a_header_is_mended_with_its_program(server, model_stack):
    tests = ('#include "solution.h"\n#include <stdio.h>\n'
             'int main(void)\n{\n\tint is_well = TWO + two() == 4;\n'
             '\tprintf("1..1\\n%sok 1 - sum\\n", is_well ? "" : "not ");\n'
             '\treturn !is_well;\n}\n')
    code = '#include "solution.h"\nint two(void) { return TWO; }\n'

    def answer(number):
        return (fenced("solution.h", f"#define TWO {number}\nint two(void);",
                       "c") + fenced("solution.c", code, "c")
                + fenced("test_solution.c", tests, "c"))

    server.script("header", answer(3), answer(2))
    data = run(model_stack, "header", language="c")
    assert data["status"] == "completed", data
    second = server.of("header")[1]
    assert "#define TWO 3" in second.user


def test_too_many_requests_then_good(server, model_stack):
    server.script("busy", {"status": 429, "headers": {"Retry-After": "2"}},
                  good(CODE, TESTS))
    before = time.monotonic()
    data = run(model_stack, "busy")
    assert data["status"] == "completed", data
    assert time.monotonic() - before >= 2
    assert len(server.of("busy")) == 2
    assert data["metrics"]["total_cost"] == pytest.approx(0.0016)


def test_server_error_then_good(server, model_stack):
    server.script("error", {"status": 500}, good(CODE, TESTS))
    data = run(model_stack, "error")
    assert data["status"] == "completed", data
    assert len(server.of("error")) == 2


def test_a_language_that_nobody_runs_costs_nothing(server, model_stack):
    server.script("cobol", good(CODE, TESTS))
    goal, client = "Add two numbers [cobol]", model_stack.client()
    for language in ("cobol", "analyze-python", "x" * 31):
        reply = client.post("/api/v3/execute", {
            "goal": goal, "context": {"language": language}})
        assert reply.status == 422, reply.body
        assert reply.json()["field"] == "context.language"
        assert language in reply.json()["detail"]
        for known in ("python", "javascript", "c", "shell"):
            assert known in reply.json()["detail"]
    assert server.of("cobol") == []
    # One by another of its names is written in.
    data = run(model_stack, "cobol", language="Py")
    assert data["status"] == "completed", data


# ---- answers that lead to none ------------------------------------------------


@pytest.mark.parametrize("name,answer,reason", [
    ("prose", "Use the plus operator.", "no code block"),
    ("cut", {"text": good(CODE), "finish": "length"},
     "PROMPTCRAFT_MODEL_MAX_TOKENS"),
    ("open", "```python\ndef add(", "cut off inside a code block"),
    ("declined", "I'm sorry, but I can't help with that.", "declined"),
    ("refusal", {"text": None, "refusal": "No."}, "declined"),
    ("filter", {"text": "", "finish": "content_filter"}, "content filter"),
    ("wrong-language", fenced("x.rs", "fn main() {}", "rust"), "rust"),
    ("key", {"status": 401}, "PROMPTCRAFT_MODEL_KEY: the key"),
    ("gone", {"status": 404}, "no such model"),
    ("quota", {"status": 429, "code": "insufficient_quota"}, "quota"),
    ("odd", {"body": "{\"choices\": [{}]}"}, "no chat completion"),
])
def test_no_program(server, model_stack, name, answer, reason):
    server.script(name, answer)
    data = run(model_stack, name, language="python")
    assert data["status"] == "failed", data
    assert reason in data["error"], data["error"]
    assert len(server.of(name)) == 1
    assert CANARY not in data["error"] and KEY not in data["error"]


def test_it_gives_up_on_a_server_that_fails(server, model_stack):
    server.script("down", {"status": 503})
    data = run(model_stack, "down")
    assert data["status"] == "failed"
    assert "PROMPTCRAFT_MODEL_URL: 127.0.0.1: answered 503" in data["error"]
    assert len(server.of("down")) == 4  # MAX_EXECUTION_RETRIES is 3


def test_hostile_code_stays_in_the_jail(server, model_stack):
    hostile = ("import os, socket\n"
               "def add(a, b):\n"
               "    open('/etc/passwd', 'a').write('x')\n"
               "    return a + b\n")
    server.script("hostile", good(hostile, TESTS))
    before = Path("/etc/passwd").read_bytes()
    data = run(model_stack, "hostile")
    assert data["status"] == "failed", data
    assert Path("/etc/passwd").read_bytes() == before
    # The model has its failures back, and the same program ends the loop.
    _, second = server.of("hostile")
    assert "Error" in second.user.split("failing-tests")[1]


def test_an_endless_loop(server, model_stack):
    server.script("loop", good("def add(a, b):\n    while True: pass\n",
                               TESTS))
    data = run(model_stack, "loop", limits={"timeout_seconds": 2})
    assert data["status"] == "failed", data
    assert len(server.of("loop")) <= 4


# ---- money ----------------------------------------------------------------------


def test_a_call_that_may_cost_too_much_is_not_made(server, prices):
    server.script("dear", good(CODE, TESTS))
    stack = Stack.up(env=settings(server, prices,
                                  EXECUTION_COST_LIMIT="0.001"))
    try:
        data = run(stack, "dear")
        assert data["status"] == "failed"
        assert "EXECUTION_COST_LIMIT" in data["error"], data["error"]
        assert server.of("dear") == []
        assert data["metrics"]["total_cost"] == 0
    finally:
        stack.down()


def test_a_model_without_a_price_is_not_asked(server):
    server.script("unpriced", good(CODE, TESTS))
    stack = Stack.up(env={"PROMPTCRAFT_MODEL_URL": server.url,
                          "PROMPTCRAFT_MODEL": MODEL})
    try:
        data = run(stack, "unpriced")
        assert data["status"] == "failed"
        assert "PROMPTCRAFT_PRICES" in data["error"], data["error"]
        assert server.of("unpriced") == []
    finally:
        stack.down()


# ---- a server that hangs, an API that dies ---------------------------------------


def test_a_server_that_hangs(server, prices):
    hold = threading.Event()
    server.script("hang", {"text": good(CODE, TESTS), "hold": hold})
    stack = Stack.up(env=settings(server, prices, MAX_EXECUTION_RETRIES="0",
                                  PROMPTCRAFT_MODEL_TIMEOUT="5"))
    try:
        data = run(stack, "hang")
        assert data["status"] == "failed"
        assert "PROMPTCRAFT_MODEL_URL: 127.0.0.1" in data["error"]
        # Nobody knows what it took: all that was set aside counts, which is
        # more than 4096 tokens of an answer.
        total = stack.client().get("/api/v3/costs").data["total_cost"]
        assert 4096 * 3e-6 < total < 0.05
    finally:
        hold.set()
        stack.down()


def test_cancelling_ends_a_call(server, model_stack):
    hold = threading.Event()
    server.script("cancel", {"text": good(CODE, TESTS), "hold": hold})
    try:
        workflow = start(model_stack, "cancel")
        wait_for(lambda: server.of("cancel"), lambda calls: calls)
        client = model_stack.client()
        assert client.post(f"/api/v3/execute/cancel/{workflow}",
                           {}).status == 200
        assert client.workflow(workflow)["status"] == "cancelled"
    finally:
        hold.set()


def test_kill_with_a_call_in_flight(server, prices):
    hold = threading.Event()
    server.script("kill", {"text": good(WRONG, TESTS)},
                  {"text": good(CODE, TESTS), "hold": hold},
                  {"text": good(CODE, TESTS)})
    stack = Stack.up(env=settings(server, prices))
    try:
        workflow = start(stack, "kill")
        wait_for(lambda: len(server.of("kill")), lambda n: n == 2, 60)
        stack.kill("api")
        hold.set()
        stack.restart("api")
        data = stack.client().wait_workflow(workflow)
        assert data["status"] == "completed", data
        first, cut_off, again = server.of("kill")
        # What came to its end is not asked again; what was cut off is, as
        # the same call.
        assert cut_off.id == again.id != first.id
        assert cut_off.body == again.body
        assert data["metrics"]["total_cost"] == pytest.approx(0.0032)
    finally:
        hold.set()
        stack.down()


# ---- settings ----------------------------------------------------------------------


def test_azure(server, prices):
    server.script("azure", good(CODE, TESTS))
    base = server.url.removesuffix("/v1")
    stack = Stack.up(env={
        "AZURE_OPENAI_ENDPOINT": base + "/", "AZURE_OPENAI_API_KEY": KEY,
        "AZURE_OPENAI_DEPLOYMENT": MODEL, "PROMPTCRAFT_PRICES": prices})
    try:
        data = run(stack, "azure")
        assert data["status"] == "completed", data
        (call,) = server.of("azure")
        assert call.path == (f"/openai/deployments/{MODEL}/chat/completions"
                             "?api-version=2024-02-01")
        assert call.headers["api-key"] == KEY
        assert "Authorization" not in call.headers
        assert "model" not in call.body
    finally:
        stack.down()


@pytest.mark.parametrize("env,text", [
    ({"AZURE_OPENAI_ENDPOINT": "https://x.example"}, "AZURE_OPENAI_API_KEY"),
    ({"AZURE_OPENAI_API_KEY": KEY}, "AZURE_OPENAI_ENDPOINT"),
    ({"PROMPTCRAFT_MODEL_URL": "http://127.0.0.1:1/v1"}, "PROMPTCRAFT_MODEL"),
    ({"PROMPTCRAFT_MODEL_URL": "http://model.example/v1",
      "PROMPTCRAFT_MODEL": "m", "PROMPTCRAFT_MODEL_KEY": KEY}, "https only"),
    ({"PROMPTCRAFT_MODEL_URL": "http://127.0.0.1:1/v1",
      "PROMPTCRAFT_MODEL": "m", "PROMPTCRAFT_AGENTS_DIR": "/nonexistent"},
     "PROMPTCRAFT_AGENTS_DIR"),
])
def test_settings_that_stop_the_start(env, text):
    with pytest.raises(AssertionError) as error:
        Stack.up(env=env)
    assert text in str(error.value)
    assert KEY not in str(error.value)


# ---- last: all that this stack has logged ------------------------------------------


def test_neither_key_nor_prompt_is_logged(server, model_stack):
    assert len(server.calls) > 10
    logs = model_stack.logs()
    assert "event=model_call" in logs
    for secret in (KEY, CANARY, "return a + b", "plus operator"):
        assert secret not in logs
