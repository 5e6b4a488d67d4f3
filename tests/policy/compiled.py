# SPDX-License-Identifier: Apache-2.0
"""A compiled policy, read by layout, and a second BPF evaluator.

Written apart from policy/eval.c on purpose: the two must agree with the kernel
and with each other.
"""
import ctypes
import errno
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["PROMPTCRAFT_BUILD"])
POLICYC = BUILD / "promptcraft-policyc"
PROFILES = ROOT / "policy" / "profiles"
SETS = ROOT / "policy" / "sets"

ARCH_X86_64 = 0xC000003E
ARCH_I386 = 0x40000003
X32 = 0x40000000

U8, U16, U32, U64 = (ctypes.c_uint8, ctypes.c_uint16, ctypes.c_uint32,
                     ctypes.c_uint64)


def _struct(name, fields):
    return type(name, (ctypes.Structure,), {"_fields_": fields})


Mount = _struct("Mount", [
    ("source", ctypes.c_char * 128), ("target", ctypes.c_char * 128),
    ("flags", U32), ("dev_major", U32), ("dev_minor", U32)])
Tmpfs = _struct("Tmpfs", [
    ("target", ctypes.c_char * 128), ("bytes", U64), ("inodes", U64),
    ("mode", U32), ("is_noexec", U32)])
Symlink = _struct("Symlink", [
    ("target", ctypes.c_char * 128), ("path", ctypes.c_char * 128)])
Audit = _struct("Audit", [
    ("nr", U32), ("errnum", U32), ("name", ctypes.c_char * 32)])
Limits = _struct("Limits", [
    ("wall_ms", U64), ("memory_bytes", U64), ("output_bytes", U64),
    ("collect_bytes", U64), ("file_bytes", U64), ("stack_bytes", U64),
    ("pids", U32), ("cpu_percent", U32), ("nofile", U32), ("zero", U32)])
Filter = _struct("Filter", [("code", U16), ("jt", U8), ("jf", U8), ("k", U32)])
Policy = _struct("Policy", [
    ("magic", U32), ("size", U32), ("name", ctypes.c_char * 32),
    ("description", ctypes.c_char * 128), ("sha256", U8 * 32),
    ("bpf_sha256", U8 * 32), ("limits", Limits), ("has_loopback", U32),
    ("landlock_abi_min", U32), ("denies_write_exec", U32),
    ("mounts_len", U32), ("tmpfs_len", U32), ("symlinks_len", U32),
    ("env_len", U32), ("audit_len", U32), ("bpf_len", U32),
    ("syscalls_allowed", U32), ("mounts", Mount * 48), ("tmpfs", Tmpfs * 8),
    ("symlinks", Symlink * 16), ("env", ctypes.c_char * 128 * 32),
    ("audit", Audit * 256), ("bpf", Filter * 4096)])


def policyc(*args, **kwargs):
    return subprocess.run([str(POLICYC), *map(str, args)], timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False, **kwargs)


def compile_policy(path, sets=SETS):
    done = policyc("policy", "--sets", sets, path)
    assert done.returncode == 0, done.stderr.decode()
    assert len(done.stdout) == ctypes.sizeof(Policy)
    return Policy.from_buffer_copy(done.stdout)


def _alu(code, a, v):
    op = code & 0xF0
    table = {0x00: a + v, 0x10: a - v, 0x40: a | v, 0x50: a & v,
             0x60: a << (v & 31), 0x70: a >> (v & 31), 0xA0: a ^ v,
             0x80: -a}
    return table[op] & 0xFFFFFFFF


def _jumps(code, a, v):
    op = code & 0xF0
    return {0x10: a == v, 0x20: a > v, 0x30: a >= v, 0x40: a & v != 0}[op]


class Machine:
    """Runs the filter of a policy on one call."""

    def __init__(self, policy):
        self.code = [(f.code, f.jt, f.jf, f.k)
                     for f in policy.bpf[:policy.bpf_len]]

    def run(self, nr, args=(), arch=ARCH_X86_64):
        args = tuple(args) + (0,) * (6 - len(args))
        data = [nr & 0xFFFFFFFF, arch, 0, 0]
        for arg in args:
            data += [arg & 0xFFFFFFFF, arg >> 32 & 0xFFFFFFFF]
        a = x = pc = 0
        mem = [0] * 16
        while True:
            code, jt, jf, k = self.code[pc]
            pc += 1
            kind = code & 7
            v = x if code & 8 else k
            if kind == 6:
                return a if code & 0x18 == 0x10 else k
            if kind == 5:
                if code & 0xF0 == 0:
                    pc += k
                else:
                    pc += jt if _jumps(code, a, v) else jf
            elif kind == 4:
                a = _alu(code, a, v)
            elif code == 0x20:
                a = data[k // 4]
            elif code in (0x00, 0x01):
                a, x = (k, x) if code == 0 else (a, k)
            elif code in (0x60, 0x61):
                a, x = (mem[k], x) if code == 0x60 else (a, mem[k])
            elif code in (0x02, 0x03):
                mem[k] = a if code == 2 else x
            elif code in (0x07, 0x87):
                a, x = (a, a) if code == 7 else (x, x)
            else:
                raise ValueError(f"instruction {pc - 1}: {code:#x}")


def verdict(action):
    """allow, audit, kill or the name of the errno."""
    named = {0x7FFF0000: "allow", 0x7FC00000: "audit", 0x80000000: "kill"}
    if action in named:
        return named[action]
    assert action >> 16 == 5, hex(action)
    return errno.errorcode[action & 0xFFFF]
