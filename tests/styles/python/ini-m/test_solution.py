# SPDX-License-Identifier: Apache-2.0
import pytest
@pytest.mark.slow
def test_a(): assert 1
def test_b(): assert 1
