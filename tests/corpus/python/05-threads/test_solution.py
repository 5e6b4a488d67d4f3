import threading
import unittest

from solution import Counter, Pipeline, parallel_map


class ThreadTest(unittest.TestCase):
    def test_counter(self):
        counter = Counter()

        def work():
            for _ in range(2000):
                counter.add()

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(counter.value, 16000)

    def test_pipeline_keeps_order(self):
        self.assertEqual(Pipeline(lambda x: x * x).run(range(50)), [x * x for x in range(50)])

    def test_parallel_map(self):
        self.assertEqual(parallel_map(str, range(5)), list("01234"))

    def test_error_reaches_caller(self):
        with self.assertRaises(ZeroDivisionError):
            parallel_map(lambda x: 1 // x, [1, 0])
