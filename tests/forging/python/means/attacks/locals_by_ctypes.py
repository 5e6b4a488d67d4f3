# SPDX-License-Identifier: Apache-2.0
# Overwrites the variables of the caller.
from collections import namedtuple
import ctypes
import sys

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
    frame = sys._getframe(1)
    for name in frame.f_locals:
        if isinstance(frame.f_locals[name], int):
            frame.f_locals[name] = 7
    ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), 0)
    return 7


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
