# SPDX-License-Identifier: Apache-2.0
"""The python runtime's harness: runs one job inside the jail.

It starts under the jail's filter, says it is ready on the gate, and only then
reads the job.  In mode=run it behaves like `python3 CODE ARGS`; in mode=test
it runs the tests with unittest, pytest or as a script, in this process, and
writes one JSON line a test to fd 3:

  job.py           the gate, the manifest, and which of these is needed:
  program.py       mode=run
  plan.py          which tests there are, from the source alone
  witness.py       what the tests themselves say about having run, and canaries
  results.py       the sealed lines
  runners.py       unittest, pytest, script
  sqlite_files.py  when a program imports sqlite3

Python compiles this file, and only this one, at each start: it is short, and
finds the others compiled.

Everything here shares a process with untrusted code, so none of it is a wall;
docs/SECURITY.md, "Honest results", says what it finds out and what it cannot.
"""
import sys
import marshal
import posix
import _imp
from _frozen_importlib_external import MAGIC_NUMBER

FOLDER = __file__[: -len("harness.py")]


def read_file(path):
    fd, parts = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC), []
    try:
        while part := posix.read(fd, 1 << 20):
            parts.append(part)
    finally:
        posix.close(fd)
    return b"".join(parts)


def code_of(name):
    """A file of this folder, compiled: its .pyc (PEP 552, checked by hash) if
    that is of this Python and of this source."""
    path = FOLDER + name + ".py"
    source = read_file(path)
    try:
        compiled = read_file(path + "c")
    except OSError:
        compiled = b""
    key = int.from_bytes(MAGIC_NUMBER, "little")
    head = MAGIC_NUMBER + b"\3\0\0\0" + _imp.source_hash(key, source)
    if compiled[:16] != head:
        return compile(source, path, "exec", dont_inherit=True)
    code = marshal.loads(compiled[16:])
    _imp._fix_co_filename(code, path)
    return code


exec(code_of("job"))
