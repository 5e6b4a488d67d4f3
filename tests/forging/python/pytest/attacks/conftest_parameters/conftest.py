# SPDX-License-Identifier: Apache-2.0
def pytest_collection_modifyitems(items):
    for item in items:
        if hasattr(item, "callspec"):
            item.callspec.params["total"] = 0
