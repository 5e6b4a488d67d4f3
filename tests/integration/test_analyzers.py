# SPDX-License-Identifier: Apache-2.0
"""Analyzers as jails: who may run them, under which policy, and with what."""

import json

import pytest
from promptcraft import run_cli

SCRIPT = "#!/bin/sh\nrm -rf $1/*\n"


@pytest.fixture
def jail(stack, tmp_path):
    def run(policy, runtime, name, text):
        path = tmp_path / name
        path.write_text(text)
        done = run_cli("jail", "run", "--socket", stack.socket, "--json",
                       "--policy", policy, "--runtime", runtime, path,
                       check=False)
        assert done.stdout, done.stderr
        return json.loads(done.stdout)
    return run


@pytest.fixture
def report(jail):
    """What an analyzer of ours prints about a source."""
    def run(runtime, name, text):
        job = jail("analyzer", runtime, name, text)
        assert job["outcome"] == "completed", job
        report = json.loads(job["stdout"])
        assert report["format"] == 1
        return report
    return run


def rules_of(report):
    assert report["status"] == "ok", report
    return [(f["rule"], f["line_start"]) for f in report["findings"]]


def test_an_analyzer_reads_a_source_in_its_own_policy(jail):
    job = jail("analyzer", "analyze-shellcheck", "source.sh", SCRIPT)
    assert job["outcome"] == "completed"
    assert job["policy"]["name"] == "analyzer"
    found = json.loads(job["stdout"])["comments"]
    assert 2115 in [c["code"] for c in found]


@pytest.mark.parametrize("silence", [
    "# shellcheck disable=all\n", "#shellcheck disable=SC2115,SC2086\n",
    "# shellcheck shell=sh disable=SC2115\n"])
def test_a_script_cannot_silence_shellcheck(jail, silence):
    text = SCRIPT.replace("rm", silence + "rm")
    job = jail("analyzer", "analyze-shellcheck", "source.sh", text)
    assert job["outcome"] == "completed"
    found = {c["code"]: c for c in json.loads(job["stdout"])["comments"]}
    assert found[2115]["line"] == text[:text.index("rm")].count("\n") + 1


def test_the_analyzers_policy_runs_nothing_else(jail):
    job = jail("analyzer", "shell", "solution.sh", "echo hello\n")
    assert (job["outcome"], job["reason"]) == ("error", "refused")
    assert job["error"] == "runtime: shell does not run under policy analyzer"
    job = jail("standard", "shell", "solution.sh", "echo hello\n")
    assert job["stdout"] == "hello\n"


@pytest.mark.parametrize("name", ["analyze-shellcheck", "analyze-python",
                                  "ANALYZE-SHELLCHECK"])
def test_a_client_cannot_name_an_analyzer(client, name):
    reply = client.post("/api/v3/jobs", {"language": name, "code": SCRIPT})
    assert reply.status == 422 and reply.json()["field"] == "language"
    # Nor is it told that there are any.
    assert reply.json()["detail"].endswith(
        "there are: c, javascript, python, shell")


@pytest.mark.parametrize("body", [{"security_level": "analyzer"},
                                  {"policy": "analyzer"}])
def test_a_client_cannot_name_their_policy(client, body):
    reply = client.post("/api/v3/jobs", {"language": "shell", "code": SCRIPT,
                                         **body})
    assert reply.status == 422 and reply.json()["field"] == next(iter(body))


def test_javascript_is_analysed_in_the_jail(report):
    found = report("analyze-javascript", "source.js",
                   "const f = (req, res) =>\n  db.query('SELECT a FROM b WHERE "
                   "c = ' + req.query.d);\nmodule.exports = f;\n")
    assert rules_of(found) == [("javascript/sql-injection", 2)]


@pytest.mark.parametrize("source,reason", [
    ("let a = 1;\nlet = ;\n", "line 2: syntax error"),
    ("(" * 100000, "the source is nested too deeply"),
    ("a + " * 50000 + "b", "the source is nested too deeply"),
    ("let a: number = 1;\n",
     "line 1: this is TypeScript or Flow, which is not analysed"),
], ids=["syntax", "nested", "chained", "typed"])
def test_javascript_that_is_not_analysed_says_why(report, source, reason):
    found = report("analyze-javascript", "source.js", source)
    assert (found["status"], found["reason"]) == ("not_analysed", reason)


def test_python_is_analysed_in_the_jail(report):
    found = report("analyze-python", "source.py",
                   "def f(db, name):\n    q = f\"SELECT a FROM b WHERE c = "
                   "'{name}'\"\n    return db.execute(q)\n")
    assert rules_of(found) == [("python/sql-injection", 3)]
    assert found["findings"][0]["message"].startswith("SQL injection: ")


@pytest.mark.parametrize("source,reason", [
    ("a = 1\nb = = 2\n", "line 2: invalid syntax"),
    ("print 'a'\n", "line 1: Missing parentheses in call to 'print'. Did you "
     "mean print(...)? (it looks like Python 2)"),
    ("(" * 100000, "line 1: too many nested parentheses"),
    ("a = " + "-" * 100000 + "1", "it is nested too deeply for the parser"),
    ("a + " * 200000 + "b", "it is nested too deeply for the parser"),
    ("# coding: rot13\na = 1\n",
     "its encoding is not one that is read: rot13"),
], ids=["syntax", "python2", "nested", "unary", "chained", "encoding"])
def test_python_that_is_not_analysed_says_why(report, source, reason):
    found = report("analyze-python", "source.py", source)
    assert (found["status"], found["reason"]) == ("not_analysed", reason)


def test_a_mark_in_a_python_source_hides_nothing(report):
    found = report("analyze-python", "source.py",
                   "import hashlib\nx = hashlib.md5(b'a')  # nosec\n")
    assert rules_of(found) == [("python/weak-hash", 2)]
    assert found["findings"][0]["confidence"] == "low"
    assert found["findings"][0]["message"].endswith("marked nosec.)")
