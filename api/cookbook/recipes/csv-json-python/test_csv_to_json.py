import contextlib
import io
import json
import os
import tempfile
import unittest

from csv_to_json import CsvError, convert, main, read_records


def records(text, **options):
    return list(read_records(io.StringIO(text, newline=""), **options))


class Reading(unittest.TestCase):
    def test_plain(self):
        self.assertEqual(records("a,b\n1,2\n3,4\n"),
                         [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}])

    def test_values_stay_texts(self):
        self.assertEqual(records("a,b,c\n007,1e5,true\n"),
                         [{"a": "007", "b": "1e5", "c": "true"}])

    def test_quotes(self):
        self.assertEqual(records('a,b\n"x, ""y""","line 1\nline 2"\n'),
                         [{"a": 'x, "y"', "b": "line 1\nline 2"}])

    def test_line_ends_and_empty_lines(self):
        self.assertEqual(records("a,b\r\n1,2\r\n\r\n3,4"),
                         [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}])

    def test_byte_order_mark(self):
        self.assertEqual(records("\ufeffa,b\n1,2\n"), [{"a": "1", "b": "2"}])

    def test_delimiters(self):
        for sign in ",;\t|":
            with self.subTest(sign=sign):
                self.assertEqual(records(f"a{sign}b\n1{sign}2\n"),
                                 [{"a": "1", "b": "2"}])

    def test_delimiter_inside_of_quotes_does_not_count(self):
        self.assertEqual(records('"a,b,c";d\n1;2\n'),
                         [{"a,b,c": "1", "d": "2"}])

    def test_delimiter_that_is_given(self):
        self.assertEqual(records("a:b,c\n1:2\n", delimiter=":"),
                         [{"a": "1", "b,c": "2"}])

    def test_one_column(self):
        self.assertEqual(records("name\nx\ny\n"),
                         [{"name": "x"}, {"name": "y"}])

    def test_only_a_header(self):
        self.assertEqual(records("a,b\n"), [])

    def test_unicode(self):
        self.assertEqual(records("stra\u00dfe\n\u65e5\u672c\n"),
                         [{"stra\u00dfe": "\u65e5\u672c"}])

    def test_row_by_row(self):
        def endless():
            yield "a,b\n"
            while True:
                yield "1,2\n"

        class Source:
            def __init__(self):
                self.lines = endless()

            def readline(self):
                return next(self.lines)

            def __iter__(self):
                return self.lines

        rows = read_records(Source())
        self.assertEqual([next(rows) for _ in range(3)],
                         [{"a": "1", "b": "2"}] * 3)


class Types(unittest.TestCase):
    def test_all(self):
        types = {"i": "int", "f": "float", "b": "bool", "s": "str"}
        self.assertEqual(records("i,f,b,s\n-7,2.5,Yes,9\n", types=types),
                         [{"i": -7, "f": 2.5, "b": True, "s": "9"}])

    def test_what_is_true_and_what_is_false(self):
        for texts, value in ((("true", "YES", "1"), True),
                             (("False", "no", "0"), False)):
            for text in texts:
                self.assertEqual(records(f"b\n{text}\n",
                                         types={"b": "bool"}),
                                 [{"b": value}])

    def test_empty_is_null_but_a_text(self):
        self.assertEqual(records("i,s\n,\n", types={"i": "int"}),
                         [{"i": None, "s": ""}])

    def test_wrong_values_name_their_line(self):
        for kind, value in (("int", "1.5"), ("float", "x"), ("float", "nan"),
                            ("float", "inf"), ("bool", "maybe")):
            with self.subTest(kind=kind):
                with self.assertRaisesRegex(CsvError, "line 3: column a"):
                    records(f"a,b\n,1\n{value},2\n", types={"a": kind})

    def test_unknown_column_or_type(self):
        with self.assertRaisesRegex(CsvError, "no such column: z"):
            records("a\n1\n", types={"z": "int"})
        with self.assertRaisesRegex(CsvError, "unknown type"):
            records("a\n1\n", types={"a": "date"})


class Faults(unittest.TestCase):
    def test_header(self):
        for text, reason in (("", "no header"), ("\n1\n", "no header"),
                             ("a,,c\n", "column 2 has no name"),
                             ("a,b,a\n", "twice: a")):
            with self.subTest(text=text):
                with self.assertRaisesRegex(CsvError, reason):
                    records(text)

    def test_ragged_rows(self):
        for row in ("1", "1,2,3"):
            with self.assertRaisesRegex(CsvError, "line 3: . fields"):
                records(f"a,b\n1,2\n{row}\n")

    def test_open_quote(self):
        with self.assertRaisesRegex(CsvError, "line 2"):
            records('a,b\n"1,2\n')

    def test_a_field_that_is_too_long(self):
        with self.assertRaisesRegex(CsvError, "line 2"):
            records("a\n" + "x" * (1024 * 1024 + 1) + "\n")

    def test_too_many_columns(self):
        with self.assertRaisesRegex(CsvError, "4096"):
            records(",".join(f"c{i}" for i in range(4097)) + "\n")


class Converting(unittest.TestCase):
    def convert(self, text, **options):
        target = io.StringIO()
        count = convert(io.StringIO(text, newline=""), target, **options)
        return count, target.getvalue()

    def test_array(self):
        count, text = self.convert("a\n1\n2\n")
        self.assertEqual((count, json.loads(text)),
                         (2, [{"a": "1"}, {"a": "2"}]))

    def test_empty_array(self):
        self.assertEqual(self.convert("a\n"), (0, "[]\n"))

    def test_lines(self):
        count, text = self.convert('a\n"x\ny"\n2\n', lines=True)
        self.assertEqual(count, 2)
        self.assertEqual([json.loads(line) for line in text.splitlines()],
                         [{"a": "x\ny"}, {"a": "2"}])

    def test_unicode_is_kept(self):
        self.assertIn("\u00fc", self.convert("a\n\u00fc\n")[1])


class CommandLine(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)
        self.source = os.path.join(self.dir.name, "in.csv")
        self.target = os.path.join(self.dir.name, "out.json")
        with open(self.source, "w", encoding="utf-8") as file:
            file.write("name,age\nAda,36\n")

    def run_main(self, *argv):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main(list(argv))
            except SystemExit as end:
                code = end.code
        return code, out.getvalue(), err.getvalue()

    def test_to_a_file(self):
        self.assertEqual(self.run_main("--type", "age=int", self.source,
                                       self.target), (0, "", ""))
        with open(self.target, encoding="utf-8") as file:
            self.assertEqual(json.load(file), [{"name": "Ada", "age": 36}])

    def test_to_standard_output(self):
        code, out, _ = self.run_main("--lines", self.source)
        self.assertEqual((code, json.loads(out)),
                         (0, {"name": "Ada", "age": "36"}))

    def test_faults(self):
        code, _, err = self.run_main(self.source + ".missing")
        self.assertEqual(code, 1)
        self.assertIn("csv_to_json:", err)
        code, _, err = self.run_main("--type", "name=int", self.source)
        self.assertEqual(code, 1)
        self.assertIn("line 2: column name", err)

    def test_wrong_usage(self):
        for argv in (["--type", "age"], ["--type", "age=date"],
                     ["--delimiter", "::"]):
            self.assertEqual(self.run_main(*argv, self.source)[0], 2)


if __name__ == "__main__":
    unittest.main()
