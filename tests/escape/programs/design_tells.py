# SPDX-License-Identifier: Apache-2.0
"""What a jail is told of the host, kind by kind; the test knows the list."""
import ctypes
import os
import socket

libc = ctypes.CDLL(None, use_errno=True)


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError as error:
        return f"!{error.strerror}"


def say(name, value):
    print(f"attempt {name} done {value}")


mounts = [line.split(" - ") for line in
          read("/proc/self/mountinfo").splitlines()]
say("mount-points", ",".join(sorted(left.split()[4] for left, _ in mounts)))
# Field 4: where in its file system the mount begins, which is a host path.
say("mount-roots", ",".join(sorted({left.split()[3] for left, _ in mounts})))
for field, what in enumerate(("types", "sources")):
    say(f"mount-{what}", ",".join(sorted({
        right.split()[field] for _, right in mounts})))
say("mount-options", ",".join(sorted({
    option for _, right in mounts for option in right.split()[2].split(",")})))
say("hostname", socket.gethostname())
say("cgroup", ",".join(sorted({line.split(":")[2] for line in
                               read("/proc/self/cgroup").splitlines()})))
say("environment", ",".join(sorted(os.environ)))
say("kernel", os.uname().release)


class Sysinfo(ctypes.Structure):
    _fields_ = [("uptime", ctypes.c_long), ("loads", ctypes.c_ulong * 3),
                ("totalram", ctypes.c_ulong), ("freeram", ctypes.c_ulong),
                ("sharedram", ctypes.c_ulong), ("bufferram", ctypes.c_ulong),
                ("totalswap", ctypes.c_ulong), ("freeswap", ctypes.c_ulong),
                ("procs", ctypes.c_ushort), ("more", ctypes.c_char * 64)]


info = Sysinfo()
libc.sysinfo(ctypes.byref(info))
say("sysinfo", f"{info.uptime} {info.totalram} {info.freeram} {info.procs}")
disk = os.statvfs("/usr/bin")
say("disk", f"{disk.f_blocks} {disk.f_bfree}")
