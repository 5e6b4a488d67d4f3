# SPDX-License-Identifier: Apache-2.0
def add(a, b):
    return a + b


def is_even(n):
    return n % 2 == 0


def join(words):
    return ", ".join(words)
