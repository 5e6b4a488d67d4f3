#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the analyzer for Python tells of small programs, without a jail: code in
the text of code, names that come from nowhere visible, and what is right
although it looks alike.

    tests/analysis/test_python.py
"""
import sys

import test_rules as rules

# (rules, program): exactly these security rules are told.
CASES = (
    # all names of a module
    ({"command-injection"}, "from os import *\nsystem('ls ' + input())"),
    ({"command-injection"}, "from math import *\nfrom os import *\n"
     "popen('ls ' + input())"),
    (set(), "from os import *\ndef system(text):\n    return len(text)\n"
     "system('ls ' + input())"),
    (set(), "from mine import *\nsystem('ls ' + input())"),
    # constant code is read where it is run
    ({"command-injection"}, "exec('import os\\nos.system(input())')"),
    ({"command-injection"}, "eval('__import__(\"os\").system(input())')"),
    ({"command-injection"}, "code = 'import os; os.system(x)'\nx = input()\n"
     "exec(code)"),
    ({"unsafe-deserialization"}, "def view(request):\n"
     "    exec('import pickle\\npickle.loads(request.GET[\"x\"])')"),
    ({"weak-hash"}, "exec(b'import hashlib\\nhashlib.md5(password)')"),
    ({"command-injection"},
     "exec('exec(\"import os; os.system(input())\")')"),
    (set(), "exec('import os\\nos.system(\"ls\")')"),
    (set(), "total = eval('1 + 2')"),
    (set(), "exec('1 +')"),
    (set(), "class Box:\n    def exec(self, text):\n        return text\n"
     "Box().exec('import os; os.system(input())')"),
)
STYLE = {"wildcard-import"}


def main():
    failed = 0
    for wanted, text in CASES:
        found = {name[7:] for name in
                 rules.findings_of("python", text + "\n")} - STYLE
        if found != wanted:
            failed += 1
            print("python: wanted %s, but %s in:\n%s" % (
                sorted(wanted) or "nothing", sorted(found) or "nothing",
                text))
    print("python: %d small programs tried, %d errors" % (len(CASES), failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
