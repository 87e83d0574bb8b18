"""SIGINT and SIGTERM: they end a command by an exception, so that `finally` blocks run.

Python drops an exception that is raised in ``__del__`` or in the callback of a weak reference, in
which TensorFlow is a few percent of the time. So a fit also looks after each step.
"""

import signal
import sys
from types import FrameType
from typing import Any, NoReturn

_received: list[int] = []


def exit_on_stop_signals() -> None:
    """Exit with status 128 and the signal's number; an ignored SIGINT stays ignored."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _exit)
    sys.unraisablehook = _report_dropped


def exit_if_stopped() -> None:
    """Exit if a signal was received whose exception was dropped."""
    if _received:
        sys.exit(128 + _received[0])


def _exit(signum: int, frame: FrameType | None) -> NoReturn:
    _received.append(signum)
    sys.exit(128 + signum)


def _report_dropped(unraisable: Any) -> None:
    if not issubclass(unraisable.exc_type, SystemExit):
        sys.__unraisablehook__(unraisable)
