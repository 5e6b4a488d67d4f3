"""Lazy sequences."""
import itertools


def primes():
    """An unbounded sieve that keeps one multiple for each prime."""
    multiples = {}
    for n in itertools.count(2):
        steps = multiples.pop(n, None)
        if steps is None:
            yield n
            multiples[n * n] = [n]
        else:
            for step in steps:
                multiples.setdefault(n + step, []).append(step)


def fibonacci():
    a, b = 0, 1
    while True:
        yield a
        a, b = b, a + b


def chunks(items, size):
    iterator = iter(items)
    while chunk := tuple(itertools.islice(iterator, size)):
        yield chunk


def interleave(*iterables):
    pending = [iter(it) for it in iterables]
    while pending:
        for iterator in list(pending):
            try:
                yield next(iterator)
            except StopIteration:
                pending.remove(iterator)


def running_mean():
    total, n, mean = 0.0, 0, None
    while True:
        total += yield mean
        n += 1
        mean = total / n


def walk(tree):
    if isinstance(tree, list):
        for branch in tree:
            yield from walk(branch)
    else:
        yield tree
