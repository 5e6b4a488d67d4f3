"""A cache of bounded size whose entries also grow old.

    cache = LruCache(capacity=1000, ttl_s=300)
    cache.put("a", 1)
    cache.get("a", default=None)

    @cached(capacity=100, ttl_s=60)
    def price(article): ...

get and put take constant time.  Full, the entry that was used longest ago
goes.  An entry is never given out after its time, whether or not anything has
removed it yet.
"""

import functools
import math
import threading
import time
from collections import OrderedDict, namedtuple

Statistics = namedtuple("Statistics", "hits misses evictions expirations size")

_MISSING = object()


class LruCache:
    def __init__(self, capacity, ttl_s=None, clock=time.monotonic):
        if not isinstance(capacity, int) or capacity < 1:
            raise ValueError("capacity must be a positive integer")
        self._capacity = capacity
        self._ttl_s = self._checked_ttl(ttl_s)
        self._clock = clock
        self._lock = threading.RLock()
        self._entries = OrderedDict()  # key: (value, when it ends)
        self._hits = self._misses = self._evictions = self._expirations = 0

    @staticmethod
    def _checked_ttl(ttl_s):
        if ttl_s is None:
            return math.inf
        if math.isnan(ttl_s) or ttl_s <= 0:
            raise ValueError("ttl_s must be positive")
        return ttl_s

    def get(self, key, default=None):
        """The value, which counts as a use, or default."""
        with self._lock:
            value = self._live(key)
            if value is _MISSING:
                self._misses += 1
                return default
            self._entries.move_to_end(key)
            self._hits += 1
            return value

    def put(self, key, value, ttl_s=None):
        """Set it, for ttl_s seconds if the cache's own are not meant."""
        ttl_s = self._ttl_s if ttl_s is None else self._checked_ttl(ttl_s)
        with self._lock:
            ends = self._clock() + ttl_s
            if key in self._entries:
                self._entries.move_to_end(key)
            elif len(self._entries) >= self._capacity:
                self._make_room()
            self._entries[key] = (value, ends)

    def pop(self, key, default=None):
        """Remove it; its value, or default."""
        with self._lock:
            value = self._live(key)
            if value is _MISSING:
                return default
            del self._entries[key]
            return value

    def clear(self):
        with self._lock:
            self._entries.clear()

    def purge(self):
        """Remove all that has outlived its time; how many that were."""
        with self._lock:
            now = self._clock()
            dead = [key for key, (_, ends) in self._entries.items()
                    if ends <= now]
            for key in dead:
                del self._entries[key]
            self._expirations += len(dead)
            return len(dead)

    def keys(self):
        """Those that live, used longest ago first."""
        with self._lock:
            now = self._clock()
            return [key for key, (_, ends) in self._entries.items()
                    if ends > now]

    def statistics(self):
        with self._lock:
            return Statistics(self._hits, self._misses, self._evictions,
                              self._expirations, len(self._entries))

    def __len__(self):
        return len(self.keys())

    def __contains__(self, key):
        """Looking is not using."""
        with self._lock:
            return self._live(key) is not _MISSING

    def _live(self, key):
        entry = self._entries.get(key)
        if entry is None:
            return _MISSING
        value, ends = entry
        if ends > self._clock():
            return value
        del self._entries[key]
        self._expirations += 1
        return _MISSING

    def _make_room(self):
        """What is dead goes first, and only then what lives."""
        _, (_, ends) = next(iter(self._entries.items()))
        if ends > self._clock() and self._ttl_s is not math.inf:
            self.purge()
        if len(self._entries) >= self._capacity:
            self._entries.popitem(last=False)
            if ends <= self._clock():
                self._expirations += 1
            else:
                self._evictions += 1


class _Call:
    """One computation that others wait for."""

    def __init__(self):
        self.done = threading.Event()
        self.value = None
        self.error = None


def cached(capacity=128, ttl_s=None, clock=time.monotonic):
    """Keep a function's values by its arguments, which must be hashable.

    Callers that ask for the same value at the same time wait for one
    computation.  An exception goes to all who waited, and is not kept.
    """

    def decorate(function):
        cache = LruCache(capacity, ttl_s, clock)
        lock = threading.Lock()
        calls = {}

        def compute(key, call, args, kwargs):
            try:
                call.value = function(*args, **kwargs)
                cache.put(key, call.value)
            except BaseException as error:
                call.error = error
                raise
            finally:
                with lock:
                    del calls[key]
                call.done.set()
            return call.value

        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            key = (args, tuple(sorted(kwargs.items())))
            with lock:
                value = cache.get(key, _MISSING)
                if value is not _MISSING:
                    return value
                call = calls.get(key)
                is_mine = call is None
                if is_mine:
                    call = calls[key] = _Call()
            if is_mine:
                return compute(key, call, args, kwargs)
            call.done.wait()
            if call.error is not None:
                raise call.error
            return call.value

        wrapper.cache = cache
        return wrapper

    return decorate
