"""Answers together the requests that come together.

Under load several requests are there in each turn of the event loop. Answered at once they need one
inference, and the code that answers them is read into the processor's caches once. Nobody waits for
others to come: a request that is alone is answered alone, in the next turn.
"""

from asyncio import Future, get_running_loop
from collections.abc import Callable, Sequence

from service.scheduling.admission import Slots

Answer = bytes | Exception


class Gathering:
    """Collects bodies for a turn of the event loop, and has them answered at once.

    Belongs to one event loop at a time.

    Parameters
    ----------
    answer_each : callable
        Bodies to the outcome of each.
    slots : Slots
        How many may be there at once.
    max_bytes : int
        How much is answered in one turn, so that other things have theirs; one body always is.
    """

    def __init__(
        self,
        answer_each: Callable[[Sequence[bytes]], Sequence[Answer]],
        slots: Slots,
        *,
        max_bytes: int,
    ) -> None:
        self._answer_each = answer_each
        self._slots = slots
        self._max_bytes = max_bytes
        self._waiting: list[tuple[bytes, Future[bytes]]] = []

    async def answer(self, body: bytes) -> bytes:
        """Answer a body, or raise what went wrong with it, or OverloadedError."""
        with self._slots:
            loop = get_running_loop()
            future: Future[bytes] = loop.create_future()
            self._waiting.append((body, future))
            if len(self._waiting) == 1:
                loop.call_soon(self._take_turn)
            return await future

    def _take_turn(self) -> None:
        turn = self._waiting[: self._fitting()]
        self._waiting = self._waiting[len(turn) :]
        if self._waiting:
            get_running_loop().call_soon(self._take_turn)
        try:
            outcomes = self._answer_each([body for body, _ in turn])
        except Exception as error:  # nobody may be left waiting
            outcomes = [error] * len(turn)
        for (_, future), outcome in zip(turn, outcomes, strict=True):
            if future.done():  # cancelled: nobody waits for it
                continue
            if isinstance(outcome, bytes):
                future.set_result(outcome)
            else:
                future.set_exception(outcome)

    def _fitting(self) -> int:
        n_bytes = 0
        for number, (body, _) in enumerate(self._waiting):
            n_bytes += len(body)
            if number and n_bytes > self._max_bytes:
                return number
        return len(self._waiting)
