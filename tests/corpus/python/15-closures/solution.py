"""Functions that make functions."""
import functools


def memoize(function):
    cache = {}

    @functools.wraps(function)
    def wrapper(*args):
        if args not in cache:
            cache[args] = function(*args)
        return cache[args]

    wrapper.cache = cache
    return wrapper


def retry(times, on=Exception):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            for attempt in range(times):
                try:
                    return function(*args, **kwargs)
                except on:
                    if attempt == times - 1:
                        raise
        return wrapper
    return decorate


def compose(*functions):
    return lambda x: functools.reduce(lambda value, f: f(value), reversed(functions), x)


def make_adders():
    # Late binding: every adder adds 3.
    return [lambda x: x + i for i in range(4)]


def counter(start=0):
    def step():
        start += 1  # noqa: F823 - "nonlocal" is missing
        return start
    return step
