# SPDX-License-Identifier: Apache-2.0
"""The integration tests' stack and receivers serve here too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))

from contract import pytest_configure  # noqa: E402, F401
