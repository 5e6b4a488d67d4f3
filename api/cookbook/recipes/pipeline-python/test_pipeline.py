import itertools
import json
import unittest

from pipeline import Pipeline, TooManyRejects, totals_by_customer


def out(pipeline, source):
    return list(pipeline.run(source))


class Steps(unittest.TestCase):
    def test_none(self):
        self.assertEqual(out(Pipeline("p"), [1, 2]), [1, 2])

    def test_map(self):
        pipeline = Pipeline("p").map("double", lambda x: 2 * x)
        self.assertEqual(out(pipeline, [1, 2]), [2, 4])

    def test_filter(self):
        pipeline = Pipeline("p").filter("odd", lambda x: x % 2)
        self.assertEqual(out(pipeline, range(6)), [1, 3, 5])
        self.assertEqual(pipeline.report.rejected, 0)

    def test_split(self):
        pipeline = Pipeline("p").split("words", str.split)
        self.assertEqual(out(pipeline, ["a b", "", "c"]), ["a", "b", "c"])

    def test_unique(self):
        pipeline = Pipeline("p").unique("once", key=str.lower)
        self.assertEqual(out(pipeline, ["a", "B", "A", "b", "c"]),
                         ["a", "B", "c"])

    def test_unique_in_a_window(self):
        pipeline = Pipeline("p").unique("once", key=lambda x: x, window=2)
        self.assertEqual(out(pipeline, [1, 2, 1, 3, 2]), [1, 2, 3, 2])

    def test_batch(self):
        pipeline = Pipeline("p").batch("three", 3)
        self.assertEqual(out(pipeline, range(7)),
                         [[0, 1, 2], [3, 4, 5], [6]])
        self.assertEqual(out(pipeline, []), [])

    def test_in_the_order_given(self):
        pipeline = (Pipeline("p").map("add", lambda x: x + 1)
                    .filter("even", lambda x: x % 2 == 0)
                    .batch("two", 2).map("sum", sum))
        self.assertEqual(out(pipeline, range(8)), [6, 14])

    def test_none_is_a_record(self):
        self.assertEqual(out(Pipeline("p").map("nothing", lambda x: None),
                             [1]), [None])

    def test_wrong_settings(self):
        with self.assertRaises(ValueError):
            Pipeline("p").map("a", str).map("a", str)
        for size in (0, -1):
            with self.assertRaises(ValueError):
                Pipeline("p").batch("b", size)
            with self.assertRaises(ValueError):
                Pipeline("p").unique("u", key=str, window=size)
        for share in (-0.1, 1.1):
            with self.assertRaises(ValueError):
                Pipeline("p", rejects_share=share)


class Laziness(unittest.TestCase):
    def test_an_endless_source(self):
        pipeline = (Pipeline("p").map("double", lambda x: 2 * x)
                    .filter("big", lambda x: x > 10).batch("two", 2))
        self.assertEqual(next(iter(pipeline.run(itertools.count()))),
                         [12, 14])

    def test_nothing_is_read_ahead(self):
        read = []

        def source():
            for n in range(10):
                read.append(n)
                yield n

        records = Pipeline("p").map("same", lambda x: x).run(source())
        next(records)
        self.assertEqual(read, [0])


class Counts(unittest.TestCase):
    def test_report(self):
        pipeline = (Pipeline("p", rejects_share=1)
                    .map("number", int).filter("odd", lambda x: x % 2)
                    .split("twice", lambda x: [x, x]))
        out(pipeline, ["1", "x", "2", "3"])
        self.assertEqual(str(pipeline.report).splitlines(), [
            "read 4, rejected 1", "  number: 4 -> 3, rejected 1",
            "  odd: 3 -> 2", "  twice: 2 -> 4"])

    def test_batches(self):
        pipeline = Pipeline("p").batch("three", 3)
        out(pipeline, range(7))
        count = pipeline.report.steps["three"]
        self.assertEqual((count.taken, count.given), (7, 3))

    def test_each_run_counts_anew(self):
        pipeline = Pipeline("p").map("same", lambda x: x)
        out(pipeline, range(5))
        out(pipeline, range(2))
        self.assertEqual(pipeline.report.read, 2)


class Rejects(unittest.TestCase):
    def test_they_are_kept_with_step_and_reason(self):
        pipeline = Pipeline("p", rejects_share=1).map("number", int)
        self.assertEqual(out(pipeline, ["1", "x", "2"]), [1, 2])
        ((step, reason, record),) = pipeline.report.rejects
        self.assertEqual((step, record), ("number", "x"))
        self.assertIn("ValueError", reason)

    def test_only_so_many(self):
        pipeline = Pipeline("p", rejects_kept=3, rejects_share=1)
        out(pipeline.map("number", int), ["x"] * 10)
        self.assertEqual((len(pipeline.report.rejects),
                          pipeline.report.rejected), (3, 10))

    def test_in_every_kind_of_step(self):
        for add in (lambda p: p.filter("s", lambda x: 1 / x),
                    lambda p: p.split("s", lambda x: [1 / x]),
                    lambda p: p.unique("s", key=lambda x: 1 / x)):
            pipeline = add(Pipeline("p", rejects_share=1))
            out(pipeline, [0, 1])
            self.assertEqual(pipeline.report.steps["s"].rejected, 1)

    def test_too_many(self):
        pipeline = Pipeline("p", rejects_share=0.5, rejects_least=4)
        with self.assertRaisesRegex(TooManyRejects, "4 of 4.*by number"):
            out(pipeline.map("number", int), ["x"] * 10)

    def test_a_few_are_not(self):
        pipeline = Pipeline("p", rejects_share=0.5, rejects_least=1)
        source = ["1", "2", "x", "3", "x", "x"]
        self.assertEqual(out(pipeline.map("number", int), source), [1, 2, 3])

    def test_none_allowed(self):
        pipeline = Pipeline("p", rejects_share=0, rejects_least=0)
        with self.assertRaises(TooManyRejects):
            out(pipeline.map("number", int), ["1", "x"])

    def test_interrupts_pass_through(self):
        def stop(_record):
            raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            out(Pipeline("p").map("stop", stop), [1])

    def test_faults_of_the_source_pass_through(self):
        def source():
            yield 1
            raise OSError("gone")

        with self.assertRaises(OSError):
            out(Pipeline("p").map("same", lambda x: x), source())


class Example(unittest.TestCase):
    def test_orders(self):
        lines = [json.dumps(order) for order in (
            {"id": 1, "customer": "Ada", "amount": 10.25},
            {"id": 2, "customer": " ada ", "amount": 5},
            {"id": 2, "customer": "ada", "amount": 5},
            {"id": 3, "customer": "Bob", "amount": 0.1},
            {"id": 4, "customer": "", "amount": 1},
            {"id": 5, "customer": "Eve", "amount": -1},
            {"id": 6, "customer": "Eve", "amount": True},
            {"id": 7, "customer": "Eve"})]
        lines += ["", "{", "[]", '{"id": 8, "customer": "x", "amount": NaN}']
        totals, report = totals_by_customer(lines, rejects_share=1)
        self.assertEqual(totals, {"ada": {"orders": 2, "cents": 1525},
                                  "bob": {"orders": 1, "cents": 10}})
        self.assertEqual((report.read, report.rejected), (12, 7))
        self.assertEqual({step for step, _, _ in report.rejects},
                         {"parse", "clean"})


if __name__ == "__main__":
    unittest.main()
