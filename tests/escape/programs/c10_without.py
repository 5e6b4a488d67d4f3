# SPDX-License-Identifier: Apache-2.0
"""C10: `c10_without.py LAYER COMMAND...` runs COMMAND on a kernel that seems to
be built without a layer: a filter of ours answers for it."""
import ctypes
import os
import struct
import sys

ALLOW, ERRNO = 0x7FFF0000, 0x00050000
EINVAL, ENOSYS = 22, 38
SECCOMP, LANDLOCK_CREATE = 317, 444
NEW_LISTENER = 8


def load(offset):
    return 0x20, 0, 0, offset


def unless(value, skip):
    return 0x15, 0, skip, value


def unless_bit(value, skip):
    return 0x45, 0, skip, value


def answer(value):
    return 0x06, 0, 0, value


def program(layer):
    # seccomp(SET_MODE_FILTER, flags); struct seccomp_data: nr 0, args at 16.
    if layer == "landlock":
        rules = [load(0), unless(LANDLOCK_CREATE, 1), answer(ERRNO | ENOSYS)]
    elif layer == "seccomp":
        rules = [load(0), unless(SECCOMP, 3), load(16), unless(1, 1),
                 answer(ERRNO | EINVAL)]
    else:
        rules = [load(0), unless(SECCOMP, 5), load(16), unless(1, 3),
                 load(24), unless_bit(NEW_LISTENER, 1),
                 answer(ERRNO | EINVAL)]
    return [*rules, answer(ALLOW)]


def main():
    layer, command = sys.argv[1], sys.argv[2:]
    rules = program(layer)
    code = b"".join(struct.pack("<HBBI", *rule) for rule in rules)
    buffer = ctypes.create_string_buffer(code, len(code))
    prog = struct.pack("<HxxxxxxQ", len(rules), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(SECCOMP, 1, 0, prog) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    os.execv(command[0], command)


main()
