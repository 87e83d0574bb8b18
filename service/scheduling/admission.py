"""How much is taken on at once; what is more is refused, before it costs anything.

A service that takes on more than it can do answers all of it late. This one takes on what it can do
soon, says of the rest when to try again, and so answers what it took as quickly as ever.

A slot is held from the moment that a request's body is there: who sends slowly holds none. Bodies
that are not whole yet, and those that wait for a thread, are bounded by their bytes instead.
"""

from asyncio import sleep
from math import ceil
from time import perf_counter
from typing import Final

from service.scheduling.errors import OverloadedError

SMOOTHING: Final = 1 / 64
"""Weight of the last request in the mean of the seconds that each takes."""

REFUSAL_SECONDS: Final = 0.05
"""How long a refusal is held back."""
MOST_HELD_BACK: Final = 100
"""How many are at once; others are not held back. Uvicorn keeps the beginning of each body
meanwhile, up to 320 kB, which is counted nowhere."""

TOO_MANY_REQUESTS: Final = (
    "As many requests are in progress as may be. Try again after Retry-After seconds."
)
TOO_MANY_BYTES: Final = (
    "As many bytes of bodies are waiting as may be. Try again after Retry-After seconds."
)


class Slots:
    """So many requests may be in progress at once; each is inside a ``with`` meanwhile.

    Belongs to one event loop.

    Parameters
    ----------
    limit : int
    within : Slots or None
        Others of which each needs one too.
    """

    def __init__(self, limit: int, within: "Slots | None" = None) -> None:
        self._limit = limit
        self._within = within
        self.in_progress = 0
        self._seconds = 0.0
        self._last_done = 0.0

    @property
    def retry_after(self) -> int:
        """In how many seconds all in progress will be done, at the pace of late; at least 1."""
        return max(1, ceil(self.in_progress * self._seconds))

    def check(self) -> None:
        """Raise OverloadedError if no slot is free."""
        if self._within is not None:
            self._within.check()
        if self.in_progress >= self._limit:
            raise OverloadedError(TOO_MANY_REQUESTS, self.retry_after)

    def __enter__(self) -> None:
        """Take a slot, or raise as `check` does."""
        self.check()
        if self._within is not None:
            self._within.__enter__()
        if not self.in_progress:
            self._last_done = perf_counter()  # until now there was nothing to do
        self.in_progress += 1

    def __exit__(self, *_: object) -> None:
        """Give the slot back, and note how long ago the one before was."""
        now = perf_counter()
        self._seconds += SMOOTHING * (now - self._last_done - self._seconds)
        self._last_done = now
        self.in_progress -= 1
        if self._within is not None:
            self._within.__exit__()


class Admission:
    """Decides what is taken on, for all routes that classify together.

    Parameters
    ----------
    max_concurrent_requests : int
    max_buffered_bytes : int
        Of bodies that are not whole yet, or wait for a thread.

    Attributes
    ----------
    slots : Slots
        Of all requests whose body is there.
    long_slots : Slots
        Of those among them that need a thread, which take a hundred times as long: half as many, so
        that there is always room for short ones.
    """

    def __init__(self, *, max_concurrent_requests: int, max_buffered_bytes: int) -> None:
        self.slots = Slots(max_concurrent_requests)
        self.long_slots = Slots(max(1, max_concurrent_requests // 2), within=self.slots)
        self.max_buffered_bytes = max_buffered_bytes
        self.buffered_bytes = 0
        self._n_held_back = 0

    async def admit(self, slots: Slots) -> None:
        """Decide on a request's head: raise OverloadedError if no slot is free, but not at once.

        To refuse takes time from those that are being answered, and who hears of it at once comes
        again at once. What was refused stays refused, though a slot be free by then: it has waited.
        """
        try:
            slots.check()
        except OverloadedError:
            if self._n_held_back < MOST_HELD_BACK:
                self._n_held_back += 1
                try:
                    await sleep(REFUSAL_SECONDS)
                finally:
                    self._n_held_back -= 1
            raise

    def buffer(self, n_bytes: int) -> None:
        """Count bytes of a body that have come; `release` them when they are gone.

        Raises
        ------
        OverloadedError
            If they are more than may be buffered; then they are not counted.
        """
        if self.buffered_bytes + n_bytes > self.max_buffered_bytes:
            raise self.too_many_bytes()
        self.buffered_bytes += n_bytes

    def too_many_bytes(self) -> OverloadedError:
        """Return the error that says so."""
        return OverloadedError(TOO_MANY_BYTES, self.long_slots.retry_after)

    def release(self, n_bytes: int) -> None:
        """Count bytes no more."""
        self.buffered_bytes -= n_bytes
