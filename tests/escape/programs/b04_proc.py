# SPDX-License-Identifier: Apache-2.0
"""B04: files of /proc and /sys that tell of the host or change it; PID 1's
own; and the writable ones of our own that hold privileges.

Reading one byte, or opening for writing, is the attempt; nothing is written.
"""
import errno
import os

READ = """sysrq-trigger kcore kmsg keys key-users sched_debug timer_list
kallsyms kpagecount iomem ioports interrupts meminfo loadavg cpuinfo version
uptime stat diskstats modules slabinfo vmallocinfo cmdline config.gz locks
mounts net sys bus driver fs irq tty acpi scsi asound partitions swaps devices
1/environ 1/root 1/cwd 1/exe 1/fd 1/maps 1/mem 1/stat 1/status 1/cmdline 1/ns
1/mountinfo 1/task""".split()
WRITE = """sysrq-trigger sys/kernel/core_pattern sys/kernel/modprobe
sys/vm/panic_on_oom sys/fs/binfmt_misc/register self/mem self/oom_score_adj
self/uid_map self/gid_map self/setgroups self/attr/current self/clear_refs
self/coredump_filter self/timerslack_ns self/comm self/loginuid self/sessionid
self/autogroup self/fail-nth self/make-it-fail self/sched 1/mem
1/oom_score_adj""".split()
OUTSIDE = """/sys /sys/kernel/debug /sys/kernel/security /sys/firmware
/sys/fs/bpf /sys/devices/virtual/powercap /dev/mem /proc/bus/pci
/boot /root /home /var /etc/passwd /etc/shadow /etc/hostname /etc/machine-id
/etc/resolv.conf /run/systemd /usr/local /usr/share/doc /usr/sbin /srv
/mnt /tmp/../var""".split()


def report(name, error):
    if error is None:
        print(f"attempt {name} done")
    else:
        print(f"attempt {name} blocked {errno.errorcode[error.errno]}")


def try_open(name, path, flags):
    try:
        fd = os.open(path, flags)
        try:
            if flags == os.O_RDONLY and not os.path.isdir(path):
                os.read(fd, 1)
        finally:
            os.close(fd)
    except OSError as error:
        report(name, error)
    else:
        report(name, None)


for name in READ:
    path = f"/proc/{name}"
    if os.path.islink(path):
        try:
            os.readlink(path)
        except OSError as error:
            report(f"read-{name}", error)
            continue
    try_open(f"read-{name}", path, os.O_RDONLY)
for name in WRITE:
    try_open(f"write-{name}", f"/proc/{name}", os.O_WRONLY)
for path in OUTSIDE:
    try_open(f"path-{path}", path, os.O_RDONLY)
# All of what is listed: our own processes, none of the host's.
own = {"self", "thread-self"} | {str(pid) for pid in (os.getpid(),
                                                      os.getppid())}
foreign = set(os.listdir("/proc")) - own
print("attempt list-proc", f"done {sorted(foreign)[:20]}" if foreign
      else "blocked only-own")
try:
    print("attempt list-etc done", os.listdir("/etc"))
except OSError as error:
    report("list-etc", error)
