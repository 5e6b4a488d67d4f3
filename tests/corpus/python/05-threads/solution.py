"""A bounded worker pool and a counter that is safe to share."""
import queue
import threading
from concurrent.futures import ThreadPoolExecutor


class Counter:
    def __init__(self):
        self._lock = threading.Lock()
        self.value = 0

    def add(self, n=1):
        with self._lock:
            self.value += n


class Pipeline:
    """Applies a function in several threads; results keep their order."""

    def __init__(self, function, workers=4):
        self.function = function
        self.tasks = queue.Queue(maxsize=8)
        self.results = {}
        self.threads = [threading.Thread(target=self._work) for _ in range(workers)]

    def _work(self):
        while (task := self.tasks.get()) is not None:
            number, item = task
            self.results[number] = self.function(item)

    def run(self, items):
        for thread in self.threads:
            thread.start()
        for task in enumerate(items):
            self.tasks.put(task)
        for _ in self.threads:
            self.tasks.put(None)
        for thread in self.threads:
            thread.join()
        return [self.results[i] for i in sorted(self.results)]


def parallel_map(function, items, workers=4):
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(function, items))
