# SPDX-License-Identifier: Apache-2.0
"""A program that waits at the gate itself reports tests that nobody ran."""
import json
import os

try:
    for record in (
            {"type": "start", "expected": ["a"], "trust": "separate-process"},
            {"type": "test", "test": "a", "outcome": "passed"},
            {"type": "end", "passed": 1, "failed": 0, "errors": 0,
             "skipped": 0}):
        os.write(3, (json.dumps(record) + "\n").encode())
    print("attempt report done 3")
except OSError as error:
    print("attempt report blocked", error.errno)
