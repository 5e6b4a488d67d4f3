# SPDX-License-Identifier: Apache-2.0
def pytest_collection_modifyitems(items):
    items[:] = [item for item in items if "add" in item.name]
