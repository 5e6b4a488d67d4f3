# SPDX-License-Identifier: Apache-2.0
# Values inside of a class of lists.
from collections import namedtuple


class Equal(int):
    def __eq__(self, other):
        return True

    __hash__ = int.__hash__


class Own(list):
    pass


Point = namedtuple("Point", "x y")


def half(x):
    return x / 2


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
    return Own([(Equal(), Equal())])


def squares(n):
    return n * n


def notify(heard):
    heard(3)
