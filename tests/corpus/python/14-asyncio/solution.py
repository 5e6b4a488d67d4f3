"""Producers, consumers and deadlines on one event loop."""
import asyncio


async def produce(queue, items):
    for item in items:
        await queue.put(item)
        await asyncio.sleep(0)
    await queue.put(None)


async def consume(queue):
    seen = []
    while (item := await queue.get()) is not None:
        seen.append(item)
    return seen


async def pump(items, size=2):
    queue = asyncio.Queue(maxsize=size)
    _, seen = await asyncio.gather(produce(queue, items), consume(queue))
    return seen


async def first(*coroutines):
    tasks = [asyncio.ensure_future(c) for c in coroutines]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    return done.pop().result()


class Limiter:
    def __init__(self, most):
        self.semaphore = asyncio.Semaphore(most)
        self.running = self.peak = 0

    async def run(self, delay):
        async with self.semaphore:
            self.running += 1
            self.peak = max(self.peak, self.running)
            await asyncio.sleep(delay)
            self.running -= 1


async def echo_once():
    """Bytes through a pair of connected sockets."""
    import socket

    left, right = socket.socketpair()
    reader, _ = await asyncio.open_connection(sock=left)
    _, writer = await asyncio.open_connection(sock=right)
    writer.write("grüße\n".encode())
    line = await reader.readline()
    writer.close()
    return line.decode()
