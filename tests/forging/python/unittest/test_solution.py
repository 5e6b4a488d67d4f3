# SPDX-License-Identifier: Apache-2.0
import unittest

from solution import add, is_even, join


class SolutionTest(unittest.TestCase):
    def test_add(self):
        self.assertEqual(add(1, 2), 3)
        self.assertEqual(add(-5, 5), 0)

    def test_is_even(self):
        self.assertTrue(is_even(4))
        self.assertFalse(is_even(5))

    def test_join(self):
        self.assertEqual(join(["a", "b"]), "a, b")


if __name__ == "__main__":
    unittest.main()
