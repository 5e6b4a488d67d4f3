# SPDX-License-Identifier: Apache-2.0
"""What rounds of attackers with fresh eyes have found, one test a finding."""

import escape

# ---- what the filter let through by its arguments --------------------------


def test_round_memory_is_not_merged(jail, profile):
    """With pages of other jails or of virtual machines, where the host does
    that; nor moves a job pages of the host's cache or into its swap."""
    run = jail(profile).run("round_merge.c")
    assert run.blocked() == {"mergeable", "cold", "pageout", "collapse",
                             "offered"}, run
    assert run.outcome == "completed" and run.exit_code == 0, run


def test_round_control_memory_is_merged(loose):
    run = loose("strict", "seccomp").run("round_merge.c")
    assert run.done() >= {"cold", "pageout"}, run
    # A kernel without KSM refuses; one with it takes the offer.
    assert ("mergeable" in run.done()) == ("offered" in run.done()), run


def test_round_no_urgent_data(jail, profile):
    run = jail(profile).run("round_urgent.c")
    assert run.blocked() == {"sendto", "sendmsg", "sendmmsg"}, run
    assert run.outcome == "completed" and run.exit_code == 0, run


def test_round_control_urgent_data(loose):
    run = loose("strict", "seccomp").run("round_urgent.c")
    assert run.done() == {"sendto", "sendmsg", "sendmmsg"}, run


# ---- direct runtimes -------------------------------------------------------

DIRECT = """[Runtime]
Name=direct
Description=Of a test
Code=solution.direct
Tests=test_solution.direct
Exec=/usr/bin/python3 -I -B /work/round_direct.py
Start=direct
"""


def test_round_direct_program_reports_no_tests(own, tmp_path, profile):
    """Its own records, without a harness, would be a result that passed."""
    top = tmp_path / "runtimes"
    (top / "direct").mkdir(parents=True)
    (top / "direct" / "runtime.ini").write_text(DIRECT)
    supervisor = own(runtime_dir=top).start()
    run = supervisor.run(profile, "round_direct.py", runtime="direct",
                         tests="a08_results.py")
    assert run.attempts == {"report": ("blocked", "9")}, run
    assert run.outcome == "error" and run.reason == "incomplete", run


# ---- core dumps to a socket ------------------------------------------------


def test_round_core_dumps_to_a_socket(loose):
    """RLIMIT_CORE does not hold against it: such a host gets no jobs."""
    run = loose("strict", "core-socket").run("d07_crash.c")
    assert (run.outcome, run.reason) == ("error", "refused"), run
    assert "kernel.core_pattern" in run.error, run
