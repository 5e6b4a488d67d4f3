# SPDX-License-Identifier: Apache-2.0
"""Learn from an error whether a file of the host exists: each path that is
there on the host must fail like one that is nowhere."""
import errno
import os
import sys

CALLS = {
    "open": lambda p: os.close(os.open(p, os.O_RDONLY)),
    "stat": os.stat,
    "lstat": os.lstat,
    "access": lambda p: os.access(p, os.F_OK) or (_ for _ in ()).throw(
        OSError(errno.ENOENT, "")),
    "chdir": os.chdir,
    "exec": lambda p: os.execv(p, [p]),
    "readlink": os.readlink,
    "mkdir_in": lambda p: os.mkdir(p + "/x"),
    "link": lambda p: os.link(p, "/work/l"),
    "truncate": lambda p: os.truncate(p, 0),
    "statfs": os.statvfs,
    "listxattr": os.listxattr,
}


def answer(call, path):
    try:
        call(path)
        return "OK"
    except OSError as error:
        return errno.errorcode[error.errno]


there, absent = sys.argv[1].split(","), sys.argv[2].split(",")
for name, call in CALLS.items():
    told = [(a, answer(call, a), answer(call, b))
            for a, b in zip(there, absent)]
    wrong = [f"{a}:{x}!={y}" for a, x, y in told if x != y]
    print(f"attempt {name} done {' '.join(wrong)}" if wrong else
          f"attempt {name} blocked {'/'.join(sorted({x for _, x, _ in told}))}")
