"""Classics of recursion."""
import functools
import sys


def hanoi(n, source="A", target="C", spare="B"):
    if n == 0:
        return []
    return (
        hanoi(n - 1, source, spare, target)
        + [(source, target)]
        + hanoi(n - 1, spare, target, source)
    )


def permutations(items):
    if len(items) <= 1:
        return [list(items)]
    return [
        [item] + rest
        for i, item in enumerate(items)
        for rest in permutations(items[:i] + items[i + 1 :])
    ]


@functools.lru_cache(maxsize=None)
def edit_distance(a, b):
    if not a or not b:
        return len(a) + len(b)
    return min(
        edit_distance(a[1:], b) + 1,
        edit_distance(a, b[1:]) + 1,
        edit_distance(a[1:], b[1:]) + (a[0] != b[0]),
    )


def queens(n, placed=()):
    row = len(placed)
    if row == n:
        return 1
    return sum(
        queens(n, placed + (column,))
        for column in range(n)
        if all(column != c and abs(column - c) != row - r for r, c in enumerate(placed))
    )


def depth(n):
    return 0 if n == 0 else 1 + depth(n - 1)


def deep(n):
    sys.setrecursionlimit(max(sys.getrecursionlimit(), n + 500))
    return depth(n)
