"""Running other programs."""
import os
import signal
import subprocess
import sys


def evaluate(expression):
    """Evaluate in another interpreter; returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", f"print({expression})"],
        capture_output=True, text=True, timeout=20,
    )
    if done.returncode:
        raise ValueError(done.stderr.strip().splitlines()[-1])
    return done.stdout.strip()


def shell_pipeline(text):
    first = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    second = subprocess.Popen(["sort", "-u"], stdin=first.stdout, stdout=subprocess.PIPE)
    first.stdout.close()
    first.stdin.write(text.encode())
    first.stdin.close()
    out = second.communicate()[0].decode()
    first.wait()
    return out.split()


def in_child(function):
    """Run a function in a forked child; returns its exit code."""
    pid = os.fork()
    if pid == 0:
        os._exit(function() & 0xFF)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def stop_sleeper():
    sleeper = subprocess.Popen(["sleep", "60"])
    sleeper.send_signal(signal.SIGTERM)
    return sleeper.wait(timeout=10)
