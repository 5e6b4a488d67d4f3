import unittest

from solution import Stack


class StackTest(unittest.TestCase):
    def test_push_pop(self):
        stack = Stack()
        stack.push(1)
        self.assertEqual(stack.pop(), 1)

    def test_empty(self):
        with self.assertRaises(IndexError):
            Stack().pop()
