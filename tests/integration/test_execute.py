# SPDX-License-Identifier: Apache-2.0
"""Workflows over HTTP: journeys of code that comes in the request, approvals,
cancelling, and who may see what."""

import hashlib
import time
import uuid

import pytest
from promptcraft import SLOWNESS, problem, wait_for
from test_crash import job_processes, survivors

GOAL = "Compute squares, with tests"
CODE = "def square(n):\n    return n * n\n"
TESTS = """
import unittest
from solution import square

class T(unittest.TestCase):
    def test_two(self):
        self.assertEqual(square(2), 4)
    def test_three(self):
        self.assertEqual(square(3), 9)
"""
NO_APPROVAL = {"execution_preferences": {"require_approval": False}}
SLEEP = {"language": "python", "code": "import time\ntime.sleep(60)",
         **NO_APPROVAL}


def indented(text, margin=" " * 16):
    return "\n" + "".join(margin + line + "\n" if line else "\n"
                          for line in text.splitlines()) + margin


def run(client, **context):
    workflow = client.execute(GOAL, {**NO_APPROVAL, **context})
    return client.wait_workflow(workflow)


# ---- journeys ---------------------------------------------------------------


def test_the_answer_to_an_execute(client):
    reply = client.post("/api/v3/execute", {
        "goal": GOAL, "context": {"code": CODE, "tests": TESTS,
                                  **NO_APPROVAL}})
    assert reply.status == 202
    body = reply.json()
    assert body["status"] == "accepted"
    workflow = body["data"]["workflow_id"]
    assert str(uuid.UUID(workflow)) == workflow
    assert body["data"]["estimated_duration_minutes"] > 0
    for number, step in enumerate(body["data"]["execution_plan"], 1):
        assert step["step"] == step["step_id"] == number
        assert step["status"] == "pending"
        assert step["description"] and step["agent"]
        assert step["estimated_duration"]
    assert body["endpoints"] == {
        "status": f"/api/v3/execute/status/{workflow}",
        "cancel": f"/api/v3/execute/cancel/{workflow}",
        "approve": f"/api/v3/execute/approve/{workflow}"}
    client.wait_workflow(workflow)


def test_passing_tests(client):
    data = run(client, language="python", code=CODE, tests=TESTS)
    assert data["status"] == "completed", data
    assert data["progress_percentage"] == 100
    assert data["current_step"] == data["total_steps"] == 5
    assert data["pending_approvals"] == []
    artifacts = data["artifacts"]
    assert artifacts["generated_code"] == CODE
    results = artifacts["test_results"]
    assert results["success_rate"] == 1.0
    assert results["tests"]["passed"] == 2
    evidence = artifacts["evidence"]
    assert evidence["code_sha256"] == hashlib.sha256(
        CODE.encode()).hexdigest()
    assert evidence["policy"] == results["policy"]
    assert evidence["job_ids"] == [results["job_id"]]
    metrics = data["metrics"]
    assert metrics["steps_completed"] == 4  # nobody had to approve it
    assert metrics["test_success_rate"] == 1.0
    assert metrics["total_cost"] == 0.0
    assert metrics["total_duration_minutes"] > 0
    assert "2 of 2 tests passed" in data["execution_summary"]
    job = client.get(f"/api/v3/jobs/{results['job_id']}").data
    assert job["outcome"] == "passed"
    assert job["workflow_id"] == data["workflow_id"]


def test_metadata(client):
    workflow = client.execute(GOAL, {"code": CODE, "tests": TESTS,
                                     **NO_APPROVAL})
    client.wait_workflow(workflow)
    metadata = client.get(f"/api/v3/execute/status/{workflow}").json()[
        "metadata"]
    assert "code_interpreter" in metadata["tools_used"]
    assert metadata["agents_used"]
    assert metadata["approvals_required"] == 0
    assert metadata["total_cost"] == 0.0


def test_failing_tests(client):
    data = run(client, code="def square(n):\n    return n + n\n", tests=TESTS)
    assert data["status"] == "failed"
    assert data["error"] == "1 of 2 tests failed"
    assert data["artifacts"]["generated_code"]
    assert data["artifacts"]["test_results"]["success_rate"] == 0.5
    assert "evidence" not in data["artifacts"]
    assert data["metrics"]["test_success_rate"] == 0.5
    statuses = [s["status"] for s in data["execution_plan"]]
    assert statuses == ["completed", "failed"] + ["skipped"] * 3


@pytest.mark.parametrize("language,code,tests", [
    ("javascript", "exports.f = () => 42\n",
     "const test = require('node:test')\n"
     "const assert = require('node:assert')\n"
     "test('f', () => assert.equal(require('./solution').f(), 42))\n"),
    ("c", "int f(void) { return 42; }\n",
     "int f(void);\nint main(void) { return f() != 42; }\n"),
    ("shell", "f() { echo 42; }\n",
     '. ./solution.sh\n[ "$(f)" = 42 ]\n'),
])
def test_other_languages(client, language, code, tests):
    data = run(client, language=language, code=code, tests=tests)
    assert data["status"] == "completed", data
    assert data["artifacts"]["test_results"]["tests"]["passed"] >= 1


def test_no_code(client):
    data = run(client)
    assert data["status"] == "failed"
    assert "context.code" in data["error"]
    assert "AZURE_OPENAI_ENDPOINT" in data["error"]
    assert data["execution_plan"][0]["status"] == "failed"


@pytest.mark.parametrize("context,sources", [
    ({"code": CODE, "test_code": TESTS},
     {"code": "context.code", "tests": "context.test_code"}),
    ({"project_context": {"file_content": CODE}, "tests": TESTS},
     {"code": "context.project_context.file_content",
      "tests": "context.tests"}),
    ({"code": indented(CODE), "tests": indented(TESTS)},
     {"code": "context.code", "is_dedented": True}),
    ({"code": indented(CODE, "\t"), "tests": TESTS}, {"is_dedented": True}),
], ids=["test_code", "file_content", "indented", "tabs"])
def test_where_code_comes_from(client, context, sources):
    data = run(client, **context)
    assert data["status"] == "completed", data
    assert data["sources"] | sources == data["sources"]
    assert data["artifacts"]["test_results"]["tests"]["passed"] == 2


@pytest.mark.parametrize("context,source,stdout", [
    ({"code": "console.log(6 * 7)",
      "project_context": {"current_file": "src/a.js"}}, "file name", "42\n"),
    ({"code": "#!/bin/sh\necho 42\n"}, "first line", "42\n"),
    ({"code": '#include <stdio.h>\nint main(void){puts("42");}'},
     "#include", "42\n"),
    ({"code": "print(42)"}, "default", "42\n"),
])
def test_language_detection(client, context, source, stdout):
    data = run(client, **context)
    assert data["status"] == "completed", data
    assert data["artifacts"]["test_results"]["stdout"] == stdout
    assert data["sources"]["language"] == source


def test_the_editors_file_name_can_be_imported(client):
    data = run(client, code=CODE,
               tests=TESTS.replace("from solution", "from squares"),
               project_context={"current_file": "squares.py"})
    assert data["status"] == "completed", data


def test_a_program_without_tests(client):
    data = run(client, code="import sys\nprint('out')\nsys.exit(3)",
               language="python")
    assert data["status"] == "completed", data
    results = data["artifacts"]["test_results"]
    assert (results["exit_code"], results["stdout"]) == (3, "out\n")
    assert "success_rate" not in results


def test_the_specifications_sandbox_check(client):
    """As the acceptance suite sends it: indented, no word on approval."""
    workflow = client.execute(
        "Test sandbox security with system access attempt",
        {"test_code": indented("""
import os
import subprocess

# Try to access system files
try:
    files = os.listdir('/etc')
    print(f"System files accessible: {files}")
except:
    print("System file access blocked")

# Try network access
try:
    import requests
    response = requests.get('http://example.com', timeout=5)
    print(f"Network access successful: {response.status_code}")
except:
    print("Network access blocked")
""")})
    data = client.wait_workflow(workflow, seconds=60)
    assert data["status"] == "completed", data
    said = str(data["artifacts"]["test_results"]).lower()
    assert "system file access blocked" in said
    assert "network access blocked" in said
    assert "system files accessible" not in said


def test_without_artifacts(client):
    workflow = client.execute(GOAL, {"code": CODE, "tests": TESTS,
                                     **NO_APPROVAL},
                              {"include_artifacts": False})
    data = client.wait_workflow(workflow)
    assert data["status"] == "completed"
    assert data["artifacts"] == {}


def test_a_run_that_is_too_long(client):
    data = run(client, language="python", code="while True: pass",
               limits={"timeout_seconds": 1})
    assert data["status"] == "failed"
    assert data["error"] == "the run timed out after 1 seconds"
    assert data["artifacts"]["test_results"]["outcome"] == "timeout"


def test_keys_that_nobody_knows(client):
    data = run(client, code=CODE, tests=TESTS, max_agents=3,
               execution_preferences={"require_approval": False,
                                      "enable_premium_search": True})
    assert data["status"] == "completed"


@pytest.mark.parametrize("goal", ["x" * 10, "ü" * 1000])
def test_goals_at_their_bounds(client, goal):
    client.wait_workflow(client.execute(goal, {"code": "1", **NO_APPROVAL}))


def test_several_at_once(client):
    ids = [client.execute(GOAL, {
        "language": "python", "code": f"print({i})", **NO_APPROVAL})
        for i in range(12)]
    for i, workflow in enumerate(ids):
        data = client.wait_workflow(workflow)
        assert data["artifacts"]["test_results"]["stdout"] == f"{i}\n", data


# ---- cancel ------------------------------------------------------------------


def cancel_one(stack, client):
    """A workflow that was cancelled as its job ran, and the seconds it took
    until nothing of that ran any more."""
    workflow = client.execute(GOAL, SLEEP)
    processes = wait_for(lambda: job_processes(stack), lambda p: len(p) >= 2)
    started = time.monotonic()
    reply = client.post(f"/api/v3/execute/cancel/{workflow}")
    assert reply.status == 200
    assert reply.json()["message"] == "Workflow cancelled successfully"
    wait_for(lambda: survivors(processes), lambda left: not left, pause=0.01)
    took = time.monotonic() - started
    wait_for(lambda: job_processes(stack), lambda p: not p)
    return workflow, took


def test_cancel_kills_the_job(own_stack):
    client = own_stack.client()
    for _ in range(3):  # the machine may be late; not each time
        workflow, took = cancel_one(own_stack, client)
        if took < SLOWNESS:
            break
    assert took < SLOWNESS, "cancelled within a second"
    data = client.workflow(workflow)
    assert data["status"] == "cancelled"
    assert [s["status"] for s in data["execution_plan"]] == [
        "completed", "failed", "skipped", "skipped", "skipped"]
    problem(client.post(f"/api/v3/execute/cancel/{workflow}"), 400,
            detail="Cannot cancel completed or failed workflow")


def test_cancel_of_what_is_over(client):
    workflow = client.execute(GOAL, {"code": "1", **NO_APPROVAL})
    client.wait_workflow(workflow)
    problem(client.post(f"/api/v3/execute/cancel/{workflow}"), 400,
            detail="Cannot cancel completed or failed workflow")


def test_cancel_of_what_waits(client):
    workflow = client.execute(GOAL, {"code": CODE, "tests": TESTS})
    data = client.wait_workflow(workflow, "waiting_approval")
    approval = data["pending_approvals"][0]["approval_id"]
    assert client.post(f"/api/v3/execute/cancel/{workflow}").status == 200
    assert client.workflow(workflow)["pending_approvals"] == []
    problem(decide(client, workflow, approval, "approved"), 409)
    assert client.workflow(workflow)["status"] == "cancelled"


# ---- approvals ----------------------------------------------------------------


def decide(client, workflow, approval, decision, comment=None):
    return client.post(f"/api/v3/execute/approve/{workflow}", {
        "workflow_id": workflow, "approval_id": approval,
        "decision": decision, "comment": comment})


def waiting(client):
    workflow = client.execute(GOAL, {"code": CODE, "tests": TESTS})
    data = client.wait_workflow(workflow, "waiting_approval")
    assert data["status"] == "waiting_approval", data
    [approval] = data["pending_approvals"]
    assert approval["approval_type"] == "code_deployment"
    assert approval["status"] == "pending"
    assert len(bytes.fromhex(approval["digest"])) == 32
    return workflow, approval["approval_id"]


def test_approved(client):
    workflow, approval = waiting(client)
    reply = decide(client, workflow, approval, "approved", "looks right")
    assert reply.status == 200
    assert reply.json()["message"] == "Approval approved"
    assert reply.json()["workflow_status"] in ("running", "completed")
    data = client.wait_workflow(workflow)
    assert data["status"] == "completed"
    assert data["artifacts"]["evidence"]["approvals"][0]["comment"] == (
        "looks right")
    assert decide(client, workflow, approval, "approved").status == 200
    problem(decide(client, workflow, approval, "rejected"), 409)


def test_rejected(client):
    workflow, approval = waiting(client)
    reply = decide(client, workflow, approval, "rejected")
    assert reply.json()["message"] == "Approval rejected"
    data = client.wait_workflow(workflow)
    assert (data["status"], data["error"]) == ("failed", "Approval rejected")
    assert "evidence" not in data["artifacts"]
    problem(decide(client, workflow, approval, "approved"), 409)


def test_unknown_approval(client):
    workflow, _ = waiting(client)
    problem(decide(client, workflow, str(uuid.uuid4()), "approved"), 404)
    assert client.post(f"/api/v3/execute/cancel/{workflow}").status == 200


def test_an_approval_of_another_workflow(client):
    workflow, approval = waiting(client)
    reply = client.post(f"/api/v3/execute/approve/{workflow}", {
        "workflow_id": str(uuid.uuid4()), "approval_id": approval,
        "decision": "approved"})
    problem(reply, 422, field="workflow_id")
    assert client.post(f"/api/v3/execute/cancel/{workflow}").status == 200


def test_no_human_in_the_loop(client):
    workflow = client.execute(GOAL, {"code": CODE, "tests": TESTS},
                              {"enable_human_loop": False})
    data = client.wait_workflow(workflow, "waiting_approval")
    assert data["status"] == "completed"


def test_an_approver_who_is_not_the_owner(stack):
    owner = stack.new_user("owner-" + uuid.uuid4().hex[:8])
    boss = stack.new_user("boss-" + uuid.uuid4().hex[:8], role="approver")
    workflow, approval = waiting(owner)
    other = stack.new_user("other-" + uuid.uuid4().hex[:8])
    problem(decide(other, workflow, approval, "approved"), 403)
    shown = boss.workflow(workflow)  # nobody approves what he cannot read
    assert shown["artifacts"]["generated_code"] == CODE
    problem(boss.post(f"/api/v3/execute/cancel/{workflow}"), 403)
    assert decide(boss, workflow, approval, "approved").status == 200
    assert owner.wait_workflow(workflow)["status"] == "completed"


def test_an_approval_survives_a_restart(own_stack):
    client = own_stack.client()
    workflow, approval = waiting(client)
    own_stack.kill("api")
    own_stack.restart("api")
    assert client.workflow(workflow)["status"] == "waiting_approval"
    assert decide(client, workflow, approval, "approved").status == 200
    assert client.wait_workflow(workflow)["status"] == "completed"


# ---- lists, and no supervisor ---------------------------------------------------


def test_list(client, stack):
    mine = stack.new_user("list-" + uuid.uuid4().hex[:8])
    ids = [mine.execute(GOAL, {"code": "1", **NO_APPROVAL}) for _ in range(3)]
    rows = mine.get("/api/v3/workflows").data["workflows"]
    assert [r["workflow_id"] for r in rows] == ids[::-1]
    assert rows[0]["goal"] == GOAL and rows[0]["status"]
    assert len(mine.get("/api/v3/workflows?limit=2").data["workflows"]) == 2
    everybody = client.get("/api/v3/workflows?limit=200").data["workflows"]
    assert set(ids) <= {r["workflow_id"] for r in everybody}


def test_a_workflow_waits_for_the_supervisor(own_stack):
    client = own_stack.client()
    own_stack.kill("supervisor")
    workflow = client.execute(GOAL, {"code": CODE, "tests": TESTS,
                                     **NO_APPROVAL})
    client.wait_workflow(workflow, until="running")
    time.sleep(1)
    assert client.workflow(workflow)["status"] == "running"
    own_stack.restart("supervisor")
    data = client.wait_workflow(workflow, seconds=60)
    assert data["status"] == "completed", data
