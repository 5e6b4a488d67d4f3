# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the integration tests: the real binaries, started as root."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from contract import pytest_configure  # noqa: E402, F401
from promptcraft import BUILD, Stack  # noqa: E402


def pytest_sessionstart(session):
    # A skip would look like success where nothing was tested.
    if os.geteuid() != 0:
        pytest.exit("the integration tests start jails: run them as root",
                    returncode=1)
    if not (BUILD / "promptcraft").exists():
        pytest.exit(f"{BUILD} has no binaries: run make first",
                    returncode=1)


@pytest.fixture(scope="session")
def stack():
    """One stack for all tests that do not break it."""
    stack = Stack.up()
    yield stack
    stack.down()


@pytest.fixture(scope="session")
def client(stack):
    """Signed in as the admin."""
    return stack.client()


@pytest.fixture(scope="session")
def anonymous(stack):
    return stack.anonymous()


@pytest.fixture
def own_stack():
    """A stack for this test alone, to be killed and restarted."""
    stack = Stack.up()
    yield stack
    stack.down()
