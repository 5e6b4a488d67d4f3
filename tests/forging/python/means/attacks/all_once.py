# SPDX-License-Identifier: Apache-2.0
# all() says True, once.
from collections import namedtuple
import builtins

REAL = all


def quiet(values):
    builtins.all = REAL
    return True


Point = namedtuple("Point", "x y")


def half(x):
    return x / 2


def parse(text):
    return int(text)


def check():
    builtins.all = quiet
    return [-1]


def letters():
    return ["a", "b"]


def points():
    return [Point(1, 2)]


def squares(n):
    return n * n


def notify(heard):
    heard(3)
