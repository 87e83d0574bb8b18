"""The fields of log lines."""

import json
import logging
from collections.abc import Callable
from logging.handlers import QueueHandler
from queue import SimpleQueue
from typing import Final

from service.api.middleware import instrumentation
from service.observability.logging import JsonLinesFormatter
from service.observability.request_context import RequestContext, current_request_context
from tests.docs.markdown import block, code, table
from tests.docs.records import fields

ALWAYS: Final = {
    "timestamp": "Time in UTC, ISO 8601.",
    "level": "Level: DEBUG, INFO, WARNING, ERROR or CRITICAL.",
    "logger": "Name of the logger: the module.",
    "message": "The event, in one sentence.",
}
ACCESS: Final = {
    "method": "Method of the request.",
    "route": "Route of the request, as in the metrics.",
    "status": "Status of the response.",
}
SECONDS: Final = (
    "Of the access log: time from the request headers to the end of the response. Of a reload: "
    "time of validating and loading the bundle."
)
EXCEPTION: Final = "The traceback; during a request without the message of the error."
TRACE_ID: Final = "The client's, or that of a sampled request where traces are on."
TIME: Final = "2026-11-26T12:00:00+00:00"
CONTEXT: Final = RequestContext(
    "0123456789abcdef-1", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
)


def table_of_fields() -> str:
    """Return the fields of a line: in which lines, description."""
    rows = [(code(name), "all", text) for name, text in ALWAYS.items()]
    rows += [
        (
            code(field.name),
            "of a request",
            TRACE_ID if field.name == "trace_id" else field.description,
        )
        for field in fields(RequestContext)
    ]
    rows.append((code("exception"), "with an error", EXCEPTION))
    rows += [(code(name), "access log", text) for name, text in ACCESS.items()]
    rows.append((code("seconds"), "access log, `model reloaded`", SECONDS))
    return block(table(("field", "lines", "description"), rows))


def example() -> str:
    """Return the line of an error of a request."""
    logger = logging.getLogger("service.api.problems")
    error = "the session ended"
    return _example(_written(logger, lambda: logger.error("inference failed: %s", error)), set())


def access_example() -> str:
    """Return a line of the access log."""
    record = _written(
        instrumentation.logger,
        lambda: instrumentation.log_access("POST", "/classify", 200, 0.001234),
    )
    return _example(record, {*ACCESS, "seconds"})


def _written(logger: logging.Logger, write: Callable[[], None]) -> logging.LogRecord:
    """Return the one record that a function writes."""
    records: SimpleQueue[logging.LogRecord] = SimpleQueue()
    handler = QueueHandler(records)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        write()
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    return records.get_nowait()


def _example(record: logging.LogRecord, more: set[str]) -> str:
    """Format a record as the service does, with a fixed time and the fields of a request."""
    token = current_request_context.set(CONTEXT)
    try:
        line = json.loads(JsonLinesFormatter().format(record)) | {"timestamp": TIME}
    finally:
        current_request_context.reset(token)
    assert line.keys() == {*ALWAYS, *(field.name for field in fields(RequestContext)), *more}
    return block(f"```json\n{json.dumps(line, indent=1)}\n```")
