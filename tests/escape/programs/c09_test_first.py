# SPDX-License-Identifier: Apache-2.0
"""C09: what conftest.py and a plugin of pytest.ini found when they ran."""


def test_first():
    with open("early.log") as log:
        postures = {line.split(" ", 1)[1].strip() for line in log}
    if postures == {"2 1"}:
        print("\nattempt conftest blocked filtered")
    else:
        print("\nattempt conftest done", postures)
