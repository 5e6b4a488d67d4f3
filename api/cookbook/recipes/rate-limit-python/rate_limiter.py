"""Rate limits by key: a token bucket for each user, address or the like.

    limiter = RateLimiter(rate=5, per_s=60, burst=10)
    decision = limiter.take("user-17")
    if not decision.allowed:
        ...  # 429, Retry-After: decision.retry_after_s, rounded up

A bucket holds `burst` tokens, gains `rate` tokens in `per_s` seconds, and each
request takes one or more.  Refused requests cost nothing.  At most `keys_max`
buckets are kept; a bucket that is full again need not be remembered, and if
all are in use, the one that was used longest ago goes.
"""

import math
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True)
class Decision:
    allowed: bool
    remaining: int        # whole tokens that are left
    retry_after_s: float  # 0 if allowed; inf if it can never be


class _Bucket:
    __slots__ = ("tokens", "at")

    def __init__(self, tokens, at):
        self.tokens = tokens
        self.at = at


class RateLimiter:
    def __init__(self, rate, per_s=1.0, burst=None, keys_max=100_000,
                 clock=time.monotonic):
        burst = rate if burst is None else burst
        for name, value in (("rate", rate), ("per_s", per_s),
                            ("burst", burst), ("keys_max", keys_max)):
            if not math.isfinite(value) or value <= 0:
                raise ValueError(f"{name} must be positive")
        if burst < 1:
            raise ValueError("a burst below 1 would refuse everything")
        self._rate = rate / per_s  # tokens a second
        self._burst = float(burst)
        self._keys_max = int(keys_max)
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets = OrderedDict()  # used longest ago first

    def take(self, key, cost=1):
        """Take cost tokens of key's bucket, or none of them."""
        if not math.isfinite(cost) or cost <= 0:
            raise ValueError("cost must be positive")
        with self._lock:
            bucket = self._bucket(key)
            if cost <= bucket.tokens:
                bucket.tokens -= cost
                return Decision(True, int(bucket.tokens), 0.0)
            wait = (math.inf if cost > self._burst
                    else (cost - bucket.tokens) / self._rate)
            return Decision(False, int(bucket.tokens), wait)

    def reset(self, key):
        """Forget what key has used."""
        with self._lock:
            self._buckets.pop(key, None)

    def __len__(self):
        """How many keys are remembered."""
        with self._lock:
            return len(self._buckets)

    def _bucket(self, key):
        """Key's bucket as of now, as the one that was used last."""
        now = self._clock()
        bucket = self._buckets.get(key)
        if bucket is None:
            self._make_room(now)
            bucket = self._buckets[key] = _Bucket(self._burst, now)
            return bucket
        self._refill(bucket, now)
        self._buckets.move_to_end(key)
        return bucket

    def _refill(self, bucket, now):
        # A clock that goes backwards gives nothing, and takes nothing.
        if now > bucket.at:
            bucket.tokens = min(self._burst, bucket.tokens
                                + (now - bucket.at) * self._rate)
        bucket.at = max(now, bucket.at)

    def _make_room(self, now):
        """Drop a few full buckets at a time; one in use only if we must."""
        for _ in range(2):
            if not self._buckets:
                return
            oldest = next(iter(self._buckets.values()))
            self._refill(oldest, now)
            if (oldest.tokens < self._burst
                    and len(self._buckets) < self._keys_max):
                return
            self._buckets.popitem(last=False)
