import asyncio
import unittest

from retry import Policy, call, retry


class Busy(Exception):
    def __init__(self, retry_after_s=None):
        super().__init__("busy")
        self.retry_after_s = retry_after_s


class World:
    """A clock that only sleeping moves, and chance that is none."""

    def __init__(self, share=1.0):
        self.now = 0.0
        self.share = share
        self.pauses = []

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds

    async def sleep_async(self, seconds):
        self.sleep(seconds)

    def uniform(self, low, high):
        return low + (high - low) * self.share

    def settings(self, **more):
        return {"on": Busy, "clock": self.clock, "uniform": self.uniform,
                **more}


class Failing:
    """Fails that often, then succeeds."""

    def __init__(self, times, error=Busy):
        self.left = times
        self.calls = 0
        self.error = error

    def __call__(self, *args):
        self.calls += 1
        if self.left > 0:
            self.left -= 1
            raise self.error()
        return ("done", args)


class Attempts(unittest.TestCase):
    def setUp(self):
        self.world = World()

    def call(self, function, *args, **more):
        return call(function, *args, sleep=self.world.sleep,
                    **self.world.settings(**more))

    def test_success_at_once(self):
        function = Failing(0)
        self.assertEqual(self.call(function, 1, 2), ("done", (1, 2)))
        self.assertEqual((function.calls, self.world.pauses), (1, []))

    def test_success_after_failures(self):
        function = Failing(3)
        self.assertEqual(self.call(function), ("done", ()))
        self.assertEqual(function.calls, 4)

    def test_it_gives_up_with_the_last_error(self):
        function = Failing(100)
        with self.assertRaises(Busy):
            self.call(function, attempts=4)
        self.assertEqual(function.calls, 4)
        self.assertEqual(len(self.world.pauses), 3)

    def test_one_attempt_is_no_retry(self):
        function = Failing(1)
        with self.assertRaises(Busy):
            self.call(function, attempts=1)
        self.assertEqual(self.world.pauses, [])

    def test_other_errors_pass_through(self):
        function = Failing(1, KeyError)
        with self.assertRaises(KeyError):
            self.call(function)
        self.assertEqual(function.calls, 1)

    def test_several_kinds_and_their_children(self):
        for error in (ConnectionResetError, TimeoutError):
            function = Failing(2, error)
            self.call(function, on=(ConnectionError, TimeoutError))
            self.assertEqual(function.calls, 3)

    def test_interrupts_are_not_caught(self):
        function = Failing(1, KeyboardInterrupt)
        with self.assertRaises(KeyboardInterrupt):
            self.call(function, on=Exception)
        self.assertEqual(function.calls, 1)


class Pauses(unittest.TestCase):
    def pauses(self, share=1.0, fails=5, **more):
        world = World(share)
        with self.assertRaises(Busy):
            call(Failing(100), sleep=world.sleep,
                 **world.settings(attempts=fails + 1, **more))
        return world.pauses

    def test_they_double(self):
        self.assertEqual(self.pauses(base_s=1, max_s=100),
                         [1, 2, 4, 8, 16])

    def test_up_to_the_longest(self):
        self.assertEqual(self.pauses(base_s=1, max_s=5), [1, 2, 4, 5, 5])

    def test_jitter_takes_any_part_of_it(self):
        self.assertEqual(self.pauses(share=0.0), [0] * 5)
        self.assertEqual(self.pauses(share=0.5, base_s=1, max_s=100),
                         [0.5, 1, 2, 4, 8])

    def test_real_chance_stays_within(self):
        policy = Policy(on=Busy, base_s=1, max_s=8)
        values = [policy.pause_s(3, None) for _ in range(500)]
        self.assertTrue(all(0 <= value <= 4 for value in values))
        self.assertGreater(max(values), 3)
        self.assertLess(min(values), 1)

    def test_very_many_attempts(self):
        self.assertEqual(Policy(on=Busy, max_s=7, uniform=lambda a, b: b)
                         .pause_s(10 ** 6, None), 7)

    def test_retry_after(self):
        world = World(0.0)
        errors = [Busy(9), Busy("soon"), Busy(None)]

        def function():
            if errors:
                raise errors.pop(0)

        call(function, sleep=world.sleep, **world.settings())
        self.assertEqual(world.pauses, [9, 0, 0])


class Deadline(unittest.TestCase):
    def test_no_attempt_begins_after_it(self):
        world = World()
        function = Failing(100)
        with self.assertRaises(Busy):
            call(function, sleep=world.sleep, **world.settings(
                attempts=100, base_s=1, max_s=100, deadline_s=10))
        self.assertEqual((function.calls, world.now), (4, 7))

    def test_a_retry_after_beyond_it_ends_at_once(self):
        world = World()

        def function():
            raise Busy(60)

        with self.assertRaises(Busy):
            call(function, sleep=world.sleep,
                 **world.settings(deadline_s=30))
        self.assertEqual(world.pauses, [])


class Decorator(unittest.TestCase):
    def test_function(self):
        world = World()
        function = Failing(2)

        @retry(sleep=world.sleep, **world.settings())
        def fetch(x):
            """Fetches."""
            return function(x)

        self.assertEqual(fetch(5), ("done", (5,)))
        self.assertEqual((fetch.__name__, fetch.__doc__),
                         ("fetch", "Fetches."))

    def test_coroutine(self):
        world = World()
        function = Failing(2)

        @retry(sleep=world.sleep_async, **world.settings())
        async def fetch(x):
            return function(x)

        self.assertEqual(asyncio.run(fetch(5)), ("done", (5,)))
        self.assertEqual((function.calls, len(world.pauses)), (3, 2))

    def test_coroutine_that_gives_up(self):
        world = World()

        @retry(sleep=world.sleep_async, **world.settings(attempts=2))
        async def fetch():
            raise Busy()

        with self.assertRaises(Busy):
            asyncio.run(fetch())

    def test_each_call_has_its_own_count(self):
        world = World()
        function = Failing(4)
        fetch = retry(sleep=world.sleep,
                      **world.settings(attempts=3))(function.__call__)
        with self.assertRaises(Busy):
            fetch()
        self.assertEqual(fetch()[0], "done")

    def test_who_wants_to_know_is_told(self):
        world = World()
        told = []
        call(Failing(2), sleep=world.sleep, **world.settings(
            base_s=1, before_retry=lambda *what: told.append(what)))
        self.assertEqual([(attempt, pause, str(error))
                          for attempt, pause, error in told],
                         [(1, 1, "busy"), (2, 2, "busy")])


class Settings(unittest.TestCase):
    def test_wrong_ones(self):
        for settings in ({}, {"on": ()}, {"on": "Busy"},
                         {"on": BaseException}, {"on": Busy, "attempts": 0},
                         {"on": Busy, "base_s": -1},
                         {"on": Busy, "max_s": -1},
                         {"on": Busy, "deadline_s": -1}):
            with self.subTest(settings=settings):
                with self.assertRaises(ValueError):
                    Policy(**settings)


if __name__ == "__main__":
    unittest.main()
