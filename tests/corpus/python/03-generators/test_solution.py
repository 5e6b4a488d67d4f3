from itertools import islice

from solution import chunks, fibonacci, interleave, primes, running_mean, walk


def test_primes():
    assert list(islice(primes(), 10)) == [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]


def test_thousandth_prime():
    assert next(islice(primes(), 999, None)) == 7919


def test_fibonacci_is_exact():
    assert next(islice(fibonacci(), 100, None)) == 354224848179261915075


def test_chunks():
    assert list(chunks("abcdefg", 3)) == [tuple("abc"), tuple("def"), ("g",)]


def test_interleave():
    assert "".join(interleave("ace", "bd", "")) == "abcde"


def test_running_mean():
    mean = running_mean()
    next(mean)
    assert [mean.send(x) for x in (2, 4, 9)] == [2, 3, 5]


def test_walk():
    assert list(walk([1, [2, [3, []], 4]])) == [1, 2, 3, 4]
