"""Traces by OpenTelemetry's SDK, exported as OTLP over HTTP. Imported only where they are on.

The spans are made in the thread that exports them: a tracer would make them on the request path,
and take three times as long there.
"""

import logging
from collections.abc import Mapping, Sequence
from math import inf
from random import getrandbits
from threading import Thread
from time import monotonic
from typing import Any, Final, Self

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    get_current_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from service import __version__
from service.observability.tracing.request_trace import RequestTrace
from service.observability.tracing.sampling import Sampler

NAME: Final = "newswire-topics"
SPAN_ID_BITS: Final = 64
TRACES_PER_EXPORT: Final = 128
"""Some 512 spans, the SDK's default. ``OTEL_BSP_MAX_EXPORT_BATCH_SIZE`` counts requests here."""
FLUSH_SECONDS: Final = 2.0
"""How long the shutdown waits for the last spans."""
LOG_INTERVAL_SECONDS: Final = 60.0
TRACESTATE_LOGGER: Final = "opentelemetry.trace.span"
"""Logger whose warnings quote the ``tracestate`` that a client sends."""
SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_SAMPLED: Final = SpanContext(1, 1, is_remote=False, trace_flags=SAMPLED)

logger = logging.getLogger(__name__)
sdk_logger = logging.getLogger("opentelemetry")


class Tracing:
    """Samples requests and exports their traces; the end of its ``with`` exports the last ones.

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


class ProcessResource(Resource):  # type: ignore[misc]
    """A resource that computes its hash once: the encoder hashes it, as JSON, for every span."""

    def __init__(self, resource: Resource) -> None:
        super().__init__(resource.attributes, resource.schema_url)
        self._hash = hash(resource)

    def __hash__(self) -> int:
        return self._hash


class TraceExporter(OTLPSpanExporter):  # type: ignore[misc]
    """Exports the spans of queued traces, which are `RequestTrace`."""

    def __init__(self) -> None:
        super().__init__()
        self._scope = InstrumentationScope(NAME, __version__)
        # the environment overrides our name and version
        own = Resource({"service.name": NAME, "service.version": __version__})
        merged = Resource.create().merge(own).merge(OTELResourceDetector().detect())
        self._resource = ProcessResource(merged)

    def export(self, spans: Sequence[RequestTrace]) -> SpanExportResult:
        """Export traces; return whether the collector took them."""
        return super().export([span for trace in spans for span in self.to_spans(trace)])

    def to_spans(self, trace: RequestTrace) -> list[ReadableSpan]:
        """Return the span of a request, and those of its stages."""
        parent = None
        if trace.traceparent:
            carrier = {"traceparent": trace.traceparent, "tracestate": trace.tracestate}
            context = TraceContextTextMapPropagator().extract(carrier)
            parent = get_current_span(context).get_span_context()
        state = parent.trace_state if parent else None
        trace_id = int(trace.trace_id, 16)

        def span(name: str, began: float, ended: float, **options: Any) -> ReadableSpan:
            span_id = getrandbits(SPAN_ID_BITS)
            return ReadableSpan(
                name,
                SpanContext(trace_id, span_id, False, SAMPLED, state),  # noqa: FBT003
                resource=self._resource,
                instrumentation_scope=self._scope,
                start_time=trace.nanoseconds(began),
                end_time=trace.nanoseconds(ended),
                **options,
            )

        failed = "error.type" in trace.attributes
        server = span(
            *(trace.name, trace.began, trace.ended),
            parent=parent,
            attributes=trace.attributes,
            kind=SpanKind.SERVER,
            status=Status(StatusCode.ERROR if failed else StatusCode.UNSET),
        )
        stages = (
            span(name, began, ended, parent=server.context, attributes=attributes)
            for name, began, ended, attributes in list(trace.stages)
        )
        return [server, *stages]
