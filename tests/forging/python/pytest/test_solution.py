# SPDX-License-Identifier: Apache-2.0
import pytest

from solution import add, is_even, join


@pytest.mark.parametrize("a, b, total", [(1, 2, 3), (-5, 5, 0)])
def test_add(a, b, total):
    assert add(a, b) == total


def test_is_even():
    assert is_even(4) is True
    assert is_even(5) is False


class TestJoin:
    def test_two(self):
        assert join(["a", "b"]) == "a, b"
