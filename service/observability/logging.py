"""JSON logs on standard error, without content of requests."""

import logging
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from queue import Full, Queue
from threading import Thread
from typing import Any, Final

from pythonjsonlogger.json import JsonFormatter

from service.observability.request_context import current_request_context

END: Final = ""  # ends the queue
MAX_QUEUED_LINES: Final = 10_000  # a few megabytes, or seconds of full load with an access log
FLUSH_SECONDS: Final = 1.0  # how long the exit waits for the last lines


class JsonLinesFormatter(JsonFormatter):
    """Formats a record as JSON: timestamp, level, logger, message, request."""

    def __init__(self) -> None:
        super().__init__(
            ("levelname", "name", "message"),
            rename_fields={"levelname": "level", "name": "logger", "exc_info": "exception"},
            timestamp=True,
        )

    def add_fields(
        self,
        log_data: dict[str, Any],
        record: logging.LogRecord,
        message_dict: dict[str, Any],
    ) -> None:
        """Add the current request's ids; remove uvicorn's coloured message."""
        super().add_fields(log_data, record, message_dict)
        log_data.pop("color_message", None)
        if context := current_request_context.get():
            log_data.update((name, value) for name, value in context._asdict().items() if value)
            if context.traceparent:
                log_data.setdefault("trace_id", context.traceparent.split("-")[1])

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """Return the traceback; during a request without the message, which may quote it."""
        kind, _, trace = ei
        if kind is None or current_request_context.get() is None:
            return logging.Formatter.formatException(self, ei)
        return "".join([*traceback.format_tb(trace), kind.__qualname__])


class NonBlockingHandler(logging.Handler):
    """Writes lines in a thread, so that a blocked log pipe does not block the event loop.

    Lines that exceed the queue, or that cannot be written, are dropped and counted. At exit,
    `logging` closes the handler, which waits for the last lines.

    It has a descriptor and no file object: the interpreter cannot exit while a thread is blocked
    inside one.
    """

    def __init__(self, descriptor: int, count_dropped: Callable[[int], None]) -> None:
        super().__init__()
        self._queue: Queue[str] = Queue(MAX_QUEUED_LINES)
        self._descriptor = descriptor
        self._count_dropped = count_dropped
        self._writer = Thread(target=self._write_lines, name="log", daemon=True)
        self._writer.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Format a record here, where the current request is known, and queue it."""
        try:
            self._queue.put_nowait(self.format(record))
        except Full:
            self._count_dropped(1)
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Write the queued lines, within a timeout."""
        with suppress(Full):
            self._queue.put(END, timeout=FLUSH_SECONDS)
        self._writer.join(FLUSH_SECONDS)
        super().close()

    def _write_lines(self) -> None:
        for line in iter(self._queue.get, END):
            left = f"{line}\n".encode(errors="backslashreplace")
            try:
                while left:
                    left = left[os.write(self._descriptor, left) :]
            except OSError:  # the disk is full, or the pipe is closed
                self._count_dropped(1)


def configure_logging(level: str, count_dropped: Callable[[int], None]) -> None:
    """Write the lines of all loggers to standard error."""
    stderr = sys.__stderr__  # None if it was closed: another file may have its number
    descriptor = os.open(os.devnull, os.O_WRONLY) if stderr is None else stderr.fileno()
    handler = NonBlockingHandler(descriptor, count_dropped)
    handler.setFormatter(JsonLinesFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
