# SPDX-License-Identifier: Apache-2.0
"""kill -9 of API and supervisor at random moments while a model plans, writes
and mends programs: every workflow ends as it should, and nothing is paid for
twice.

The scripted model takes its time, so that most kills meet calls in flight.  Two
kinds of it: one that knows Idempotency-Keys, and so charges once for a question
however often it is put; and one that charges for each answer.  With either, a
question whose answer was heard (and so is on the disk) is not put again.  A plan
is a question like the others.

PROMPTCRAFT_FAULT_WORKFLOWS says how many workflows, PROMPTCRAFT_FAULT_SEED which
moments; a failure prints its seed.
"""

import collections
import json
import os
import random
import re
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from model_server import ModelServer, fenced
from promptcraft import make_directory
from world import World

WORKFLOWS = int(os.environ.get("PROMPTCRAFT_FAULT_WORKFLOWS", "12"))
CLIENTS = 12
# Then at the first moment at which a call is in flight.
KILL_PAUSE_S = (0.0, 0.6)
PLAN_STEP = 1
KILLS = 6  # then all may come to their end
PUT_MAX = 3  # CALL_TRIES_MAX of api/workflow/step_call.c
VERSIONS = [
    "def add(a, b):\n    return a\n",
    "def add(a, b):\n    return a - b if b == 3 else a + b\n",
    "def add(a, b):\n    return a + b\n",
]
STEPS = ["Write the addition.", "Handle a zero."]
TESTS = """from solution import add


def test_two():
    assert add(1, 2) == 3


def test_three():
    assert add(0, 3) == 3


def test_zero():
    assert add(7, 0) == 7
"""


class CountingServer(ModelServer):
    """Answers late, and remembers when each answer was out."""

    def __init__(self, charges_twice, rng):
        super().__init__(charges_twice=charges_twice)
        self.rng, self.cut_at = rng, 0

    def take(self, call):
        answer = super().take(call)
        with self.lock:
            answer["seconds"] = self.rng.choice((0.1, 0.4, 0.8, 1.5))
        return answer

    def answered(self, call, answer):
        call.at = time.monotonic()

    def may_cut(self):
        """Is a call in flight, and none that is put for the last time, or will
        be at any moment?  One that crashes us again and again is given up in
        the end."""
        with self.lock:
            calls = self.calls + self.plan_calls
        put = collections.Counter(call.id for call in calls)
        latest = {call.id: call for call in calls}
        open_ = [call for call in latest.values() if not call.is_answered]
        flying = [call for call in open_ if call.begun > self.cut_at]
        return bool(flying) and all(
            put[call.id] + (call.begun <= self.cut_at) < PUT_MAX
            for call in open_)


class Way:
    """One workflow: a plan, and so many versions until its program is right."""

    def __init__(self, number, server):
        self.name, self.versions = f"way-{number}", number % 3 + 1
        self.questions = 1 + self.versions
        versions = VERSIONS[-self.versions:]
        server.script_plan(self.name, json.dumps({"steps": STEPS}))
        # A question is told by what it is about, not by its number: one that
        # is put again gets the same answer.
        server.script(self.name, *[
            {"text": fenced("solution.py", code)
             + fenced("test_solution.py", TESTS)} for code in versions])
        self.server = server

    def go(self, world):
        client = world.client()
        reply = client.post("/api/v3/execute", {
            "goal": f"Add two numbers [{self.name}]",
            "context": {"language": "python", "execution_preferences": {
                "require_approval": False, "max_iterations": 5}}})
        assert reply.status == 202, reply
        self.id = reply.data["workflow_id"]
        self.data = client.wait_workflow(self.id, seconds=600)


class Killer(threading.Thread):
    """First each node's API, while the workflows are being planned; then API
    twice as often as the supervisor."""

    def __init__(self, world, server, rng):
        super().__init__()
        self.world, self.server, self.rng = world, server, rng
        self.done = threading.Event()
        self.kills, self.error = collections.Counter(), None

    def run(self):
        try:
            while sum(self.kills.values()) < KILLS:
                node, name = self.next_victim()
                while not self.server.may_cut():
                    if self.done.wait(0.01):
                        return
                if name == "api":
                    self.server.cut_at = time.monotonic()
                node.kill_and_restart(name)
                self.kills[name] += 1
        except BaseException as error:  # told by the test
            self.error = error

    def next_victim(self):
        count = sum(self.kills.values())
        if count < len(self.world.nodes):
            return self.world.nodes[count], "api"
        self.done.wait(self.rng.uniform(*KILL_PAUSE_S))
        return (self.rng.choice(self.world.nodes),
                self.rng.choice(("api", "api", "supervisor")))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_exc):
        self.done.set()
        self.join()
        assert self.error is None, self.error


# ---- what must hold in the end -------------------------------------------------


def questions_of(calls):
    """{key: its calls}, in the order of the first ones."""
    found = {}
    for call in calls:
        found.setdefault(call.id, []).append(call)
    return found


def check_questions(server, way):
    """As many questions as it needs, the plan's first; each the same, byte for
    byte, each time that it is put; none again once the next one was put."""
    calls = server.all_of(way.name)
    questions = questions_of(calls)
    assert len(questions) == way.questions, [call.id for call in calls]
    assert [group[0].is_plan for group in questions.values()] == (
        [True] + [False] * way.versions)
    for group in questions.values():
        assert len({call.raw for call in group}) == 1
    order = [call.id for call in calls]
    assert order == sorted(order, key=list(questions).index), order
    return questions


def heard(world):
    """{(workflow, is it the plan): how many answers were heard}, by the logs;
    such a line is written when the answer is on the disk."""
    found = collections.Counter()
    for node in world.nodes:
        text = (node.stack.dir / "api.log").read_text(errors="replace")
        for workflow, step in re.findall(
                r"event=model_call workflow=(\S+) step=(\d+) .*"
                r"result=answered", text):
            found[workflow, int(step) == PLAN_STEP] += 1
    return found


def check_heard(world, ways, figures):
    """No more answers than questions: none that was heard was put again."""
    found = heard(world)
    for way in ways:
        plans, programs = found[way.id, True], found[way.id, False]
        assert plans <= 1 and programs <= way.versions, (way.name, found)
        figures["heard"] += plans + programs
        figures["plans_heard"] += plans


def check_plan(way):
    step = way.data["execution_plan"][0]
    assert (step["type"], step["planned_by"]) == ("plan", "model"), step
    assert [goal["description"] for goal in step["sub_goals"]] == STEPS


def kept(world):
    return sum((node.stack.dir / "api.log").read_text(errors="replace").count(
        "event=model_kept ") for node in world.nodes)


@pytest.mark.parametrize("store,charges_twice", [
    ("sqlite", False), ("sqlite", True), ("redis", False)])
def test_kills_with_calls_in_flight(store, charges_twice):
    seed = int(os.environ.get("PROMPTCRAFT_FAULT_SEED",
                              str(random.SystemRandom().randrange(1 << 32))))
    print(f"seed {seed}")
    rng = random.Random(seed)
    directory = Path(make_directory())
    (directory / "prices.ini").write_text(
        "[default]\ninput = 1.00\noutput = 3.00\n")
    with CountingServer(charges_twice, random.Random(seed)) as server:
        world = World(store, receiver=False, env={
            "PROMPTCRAFT_MODEL_URL": server.url,
            "PROMPTCRAFT_MODEL": "scripted-1",
            "PROMPTCRAFT_MODEL_PLANNING": "true",
            "PROMPTCRAFT_MODEL_TIMEOUT": "60",
            "PROMPTCRAFT_PRICES": str(directory / "prices.ini"),
            "DAILY_COST_LIMIT": "1000", "EXECUTION_COST_LIMIT": "100"})
        try:
            ways = [Way(n, server) for n in range(WORKFLOWS)]
            with Killer(world, server, rng) as killer, \
                    ThreadPoolExecutor(CLIENTS) as pool:
                for future in [pool.submit(way.go, world) for way in ways]:
                    future.result()
            check(world, server, ways, killer, charges_twice)
        finally:
            world.down()
            shutil.rmtree(directory)


def check(world, server, ways, killer, charges_twice):
    figures = collections.Counter(workflows=len(ways), **killer.kills)
    for way in ways:
        assert way.data["status"] == "completed", way.data
        assert way.data["artifacts"]["generated_code"] == VERSIONS[-1]
        check_plan(way)
        questions = check_questions(server, way)
        calls = server.all_of(way.name)
        plans = server.plans_of(way.name)
        figures["questions"] += len(questions)
        figures["calls"] += len(calls)
        figures["plan_calls"] += len(plans)
        figures["plans_asked_again"] += len(plans) > 1
        figures["plans_paid"] += sum(call.is_paid for call in plans)
        figures["paid"] += sum(call.is_paid for call in calls)
        # Answered in full, and put again: the answer was on its way to the
        # disk when we were killed.
        figures["lost_on_the_last_yard"] += sum(
            any(call.is_answered and call.at < later.begun for call in group)
            for group in questions.values() for later in group[1:2])
        if not charges_twice:
            assert [sum(call.is_paid for call in group)
                    for group in questions.values()] == [1] * way.questions
    check_heard(world, ways, figures)
    assert figures["heard"] > figures["plans_heard"] > 0, "no line was found"
    figures["taken_from_disk"] = kept(world)
    assert sum(killer.kills.values()) >= 3, killer.kills
    assert figures["calls"] > figures["questions"], "no call was cut off"
    assert figures["plans_asked_again"] > 0, "no plan was cut off"
    print(json.dumps(figures))
