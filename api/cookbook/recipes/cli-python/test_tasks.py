import contextlib
import io
import json
import os
import tempfile
import threading
import unittest
from unittest import mock

from tasks import main


class Base(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)
        self.path = os.path.join(self.dir.name, "t.json")

    def run_main(self, *words):
        """(exit code, stdout, stderr)"""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main(["--file", self.path, *words])
            except SystemExit as end:
                code = end.code
        return code, out.getvalue(), err.getvalue()

    def good(self, *words):
        code, out, err = self.run_main(*words)
        self.assertEqual((code, err), (0, ""))
        return out

    def tasks(self, *more):
        return json.loads(self.good("list", "--json", *more))


class Commands(Base):
    def test_add_prints_the_number(self):
        self.assertEqual(self.good("add", "one"), "1\n")
        self.assertEqual(self.good("add", "two"), "2\n")

    def test_list_of_nothing(self):
        self.assertEqual(self.good("list"), "")
        self.assertEqual(self.tasks(), [])
        self.assertFalse(os.path.exists(self.path))

    def test_list_for_people(self):
        self.good("add", "one")
        self.good("add", "two", "--due", "2026-01-31")
        self.good("done", "1")
        self.assertEqual(self.good("list"),
                         "   2 [ ] two (due 2026-01-31)\n   1 [x] one\n")

    def test_due_ones_first(self):
        for text, due in (("a", None), ("b", "2026-03-01"),
                          ("c", "2026-02-01")):
            self.good("add", text, *(["--due", due] if due else []))
        self.assertEqual([task["text"] for task in self.tasks()],
                         ["c", "b", "a"])

    def test_open_ones(self):
        for text in ("a", "b", "c"):
            self.good("add", text)
        self.good("done", "1", "3")
        self.assertEqual([task["text"] for task in self.tasks("--open")],
                         ["b"])

    def test_done_twice_is_done(self):
        self.good("add", "a")
        self.good("done", "1")
        self.good("done", "1")

    def test_remove(self):
        for text in ("a", "b", "c"):
            self.good("add", text)
        self.good("remove", "1", "3")
        self.assertEqual([task["number"] for task in self.tasks()], [2])

    def test_any_text(self):
        for text in ("-5 degrees", "\u65e5\u672c", '"quoted" \\ back'):
            self.good("add", "--", text)
        self.assertEqual([task["text"] for task in self.tasks()],
                         ["-5 degrees", "\u65e5\u672c", '"quoted" \\ back'])


class Faults(Base):
    def failed(self, *words):
        code, out, err = self.run_main(*words)
        self.assertEqual((code, out), (1, ""))
        self.assertTrue(err.startswith("tasks: "), err)
        return err

    def test_no_such_task_changes_nothing(self):
        self.good("add", "a")
        self.assertIn("no task 7", self.failed("done", "1", "7"))
        self.assertIn("no task 7", self.failed("remove", "1", "7"))
        self.assertEqual([task["is_done"] for task in self.tasks()], [False])

    def test_a_damaged_file_is_said_and_kept(self):
        for text in ("{", "[]", '{"format": 2, "tasks": []}', ""):
            with open(self.path, "w", encoding="utf-8") as file:
                file.write(text)
            self.failed("list")
            self.failed("add", "a")
            with open(self.path, encoding="utf-8") as file:
                self.assertEqual(file.read(), text)

    def test_a_folder_that_is_not_there(self):
        self.path = os.path.join(self.dir.name, "missing", "t.json")
        self.assertIn("No such file", self.failed("add", "a"))

    def test_a_write_that_fails_leaves_the_old_file(self):
        self.good("add", "a")
        with mock.patch("os.fsync", side_effect=OSError("disk is full")):
            self.assertIn("disk is full", self.failed("add", "b"))
        self.assertEqual(len(self.tasks()), 1)
        self.assertEqual(sorted(os.listdir(self.dir.name)),
                         ["t.json"])

    def test_one_process_at_a_time(self):
        os.mkdir(self.path + ".lock")
        with mock.patch("tasks.LOCK_WAIT_S", 0.05):
            self.assertIn("remove", self.failed("add", "a"))
        self.assertEqual(self.tasks(), [])
        os.rmdir(self.path + ".lock")
        self.good("add", "a")

    def test_a_lock_that_is_given_back_is_waited_for(self):
        os.mkdir(self.path + ".lock")
        timer = threading.Timer(0.05, os.rmdir, [self.path + ".lock"])
        timer.start()
        self.addCleanup(timer.join)
        with mock.patch("tasks.LOCK_WAIT_S", 60):
            self.good("add", "a")

    def test_wrong_usage(self):
        for words in ([], ["fly"], ["add"], ["add", ""], ["add", "  "],
                      ["add", "a\nb"], ["add", "x" * 501],
                      ["add", "a", "--due", "tomorrow"],
                      ["add", "a", "--due", "2026-02-30"], ["done"],
                      ["done", "one"], ["done", "-1"], ["done", "\u0661"],
                      ["list", "1"]):
            with self.subTest(words=words):
                code, out, err = self.run_main(*words)
                self.assertEqual((code, out), (2, ""))
                self.assertIn("usage", err)
        self.assertFalse(os.path.exists(self.path))

    def test_help(self):
        code, out, _ = self.run_main("--help")
        self.assertEqual(code, 0)
        for word in ("add", "list", "done", "remove"):
            self.assertIn(word, out)


if __name__ == "__main__":
    unittest.main()
