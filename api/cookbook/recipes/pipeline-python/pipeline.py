"""Pipelines over records: steps that are named, counted and lazy.

    pipeline = (Pipeline("orders")
                .map("parse", json.loads)
                .filter("paid", lambda order: order["state"] == "paid")
                .unique("once", key=lambda order: order["id"])
                .batch("hundreds", 100))
    for batch in pipeline.run(lines): ...
    print(pipeline.report)

A record that a step cannot take (any Exception) is rejected: counted, and kept
with step and reason, the first `rejects_kept` of them.  When more than
`rejects_share` of the records were rejected (after `rejects_least` at least),
the run stops: something is wrong with all of them.
"""

import itertools
import json
import math
from collections import OrderedDict
from dataclasses import dataclass, field


class TooManyRejects(Exception):
    pass


@dataclass
class StepCount:
    taken: int = 0
    given: int = 0
    rejected: int = 0


@dataclass
class Report:
    read: int = 0
    rejected: int = 0
    steps: OrderedDict = field(default_factory=OrderedDict)
    rejects: list = field(default_factory=list)  # (step, reason, record)

    def __str__(self):
        lines = [f"read {self.read}, rejected {self.rejected}"]
        lines += [f"  {name}: {count.taken} -> {count.given}"
                  + (f", rejected {count.rejected}" if count.rejected else "")
                  for name, count in self.steps.items()]
        return "\n".join(lines)


class Pipeline:
    def __init__(self, name, rejects_kept=100, rejects_share=0.1,
                 rejects_least=100):
        if not 0 <= rejects_share <= 1:
            raise ValueError("rejects_share is from 0 to 1")
        self.name = name
        self.report = Report()
        self._rejects_kept = rejects_kept
        self._rejects_share = rejects_share
        self._rejects_least = rejects_least
        self._steps = OrderedDict()  # name: records -> records

    # ---- steps --------------------------------------------------------

    def map(self, name, function):
        """Each record becomes function(record)."""
        def step(count, records):
            for record in records:
                yield from self._try(name, count, record,
                                     lambda r: (function(r),))
        return self._add(name, step)

    def filter(self, name, predicate):
        """Records for which it is true go on; others are not rejected."""
        def step(count, records):
            for record in records:
                yield from self._try(name, count, record,
                                     lambda r: (r,) if predicate(r) else ())
        return self._add(name, step)

    def split(self, name, function):
        """Each record becomes all of function(record), at once or not."""
        def step(count, records):
            for record in records:
                yield from self._try(name, count, record,
                                     lambda r: tuple(function(r)))
        return self._add(name, step)

    def unique(self, name, key, window=100_000):
        """Only the first with its key, among the latest `window` keys."""
        if window < 1:
            raise ValueError("window must be 1 or more")

        def step(count, records):
            seen = OrderedDict()

            def first(record):
                mark = key(record)
                is_new = mark not in seen
                seen[mark] = None
                seen.move_to_end(mark)
                if len(seen) > window:
                    seen.popitem(last=False)
                return (record,) if is_new else ()

            for record in records:
                yield from self._try(name, count, record, first)
        return self._add(name, step)

    def batch(self, name, size):
        """Lists of size records; the last may be shorter."""
        if size < 1:
            raise ValueError("size must be 1 or more")

        def step(count, records):
            records = iter(records)
            while True:
                part = list(itertools.islice(records, size))
                if not part:
                    return
                count.taken += len(part)
                count.given += 1
                yield part
        return self._add(name, step)

    def _add(self, name, step):
        if name in self._steps:
            raise ValueError(f"there is a step {name!r} already")
        self._steps[name] = step
        return self

    # ---- running ------------------------------------------------------

    def run(self, source):
        """What comes out, lazily; self.report counts as it goes."""
        self.report = Report()
        records = self._counted(source)
        for name, step in self._steps.items():
            count = self.report.steps[name] = StepCount()
            records = step(count, records)
        return records

    def _counted(self, source):
        for record in source:
            self.report.read += 1
            yield record

    def _try(self, name, count, record, function):
        count.taken += 1
        try:
            results = function(record)
        except Exception as error:
            self._reject(name, count, record, error)
            return
        count.given += len(results)
        yield from results

    def _reject(self, name, count, record, error):
        report = self.report
        count.rejected += 1
        report.rejected += 1
        if len(report.rejects) < self._rejects_kept:
            reason = f"{type(error).__name__}: {error}"
            report.rejects.append((name, reason, record))
        if (report.rejected >= max(1, self._rejects_least)
                and report.rejected > self._rejects_share * report.read):
            raise TooManyRejects(
                f"{self.name}: {report.rejected} of {report.read} records "
                f"rejected, the latest by {name}: "
                f"{type(error).__name__}") from error


# ---- an example: orders by customer -------------------------------------


def _clean(order):
    if not isinstance(order, dict):
        raise ValueError("not an object")
    amount = order["amount"]
    if (isinstance(amount, bool) or not isinstance(amount, (int, float))
            or not math.isfinite(amount) or amount < 0):
        raise ValueError("amount is no amount")
    customer = str(order["customer"]).strip().lower()
    if not customer:
        raise ValueError("no customer")
    return {"id": order["id"], "customer": customer,
            "cents": round(amount * 100)}


def totals_by_customer(lines, **settings):
    """({customer: {"orders", "cents"}}, report) of orders in JSON lines."""
    pipeline = (Pipeline("orders", **settings)
                .filter("not empty", lambda line: line.strip())
                .map("parse", json.loads)
                .map("clean", _clean)
                .unique("once", key=lambda order: order["id"]))
    totals = {}
    for order in pipeline.run(lines):
        total = totals.setdefault(order["customer"],
                                  {"orders": 0, "cents": 0})
        total["orders"] += 1
        total["cents"] += order["cents"]
    return dict(sorted(totals.items())), pipeline.report
