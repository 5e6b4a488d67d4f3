# SPDX-License-Identifier: Apache-2.0
"""A directory fd left open by who made the jail is a way out: through it to
its parents, by chdir, fchdir and openat, on every number."""
import os

DECLARED = {0, 1, 2, 3}
HOST_ONLY = ("etc/passwd", "root", "home", "sbin/init", "boot")


def report(name, found):
    if found:
        print(f"attempt {name} done {' '.join(found)}")
    else:
        print(f"attempt {name} blocked nothing-there")


def is_outside(at):
    """Does the directory `at`, or one above it, hold the host's files?"""
    for climb in ("", *("../" * n for n in range(1, 12))):
        for name in HOST_ONLY:
            try:
                os.stat(climb + name, dir_fd=at)
                return climb + name
            except OSError:
                pass
    return None


open_fds = []
for number in range(4096):
    try:
        os.fstat(number)
        open_fds.append(number)
    except OSError:
        pass
report("undeclared_fd", [f"{n}:{os.readlink(f'/proc/self/fd/{n}')}"
                         for n in open_fds if n not in DECLARED])

ways = []
for number in range(4096):
    try:
        os.chdir(f"/proc/self/fd/{number}/../..")
        found = is_outside(os.open(".", os.O_PATH))
        if found:
            ways.append(f"{number}:{found}")
    except OSError:
        pass
    os.chdir("/work")
report("chdir_proc_self_fd", ways)

ways = []
for number in open_fds:
    try:
        os.fchdir(number)
        found = is_outside(os.open(".", os.O_PATH))
        if found:
            ways.append(f"{number}:{found}")
    except OSError:
        pass
    os.chdir("/work")
report("fchdir", ways)

# The working directory and the root themselves.
ways = [found for found in (is_outside(os.open(d, os.O_PATH))
                            for d in (".", "/", "/proc/self/root",
                                      "/proc/self/cwd")) if found]
report("dotdot_from_cwd_and_root", ways)

# A relative name that was resolved before the root changed.
try:
    text = os.getcwd()
    report("unreachable_cwd", [text] if not text.startswith("/work") else [])
except OSError as error:
    report("unreachable_cwd", [str(error.errno)])
