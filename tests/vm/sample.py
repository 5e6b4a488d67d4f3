# SPDX-License-Identifier: Apache-2.0
"""A pytest plugin for machines that are too slow for all: some cases of each
test, never none, and a line that says so.

    -p sample --sample 8           of each test every eighth case
    -p sample --profile strict     of cases by profile those of one

A failure is printed at once and not only at the end.
"""

import os

os.environ.pop("PYTHONPATH", None)  # no test's programs shall have it


def pytest_addoption(parser):
    group = parser.getgroup("sample")
    group.addoption("--sample", type=int, default=1)
    group.addoption("--profile", default=None)


def of_other_profile(item, wanted):
    params = getattr(item, "callspec", None)
    profile = params.params.get("profile") if params else None
    return wanted is not None and profile not in (None, wanted)


def pytest_collection_modifyitems(config, items):
    every = config.getoption("sample")
    profile = config.getoption("profile")
    seen, kept, left = {}, [], []
    for item in items:
        test = item.nodeid.split("[")[0]
        if of_other_profile(item, profile):
            left.append(item)
            continue
        seen[test] = seen.get(test, 0) + 1
        (left if (seen[test] - 1) % every else kept).append(item)
    config.hook.pytest_deselected(items=left)
    items[:] = kept


def pytest_runtest_logreport(report):
    """At once: an emulated machine may be ended before the summary."""
    if report.failed:
        print(f"\n{report.longreprtext}", flush=True)


def pytest_report_header(config):
    every, profile = config.getoption("sample"), config.getoption("profile")
    return [f"sample: every {every}. case of each test, "
            f"{f'profile {profile} only' if profile else 'all profiles'}"]
