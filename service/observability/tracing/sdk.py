"""Traces by OpenTelemetry's SDK, exported as OTLP over HTTP. Imported only where they are on."""

import logging
from collections.abc import Mapping
from math import inf
from threading import Thread
from time import monotonic
from typing import Final, Self

from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanContext

from service.observability.tracing.request_trace import RequestTrace
from service.observability.tracing.sampling import Sampler
from service.observability.tracing.spans import SAMPLED, TraceExporter

TRACES_PER_EXPORT: Final = 128
"""Some 512 spans, the SDK's default. ``OTEL_BSP_MAX_EXPORT_BATCH_SIZE`` counts requests here."""
FLUSH_SECONDS: Final = 2.0
"""How long the shutdown waits for the last spans."""
LOG_INTERVAL_SECONDS: Final = 60.0
TRACESTATE_LOGGER: Final = "opentelemetry.trace.span"
"""Its warnings quote the ``tracestate`` that a client sends."""
_SAMPLED: Final = SpanContext(1, 1, is_remote=False, trace_flags=SAMPLED)

logger = logging.getLogger(__name__)
sdk_logger = logging.getLogger("opentelemetry")


class Tracing:
    """Samples requests and exports their traces; inside a ``with``, which exports the last ones.

    Requests never wait for the collector: a thread exports, and traces that exceed its queue are
    dropped. Raises ValueError if a variable has a value that cannot be used.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.keeps_parent = "tracecontext" in (environ.get("OTEL_PROPAGATORS") or "tracecontext")
        given_size = environ.get("OTEL_BSP_MAX_EXPORT_BATCH_SIZE")
        self.sampler = Sampler(environ)
        self._processor = BatchSpanProcessor(
            TraceExporter(), max_export_batch_size=None if given_size else TRACES_PER_EXPORT
        )
        self._log_handler = RateLimitedHandler()

    def __enter__(self) -> Self:
        """Limit the SDK's log lines: an absent collector fails every export."""
        sdk_logger.addHandler(self._log_handler)
        sdk_logger.propagate = False
        logger.info("traces are exported, sampled by %s", self.sampler.name)
        return self

    def __exit__(self, *_: object) -> None:
        """Export the last traces, within a timeout."""
        flush = Thread(target=self._processor.shutdown, name="tracing", daemon=True)
        flush.start()
        flush.join(FLUSH_SECONDS)
        if flush.is_alive():
            logger.warning("the last traces were not exported within %g s", FLUSH_SECONDS)
        sdk_logger.removeHandler(self._log_handler)
        sdk_logger.propagate = True

    def end(self, trace: RequestTrace) -> None:
        """Queue the trace of a request that has its response."""
        trace.context = _SAMPLED
        self._processor.on_end(trace)


class RateLimitedHandler(logging.Handler):
    """Passes at most one record per interval on to the root logger, none that quotes a client."""

    def __init__(self) -> None:
        super().__init__()
        self._passed_at = -inf

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record on, or drop it."""
        now = monotonic()
        if record.name != TRACESTATE_LOGGER and now - self._passed_at >= LOG_INTERVAL_SECONDS:
            self._passed_at = now
            logging.getLogger().handle(record)
