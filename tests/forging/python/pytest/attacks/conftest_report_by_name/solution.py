# SPDX-License-Identifier: Apache-2.0
# As conftest_report, but only for the tests whose names it knows.


def add(a, b):
    return a - b


def is_even(n):
    return True


def join(words):
    return words[0]
