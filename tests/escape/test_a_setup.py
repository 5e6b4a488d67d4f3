# SPDX-License-Identifier: Apache-2.0
"""Rows A01-A18: what happens while a jail is set up, fed and emptied."""

import pytest

FD_PROGRAMS = ["a01_fds.c", "a01_fds.sh", "a01_fds.js"]
WAYS = {"undeclared_fd", "chdir_proc_self_fd", "fchdir",
        "dotdot_from_cwd_and_root", "unreachable_cwd"}


# ---- A01: an fd that leaks into the jail -----------------------------------


def test_a01_fds_and_their_parents(jail, profile, host):
    with host.unchanged():
        run = jail(profile).run("a01_fds.py")
    assert run.blocked() == WAYS, run


@pytest.mark.parametrize("program", FD_PROGRAMS)
def test_a01_fds_of_other_languages(jail, profile, program):
    run = jail(profile).run(program)
    assert run.blocked() == {"undeclared_fd"}, run


def test_a01_control_fd_table(loose):
    """An inheritable directory fd of the supervisor's, and nothing closed."""
    run = loose("strict", "fds").run("a01_fds.py")
    assert run.done() >= {"undeclared_fd", "fchdir"}, run
