"""Try again what may pass: exponential backoff with full jitter.

    @retry(on=(TimeoutError, ConnectionError), attempts=5, deadline_s=30)
    def fetch(): ...

    result = call(fetch, on=TimeoutError)

The pause before attempt n is a random time up to base_s * 2 ** (n - 1), at
most max_s: clients that failed together do not come back together.  An error
with a number in `retry_after_s` is not tried again sooner.  When attempts or
time are used up, the last error is raised as it was.

Only what is safe to do twice may be tried again.
"""

import asyncio
import functools
import inspect
import random
import time


class Policy:
    """When to try again, and after which pause."""

    def __init__(self, on=(), attempts=5, base_s=0.1, max_s=30.0,
                 deadline_s=None, before_retry=None, clock=time.monotonic,
                 uniform=None):
        self.on = on if isinstance(on, tuple) else (on,)
        if not self.on or not all(isinstance(kind, type)
                                  and issubclass(kind, Exception)
                                  for kind in self.on):
            raise ValueError("on: which exceptions may pass?")
        if attempts < 1:
            raise ValueError("attempts must be 1 or more")
        if base_s < 0 or max_s < 0 or (deadline_s or 0) < 0:
            raise ValueError("times must not be negative")
        self.attempts = attempts
        self.base_s = base_s
        self.max_s = max_s
        self.deadline_s = deadline_s
        self.before_retry = before_retry
        self.clock = clock
        self.uniform = uniform or random.SystemRandom().uniform

    def pause_s(self, attempt, error):
        """The pause after that many failed attempts."""
        # 2.0 ** 1024 is no float any more.
        longest = min(self.max_s, self.base_s * 2.0 ** min(attempt - 1, 1000))
        pause = self.uniform(0, longest)
        asked = getattr(error, "retry_after_s", None)
        if isinstance(asked, (int, float)) and asked > pause:
            pause = asked
        return pause

    def next_pause_s(self, attempt, begin, error):
        """The same, or None: it is over."""
        if attempt >= self.attempts:
            return None
        pause = self.pause_s(attempt, error)
        if (self.deadline_s is not None
                and self.clock() - begin + pause >= self.deadline_s):
            return None
        if self.before_retry is not None:
            self.before_retry(attempt, pause, error)
        return pause


def _run(policy, sleep, function, args, kwargs):
    begin = policy.clock()
    attempt = 0
    while True:
        attempt += 1
        try:
            return function(*args, **kwargs)
        except policy.on as error:
            pause = policy.next_pause_s(attempt, begin, error)
            if pause is None:
                raise
        sleep(pause)


async def _run_async(policy, sleep, function, args, kwargs):
    begin = policy.clock()
    attempt = 0
    while True:
        attempt += 1
        try:
            return await function(*args, **kwargs)
        except policy.on as error:
            pause = policy.next_pause_s(attempt, begin, error)
            if pause is None:
                raise
        await sleep(pause)


def retry(sleep=None, **settings):
    """A decorator for a function or a coroutine function; see Policy."""
    policy = Policy(**settings)

    def decorate(function):
        if inspect.iscoroutinefunction(function):
            @functools.wraps(function)
            async def wrapper(*args, **kwargs):
                return await _run_async(policy, sleep or asyncio.sleep,
                                        function, args, kwargs)
        else:
            @functools.wraps(function)
            def wrapper(*args, **kwargs):
                return _run(policy, sleep or time.sleep, function, args,
                            kwargs)
        return wrapper

    return decorate


def call(function, *args, sleep=None, **settings):
    """function(*args), tried again as the settings of Policy say."""
    return _run(Policy(**settings), sleep or time.sleep, function, args, {})
