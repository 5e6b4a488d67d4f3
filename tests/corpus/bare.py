#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Run the corpus' programs bare: by their language's own runner, no harness.

`run_bare` is the yardstick for what a jail reports.  It shares no code with
the runtimes' harnesses: it reads what unittest, pytest, `node --test`, cmocka
and bats say themselves, and counts TAP and Unity lines with its own few
regular expressions.  The conventions are those of README.md beside this file.

    bare.py [--language L] [NAME...]   run, compare with expected.json
"""
import argparse
import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

HERE = pathlib.Path(__file__).resolve().parent
LANGUAGES = ("python", "javascript", "c", "shell")
COUNTS = ("passed", "failed", "errors", "skipped")
PYTHON = "/usr/bin/python3"
TIMEOUT = 60


@dataclasses.dataclass
class Program:
    """One folder of the corpus."""

    folder: pathlib.Path
    language: str
    code_path: str
    tests_path: str
    files: list
    args: list
    stdin: str
    about: str
    runner: str = None
    exit_code: int = 0
    expected: dict = None

    @property
    def name(self):
        return f"{self.folder.parent.name}/{self.folder.name}"

    @property
    def is_test(self):
        return self.tests_path is not None

    def paths(self):
        own = [self.code_path] + [self.tests_path] * self.is_test
        return own + self.files

    def unpack(self, target):
        """Put all files below a folder, as a job finds them in /work."""
        for path in self.paths():
            to = pathlib.Path(target, path)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.folder / path, to)
            to.chmod(0o644)

    def text(self, path):
        return (self.folder / path).read_text(encoding="utf-8")

    def request(self):
        """The body for POST /api/v3/jobs."""
        body = {
            "language": self.language,
            "code": self.text(self.code_path),
            "code_path": self.code_path,
            "files": [{"path": p, "content": self.text(p)} for p in self.files],
            "args": self.args,
            "stdin": self.stdin,
        }
        if self.is_test:
            body["tests"] = self.text(self.tests_path)
            body["tests_path"] = self.tests_path
        return body


@dataclasses.dataclass
class Hostile(Program):
    """A program that a jail must contain; never run bare."""

    extra: dict = None
    expected_outcome: list = None  # one of these
    expected_reason: str = None
    expected_stdout: list = None  # all of these: the attack was tried
    expected_files: dict = None  # path: allowed statuses
    must_not_contain: list = None  # in no part of the answer

    def request(self):
        return {**super().request(), **self.extra}


def load(folder, kind=Program):
    with open(pathlib.Path(folder, "expected.json"), encoding="utf-8") as file:
        fields = json.load(file)
    if kind is Hostile:
        fields["extra"] = fields.pop("request")
    return kind(folder=pathlib.Path(folder), **fields)


def folders(name):
    return [f for f in sorted((HERE / name).iterdir()) if (f / "expected.json").exists()]


def programs(language=None):
    for name in LANGUAGES:
        if language in (None, name):
            yield from (load(folder) for folder in folders(name))


def hostile():
    return [load(folder, Hostile) for folder in folders("hostile")]


def counts(passed=0, failed=0, errors=0, skipped=0):
    return dict(zip(COUNTS, (passed, failed, errors, skipped)))


def add(*parts):
    return {key: sum(part[key] for part in parts) for key in COUNTS}


@dataclasses.dataclass
class Run:
    """One command in the program's folder."""

    code: int
    out: str
    err: str


def execute(command, cwd, stdin="", env=None):
    # As in a jail: also below nohup, which leaves SIGHUP ignored.
    done = subprocess.run(
        ["env", "--default-signal", *command], cwd=cwd, input=stdin.encode(),
        capture_output=True, timeout=TIMEOUT,
        env={**os.environ, "LANG": "C.UTF-8", **(env or {})},
    )
    decode = lambda data: data.decode("utf-8", "replace")
    return Run(done.returncode, decode(done.stdout), decode(done.stderr))


def by_exit_code(run):
    return counts(passed=1) if run.code == 0 else counts(failed=1)


# ---- python ------------------------------------------------------------


def bare_unittest(program, cwd):
    folder, name = os.path.split(program.tests_path)
    run = execute(
        [PYTHON, "-B", "-m", "unittest", "discover", "-v", "-s", folder or ".", "-p", name],
        cwd, program.stdin, {"PYTHONPATH": str(cwd)},
    )
    summary = re.search(r"^(?:OK|FAILED)(?: \((.*)\))?$", run.err, re.M)
    said = dict(re.findall(r"([a-z ]+)=(\d+)", summary[1] or ""))
    said = {key.strip(): int(value) for key, value in said.items()}
    return counts(
        passed=len(re.findall(r"(?m)^(?:.* \.\.\. )?ok$", run.err)),
        failed=said.get("failures", 0) + said.get("unexpected successes", 0),
        errors=said.get("errors", 0),
        skipped=said.get("skipped", 0) + said.get("expected failures", 0),
    )


def bare_pytest(program, cwd):
    run = execute(
        [PYTHON, "-B", "-m", "pytest", "-p", "no:cacheprovider", program.tests_path],
        cwd, program.stdin,
    )
    line = run.out.strip().splitlines()[-1]
    said = {}
    for number, word in re.findall(r"(\d+) ([a-z]+)", line):
        said[word.rstrip("s")] = int(number)
    return counts(
        passed=said.get("passed", 0) + said.get("xpassed", 0),
        failed=said.get("failed", 0),
        errors=said.get("error", 0),
        skipped=said.get("skipped", 0) + said.get("xfailed", 0),
    )


def bare_python_script(program, cwd):
    return by_exit_code(execute(
        [PYTHON, "-B", program.tests_path], cwd, program.stdin,
        {"PYTHONPATH": str(cwd)}))


# ---- javascript --------------------------------------------------------


def bare_node_test(program, cwd):
    """node --test with its TAP reporter: its own summary, and what fails
    besides the tests (a suite by itself, the file)."""
    run = execute(
        ["/usr/bin/node", "--test", "--test-reporter=tap", program.tests_path],
        cwd, program.stdin,
    )
    said = {k: int(v) for k, v in re.findall(r"(?m)^# ([a-z]+) (\d+)$", run.out)}
    own = 0
    for match in re.finditer(
        r"(?m)^( *)not ok \d+ - (?!.*# (?:TODO|SKIP)).*\n\1  ---\n((?:\1  .*\n)*?)\1  \.\.\.$",
        run.out,
    ):
        is_suite = re.search(r"type: 'suite'", match[2])
        if is_suite and "failureType: 'subtestsFailed'" not in match[2]:
            own += 1
    # The file itself is a failed test if it ended badly besides its tests.
    path = re.escape(os.path.join(cwd, program.tests_path))
    path = f"(?:{path}|{re.escape(program.tests_path)})"
    file_failed = len(re.findall(rf"(?m)^not ok \d+ - {path}$", run.out))
    return counts(
        passed=said["pass"],
        failed=said["fail"] - file_failed,
        errors=said["cancelled"] + own + file_failed,
        skipped=said["skipped"] + said["todo"],
    )


def bare_node_script(program, cwd):
    return by_exit_code(
        execute(["/usr/bin/node", program.tests_path], cwd, program.stdin))


# ---- tap and unity, for programs that speak them -----------------------


def books(found, run, planned=None):
    """Plan and exit status against the cases found."""
    cases = sum(found.values())
    extra = counts()
    if run.code < 0 or (run.code and not found["failed"] and not found["errors"]):
        extra = add(extra, counts(errors=1))
    if planned is not None and planned != cases:
        extra = add(extra, counts(errors=1))
    return add(found, extra)


def read_tap(run):
    found, planned = counts(), None
    for line in run.out.splitlines():
        plan = re.match(r"1\.\.(\d+)", line)
        if plan and planned is None:
            planned = int(plan[1])
            if planned == 0 and "skip" in line.lower():
                return counts(skipped=1)
        case = re.match(r"(not )?ok\b(.*)", line)
        if not case:
            continue
        directive = re.search(r"# *(skip|todo)", case[2], re.I)
        if directive and (directive[1].lower() == "skip" or case[1]):
            found["skipped"] += 1
        else:
            found["failed" if case[1] else "passed"] += 1
    return books(found, run, planned)


def read_unity(run):
    words = re.findall(r"(?m)^[^:\n]+:\d+:[^:\n]+:(PASS|FAIL|IGNORE)\b", run.out)
    found = counts(words.count("PASS"), words.count("FAIL"), 0, words.count("IGNORE"))
    total = re.search(r"(?m)^(\d+) Tests (\d+) Failures (\d+) Ignored", run.out)
    return books(found, run, int(total[1]) if total else -1)


# ---- c -----------------------------------------------------------------


def gcc(program, cwd):
    """Compile as README.md says; returns the Run of the failing gcc or None."""
    flags = ["-std=gnu17", "-O1", "-g", "-Wall", "-Wextra", "-I."]
    units = [p for p in program.paths() if p.endswith(".c")]
    text = {p: program.text(p) for p in units}
    for path in units:
        for included in re.findall(r'(?m)^\s*#\s*include\s+"(.*\.c)"', text[path]):
            beside = os.path.normpath(os.path.join(os.path.dirname(path), included))
            units = [u for u in units if u not in (included, beside)]
    entry = program.tests_path if program.is_test else program.code_path
    inputs = []
    for path in units:
        if path != entry and re.search(r"(?m)^(?:int|void)?\s*main\s*\(", text[path]):
            stem = re.sub(r"\W", "_", pathlib.Path(path).stem)
            run = execute(["/usr/bin/gcc", *flags, f"-Dmain={stem}_main", "-c",
                           "-o", f"{stem}.o", path], cwd)
            if run.code:
                return run
            path = f"{stem}.o"
        inputs.append(path)
    libs = ["-lm", "-lpthread"]
    if any("<cmocka.h>" in t for t in text.values()):
        libs.insert(0, "-lcmocka")
    run = execute(["/usr/bin/gcc", *flags, "-o", "a.out", *inputs, *libs], cwd)
    return run if run.code else None


def bare_c(program, cwd):
    if gcc(program, cwd):
        return counts(errors=1)
    if program.runner == "cmocka":
        run = execute(["./a.out"], cwd, program.stdin, {"CMOCKA_MESSAGE_OUTPUT": "xml"})
        said = [counts(), *(
            counts(0, int(s.get("failures")), int(s.get("errors")), int(s.get("skipped")))
            for s in ElementTree.fromstring(run.out).iter("testsuite"))]
        total = sum(1 for _ in ElementTree.fromstring(run.out).iter("testcase"))
        found = add(*said)
        return add(found, counts(passed=total - sum(found.values())))
    run = execute(["./a.out"], cwd, program.stdin)
    return {"tap": read_tap, "unity": read_unity, "exit": by_exit_code}[
        program.runner](run)


# ---- shell -------------------------------------------------------------


def interpreter(program, path):
    first = program.text(path).split("\n", 1)[0]
    return first[2:].split(None, 1) if first.startswith("#!") else ["/bin/sh"]


def bare_shell(program, cwd):
    for path in program.paths():
        if path.endswith(".sh"):
            os.chmod(os.path.join(cwd, path), 0o755)
    if program.runner == "bats":
        run = execute(["/usr/bin/bats", "--formatter", "junit", program.tests_path], cwd)
        found = counts()
        for suite in ElementTree.fromstring(run.out).iter("testsuite"):
            for case in suite.iter("testcase"):
                own = re.match(r"(setup|teardown)_(file|suite) failed|bats-gather-tests",
                               case.get("name"))
                if case.find("failure") is not None:
                    found["errors" if own else "failed"] += 1
                elif case.find("skipped") is not None:
                    found["skipped"] += 1
                else:
                    found["passed"] += 1
        return found
    command = [*interpreter(program, program.tests_path), program.tests_path]
    run = execute(command, cwd, program.stdin)
    return {"tap": read_tap, "exit": by_exit_code}[program.runner](run)


# ---- all ---------------------------------------------------------------

TEST_RUNNERS = {
    ("python", "unittest"): bare_unittest,
    ("python", "pytest"): bare_pytest,
    ("python", "script"): bare_python_script,
    ("javascript", "node-test"): bare_node_test,
    ("javascript", "script"): bare_node_script,
    ("c", None): bare_c,
    ("shell", None): bare_shell,
}


def run_program(program, cwd):
    """A program without tests: its Run."""
    command = {
        "python": [PYTHON, "-B", program.code_path],
        "javascript": ["/usr/bin/node", program.code_path],
        "c": ["./a.out"],
        "shell": [*interpreter(program, program.code_path), program.code_path],
    }[program.language]
    if program.language == "c":
        failed = gcc(program, cwd)
        if failed:
            return Run(1, "", failed.err)
    return execute([*command, *program.args], cwd, program.stdin)


def run_bare(program):
    """Counts for a program with tests, a Run for one without."""
    with tempfile.TemporaryDirectory(prefix="bare-") as cwd:
        program.unpack(cwd)
        if not program.is_test:
            return run_program(program, cwd)
        key = (program.language, program.runner)
        return TEST_RUNNERS.get(key, TEST_RUNNERS.get((program.language, None)))(
            program, cwd)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--language", choices=LANGUAGES)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    wrong = 0
    for program in programs(options.language):
        if options.names and not any(n in program.name for n in options.names):
            continue
        got = run_bare(program)
        if program.is_test:
            is_right = got == program.expected
            shown = json.dumps(got)
        else:
            is_right = got.code == program.exit_code
            shown = f"exit code {got.code}"
        wrong += not is_right
        print(f"{program.name:<36} {shown}{'' if is_right else '  WRONG'}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
