import math
import threading
import unittest

from rate_limiter import RateLimiter


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Base(unittest.TestCase):
    def setUp(self):
        self.clock = Clock()

    def make(self, rate, **more):
        return RateLimiter(rate, clock=self.clock, **more)

    def taken(self, limiter, key="k", tries=1000):
        return sum(limiter.take(key).allowed for _ in range(tries))


class Buckets(Base):
    def test_a_burst_and_then_the_rate(self):
        limiter = self.make(2, burst=5)
        self.assertEqual(self.taken(limiter), 5)
        self.clock.now += 1
        self.assertEqual(self.taken(limiter), 2)
        self.clock.now += 0.5
        self.assertEqual(self.taken(limiter), 1)

    def test_the_burst_is_the_rate_unless_said(self):
        self.assertEqual(self.taken(self.make(7)), 7)

    def test_no_more_than_the_burst_is_saved(self):
        limiter = self.make(1, burst=3)
        self.taken(limiter)
        self.clock.now += 10_000
        self.assertEqual(self.taken(limiter), 3)

    def test_per_minute(self):
        limiter = self.make(30, per_s=60, burst=1)
        self.assertTrue(limiter.take("k").allowed)
        self.clock.now += 1.9
        self.assertFalse(limiter.take("k").allowed)
        self.clock.now += 0.2
        self.assertTrue(limiter.take("k").allowed)

    def test_over_a_long_time_it_is_the_rate(self):
        limiter = self.make(3, burst=3)
        allowed = 0
        for _ in range(1000):
            allowed += limiter.take("k").allowed
            self.clock.now += 0.1
        self.assertAlmostEqual(allowed, 3 + 300, delta=1)

    def test_keys_do_not_share(self):
        limiter = self.make(2)
        self.assertEqual(self.taken(limiter, "a"), 2)
        self.assertEqual(self.taken(limiter, "b"), 2)


class Answers(Base):
    def test_remaining(self):
        limiter = self.make(3)
        self.assertEqual([limiter.take("k").remaining for _ in range(4)],
                         [2, 1, 0, 0])

    def test_when_to_come_back(self):
        limiter = self.make(2, burst=1)
        self.assertEqual(limiter.take("k").retry_after_s, 0)
        decision = limiter.take("k")
        self.assertFalse(decision.allowed)
        self.assertAlmostEqual(decision.retry_after_s, 0.5)
        self.clock.now += decision.retry_after_s
        self.assertTrue(limiter.take("k").allowed)

    def test_costs(self):
        limiter = self.make(1, burst=10)
        self.assertTrue(limiter.take("k", cost=8).allowed)
        decision = limiter.take("k", cost=4)
        self.assertEqual((decision.allowed, decision.retry_after_s),
                         (False, 2))
        # What was refused has taken nothing.
        self.assertTrue(limiter.take("k", cost=2).allowed)

    def test_a_cost_that_never_fits(self):
        decision = self.make(1, burst=10).take("k", cost=11)
        self.assertEqual((decision.allowed, decision.retry_after_s),
                         (False, math.inf))

    def test_reset(self):
        limiter = self.make(1)
        self.taken(limiter)
        limiter.reset("k")
        limiter.reset("never seen")
        self.assertTrue(limiter.take("k").allowed)


class Clocks(Base):
    def test_one_that_goes_backwards(self):
        limiter = self.make(1, burst=2)
        limiter.take("k")
        self.clock.now -= 500
        self.assertTrue(limiter.take("k").allowed)
        self.assertFalse(limiter.take("k").allowed)
        self.clock.now += 500
        self.assertFalse(limiter.take("k").allowed)
        self.clock.now += 1
        self.assertTrue(limiter.take("k").allowed)


class Memory(Base):
    def test_it_is_bounded(self):
        limiter = self.make(1, per_s=3600, keys_max=10)
        for i in range(1000):
            limiter.take(i)
            self.assertLessEqual(len(limiter), 10)

    def test_the_one_used_longest_ago_goes(self):
        limiter = self.make(1, per_s=3600, keys_max=3)
        for key in "abc":
            limiter.take(key)
        limiter.take("a")
        limiter.take("d")
        self.assertFalse(limiter.take("a").allowed)
        self.assertTrue(limiter.take("b").allowed)

    def test_full_buckets_are_forgotten(self):
        limiter = self.make(1, burst=1)
        for i in range(100):
            limiter.take(i)
        self.clock.now += 10
        for i in range(200):
            limiter.take(f"new {i}")
            self.clock.now += 2
        self.assertLess(len(limiter), 10)


class Threads(unittest.TestCase):
    def test_no_token_is_given_twice(self):
        limiter = RateLimiter(1, per_s=3600, burst=1000)
        counts = []

        def work():
            counts.append(sum(limiter.take("k").allowed
                              for _ in range(500)))

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertIn(sum(counts), (1000, 1001))


class Arguments(unittest.TestCase):
    def test_settings(self):
        for arguments in ({"rate": 0}, {"rate": -1}, {"rate": math.nan},
                          {"rate": math.inf}, {"rate": 1, "per_s": 0},
                          {"rate": 1, "burst": 0}, {"rate": 0.5},
                          {"rate": 1, "keys_max": 0}):
            with self.subTest(arguments=arguments):
                with self.assertRaises(ValueError):
                    RateLimiter(**arguments)

    def test_costs(self):
        for cost in (0, -1, math.nan, math.inf):
            with self.assertRaises(ValueError):
                RateLimiter(1).take("k", cost=cost)


if __name__ == "__main__":
    unittest.main()
