# SPDX-License-Identifier: Apache-2.0
import importlib.util
import marshal
import os
import pathlib
import struct
import sys

from _pytest.assertion import rewrite

TESTS = (
    "def test_add(): pass\n"
    "def test_is_even(): pass\n"
    "class TestJoin:\n"
    "    def test_two(self): pass\n")
source = pathlib.Path("test_solution.py")
stat = source.stat()
cache = rewrite.get_cache_dir(source.absolute())
cache.mkdir(parents=True, exist_ok=True)
for tail in (rewrite.PYC_TAIL, ".cpython-311.pyc"):
    (cache / (source.stem + tail)).write_bytes(
        importlib.util.MAGIC_NUMBER + struct.pack(
            "<LLL", 0, int(stat.st_mtime) & 0xFFFFFFFF, stat.st_size & 0xFFFFFFFF)
        + marshal.dumps(compile(TESTS, str(source), "exec")))
