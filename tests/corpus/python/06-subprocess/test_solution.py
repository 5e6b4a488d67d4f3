import os
import signal
import subprocess
import sys

import pytest

from solution import evaluate, in_child, shell_pipeline, stop_sleeper


def test_evaluate():
    assert evaluate("6 * 7") == "42"


def test_evaluate_error():
    with pytest.raises(ValueError, match="ZeroDivisionError"):
        evaluate("1 / 0")


def test_pipeline():
    assert shell_pipeline("b\na\nb\nc\n") == ["a", "b", "c"]


def test_fork():
    assert in_child(lambda: 7) == 7


def test_signal():
    assert stop_sleeper() == -signal.SIGTERM


def test_child_has_only_standard_fds():
    code = "import os; print(sorted(int(f) for f in os.listdir('/proc/self/fd')))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                         close_fds=False, check=True).stdout
    fds = eval(out)
    assert [fd for fd in fds if fd > 2] == fds[3:] and len(fds) <= 4
