# SPDX-License-Identifier: Apache-2.0
"""Releases: what was approved is published once, whole and on record, whoever
is killed at whatever moment (rows G01, G08, G09 and G12 of the list of
regressions)."""

import contextlib
import json
import os
import random
import secrets
import select
import shutil
import socket
import subprocess
import threading
import time
import uuid
from pathlib import Path

import pytest
from approvals import (CODE, GOAL, TESTS, Between, People, approved, audit,
                       check_not_released, check_release, database, decide,
                       document, edit, no_leftovers, records_of, releases,
                       restart_api, sha256, waiting)
from promptcraft import (CLI, Client, make_directory, problem, run_cli,
                         wait_for)
from test_audit import fill, small_disk
from test_release_record import ask

NO_APPROVAL = {"execution_preferences": {"require_approval": False}}


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


def released(people, **fields):
    workflow, approval = waiting(people.owner, **fields)
    approved(people.ann, workflow, approval)
    data = people.owner.wait_workflow(workflow)
    assert data["status"] == "completed", data
    return workflow, data


# ---- what is released ---------------------------------------------------------


def test_a_release_has_all_that_was_approved(people):
    workflow, data = released(people, files=[
        {"path": "data/in/x.txt", "content": "one\n"}])
    manifest = check_release(people.stack, workflow)
    top = releases(people.stack) / workflow
    assert (top / "files/solution.py").read_text() == CODE
    assert (top / "files/test_solution.py").read_text() == TESTS
    assert (top / "files/data/in/x.txt").read_text() == "one\n"
    results = json.loads((top / "results.json").read_text())
    assert results == data["artifacts"]["test_results"]
    [asked] = json.loads((top / "approvals.json").read_text())
    assert asked["votes"][0]["username"] == people.ann.username
    assert json.loads((top / "analysis.json").read_text())["analysed"] is True
    shown = json.loads((top / "shown.json").read_text())
    assert shown["code"] == CODE
    for name in ("workflow_id", "digest", "policy", "sources", "job_ids",
                 "runtime", "released_at", "created_at"):
        assert manifest[name], name
    evidence = data["artifacts"]["evidence"]["release"]
    assert evidence["directory"] == str(top)
    [record] = records_of(people.stack, workflow)
    assert evidence["audit_record"] == record["seq"]
    assert record["approvals_claimed"] == 1
    assert record["attempt_claimed"] == 1
    assert no_leftovers(people.stack)


def test_modes_and_owner(people):
    workflow, _ = released(people, files=[{"path": "a/b", "content": "x"}])
    top = releases(people.stack) / workflow
    uid = people.stack.info["api_uid"]
    for path in [top, *top.rglob("*")]:
        st = path.lstat()
        assert st.st_uid == uid
        assert st.st_mode & 0o777 == (0o750 if path.is_dir() else 0o640), path
        assert path.is_dir() or st.st_nlink == 1


def test_without_an_approval_it_is_released_as_well(people):
    workflow = people.owner.execute(GOAL, {"code": CODE, "tests": TESTS,
                                           **NO_APPROVAL})
    assert people.owner.wait_workflow(workflow)["status"] == "completed"
    check_release(people.stack, workflow)
    assert records_of(people.stack, workflow)[0]["approvals_claimed"] == 0


def test_a_trial_and_a_failure_release_nothing(people):
    trial = people.owner.execute(GOAL, {"test_code": "print(1)"})
    assert people.owner.wait_workflow(trial)["status"] == "completed"
    bad = people.owner.execute(GOAL, {
        "code": "def square(n):\n    return 5\n", "tests": TESTS,
        **NO_APPROVAL})
    assert people.owner.wait_workflow(bad)["status"] == "failed"
    for workflow in (trial, bad):
        check_not_released(people.stack, workflow)


@pytest.mark.parametrize("path", [
    "manifest.json", "shown.json", ".new", "é/ü.txt", "a/" * 60 + "x",
    "x" * 255])
def test_odd_names_do_not_collide(people, path):
    """A client's file is called as one of ours, or as long as can be."""
    workflow, _ = released(people, files=[{"path": path, "content": "mine"}])
    check_release(people.stack, workflow)
    top = releases(people.stack) / workflow
    assert (top / "files" / path).read_text() == "mine"


# ---- reading it over HTTP --------------------------------------------------------


def artifacts(client, workflow, path=None):
    query = "" if path is None else f"?path={path}"
    return client.get(f"/api/v3/execute/artifacts/{workflow}{query}")


def test_artifacts_over_http(people):
    workflow, data = released(people)
    listing = artifacts(people.owner, workflow).data
    assert listing["digest"] == data["artifacts"]["evidence"]["digest"]
    names = [f["path"] for f in listing["files"]]
    assert "files/solution.py" in names
    for entry in listing["files"]:
        reply = artifacts(people.owner, workflow, entry["path"])
        assert reply.status == 200
        assert (sha256(reply.body), len(reply.body)) == (
            entry["sha256"], entry["bytes"])
        assert reply.headers["Content-Type"] == "application/octet-stream"
        assert reply.headers["Content-Disposition"] == (
            f'attachment; filename="{entry["path"].split("/")[-1]}"')
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in reply.headers["Content-Security-Policy"]
    manifest = artifacts(people.owner, workflow, "manifest.json")
    assert sha256(manifest.body) == listing["manifest_sha256"]


def test_a_name_cannot_write_headers(people):
    path = 'a";b=c\\d.html'
    workflow, _ = released(people, files=[{"path": path, "content": "<b>"}])
    reply = artifacts(people.owner, workflow, "files/a%22;b=c%5Cd.html")
    assert reply.body == b"<b>"
    assert reply.headers["Content-Disposition"] == (
        'attachment; filename="a__b_c_d.html"')


@pytest.mark.parametrize("path", [
    "", "../../api/promptcraft.db", "files/../../../promptcraft.db",
    "/etc/passwd", "files", "files/", "nothing", "..%2f..%2fpromptcraft.db",
    "files/solution.py/", "files//solution.py", "./manifest.json"])
def test_only_what_was_released_is_read(people, path):
    workflow, _ = released(people)
    problem(artifacts(people.owner, workflow, path), 404)


def test_who_may_read_artifacts(people):
    workflow, _ = released(people)
    assert artifacts(people.ann, workflow).status == 200
    problem(artifacts(people.approver("eve", "user"), workflow), 403)
    problem(artifacts(Client(people.stack.url), workflow), 401)
    trial = people.owner.execute(GOAL, {"test_code": "print(1)"})
    people.owner.wait_workflow(trial)
    problem(artifacts(people.owner, trial), 404, detail="released nothing")


def test_what_was_changed_on_the_disk_is_not_sent(people):
    workflow, _ = released(people)
    top = releases(people.stack) / workflow
    (top / "files/solution.py").write_text("evil = 1\n")
    problem(artifacts(people.owner, workflow, "files/solution.py"), 409,
            detail="changed on the disk")
    assert artifacts(people.owner, workflow, "results.json").status == 200
    (top / "results.json").unlink()
    (top / "results.json").symlink_to("/etc/passwd")
    assert artifacts(people.owner, workflow, "results.json").status >= 400
    manifest = top / "manifest.json"
    manifest.write_text(manifest.read_text() + " ")
    problem(artifacts(people.owner, workflow), 409)


# ---- promptcraft release verify ---------------------------------------------------


def verify(people, workflow, *words):
    done = run_cli("release", "verify", releases(people.stack) / workflow,
                   "--state-dir", people.stack.dir / "supervisor", "--json",
                   *words, check=False)
    return done.returncode, (json.loads(done.stdout) if done.stdout else
                             done.stderr)


def test_verify(people):
    workflow, _ = released(people)
    code, report = verify(people, workflow)
    assert code == 0, report
    assert report["as_released"] and report["audit_records"] == 1


@pytest.mark.parametrize("change,words", [
    (lambda top: (top / "files/solution.py").write_text("x"), "its SHA-256"),
    (lambda top: (top / "files/more").write_text("x"), "files are here"),
    (lambda top: (top / "results.json").unlink(), "results.json"),
    (lambda top: (top / "files/l").symlink_to("/etc/passwd"), "neither"),
    (lambda top: forge(top), "another manifest"),
])
def test_verify_finds(people, change, words):
    workflow, _ = released(people)
    change(releases(people.stack) / workflow)
    code, report = verify(people, workflow)
    assert code == 1, report
    assert words in str(report["problems"])


def forge(top, has_shown=True, **more):
    """Code, manifest and (has_shown) what was shown that fit each other: only
    the audit log tells."""
    changed = {"files/solution.py": b"evil = 1\n"}
    manifest = json.loads((top / "manifest.json").read_text()) | more
    if has_shown:
        shown = json.loads((top / "shown.json").read_text())
        shown["code"] = "evil = 1\n"
        changed["shown.json"] = json.dumps(shown).encode()
        manifest["digest"] = sha256(changed["shown.json"])
    for entry in manifest["files"]:
        data = changed.get(entry["path"])
        if data is not None:
            (top / entry["path"]).write_bytes(data)
            entry |= {"sha256": sha256(data), "bytes": len(data)}
    (top / "manifest.json").write_text(json.dumps(manifest))


def test_verify_without_the_log_is_fooled(people):
    """The control of the row above: this is what the record is for."""
    workflow, _ = released(people)
    forge(releases(people.stack) / workflow)
    assert verify(people, workflow, "--without-audit")[0] == 0
    assert verify(people, workflow)[0] == 1


class Direct:
    """The supervisor, for who has the API's rights and not its code."""

    def __init__(self, path):
        self.path = path

    def connect(self):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sock.connect(self.path)
        return sock


@pytest.mark.parametrize("change", ["code", "more"])
def test_verify_finds_what_an_api_gone_bad_has_on_record(people, change):
    """The supervisor reads no JSON: what was shown is on record with the
    manifest of other files."""
    workflow, _ = released(people)
    other = str(uuid.uuid4())
    top = releases(people.stack) / other
    shutil.copytree(releases(people.stack) / workflow, top)
    forge(top, has_shown=False, workflow_id=other)
    if change == "more":
        shutil.copy(releases(people.stack) / workflow / "files/solution.py",
                    top / "files/solution.py")
        (top / "files/more.py").write_text("evil = 1\n")
        manifest = json.loads((top / "manifest.json").read_text())
        for entry in manifest["files"]:
            if entry["path"] == "files/solution.py":
                manifest["files"].append(entry | {"path": "files/more.py"})
                entry |= {"sha256": sha256(CODE.encode()),
                          "bytes": len(CODE)}
                break
        (top / "manifest.json").write_text(json.dumps(manifest))
    shown = (top / "shown.json").read_bytes()
    reply = ask(Direct(people.stack.socket), workflow=other, shown=shown,
                manifest=(top / "manifest.json").read_bytes())
    assert reply.record > 0, reply
    code, report = verify(people, other)
    assert code == 1, report
    assert "was not shown" in str(report["problems"])
    assert all("shown" in text for text in report["problems"]), report


@pytest.mark.parametrize("fields", [
    {"files": [{"path": "a/b", "content": CODE},
               {"path": "manifest.json", "content": ""}]},
    {"code_path": "lib/solution.py", "tests": TESTS.replace(
        "from solution", "from lib.solution")},
    {"tests": None}])
def test_verify_knows_the_files_of_odd_programs(people, fields):
    workflow, _ = released(people, **fields)
    code, report = verify(people, workflow)
    assert code == 0, report


def test_the_command_line_approves(people):
    env = {"PROMPTCRAFT_URL": people.stack.url, "PATH": os.environ["PATH"],
           "PROMPTCRAFT_TOKEN": people.ann.token}
    workflow, approval = waiting(people.owner)
    text = run_cli("workflow", "approvals", env=env).stdout
    assert workflow in text
    done = run_cli("workflow", "approve", workflow, "--digest", "0" * 64,
                   env=env, check=False)
    assert done.returncode != 0 and approval["digest"] in done.stderr
    # Nobody approves unseen, unless he says so.
    done = run_cli("workflow", "approve", workflow, env=env, check=False)
    assert done.returncode == 125 and "--digest" in done.stderr
    assert done.stdout == ""
    assert people.owner.workflow(workflow)["status"] == "waiting_approval"
    text = run_cli("workflow", "approve", workflow, "--comment", "ok", "--yes",
                   env=env).stdout
    assert "Approval approved" in text and approval["digest"] in text
    for line in (CODE + TESTS).splitlines():
        assert f" | {line}" in text
    assert people.owner.wait_workflow(workflow)["status"] == "completed"
    workflow, _ = waiting(people.owner)
    assert "Approval rejected" in run_cli("workflow", "reject", workflow,
                                          env=env).stdout
    assert run_cli("workflow", "approve", workflow, "--yes", env=env,
                   check=False).returncode != 0


def at_a_terminal(answer, *args, env):
    """What the command shows there and its status."""
    master, terminal = os.openpty()
    process = subprocess.Popen([str(CLI), *args], stdin=terminal,
                               stdout=terminal, stderr=terminal, env=env)
    os.close(terminal)
    os.write(master, answer.encode() + b"\n")
    seen = b""
    with contextlib.suppress(OSError):  # the other side is closed
        while part := os.read(master, 4096):
            seen += part
    os.close(master)
    return process.wait(30), seen.decode().replace("\r\n", "\n")


def test_an_approver_at_a_terminal_sees_what_he_approves(people):
    env = {"PROMPTCRAFT_URL": people.stack.url, "NO_COLOR": "1",
           "PROMPTCRAFT_TOKEN": people.ann.token, "PATH": os.environ["PATH"]}
    hostile = CODE + "# \x1b[2J\n# digest   " + "0" * 64 + "\n"
    workflow, approval = waiting(people.owner, code=hostile)
    for answer in ("", "n", "yesno"):
        status, text = at_a_terminal(answer, "workflow", "approve", workflow,
                                     env=env)
        assert status == 125 and "not approved" in text, text
    assert "  risk     " in text and "  tests    " in text
    for reason in approval["context"]["reasons"]:
        assert f" {reason['reason']}\n" in text
    assert f"  digest   {approval['digest']}\n" in text
    assert "\x1b" not in text and "\n# digest" not in text
    for line in (CODE + TESTS).splitlines():
        assert f" | {line}" in text
    assert people.owner.workflow(workflow)["status"] == "waiting_approval"
    status, text = at_a_terminal("y", "workflow", "approve", workflow, env=env)
    assert status == 0 and "Approval approved" in text
    assert people.owner.wait_workflow(workflow)["status"] == "completed"


# ---- G08: killed at every moment -----------------------------------------------------


RELEASE, RELEASE_REPLY = 12, 13


@pytest.fixture
def between():
    """People whose API reaches its supervisor by way of somebody who kills it
    at a message of choice."""
    directory = make_directory()
    people = People.up()
    people.between = Between(f"{directory}/s", people.stack.socket)
    restart_api(people.stack, PROMPTCRAFT_SUPERVISOR_SOCKET=f"{directory}/s")
    yield people
    people.between.close()
    people.stack.down()
    shutil.rmtree(directory)


def kill_at(people, kind, name, passes_on):
    """Approve, and kill when this message is on its way."""
    hit, answered, killed = (threading.Event() for _ in range(3))

    def at(source):
        if hit.is_set():
            return True
        hit.set()
        # Who approved is not left without an answer.
        answered.wait(60)
        if kind == RELEASE and passes_on:
            # Nor the supervisor without the document that follows.
            select.select([source], [], [], 60)
        people.stack.kill(name)
        killed.set()
        return passes_on
    workflow, approval = waiting(people.owner)
    people.between.at, people.between.type = at, kind
    approved(people.ann, workflow, approval)
    answered.set()
    assert killed.wait(60)
    return workflow


@pytest.mark.parametrize("kind,passes_on,recorded", [
    (RELEASE, False, 0),        # staged, not recorded
    (RELEASE, True, 1),         # recorded, not named
    (RELEASE_REPLY, False, 1),  # recorded, and the answer lost
])
def test_g08_api_killed_at_the_record(between, kind, passes_on, recorded):
    people, stack = between, between.stack
    workflow = kill_at(people, kind, "api", passes_on)
    wait_for(lambda: len(records_of(stack, workflow)),
             lambda count: count == recorded)
    assert (releases(stack) / f".{workflow}.new/manifest.json").exists()
    assert not (releases(stack) / workflow).exists()
    stack.restart("api")
    data = people.owner.wait_workflow(workflow)
    assert data["status"] == "completed", data
    check_release(stack, workflow)  # one record
    assert no_leftovers(stack)
    assert document(stack, workflow)["release"]["attempt"] == 2


@pytest.mark.parametrize("kind,passes_on", [
    (RELEASE, False), (RELEASE, True), (RELEASE_REPLY, False)])
def test_g08_supervisor_killed_at_the_record(between, kind, passes_on):
    people, stack = between, between.stack
    workflow = kill_at(people, kind, "supervisor", passes_on)
    stack.restart("supervisor")
    data = people.owner.wait_workflow(workflow)
    assert data["status"] == "completed", data
    check_release(stack, workflow)
    assert no_leftovers(stack)


def test_g08_both_killed_between_record_and_name(between):
    people, stack = between, between.stack
    workflow = kill_at(people, RELEASE_REPLY, "api", False)
    stack.kill("supervisor")
    assert len(records_of(stack, workflow)) == 1
    stack.restart("supervisor")
    stack.restart("api")
    data = people.owner.wait_workflow(workflow)
    assert data["status"] == "completed", data
    check_release(stack, workflow)


def test_g01_changed_between_record_and_name(between):
    """It is on record already; the changed one still is not published."""
    people, stack = between, between.stack
    workflow = kill_at(people, RELEASE_REPLY, "api", False)

    def change(doc):
        doc["artifacts"]["generated_code"] = "evil = 1\n"
    edit(stack, workflow, change)
    stack.restart("api")
    data = people.owner.wait_workflow(workflow)
    assert data["status"] == "failed", data
    assert "Approval void" in data["error"]
    assert not (releases(stack) / workflow).exists()


def forget_the_end(doc):
    doc["status"] = "running"
    doc["artifacts"].pop("evidence")
    step = doc["execution_plan"][-1]
    assert step["type"] == "finalize"
    step["status"] = "running"
    doc.pop("completed_at", None)


def killed_after_the_name(stack, workflow):
    """As if the API had been killed before it could write that it is over."""
    stack.kill("api")
    edit(stack, workflow, forget_the_end, status="running", due_us=1,
         expires_us=0)
    with database(stack) as db:
        db.execute("DELETE FROM delivery WHERE workflow_id = ?", [workflow])


def test_g08_killed_between_name_and_document(own_people):
    people, stack = own_people, own_people.stack
    workflow, before = released(people)
    top = releases(stack) / workflow
    inode = top.stat().st_ino
    killed_after_the_name(stack, workflow)
    stack.restart("api")
    after = people.owner.wait_workflow(workflow)
    assert after["status"] == "completed", after
    assert top.stat().st_ino == inode, "it was written again"
    check_release(stack, workflow)
    assert (after["artifacts"]["evidence"]["release"] ==
            before["artifacts"]["evidence"]["release"])


def test_g08_a_release_that_was_changed_meanwhile_is_not_taken(own_people):
    people, stack = own_people, own_people.stack
    workflow, _ = released(people)
    killed_after_the_name(stack, workflow)
    (releases(stack) / workflow / "files/solution.py").write_text("evil\n")
    stack.restart("api")
    data = people.owner.wait_workflow(workflow)
    assert data["status"] == "failed"
    assert "not as it was released" in data["error"]


def test_g08_a_place_that_is_taken(own_people):
    people, stack = own_people, own_people.stack
    workflow, approval = waiting(people.owner)
    top = releases(stack) / workflow
    top.mkdir()
    (top / "manifest.json").write_text("{}")
    approved(people.ann, workflow, approval)
    data = people.owner.wait_workflow(workflow)
    assert data["status"] == "failed", data
    assert (top / "manifest.json").read_text() == "{}"
    assert records_of(stack, workflow) == []


def test_g08_what_a_crash_left_is_removed(own_people):
    people, stack = own_people, own_people.stack
    workflow, approval = waiting(people.owner)
    left = releases(stack) / f".{workflow}.new"
    (left / "files/deep/er").mkdir(parents=True)
    (left / "files/deep/er/x").write_text("half a fi")
    (left / "files/link").symlink_to("/etc/passwd")
    for path in [left, *left.rglob("*")]:
        os.lchown(path, stack.info["api_uid"], stack.info["api_uid"])
    approved(people.ann, workflow, approval)
    assert people.owner.wait_workflow(workflow)["status"] == "completed"
    check_release(stack, workflow)
    assert no_leftovers(stack)
    assert os.path.exists("/etc/passwd")


def test_g08_kill_9_at_random_moments(own_people):
    """Of both processes, from the decision on."""
    people, stack = own_people, own_people.stack
    rng = random.Random(5)
    workflows = []
    for _ in range(8):
        workflow, approval = waiting(people.owner)
        workflows.append(workflow)
        approved(people.ann, workflow, approval)
        time.sleep(rng.random() * 0.2)
        names = rng.choice((("api",), ("supervisor",), ("supervisor", "api")))
        for name in names:
            stack.kill(name)
        for name in names:
            stack.restart(name)
    for workflow in workflows:
        data = people.owner.wait_workflow(workflow)
        assert data["status"] == "completed", data
        check_release(stack, workflow)
    assert no_leftovers(stack)
    done = run_cli("audit", "verify", "--json", "--state-dir",
                   stack.dir / "supervisor", check=False)
    assert json.loads(done.stdout)["intact"], done.stdout


def test_g08_no_room_for_the_release():
    place = Path(make_directory())
    with small_disk(place, "1m") as disk:
        disk.chmod(0o755)
        people = People.up(PROMPTCRAFT_RELEASE_DIR=str(disk / "releases"),
                           PROMPTCRAFT_RELEASE_MIN_FREE="0")
        try:
            workflow, approval = waiting(people.owner)
            fill(disk / "fill")
            approved(people.ann, workflow, approval)
            step = wait_for(
                lambda: document(people.stack, workflow)["execution_plan"][-1],
                lambda step: "waiting_for" in step, 30)
            assert "No space left" in step["waiting_for"]
            # Now and then it tries again.
            wait_for(lambda: {p.name for p in (disk / "releases").iterdir()},
                     lambda names: names <= {".lock"})
            assert records_of(people.stack, workflow) == []
            (disk / "fill").unlink()
            data = people.owner.wait_workflow(workflow)
            assert data["status"] == "completed", data
            assert (disk / "releases" / workflow / "manifest.json").exists()
            assert len(records_of(people.stack, workflow)) == 1
        finally:
            people.stack.down()
    shutil.rmtree(place)


# ---- G09: what was done before a wait is not done again ---------------------------------


def test_g09_nothing_is_run_again_after_a_wait(own_people):
    people, stack = own_people, own_people.stack
    workflow, approval = waiting(people.owner)
    before = document(stack, workflow)
    for name in ("api", "supervisor", "api"):
        stack.kill(name)
        stack.restart(name)
    approved(people.ann, workflow, approval)
    data = people.owner.wait_workflow(workflow)
    assert data["status"] == "completed"
    jobs = [r for r in audit(stack, "job_begin") if r["workflow"] == workflow]
    assert [r["policy"] for r in jobs] == ["standard", "analyzer"]
    after = document(stack, workflow)
    assert (after["artifacts"]["test_results"] ==
            before["artifacts"]["test_results"])
    asked = [e for e in after["history"] if e["event"] == "approval_requested"]
    assert len(asked) == 1
    check_release(stack, workflow)


# ---- G12: secrets stay where they are --------------------------------------------------


def test_g12_no_secret_in_logs_lists_or_the_audit_log(own_people):
    people, stack = own_people, own_people.stack
    canary = {name: f"CANARY-{name}-{secrets.token_hex(8)}" for name in
              ("goal", "code", "comment", "stdin", "file")}
    workflow, approval = waiting(
        people.owner, goal=f"Compute squares with {canary['goal']}",
        code=CODE + f"KEY = '{canary['code']}'\nprint(KEY)\n",
        stdin=canary["stdin"],
        files=[{"path": "secret.txt", "content": canary["file"]}])
    problem(decide(people.ann, workflow, approval, digest="0" * 64,
                   comment=canary["comment"]), 409)
    listing = str(people.ann.get("/api/v3/approvals?status=all").json())
    approved(people.ann, workflow, approval, comment=canary["comment"])
    assert people.owner.wait_workflow(workflow)["status"] == "completed"
    edit(stack, workflow, lambda doc: None)
    texts = {"logs": stack.logs(), "list": listing.replace(
        canary["goal"], "")}
    for path in (stack.dir / "supervisor").rglob("*"):
        if path.is_file():
            texts[str(path)] = path.read_bytes().decode(errors="replace")
    with database(stack) as db:
        for kind, text in db.execute("SELECT delivery_id, document FROM "
                                     "delivery"):
            texts[f"delivery {kind}"] = text.replace(canary["goal"], "")
    for where, text in texts.items():
        for name, secret in canary.items():
            assert secret not in text, f"{name} in {where}"
        assert people.ann.token not in text, f"token in {where}"
        assert people.ann.password not in text, f"password in {where}"
