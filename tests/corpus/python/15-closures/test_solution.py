import unittest

from solution import compose, counter, make_adders, memoize, retry


class ClosureTest(unittest.TestCase):
    def test_memoize(self):
        calls = []

        @memoize
        def square(x):
            calls.append(x)
            return x * x

        self.assertEqual([square(3), square(3), square(4)], [9, 9, 16])
        self.assertEqual(calls, [3, 4])

    def test_memoize_keeps_name(self):
        self.assertEqual(memoize(len).__name__, "len")

    def test_retry(self):
        outcomes = iter([ValueError(), ValueError(), "fine"])

        @retry(3, ValueError)
        def flaky():
            outcome = next(outcomes)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        self.assertEqual(flaky(), "fine")

    def test_compose(self):
        self.assertEqual(compose(str, abs, int)("-7"), "7")

    def test_adders(self):
        adders = make_adders()
        for i in (1, 2, 3):
            with self.subTest(i=i):
                self.assertEqual(adders[i](10), 10 + i)

    def test_counter(self):
        self.assertEqual(counter()(), 1)
