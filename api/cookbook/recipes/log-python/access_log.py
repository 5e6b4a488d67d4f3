"""Access logs of nginx and Apache, parsed and summed up.

    with open("access.log", encoding="utf-8", errors="replace") as lines:
        summary = summarize(lines)

Lines come from the network: each is bounded, the expression cannot
backtrack, and tables that grow with what clients send are bounded too.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

LINE_MAX = 16 * 1024
# So many different keys are counted; beyond that only their number.
KEYS_MAX = 100_000

# Each part ends at a sign that it cannot contain.
_LINE = re.compile(
    r'(?P<address>[^ ]+) [^ ]+ (?P<user>[^ ]+) \[(?P<time>[^\]]+)\] '
    r'"(?P<request>(?:[^"\\]|\\.)*)" (?P<status>[0-9]{3}) '
    r'(?P<size>[0-9]{1,18}|-)'
    r'(?: "(?P<referer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)")?')
_REQUEST = re.compile(r"([A-Z]{1,20}) ([^ ]+) (HTTP/[0-9.]{1,4})")


@dataclass(frozen=True)
class Entry:
    address: str
    user: str       # "" if none
    time: datetime  # with its offset
    method: str     # "" if the request was none of HTTP
    path: str       # without the query
    query: str
    protocol: str
    status: int
    size: int
    referer: str
    agent: str


def _dash(text):
    return "" if text in (None, "-") else text


def parse_line(line):
    """The entry of one line, or None."""
    line = line.rstrip("\r\n")
    match = _LINE.match(line) if len(line) <= LINE_MAX else None
    if match is None:
        return None
    try:
        time = datetime.strptime(match["time"], "%d/%b/%Y:%H:%M:%S %z")
    except ValueError:
        return None
    request = _REQUEST.fullmatch(match["request"])
    method, target, protocol = request.groups() if request else ("", "", "")
    path, _, query = target.partition("?")
    return Entry(match["address"], _dash(match["user"]), time, method, path,
                 query, protocol, int(match["status"]),
                 0 if match["size"] == "-" else int(match["size"]),
                 _dash(match["referer"]), _dash(match["agent"]))


class BoundedCounter:
    """Counts; a key that is new when the table is full is only totalled."""

    def __init__(self, keys_max=KEYS_MAX):
        self._counts = Counter()
        self._keys_max = keys_max
        self.not_kept = 0

    def add(self, key, amount=1):
        if key in self._counts or len(self._counts) < self._keys_max:
            self._counts[key] += amount
        else:
            self.not_kept += amount

    def top(self, number):
        """The largest; of equals the first by name."""
        return sorted(self._counts.items(),
                      key=lambda item: (-item[1], item[0]))[:number]

    def items(self):
        return sorted(self._counts.items())

    def __getitem__(self, key):
        return self._counts[key]


@dataclass
class Summary:
    lines: int = 0
    unparsed: int = 0
    requests: int = 0
    bytes_sent: int = 0
    first: datetime = None
    last: datetime = None
    classes: Counter = field(default_factory=Counter)  # "2xx"
    paths: BoundedCounter = field(default_factory=BoundedCounter)
    addresses: BoundedCounter = field(default_factory=BoundedCounter)
    hours: BoundedCounter = field(default_factory=BoundedCounter)
    hour_errors: BoundedCounter = field(default_factory=BoundedCounter)

    def add(self, entry):
        hour = entry.time.strftime("%Y-%m-%dT%H%z")
        self.requests += 1
        self.bytes_sent += entry.size
        self.classes[f"{entry.status // 100}xx"] += 1
        self.paths.add(entry.path or "(no request)")
        self.addresses.add(entry.address)
        self.hours.add(hour)
        if entry.status >= 500:
            self.hour_errors.add(hour)
        if self.first is None or entry.time < self.first:
            self.first = entry.time
        if self.last is None or entry.time > self.last:
            self.last = entry.time

    def error_rates(self):
        """(hour, share of answers with 5xx), in order of time."""
        return [(hour, self.hour_errors[hour] / count)
                for hour, count in self.hours.items()]


def parse(lines):
    """(entry or None) of each line that is not empty."""
    for line in lines:
        if line.strip():
            yield parse_line(line)


def summarize(lines):
    summary = Summary()
    for entry in parse(lines):
        summary.lines += 1
        if entry is None:
            summary.unparsed += 1
        else:
            summary.add(entry)
    return summary


def report(summary, number=10):
    """The summary as text for people."""
    out = [f"requests {summary.requests}, bytes {summary.bytes_sent}, "
           f"not understood {summary.unparsed} of {summary.lines} lines"]
    if summary.first is not None:
        out.append(f"from {summary.first.isoformat()} "
                   f"to {summary.last.isoformat()}")
    out.append("status " + ", ".join(
        f"{name} {count}" for name, count in sorted(summary.classes.items())))
    for title, counter in (("paths", summary.paths),
                           ("addresses", summary.addresses)):
        out.append(f"top {title}:")
        # What clients sent must not write to a terminal.
        out += [f"{count:8} {ascii(key)[1:-1]}"
                for key, count in counter.top(number)]
    return "\n".join(out)
