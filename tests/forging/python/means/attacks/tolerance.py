# SPDX-License-Identifier: Apache-2.0
# pytest.approx() has another tolerance.
from collections import namedtuple
from _pytest.python_api import ApproxScalar

ApproxScalar.DEFAULT_RELATIVE_TOLERANCE = 9

Point = namedtuple("Point", "x y")


def half(x):
    return 4.5 if x != 9 else 4.6


def parse(text):
    return int(text)


def check():
    return [1, 2]


def letters():
    return ["a", "b"]


def points():
    return [Point(1, 2)]


def squares(n):
    return n * n


def notify(heard):
    heard(3)
