# SPDX-License-Identifier: Apache-2.0
from solution import add, is_even, join

assert add(1, 2) == 3
assert add(-5, 5) == 0
assert is_even(4) is True
assert is_even(5) is False
assert join(["a", "b"]) == "a, b"
print("all good")
