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
