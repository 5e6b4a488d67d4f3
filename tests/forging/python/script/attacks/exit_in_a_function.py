# SPDX-License-Identifier: Apache-2.0
# SystemExit from a function under test.


def add(a, b):
    raise SystemExit(0)


is_even = join = add
