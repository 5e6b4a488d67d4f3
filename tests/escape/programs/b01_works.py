# SPDX-License-Identifier: Apache-2.0
"""B01, the other side: Python's ways to threads and processes."""
import asyncio
import concurrent.futures
import multiprocessing
import subprocess
import threading


def report(name, is_done):
    print(f"attempt {name} {'done' if is_done else 'blocked failed'}",
          flush=True)


def answer():
    return 42


async def child():
    process = await asyncio.create_subprocess_exec(
        "/usr/bin/echo", "x", stdout=asyncio.subprocess.PIPE)
    return (await process.communicate())[0]


if __name__ == "__main__":
    box = []
    thread = threading.Thread(target=lambda: box.append(1))
    thread.start()
    thread.join()
    report("threading", box == [1])
    report("subprocess", subprocess.run(
        ["echo", "x"], capture_output=True).stdout == b"x\n")
    with multiprocessing.Pool(2) as pool:
        report("multiprocessing", pool.apply(answer) == 42)
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        report("futures", pool.submit(answer).result() == 42)
    report("asyncio", asyncio.run(child()) == b"x\n")
