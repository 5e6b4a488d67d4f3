# SPDX-License-Identifier: Apache-2.0
"""The runtimes' harnesses without a jail: same fds, same gate, same manifest.

Every program of the corpus is run through its harness and bare, and the counts
must be equal.  Runs as any user; what the jail adds is tested elsewhere.
"""
import configparser
import dataclasses
import fcntl
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "corpus"))
import bare  # noqa: E402

BUILD = pathlib.Path(os.environ.get("PROMPTCRAFT_BUILD", ROOT / "build" / "release"))
TIMEOUT = 60
CORPUS = list(bare.programs())


@dataclasses.dataclass
class Run:
    code: int  # as subprocess has it: negative for a signal
    out: bytes
    err: bytes
    lines: list  # of the result stream
    gate: bytes

    @property
    def cases(self):
        return [line for line in self.lines if line["type"] == "test"]

    @property
    def outcomes(self):
        return {case["test"]: case["outcome"] for case in self.cases}

    @property
    def is_complete(self):
        return bool(self.lines) and self.lines[-1]["type"] == "end"

    @property
    def counts(self):
        assert self.is_complete, self.lines[-3:]
        return {key: self.lines[-1][key] for key in bare.COUNTS}

    def message(self, test):
        return next(c["message"] for c in self.cases if c["test"] == test)


def command(language):
    ini = configparser.ConfigParser(strict=False)
    folder = BUILD / "runtimes" / language
    ini.read(folder / "runtime.ini")
    text = ini["Runtime"]["Exec"]
    return [w.replace("/opt/runtime", str(folder)) for w in text.split()]


def manifest(mode, code, tests, args):
    fields = [f"mode={mode}", f"code={code}"]
    if tests:
        fields.append(f"tests={tests}")
    fields += [f"arg={arg}" for arg in args]
    return b"".join(os.fsencode(field) + b"\0" for field in fields)


# Puts two fds at 3 and 4, as a payload finds them (jail/spec.h).
PLACE_FDS = 'eval "exec \\"\\${@:3}\\" 3>&$1 4<&$2 $1>&- $2<&-"'


def read_all(fd, into):
    while data := os.read(fd, 65536):
        into.append(data)
    os.close(fd)


def run_harness(language, work, mode, code, tests=None, args=(), stdin="", answer=b"G"):
    job = pathlib.Path(f"{work}.job")
    job.write_bytes(manifest(mode, code, tests, args))
    ours, gate = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    result_read, result_write = os.pipe()
    env = {
        "PATH": "/usr/bin:/bin", "HOME": str(work), "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
        "LANG": "C.UTF-8", "PROMPTCRAFT_JOB_FILE": str(job),
    }
    fds = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 30) for fd in (result_write, gate.fileno())]
    process = subprocess.Popen(
        ["/bin/bash", "-c", PLACE_FDS, "bash", *map(str, fds), *command(language)],
        cwd=work, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, pass_fds=fds,
    )
    for fd in (result_write, *fds):
        os.close(fd)
    gate.close()
    results = []
    reader = threading.Thread(target=read_all, args=(result_read, results))
    reader.start()
    ours.settimeout(TIMEOUT)
    said = ours.recv(16)
    if answer:
        ours.send(answer)
        rest = ours.recv(16)  # b"" once the harness has closed its end
        assert rest == b"", "the gate must be closed before untrusted code"
    ours.close()
    try:
        out, err = process.communicate(stdin.encode(), timeout=TIMEOUT)
    finally:
        process.kill()
        process.wait()
        reader.join()
    text = b"".join(results).decode("utf-8")
    assert not text or text.endswith("\n"), text[-200:]
    lines = [json.loads(line) for line in text.splitlines()]
    check_stream(lines)
    return Run(process.returncode, out, err, lines, said)


def check_stream(lines):
    """What the reader of the stream may rely on."""
    for number, line in enumerate(lines):
        assert (line["type"] == "start") == (number == 0), line
        if line["type"] == "test":
            assert set(line) == {"type", "test", "outcome", "duration_ms", "message"}
            assert line["outcome"] in ("passed", "failed", "error", "skipped")
            assert line["test"] and len(line["test"].encode()) <= 256
            assert len(line["message"].encode()) <= 3 * 4096
            assert line["duration_ms"] >= 0
            assert "\0" not in line["message"]
        if line["type"] == "end":
            assert number == len(lines) - 1
            seen = [c["outcome"] for c in lines if c["type"] == "test"]
            assert {k: line[k] for k in bare.COUNTS} == {
                "passed": seen.count("passed"), "failed": seen.count("failed"),
                "errors": seen.count("error"), "skipped": seen.count("skipped"),
            }


@pytest.fixture
def work(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def job(work):
    """job(language, {path: text}, mode=...): write files and run."""

    def run(language, files, mode="test", code=None, tests=None, **more):
        for path, text in files.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_text(text, encoding="utf-8")
        paths = list(files)
        code = code or paths[0]
        if mode == "test":
            tests = tests or paths[-1]
        return run_harness(language, work, mode, code, tests, **more)

    return run


# ---- the corpus --------------------------------------------------------


def test_corpus_is_complete():
    for language in bare.LANGUAGES:
        assert len(list(bare.programs(language))) == 20


@pytest.mark.parametrize("program", CORPUS, ids=lambda p: p.name)
def test_corpus(program, work):
    expected = bare.run_bare(program)
    program.unpack(work)
    if program.is_test:
        assert expected == program.expected, "the bare run is not as foreseen"
        run = run_harness(program.language, work, "test", program.code_path,
                          program.tests_path, stdin=program.stdin)
        assert run.counts == expected
        failed = expected["failed"] or expected["errors"]
        assert run.code == (1 if failed else 0)
        assert all(c["message"] for c in run.cases if c["outcome"] in ("failed", "error"))
    else:
        assert expected.code == program.exit_code, "the bare run is not as foreseen"
        run = run_harness(program.language, work, "run", program.code_path,
                          args=program.args, stdin=program.stdin)
        assert run.lines == []
        assert run.code == expected.code
        assert run.out.decode() == expected.out
        assert run.err.decode() == expected.err
    assert run.gate == b"R"
