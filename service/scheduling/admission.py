"""Admission control: how many requests, and how many bytes of bodies, are accepted at once.

A permit is held from the moment that a request is parsed, so slow or invalid requests hold none.
Bodies that are not complete, or wait for a thread, are bounded by their bytes.
"""

from asyncio import sleep
from math import ceil
from time import perf_counter
from typing import Final, NoReturn

from service.scheduling.errors import OverloadedError

SMOOTHING: Final = 1 / 64
"""Weight of the last request in the moving average of the seconds between two completions."""
REJECTION_DELAY_SECONDS: Final = 0.05
"""Delay of a rejection before the body is read, so that retries do not starve accepted requests."""
MAX_DELAYED_REJECTIONS: Final = 100
"""Rejections delayed at once. The server buffers up to 320 kB of the body of each meanwhile."""

TOO_MANY_REQUESTS: Final = (
    "Too many concurrent requests. Retry after the number of seconds in Retry-After."
)
TOO_MANY_BYTES: Final = (
    "Too many bytes of request bodies. Retry after the number of seconds in Retry-After."
)


class ConcurrencyLimit:
    """A bound on concurrent requests; each holds a permit inside a ``with``.

    A request also takes a permit of ``within``. ``n_free`` permits are free. Belongs to one event
    loop.
    """

    def __init__(self, limit: int, within: "ConcurrencyLimit | None" = None) -> None:
        self._limit = limit
        self._within = within
        self.n_free = limit
        self._seconds = 0.0
        self._last_done = 0.0

    @property
    def retry_after(self) -> int:
        """Seconds until all requests in progress are done, at the recent pace; at least 1."""
        return max(1, ceil(self.in_progress * self._seconds))

    @property
    def in_progress(self) -> int:
        """Number of requests that hold a permit."""
        return self._limit - self.n_free

    def __enter__(self) -> None:
        """Take a permit, or raise OverloadedError."""
        if not self.n_free:
            raise OverloadedError(TOO_MANY_REQUESTS, self.retry_after)
        if self._within is not None:
            self._within.__enter__()
        if self.n_free == self._limit:
            self._last_done = perf_counter()  # the time without requests does not count
        self.n_free -= 1

    def __exit__(self, *_: object) -> None:
        """Return the permit."""
        now = perf_counter()
        self._seconds += SMOOTHING * (now - self._last_done - self._seconds)
        self._last_done = now
        self.n_free += 1
        if self._within is not None:
            self._within.__exit__()


class Admission:
    """The limits of all routes that classify.

    ``limit`` bounds all parsed requests. ``slow_limit`` bounds the batches and long texts among
    them, which run in a thread: half as many, so that there is always room for short texts.
    """

    def __init__(self, *, max_concurrent_requests: int, max_buffered_bytes: int) -> None:
        self.limit = ConcurrencyLimit(max_concurrent_requests)
        self.slow_limit = ConcurrencyLimit(max(1, max_concurrent_requests // 2), within=self.limit)
        self.max_buffered_bytes = max_buffered_bytes
        self.buffered_bytes = 0
        self._n_delayed = 0

    async def reject(self, limit: ConcurrencyLimit) -> NoReturn:
        """Raise OverloadedError after a delay, or at once if too many wait already."""
        if self._n_delayed < MAX_DELAYED_REJECTIONS:
            self._n_delayed += 1
            try:
                await sleep(REJECTION_DELAY_SECONDS)
            finally:
                self._n_delayed -= 1
        raise OverloadedError(TOO_MANY_REQUESTS, limit.retry_after)

    def buffer(self, n_bytes: int) -> None:
        """Count bytes of a body that is in memory; `release` them afterwards.

        If they exceed the limit, they are not counted, and OverloadedError is raised.
        """
        if self.buffered_bytes + n_bytes > self.max_buffered_bytes:
            raise self.too_many_bytes()
        self.buffered_bytes += n_bytes

    def too_many_bytes(self) -> OverloadedError:
        """Return the error for bytes over the limit."""
        return OverloadedError(TOO_MANY_BYTES, self.slow_limit.retry_after)

    def release(self, n_bytes: int) -> None:
        """Stop counting bytes."""
        self.buffered_bytes -= n_bytes
