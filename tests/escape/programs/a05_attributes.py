# SPDX-License-Identifier: Apache-2.0
"""Write to procfs and sysfs attributes, our own and others', and try to put
something else in their place."""
import ctypes
import errno
import glob
import os

libc = ctypes.CDLL(None, use_errno=True)


def attempt(name, call):
    try:
        print(f"attempt {name} done {call()}")
    except OSError as error:
        print(f"attempt {name} blocked {errno.errorcode[error.errno]}")


def write(path, text):
    fd = os.open(path, os.O_WRONLY)
    os.write(fd, text)
    return path


def mount(kind, target):
    if libc.mount(b"none", target, kind, 0, None) != 0:
        raise OSError(ctypes.get_errno(), "mount")
    return target


for name, path, text in (
        ("uid_map", "/proc/self/uid_map", b"0 0 1"),
        ("setgroups", "/proc/self/setgroups", b"allow"),
        ("oom_score_adj", "/proc/self/oom_score_adj", b"-1000"),
        ("attr_exec", "/proc/self/attr/exec", b"unconfined"),
        ("coredump_filter", "/proc/self/coredump_filter", b"0xff"),
        ("mem", "/proc/self/mem", b"x"),
        ("timerslack", "/proc/self/timerslack_ns", b"1"),
        ("loginuid", "/proc/self/loginuid", b"0"),
        ("init_oom", "/proc/1/oom_score_adj", b"1000"),
        ("core_pattern", "/proc/sys/kernel/core_pattern", b"|/bin/sh"),
        ("sysrq", "/proc/sysrq-trigger", b"h"),
        ("sys_uevent", "/sys/kernel/uevent_helper", b"/bin/sh")):
    attempt(name, lambda: write(path, text))
attempt("mount_on_proc", lambda: mount(b"tmpfs", b"/proc"))
attempt("mount_on_attr", lambda: mount(b"tmpfs", b"/proc/self/attr"))
attempt("rename_proc", lambda: os.rename("/proc", "/p"))
attempt("symlink_in_proc", lambda: os.symlink("/work", "/proc/9999"))
attempt("replace_self", lambda: os.unlink("/proc/self"))
found = glob.glob("/sys/fs/cgroup/*")
print(f"attempt cgroupfs done {found}" if found else
      "attempt cgroupfs blocked ENOENT")
