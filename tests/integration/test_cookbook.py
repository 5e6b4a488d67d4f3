# SPDX-License-Identifier: Apache-2.0
"""The offline cookbook: each recipe passes its tests in a jail and does not
when its program is made wrong; and journeys whose code it writes."""

import configparser

import pytest
from model_server import ModelServer
from promptcraft import REPO, SLOWNESS, Stack

RECIPES = REPO / "api" / "cookbook" / "recipes"
NAMES = sorted(path.name for path in RECIPES.iterdir())
NO_APPROVAL = {"execution_preferences": {"require_approval": False}}
# For each recipe a fault that its tests must find, and the fewest tests.
FAULTS = {
    "cli-python": (" + 1\n", " + 2\n", 16),
    "csv-json-python": ('"no": False', '"no": True', 29),
    "jwt-javascript": ("header.alg !== ALGORITHM", "header.alg === 'x'", 20),
    "jwt-python": ('header.get("alg") != ALGORITHM', "not header", 31),
    "log-python": ("entry.status >= 500", "entry.status > 500", 15),
    "log-shell": ("[1-5][0-9][0-9]", "[0-9][0-9][0-9]", 25),
    "lru-cache-c": ("entry->ends <= now", "entry->ends < now", 22),
    "lru-cache-python": ("if ends > self._clock():\n            return",
                         "if ends >= self._clock():\n            return", 20),
    "password-python": ("n & (n - 1)", "0", 19),
    "pipeline-python": ("count.given += 1", "count.given += 2", 23),
    "rate-limit-python": ("if cost <= bucket.tokens", "if True", 18),
    "retry-javascript": ("2 ** (attempt - 1)", "2 ** attempt", 15),
    "retry-python": ("attempt >= self.attempts", "attempt > self.attempts",
                     21),
    "sanitize-python": ("quote=True", "quote=False", 27),
    "sql-python": (" AND version = ?\",\n                (user.email",
                   " AND version > -?\",\n                (user.email", 17),
    "url-python": ("if inner is not None", "if False", 20),
}


# An emulated processor takes minutes for scrypt; strict gives half of one.
LEVEL = {"security_level": "strict"}
if SLOWNESS > 1:
    LEVEL_OF = {"password-python": {"security_level": "permissive",
                                    "limits": {"timeout_seconds": 300}}}
else:
    LEVEL_OF = {}


class Recipe:
    def __init__(self, name):
        parser = configparser.ConfigParser(strict=False, interpolation=None)
        text = (RECIPES / name / "recipe.ini").read_text()
        parser.read_string(text)
        self.data = parser["recipe"]
        self.folder = RECIPES / name
        self.files = [line.partition("=")[2].strip()
                      for line in text.splitlines()
                      if line.startswith("file =")]

    def text(self, name):
        return (self.folder / name).read_text()

    def job(self, code=None):
        code_path, tests_path = self.data["code"], self.data["tests"]
        return {"language": self.data["language"],
                "code": code or self.text(code_path), "code_path": code_path,
                "tests": self.text(tests_path), "tests_path": tests_path,
                "files": [{"path": name, "content": self.text(name)}
                          for name in self.files],
                **LEVEL_OF.get(self.folder.name, LEVEL)}


def test_every_recipe_has_a_fault_here():
    assert sorted(FAULTS) == NAMES
    assert len(NAMES) >= 12
    languages = {Recipe(name).data["language"] for name in NAMES}
    assert languages == {"python", "javascript", "c", "shell"}


@pytest.mark.parametrize("name", NAMES)
def test_recipe_passes_in_a_jail(client, name):
    data = client.job(**Recipe(name).job())
    assert data["outcome"] == "passed", data
    assert data["tests"]["passed"] >= FAULTS[name][2], data["tests"]
    assert data["tests"]["skipped"] == 0
    assert data["denials_total"] == 0, data["denials"]


@pytest.mark.parametrize("name", NAMES)
def test_recipe_with_a_fault_fails(client, name):
    recipe = Recipe(name)
    old, new, _ = FAULTS[name]
    code = recipe.text(recipe.data["code"])
    assert old in code
    data = client.job(**recipe.job(code.replace(old, new)))
    assert data["outcome"] == "failed", data


@pytest.mark.parametrize("name", NAMES)
def test_our_analyzers_find_nothing_in_a_recipe(client, name):
    recipe = Recipe(name)
    path = recipe.data["code"]
    reply = client.post("/api/v3/analyze", {
        "analysis_type": "security",
        "context": {"files": [
            {"path": path, "content": recipe.text(path),
             "language": recipe.data["language"]},
            *({"path": name, "content": recipe.text(name)}
              for name in recipe.files)]},
        "options": {"severity_threshold": "medium"}})
    data, meta = reply.data, reply.json()["metadata"]
    ours = [tool for tool in meta["tools"]
            if tool["name"] == recipe.data["language"]]
    assert {tool["status"] for tool in ours} == {"completed"}, meta
    assert data["not_analysed"] == []
    assert data["suggestions"] == []


# ---- journeys ----------------------------------------------------------------


def test_a_goal_gets_its_recipe(client):
    data = client.wait_workflow(client.execute(
        "Create a secure JWT authentication function for Martians",
        NO_APPROVAL))
    assert data["status"] == "completed", data
    assert data["artifacts"]["generated_code"] == Recipe(
        "jwt-python").text("jwt_tokens.py")
    assert data["artifacts"]["test_results"]["success_rate"] == 1
    assert data["sources"]["code"] == "cookbook"
    assert data["sources"]["tests"] == "cookbook"
    recipe = data["sources"]["recipe"]
    assert recipe["name"] == "jwt-python"
    assert recipe["not_about"] == ["martians"]
    text = data["artifacts"]["documentation"]
    assert "not written for this goal" in text
    assert recipe["does"] in text and "martians" in text
    assert data["metrics"]["total_cost"] == 0
    assert data["execution_plan"][0]["agent"] == "security_agent"
    assert "cookbook" in data["execution_plan"][0]["description"]


@pytest.mark.parametrize("goal,language,name", [
    ("Implement an LRU cache", "c", "lru-cache-c"),
    ("Summarise nginx access logs", "shell", "log-shell"),
    ("Retry with exponential backoff", "javascript", "retry-javascript"),
])
def test_other_languages(client, goal, language, name):
    data = client.wait_workflow(client.execute(
        goal, {**NO_APPROVAL, "language": language}))
    assert data["status"] == "completed", data
    assert data["sources"]["recipe"]["name"] == name


def test_people_see_what_it_is(client):
    workflow_id = client.execute("Implement a rate limiter")
    data = client.wait_workflow(workflow_id, "waiting_approval")
    approval_id = data["pending_approvals"][0]["approval_id"]
    shown = client.get(f"/api/v3/approvals/{approval_id}").data["document"]
    assert "rate-limit-python" in shown
    assert "not written for this goal" in shown
    client.post(f"/api/v3/execute/cancel/{workflow_id}")


@pytest.mark.parametrize("goal,context,reason", [
    ("Paint the sky in a deeper blue", {}, "no recipe fits; there are: cli"),
    ("Implement an LRU cache in Rust", {}, "nothing like it in rust"),
    ("Implement an LRU cache", {"language": "javascript"},
     "nothing like it in javascript"),
    ("Implement an LRU cache", {"tests": "def test(): pass"},
     "its own tests"),
])
def test_what_it_does_not_have(client, goal, context, reason):
    data = client.wait_workflow(client.execute(goal, {**NO_APPROVAL,
                                                      **context}))
    assert data["status"] == "failed"
    assert reason in data["error"], data["error"]
    assert "AZURE_OPENAI_ENDPOINT" in data["error"]
    assert data["execution_plan"][0]["status"] == "failed"
    assert "generated_code" not in data["artifacts"]


def test_code_that_is_given_goes_first(client):
    code = "print('mine')\n"
    data = client.wait_workflow(client.execute(
        "Implement an LRU cache", {**NO_APPROVAL, "code": code}))
    assert data["artifacts"]["generated_code"] == code
    assert data["sources"]["code"] == "context.code"
    assert "documentation" not in data["artifacts"]


def test_the_cookbook_mends_no_program(client):
    data = client.wait_workflow(client.execute(
        "Implement an LRU cache", {
            **NO_APPROVAL, "code": "def f(): return 1\n",
            "tests": "from solution import f\ndef test_f(): assert f() == 2"}))
    assert data["status"] == "failed"
    assert "1 of 1 tests failed" in data["error"]
    assert data["artifacts"]["generated_code"] == "def f(): return 1\n"
    assert len(data["iterations"]) == 1


def test_a_model_that_fails_is_not_replaced():
    with ModelServer() as server:
        server.script("broken", "I have no code for you.")
        stack = Stack.up(env={"PROMPTCRAFT_MODEL_URL": server.url,
                              "PROMPTCRAFT_MODEL": "m",
                              "ENABLE_COST_TRACKING": "false"})
        try:
            client = stack.client()
            data = client.wait_workflow(client.execute(
                "Implement an LRU cache [broken]", NO_APPROVAL))
            assert data["status"] == "failed"
            assert "no code block" in data["error"]
            assert "generated_code" not in data["artifacts"]
        finally:
            stack.down()


def test_none():
    stack = Stack.up(env={"PROMPTCRAFT_COOKBOOK_DIR": "none"})
    try:
        client = stack.client()
        data = client.wait_workflow(client.execute(
            "Implement an LRU cache", NO_APPROVAL))
        assert data["status"] == "failed"
        assert "PROMPTCRAFT_COOKBOOK_DIR" in data["error"]
    finally:
        stack.down()
