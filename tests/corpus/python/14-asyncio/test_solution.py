import asyncio
import unittest

from solution import Limiter, echo_once, first, pump


class AsyncTest(unittest.IsolatedAsyncioTestCase):
    async def test_pump(self):
        self.assertEqual(await pump(range(20)), list(range(20)))

    async def test_first(self):
        async def after(delay, value):
            await asyncio.sleep(delay)
            return value

        self.assertEqual(await first(after(5, "slow"), after(0.01, "fast")), "fast")

    async def test_timeout(self):
        with self.assertRaises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.sleep(5), 0.01)

    async def test_limiter(self):
        limiter = Limiter(3)
        await asyncio.gather(*(limiter.run(0.001) for _ in range(10)))
        self.assertEqual(limiter.peak, 3)

    async def test_sockets(self):
        self.assertEqual(await echo_once(), "grüße\n")
