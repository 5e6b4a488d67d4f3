# SPDX-License-Identifier: Apache-2.0
"""Overwrite what started us: through /proc/PID/exe, an fd that was opened
while the program ran, and a script whose interpreter is /proc/self/exe."""
import errno
import glob
import os
import stat
import subprocess
import sys

TARGETS = sys.argv[1:] or ["/usr/bin/python3", "/opt/runtime/harness.py"]


def attempt(name, call):
    try:
        detail = call()
        print(f"attempt {name} done {detail}")
    except OSError as error:
        print(f"attempt {name} blocked {errno.errorcode[error.errno]}")


def append(path):
    """One byte at the end, as harmless as a write can be."""
    fd = os.open(path, os.O_WRONLY | os.O_APPEND)
    os.write(fd, b"\n")
    return path


def reopen(path):
    """Hold it by O_PATH, reopen it by its number."""
    fd = os.open(path, os.O_PATH)
    return append(f"/proc/self/fd/{fd}")


def init_exe():
    fd = os.open("/proc/1/exe", os.O_RDONLY)
    return os.fstat(fd).st_size


def others():
    """Any process but ourselves: PID 1 would be the prize."""
    pids = [p for p in glob.glob("/proc/[0-9]*")
            if p != f"/proc/{os.getpid()}"]
    if not pids:
        raise OSError(errno.ENOENT, "none")
    return append(pids[0] + "/exe")


def script():
    """Who interprets it?  It must be our own program, never jail-init."""
    with open("/work/script", "w") as file:
        file.write("#!/proc/self/exe\nimport os, sys\n"
                   "print(os.path.basename(os.readlink('/proc/self/exe')))\n")
    os.chmod("/work/script", 0o755)
    text = subprocess.run(["/work/script"], capture_output=True, text=True)
    said = text.stdout.strip()
    if said.startswith("python3"):
        raise OSError(errno.EPERM, "only ourselves")
    return said or text.stderr.strip().replace("\n", " ")


attempt("write_self_exe", lambda: append("/proc/self/exe"))
attempt("reopen_self_exe", lambda: reopen("/proc/self/exe"))
attempt("read_init_exe", init_exe)
attempt("write_init_exe", lambda: append("/proc/1/exe"))
attempt("write_others_exe", others)
attempt("script_of_self_exe", script)
for number, target in enumerate(TARGETS):
    attempt(f"write_{number}", lambda: append(target))
    attempt(f"reopen_{number}", lambda: reopen(target))
    attempt(f"truncate_{number}", lambda: os.truncate(target, 1))
    attempt(f"chmod_{number}",
            lambda: os.chmod(target, stat.S_IRWXU | stat.S_IRWXO))
    attempt(f"unlink_{number}", lambda: os.unlink(target))
    attempt(f"rename_{number}", lambda: os.rename("/work/script", target))
    attempt(f"link_{number}", lambda: os.link(target, "/work/link"))
