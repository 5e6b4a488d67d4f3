# SPDX-License-Identifier: Apache-2.0
import pytest
@pytest.fixture(autouse=True)
def z(): yield
def pytest_configure(config): config.addinivalue_line("markers","q: x")
