import shutil
import tempfile
import unittest
from pathlib import Path

from solution import merge, write_atomically


class MergeTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        (self.folder / "a.csv").write_text("name,age\nzoe,31\nbob,25\n", encoding="utf-8")
        (self.folder / "b.csv").write_text('name,town\n"Ann, Dr.",Köln\n', encoding="utf-8")
        self.target = self.folder / "out.txt"

    def tearDown(self):
        shutil.rmtree(self.folder)

    def test_rows(self):
        self.assertEqual(merge(self.folder, self.target, "name"), 3)

    def test_order_and_filling(self):
        merge(self.folder, self.target, "name")
        lines = self.target.read_text(encoding="utf-8").splitlines()
        self.assertEqual(lines, ["name,age,town", '"Ann, Dr.",-,Köln', "bob,25,-", "zoe,31,-"])

    def test_empty_folder(self):
        with tempfile.TemporaryDirectory() as empty:
            self.assertEqual(merge(empty, self.target, "name"), 0)

    def test_failure_leaves_nothing(self):
        with self.assertRaises(ValueError):
            write_atomically(self.target, ["a"], [{"b": 1}])
        self.assertFalse(self.target.exists())
        self.assertEqual(list(self.folder.glob("*.part")), [])

    def test_replaces(self):
        self.target.write_text("old")
        merge(self.folder, self.target, "name")
        self.assertNotIn("old", self.target.read_text(encoding="utf-8"))
