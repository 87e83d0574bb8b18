"""Ends waits that last too long, at next to no cost for those that do not."""

from asyncio import AbstractEventLoop, CancelledError, Task, current_task, get_running_loop
from typing import Any, Final

LOOKS: Final = 20
"""How often in its time a wait is looked at: it may last longer by so small a part."""


class Deadline:
    """How long a wait may last.

    ``asyncio.timeout`` arms a timer for each wait, which takes 5 µs. Here all waits may last
    equally long, so the one that began first is the first to be over: it is enough to note when
    each began, which takes 1 µs, and to look at the oldest now and then.

    Belongs to one event loop at a time.

    Parameters
    ----------
    seconds : float
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._waits: dict[Wait, float] = {}
        self._looking: AbstractEventLoop | None = None

    def wait(self) -> "Wait":
        """Give the context of a wait; one that lasts too long is ended by TimeoutError."""
        return Wait(self)

    def begin(self, wait: "Wait") -> None:
        """Note that a wait begins."""
        loop = get_running_loop()
        self._waits[wait] = loop.time()
        if self._looking is not loop:
            self._looking = loop
            self._look_later(loop)

    def end(self, wait: "Wait") -> None:
        """Forget a wait."""
        self._waits.pop(wait, None)

    def _look_later(self, loop: AbstractEventLoop) -> None:
        loop.call_later(self.seconds / LOOKS, self._look, loop)

    def _look(self, loop: AbstractEventLoop) -> None:
        now = loop.time()
        while self._waits:
            wait, began = next(iter(self._waits.items()))
            if now - began < self.seconds:
                break
            del self._waits[wait]
            wait.cancel()
        if self._waits:
            self._look_later(loop)
        else:
            self._looking = None


class Wait:
    """A wait of the current task.

    Parameters
    ----------
    deadline : Deadline
    """

    __slots__ = ("_deadline", "_is_over", "_task")

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._is_over = False

    def __enter__(self) -> None:
        """Begin."""
        self._task: Task[Any] | None = current_task()
        self._deadline.begin(self)

    def cancel(self) -> None:
        """End the wait, for it has lasted too long."""
        self._is_over = True
        if self._task is not None:
            self._task.cancel()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End; raise TimeoutError if the wait was cancelled here, and by nobody else besides."""
        self._deadline.end(self)
        if self._is_over and self._task is not None:
            others = self._task.uncancel()
            if kind is CancelledError and not others:
                raise TimeoutError
