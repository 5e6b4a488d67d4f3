# SPDX-License-Identifier: Apache-2.0
"""D09: what a job leaves for the next one in its slot, and what it finds.

`leave` puts something everywhere; both print what they see as one JSON line.
The words after it are the places to look at and to leave something in.
"""
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time

WRITABLE = sys.argv[2:] or ["/work", "/tmp", "/dev/shm"]
PLACES = WRITABLE if sys.argv[2:] else [*WRITABLE, "/run", "/opt", "/dev",
                                        "/"]
MARK = "left-by-a-job"


def list_all():
    found = []
    for place in PLACES:
        try:
            found += [os.path.join(place, n) for n in os.listdir(place)]
        except OSError:
            pass
    return sorted(found)


def processes():
    return sorted(int(n) for n in os.listdir("/proc") if n.isdigit())


def layout():
    """Where things lie: program, heap, libraries, stack, vdso."""
    found = {}
    with open("/proc/self/maps") as maps:
        for line in maps:
            words = line.split()
            name = words[5] if len(words) > 5 else ""
            base = os.path.basename(name)
            if base in ("[heap]", "[stack]", "[vdso]", "python3.11",
                        "libc.so.6"):
                found.setdefault(base, words[0].split("-")[0])
    return found


def at_random():
    libc = ctypes.CDLL(None)
    libc.getauxval.restype = ctypes.c_void_p
    return ctypes.string_at(libc.getauxval(25), 16).hex()


def sockets():
    """Names that are taken in the abstract space; none where there are no
    sockets."""
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind("\0" + MARK)
        return "free"
    except OSError as error:
        return "taken" if error.errno == 98 else "none"


def look():
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return {
        "files": list_all(),
        "processes": processes(),
        "environment": dict(os.environ),
        "layout": layout(),
        "random": os.urandom(16).hex(),
        "at_random": at_random(),
        "hash": hash("promptcraft"),
        "abstract": sockets(),
        "umask": status["Umask"].strip(),
        "signals": [status[n].strip() for n in ("SigBlk", "SigPnd", "ShdPnd")],
        "timers": signal.getitimer(signal.ITIMER_REAL),
        "nice": os.getpriority(os.PRIO_PROCESS, 0),
        "hostname": os.uname().nodename,
        "mnt": os.readlink("/proc/self/ns/mnt"),
        "ipc": os.readlink("/proc/self/ns/ipc"),
        "user": os.readlink("/proc/self/ns/user"),
        "pid_ns": os.readlink("/proc/self/ns/pid"),
    }


def leave():
    for place in WRITABLE:
        with open(f"{place}/{MARK}", "wb") as file:
            file.write(bytes(8 << 20))
    os.environ["LEFT"] = MARK
    os.umask(0)
    os.setpriority(os.PRIO_PROCESS, 0, 19)
    signal.setitimer(signal.ITIMER_REAL, 3600)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    held = []
    try:
        one = socket.socket(socket.AF_UNIX)
        one.bind("\0" + MARK)
        one.listen()
        held.append(one)
    except OSError:
        pass
    for _ in range(3):
        held.append(subprocess.Popen(["/usr/bin/sleep", "1000"],
                                     start_new_session=True))
    held.append(bytearray(16 << 20))
    time.sleep(0.05)
    return held


print(json.dumps(look()), flush=True)
if sys.argv[1] == "leave":
    kept = leave()
    os._exit(0)
