import sys
import unittest

from solution import parse, to_celsius, to_fahrenheit


class Works(unittest.TestCase):
    def test_freezing(self):
        self.assertEqual(to_celsius(32), 0)

    def test_boiling(self):
        self.assertEqual(to_celsius(212), 100)

    def test_parse(self):
        self.assertEqual(parse("21.5C"), (21.5, "C"))


class Fails(unittest.TestCase):
    def test_to_fahrenheit(self):
        self.assertEqual(to_fahrenheit(0), 32)

    def test_round_trip(self):
        for degrees in (-40, 0, 100):
            with self.subTest(degrees=degrees):
                self.assertEqual(to_celsius(to_fahrenheit(degrees)), degrees)


class Errors(unittest.TestCase):
    def test_empty(self):
        parse("")

    def test_no_number(self):
        self.assertEqual(parse("C"), (0, "C"))

    def test_exit(self):
        sys.exit(0)


class TearDownError(unittest.TestCase):
    def tearDown(self):
        raise OSError("cannot clean up")

    @unittest.skip("so tearDown does not run")
    def test_skipped(self):
        pass

    def test_body(self):
        pass


class ClassError(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise RuntimeError("no thermometer")

    def test_one(self):
        pass

    def test_two(self):
        pass


class Expected(unittest.TestCase):
    @unittest.expectedFailure
    def test_known_bug(self):
        self.assertEqual(to_fahrenheit(100), 212)

    @unittest.skipIf(True, "not on this machine")
    def test_hardware(self):
        pass

    def test_skips_itself(self):
        self.skipTest("not today")
