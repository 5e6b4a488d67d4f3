# SPDX-License-Identifier: Apache-2.0
"""Programs that forge their test results: none may be reported as passed.

tests/forging/LANGUAGE/KIND has the right tests, a right and a wrong program,
and attacks/: wrong programs that do something about their results.  All run
through POST /api/v3/jobs, so in a jail.
"""

from pathlib import Path

import pytest
from promptcraft import REPO, SLOWNESS

ROOT = REPO / "tests" / "forging"
SUFFIX = {"python": ".py", "javascript": ".js", "c": ".c", "shell": ".sh"}
# Ends that say: these results are not to be believed, or there are none.
DISTRUST = ("forged", "incomplete", "inconsistent", "no tests", "memory",
            "pids", "denied")


def kinds():
    return sorted(p for p in ROOT.glob("*/*") if p.is_dir())


def name_of(path):
    return str(path.relative_to(ROOT).with_suffix(""))


def attacks():
    return sorted(p for kind in kinds() for p in (kind / "attacks").iterdir())


def texts(folder):
    return {str(p.relative_to(folder)): p.read_text(encoding="utf-8")
            for p in sorted(folder.rglob("*")) if p.is_file()}


def request(kind, program):
    """The body of a job: the tests of the kind, the program over them."""
    suffix = SUFFIX[kind.parent.name]
    solution = "solution" + suffix
    files = {p.name: p.read_text(encoding="utf-8") for p in kind.iterdir()
             if p.is_file() and p.stem not in ("right", "wrong")}
    tests_path = next(name for name in files if name.startswith("test_"))
    if program.is_dir():
        files.update(texts(program))
    else:
        files[solution] = program.read_text(encoding="utf-8")
    return {
        "language": kind.parent.name,
        "code": files.pop(solution), "code_path": solution,
        "tests": files.pop(tests_path), "tests_path": tests_path,
        "files": [{"path": p, "content": t} for p, t in files.items()],
        "limits": {"timeout_seconds": int(20 * min(SLOWNESS, 4))},
    }


def program_of(kind, name):
    return next(p for p in kind.iterdir() if p.stem == name)


def test_there_are_enough():
    languages = {}
    for path in attacks():
        language = path.relative_to(ROOT).parts[0]
        languages[language] = languages.get(language, 0) + 1
    assert set(languages) == set(SUFFIX)
    assert min(languages.values()) >= 10, languages


@pytest.mark.parametrize("kind", kinds(), ids=name_of)
def test_a_right_program_passes(client, kind):
    data = client.job(**request(kind, program_of(kind, "right")))
    assert data["outcome"] == "passed", data
    assert data["tests"]["failed"] == data["tests"]["errors"] == 0
    assert data["tests"]["trust"] in ("in-process", "separate-process")


@pytest.mark.parametrize("kind", kinds(), ids=name_of)
def test_a_wrong_program_fails(client, kind):
    """Failed, not distrusted: it does nothing about its results."""
    data = client.job(**request(kind, program_of(kind, "wrong")))
    assert data["outcome"] == "failed", data


BATS = """#!/usr/bin/env bats
@test "adds" {
	run ./solution.sh 1 2
	[ "$output" = 3 ]
}
"""


@pytest.mark.parametrize("change,trust", [
    (lambda text: text, "separate-process"),
    (lambda text: text.replace("n=0\n", "chmod +x solution.sh\nn=0\n"),
     "in-process"),
    (lambda text: BATS, "in-process")], ids=["script", "chmod", "bats"])
def test_trust_of_shell_tests(client, change, trust):
    """What another process could forge unseen is not called separate."""
    folder = ROOT / "shell" / "process"
    body = request(folder, program_of(folder, "right"))
    body["tests"] = change(body["tests"])
    data = client.job(**body)
    assert data["outcome"] == "passed", data
    assert data["tests"]["trust"] == trust, data


@pytest.mark.parametrize("program", attacks(), ids=name_of)
def test_forged(client, program):
    data = client.job(**request(program.parent.parent, program))
    assert data["outcome"] in ("failed", "error", "timeout", "killed"), data
    if data["outcome"] == "error":
        assert data["reason"] in DISTRUST, data
        assert data["tests"]["success_rate"] < 1, data
