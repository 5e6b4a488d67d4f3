import math
import unittest

from solution import determinant, identity, multiply, newton_sqrt, power


class MatrixTest(unittest.TestCase):
    def test_multiply(self):
        self.assertEqual(multiply([[1, 2], [3, 4]], [[5, 6], [7, 8]]), [[19, 22], [43, 50]])

    def test_identity(self):
        a = [[2, 3], [5, 7]]
        self.assertEqual(multiply(a, identity(2)), a)

    def test_power_gives_fibonacci(self):
        self.assertEqual(power([[1, 1], [1, 0]], 90)[0][1], 2880067194370816120)

    def test_determinant(self):
        self.assertEqual(determinant([[2, 1], [1, 3]]), 5)

    def test_determinant_with_swap(self):
        self.assertEqual(determinant([[0, 1], [1, 0]]), -1)

    def test_newton(self):
        for x in (0.25, 2.0, 144.0, 1e10):
            self.assertAlmostEqual(newton_sqrt(x), math.sqrt(x), places=4)
