import unittest

from solution import deep, depth, edit_distance, hanoi, permutations, queens


class RecursionTest(unittest.TestCase):
    def test_hanoi(self):
        self.assertEqual(len(hanoi(10)), 1023)
        self.assertEqual(hanoi(2), [("A", "B"), ("A", "C"), ("B", "C")])

    def test_permutations(self):
        self.assertEqual(len(permutations(list("abcde"))), 120)

    def test_edit_distance(self):
        self.assertEqual(edit_distance("kitten", "sitting"), 3)

    def test_queens(self):
        self.assertEqual([queens(n) for n in range(1, 8)], [1, 0, 0, 2, 10, 4, 40])

    def test_limit(self):
        with self.assertRaises(RecursionError):
            depth(100_000)

    def test_deep(self):
        self.assertEqual(deep(5000), 5000)
