"""Tries to change what is mounted; says ALLOWED if something worked."""
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
CALLS = {
    "umount2": 166, "pivot_root": 155, "chroot": 161, "mount": 165, "unshare": 272,
    "setns": 308, "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431,
    "fspick": 433, "clone": 56, "clone3": 435, "mount_setattr": 442,
}
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 4096, 16384, 1 << 18


def call(label, name, *args):
    result = libc.syscall(CALLS[name], *args)
    text = "ALLOWED" if result >= 0 else os.strerror(ctypes.get_errno())
    print(f"{label}: {text}", flush=True)
    return result


os.makedirs("/tmp/a", exist_ok=True)
call("mount tmpfs", "mount", b"none", b"/tmp/a", b"tmpfs", 0, None)
call("mount proc", "mount", b"proc", b"/tmp/a", b"proc", 0, None)
call("mount cgroup", "mount", b"none", b"/tmp/a", b"cgroup2", 0, None)
call("bind", "mount", b"/", b"/tmp/a", None, MS_BIND | MS_REC, None)
call("remount rw", "mount", None, b"/usr/bin", None, MS_REMOUNT | MS_BIND, None)
call("make private", "mount", None, b"/", None, MS_REC | MS_PRIVATE, None)
call("umount", "umount2", b"/proc", 2)
call("pivot_root", "pivot_root", b"/tmp", b"/tmp/a")
call("chroot", "chroot", b"/tmp/a")
call("fsopen", "fsopen", b"tmpfs", 0)
call("fspick", "fspick", -100, b"/", 0)
call("open_tree", "open_tree", -100, b"/", 1)
call("move_mount", "move_mount", -100, b"/usr", -100, b"/tmp/a", 0)
call("mount_setattr", "mount_setattr", -100, b"/usr/bin", 0, ctypes.create_string_buffer(32), 32)
for name, flag in (("user", 0x10000000), ("mount", 0x00020000), ("pid", 0x20000000),
                   ("net", 0x40000000), ("cgroup", 0x02000000), ("time", 0x00000080)):
    call(f"unshare {name}", "unshare", flag)
for name in ("mnt", "user", "net"):
    try:
        fd = os.open(f"/proc/1/ns/{name}", os.O_RDONLY)
    except OSError as error:
        print(f"open ns/{name} of 1: {error.strerror}")
        fd = os.open(f"/proc/self/ns/{name}", os.O_RDONLY)
    call(f"setns {name}", "setns", fd, 0)
    os.close(fd)

pid = libc.syscall(CALLS["clone"], 0x10000000 | 17, None, None, None, None)
if pid == 0:
    os._exit(0)
print("clone user:", "ALLOWED" if pid > 0 else os.strerror(ctypes.get_errno()))
arguments = ctypes.create_string_buffer(88)
ctypes.c_uint64.from_buffer(arguments).value = 0x10000000
pid = libc.syscall(CALLS["clone3"], arguments, 88)
if pid == 0:
    os._exit(0)
print("clone3 user:", "ALLOWED" if pid > 0 else os.strerror(ctypes.get_errno()))
print("end")
