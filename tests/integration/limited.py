#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Run a command on a machine that lacks something, without touching the
machine itself.

  limited.py userns-limit CMD...   no user namespace may be made: run in a
                                   child user namespace whose own limit is 0
  limited.py container CMD...      clone3 answers ENOSYS and clone with
                                   namespaces EPERM, as container runtimes'
                                   seccomp profiles do
  limited.py filtered CMD...       under a seccomp filter that allows all, as
                                   systemd's SystemCallFilter= leaves one
  limited.py own-etc CMD...        /etc may be changed: a mount namespace of
                                   the command's own with a copy of it
  limited.py no-CONTROLLER CMD...  that cgroup v1 hierarchy is not mounted, in
                                   a mount namespace of the command's own; on
                                   cgroup v2 it is not handed on to the cgroup
                                   that the command sees as the top
"""

import ctypes
import os
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CLONE_NEWCGROUP = 0x02000000
CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
NAMESPACES = 0x7E020000
MS_MOVE, MS_REC, MS_PRIVATE = 0x2000, 0x4000, 0x40000
MNT_DETACH = 2
OPEN_TREE, MOVE_MOUNT, PIVOT_ROOT = 428, 429, 155
AT_EMPTY_PATH, AT_RECURSIVE = 0x1000, 0x8000
LIBC = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags):
    check(LIBC.unshare(flags), "unshare")


def own_mounts():
    """A mount namespace of our own whose root is our root, also in a chroot:
    there "/" is no mount, and no user namespace could be made."""
    unshare(CLONE_NEWNS)
    root = os.open("/", os.O_PATH)
    climb(root)
    check(LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "mount")
    if os.path.samestat(os.stat(root), os.stat("/")):
        return
    tree = LIBC.syscall(OPEN_TREE, root, b"", AT_EMPTY_PATH | AT_RECURSIVE | 1)
    check(tree, "open_tree")
    check(LIBC.syscall(MOVE_MOUNT, tree, b"", root, b"", 0x44), "move_mount")
    os.fchdir(tree)
    check(LIBC.syscall(PIVOT_ROOT, b".", b"."), "pivot_root")
    check(LIBC.umount2(b".", MNT_DETACH), "umount")
    os.chdir("/")
    os.close(tree)
    os.close(root)


def climb(root):
    """Make the root of the mount namespace our root (chroot(2), NOTES)."""
    os.chroot("/usr")
    os.fchdir(root)
    while True:
        here = os.stat(".")
        os.chdir("..")
        if os.path.samestat(here, os.stat(".")):
            break
    os.chroot(".")


def userns_limit():
    """All ids stay what they are; the parent must write the maps."""
    own_mounts()  # no user namespace could be made in a chroot
    ready, go = os.pipe(), os.pipe()
    child = os.fork()
    if child:
        os.close(ready[1])
        os.read(ready[0], 1)
        for name in ("uid_map", "gid_map"):
            with open(f"/proc/{child}/{name}", "w") as f:
                f.write("0 0 4294967295")
        os.write(go[1], b".")
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) % 256)
    unshare(CLONE_NEWUSER)
    os.write(ready[1], b".")
    os.read(go[0], 1)
    for fd in (*ready, *go):
        os.close(fd)
    unshare(CLONE_NEWNS)  # one that this user namespace may change
    with open("/proc/sys/user/max_user_namespaces", "w") as f:
        f.write("0")


def container():
    own_mounts()  # a container has a root of its own

    def ins(code, jt, jf, k):
        return struct.pack("HBBI", code, jt, jf, k)

    load, jeq, jset, ret = 0x20, 0x15, 0x45, 0x06
    errno, allow = 0x00050000, 0x7FFF0000
    eperm, enosys = 1, 38
    program = b"".join((
        ins(load, 0, 0, 0),                       # nr
        ins(jeq, 5, 0, 435),                      # clone3 -> ENOSYS
        ins(jeq, 1, 0, 272),                      # unshare: look at flags
        ins(jeq, 0, 2, 56),                       # clone: too
        ins(load, 0, 0, 16),                      # args[0], low half
        ins(jset, 2, 0, NAMESPACES),              # -> EPERM
        ins(ret, 0, 0, allow),
        ins(ret, 0, 0, errno | enosys),
        ins(ret, 0, 0, errno | eperm),
    ))
    install(program)


def filtered():
    own_mounts()
    install(struct.pack("HBBI", 0x06, 0, 0, 0x7FFF0000))


def install(program):
    code = ctypes.create_string_buffer(program, len(program))
    fprog = struct.pack("HxxxxxxP", len(program) // 8,
                        ctypes.addressof(code))
    # Root needs no no_new_privs for this, and the supervisor would notice.
    check(LIBC.prctl(22, 2, ctypes.c_char_p(fprog), 0, 0), "seccomp")


def without(controller):
    """Unmount the hierarchy wherever it is mounted."""
    own_mounts()
    with open("/proc/self/mountinfo") as f:
        lines = f.read().splitlines()
    mounts = []
    for line in lines:
        left, _, right = line.partition(" - ")
        kind, _, options = right.split(" ", 2)
        if kind == "cgroup" and controller in options.split(","):
            mounts.append(left.split()[4])
    for mount in mounts:
        check(LIBC.umount2(os.fsencode(mount), 0), f"unmount {mount}")
    if not mounts:
        top = Path("/sys/fs/cgroup")
        known = (top / "cgroup.controllers").read_text().split()
        if controller not in known:
            sys.exit(f"limited.py: there is no {controller} hierarchy")
        without_v2(top, {"memory", "pids", "cpu"} - {controller})


def without_v2(top, others):
    """Only the others are enabled in the parent of what will be our top."""
    outer = Path(tempfile.mkdtemp(prefix="promptcraft-limited-", dir=top))
    inner = outer / "inner"
    inner.mkdir()
    (outer / "cgroup.subtree_control").write_text(
        " ".join(f"+{name}" for name in sorted(others)))
    remove_when_empty(outer)
    (inner / "cgroup.procs").write_text("0")
    unshare(CLONE_NEWCGROUP)
    # The kernel mounts no filesystem on itself.
    check(LIBC.umount2(os.fsencode(top), MNT_DETACH), f"unmount {top}")
    check(LIBC.mount(b"cgroup2", os.fsencode(top), b"cgroup2", 0, None),
          "mount cgroup2")


def remove_when_empty(outer):
    """By a process outside of it, when the command and all that it started
    are over."""
    command = os.getpid()
    if os.fork():
        return
    os.setsid()
    os.chdir(outer)  # the path will lead to another mount
    null = os.open("/dev/null", os.O_RDWR)
    for fd in range(3):
        os.dup2(null, fd)
    os.closerange(3, 1024)
    while (os.path.exists(f"/proc/{command}") or "populated 1" in
           Path("cgroup.events").read_text()):
        time.sleep(0.1)
    while True:  # others may be removing theirs below it just now
        try:
            for path, _, _ in os.walk("inner", topdown=False):
                os.rmdir(path)
            os.rmdir(f"../{outer.name}")
            os._exit(0)
        except OSError:
            time.sleep(0.1)


def own_etc():
    own_mounts()
    copy = tempfile.mkdtemp(prefix="pc-etc-")
    check(LIBC.mount(b"tmpfs", os.fsencode(copy), b"tmpfs", 0, None), "mount")
    subprocess.run(["cp", "-a", "/etc/.", copy], check=True)
    check(LIBC.mount(os.fsencode(copy), b"/etc", None, MS_MOVE, None), "move")
    os.rmdir(copy)


def main():
    mode, command, cwd = sys.argv[1], sys.argv[2:], os.getcwd()
    if mode == "userns-limit":
        userns_limit()
    elif mode == "container":
        container()
    elif mode == "filtered":
        filtered()
    elif mode == "own-etc":
        own_etc()
    elif mode.startswith("no-"):
        without(mode[3:])
    else:
        sys.exit(__doc__)
    os.chdir(cwd)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
