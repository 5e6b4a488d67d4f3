# SPDX-License-Identifier: Apache-2.0
"""The result stream of the python harness: one sealed JSON line a record.

The start record is written before any code of the job runs.  It has the tests
that must come, the canaries that must fail and the key of the seals, and nobody
in the jail can read it back or undo it.  api/jobs/results.h and seal.h have the
format.

All that is used here is taken before the job's code runs; names of builtins
are looked up in a dictionary of our own (harness.py, load).
"""
import os
import sys
from _json import encode_basestring as quote
from os import getpid, urandom, write as write_bytes

try:
    from _sha256 import sha256
except ImportError:  # Python 3.12 and later
    from hashlib import sha256

NAME_MAX = 256
MESSAGE_MAX = 4096
CASES_MAX = 10000
# Below the 8 MiB that a client keeps of the result stream.
RESULT_BYTES_MAX = 6 << 20

COUNT_OF = {
    "passed": "passed",
    "failed": "failed",
    "error": "errors",
    "skipped": "skipped",
}


def clean(text, limit):
    """Valid UTF-8 of at most limit bytes, without control characters."""
    text = "".join(
        c if c >= " " and c != "\x7f" or c in "\n\t" else "\ufffd"
        for c in text[: 64 * limit]
    )
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= limit:
        return data.decode()
    # The end of a traceback says most; a little of its beginning helps.
    head, mark = limit // 4, b"\n...\n" if limit >= 1024 else b"..."
    tail = data[len(data) - (limit - head - len(mark)) :]
    return (
        data[:head].decode("utf-8", "ignore")
        + mark.decode()
        + tail.decode("utf-8", "ignore")
    )


def hmac_maker(key):
    """HMAC-SHA256 (RFC 2104); the hmac module would load OpenSSL."""
    block = key.ljust(64, b"\0")
    inner = sha256(bytes(b ^ 0x36 for b in block))
    outer = sha256(bytes(b ^ 0x5C for b in block))

    def mac(data):
        first, second = inner.copy(), outer.copy()
        first.update(data)
        second.update(first.digest())
        return second.hexdigest()

    return mac


def as_json(value):
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if type(value) in (list, tuple):
        return "[" + ",".join(as_json(v) for v in value) + "]"
    return quote(value) if type(value) is str else repr(value)


def line_writer(fd):
    """write(record): pairs of name and value to one line."""
    pid, key, number = getpid(), urandom(32), 0
    mac = hmac_maker(key)

    def write(pairs):
        nonlocal number
        # A forked child that runs on into the runner is not this run.
        if getpid() != pid:
            return 0
        if number == 0:
            pairs = [*pairs, ("key", key.hex())]
        body = "{" + ",".join(quote(k) + ":" + as_json(v) for k, v in pairs)
        line = body.encode("utf-8", "backslashreplace")
        if number > 0:
            seal = mac(number.to_bytes(8, "little") + line)
            line += b',"mac":"' + seal.encode() + b'"'
        line += b"}\n"
        number += 1
        size = len(line)
        while line:
            line = line[write_bytes(fd, line) :]
        return size

    return write


class Results:
    def __init__(self, fd):
        self.write = line_writer(fd)
        self.counts = dict.fromkeys(COUNT_OF.values(), 0)
        self.cases = self.bytes = 0
        self.is_started = self.is_full = False
        self.canaries = frozenset()
        self.reported = set()
        self.witness = None
        self.at_end = []  # called before the closing record

    def start(self, expected=None, is_open=False, canaries=()):
        if not self.is_started:
            self.is_started = True
            self.canaries = frozenset(canaries)
            self.write([
                ("type", "start"), ("expected", expected), ("open", is_open),
                ("canaries", [*canaries]), ("trust", "in-process"),
            ])

    def forged(self, why):
        self.start()
        self.write([("type", "forged"), ("message", clean(why, NAME_MAX))])

    def test(self, name, outcome, seconds=0.0, message="", of=None):
        """of: the expected name that this reports on, or several."""
        self.start()
        if type(of) is str and of in self.canaries:
            if (of, outcome) in self.reported:
                return  # a load_tests() may have it twice
            self.reported.add((of, outcome))
            self.write([("type", "canary"), ("test", of), ("outcome", outcome)])
            return
        if self.is_full:
            return
        if self.cases >= CASES_MAX or self.bytes > RESULT_BYTES_MAX:
            self.is_full = True
            name, outcome, seconds, of = "(harness)", "error", 0.0, None
            message = f"only the first {self.cases} tests are reported"
        if self.witness and outcome == "passed" and type(of) is str:
            self.witness.confirm_pass(of)
        self.cases += 1
        self.counts[COUNT_OF[outcome]] += 1
        pairs = [("type", "test"), ("test", clean(str(name), NAME_MAX))]
        if of is not None:
            pairs.append(("of", of))
        self.bytes += self.write(pairs + [
            ("outcome", outcome),
            ("duration_ms", round(float(seconds) * 1000, 3)),
            ("message", clean(str(message), MESSAGE_MAX)),
        ])

    def end(self):
        """Returns the exit code of the run."""
        self.start()
        for check in self.at_end:
            check()
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError, AttributeError):
                pass  # closed by the program; nothing of ours is in it
        self.write([("type", "end"), *self.counts.items()])
        return 1 if self.counts["failed"] or self.counts["errors"] else 0
