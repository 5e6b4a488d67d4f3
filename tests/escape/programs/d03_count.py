# SPDX-License-Identifier: Apache-2.0
"""D03: half a second of work in each of three processes, and how much it was."""
import os
import resource
import time


def work():
    while time.process_time() < 0.5:
        pass


for _ in range(2):
    if os.fork() == 0:
        work()
        os._exit(0)
work()
for _ in range(2):
    os.wait()
total = sum(usage.ru_utime + usage.ru_stime for usage in
            (resource.getrusage(resource.RUSAGE_SELF),
             resource.getrusage(resource.RUSAGE_CHILDREN)))
print("cpu_ms", int(total * 1000))
