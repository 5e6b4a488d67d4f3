# SPDX-License-Identifier: Apache-2.0
"""What tests look at results with, other than == and assertEqual."""
import math
from collections import namedtuple
from unittest.mock import Mock

from solution import (
    Point, check, cubes, fifth, half, letters, ninth, notify, parse, points, quarter,
    sixth, squares, third)
from pytest import approx, raises

SQUARES = [(2, 4), (3, 9)]
Pair = namedtuple("Pair", "x y")


def is_near(a, b):
    assert abs(a - b) < 1e-9


def test_near():
    assert abs(half(9) - 4.5) < 1e-9


def test_is_close():
    assert math.isclose(quarter(9), 2.25)


def test_approx():
    assert fifth(9) == approx(1.8)


def test_helper():
    is_near(sixth(9), 1.5)


def test_raises():
    with raises(ValueError):
        parse("x")


def test_in():
    assert third(9) in (3, 4)


def test_more():
    assert ninth(45) > 4


def test_all():
    assert all(x > 0 for x in check())


def test_has():
    assert "b" in letters()


def test_inside():
    assert points() == [(1, 2)]
    assert Point(1, 2) == (1, 2)


def test_table():
    for a, b in SQUARES:
        assert squares(a) == b


def test_variables():
    a, b = 2, 8
    assert cubes(a) == b


def test_called():
    heard = Mock()
    notify(heard)
    heard.assert_called_with(3)
