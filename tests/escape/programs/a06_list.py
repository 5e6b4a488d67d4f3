# SPDX-License-Identifier: Apache-2.0
"""What is at the places that the test names?"""
import os
import sys

for number, path in enumerate(sys.argv[1:]):
    try:
        names = sorted(os.listdir(path)) if os.path.isdir(path) else \
            [open(path).read(200)]
    except OSError as error:
        print(f"attempt see_{number} blocked {error.strerror}")
        continue
    text = " ".join(names).replace("\n", " ")
    found = "SECRET" in text
    print(f"attempt see_{number} {'done' if found else 'blocked'} {text}")
