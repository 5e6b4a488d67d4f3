# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the escape suite (escape.py), and the table of rows at its end.

A test is named test_<row>_<what> or test_<row>_control_<what>: the first shows
that the product contains the attack, the second that the same attack succeeds
with its control switched off.
"""

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]

import escape  # noqa: E402

NAME = re.compile(r"test_([a-f]\d\d|design)_(control_)?(.*)")
results = {}  # (row, is_control) -> {profile or what: outcome}
reasons = {}  # row -> why its control cannot be shown


def pytest_configure(config):
    config.addinivalue_line("markers", "all_profiles: one test for the three "
                            "of them, which share what it has set up")


def pytest_sessionstart(session):
    if os.geteuid() != 0:
        pytest.exit("the escape suite starts jails: run it as root",
                    returncode=1)
    for name in ("promptcraft", "escape/supervisor.objs", "escape/init.objs",
                 "escape/policyc.objs"):
        if not (escape.BUILD / name).exists():
            pytest.exit(f"{escape.BUILD}/{name} is missing: run "
                        "`make all escape-lists` first", returncode=1)


@pytest.fixture(params=escape.PROFILES)
def profile(request):
    return request.param


@pytest.fixture(scope="session")
def world():
    """All that the tests of a session share, taken down at its end."""
    directory = Path(tempfile.mkdtemp(prefix="pc-escape-", dir="/tmp"))
    directory.chmod(0o711)
    world = escape.World(directory)
    yield world
    try:
        world.close()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def jail(world):
    return world.jail


@pytest.fixture
def loose(world):
    return world.loose


@pytest.fixture
def plain(world):
    return world.plain


@pytest.fixture
def host(world):
    return world.host


@pytest.fixture
def tmp_path(world):
    """As pytest's own, but nobody (who runs the compiler) can walk there."""
    path = Path(tempfile.mkdtemp(prefix="test-", dir=world.dir))
    path.chmod(0o755)
    return path


@pytest.fixture
def own(tmp_path):
    """own(loose=..., prefix=..., ...): a supervisor for this test alone, not
    yet started."""
    made = []

    def make(**fields):
        made.append(escape.Supervisor(tmp_path / f"own{len(made)}",
                                      **fields))
        return made[-1]
    yield make
    for supervisor in made:
        if hasattr(supervisor, "process"):
            supervisor.stop()


@pytest.fixture
def policies(tmp_path):
    """policies(text, base="strict"): a policy directory with one more policy,
    named "mine", which extends another; its path."""
    def make(text, base="strict", loosens=None):
        top = tmp_path / f"policy{len(list(tmp_path.glob('policy*')))}"
        shutil.copytree(escape.BUILD / "policy", top)
        for path in (top / "profiles").glob("*.policy"):
            if path.stem != "strict":
                path.unlink()
        mine = top / "profiles" / "mine.policy"
        if base is None:
            mine.write_text(text)
        else:
            head = f"[Policy]\nDescription=Of a test\nExtends={base}\n"
            if loosens:
                head += f"Loosens={loosens}\n"
            mine.write_text(head + text)
        return top
    return make


@pytest.fixture(scope="session")
def careless_policyc(world):
    """A policy compiler that takes no notice of errors."""
    binary = world.dir / "careless-policyc"
    escape.gcc("-Wl,--wrap=diag_error", HERE / "loosen_policyc.c",
               *escape.objects("policyc"), "-lseccomp", "-linih", "-lsodium",
               "-o", binary)
    return binary


@pytest.fixture
def cannot_show(request, capsys):
    """cannot_show(reason): this host cannot show the attack uncontained."""
    row = NAME.match(request.node.originalname or request.node.name)[1]

    def say(reason):
        reasons[row] = reason
        with capsys.disabled():
            print(f"\n{row.upper()}: control cannot be shown: {reason}")
    return say


# ---- the table ---------------------------------------------------------------


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    match = NAME.match(getattr(item, "originalname", None) or item.name)
    if match is None or (report.passed and report.when != "call"):
        return
    row, control, what = match[1], bool(match[2]), match[3]
    params = getattr(item, "callspec", None)
    profile = params.params.get("profile") if params else None
    seen = results.setdefault((row, control), {})
    keys = [profile or what]
    if item.get_closest_marker("all_profiles"):
        keys = escape.PROFILES
    for key in keys:
        if seen.get(key, "passed") == "passed":
            seen[key] = report.outcome


def cell(seen):
    bad = [f"{key}: {how}" for key, how in seen.items() if how != "passed"]
    if bad:
        return "NO  (" + ", ".join(bad) + ")"
    profiles = [p for p in escape.PROFILES if p in seen]
    if len(profiles) == len(escape.PROFILES):
        return "all profiles"
    return ", ".join(profiles) or "yes"


def pytest_terminal_summary(terminalreporter):
    rows = sorted({row for row, _ in results})
    if not rows:
        return
    terminalreporter.section("escape rows")
    terminalreporter.write_line(
        f"{'row':<8}{'contained':<28}without its control")
    for row in rows:
        contained = results.get((row, False), {})
        control = results.get((row, True), {})
        shown = "succeeds" if control else "NOT SHOWN"
        if any(how != "passed" for how in control.values()):
            shown = cell(control)
        elif row in reasons:
            shown = "cannot be shown: " + reasons[row]
        terminalreporter.write_line(
            f"{row.upper():<8}"
            f"{cell(contained) if contained else 'NO TEST':<28}{shown}")
