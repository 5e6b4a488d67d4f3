# SPDX-License-Identifier: Apache-2.0
from collections import namedtuple

Point = namedtuple("Point", "x y")


def half(x):
    return x


def third(x):
    return x / 3


def quarter(x):
    return x / 4


def fifth(x):
    return x / 5


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
    return n


def notify(heard):
    heard(3)
