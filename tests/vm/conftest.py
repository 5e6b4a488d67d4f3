# SPDX-License-Identifier: Apache-2.0
"""These tests want a machine of their own: tests/vm/run makes one."""

import os
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "tests" / "integration"))


def pytest_sessionstart(session):
    if os.geteuid() != 0:
        pytest.exit("these tests need root", returncode=1)
    if not Path("/run/systemd/system").is_dir():
        pytest.exit("these tests need systemd: use tests/vm/run",
                    returncode=1)
    if not Path("/sys/fs/cgroup/cgroup.controllers").exists():
        pytest.exit("these tests need cgroup v2: use tests/vm/run",
                    returncode=1)
