import time
import unittest
from datetime import timedelta

from access_log import BoundedCounter, parse_line, report, summarize

COMBINED = ('203.0.113.7 - ada [10/Oct/2023:13:55:36 +0200] '
            '"GET /a/b?x=1 HTTP/1.1" 200 2326 "https://example.org/" '
            '"Mozilla/5.0 (X11; \\"odd\\")"')
COMMON = '::1 - - [01/Jan/2024:00:00:00 +0000] "POST / HTTP/2.0" 500 -'


def line(address="192.0.2.1", path="/", status=200, size=10, hour=10,
         minute=0):
    return (f'{address} - - [05/Mar/2024:{hour:02}:{minute:02}:00 +0000] '
            f'"GET {path} HTTP/1.1" {status} {size}\n')


class Lines(unittest.TestCase):
    def test_combined(self):
        entry = parse_line(COMBINED + "\n")
        self.assertEqual((entry.address, entry.user, entry.method, entry.path,
                          entry.query, entry.protocol, entry.status,
                          entry.size, entry.referer),
                         ("203.0.113.7", "ada", "GET", "/a/b", "x=1",
                          "HTTP/1.1", 200, 2326, "https://example.org/"))
        self.assertIn("odd", entry.agent)
        self.assertEqual(entry.time.utcoffset(), timedelta(hours=2))

    def test_common(self):
        entry = parse_line(COMMON)
        self.assertEqual((entry.user, entry.status, entry.size, entry.agent),
                         ("", 500, 0, ""))

    def test_requests_that_are_none(self):
        for request in ("-", "", "\\x16\\x03\\x01", "GET", "get / HTTP/1.1",
                        "GET / x HTTP/1.1", 'a\\"b'):
            with self.subTest(request=request):
                entry = parse_line(COMMON.replace("POST / HTTP/2.0", request))
                self.assertEqual((entry.method, entry.path, entry.status),
                                 ("", "", 500))

    def test_not_understood(self):
        for text in ("", "hello", COMMON[:40],
                     COMMON.replace("Jan", "Foo"), COMMON.replace("500", "5"),
                     COMMON.replace("01/", "45/"), COMMON.replace('"', "'"),
                     COMMON.replace("-", "") + "x", "a" * 20_000,
                     COMMON.replace("/ HTTP", "/" + "a" * 20_000 + " HTTP")):
            with self.subTest(text=text[:60]):
                self.assertIsNone(parse_line(text))

    def test_hostile_lines_take_no_time(self):
        begin = time.process_time()
        for text in ('"' * 16_000, '\\"' * 8_000,
                     COMMON[:45] + '"' + "\\" * 15_000,
                     "[" * 16_000, "a " * 8_000,
                     COMMON + ' "' + '\\"' * 7_000):
            parse_line(text)
        self.assertLess(time.process_time() - begin, 2)


class Summaries(unittest.TestCase):
    def test_sums(self):
        summary = summarize([line(size=5), line(path="/x", status=404),
                             line("192.0.2.9", status=301, size=7), "junk\n",
                             "\n", line(path="/x", status=503, size=0)])
        self.assertEqual((summary.lines, summary.unparsed, summary.requests,
                          summary.bytes_sent), (5, 1, 4, 22))
        self.assertEqual(dict(summary.classes),
                         {"2xx": 1, "3xx": 1, "4xx": 1, "5xx": 1})
        self.assertEqual(summary.addresses.top(1), [("192.0.2.1", 3)])
        self.assertEqual(summary.paths.top(5), [("/", 2), ("/x", 2)])

    def test_nothing(self):
        summary = summarize([])
        self.assertEqual((summary.lines, summary.first), (0, None))
        self.assertEqual(summary.error_rates(), [])

    def test_queries_do_not_count_apart(self):
        summary = summarize(line(path=f"/a?{n}") for n in range(10))
        self.assertEqual(summary.paths.top(5), [("/a", 10)])

    def test_error_rates_by_hour(self):
        summary = summarize([line(hour=9), line(hour=9, status=500),
                             line(hour=9, status=502), line(hour=9),
                             line(hour=11, status=404), line(hour=8)])
        self.assertEqual(summary.error_rates(),
                         [("2024-03-05T08+0000", 0),
                          ("2024-03-05T09+0000", 0.5),
                          ("2024-03-05T11+0000", 0)])

    def test_first_and_last_whatever_the_order(self):
        summary = summarize([line(hour=9), line(hour=7), line(hour=12),
                             line(hour=8)])
        self.assertEqual((summary.first.hour, summary.last.hour), (7, 12))

    def test_memory_is_bounded(self):
        counter = BoundedCounter(keys_max=3)
        for key in "abcabcdeef":
            counter.add(key)
        self.assertEqual(counter.top(9), [("a", 2), ("b", 2), ("c", 2)])
        self.assertEqual(counter.not_kept, 4)

    def test_any_iterable_of_lines(self):
        self.assertEqual(summarize(line() for _ in range(1000)).requests,
                         1000)


class Reports(unittest.TestCase):
    def test_text(self):
        text = report(summarize([line(path="/x"), line(), line(path="/x"),
                                 "junk"]), number=1)
        self.assertIn("requests 3, bytes 30, not understood 1 of 4", text)
        self.assertIn("from 2024-03-05T10:00:00+00:00", text)
        self.assertIn("       2 /x", text)
        self.assertNotIn("1 /\n", text)

    def test_terminals_are_safe(self):
        text = report(summarize([line(path="/\x1b]0;x\x07"),
                                 line(path="/\u202e")]))
        self.assertNotIn("\x1b", text)
        self.assertTrue(text.isascii())

    def test_empty(self):
        self.assertIn("requests 0", report(summarize([])))


if __name__ == "__main__":
    unittest.main()
