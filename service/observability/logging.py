"""Log lines: JSON objects, one a line, on standard error. No text of a caller is ever in one."""

import logging
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from logging.handlers import QueueHandler
from queue import Full, Queue
from threading import Thread
from types import TracebackType
from typing import Any, Final

from pythonjsonlogger.json import JsonFormatter

from service.observability.request_context import current_request_context

FIELDS: Final = ("levelname", "name", "message")

END: Final = ""
"""Is no line: it ends the queue."""
MAX_QUEUED_LINES: Final = 10_000
"""How many lines may wait to be written: some megabytes, or seconds of a full load."""
FLUSH_SECONDS: Final = 1.0
"""How long the end waits for the last lines to be taken."""

ExceptionInfo = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)


class JsonLinesFormatter(JsonFormatter):
    """Writes a record as an object: timestamp, level, logger, message, and the current request."""

    def __init__(self) -> None:
        super().__init__(
            FIELDS,
            rename_fields={"levelname": "level", "name": "logger", "exc_info": "exception"},
            timestamp=True,
        )

    def add_fields(
        self,
        log_data: dict[str, Any],
        record: logging.LogRecord,
        message_dict: dict[str, Any],
    ) -> None:
        """Add what the current request is called; uvicorn's coloured copy of a message goes."""
        super().add_fields(log_data, record, message_dict)
        log_data.pop("color_message", None)
        if trace := current_request_context.get():
            log_data["request_id"] = trace.request_id
            if trace.traceparent:
                log_data["traceparent"] = trace.traceparent

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802 - logging's name
        """Give the traceback; of a request's, the kind and the place only.

        What an exception says may repeat what the caller sent.
        """
        kind, _, trace = ei
        if kind is None or current_request_context.get() is None:
            return logging.Formatter.formatException(self, ei)
        return "".join([*traceback.format_tb(trace), kind.__qualname__])


class NonBlockingHandler(QueueHandler):
    """Writes lines in a thread of its own, so that no request waits for whoever reads them.

    A pipe whose reader has stopped takes no more after 64 kB: who writes to it then waits, and if
    that is the event loop, so does everybody. Here lines wait in order; when too many do, or when
    they cannot be written, they are left out and counted. At exit `logging` closes it, which waits
    for the last ones.

    Parameters
    ----------
    descriptor : int
        Where to write. No file object: the interpreter cannot end while a thread waits inside one.
    count_dropped : callable
        Is told how many lines were left out.
    """

    queue: "Queue[str]"

    def __init__(self, descriptor: int, count_dropped: Callable[[int], None]) -> None:
        super().__init__(Queue(MAX_QUEUED_LINES))
        self._descriptor = descriptor
        self._count_dropped = count_dropped
        self._writer = Thread(target=self._write_lines, name="log", daemon=True)
        self._writer.start()

    def prepare(self, record: logging.LogRecord) -> str:
        """Give the line: here, where the current request is known."""
        return self.format(record)

    def enqueue(self, record: Any) -> None:
        """Let a line wait, if there is room."""
        try:
            self.queue.put_nowait(record)
        except Full:
            self._count_dropped(1)

    def close(self) -> None:
        """Write what waits, if somebody takes it."""
        with suppress(Full):
            self.queue.put(END, timeout=FLUSH_SECONDS)
        self._writer.join(FLUSH_SECONDS)
        super().close()

    def _write_lines(self) -> None:
        ended = False
        while not ended:
            lines = [self.queue.get(), *self._waiting()]
            if ended := END in lines:
                lines.remove(END)
            try:
                _write(self._descriptor, "".join(f"{line}\n" for line in lines))
            except OSError:  # the disk is full, or the reader gone
                self._count_dropped(len(lines))

    def _waiting(self) -> list[str]:
        """Take what else is there: one write for all costs less."""
        return [self.queue.get_nowait() for _ in range(self.queue.qsize())]


def _write(descriptor: int, text: str) -> None:
    left = text.encode(errors="backslashreplace")
    while left:
        left = left[os.write(descriptor, left) :]


def _standard_error() -> int:
    # if it was closed, something else may have its number by now
    if sys.__stderr__ is None:
        return os.open(os.devnull, os.O_WRONLY)
    return sys.__stderr__.fileno()


def logging_config(level: str, count_dropped: Callable[[int], None]) -> dict[str, Any]:
    """Give the configuration of every logger, as `logging.config.dictConfig` takes it.

    Parameters
    ----------
    level : str
        Least severe lines to write.
    count_dropped : callable
        Is told how many lines could not be written.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonLinesFormatter}},
        "handlers": {
            "stderr": {
                "()": NonBlockingHandler,
                "descriptor": _standard_error(),
                "count_dropped": count_dropped,
                "formatter": "json",
            }
        },
        "root": {"handlers": ["stderr"], "level": level.upper()},
    }
