"""Where long texts and batches are answered: in a thread, so that nobody else waits for them."""

from asyncio import get_running_loop
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

from service.scheduling.admission import Admission
from service.scheduling.errors import DeadlineExceededError
from service.scheduling.timeouts import Deadline

WORKERS: Final = 1
"""Threads for long texts and batches. Two answer no more, for Python lets in one at a time, and the
event loop would wait for both."""

Result = TypeVar("Result")
Others = ParamSpec("Others")


class Workers:
    """Runs what takes long, one after the other, in the order in which it comes.

    Parameters
    ----------
    admission : Admission
        How many may wait.
    deadline : Deadline
        How long each may take, its wait included.
    """

    def __init__(self, admission: Admission, deadline: Deadline) -> None:
        self._threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="classify")
        self._admission = admission
        self._deadline = deadline

    async def admit(self) -> None:
        """Raise OverloadedError if as many wait as may, as `Admission.admit` does."""
        await self._admission.admit(self._admission.long_slots)

    async def run(self, answer: Callable[[bytes], Result], body: bytes) -> Result:
        """Answer a body in a thread.

        Raises
        ------
        OverloadedError
            If as many wait as may, or as many bytes.
        DeadlineExceededError
            If it is not done in time. What has not begun by then is never run; what has is finished
            for nobody, and only the next ones wait for it.
        """
        admission = self._admission
        waiting = [body]  # what is given up must not be kept until the thread comes to it
        del body
        with admission.long_slots:
            n_bytes = len(waiting[0])
            admission.buffer(n_bytes)
            try:
                with self._deadline:
                    loop = get_running_loop()
                    return await loop.run_in_executor(self._threads, _answer, answer, waiting)
            except TimeoutError:
                raise DeadlineExceededError(
                    f"It was not answered within {self._deadline.seconds:g} seconds. "
                    "Try again after Retry-After seconds.",
                    admission.long_slots.retry_after,
                ) from None
            finally:
                waiting.clear()
                admission.release(n_bytes)


def _answer(answer: Callable[[bytes], Result], waiting: list[bytes]) -> Result:
    return answer(waiting.pop())
