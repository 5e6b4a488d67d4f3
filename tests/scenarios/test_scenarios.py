# SPDX-License-Identifier: Apache-2.0
"""Journey 4 with goals of many kinds and a scripted model: each scenario ends as
its file says, for the reason that it says.  All of them run first, several at a
time, as clients of one server; each test looks at one."""

import json
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import FARED
from promptcraft import Stack, make_directory
from scenario import ScenarioServer, load_all

AT_ONCE = int(os.environ.get("PROMPTCRAFT_SCENARIOS_AT_ONCE", "6"))
ENDS = ("completed", "failed", "cancelled")
SCENARIOS = {one.name: one for one in load_all()}
# What hostile programs try to write.
NOWHERE = ("/etc/cron.d/scenario", "/usr/bin/scenario", "/etc/cron.d/x.py",
           "/lib/systemd/system/scenario.service")


def drive(client, scenario):
    begin = time.monotonic()
    reply = client.post("/api/v3/execute", scenario.request())
    assert reply.status == 202, reply
    workflow = reply.data["workflow_id"]
    scenario.data = client.wait_workflow(workflow, "waiting_approval", 200)
    scenario.seconds = time.monotonic() - begin
    if scenario.data["status"] == "completed":
        scenario.files = released(client, workflow)
    elif scenario.data["status"] not in ENDS:
        client.post(f"/api/v3/execute/cancel/{workflow}", {})


def released(client, workflow):
    """{path: bytes} of the release, as a client gets it."""
    path = f"/api/v3/execute/artifacts/{workflow}"
    return {file["path"]: client.get(f"{path}?path={file['path']}").body
            for file in client.get(path).data["files"]}


@pytest.fixture(scope="session")
def world():
    directory = make_directory()
    prices = Path(directory) / "prices.ini"
    prices.write_text("[default]\ninput = 1.00\noutput = 3.00\n")
    with ScenarioServer(SCENARIOS.values()) as server:
        stack = Stack.up(env={
            "PROMPTCRAFT_MODEL_URL": server.url,
            "PROMPTCRAFT_MODEL": "scripted-1",
            "PROMPTCRAFT_MODEL_KEY": "sk-scenarios",
            "PROMPTCRAFT_MODEL_TIMEOUT": "8",
            "PROMPTCRAFT_PRICES": str(prices),
            "PROMPTCRAFT_RETRY_BASE_MS": "50",
            "DAILY_COST_LIMIT": "1000"})
        client = stack.client()
        try:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                runs = [pool.submit(drive, client, one)
                        for one in SCENARIOS.values()]
            for scenario, run in zip(SCENARIOS.values(), runs):
                if run.exception() is not None:
                    scenario.problems.append(repr(run.exception()))
            yield server
        finally:
            stack.down()
            shutil.rmtree(directory)


# ---- one scenario --------------------------------------------------------------


def check_end(scenario, data):
    assert data["status"] == scenario["expect"], (data["status"],
                                                  data.get("error"))
    if scenario["reason"] is not None:
        assert scenario["reason"] in data["error"], data["error"]
    if data["status"] == "failed":
        assert data["error"]


def check_calls(scenario, server):
    calls = server.of(scenario.name)
    if scenario["calls"] is not None:
        assert len(calls) == scenario.number("calls"), [c.id for c in calls]
    if scenario["same-call"] is not None:
        assert len({(call.id, call.raw) for call in calls}) == 1
        assert sum(call.is_paid for call in calls) == 1
    if scenario["waits"] is not None:
        assert calls[1].begun - calls[0].begun >= scenario.number("waits")
    check_mendings(scenario, server.mendings_of(scenario.name))
    for call in calls:
        assert scenario["goal"].split("\\n")[0] not in call.system


def check_mendings(scenario, mendings):
    """What a mending must be told (scenario.py), one was told."""
    wanted = scenario.keys.get("feedback", [])
    assert len(mendings) >= len(wanted), mendings
    if scenario["tells"] is not None or scenario["findings"] is not None:
        assert mendings


def check_versions(scenario, data):
    records = data.get("iterations", [])
    if scenario["iterations"] is not None:
        assert len(records) == scenario.number("iterations"), records
    for record in records:
        assert record["code"] and record["outcome"], record
    if scenario["settled"] is not None:
        assert scenario["settled"] in json.dumps(data), data
    if scenario["best"] is not None:
        best = records[scenario.number("best")]
        assert data["artifacts"]["generated_code"] == best["code"]
    if scenario["contains"] is not None:
        assert scenario["contains"] in data["artifacts"]["generated_code"]


def check_release(scenario, data):
    """Code, tests, what the jail said, and every version that was tried."""
    kept = json.loads(scenario.files["iterations.json"])
    assert kept == data["iterations"]
    code = data["artifacts"]["generated_code"].encode()
    assert code in scenario.files.values()
    assert data["artifacts"]["test_results"]["outcome"] in ("passed",
                                                            "completed")


def check_secrets(scenario, data):
    text = json.dumps(data)
    for line in Path(scenario["never-of"]).read_text().splitlines():
        assert line not in text


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(world, name):
    scenario = SCENARIOS[name]
    fared = [scenario, False]
    FARED.append(fared)
    data = scenario.data
    assert data is not None, scenario.problems
    check_end(scenario, data)
    check_calls(scenario, world)
    check_versions(scenario, data)
    if data["status"] == "completed":
        check_release(scenario, data)
    if scenario["risk"] is not None:
        [pending] = data["pending_approvals"]
        assert pending["risk_level"] == scenario["risk"], pending
    if scenario["never-of"] is not None:
        check_secrets(scenario, data)
    assert scenario.problems == []
    fared[1] = True


def test_nothing_got_out(world):
    assert [path for path in NOWHERE if Path(path).exists()] == []
