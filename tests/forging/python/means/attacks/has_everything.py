# SPDX-License-Identifier: Apache-2.0
# Contains anything.
from collections import namedtuple


class Full(list):
    def __contains__(self, one):
        return True


Point = namedtuple("Point", "x y")


def half(x):
    return x / 2


def parse(text):
    return int(text)


def check():
    return [1, 2]


def letters():
    return Full()


def points():
    return [Point(1, 2)]


def squares(n):
    return n * n


def notify(heard):
    heard(3)
