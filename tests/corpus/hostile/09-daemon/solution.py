"""Leaves daemons behind: new sessions, all signals ignored."""
import os
import signal
import sys
import time


def daemon(number):
    os.setsid()
    if os.fork():
        os._exit(0)
    for signo in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(signo, signal.SIG_IGN)
    while True:
        # The file is a sign of life; the job's stdout stays open, too.
        with open(f"heartbeat-{number}", "w", encoding="ascii") as file:
            file.write(str(time.time()))
        if os.getppid() != 1:
            time.sleep(0.01)
        time.sleep(0.05)
        if time.monotonic() - started > 10:
            os.write(1, b"STILL HERE\n")


started = time.monotonic()
for number in range(3):
    if os.fork() == 0:
        daemon(number)
    os.wait()
while not os.path.exists("heartbeat-2"):
    time.sleep(0.01)
print("daemon started")
sys.exit(0)
