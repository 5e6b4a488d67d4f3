# SPDX-License-Identifier: Apache-2.0
"""Journey 3: POST /api/v3/analyze with real analyzers in real jails; SARIF; the
legacy route; actions that are sent as they are; promptcraft analyze."""

import copy
import json
import os
import re
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import sarif
from model_server import ModelServer, good
from promptcraft import SLOWNESS, Stack, problem, run_cli, wait_for

PATH = "/api/v3/analyze"
# As the acceptance suite has it, indented and all.
LOGIN = '''
        def authenticate_user(username, password):
            # This function has security issues for testing
            query = f"SELECT * FROM users WHERE username = '{username}' AND password = '{password}'"
            return database.execute(query)
        '''
CLEAN = '''def find(database, name):
    """Rows of that name."""
    return database.execute("SELECT id FROM users WHERE name = ?", (name,))
'''
SAMPLES = {
    "python": ("a.py", "import os\n\n\ndef run(name):\n"
               "    os.system('ls ' + name)\n"),
    "c": ("a.c", "#include <stdio.h>\n#include <string.h>\n\n"
          "int main(int argc, char **argv)\n{\n\tchar b[8];\n\n"
          "\tif (argc > 1)\n\t\tstrcpy(b, argv[1]);\n"
          "\tputs(b);\n\treturn 0;\n}\n"),
    "javascript": ("a.js", "const cp = require('child_process');\n\n"
                   "function run(name) {\n"
                   "  cp.exec('ls ' + name);\n}\nmodule.exports = run;\n"),
    "shell": ("a.sh", "#!/bin/bash\neval \"$1\"\n"),
}


def ask(client, text, headers=None, options=None, kind=None, **context):
    body = {"context": {"file_content": text, **context}}
    if kind is not None:
        body["analysis_type"] = kind
    if options is not None:
        body["options"] = options
    return client.post(PATH, body, headers=headers)


# ---- the answer -------------------------------------------------------------


def test_the_users_own_example(client):
    reply = ask(client, LOGIN, file_path="auth.py", language="python",
                kind="security", options={"include_suggestions": True,
                                          "severity_threshold": "medium"})
    data, meta = reply.data, reply.json()["metadata"]
    (finding,) = [s for s in data["suggestions"]
                  if "sql injection" in s["description"].lower()]
    assert finding["type"] == "security"
    assert finding["severity"] in ("high", "critical")
    assert 2 <= finding["line_start"] <= finding["line_end"] <= 5
    # Of the text as it was sent, not as it was dedented.
    line = LOGIN.splitlines()[finding["line_start"] - 1]
    assert len(line) - len(line.lstrip()) < finding["column"] <= len(line)
    assert finding["cwe"] == "CWE-89" and finding["path"] == "auth.py"
    assert re.fullmatch(r"[0-9a-f-]{36}", finding["id"])
    for name in ("title", "recommendation", "rule", "confidence", "owasp"):
        assert finding[name], name
    assert finding["references"] and finding["tools"]
    assert data["analysed"] is True and data["not_analysed"] == []
    assert data["primary_agent"] == "security_agent"
    assert 0.5 < data["confidence_score"] <= 1
    assert data["security_analysis"]["overall_score"] < 100
    assert data["security_analysis"]["compliance_status"][
        "owasp_compliant"] is False
    assert "auth" in data["executable_actions"][0]["request"]["body"]["goal"]
    assert meta["tools_used"][0] == "heimdall"
    assert len(meta["tools_used"]) > 1
    assert meta["cost"] == 0 and meta["processing_time_ms"] < 10000


def test_clean_code_is_clean(client):
    data = ask(client, CLEAN, file_path="a.py", kind="security").data
    assert data["suggestions"] == [] and data["executable_actions"] == []
    assert data["security_analysis"]["overall_score"] == 100
    assert data["security_analysis"]["vulnerabilities"] == []
    assert data["analysis_summary"].startswith("Nothing found")


@pytest.mark.parametrize("language", sorted(SAMPLES))
def test_each_language_is_told_and_looked_at(client, language):
    path, text = SAMPLES[language]
    for context in ({"file_path": path}, {"language": language}):
        data = ask(client, text, kind="security", **context,
                   options={"severity_threshold": "low"}).data
        assert data["languages"] == [language]
        assert data["analysed"] is True, data["not_analysed"]
        assert data["suggestions"], data["analysis_summary"]


@pytest.mark.parametrize("word", ["py", "Python", "python3"])
def test_other_names_of_a_language(client, word):
    assert ask(client, CLEAN, language=word).data["languages"] == ["python"]


def test_a_text_of_no_language_is_told_as_not_analysed(client):
    reply = ask(client, "Dear Sir or Madam,\n")
    data, meta = reply.data, reply.json()["metadata"]
    assert data["analysed"] is False
    assert data["security_analysis"]["overall_score"] is None
    assert data["not_analysed"][0]["reason"]
    assert "context.language" in data["hint"]
    assert "Not analysed" in data["analysis_summary"]
    assert meta["tools_used"] == [] and data["confidence_score"] == 0


def test_a_language_without_an_analyzer(client):
    data = ask(client, "puts 'x'\n", language="ruby").data
    assert data["analysed"] is False
    assert data["security_analysis"]["overall_score"] is None


def test_code_that_cannot_be_parsed_is_not_clean(client):
    data = ask(client, "def (:\n", language="python").data
    assert data["analysed"] is False
    assert data["security_analysis"]["overall_score"] is None
    assert data["not_analysed"][0]["tool"]


def test_options(client):
    text = SAMPLES["python"][1] * 4
    some = ask(client, text, language="python",
               options={"max_suggestions": 2}).json()
    assert len(some["data"]["suggestions"]) == 2
    assert some["metadata"]["findings_total"] >= 4
    none = ask(client, text, language="python",
               options={"include_suggestions": False}).data
    assert none["suggestions"] == []
    assert none["security_analysis"]["vulnerabilities"]
    plain = ask(client, text, language="python",
                options={"include_examples": False}).data
    assert all("example_fix" not in s for s in plain["suggestions"])
    high = ask(client, text, language="python",
               options={"severity_threshold": "high"}).data
    assert all(s["severity"] in ("high", "critical")
               for s in high["suggestions"])


def test_several_files_in_one_request(client):
    files = [{"path": path, "content": text}
             for path, text in SAMPLES.values()]
    reply = client.post(PATH, {"context": {"files": files},
                               "options": {"max_suggestions": 100,
                                           "severity_threshold": "low"}})
    data = reply.data
    assert sorted(data["languages"]) == sorted(SAMPLES)
    assert {s["path"] for s in data["suggestions"]} == {
        path for path, _ in SAMPLES.values()}


# ---- programs of several files -----------------------------------------------

MAIN = """#include "util.h"
#include "inc/buffer.h"
#include "include/top.h"
#include "../include/top.h"

int
main(void)
{
	return buffer_size() + util() + TOP;
}
"""
PROGRAM = {
    "src/main.c": MAIN,
    "src/util.h": '#ifndef U\n#define U\n#include "inc/buffer.h"\n'
                  "static inline int util(void) { return SIZE; }\n#endif\n",
    "src/inc/buffer.h": "#ifndef B\n#define B\n#define SIZE 3\n"
                        '#include "../util.h"\n'
                        "static inline int buffer_size(void) { return 1; }\n"
                        "#endif\n",
    "include/top.h": "#ifndef TOP\n#define TOP 1\n#endif\n",
}
FAULT = """#ifndef FAULT
#define FAULT
#include <stdlib.h>
static inline int twice(int n)
{
	int numbers[4] = {0};
	char *p = malloc(4);

	free(p);
	free(p);
	return numbers[n > 0 ? 7 : 5];
}
#endif
"""


def ask_files(client, files):
    return client.post(PATH, {
        "context": {"files": [{"path": path, "content": text}
                              for path, text in files.items()]},
        "options": {"max_suggestions": 100, "severity_threshold": "low"}})


def test_a_program_finds_its_headers(client):
    reply = ask_files(client, PROGRAM)
    assert reply.data["not_analysed"] == []
    assert reply.data["security_analysis"]["overall_score"] == 100
    tools = reply.json()["metadata"]["tools"]
    assert {tool["status"] for tool in tools} == {"completed"}
    assert {tool["path"] for tool in tools} == set(PROGRAM)


def test_without_a_header_it_is_not_analysed(client):
    files = dict(PROGRAM)
    del files["include/top.h"]
    gaps = ask_files(client, files).data["not_analysed"]
    assert [(gap["path"], gap["tool"]) for gap in gaps] == [
        ("src/main.c", "gcc")]
    assert "top.h" in gaps[0]["reason"]


def test_a_fault_in_a_header_is_told_once(client):
    users = {f"src/{name}.c": f'#include "../inc/fault.h"\n\nint {name}(void);'
             f"\n\nint\n{name}(void)\n{{\n\treturn twice({name[1]});\n}}\n"
             for name in ("f1", "f2")}
    alone = ask_files(client, {"inc/fault.h": FAULT}).data
    data = ask_files(client, {**users, "inc/fault.h": FAULT}).data
    assert data["not_analysed"] == []
    assert {s["path"] for s in data["suggestions"]} == {"inc/fault.h"}
    found = [(s["rule"], s["line_start"]) for s in data["suggestions"]]
    assert len(found) == len(set(found)), found
    assert 10 in {line for _, line in found}
    assert {s["rule"] for s in alone["suggestions"]} <= {
        rule for rule, _ in found}


def test_no_line_directive_hides_a_fault(client):
    for name in ("/usr/include/stdio.h", "nobody.h", "a\tb.h"):
        text = f'#include <stdlib.h>\n#line 1 "{name}"\n' + FAULT.partition(
            "FAULT\n#define FAULT\n")[2].replace("#endif\n", "").replace(
                "static inline", "")
        data = ask_files(client, {"a.c": text, "b.h": "int b;\n"}).data
        assert any(s["path"] == "a.c" for s in data["suggestions"]), name


@pytest.mark.parametrize("path", [
    "source.c/x.h", "source.c", "-x.h", "-rf/-o.h", "--help.h", "@x.h",
    "../../../etc/x.h", "/etc/x.h", "a//b.h", "a/../b.h", "x" * 240 + ".h",
    "d/" * 100 + "x.h", "a b;id.h", "stdio.h", "\u202eh.h"])
def test_a_headers_name_is_nobodys_argument(client, path):
    reply = ask_files(client, {**PROGRAM, path: "int x;\n",
                               "src/" + path: "int y;\n",
                               "source.h": "int z;\n"})
    if reply.status == 422:  # not a path that a request may have
        return
    tools = reply.json()["metadata"]["tools"]
    assert {tool["status"] for tool in tools
            if tool["path"] == "src/main.c"} == {"completed"}, reply.data[
                "not_analysed"]


def test_a_folder_that_a_tool_takes_for_its_own_is_not_clean(client):
    data = ask_files(client, {"a.c": "int a;\n",
                              "posix.cfg/x.h": "int x;\n"}).data
    assert "cppcheck" in {gap["tool"] for gap in data["not_analysed"]}
    assert data["security_analysis"]["overall_score"] is None


def test_data_of_a_program_takes_no_score(client):
    data = ask_files(client, {**PROGRAM, "a.csv": "a,b\n", "b.json": "{}\n",
                              "README.md": "# It\n\n    set -e\n"}).data
    assert data["security_analysis"]["overall_score"] == 100
    assert {gap["path"]: gap["reason"] for gap in data["not_analysed"]} == \
        dict.fromkeys(("a.csv", "b.json", "README.md"),
                      "it is data, by its name")
    data = ask_files(client, {"a.csv": "a,b\n", "b.json": "{}\n"}).data
    assert data["security_analysis"]["overall_score"] is None


def test_ids_stay_when_lines_move(client):
    def ids(text):
        return [s["id"] for s in ask(client, text, file_path="a.py",
                                     kind="security").data["suggestions"]]
    before = ids(SAMPLES["python"][1])
    assert before and ids("\n\n\n" + SAMPLES["python"][1]) == before


@pytest.mark.parametrize("body,field", [
    ({}, "context"), ({"context": {}}, "context.file_content"),
    ({"context": {"file_content": "a\0b"}}, "context.file_content"),
    ({"context": {"file_content": "x"}, "analysis_type": "x"},
     "analysis_type"),
    ({"context": {"file_content": "x"}, "options": {
        "severity_threshold": "critical"}}, "options.severity_threshold"),
])
def test_wrong_fields_are_named(client, body, field):
    problem(client.post(PATH, body), 422, field=field)


def test_needs_a_token_and_takes_a_key(client, anonymous):
    problem(ask(anonymous, CLEAN), 401)
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first = ask(client, CLEAN, language="python", headers=key)
    again = ask(client, CLEAN, language="python", headers=key)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()


def test_no_supervisor_is_503(own_stack):
    client = own_stack.client()
    assert ask(client, CLEAN, language="python").status == 200
    own_stack.kill("supervisor")
    reply = ask(client, CLEAN, language="python")
    problem(reply, 503, detail="promptcraft-supervisor")
    assert int(reply.headers["Retry-After"]) > 0
    own_stack.restart("supervisor")
    wait_for(lambda: ask(client, CLEAN, language="python").status,
             lambda status: status == 200, seconds=60)


# ---- several users ----------------------------------------------------------


def large_files():
    body = "".join(f"def part_{i}(value):\n"
                   f"    total = 0\n"
                   f"    for item in value:\n"
                   f"        total += item * {i}\n"
                   f"    return total\n\n\n" for i in range(600))
    return {f"part{i}.py": body + f"LAST = {i}\n" for i in range(20)}


def jobs_begun(stack):
    log = stack.dir / "supervisor/audit/audit.000001.log"
    return log.read_text().count('"job_begin"')


def test_a_small_analysis_is_not_kept_waiting():
    """Two jails, and a first user who has work for both for long."""
    stack = Stack.up("--slots", "2", env={
        "PROMPTCRAFT_ANALYZE_TIMEOUT": str(round(60 * SLOWNESS))})
    try:
        ann, ben = stack.new_user("ann"), stack.new_user("ben")
        with ThreadPoolExecutor() as pool:
            large = pool.submit(ask_files, ann, large_files())
            begun = wait_for(lambda: jobs_begun(stack), bool)
            small = ask(ben, CLEAN, file_path="a.py")
            # Its job came in between, not behind.
            assert jobs_begun(stack) < begun + 14
            assert not large.done()
            assert small.data["analysed"] is True, small
            assert large.result().data["analysed"] is True
    finally:
        stack.down()


# ---- limits, usage, the legacy route ----------------------------------------


@pytest.fixture(scope="module")
def limited():
    stack = Stack.up(env={"RATE_LIMIT_ANALYZE_PER_HOUR": "3"})
    yield stack
    stack.down()


def legacy(client, **body):
    return client.post("/api/v2/orchestrate", {
        "query": "What do you think of this?", "context": {
            "file_content": SAMPLES["python"][1], "language": "python"},
        **body})


def test_both_routes_count_together(limited):
    ann = limited.new_user("ann")
    assert ask(ann, CLEAN, language="python").status == 200
    assert legacy(ann).status == 200
    assert ask(ann, CLEAN, language="python", kind="security").status == 200
    for reply in (ask(ann, CLEAN), legacy(ann)):
        problem(reply, 429,
                detail="Rate limit exceeded. Max 3 analyze requests per hour.")
    usage = wait_for(lambda: ann.get("/api/v3/usage").data, lambda data: data[
        "operations"].get("analyze", {}).get("requests") == 5)
    assert {e["details"] for e in usage["entries"]
            if e["operation"] == "analyze" and e["status"] == 200} == {
        "general", "security"}


def test_the_legacy_route_says_so(stack, client):
    reply = legacy(client, analysis_type="security",
                   options={"severity_threshold": "low"})
    assert reply.data["suggestions"]
    assert reply.data["primary_agent"] == "web_dev_agent"  # general
    assert re.fullmatch(r"@\d{10}", reply.headers["Deprecation"])
    assert reply.headers["Link"] == (
        '</api/v3/analyze>; rel="successor-version"')
    assert "event=legacy_api path=/api/v2/orchestrate" in stack.logs()
    refused = client.post("/api/v2/orchestrate", {"query": "hm"})
    problem(refused, 422, field="context")
    assert refused.headers["Deprecation"]
    assert ask(client, CLEAN).headers["Deprecation"] is None


def test_no_code_in_a_log(stack, client):
    ask(client, "canary_of_the_code = eval(input())\n", language="python")
    ask(client, "canary_of_the_code (:\n", language="python")
    assert "canary_of_the_code" not in stack.logs()


# ---- SARIF ------------------------------------------------------------------


SARIF = {"Accept": "application/sarif+json"}


def test_sarif(client):
    reply = ask(client, LOGIN, file_path="src/auth one.py", language="python",
                kind="security", headers=SARIF)
    assert reply.headers["Content-Type"] == "application/sarif+json"
    log = reply.json()
    sarif.check(log)
    (run,) = log["runs"]
    assert run["invocations"][0]["executionSuccessful"] is True
    assert run["tool"]["driver"]["name"] == "heimdall"
    result = run["results"][0]
    assert result["level"] == "error"
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "src/auth%20one.py"
    rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
    assert "external/cwe/cwe-89" in rule["properties"]["tags"]
    # The same findings as in the plain answer, by their ids.
    plain = ask(client, LOGIN, file_path="src/auth one.py", language="python",
                kind="security").data
    assert [s["id"] for s in plain["suggestions"]] == [
        r["partialFingerprints"]["promptcraftFinding/v1"]
        for r in run["results"]]


def test_sarif_of_what_was_not_analysed(client):
    log = ask(client, "def (:\n", language="python", headers=SARIF).json()
    sarif.check(log)
    invocation = log["runs"][0]["invocations"][0]
    assert invocation["executionSuccessful"] is False
    assert invocation["toolExecutionNotifications"]


def test_sarif_again_by_its_key(client):
    headers = {**SARIF, "Idempotency-Key": str(uuid.uuid4())}
    first = ask(client, CLEAN, language="python", headers=headers)
    again = ask(client, CLEAN, language="python", headers=headers)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Content-Type"] == "application/sarif+json"
    assert again.json() == first.json()


def test_errors_are_problems_also_for_sarif(client):
    problem(client.post(PATH, {}, headers=SARIF), 422, field="context")


def test_the_check_of_sarif_sees_faults(client):
    """Else it proves nothing."""
    log = ask(client, LOGIN, language="python", headers=SARIF).json()
    sarif.check(log)

    def broken(change):
        bad = copy.deepcopy(log)
        change(bad, bad["runs"][0], bad["runs"][0]["results"][0])
        with pytest.raises(AssertionError):
            sarif.check(bad)
    broken(lambda log, run, result: log.pop("version"))
    broken(lambda log, run, result: log.update(extra=1))
    broken(lambda log, run, result: run["tool"]["driver"].pop("name"))
    broken(lambda log, run, result: result.update(level="fatal"))
    broken(lambda log, run, result: result.update(ruleIndex=99))
    broken(lambda log, run, result: result["message"].update(text=None))
    broken(lambda log, run, result: result["locations"][0][
        "physicalLocation"]["artifactLocation"].update(uri="a b.py"))
    broken(lambda log, run, result: result["locations"][0][
        "physicalLocation"]["region"].update(startLine=0))
    broken(lambda log, run, result: run["invocations"][0].pop(
        "executionSuccessful"))


# ---- actions ----------------------------------------------------------------


FIXED = ("def authenticate_user(database, username, password):\n"
         "    query = 'SELECT * FROM users WHERE username = ?'\n"
         "    return database.execute(query, (username,))\n")
FIXED_TESTS = """import unittest
from solution import authenticate_user

class Store:
    def execute(self, query, values):
        return query, values

class T(unittest.TestCase):
    def test_values_are_no_part_of_the_query(self):
        query, values = authenticate_user(Store(), "x' OR '1'='1", "p")
        self.assertNotIn("OR", query.split("WHERE")[1])
        self.assertEqual(values, ("x' OR '1'='1",))
"""


def test_an_action_without_a_model_says_so_and_fails_so(client):
    action = ask(client, LOGIN, language="python",
                 kind="security").data["executable_actions"][0]
    assert action["available"] is False
    assert "PROMPTCRAFT_MODEL_URL" in action["unavailable_reason"]
    request = action["request"]
    reply = client.request(request["method"], request["path"],
                           request["body"])
    assert reply.status == 202, reply
    data = client.wait_workflow(reply.data["workflow_id"])
    assert data["status"] == "failed", data
    assert not data["artifacts"].get("generated_code")


def test_an_action_is_sent_as_it_is(tmp_path):
    """From a finding to the release of mended code, through a person."""
    with ModelServer() as server:
        server.script("auth", good(FIXED, FIXED_TESTS))
        stack = Stack.up(env={"PROMPTCRAFT_MODEL_URL": server.url,
                              "PROMPTCRAFT_MODEL": "scripted-1",
                              "ENABLE_COST_TRACKING": "false"})
        try:
            mend_and_approve(stack.client(), server)
        finally:
            stack.down()


def mend_and_approve(client, server):
    answer = ask(client, LOGIN, file_path="[auth].py", language="python",
                 kind="security").data
    (action,) = answer["executable_actions"]
    for name in ("id", "title", "description", "estimated_duration"):
        assert isinstance(action[name], str) and action[name], name
    assert action["requires_approval"] is True
    assert action["available"] is True
    request = action["request"]
    reply = client.request(request["method"], request["path"],
                           request["body"])
    assert reply.status == 202, reply
    workflow_id = reply.data["workflow_id"]
    data = client.wait_workflow(workflow_id, "waiting_approval")
    assert data["status"] == "waiting_approval", data
    # The model was given the code and just what was found in it.
    call = server.of("auth")[0]
    assert "SELECT * FROM users WHERE username = '{username}'" in call.user
    assert "findings" in call.user and "CWE-89" in call.user
    assert data["artifacts"]["generated_code"] == FIXED
    assert data["artifacts"]["security_report"]["analysed"] is True
    assert data["artifacts"]["security_report"]["overall_score"] == 100
    approval = data["pending_approvals"][0]["approval_id"]
    reply = client.post(f"/api/v3/execute/approve/{workflow_id}", {
        "workflow_id": workflow_id, "approval_id": approval,
        "decision": "approved"})
    assert reply.status == 200, reply
    assert client.wait_workflow(workflow_id)["status"] == "completed"


def test_findings_must_be_about_a_program(client):
    problem(client.post("/api/v3/execute", {
        "goal": "Mend what was found", "context": {
            "findings": [{"title": "x"}]}}), 422, field="context.findings")
    problem(client.post("/api/v3/execute", {
        "goal": "Mend what was found", "context": {
            "code": "x = 1", "findings": [{"line_start": 1}]}}), 422,
        field="context.findings[0].title")


# ---- the command ------------------------------------------------------------


@pytest.fixture
def analyze(stack, tmp_path):
    env = {**os.environ, "PROMPTCRAFT_URL": stack.url,
           "PROMPTCRAFT_TOKEN": stack.info["token"]}

    def run(*args, **kwargs):
        return run_cli("analyze", *args, env=env, check=False, cwd=tmp_path,
                       **kwargs)
    return run


@pytest.fixture
def files(tmp_path):
    for path, text in SAMPLES.values():
        (tmp_path / path).write_text(text)
    (tmp_path / "clean.py").write_text(CLEAN)
    (tmp_path / "bad.py").write_text("def (:\n")
    (tmp_path / "empty.py").write_text("")


def test_the_command(analyze, files):
    done = analyze("a.py", "clean.py", "empty.py", "a.py")
    assert done.returncode == 1, done.stderr
    first = done.stdout.splitlines()[0]
    assert re.fullmatch(r"a\.py:5:5: (high|critical): .+ \[python/.+\] "
                        r"CWE-78", first), done.stdout
    assert ("     5 |     os.system('ls ' + name)\n"
            "       |     ^\n") in done.stdout
    assert "= help: " in done.stdout
    assert done.stdout.splitlines()[-1].endswith("in 2 files.")
    assert "clean.py" not in done.stdout


def test_the_command_on_clean_and_on_broken_code(analyze, files):
    done = analyze("clean.py", "--type", "security")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "Nothing found in 1 file.\n"
    done = analyze("bad.py")
    assert done.returncode == 125
    assert done.stderr.startswith("bad.py: not analysed: ")
    assert "not all of it was analysed" in done.stdout


def test_the_command_for_programs(analyze, files):
    done = analyze("--json", "a.py", "a.c")
    assert done.returncode == 1
    found = json.loads(done.stdout)["answers"][0]["data"]["suggestions"]
    assert {f["path"] for f in found} == {"a.py", "a.c"}
    done = analyze("--sarif", "a.py", "a.sh")
    assert done.returncode == 1
    log = json.loads(done.stdout)
    sarif.check(log)
    assert len(log["runs"][0]["results"]) >= 2
    done = analyze("--brief", "a.sh")
    assert done.returncode == 1 and " | " not in done.stdout
    done = analyze("--sarif", "bad.py")
    assert done.returncode == 125


def test_the_command_reads_stdin(analyze):
    done = analyze("-", "--language", "python", input=SAMPLES["python"][1])
    assert done.returncode == 1 and done.stdout.startswith("-:5")


@pytest.mark.parametrize("args,words", [
    (["none.py"], "none.py"), (["/etc"], "regular"),
    (["clean.py", "--type", "x"], "analysis_type"),
    (["clean.py", "--threshold", "x"], "severity_threshold"),
])
def test_what_the_command_cannot_do(analyze, files, args, words):
    done = analyze(*args)
    assert done.returncode == 125 and words in done.stderr


def test_the_command_shows_nothing_that_drives_a_terminal(analyze, tmp_path):
    (tmp_path / "x.py").write_text(
        "import os\nos.system('\033]0;t\007' + input())\n")
    done = analyze("x.py")
    assert done.returncode == 1
    assert "\033" not in done.stdout and "\\x1b" in done.stdout
