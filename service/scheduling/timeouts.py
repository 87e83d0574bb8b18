"""Ends waits that last too long, at next to no cost for those that do not."""

from asyncio import AbstractEventLoop, CancelledError, Task, current_task, get_running_loop
from typing import Any, Final

LOOKS: Final = 20
"""How often in its time a wait is looked at: it may last longer by so small a part."""


class Deadline:
    """How long a wait may last; one that lasts longer is ended by TimeoutError.

    A wait is what a task does inside a ``with``, one at a time. ``asyncio.timeout`` arms a timer
    for each, which takes 5 µs. Here all waits may last equally long, so the one that began first is
    the first to be over: it is enough to note when each began, which takes 1 µs, and to look at the
    oldest now and then.

    Belongs to one event loop at a time.

    Parameters
    ----------
    seconds : float
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._began: dict[Task[Any] | None, float] = {}
        """When the wait of each task began, the first first."""
        self._looking: AbstractEventLoop | None = None

    def __enter__(self) -> None:
        """Begin to wait."""
        loop = get_running_loop()
        self._began[current_task(loop)] = loop.time()
        if self._looking is not loop:
            self._looking = loop
            self._look_later(loop)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End; raise TimeoutError if the wait was cancelled here, and by nobody else besides."""
        task = current_task()
        if self._began.pop(task, None) is None and task is not None:
            others = task.uncancel()
            if kind is CancelledError and not others:
                raise TimeoutError

    def expire(self, task: Task[Any]) -> None:
        """End the wait of a task now, if it waits."""
        if self._began.pop(task, None) is not None:
            task.cancel()

    def _look_later(self, loop: AbstractEventLoop) -> None:
        loop.call_later(self.seconds / LOOKS, self._look, loop)

    def _look(self, loop: AbstractEventLoop) -> None:
        now = loop.time()
        while self._began:
            task, began = next(iter(self._began.items()))
            if now - began < self.seconds:
                break
            del self._began[task]
            if task is not None:
                task.cancel()
        if self._began:
            self._look_later(loop)
        else:
            self._looking = None
