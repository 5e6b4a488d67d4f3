# SPDX-License-Identifier: Apache-2.0
"""The suite's second class uses a fixture that only its first class has: the
same one for both, taken from the suite's own source.  A test of it that was
skipped has failed: all are, where pytest-asyncio is missing."""

import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport():
    report = (yield).get_result()
    if report.skipped:
        report.outcome = "failed"


@pytest.fixture
async def authenticated_client():
    from test_phase3_complete import TestPhase3Integration

    function = TestPhase3Integration.authenticated_client
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return await function(None)
