# SPDX-License-Identifier: Apache-2.0
"""Sources made to harm who reads them: nothing is harmed, no process is left,
and what could not be analysed is said, never called clean."""

import contextlib
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from promptcraft import SLOWNESS, problem, wait_for

PATH = "/api/v3/analyze"
DEEP = 100_000
LONG = 3_900_000
NAMES = {"python": "a.py", "c": "a.c", "javascript": "a.js",
         "shell": "a.sh"}
# What each tool has to chew on, in its own language; "{}" is the amount.
SOURCES = {
    "deep": {"python": "x = " + "(" * DEEP + ")" * DEEP + "\n",
             "c": "int x = " + "(" * DEEP + "1" + ")" * DEEP + ";\n",
             "javascript": "x = " + "[" * DEEP + "]" * DEEP + "\n",
             "shell": "echo " + "$(" * DEEP + ")" * DEEP + "\n"},
    "long line": {language: comment + "x" * LONG + "\n" for language, comment
                  in (("python", "# "), ("c", "// "), ("javascript", "// "),
                      ("shell", "# "))},
    "quotes": {language: "x = '" + "a'\"" * 200_000 + "\n"
               for language in NAMES},
    "polyglot": {language: "PK\x03\x04#!/bin/sh\n\x7fELF%PDF-1.4<?php "
                 "system('id') ?><script>alert(1)</script>\n"
                 for language in NAMES},
    "nothing": {language: "\n\n" for language in NAMES},
    "a regex bomb": {language: 'x = "' + "a" * 60_000 + "!" * 3 + '"\n' +
                     "eval(" * 3000 + "\n" for language in NAMES},
}


def analyse(client, text, path, language=None, **more):
    context = {"file_content": text, "file_path": path, **more}
    if language:
        context["language"] = language
    return client.post(PATH, {"analysis_type": "security",
                              "context": context})


# What no parser of that language gets through.
UNREADABLE = {"deep": {"python", "javascript", "shell"},
              "quotes": {"python", "c", "javascript"},
              "polyglot": {"python", "c", "javascript"},
              "a regex bomb": {"python", "c", "javascript"}}


def check_honest(data):
    """A score only of what was looked at; a reason for all that was not."""
    found = data["security_analysis"]
    assert (found["overall_score"] is not None) is data["analysed"]
    if not data["analysed"]:
        assert found["compliance_status"]["owasp_compliant"] is None
        assert data["not_analysed"]
    assert all(one["reason"] for one in data["not_analysed"])


@pytest.mark.parametrize("language", NAMES)
@pytest.mark.parametrize("kind", SOURCES)
def test_it_harms_nothing_and_is_reported(stack, client, kind, language):
    begun = time.monotonic()
    reply = analyse(client, SOURCES[kind][language], NAMES[language], language)
    assert reply.status == 200, reply
    # Longer than PROMPTCRAFT_ANALYZE_TIMEOUT is by itself.
    assert time.monotonic() - begun < 90 * SLOWNESS
    check_honest(reply.data)
    if language in UNREADABLE.get(kind, ()):
        assert reply.data["analysed"] is False, reply
    wait_for(lambda: client.get("/health").json()["status"],
             lambda status: status == "healthy", 30)


@pytest.mark.parametrize("path", ["-rf", "--help", "../../etc/passwd", "a b;id",
                                  "$(id).py", "-o/work/x.py", "\u202egnp.py"])
def test_a_files_name_is_nobodys_argument(client, path):
    text = "import os\n\n\ndef f(name):\n    os.system('ls ' + name)\n"
    data = analyse(client, text, path, "python").data
    (finding,) = data["security_analysis"]["vulnerabilities"]
    assert finding["rule"] == "python/command-injection"
    assert finding["path"] == path


# A thousand small things, and behind them one that is not small.
CROWDS = {
    "python": "".join(f"def f{i}(x, y=[]):\n    return y\n"
                      for i in range(1200)) +
    "import os\nimport sys\nos.system('ls ' + sys.argv[1])\n",
    "javascript": "".join(f"if (a{i} == null) {{ b = 'x' + Math.random(); "
                          f"token{i} = Math.random(); }}\n"
                          for i in range(1200)) +
    "eval(process.argv[2]);\n",
    "shell": "".join(f"rm -rf /tmp/fixed{i}; chmod 777 /tmp/f{i}\n"
                     for i in range(1200)) + 'eval "$1"\n',
}


@pytest.mark.parametrize("language", CROWDS)
def test_nothing_hides_in_a_crowd(client, language):
    data = analyse(client, CROWDS[language], NAMES[language], language).data
    assert data["truncated"] is True
    assert data["analysed"] is False
    assert data["security_analysis"]["overall_score"] is None
    assert {"path": NAMES[language], "language": language, "tool": language,
            "reason": "it found too much to tell it all"} in [
                {k: v for k, v in one.items() if k != "hint"}
                for one in data["not_analysed"]]


COMMAND = "def f(a):\n    os.system('ls ' + a)\n"
# Where a function can stand, or what can stand before a call.
PLACES = {
    "with": "with open('x') as g:\n{}",
    "for": "for i in (1,):\n{}",
    "while": "while True:\n{}    break\n",
    "match": "match 1:\n  case _:\n{}",
    "except": "try:\n    import x\nexcept ImportError:\n{}",
    "except*": "try:\n{}except* OSError:\n    pass\n",
    "returned": "def o():\n{}    return f\n",
    "closure": "def o(a):\n    def g():\n        os.system('ls ' + a)\n"
               "    g()\n",
    "getattr": "def f(a):\n    getattr(os, 'system')('ls ' + a)\n",
    "__import__": "def f(a):\n    __import__('os').system('ls ' + a)\n",
    "suppress": "import contextlib\n\n\ndef f(a):\n"
                "    with contextlib.suppress(OSError):\n"
                "        raise OSError\n    os.system('ls ' + a)\n",
}


@pytest.mark.parametrize("place", PLACES)
def test_no_place_is_overlooked_in_python(client, place):
    block = "".join(f"    {line}\n" for line in COMMAND.splitlines())
    text = "import os\n\n\n" + PLACES[place].format(block)
    found = analyse(client, text, "a.py").data["security_analysis"]
    assert [f["rule"] for f in found["vulnerabilities"]] == [
        "python/command-injection"]
    assert found["overall_score"] < 100


@pytest.mark.parametrize("line, is_weak", [
    ('echo "$1" | sh', True), ("printf '%s' \"$1\" | bash -s", True),
    ('sh <<< "$1"', True), ('. /dev/stdin <<< "$1"', True),
    ('echo "$1" | sh tool.sh', False), ("echo 'ls' | sh", False),
    ('echo "$1" | sort', False), ('cat <<< "$1"', False),
])
def test_a_shell_that_reads_runs_what_it_reads(client, line, is_weak):
    found = analyse(client, f"#!/bin/bash\n{line}\n", "a.sh").data
    rules = [f["rule"] for f in found["security_analysis"]["vulnerabilities"]]
    assert ("shell/eval-input" in rules) is is_weak, rules


@pytest.mark.parametrize("cleaner", [
    "function sanitize(x) { return x; }",
    "const sanitize = (x) => x;",
    "const sanitize = (x) => `${x}`;",
])
def test_a_name_alone_makes_nothing_safe(client, cleaner):
    text = ('const cp = require("child_process");\n' + cleaner +
            "\nmodule.exports = (req) => "
            'cp.exec("ls " + sanitize(req.query.a));\n')
    found = analyse(client, text, "a.js").data["security_analysis"]
    assert "javascript/command-injection" in [
        f["rule"] for f in found["vulnerabilities"]]
    text = text.replace(cleaner, 'const sanitize = (x) => '
                                 'x.replace(/[^a-z]/g, "");')
    found = analyse(client, text, "a.js").data["security_analysis"]
    assert found["vulnerabilities"] == []


def test_an_error_directive_silences_nobody(client):
    """Behind it, gcc and cppcheck look at nothing."""
    text = ('#error "stop"\n#include <stdlib.h>\n\n'
            "void f(int n)\n{\n\tint a[2];\n\n\ta[3] = n;\n}\n")
    data = analyse(client, text, "a.c", "c").data
    assert data["analysed"] is False
    assert data["security_analysis"]["overall_score"] is None
    assert "line 1: #error" in str(data["not_analysed"])
    # One that a setting turns off is common.
    data = analyse(client, "#ifndef LEVEL\n" +
                   text.replace("\n", "\n#endif\n", 1), "a.c", "c").data
    assert data["analysed"] is True
    assert data["security_analysis"]["overall_score"] < 100


def test_names_in_a_source_control_no_terminal(client):
    text = ('const { exec } = require("child_process");\n'
            'app.get("/x", (req, res) => {\n'
            '  exec("ls " + req.query["\\x1b[2J\\u009b31m\\u202eB\\n"]);\n});\n')
    (finding,) = [f for f in analyse(client, text, "a.js").data[
        "security_analysis"]["vulnerabilities"]
        if f["rule"] == "javascript/command-injection"]
    assert "req.query.?[2J?31m?B?" in finding["description"]
    assert not set("\x1b\x9b\u202e\n") & set(
        finding["description"].partition(" becomes ")[0])


def peak_kb(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file
                    if line.startswith("VmHWM:"))


def test_headers_do_not_fill_the_memory(own_stack):
    """Each of 64 headers is beside all the others, for each of four tools."""
    client, before = own_stack.client(), peak_kb(own_stack.pid("api"))
    files = [{"path": f"h{i}.h", "content": "/*" + "x" * 64_000 + "*/\n"}
             for i in range(64)]
    reply = client.post(PATH, {"context": {"files": files}})
    assert reply.status == 200, reply
    assert peak_kb(own_stack.pid("api")) - before < 300 << 10


def test_a_nul_byte_is_refused(client):
    problem(analyse(client, "x = 1\0\nimport os\n", "a.py", "python"), 422,
            "context.file_content")


def test_more_than_the_limit_is_refused(client):
    problem(analyse(client, "x" * 5_000_000, "a.py", "python"), 413)


def analyzer_pids(stack):
    """In this stack's jails, before their gate and behind it."""
    top = Path((stack.dir / "supervisor" / "cgroups").read_text().split()[0])
    found = []
    for group in top.glob("slot-*/cgroup.procs"):
        with contextlib.suppress(OSError):
            for pid in map(int, group.read_text().split()):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if {b"/opt/runtime/analyze.py", b"source.py"} <= set(words):
                    found.append(pid)
    return found


def has_begun(pid):
    """Is its gate open?  What waits there is the harness."""
    try:
        return "python" in os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return False


def test_an_analyzer_that_never_ran_is_told_so(own_stack):
    """Killed before its gate: the service is there, and says what failed."""
    client, replies = own_stack.client(), []
    for _ in range(30):  # it has some milliseconds to be met in
        thread = threading.Thread(target=lambda: replies.append(
            analyse(client, "x = 1\n", "a.py", "python")))
        thread.start()
        while thread.is_alive():
            for pid in analyzer_pids(own_stack):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if replies[-1].status != 200:
            break
    problem(replies[-1], 503, detail="An analyzer was not run: job ")
    assert int(replies[-1].headers["Retry-After"]) > 0


def test_an_analyzer_that_is_killed_has_not_analysed(own_stack):
    client, replies = own_stack.client(), []
    # Long enough that it can be met.
    text = "".join(f"def f{i}(a):\n    return g(a) + {i}\n"
                   for i in range(20_000))
    for _ in range(10):  # it may have ended before the signal comes
        thread = threading.Thread(target=lambda: replies.append(
            analyse(client, text, "a.py", "python")))
        thread.start()
        while thread.is_alive():
            # Before its gate is open it is a job that never ran.
            for pid in filter(has_begun, analyzer_pids(own_stack)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.001)
        data = replies[-1].data
        if data["security_analysis"]["overall_score"] is None:
            break
    assert data["security_analysis"]["overall_score"] is None
    assert "signal 9" in str(data), data
