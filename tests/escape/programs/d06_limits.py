# SPDX-License-Identifier: Apache-2.0
"""D06: read all limits back, and try to raise each: to infinity, to the number
that overflows a signed one, by one; of this process and of PID 1."""
import ctypes
import errno
import resource

NAMES = {"NOFILE": "Max open files", "FSIZE": "Max file size",
         "STACK": "Max stack size", "MEMLOCK": "Max locked memory",
         "CORE": "Max core file size", "SIGPENDING": "Max pending signals",
         "MSGQUEUE": "Max msgqueue size", "NICE": "Max nice priority",
         "RTPRIO": "Max realtime priority"}
NUMBERS = {"MSGQUEUE": 12, "NICE": 13, "RTPRIO": 14, "SIGPENDING": 11}
INFINITE = 2**64 - 1
SYS_PRLIMIT64 = 302

libc = ctypes.CDLL(None, use_errno=True)


def hard(name):
    with open("/proc/self/limits") as limits:
        for line in limits:
            if line.startswith(NAMES[name] + " "):
                return line[26:].split()[1]
    raise ValueError(name)


def raise_limit(name, how, pid, value):
    number = NUMBERS.get(name) or getattr(resource, "RLIMIT_" + name)
    new = (ctypes.c_uint64 * 2)(value, value)
    rc = libc.syscall(SYS_PRLIMIT64, pid, number, new, None)
    what = f"{name}_{how}_{'init' if pid else 'own'}"
    if rc == 0:
        print(f"attempt {what} done")
    else:
        print(f"attempt {what} blocked {errno.errorcode[ctypes.get_errno()]}")


for name in NAMES:
    print("limit", name, hard(name))
for name in NAMES:
    # No limit at all cannot be raised.
    now = hard(name)
    now = INFINITE if now == "unlimited" else int(now)
    for how, value in (("infinite", INFINITE), ("largest", 2**63 - 1),
                       ("one_more", min(now + 1, INFINITE))):
        for pid in (0, 1):
            raise_limit(name, how, pid, value)
