#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Which operations and statuses of the document no test has seen.

    coverage.py openapi.json SEEN

SEEN is what tests/integration/contract.py keeps: "operationId status" lines,
of one session or of several.  Exit 1 if an operation was never answered as it
should: then nothing proves its part of the document.  500 is left out: no test
can ask for it.
"""

import json
import sys
from pathlib import Path


def main():
    document = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    seen = set()
    if Path(sys.argv[2]).exists():
        seen = {tuple(line.split()) for line in
                Path(sys.argv[2]).read_text("utf-8").splitlines()}
    total = hit = 0
    unproven = []
    for path, item in document["paths"].items():
        for method, op in item.items():
            statuses = [s for s in op["responses"] if s != "500"]
            missing = [s for s in statuses
                       if (op["operationId"], s) not in seen]
            total += len(statuses)
            hit += len(statuses) - len(missing)
            if missing:
                print(f"never seen: {method.upper():4} {path}: "
                      f"{' '.join(missing)}")
            if all(s in missing for s in statuses if s < "300"):
                unproven.append(f"{method.upper()} {path}")
    print(f"openapi: {hit} of {total} documented statuses were seen")
    for name in unproven:
        print(f"no test has seen {name} succeed")
    sys.exit(1 if unproven else 0)


if __name__ == "__main__":
    main()
