# SPDX-License-Identifier: Apache-2.0
def add(a, b):
    return a - b


def is_even(n):
    return True


def join(words):
    return words[0]
