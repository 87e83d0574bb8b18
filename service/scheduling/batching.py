"""Dynamic batching: requests that arrive together share an inference.

A batch waits while each turn of the event loop brings another request, and there is room for more.
There is no timer: a single request waits for one turn, some microseconds.
"""

from asyncio import Future, get_running_loop
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from service.scheduling.admission import ConcurrencyLimit

MAX_BATCH_BYTES: Final = 65_536
"""Bytes of the requests of a batch, which keeps the event loop busy for a few milliseconds."""
MAX_TURNS: Final = 8
"""Turns of the event loop that a batch waits at most, while each brings another request."""
MIN_FREE_PERMITS: Final = 8
"""With fewer, a batch begins at once: the requests of one more turn might find no permit."""

Request = TypeVar("Request")
Result = TypeVar("Result")


class DynamicBatcher(Generic[Request, Result]):
    """Collects requests, and runs them as a batch on the event loop.

    ``predict`` returns the result or the error of each. Belongs to one event loop at a time.
    """

    def __init__(
        self,
        predict: Callable[[Sequence[Request]], Sequence[Result | Exception]],
        limit: ConcurrencyLimit,
    ) -> None:
        self._predict = predict
        self._limit = limit
        self._queue: list[tuple[Request, int, Future[Result]]] = []

    async def submit(self, request: Request, n_bytes: int) -> Result:
        """Return the result of a request with a body of ``n_bytes``, or raise its error.

        OverloadedError is raised if there is no free permit.
        """
        with self._limit:
            loop = get_running_loop()
            future: Future[Result] = loop.create_future()
            self._queue.append((request, n_bytes, future))
            if len(self._queue) == 1:
                loop.call_soon(self._run_batch, 0, MAX_TURNS)
            return await future

    def _run_batch(self, n_before: int, turns_left: int) -> None:
        """Run a batch, unless the last turn brought a request and there is room for more."""
        loop = get_running_loop()
        if (
            len(self._queue) > n_before
            and turns_left
            and self._limit.n_free >= MIN_FREE_PERMITS
            and sum(n_bytes for _, n_bytes, _ in self._queue) < MAX_BATCH_BYTES
        ):
            loop.call_soon(self._run_batch, len(self._queue), turns_left - 1)
            return
        batch: list[tuple[Request, Future[Result]]] = []
        total = 0
        for request, n_bytes, future in self._queue:
            total += n_bytes
            if batch and total > MAX_BATCH_BYTES:
                break
            batch.append((request, future))
        del self._queue[: len(batch)]
        if self._queue:
            loop.call_soon(self._run_batch, len(self._queue), MAX_TURNS)
        results: Sequence[Result | Exception]
        try:
            results = self._predict([request for request, _ in batch])
        except Exception as error:  # no request may wait for ever
            results = [error] * len(batch)
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():  # the request was cancelled
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
