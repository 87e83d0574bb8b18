"""SIGINT and SIGTERM: they end a command by an exception, so that `finally` blocks run.

Python drops an exception that is raised in a ``__del__`` or in the callback of a weak reference.
Both run often while TensorFlow works: 20 of 536 signals during a fit were lost. A dropped exception
is therefore raised again, a moment later. Context managers of TensorFlow may also replace it by an
error of their own.
"""

import signal
import sys
from types import FrameType
from typing import Any, Final, NoReturn

RETRY_SECONDS: Final = 0.01
_statuses: list[int] = []


class _Stopped(SystemExit):
    """The exit of the process because of a signal."""


def exit_on_stop_signals() -> None:
    """Exit with status 128 and the signal's number; a SIGINT that is ignored stays ignored."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _exit)
    signal.signal(signal.SIGTERM, _exit)
    sys.unraisablehook = _handle_dropped


def stop_status() -> int | None:
    """Return the exit status of the signal that was received, if any."""
    return _statuses[0] if _statuses else None


def _exit(signum: int, frame: FrameType | None) -> NoReturn:
    _stop(128 + signum)


def _stop(status: int) -> NoReturn:
    signal.setitimer(signal.ITIMER_REAL, 0)  # an earlier exit would interrupt the `finally` blocks
    _statuses.append(status)
    raise _Stopped(status)


def _handle_dropped(unraisable: Any) -> None:
    """Raise a dropped exit again soon; report other exceptions as Python does."""
    if not issubclass(unraisable.exc_type, _Stopped):
        sys.__unraisablehook__(unraisable)
        return
    status = unraisable.exc_value.code
    signal.signal(signal.SIGALRM, lambda signum, frame: _stop(status))
    signal.setitimer(signal.ITIMER_REAL, RETRY_SECONDS)
