import math
import threading
import unittest

from lru_cache import LruCache, cached


class Clock:
    def __init__(self):
        self.now = 50.0

    def __call__(self):
        return self.now


class Base(unittest.TestCase):
    def setUp(self):
        self.clock = Clock()

    def make(self, capacity=3, **more):
        return LruCache(capacity, clock=self.clock, **more)


class Order(Base):
    def test_get_and_put(self):
        cache = self.make()
        cache.put("a", 1)
        self.assertEqual(cache.get("a"), 1)
        self.assertIsNone(cache.get("b"))
        self.assertEqual(cache.get("b", 5), 5)

    def test_the_one_used_longest_ago_goes(self):
        cache = self.make()
        for key in "abc":
            cache.put(key, key)
        cache.get("a")
        cache.put("d", "d")
        self.assertEqual(cache.keys(), ["c", "a", "d"])

    def test_putting_is_using(self):
        cache = self.make()
        for key in "abc":
            cache.put(key, 0)
        cache.put("a", 1)
        cache.put("d", 0)
        self.assertEqual(cache.keys(), ["c", "a", "d"])
        self.assertEqual(cache.get("a"), 1)

    def test_looking_is_not(self):
        cache = self.make()
        for key in "abc":
            cache.put(key, 0)
        self.assertIn("a", cache)
        self.assertNotIn("z", cache)
        cache.put("d", 0)
        self.assertNotIn("a", cache)

    def test_none_and_false_are_values(self):
        cache = self.make()
        cache.put("n", None)
        cache.put("f", False)
        self.assertIsNone(cache.get("n", "other"))
        self.assertIs(cache.get("f", "other"), False)

    def test_one_place(self):
        cache = self.make(1)
        cache.put("a", 1)
        cache.put("a", 2)
        cache.put("b", 3)
        self.assertEqual((cache.keys(), cache.get("b")), (["b"], 3))

    def test_against_a_plain_model(self):
        cache, model = self.make(5), []
        for i in range(2000):
            key = (i * 7919) % 11
            if i % 3 == 0:
                cache.put(key, i)
                model = [k for k in model if k != key] + [key]
                model = model[-5:]
            elif cache.get(key) is not None:
                model = [k for k in model if k != key] + [key]
            self.assertEqual(cache.keys(), model)


class Time(Base):
    def test_entries_end(self):
        cache = self.make(ttl_s=10)
        cache.put("a", 1)
        self.clock.now += 9.9
        self.assertEqual(cache.get("a"), 1)
        self.clock.now += 0.1
        self.assertIsNone(cache.get("a"))
        self.assertEqual(len(cache), 0)

    def test_using_does_not_prolong_but_putting_does(self):
        cache = self.make(ttl_s=10)
        cache.put("a", 1)
        cache.put("b", 1)
        self.clock.now += 6
        cache.get("a")
        cache.put("b", 2)
        self.clock.now += 6
        self.assertIsNone(cache.get("a"))
        self.assertEqual(cache.get("b"), 2)

    def test_a_time_of_its_own(self):
        cache = self.make(ttl_s=10)
        cache.put("a", 1, ttl_s=100)
        cache.put("b", 1, ttl_s=1)
        self.clock.now += 50
        self.assertEqual(cache.keys(), ["a"])

    def test_without_one_it_stays(self):
        cache = self.make()
        cache.put("a", 1)
        self.clock.now += 1e9
        self.assertEqual(cache.get("a"), 1)

    def test_the_dead_make_room_first(self):
        cache = self.make(ttl_s=10)
        cache.put("old", 1, ttl_s=100)
        cache.put("b", 1)
        cache.put("c", 1)
        self.clock.now += 20
        cache.put("d", 1)
        self.assertEqual(cache.keys(), ["old", "d"])
        self.assertEqual(cache.statistics().evictions, 0)

    def test_purge(self):
        cache = self.make(ttl_s=10)
        cache.put("a", 1)
        cache.put("b", 1, ttl_s=100)
        self.clock.now += 50
        self.assertEqual(cache.statistics().size, 2)
        self.assertEqual(cache.purge(), 1)
        self.assertEqual(cache.statistics().size, 1)


class Rest(Base):
    def test_pop_and_clear(self):
        cache = self.make(ttl_s=10)
        cache.put("a", 1)
        self.assertEqual((cache.pop("a"), cache.pop("a", 7)), (1, 7))
        cache.put("b", 1)
        self.clock.now += 20
        self.assertIsNone(cache.pop("b"))
        cache.put("c", 1)
        cache.clear()
        self.assertEqual(len(cache), 0)

    def test_statistics(self):
        cache = self.make(2, ttl_s=10)
        cache.put("a", 1)
        cache.get("a")
        cache.get("x")
        cache.put("b", 1)
        cache.put("c", 1)
        self.clock.now += 20
        cache.get("b")
        self.assertEqual(tuple(cache.statistics()), (1, 2, 1, 1, 1))

    def test_arguments(self):
        for capacity in (0, -1, 1.5, None):
            with self.assertRaises(ValueError):
                LruCache(capacity)
        for ttl_s in (0, -1, math.nan):
            with self.assertRaises(ValueError):
                LruCache(1, ttl_s)
            with self.assertRaises(ValueError):
                LruCache(1).put("a", 1, ttl_s)

    def test_threads(self):
        cache = LruCache(50)
        faults = []

        def work(seed):
            for i in range(2000):
                key = (i * seed) % 97
                cache.put(key, key)
                if cache.get(key, key) != key or len(cache) > 50:
                    faults.append(key)

        threads = [threading.Thread(target=work, args=(n,))
                   for n in (3, 5, 7, 11)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(faults, [])


class Decorator(Base):
    def test_computes_once(self):
        calls = []

        @cached(capacity=2, ttl_s=10, clock=self.clock)
        def double(x, plus=0):
            """Twice."""
            calls.append(x)
            return 2 * x + plus

        self.assertEqual([double(1), double(1), double(2), double(1, plus=1)],
                         [2, 2, 4, 3])
        self.assertEqual(calls, [1, 2, 1])
        self.clock.now += 11
        double(2)
        self.assertEqual(len(calls), 4)
        self.assertEqual((double.__name__, double.__doc__),
                         ("double", "Twice."))

    def test_exceptions_are_not_kept(self):
        calls = []

        @cached(capacity=2)
        def fail_first():
            calls.append(1)
            if len(calls) == 1:
                raise OSError("busy")
            return "ok"

        with self.assertRaises(OSError):
            fail_first()
        self.assertEqual(fail_first(), "ok")

    def test_many_who_ask_at_once_wait_for_one(self):
        begun, go = threading.Event(), threading.Event()
        calls, results = [], []

        @cached()
        def slow(x):
            calls.append(x)
            begun.set()
            go.wait(30)
            return x * 10

        threads = [threading.Thread(target=lambda: results.append(slow(4)))
                   for _ in range(6)]
        threads[0].start()
        begun.wait(30)
        for thread in threads[1:]:
            thread.start()
        go.set()
        for thread in threads:
            thread.join()
        self.assertEqual((calls, results), ([4], [40] * 6))


if __name__ == "__main__":
    unittest.main()
