"""The trace of a request: its stages and counts, never its texts.

Nothing here imports OpenTelemetry: `sdk` does, where traces are on.
"""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from random import getrandbits
from time import perf_counter, time_ns
from typing import Any, Final, NamedTuple

from service.model import Classification

TRACE_ID_BITS: Final = 128


class Stage(NamedTuple):
    """A part of the processing of a request; times in seconds of `perf_counter`."""

    name: str
    began: float
    ended: float
    attributes: Mapping[str, int] = {}


class RequestTrace:
    """The stages of one sampled request.

    All times are of one clock, so that stages are never outside of their request.
    """

    name: str
    """Name of the span."""
    ended: float
    context: Any = None
    """OpenTelemetry's SpanContext, which tells its queue that the trace is sampled."""

    def __init__(self, traceparent: str | None, tracestate: str = "") -> None:
        self.began = perf_counter()
        self._epoch = time_ns() - round(self.began * 1e9)
        self.traceparent = traceparent
        self.tracestate = tracestate
        self.trace_id = traceparent[3:35] if traceparent else f"{getrandbits(TRACE_ID_BITS):032x}"
        self.stages: list[Stage] = []
        self.attributes: dict[str, str | int] = {}
        self.parse_began: float | None = None
        """Start of the parsing; None while nothing is parsed."""

    def nanoseconds(self, seconds: float) -> int:
        """Return a time of `perf_counter` as nanoseconds since 1970."""
        return self._epoch + round(seconds * 1e9)

    def parse_ended(self, ended: float) -> None:
        """Record the parsing, if it has begun."""
        if self.parse_began is not None:
            self.stages.append(Stage("parse", self.parse_began, ended))
            self.parse_began = None

    def explained(self, began: float, ended: float) -> None:
        """Record an explanation; those of a batch are one stage."""
        if self.stages and self.stages[-1].name == "explain":
            began = self.stages.pop().began
        self.stages.append(Stage("explain", began, ended))


current_trace: Final[ContextVar[RequestTrace | None]] = ContextVar("current_trace", default=None)
"""Trace of the request that the task or thread processes, if it is sampled."""
current_batch: Final[ContextVar[Mapping[int, RequestTrace] | None]] = ContextVar(
    "current_batch", default=None
)
"""Traces of the sampled requests that are predicted together, by ``id`` of a request."""


class PredictionTracer:
    """Records the predictions of sampled requests."""

    def __init__(self, *, name: str, version: str) -> None:
        self._model = {"newswire.model.name": name, "newswire.model.version": version}

    def predicted(
        self,
        items: Sequence[object],
        classifications: Sequence[Classification],
        began: float,
        encode_ended: float,
        inference_ended: float,
    ) -> None:
        """Record a prediction of the texts of one request, or of requests with one text each.

        ``items`` and ``classifications`` are of length n_texts; times in seconds of `perf_counter`.
        """
        own: list[tuple[RequestTrace | None, Sequence[Classification]]]
        if batch := current_batch.get():
            own = [
                (batch.get(id(item)), [each])
                for item, each in zip(items, classifications, strict=True)
            ]
        else:
            own = [(current_trace.get(), classifications)]
        n_texts = {"newswire.batch.texts": len(items)}
        for trace, results in own:
            if trace is not None:
                trace.parse_ended(began)
                trace.stages.append(Stage("encode", began, encode_ended, n_texts))
                trace.stages.append(Stage("infer", encode_ended, inference_ended, n_texts))
                trace.attributes |= self._model
                trace.attributes["newswire.texts"] = len(results)
                trace.attributes["newswire.abstained"] = sum(bool(r.abstained) for r in results)

    def explained(self, began: float) -> None:
        """Record an explanation that ends now; its request is predicted alone."""
        if trace := current_trace.get():
            trace.explained(began, perf_counter())
