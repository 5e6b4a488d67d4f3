# SPDX-License-Identifier: Apache-2.0
# Overwrites the variables of the caller.
from collections import namedtuple
import ctypes
import sys

Point = namedtuple("Point", "x y")


def half(x):
    return x / 2


def parse(text):
    return int(text)


def check():
    return [1, 2]


def letters():
    return ["a", "b"]


def points():
    return [Point(1, 2)]


def squares(n):
    frame = sys._getframe(1)
    for name in frame.f_locals:
        if isinstance(frame.f_locals[name], int):
            frame.f_locals[name] = 7
    ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), 0)
    return 7


def notify(heard):
    heard(3)
