# SPDX-License-Identifier: Apache-2.0
"""C and shell are analysed in their jails, hostile sources too."""

import json

import pytest
from promptcraft import run_cli

C = """#include <stdio.h>
#include <stdlib.h>

int
main(int argc, char **argv)
{
	char *copy = malloc(8);

	if (argc > 1 && system(argv[1]) != 0)
		puts("failed");
	free(copy);
	free(copy);
	return 0;
}
"""
NESTED = "int f(void) { return " + "(" * 100000 + "1" + ")" * 100000 + "; }\n"
BOMB = "#define A x x x x x x x x x x\n" + "".join(
    "#define %s %s\n" % (b, " ".join([a] * 10))
    for a, b in zip("ABCDEFGHI", "BCDEFGHIJ")) + "int J;\n"


@pytest.fixture
def jail(stack, tmp_path):
    def run(runtime, name, text):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        done = run_cli("jail", "run", "--socket", stack.socket, "--json",
                       "--policy", "analyzer", "--runtime", runtime, path,
                       check=False)
        assert done.stdout, done.stderr
        return json.loads(done.stdout)
    return run


def test_gcc_in_the_jail(jail):
    job = jail("analyze-gcc", "source.c", C)
    assert job["outcome"] == "completed", job
    options = [d.get("option") for d in json.loads(job["stderr"])]
    assert "-Wanalyzer-double-free" in options


def test_cppcheck_in_the_jail(jail):
    job = jail("analyze-cppcheck", "source.c", C)
    assert job["outcome"] == "completed", job
    assert "doubleFree" in [line.split("\t")[3]
                            for line in job["stderr"].splitlines()]


def test_flawfinder_in_the_jail(jail):
    job = jail("analyze-flawfinder", "source.c", C)
    assert job["outcome"] == "completed", job
    lines = job["stdout"].splitlines()
    assert lines[0].startswith("File,Line,Column,DefaultLevel,Level,Category")
    assert ",system," in lines[1]


@pytest.mark.parametrize("runtime, name, text, rule", [
    ("analyze-c", "source.c", C, "c/command-injection"),
    ("analyze-shell", "source.sh", "#!/bin/sh\neval \"$1\"\n",
     "shell/eval-input")])
def test_our_own_in_the_jail(jail, runtime, name, text, rule):
    job = jail(runtime, name, text)
    assert job["outcome"] == "completed", job
    report = json.loads(job["stdout"])
    assert report["status"] == "ok"
    assert [f["rule"] for f in report["findings"]] == [rule]


HOSTILE = {
    "nested": NESTED, "macros": BOMB, "itself": '#include "source.c"\n',
    "long": "x" * (4 << 20), "brackets": "int f(" * 50000,
    "braces": "{" * 200000, "quotes": '"' * 100001,
}
OURS = [("analyze-c", "source.c"), ("analyze-shell", "source.sh")]
OTHERS = [("analyze-gcc", "source.c"), ("analyze-cppcheck", "source.c"),
          ("analyze-flawfinder", "source.c"),
          ("analyze-shellcheck", "source.sh")]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("runtime, name", OURS)
def test_ours_answers_whatever_it_reads(jail, runtime, name, text):
    job = jail(runtime, name, HOSTILE[text])
    assert job["outcome"] == "completed", job
    report = json.loads(job["stdout"])
    assert report["status"] in ("ok", "not_analysed")
    assert report["status"] == "ok" or report["reason"]


@pytest.mark.parametrize("text", ["macros", "itself", "nested"])
@pytest.mark.parametrize("runtime, name", OTHERS)
def test_the_others_end_within_their_limits(jail, runtime, name, text):
    job = jail(runtime, name, HOSTILE[text])
    assert job["usage"]["wall_ms"] < 25000
