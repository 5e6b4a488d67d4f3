# SPDX-License-Identifier: Apache-2.0
"""What each profile answers: (call, arguments, strict, standard, permissive);
analyzer as strict but for what it has not.

One word for all three profiles, or one each.  Arguments left out are 0.
"""
import fcntl
import socket
import termios

NR = {
    "read": 0, "write": 1, "open": 2, "close": 3, "mmap": 9, "mprotect": 10,
    "ioctl": 16, "mincore": 27, "shmget": 29, "socket": 41, "connect": 42,
    "accept": 43, "bind": 49, "listen": 50, "socketpair": 53,
    "setsockopt": 54, "clone": 56, "fork": 57, "vfork": 58, "execve": 59,
    "madvise": 28, "sendto": 44, "sendmsg": 46, "sendmmsg": 307,
    "kill": 62, "fcntl": 72, "flock": 73, "ptrace": 101, "setuid": 105,
    "syslog": 103, "mknod": 133, "personality": 135, "prctl": 157,
    "arch_prctl": 158, "chroot": 161, "acct": 163, "mount": 165,
    "umount2": 166, "swapon": 167, "reboot": 169, "sethostname": 170,
    "iopl": 172, "init_module": 175, "sched_setaffinity": 203,
    "fadvise64": 221, "exit_group": 231, "add_key": 248, "request_key": 249,
    "keyctl": 250, "inotify_init": 253, "openat": 257, "mknodat": 259,
    "unshare": 272, "splice": 275, "vmsplice": 278, "perf_event_open": 298,
    "open_by_handle_at": 304, "setns": 308, "process_vm_readv": 310,
    "process_vm_writev": 311, "kcmp": 312, "seccomp": 317,
    "memfd_create": 319, "kexec_file_load": 320, "bpf": 321, "execveat": 322,
    "userfaultfd": 323, "pkey_mprotect": 329, "io_uring_setup": 425,
    "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428,
    "move_mount": 429, "fsopen": 430, "clone3": 435, "openat2": 437,
    "pidfd_getfd": 438, "mount_setattr": 442, "landlock_restrict_self": 446,
    "fchmodat2": 452, "open_tree_attr": 467, "modify_ldt": 154,
    "clock_settime": 227, "settimeofday": 164, "pivot_root": 155,
    "kexec_load": 246, "prlimit64": 302, "setrlimit": 160, "finit_module": 313, "delete_module": 176,
}

AF = {"UNIX": 1, "INET": 2, "AX25": 3, "INET6": 10, "NETLINK": 16,
      "PACKET": 17, "RDS": 21, "CAN": 29, "TIPC": 30, "BLUETOOTH": 31,
      "RXRPC": 33, "ALG": 38, "VSOCK": 40, "XDP": 44}
STREAM, DGRAM, RAW, SEQPACKET, PACKET = 1, 2, 3, 5, 10
CLOEXEC = socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
HIGH = 1 << 32

# Flags of CLONE_NEW*, one by one.
NAMESPACES = [0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000,
              0x20000000, 0x40000000]
THREAD = 0x3D0F00

ROWS = [
    # core_pattern's handler starts at a core limit of 0: core(5)
    ("prlimit64", (0, 4), "ENOSYS"),
    ("prlimit64", (0, 4 | HIGH), "ENOSYS"),
    ("setrlimit", (4,), "ENOSYS"),
    ("prlimit64", (0, 3), "allow"),
    ("setrlimit", (7,), "allow"),
    # what every program does
    ("read", (), "allow"),
    ("write", (), "allow"),
    ("close", (), "allow"),
    ("openat", (), "allow"),
    ("openat2", (), "allow"),
    ("execve", (), "allow"),
    ("execveat", (), "allow"),
    ("exit_group", (), "allow"),
    ("mprotect", (0, 4096, 5), "allow"),
    ("pkey_mprotect", (), "allow"),
    ("fchmodat2", (), "allow"),
    ("kill", (2**64 - 1, 9), "allow"),
    ("fork", (), "allow"),
    ("vfork", (), "allow"),
    # threads, and no namespaces
    ("clone", (17,), "allow"),
    ("clone", (THREAD,), "allow"),
    ("clone3", (1, 88), "ENOSYS"),
    ("unshare", (0,), "audit"),
    ("setns", (3, 0), "audit"),
    *[("clone", (flag | 17,), "audit") for flag in NAMESPACES],
    *[("clone", (flag | 17 | HIGH,), "audit") for flag in NAMESPACES],
    ("clone", (17 | HIGH,), "allow"),  # the kernel drops the upper half
    # terminals
    ("ioctl", (0, termios.TCGETS), "allow"),
    ("ioctl", (0, termios.TCGETS | HIGH), "allow"),
    ("ioctl", (0, termios.FIONREAD), "allow"),
    ("ioctl", (0, termios.TIOCSTI), "ENOSYS"),
    ("ioctl", (0, termios.TIOCSTI | HIGH), "ENOSYS"),
    ("ioctl", (0, 0x541C), "ENOSYS"),
    ("ioctl", (0, 0x541C | HIGH << 5), "ENOSYS"),
    ("ioctl", (0, 0), "ENOSYS"),
    ("ioctl", (0, 0x40049409), "ENOSYS"),
    # descriptors
    ("fcntl", (1, fcntl.F_GETFL), "allow"),
    # locks: memory that no cgroup is charged for, and time of who closes
    ("flock", (0, 1), "ENOSYS"),
    ("flock", (0, 2), "ENOSYS"),
    *[("fcntl", (1, command | high), "ENOSYS")
      for command in (fcntl.F_GETLK, fcntl.F_SETLK, fcntl.F_SETLKW, 36, 37, 38)
      for high in (0, HIGH)],
    ("fcntl", (1, fcntl.F_NOTIFY), "ENOSYS"),
    ("fcntl", (1, fcntl.F_SETLEASE), "ENOSYS"),
    ("fcntl", (1, fcntl.F_SETSIG), "ENOSYS"),
    ("fadvise64", (1, 0, 0, 2), "allow"),
    ("fadvise64", (1, 0, 0, 4), "ENOSYS"),
    # nodes: FIFOs, no devices
    ("mknod", (0, 0o010644), "allow"),
    ("mknod", (0, 0o020644), "ENOSYS"),
    ("mknod", (0, 0o060644 | HIGH), "ENOSYS"),
    ("mknodat", (0, 0, 0o010644), "allow"),
    ("mknodat", (0, 0, 0o060644), "ENOSYS"),
    # memory
    ("mmap", (0, 4096, 7, 0x22), "allow"),
    ("mmap", (0, 4096, 3, 0x40022), "ENOSYS"),
    ("memfd_create", (0, 1), "allow"),
    ("memfd_create", (0, 5), "ENOSYS"),
    ("madvise", (0, 4096, 4), "allow"),
    ("madvise", (0, 4096, 12), "ENOSYS"),
    ("madvise", (0, 4096, 20), "ENOSYS"),
    ("madvise", (0, 4096, 21), "ENOSYS"),
    ("madvise", (0, 4096, 25), "ENOSYS"),
    ("madvise", (0, 4096, 100), "ENOSYS"),
    ("madvise", (0, 4096, 102), "allow"),
    ("sendto", (-1, 0, 0, 0), "allow"),
    ("sendto", (-1, 0, 0, 1), "ENOSYS"),
    ("sendto", (-1, 0, 0, 0x4001), "ENOSYS"),
    ("sendmsg", (-1, 0, 0x40), "allow"),
    ("sendmsg", (-1, 0, 1), "ENOSYS"),
    ("sendmmsg", (-1, 0, 0, 0x40), "allow"),
    ("sendmmsg", (-1, 0, 0, 1), "ENOSYS"),
    ("shmget", (0, 1, 0), "ENOSYS"),
    # what a process may change of itself
    ("prctl", (15,), "allow"),
    ("prctl", (38, 1), "allow"),
    ("prctl", (22, 2), "ENOSYS"),     # PR_SET_SECCOMP
    ("prctl", (35,), "ENOSYS"),       # PR_SET_MM
    ("prctl", (53,), "ENOSYS"),       # PR_SET_SPECULATION_CTRL
    ("prctl", (4, 0), "allow"),       # PR_SET_DUMPABLE
    ("prctl", (4, 1), "ENOSYS"),
    ("prctl", (47, 2), "ENOSYS"),     # PR_CAP_AMBIENT
    ("seccomp", (1,), "ENOSYS"),
    ("arch_prctl", (0x1002,), "allow"),
    ("arch_prctl", (0x1012,), "ENOSYS"),
    ("personality", (0xFFFFFFFF,), "allow"),
    ("personality", (0,), "allow"),
    ("personality", (0x0040000,), "ENOSYS"),
    ("personality", (0x0400000,), "ENOSYS"),
    ("setuid", (0,), "ENOSYS"),
    ("sched_setaffinity", (), "ENOSYS"),
    ("modify_ldt", (), "ENOSYS"),
    ("landlock_restrict_self", (), "ENOSYS"),
    # shared files
    ("inotify_init", (), "ENOSYS"),
    ("mincore", (), "ENOSYS"),
    ("splice", (), "ENOSYS"),
    ("vmsplice", (), "ENOSYS"),
    # the audit class
    *[(name, (), "audit") for name in (
        "mount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount",
        "fsopen", "mount_setattr", "open_tree_attr", "ptrace",
        "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd", "bpf",
        "io_uring_setup", "io_uring_enter", "io_uring_register", "add_key",
        "request_key", "keyctl", "kexec_load", "kexec_file_load",
        "init_module", "finit_module", "delete_module", "perf_event_open",
        "userfaultfd", "open_by_handle_at", "swapon", "reboot",
        "settimeofday", "clock_settime", "sethostname", "acct", "iopl",
        "syslog")],
    # sockets
    ("socketpair", (1, STREAM | CLOEXEC), "allow"),
    ("socketpair", (1 | HIGH, STREAM), "allow"),
    ("socketpair", (1, RAW), "ENOSYS"),
    ("socketpair", (AF["TIPC"], STREAM), "ENOSYS"),
    ("socket", (AF["UNIX"], STREAM | CLOEXEC),
     "EAFNOSUPPORT", "allow", "allow"),
    ("socket", (AF["UNIX"] | HIGH, STREAM), "EAFNOSUPPORT", "allow", "allow"),
    ("socket", (AF["UNIX"], RAW), "EAFNOSUPPORT", "audit", "audit"),
    ("socket", (AF["INET"], STREAM), "audit", "audit", "allow"),
    ("socket", (AF["INET"], STREAM | CLOEXEC, 6), "audit", "audit", "allow"),
    ("socket", (AF["INET"], DGRAM, 17), "audit", "audit", "allow"),
    ("socket", (AF["INET6"], DGRAM), "audit", "audit", "allow"),
    ("socket", (AF["INET"], RAW, 1), "audit"),
    ("socket", (AF["INET"], RAW | HIGH, 1), "audit"),
    ("socket", (AF["INET"], PACKET), "audit"),
    ("socket", (AF["INET"], SEQPACKET, 132), "audit"),
    ("socket", (AF["INET"], STREAM, 262), "audit"),          # MPTCP
    ("socket", (AF["INET"], STREAM, 262 | HIGH), "audit"),
    ("socket", (AF["INET6"], DGRAM, 136), "audit"),          # UDP-Lite
    ("socket", (AF["NETLINK"], RAW, 0), "audit", "audit", "EAFNOSUPPORT"),
    ("socket", (AF["NETLINK"], RAW, 9), "audit"),
    ("socket", (AF["NETLINK"], RAW, 12), "audit"),
    *[("socket", (AF[name], kind), "audit")
      for name in ("AX25", "PACKET", "RDS", "CAN", "TIPC", "BLUETOOTH",
                   "RXRPC", "ALG", "VSOCK", "XDP")
      for kind in (STREAM, DGRAM, RAW, SEQPACKET)],
    ("socket", (0, STREAM), "audit"),
    ("socket", (0xFFFFFFFF, STREAM), "audit"),
    ("bind", (), "ENOSYS", "allow", "allow"),
    ("listen", (), "ENOSYS", "allow", "allow"),
    ("connect", (), "ENOSYS", "allow", "allow"),
    ("setsockopt", (3, 1, 7), "allow"),
    ("setsockopt", (3, 1, 26), "ENOSYS"),      # SO_ATTACH_FILTER
    ("setsockopt", (3, 1, 50), "ENOSYS"),      # SO_ATTACH_BPF
    ("setsockopt", (3, 6, 1), "ENOSYS", "ENOSYS", "allow"),
    ("setsockopt", (3, 6, 31), "ENOSYS"),      # TCP_ULP
    ("setsockopt", (3, 0, 64), "ENOSYS"),      # IPT_SO_SET_REPLACE
]


# Of what strict allows, analyzers have no use for any of this.
NOT_FOR_ANALYZERS = {"socketpair", "sendto", "sendmsg", "sendmmsg",
                     "setsockopt"}


def rows(profile):
    """(nr, args, verdict) of one profile."""
    column = ("strict", "standard", "permissive").index(
        "strict" if profile == "analyzer" else profile)
    for name, args, *words in ROWS:
        word = words[column if len(words) > 1 else 0]
        if profile == "analyzer" and name in NOT_FOR_ANALYZERS:
            word = "ENOSYS"
        yield name, NR[name], args, word
