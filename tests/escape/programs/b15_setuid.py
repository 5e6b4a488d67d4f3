# SPDX-License-Identifier: Apache-2.0
"""B15: gain something from set-user-id programs and file capabilities.

LD_SHOW_AUXV makes the dynamic linker print what the kernel gave a program at
its exec, unless the program is privileged (AT_SECURE), when the linker ignores
such variables.  So a program that prints has gained nothing.
"""
import os
import shutil
import stat
import subprocess
import sys

CANDIDATES = ["/usr/bin/" + name for name in (
    "su", "mount", "umount", "newgrp", "passwd", "chsh", "chfn", "gpasswd",
    "sudo", "ping", "pkexec", "fusermount3")] + [
    "/usr/lib/dbus-1.0/dbus-daemon-launch-helper",
    "/usr/lib/openssh/ssh-keysign"] + sys.argv[1:]


def auxv(path):
    try:
        done = subprocess.run([path, "--version"], capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=20,
                              env={"LD_SHOW_AUXV": "1"})
    except PermissionError:
        return {}, "EACCES"
    pairs = [line.split(":", 1) for line in
             done.stdout.decode(errors="replace").splitlines()
             if line.startswith("AT_")]
    return {key: value.strip() for key, value in pairs}, ""


def try_program(name, path):
    got, refused = auxv(path)
    if refused:
        print(f"attempt exec-{name} blocked {refused}")
    elif not got:
        print(f"attempt exec-{name} done it is privileged")
    elif got["AT_SECURE"] == "0" and got["AT_EUID"] == str(os.getuid()) != "0":
        print(f"attempt exec-{name} blocked gained-nothing")
    else:
        print(f"attempt exec-{name} done", got["AT_EUID"], got["AT_SECURE"])


for path in CANDIDATES:
    try:
        status = os.stat(path)
        capability = "security.capability" in os.listxattr(path)
    except OSError:
        continue
    if capability or status.st_mode & (stat.S_ISUID | stat.S_ISGID):
        try_program(os.path.basename(path), path)
# One of our own: the bits can be set, but give nobody anything.
own = os.path.join(os.environ.get("TMPDIR", "/tmp"), "own-setuid")
shutil.copy("/usr/bin/true", own)
os.chmod(own, 0o6755)
try_program("own", own)
for name in ("chown-root", "chown-init"):
    try:
        os.chown(own, 0 if name == "chown-init" else 65534, -1)
        print(f"attempt {name} done")
    except OSError as error:
        print(f"attempt {name} blocked {error.strerror.replace(' ', '-')}")
os.unlink(own)  # the plain clone's /tmp is the machine's
with open("/proc/self/status") as lines:
    fields = dict(line.rstrip("\n").split(":\t", 1) for line in lines)
value = fields["NoNewPrivs"]
print("attempt new-privs", "blocked" if value == "1" else "done", value)
