"""The thread for batches and long texts, so that the event loop stays free."""

from asyncio import get_running_loop
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Final, TypeVar

from service.scheduling.admission import Admission
from service.scheduling.errors import DeadlineExceededError
from service.scheduling.timeouts import Timeout

THREADS: Final = 1
"""Threads: a second adds no throughput under the GIL, and doubles the delay of the event loop."""

Request = TypeVar("Request")
Result = TypeVar("Result")


class InferenceExecutor:
    """Runs slow requests in a thread, first in, first out, each in the context of its task.

    The timeout includes a request's time in the queue.
    """

    def __init__(self, admission: Admission, timeout: Timeout) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="classify")
        self._admission = admission
        self._timeout = timeout

    async def run(
        self, predict: Callable[[Request], Result], request: Request, n_bytes: int
    ) -> Result:
        """Return what ``predict`` returns for a request, or for its body, of ``n_bytes``.

        Raises
        ------
        OverloadedError
            If there is no free permit, or no room for the body.
        DeadlineExceededError
            If it takes too long. A request that is still in the queue is dropped; one that runs is
            finished, and its result is discarded.
        """
        admission = self._admission
        queued = [request]  # a dropped request is released before the thread gets to it
        del request
        with admission.slow_limit:
            admission.buffer(n_bytes)
            try:
                with self._timeout:
                    loop, run = get_running_loop(), copy_context().run
                    return await loop.run_in_executor(self._threads, run, _predict, predict, queued)
            except TimeoutError:
                raise DeadlineExceededError(
                    f"The request took longer than {self._timeout.seconds:g} seconds. "
                    "Retry after the number of seconds in Retry-After.",
                    admission.slow_limit.retry_after,
                ) from None
            finally:
                queued.clear()
                admission.release(n_bytes)


def _predict(predict: Callable[[Request], Result], queued: list[Request]) -> Result:
    return predict(queued.pop())
