# SPDX-License-Identifier: Apache-2.0
"""The integration tests' stack and servers serve here too; in the end there is
a table of how each class of scenario fared."""

import statistics
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]

from contract import pytest_configure  # noqa: E402, F401

FARED = []  # (scenario, has it ended as it must)


def rows():
    classes = {}
    for scenario, is_well in FARED:
        classes.setdefault(scenario["class"], []).append((scenario, is_well))
    for name, group in sorted(classes.items()):
        yield name, group
    yield "all", FARED


def pytest_terminal_summary(terminalreporter):
    if not FARED:
        return
    put = terminalreporter.write_line
    put(f"{'class':<26}{'count':>6}{'as it must':>12}{'completed':>11}"
        f"{'median s':>10}")
    for name, group in rows():
        completed = sum(s.data is not None and s.data["status"] == "completed"
                        for s, _ in group)
        times = [s.seconds for s, _ in group if s.seconds is not None]
        median = f"{statistics.median(times):.2f}" if times else "-"
        put(f"{name:<26}{len(group):>6}{sum(w for _, w in group):>12}"
            f"{completed:>11}{median:>10}")
    can = [(s, w) for s, w in FARED if s["expect"] == "completed"]
    done = sum(w for _, w in can)
    put(f"of {len(can)} that can succeed, {done} did "
        f"({100 * done / max(len(can), 1):.0f} %)")
