# SPDX-License-Identifier: Apache-2.0
from collections import namedtuple

Point = namedtuple("Point", "x y")


def half(x):
    return x


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
