# SPDX-License-Identifier: Apache-2.0
"""Leave at the declared places everything but a plain file."""
import contextlib
import os
import socket

os.symlink("/opt/runtime/harness.py", "symlink")
os.symlink("/opt/runtime", "linked")  # linked/harness.py
os.symlink("symlink", "chain")
os.symlink("/proc/self/environ", "environ")
os.symlink("/proc/1/environ", "init_environ")
os.symlink("/dev/zero", "device")
os.symlink("/dev/shm", "shm")
with open("/dev/shm/file", "w") as file:
    file.write("other file system")
with open("own", "w") as file:
    file.write("own")
os.link("own", "hardlink")
os.mkfifo("fifo")
os.mkdir("directory")
with open("sparse", "wb") as file:
    file.truncate(60 << 20)
with open("unreadable", "w") as file:
    file.write("x")
os.chmod("unreadable", 0)
with contextlib.suppress(OSError):
    socket.socket(socket.AF_UNIX).bind("socket")
with contextlib.suppress(OSError):
    os.mknod("node", 0o20666, os.makedev(1, 5))
os.unlink("a08_results.py")  # itself
os.symlink("/opt/runtime/harness.py", "a08_results.py")
with open("good", "w") as file:
    file.write("good")
