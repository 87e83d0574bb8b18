"""Bounds the bytes of incomplete bodies by dropping the oldest.

Clients that send without end could otherwise occupy the memory for bodies for ever, so the oldest
body is dropped for the next one. Complete bodies have a bound of their own.
"""

from asyncio import CancelledError, Task, current_task
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from service.scheduling.admission import Admission
from service.scheduling.errors import OverloadedError
from service.scheduling.timeouts import Timeout

FREE_BYTES: Final = 16_384  # bytes of each body that do not count
MIN_SECONDS: Final = 0.2  # time that a body has before it may be dropped
DROPPED: Final = (
    "Too many bytes of request bodies, and others arrived faster. "
    "Retry after the number of seconds in Retry-After."
)


@dataclass(slots=True)
class _Body:
    began: float
    n_bytes: int = 0


class UnfinishedBodies:
    """Counts the bytes of bodies while they are read, each inside a ``with``.

    They may have a third of the bytes of ``admission``. They are read in blocks of ``timeout``.
    Belongs to one event loop.
    """

    def __init__(self, admission: Admission, timeout: Timeout) -> None:
        self._admission = admission
        self._timeout = timeout
        self._max_bytes = admission.max_buffered_bytes // 3
        self._n_bytes = 0
        self._bodies: dict[Task[Any] | None, _Body] = {}
        """Body by the task that reads it, the oldest first."""

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Count the body that the task reads inside; raise OverloadedError if it was dropped."""
        task = current_task()
        self._bodies[task] = _Body(monotonic())
        try:
            yield
        except CancelledError:
            if task is None or task in self._bodies or task.cancelling() > 1:
                raise
            raise OverloadedError(DROPPED, self._admission.slow_limit.retry_after) from None
        finally:
            self._forget(task)

    def grow(self, size: int) -> None:
        """Record the size of the current task's body, in bytes.

        Raises OverloadedError if there is no room, and no older body to drop.
        """
        body = self._bodies.get(task := current_task())
        if body is None or (more := size - FREE_BYTES - body.n_bytes) <= 0:
            return
        while self._n_bytes + more > self._max_bytes and (oldest := self._oldest(task)):
            self._forget(oldest)
            self._timeout.expire(oldest)
        if self._n_bytes + more > self._max_bytes:
            raise self._admission.too_many_bytes()
        self._admission.buffer(more)
        self._n_bytes += more
        body.n_bytes += more

    def _oldest(self, but: Task[Any] | None) -> Task[Any] | None:
        now = monotonic()
        for task, body in self._bodies.items():
            if now - body.began < MIN_SECONDS:
                return None
            if body.n_bytes and task is not but:
                return task
        return None

    def _forget(self, task: Task[Any] | None) -> None:
        body = self._bodies.pop(task, None)
        if body is not None:
            self._n_bytes -= body.n_bytes
            self._admission.release(body.n_bytes)
