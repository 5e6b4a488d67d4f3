import random
import unittest

import solution

ALL = ["insertion_sort", "merge_sort", "quick_sort", "heap_sort", "counting_sort"]


class SortTest(unittest.TestCase):
    def check(self, items):
        for name in ALL:
            with self.subTest(algorithm=name, n=len(items)):
                before = list(items)
                self.assertEqual(getattr(solution, name)(items), sorted(items))
                self.assertEqual(items, before)

    def test_empty(self):
        self.check([])

    def test_one(self):
        self.check([5])

    def test_equal(self):
        self.check([2] * 20)

    def test_sorted(self):
        self.check(list(range(100)))

    def test_reversed(self):
        self.check(list(range(100, 0, -1)))

    def test_random(self):
        generator = random.Random(42)
        self.check([generator.randint(-50, 50) for _ in range(300)])

    def test_merge_sort_is_stable(self):
        class Key:
            def __init__(self, key, tag):
                self.key, self.tag = key, tag

            def __lt__(self, other):
                return self.key < other.key

        keys = [Key(k, t) for t, k in enumerate("bab")]
        self.assertEqual([k.tag for k in solution.merge_sort(keys)], [1, 0, 2])
