"""Work per turn of the event loop: a bound on it keeps health checks and short requests fast."""

from asyncio import AbstractEventLoop, get_running_loop


class TurnCounter:
    """Counts pieces of work in the current turn of the running event loop."""

    def __init__(self) -> None:
        self.n = 0
        self._loop: AbstractEventLoop | None = None

    def count(self) -> None:
        """Count one more."""
        loop = get_running_loop()
        if not self.n or self._loop is not loop:
            self.n, self._loop = 0, loop
            loop.call_soon(self._start_turn)
        self.n += 1

    def has_reached(self, limit: int) -> bool:
        """Whether the count is at the limit: the caller then waits for the next turn."""
        return self.n >= limit and self._loop is get_running_loop()

    def _start_turn(self) -> None:
        self.n = 0
