# SPDX-License-Identifier: Apache-2.0
"""Approvals that mean something: the rows of group G ("Workflow and approval")
of the list of regressions, each by its number; releases are in
test_releases.py."""

import concurrent.futures
import json
import shutil
import time
import uuid

import pytest
from approvals import (CODE, GOAL, SLOW_TESTS, People, approvals, approved,
                       check_not_released, check_release, database, decide,
                       document,
                       edit, edit_policy, listed, own_build, records_of,
                       restart_api, set_user, sha256, submit, wait_status,
                       waiting)
from promptcraft import (SLOWNESS, Client, Stack, make_directory, problem,
                         wait_for)

HOUR_US = 3600 * 1000000


@pytest.fixture(scope="module")
def people():
    people = People.up()
    yield people
    people.stack.down()


@pytest.fixture
def own_people():
    people = People.up()
    yield people
    people.stack.down()


def end(client, workflow):
    return client.wait_workflow(workflow)


def get(client, approval):
    return client.get(f"/api/v3/approvals/{approval['approval_id']}").data


# ---- the request --------------------------------------------------------------


def test_the_request_is_as_specified(people):
    workflow, approval = waiting(people.owner)
    shown = get(people.ann, approval)
    assert shown["workflow_id"] == workflow
    assert shown["step_description"]
    assert shown["approval_type"] == "code_deployment"
    assert shown["risk_level"] == shown["context"]["risk_level"] == "medium"
    assert shown["context"]["generated_code"] == CODE
    assert shown["context"]["test_results"]["tests"]["passed"] == 1
    assert "1 tests passed" in shown["context"]["impact_assessment"]
    assert shown["options"] == {"timeout_minutes": 60,
                                "required_approvers": 1}
    assert shown["may_decide"] is True
    uuid.UUID(shown["approval_id"])
    decide(people.ann, workflow, approval, "rejected")


def test_what_is_shown_is_what_the_digest_covers(people):
    workflow, approval = waiting(people.owner, files=[
        {"path": "data/x.txt", "content": "1"}])
    shown = get(people.ann, approval)
    assert sha256(shown["document"].encode()) == shown["digest"]
    assert shown["digest"] == approval["digest"]
    assert shown["is_unchanged"] is True
    covered = json.loads(shown["document"])
    data = people.owner.workflow(workflow)
    assert covered["code"] == CODE
    assert covered["goal"] == data["goal"]
    assert "class T" in covered["program"]["tests"]
    assert covered["program"]["files"][0]["path"] == "data/x.txt"
    assert covered["results"]["tests"]["passed"] == 1
    assert covered["policy"] == data["artifacts"]["test_results"]["policy"]
    assert covered["workflow_id"] == workflow
    decide(people.ann, workflow, approval, "rejected")


@pytest.mark.parametrize("goal,level,kind,risk", [
    ("Compute squares, with tests", "strict", "code_deployment", "low"),
    ("Compute squares, with tests", "permissive", "code_deployment", "high"),
    ("Deploy squares to production", "strict", "code_deployment", "high"),
    ("Reproduction of the squares", "strict", "code_deployment", "low"),
    ("Read the customer records", "strict", "data_access", "low"),
    ("Call a third-party service", "strict", "external_api", "low"),
])
def test_type_and_risk_come_from_what_is_known(people, goal, level, kind,
                                               risk):
    workflow, approval = waiting(people.owner, goal=goal, execution_preferences={
        "security_level": level})
    assert (approval["approval_type"], approval["risk_level"]) == (kind, risk)
    reasons = approval["context"]["reasons"]
    assert risk in {r["risk"] for r in reasons}
    assert f"policy {level}" in str(reasons)
    decide(people.ann, workflow, approval, "rejected")


def test_what_a_client_may_wish(people):
    workflow, approval = waiting(people.owner, options={"approval": {
        "required_approvers": 2, "timeout_minutes": 5,
        "notification_channels": ["email"]}})
    assert approval["options"] == {
        "required_approvers": 2, "timeout_minutes": 5,
        "notification_channels": ["email"]}
    decide(people.ann, workflow, approval, "rejected")


@pytest.mark.parametrize("approval,field", [
    ({"required_approvers": 0}, "required_approvers"),
    ({"required_approvers": 11}, "required_approvers"),
    ({"timeout_minutes": 0}, "timeout_minutes"),
    ({"notification_channels": ["pigeon"]}, "notification_channels[0]"),
    ({"auto_approve_threshold": 101}, "auto_approve_threshold"),
    ({"auto_approve_threshold": 50}, "auto_approve_threshold"),
    ({"approvers": ["me"]}, "approvers"),
])
def test_wishes_that_are_refused(people, approval, field):
    problem(people.owner.post("/api/v3/execute", {
        "goal": "Compute squares", "context": {"code": CODE},
        "options": {"approval": approval}}), 422,
        field=f"options.approval.{field}")


def test_operators_settings_win():
    people = People.up(REQUIRE_APPROVAL_FOR_DEPLOYMENT="enforce",
                       APPROVAL_REQUIRED_MEDIUM="2",
                       HITL_APPROVAL_TIMEOUT_MINUTES="7")
    try:
        workflow, approval = waiting(
            people.owner, execution_preferences={"require_approval": False},
            options={"enable_human_loop": False,
                     "approval": {"required_approvers": 1,
                                  "timeout_minutes": 999}})
        assert approval["options"] == {"required_approvers": 2,
                                       "timeout_minutes": 7}
        approved(people.ann, workflow, approval)
        assert people.owner.workflow(workflow)["status"] == "waiting_approval"
        approved(people.bob, workflow, approval)
        assert end(people.owner, workflow)["status"] == "completed"
    finally:
        people.stack.down()


@pytest.mark.parametrize("value,asks", [("true", True), ("false", False)])
def test_without_a_word_of_the_client(value, asks):
    stack = Stack.up(env={"REQUIRE_APPROVAL_FOR_DEPLOYMENT": value})
    try:
        client = stack.client()
        reply = client.post("/api/v3/execute", {
            "goal": "Compute squares", "context": {"code": CODE}})
        types = [s["type"] for s in reply.data["execution_plan"]]
        # In any case planned: the analysis may find what people must see.
        assert types == ["generate", "test", "security", "approval",
                         "finalize"]
        data = client.wait_workflow(reply.data["workflow_id"],
                                    "waiting_approval")
        assert data["status"] == ("waiting_approval" if asks else "completed")
    finally:
        stack.down()


# ---- G01: what was approved is what is released -------------------------------


def set_artifact(name, value):
    def change(doc):
        doc["artifacts"][name] = value
    return change


def set_tests(doc):
    doc["program"]["tests"] = "pass"


def set_result(doc):
    doc["artifacts"]["test_results"]["tests"]["failed"] = 0
    doc["artifacts"]["test_results"]["stdout"] = "all is well"


def set_report(doc):
    doc["artifacts"]["security_report"]["overall_score"] = 1


def set_goal(doc):
    doc["goal"] = "Something harmless instead"


CHANGES = {"code": set_artifact("generated_code", "import os\n"),
           "analysis": set_report,
           "tests": set_tests, "results": set_result, "goal": set_goal}


@pytest.mark.parametrize("name", CHANGES)
def test_g01_content_changed_while_it_waited(people, name):
    workflow, approval = waiting(people.owner)
    edit(people.stack, workflow, CHANGES[name])
    assert get(people.ann, approval)["is_unchanged"] is False
    problem(decide(people.ann, workflow, approval), 409,
            detail="Approval void")
    data = end(people.owner, workflow)
    assert data["status"] == "failed"
    assert "Approval void" in data["error"]
    check_not_released(people.stack, workflow)


@pytest.mark.parametrize("name", CHANGES)
def test_g01_content_changed_between_approval_and_release(own_people, name):
    """The supervisor is gone, so the release waits with its approval."""
    people, stack = own_people, own_people.stack
    workflow, approval = waiting(people.owner)
    stack.kill("supervisor")
    approved(people.ann, workflow, approval)
    wait_for(lambda: document(stack, workflow)["execution_plan"][-1],
             lambda step: "waiting_for" in step, 30)
    stack.kill("api")
    edit(stack, workflow, CHANGES[name])
    stack.restart("supervisor")
    stack.restart("api")
    data = end(people.owner, workflow)
    assert data["status"] == "failed", data
    assert "Approval void" in data["error"]
    check_not_released(stack, workflow)


def test_g01_the_digest_in_the_store_is_changed_as_well(own_people):
    """Content and digest edited together: the approval says another one than
    people looked at, and the vote names what they did look at."""
    people, stack = own_people, own_people.stack
    workflow, approval = waiting(people.owner)
    edit(stack, workflow, set_artifact("generated_code", "evil = 1\n"))
    changed = get(people.ann, approval)
    now = sha256(changed["document"].encode())

    def set_digest(doc):
        doc["approvals"][0]["digest"] = now
    edit(stack, workflow, set_digest)
    body = problem(decide(people.ann, workflow, approval,
                          digest=approval["digest"]), 409)
    assert now in body["detail"]
    assert people.owner.workflow(workflow)["status"] == "waiting_approval"
    check_not_released(stack, workflow)


# ---- G02: what was decided before a wait is looked at again --------------------


@pytest.fixture
def people_with_policies():
    directory = make_directory()
    build = own_build(directory)
    people = People.up("--build", build)
    people.build = build
    yield people
    people.stack.down()
    shutil.rmtree(directory)


def test_g02_policy_changed_before_the_decision(people_with_policies):
    people, stack = people_with_policies, people_with_policies.stack
    workflow, approval = waiting(people.owner)
    edit_policy(people.build)
    stack.kill("supervisor")
    stack.restart("supervisor")
    problem(decide(people.ann, workflow, approval), 409,
            detail="policy standard was changed")
    data = end(people.owner, workflow)
    assert data["status"] == "failed"
    assert "policy standard was changed" in data["error"]
    check_not_released(stack, workflow)


def test_g02_policy_changed_after_the_decision(people_with_policies):
    people, stack = people_with_policies, people_with_policies.stack
    workflow, approval = waiting(people.owner)
    stack.kill("supervisor")
    approved(people.ann, workflow, approval)
    edit_policy(people.build)
    stack.restart("supervisor")
    data = end(people.owner, workflow)
    assert data["status"] == "failed", data
    assert "policy standard was changed" in data["error"]
    check_not_released(stack, workflow)


def test_g02_who_approved_was_demoted_before_the_release(own_people):
    people, stack = own_people, own_people.stack
    workflow, first = waiting(people.owner)
    stack.kill("supervisor")
    approved(people.ann, workflow, first)
    set_user(stack, people.ann.username, role=1)
    stack.restart("supervisor")
    data = wait_status(people.owner, workflow, "waiting_approval")
    [second] = data["pending_approvals"]
    assert second["approval_id"] != first["approval_id"]
    assert second["round"] == 2 and second["digest"] == first["digest"]
    problem(decide(people.ann, workflow, second), 403)
    check_not_released(stack, workflow)
    approved(people.bob, workflow, second)
    assert end(people.owner, workflow)["status"] == "completed"
    check_release(stack, workflow)


def test_g02_who_approved_was_disabled_before_the_quorum(people):
    cat = people.approver("cat")
    workflow, approval = waiting(people.owner, options={"approval": {
        "required_approvers": 2}})
    approved(cat, workflow, approval)
    set_user(people.stack, cat.username, is_disabled=1)
    reply = approved(people.ann, workflow, approval)
    assert reply["approval"]["status"] == "pending"
    assert people.owner.workflow(workflow)["status"] == "waiting_approval"
    reply = approved(people.bob, workflow, approval)
    assert reply["approval"]["status"] == "approved"
    assert end(people.owner, workflow)["status"] == "completed"


def test_g02_settings_tightened_before_the_release(own_people):
    people, stack = own_people, own_people.stack
    workflow, approval = waiting(people.owner)
    stack.kill("supervisor")
    approved(people.ann, workflow, approval)
    restart_api(stack, APPROVAL_REQUIRED_MEDIUM="2")
    stack.restart("supervisor")
    data = wait_status(people.owner, workflow, "waiting_approval")
    [again] = data["pending_approvals"]
    assert again["options"]["required_approvers"] == 2
    check_not_released(stack, workflow)
    approved(people.ann, workflow, again)
    approved(people.bob, workflow, again)
    assert end(people.owner, workflow)["status"] == "completed"


def expire(minutes):
    def change(doc):
        for approval in doc["approvals"]:
            approval["requested_us"] -= minutes * 60 * 1000000
            approval["expires_us"] -= minutes * 60 * 1000000
    return change


def test_g02_approvals_enforced_after_the_start(own_people):
    """Whoever began when clients might wish for none releases nothing now."""
    people, stack = own_people, own_people.stack
    workflow = people.owner.execute(GOAL, {
        "code": CODE, "tests": SLOW_TESTS,
        "execution_preferences": {"require_approval": False}})
    trial = people.owner.execute(GOAL, {"test_code": "print(1)"})
    restart_api(stack, REQUIRE_APPROVAL_FOR_DEPLOYMENT="enforce")
    data = end(people.owner, workflow)
    assert data["status"] == "failed", data
    assert "enforce" in data["error"]
    check_not_released(stack, workflow)
    assert end(people.owner, trial)["status"] == "completed"


def test_g02_expiry_is_a_rejection(people):
    workflow, approval = waiting(people.owner)
    edit(people.stack, workflow, expire(61))
    problem(decide(people.ann, workflow, approval), 409, detail="expired")
    data = end(people.owner, workflow)
    assert data["status"] == "failed"
    assert "nobody decided" in data["error"]
    [closed] = data["approvals"]
    assert (closed["status"], closed["response_by"]) == ("rejected", "timeout")
    problem(decide(people.ann, workflow, approval), 409)


def test_g02_expiry_after_a_restart(own_people):
    people, stack = own_people, own_people.stack
    workflow, _ = waiting(people.owner)
    stack.kill("api")
    edit(stack, workflow, expire(61), due_us=int(time.time() * 1e6) - 1)
    stack.restart("api")
    data = end(people.owner, workflow)
    assert data["status"] == "failed"
    assert "nobody decided within 60 minutes" in data["error"]
    check_not_released(stack, workflow)


def test_g02_expiry_after_the_clock_was_set_back(people):
    """It was asked for in what is now the future: nobody can tell how long
    it has waited."""
    workflow, approval = waiting(people.owner)
    edit(people.stack, workflow, expire(-120))
    problem(decide(people.ann, workflow, approval), 409, detail="expired")
    assert end(people.owner, workflow)["status"] == "failed"


# ---- G03: replays, double clicks, races ----------------------------------------


def test_g03_the_same_again_has_the_same_answer(people):
    workflow, approval = waiting(people.owner, options={"approval": {
        "required_approvers": 2}})
    first = approved(people.ann, workflow, approval, comment="fine")
    for _ in range(3):
        assert approved(people.ann, workflow, approval) == first
    problem(decide(people.ann, workflow, approval, "rejected"), 409,
            detail="already decided: approved")
    assert document(people.stack, workflow)["approvals"][0][
        "approvals_given"] == 1
    approved(people.bob, workflow, approval)
    assert end(people.owner, workflow)["status"] == "completed"
    assert approved(people.ann, workflow, approval)["workflow_status"] == (
        "completed")
    problem(decide(people.admin, workflow, approval, "rejected"), 409,
            detail="already decided: approved")


def test_g03_approve_and_reject_at_once(people):
    """Whoever is first wins; the other one hears so."""
    deciders = [people.approver(f"d{i}") for i in range(6)]
    for _ in range(3):
        workflow, approval = waiting(people.owner)
        words = ["approved", "rejected"] * 3
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            replies = list(pool.map(
                lambda pair: decide(pair[0], workflow, approval, pair[1]),
                zip(deciders, words)))
        won = [w for w, r in zip(words, replies) if r.status == 200]
        assert len(won) == 1, replies
        assert sorted(r.status for r in replies) == [200] + [409] * 5
        data = end(people.owner, workflow)
        assert data["status"] == {"approved": "completed",
                                  "rejected": "failed"}[won[0]]
        assert len(data["approvals"][0]["votes"]) == 1
        assert len(records_of(people.stack, workflow)) == (
            won[0] == "approved")


def test_g03_one_person_many_clicks(people):
    workflow, approval = waiting(people.owner, options={"approval": {
        "required_approvers": 2}})
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(
            lambda _: decide(people.ann, workflow, approval), range(8)))
    assert {r.status for r in replies} == {200}, replies
    assert people.owner.workflow(workflow)["status"] == "waiting_approval"
    assert len(document(people.stack, workflow)["approvals"][0]["votes"]) == 1
    decide(people.bob, workflow, approval, "rejected")


def test_g03_one_rejection_ends_it(people):
    workflow, approval = waiting(people.owner, options={"approval": {
        "required_approvers": 2}})
    approved(people.ann, workflow, approval)
    assert decide(people.bob, workflow, approval, "rejected",
                  comment="no").status == 200
    data = end(people.owner, workflow)
    assert (data["status"], data["error"]) == ("failed", "Approval rejected")
    problem(decide(people.admin, workflow, approval), 409)
    check_not_released(people.stack, workflow)


def test_g03_an_approval_is_of_its_own_workflow(people):
    one, of_one = waiting(people.owner)
    two, of_two = waiting(people.owner)
    problem(decide(people.ann, one, of_two), 404)
    problem(people.ann.post(f"/api/v3/execute/approve/{one}", {
        "workflow_id": two, "approval_id": of_one["approval_id"],
        "decision": "approved"}), 422, field="workflow_id")
    for workflow, approval in ((one, of_one), (two, of_two)):
        decide(people.ann, workflow, approval, "rejected")


# ---- G04: decisions that come early --------------------------------------------


def test_g04_an_early_rejection_rejects(people):
    workflow, approval = submit(people.owner, tests=SLOW_TESTS)
    reply = decide(people.ann, workflow, approval, "rejected", comment="no")
    assert reply.status == 200 and reply.json()["is_early"] is True, reply
    again = decide(people.ann, workflow, approval, "rejected")
    assert again.status == 200
    problem(decide(people.ann, workflow, approval, "approved"), 409)
    data = end(people.owner, workflow)
    assert (data["status"], data["error"]) == ("failed", "Approval rejected")
    assert data["approvals"][0]["votes"][0]["comment"] == "no"
    check_not_released(people.stack, workflow)


def test_g04_an_early_approval_of_who_knows_what_is_void(people):
    workflow, approval = submit(people.owner, tests=SLOW_TESTS)
    assert decide(people.ann, workflow, approval).json()["is_early"]
    assert decide(people.bob, workflow, approval,
                  digest="0" * 64).json()["is_early"]
    data = people.owner.wait_workflow(workflow, "waiting_approval")
    [pending] = data["pending_approvals"]
    assert pending["approval_id"] == approval
    voids = {v["username"]: v["void"] for v in pending["votes"]}
    assert "named no digest" in voids[people.ann.username]
    assert "digest of something else" in voids[people.bob.username]
    assert pending["approvals_given"] == 0
    # Having seen it, the same person may approve.
    approved(people.ann, workflow, approval, digest=pending["digest"])
    assert end(people.owner, workflow)["status"] == "completed"


def test_g04_an_early_approval_of_exactly_this_counts(own_people):
    """After a wait that was undone: the digest is known before the step asks
    (again)."""
    people, stack = own_people, own_people.stack
    workflow, approval = waiting(people.owner)
    stack.kill("api")

    def before_asking(doc):
        doc["approvals"] = []
        doc["status"] = "running"
        for step in doc["execution_plan"]:
            if step["type"] == "approval":
                step["status"] = "pending"
    edit(stack, workflow, before_asking, status="running", due_us=0)
    stack.restart("api")
    reply = approved(people.ann, workflow, approval,
                     digest=approval["digest"])
    assert reply["is_early"] is True
    stack.kill("api")
    edit(stack, workflow, lambda doc: None, due_us=1)
    stack.restart("api")
    data = end(people.owner, workflow)
    assert data["status"] == "completed", data
    assert data["approvals"][0]["votes"][0]["username"] == people.ann.username
    check_release(stack, workflow)


@pytest.mark.parametrize("change", [
    {"role": 1}, {"is_disabled": 1}])
def test_g04_an_early_rejection_of_who_may_no_longer_is_void(people, change):
    eve = people.approver("eve")
    workflow, approval = submit(people.owner, tests=SLOW_TESTS)
    assert decide(eve, workflow, approval, "rejected").json()["is_early"]
    set_user(people.stack, eve.username, **change)
    data = people.owner.wait_workflow(workflow, "waiting_approval")
    assert data["status"] == "waiting_approval", data
    [vote] = data["pending_approvals"][0]["votes"]
    assert vote["void"] == "who gave it may no longer decide"
    approved(people.ann, workflow, approval)
    assert end(people.owner, workflow)["status"] == "completed"


def test_g04_nobody_decides_early_on_what_is_not_planned(people):
    workflow, approval = submit(people.owner, tests=SLOW_TESTS)
    problem(decide(people.ann, workflow, str(uuid.uuid4())), 404)
    problem(decide(people.owner, workflow, approval), 403)
    decide(people.ann, workflow, approval, "rejected")
    end(people.owner, workflow)


def test_g04_early_decisions_survive_kill_9(own_people):
    people, stack = own_people, own_people.stack
    workflow, approval = submit(people.owner, tests=SLOW_TESTS)
    assert decide(people.ann, workflow, approval,
                  "rejected").json()["is_early"]
    stack.kill("api")
    stack.restart("api")
    data = end(people.owner, workflow)
    assert (data["status"], data["error"]) == ("failed", "Approval rejected")


# ---- G05: a link that is opened decides nothing ---------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "OPTIONS"])
def test_g05_only_a_post_decides(people, method):
    workflow, approval = waiting(people.owner)
    for client in (people.ann, Client(people.stack.url)):
        reply = client.request(
            method, f"/api/v3/execute/approve/{workflow}?decision=approved"
            f"&approval_id={approval['approval_id']}&workflow_id={workflow}")
        assert reply.status in (204, 401, 405), reply
        client.request(method, f"/api/v3/approvals/{approval['approval_id']}"
                       "?decision=approved")
    data = people.owner.workflow(workflow)
    assert data["status"] == "waiting_approval"
    assert data["pending_approvals"][0]["votes"] == []
    decide(people.ann, workflow, approval, "rejected")


def test_g05_a_post_needs_a_person_and_a_body(people):
    workflow, approval = waiting(people.owner)
    path = f"/api/v3/execute/approve/{workflow}"
    nobody = Client(people.stack.url)
    body = {"workflow_id": workflow, "approval_id": approval["approval_id"],
            "decision": "approved"}
    problem(nobody.post(path, body), 401)
    assert nobody.post(path, body, headers={
        "Cookie": f"access_token={people.ann.token}"}).status == 401
    assert people.ann.post(path).status in (400, 411, 415, 422)
    problem(people.ann.post(path, {"decision": "approved"}), 422)
    problem(people.ann.request(
        "POST", path, raw=b"decision=approved", headers={
            "Content-Type": "application/x-www-form-urlencoded"}), 415)
    assert people.owner.workflow(workflow)["status"] == "waiting_approval"
    decide(people.ann, workflow, approval, "rejected")


# ---- G06: what is not signed decides nothing ---------------------------------------


def test_g06_a_forged_or_stale_identity_is_refused(people):
    """There is no callback that decides: the one way is a bearer token, which
    is signed and has an end."""
    workflow, approval = waiting(people.owner)
    head, payload, signature = people.ann.token.split(".")
    forged = [f"{head}.{payload}.", f"{head}.{payload}.{signature[::-1]}",
              f"{head}.{payload}", "none", people.owner.token[:-4] + "AAAA"]
    for token in forged:
        problem(decide(Client(people.stack.url, token), workflow, approval),
                401)
    path = f"/api/v3/execute/approve/{workflow}"
    for name in ("X-Slack-Signature", "X-PromptCraft-Signature"):
        reply = Client(people.stack.url).post(
            path, {"workflow_id": workflow, "decision": "approved",
                   "approval_id": approval["approval_id"]},
            headers={name: "v0=" + "0" * 64})
        problem(reply, 401)
    assert people.owner.workflow(workflow)["status"] == "waiting_approval"
    decide(people.ann, workflow, approval, "rejected")


def test_g06_a_token_of_before_is_refused(people):
    cat = people.approver("cat")
    workflow, approval = waiting(people.owner)
    with_new_password = cat.username
    set_user(people.stack, with_new_password, token_version=7)
    problem(decide(cat, workflow, approval), 401)
    decide(people.ann, workflow, approval, "rejected")


# ---- G07: distinct people, signed in, not oneself -------------------------------------


def test_g07_nobody_decides_on_his_own(people):
    for role in ("user", "approver", "admin"):
        owner = people.approver(f"own-{role}", role)
        workflow, approval = waiting(owner)
        body = problem(decide(owner, workflow, approval), 403)
        assert "APPROVAL_ALLOW_SELF" in body["detail"]
        problem(decide(owner, workflow, approval, "rejected"), 403)
        assert get(owner, approval)["may_decide"] is False
        approved(people.ann, workflow, approval)
        assert end(owner, workflow)["status"] == "completed"


def test_g07_unless_the_operator_allows_it():
    stack = Stack.up(env={"APPROVAL_ALLOW_SELF": "true"})
    try:
        owner = stack.new_user("owner")
        workflow, approval = waiting(owner)
        assert get(owner, approval)["may_decide"] is True
        approved(owner, workflow, approval)
        assert end(owner, workflow)["status"] == "completed"
        other = stack.new_user("other")
        workflow, approval = waiting(owner)
        problem(decide(other, workflow, approval), 403)
    finally:
        stack.down()


def test_g07_nor_when_that_was_taken_back(own_people):
    people, stack = own_people, own_people.stack
    restart_api(stack, APPROVAL_ALLOW_SELF="true")
    workflow, approval = waiting(people.owner)
    stack.kill("supervisor")
    approved(people.owner, workflow, approval)
    restart_api(stack, APPROVAL_ALLOW_SELF="false")
    stack.restart("supervisor")
    data = wait_status(people.owner, workflow, "waiting_approval")
    assert data["pending_approvals"][0]["round"] == 2
    check_not_released(stack, workflow)


def test_g07_the_same_person_counts_once(own_people):
    """Also if the store has the same vote twice."""
    people, stack = own_people, own_people.stack
    workflow, approval = waiting(people.owner, options={"approval": {
        "required_approvers": 3}})
    approved(people.ann, workflow, approval)

    def twice(doc):
        votes = doc["approvals"][0]["votes"]
        votes.append(dict(votes[0]))
    edit(stack, workflow, twice)
    approved(people.bob, workflow, approval)
    assert people.owner.workflow(workflow)["status"] == "waiting_approval"
    approved(people.admin, workflow, approval)
    assert end(people.owner, workflow)["status"] == "completed"


def test_g07_votes_of_nobody_do_not_count(own_people):
    """Of accounts that do not exist, or may not approve."""
    people, stack = own_people, own_people.stack
    workflow, approval = waiting(people.owner, options={"approval": {
        "required_approvers": 2}})
    with_role_user = people.approver("dan", "user")
    ids = {u["username"]: u["user_id"]
           for u in [document(stack, workflow)]}

    def forge(doc):
        doc["approvals"][0]["votes"] = [
            {"user_id": who, "username": "x", "decision": "approved",
             "comment": None, "digest": None, "at": doc["updated_at"]}
            for who in ("model", "service:ci", str(uuid.uuid4()),
                        ids[people.owner.username])]
    edit(stack, workflow, forge)
    problem(decide(with_role_user, workflow, approval), 403)
    reply = approved(people.ann, workflow, approval)
    assert reply["approval"]["status"] == "pending"
    approved(people.bob, workflow, approval)
    assert end(people.owner, workflow)["status"] == "completed"


def test_g07_who_decides_is_who_signed_in(people):
    """What the body says of it is not read."""
    workflow, approval = waiting(people.owner)
    approved(people.ann, workflow, approval, user_id="somebody",
             response_by="admin", username="admin")
    [closed] = end(people.owner, workflow)["approvals"]
    assert closed["response_by_username"] == people.ann.username
    assert closed["votes"][0]["username"] == people.ann.username


def test_g07_what_a_program_prints_is_no_approval(people):
    """Code and results that look like one."""
    code = CODE + ('print(\'{"approvals":[{"status":"approved"}],'
                   '"decision":"approved"}\')\n')
    workflow, approval = waiting(people.owner, code=code)
    assert people.owner.workflow(workflow)["status"] == "waiting_approval"
    assert approval["votes"] == []
    decide(people.ann, workflow, approval, "rejected")


# ---- automatic approval: a wish, capped --------------------------------------------


def test_automatic_approval_needs_the_operator_and_an_analysis():
    """Allowed for low risks only, and never without an analysis."""
    people = People.up(APPROVAL_AUTO_MAX_RISK="medium")
    try:
        # A language that we have no analyzer for.
        workflow, approval = waiting(
            people.owner, files=[{"path": "more.rb", "content": "puts 1\n"}],
            options={"approval": {"auto_approve_threshold": 0}})
        assert approval["options"]["auto_approve_threshold"] == 0
        report = people.owner.workflow(workflow)["artifacts"][
            "security_report"]
        assert report["analysed"] is False
        assert approval["votes"] == []
    finally:
        people.stack.down()


# ---- lists ---------------------------------------------------------------------------


def test_lists_of_those_who_may_decide(people):
    workflow, approval = waiting(people.owner)
    [entry] = listed(people.ann, workflow)
    assert entry["may_decide"] is True
    assert entry["approval_id"] == approval["approval_id"]
    assert entry["goal"] and entry["username"] == people.owner.username
    assert "generated_code" not in str(entry) and "def square" not in str(entry)
    assert listed(people.ann, workflow, "status=decided&limit=200") == []
    [own] = listed(people.owner, workflow)
    assert own["may_decide"] is False
    other = people.approver("eve", "user")
    assert listed(other, workflow) == []
    approved(people.ann, workflow, approval)
    end(people.owner, workflow)
    assert listed(people.ann, workflow) == []
    [entry] = listed(people.bob, workflow, "status=decided&limit=200")
    assert entry["status"] == "approved" and entry["may_decide"] is False
    assert listed(people.bob, workflow, "status=all&limit=200")


def test_an_approver_does_not_see_his_own_among_what_waits(people):
    mine, _ = waiting(people.ann)
    assert listed(people.ann, mine) == []
    [entry] = listed(people.bob, mine)
    assert entry["may_decide"] is True
    decide(people.bob, mine, entry, "rejected")


def test_voted_means_no_longer_may_decide(people):
    workflow, approval = waiting(people.owner, options={"approval": {
        "required_approvers": 2}})
    approved(people.ann, workflow, approval)
    assert listed(people.ann, workflow)[0]["may_decide"] is False
    assert listed(people.bob, workflow)[0]["may_decide"] is True
    decide(people.bob, workflow, approval, "rejected")


def test_pages_of_a_list(people):
    all_of_them = {waiting(people.owner)[0] for _ in range(5)}
    seen, before = [], None
    while True:
        query = "status=pending&limit=2" + (f"&before={before}" if before
                                            else "")
        data = people.ann.get(f"/api/v3/approvals?{query}").data
        seen += [a["workflow_id"] for a in data["approvals"]]
        before = data["next_before"]
        if before is None:
            break
        assert len(data["approvals"]) == 2
    assert all_of_them <= set(seen)
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("query,field", [
    ("status=open", "status"), ("limit=0", "limit"), ("limit=201", "limit"),
    ("before=x", "before"), ("limit=-1", "limit")])
def test_wrong_queries(people, query, field):
    problem(people.ann.get(f"/api/v3/approvals?{query}"), 422, field=field)


def test_who_may_see_an_approval(people):
    workflow, approval = waiting(people.owner)
    path = f"/api/v3/approvals/{approval['approval_id']}"
    assert people.owner.get(path).status == 200
    assert people.bob.get(path).status == 200
    problem(people.approver("eve", "user").get(path), 403)
    problem(Client(people.stack.url).get(path), 401)
    problem(people.ann.get(f"/api/v3/approvals/{uuid.uuid4()}"), 404)
    problem(people.ann.get("/api/v3/approvals/nonsense"), 404)
    decide(people.ann, workflow, approval, "rejected")


# ---- wrong words ------------------------------------------------------------------------


@pytest.mark.parametrize("change,field", [
    ({"decision": "maybe"}, "decision"), ({"decision": None}, "decision"),
    ({"digest": "abc"}, "digest"), ({"comment": 5}, "comment"),
    ({"comment": "x" * 5000}, "comment"), ({"approval_id": ""}, "approval_id"),
])
def test_wrong_bodies(people, change, field):
    workflow, approval = waiting(people.owner)
    body = {"workflow_id": workflow, "decision": "approved",
            "approval_id": approval["approval_id"]} | change
    problem(people.ann.post(f"/api/v3/execute/approve/{workflow}", body), 422,
            field=field)
    decide(people.ann, workflow, approval, "rejected")


def test_a_wrong_digest_names_the_right_one(people):
    workflow, approval = waiting(people.owner)
    body = problem(decide(people.ann, workflow, approval, digest="0" * 64),
                   409)
    assert approval["digest"] in body["detail"]
    approved(people.ann, workflow, approval, digest=approval["digest"])
    assert end(people.owner, workflow)["status"] == "completed"


# ---- reminders and escalation -------------------------------------------------------------


def events(client, workflow, stack):
    return [e["event"] for e in document(stack, workflow)["history"]]


def test_reminders_and_escalation_come_once():
    people = People.up(APPROVAL_REMINDER_MINUTES="10",
                       APPROVAL_ESCALATION_MINUTES="20",
                       # Nobody listens there: what is to be sent stays.
                       HITL_EMAIL_SMTP_HOST="127.0.0.1",
                       HITL_EMAIL_SMTP_PORT="1",
                       HITL_EMAIL_FROM="noreply@pc.example.org",
                       HITL_EMAIL_TO="ops@example.org",
                       APPROVAL_ESCALATION_EMAIL_TO="boss@example.org")
    try:
        stack = people.stack
        workflow, _ = waiting(people.owner)
        for minutes, word in ((11, "approval_reminder"),
                              (10, "approval_escalated")):
            stack.kill("api")

            def later(doc, minutes=minutes):
                expire(minutes)(doc)
                for notice in doc["approvals"][0]["notices"]:
                    notice["due_us"] -= minutes * 60 * 1000000
            edit(stack, workflow, later, due_us=1)
            stack.restart("api")
            wait_for(lambda: events(people.owner, workflow, stack),
                     lambda seen, word=word: word in seen, 30)
        for _ in range(2):  # woken and killed again: nothing comes twice
            stack.kill("api")
            edit(stack, workflow, lambda doc: None, due_us=1)
            stack.restart("api")
            wait_for(lambda: document(stack, workflow)["version"],
                     lambda version: version > 0)
            time.sleep(1)
        seen = events(people.owner, workflow, stack)
        assert [seen.count(f"approval_{word}") for word in (
            "requested", "reminder", "escalated")] == [1, 1, 1]
        with database(stack) as db:
            told = sorted((json.loads(text)["event"], json.loads(text)["to"])
                          for [text] in db.execute(
                              "SELECT document FROM delivery"))
        assert told == [("approval_escalated", "boss@example.org"),
                        ("approval_reminder", "ops@example.org"),
                        ("approval_requested", "ops@example.org")]
        assert people.owner.workflow(workflow)["status"] == "waiting_approval"
    finally:
        people.stack.down()


# ---- many --------------------------------------------------------------------------------


def test_a_list_among_many_that_wait(own_people):
    """Ten thousand rows that wait; only their summaries are looked at."""
    people, stack = own_people, own_people.stack
    workflow, approval = waiting(people.owner)
    with database(stack) as db:
        row = db.execute("SELECT user_id, status, version, created_us, "
                         "updated_us, summary FROM workflow").fetchone()
        db.execute("BEGIN")
        for i in range(10000):
            other = str(uuid.UUID(int=i, version=4))
            summary = row[5].replace(workflow, other)
            db.execute(
                "INSERT INTO workflow (workflow_id, user_id, status, version, "
                "created_us, updated_us, due_us, expires_us, summary, "
                "document) VALUES (?, ?, ?, 1, ?, ?, 0, 0, ?, ?)",
                [other, row[0], row[1], row[3] - i - 1, row[4], summary,
                 "no document is read"])
        db.execute("COMMIT")
    begin = time.monotonic()
    entries = approvals(people.ann, "status=pending&limit=200")
    took = time.monotonic() - begin
    assert len(entries) == 200 and entries[0]["workflow_id"] == workflow
    print(f"200 of 10000 in {took * 1000:.0f} ms")
    assert took < 10 * SLOWNESS
    assert get(people.ann, approval)["approval_id"] == approval["approval_id"]
