"""Long work in short steps, so that whoever works beside it is let in.

A thread of Python that goes on for long slows others down, each time that they wait for something:
they have to ask it for the interpreter again. So where `resting`, long work stops after each short
step for much longer than the step took.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, TypeVar

STEP_ITEMS: Final = 512
"""Items of a step, if each takes less than a microsecond."""
LONG_STEP_ITEMS: Final = 4
"""Items of a step, if each takes a tenth of a millisecond: golden cases."""

Item = TypeVar("Item")
_rest_seconds: ContextVar[float] = ContextVar("rest_seconds", default=0.0)


@contextmanager
def resting(seconds: float) -> Iterator[None]:
    """Have the work of this thread rest for so many seconds after each of its steps."""
    token = _rest_seconds.set(seconds)
    try:
        yield
    finally:
        _rest_seconds.reset(token)


def is_resting() -> bool:
    """Tell whether steps are to be short."""
    return _rest_seconds.get() > 0


def rest() -> None:
    """End a step."""
    if seconds := _rest_seconds.get():
        time.sleep(seconds)


def in_steps(items: Iterable[Item], n_items: int = STEP_ITEMS) -> Iterable[Item]:
    """Give the items, and rest after each so many."""
    return _with_rests(items, n_items) if is_resting() else items


def _with_rests(items: Iterable[Item], n_items: int) -> Iterator[Item]:
    for number, item in enumerate(items, 1):
        yield item
        if not number % n_items:
            rest()
