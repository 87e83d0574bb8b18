"""Bodies that are not whole yet: how many bytes of them may be there, and who goes if it is more.

Clients that send without end could otherwise keep all room for as long as they like. So the body
that began first is given up for the next one. Short bodies take no room, and bodies that are whole
have room of their own.
"""

from asyncio import CancelledError, Task, current_task
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from service.scheduling.admission import Admission
from service.scheduling.errors import OverloadedError
from service.scheduling.timeouts import Deadline

FREE_BYTES: Final = 16_384
"""Of each body; it takes room from there on."""
LEAST_SECONDS: Final = 0.2
"""How long each body may come before it is given up for another."""
GIVEN_UP: Final = (
    "As many bytes of bodies are waiting as may be, and others came faster. "
    "Try again after Retry-After seconds."
)


@dataclass(slots=True)
class _Body:
    began: float
    n_bytes: int = 0


class IncomingBodies:
    """Counts the bytes of bodies that are not whole yet; each is read inside a ``with``.

    Belongs to one event loop.

    Parameters
    ----------
    admission : Admission
        A third of its bytes are for these bodies.
    deadline : Deadline
        In which the bodies are waited for.
    """

    def __init__(self, admission: Admission, deadline: Deadline) -> None:
        self._admission = admission
        self._deadline = deadline
        self._max_bytes = admission.max_buffered_bytes // 3
        self._n_bytes = 0
        self._bodies: dict[Task[Any] | None, _Body] = {}
        """Of each task that reads one; the one that began first comes first."""

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Count a body of the current task inside.

        Raises
        ------
        OverloadedError
            If it was given up for others.
        """
        task = current_task()
        self._bodies[task] = _Body(monotonic())
        try:
            yield
        except CancelledError:
            if task is None or task in self._bodies or task.cancelling() > 1:
                raise
            raise OverloadedError(GIVEN_UP, self._admission.long_slots.retry_after) from None
        finally:
            self._forget(task)

    def grow(self, size: int) -> None:
        """Note how long the body of the current task is by now.

        Raises
        ------
        OverloadedError
            If there is no room, and no older body to be given up.
        """
        body = self._bodies.get(task := current_task())
        if body is None or (more := size - FREE_BYTES - body.n_bytes) <= 0:
            return
        while self._n_bytes + more > self._max_bytes and (oldest := self._oldest(task)):
            self._forget(oldest)
            self._deadline.expire(oldest)
        if self._n_bytes + more > self._max_bytes:
            raise self._admission.too_many_bytes()
        self._admission.buffer(more)
        self._n_bytes += more
        body.n_bytes += more

    def _oldest(self, but: Task[Any] | None) -> Task[Any] | None:
        now = monotonic()
        for task, body in self._bodies.items():
            if now - body.began < LEAST_SECONDS:
                return None
            if body.n_bytes and task is not but:
                return task
        return None

    def _forget(self, task: Task[Any] | None) -> None:
        body = self._bodies.pop(task, None)
        if body is not None:
            self._n_bytes -= body.n_bytes
            self._admission.release(body.n_bytes)
