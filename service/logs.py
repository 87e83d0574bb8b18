"""Log lines: JSON objects, one a line, on standard error. No text of a caller is ever in one."""

import logging
import traceback
from types import TracebackType
from typing import Any, Final

from pythonjsonlogger.json import JsonFormatter

from service.tracing import current_trace

FIELDS: Final = ("levelname", "name", "message")

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
        if trace := current_trace.get():
            log_data["request_id"] = trace.request_id
            if trace.traceparent:
                log_data["traceparent"] = trace.traceparent

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802 - logging's name
        """Give the traceback; of a request's, the kind and the place only.

        What an exception says may repeat what the caller sent.
        """
        kind, _, trace = ei
        if kind is None or current_trace.get() is None:
            return logging.Formatter.formatException(self, ei)
        return "".join([*traceback.format_tb(trace), kind.__qualname__])


def logging_config(level: str) -> dict[str, Any]:
    """Give the configuration of every logger, as `logging.config.dictConfig` takes it."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonLinesFormatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level.upper()},
    }
