"""What a trace says of a request: its stages and counts, never its texts.

Nothing here imports OpenTelemetry: `sdk` and `spans` do, where traces are on.
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


class Prediction(NamedTuple):
    """A prediction of one or more texts at once; times in seconds of `perf_counter`."""

    model: Mapping[str, str]
    """Name and version, as attributes."""
    items: Sequence[object]
    """Of length n_texts."""
    classifications: Sequence[Classification]
    """Of length n_texts."""
    encode_began: float
    encode_ended: float
    inference_ended: float


class RequestTrace:
    """The stages of one sampled request.

    All times are of one clock, so that stages are never outside of their request.
    """

    name: str
    """Of the span."""
    ended: float
    context: Any = None
    """OpenTelemetry's SpanContext, by which its queue knows what is sampled."""

    def __init__(self, traceparent: str | None, tracestate: str = "") -> None:
        self.began = perf_counter()
        self._epoch = time_ns() - round(self.began * 1e9)
        self.traceparent = traceparent
        self.tracestate = tracestate
        self.trace_id = traceparent[3:35] if traceparent else f"{getrandbits(TRACE_ID_BITS):032x}"
        self.stages: list[Stage] = []
        self.attributes: dict[str, str | int] = {}
        self.parse_began: float | None = None
        """None while nothing is parsed."""

    def nanoseconds(self, seconds: float) -> int:
        """Return a time of `perf_counter` as nanoseconds since 1970."""
        return self._epoch + round(seconds * 1e9)

    def parse_ended(self, ended: float) -> None:
        """Record the parsing, if it has begun."""
        if self.parse_began is not None:
            self.stages.append(Stage("parse", self.parse_began, ended))
            self.parse_began = None

    def predicted(self, prediction: Prediction) -> None:
        """Record a prediction of texts that are all of this request."""
        self.record(prediction, prediction.classifications)

    def record(self, prediction: Prediction, own: Sequence[Classification]) -> None:
        """Record a prediction; ``own`` are the classifications of this request."""
        self.parse_ended(prediction.encode_began)
        batch = {"newswire.batch.texts": len(prediction.items)}
        _, _, _, began, encoded, inferred = prediction
        self.stages.append(Stage("encode", began, encoded, batch))
        self.stages.append(Stage("infer", encoded, inferred, batch))
        self.attributes |= prediction.model
        self.attributes["newswire.texts"] = len(own)
        self.attributes["newswire.abstained"] = sum(bool(each.abstained) for each in own)

    def explained(self, began: float, ended: float) -> None:
        """Record an explanation; those of a batch are one stage."""
        if self.stages and self.stages[-1].name == "explain":
            began = self.stages.pop().began
        self.stages.append(Stage("explain", began, ended))


class BatchRecorder:
    """Records a prediction in the traces of the requests that share it.

    ``traces`` has those of the sampled requests, by the identity of the request.
    """

    def __init__(self, traces: Mapping[int, RequestTrace]) -> None:
        self._traces = traces

    def predicted(self, prediction: Prediction) -> None:
        """Record a prediction in each trace, with the request's own classification."""
        for item, own in zip(prediction.items, prediction.classifications, strict=True):
            if trace := self._traces.get(id(item)):
                trace.record(prediction, [own])


Recorder = RequestTrace | BatchRecorder
current_trace: Final[ContextVar[RequestTrace | None]] = ContextVar("current_trace", default=None)
"""Of the request that a task processes, if it is sampled."""
current_recorder: Final[ContextVar[Recorder | None]] = ContextVar("current_recorder", default=None)
"""Of the prediction that runs now, if a request in it is sampled."""


class PredictionTracer:
    """What a predictor calls: it passes on what concerns sampled requests."""

    def __init__(self, *, name: str, version: str) -> None:
        self._model = {"newswire.model.name": name, "newswire.model.version": version}

    def predicted(
        self,
        items: Sequence[object],
        classifications: Sequence[Classification],
        *times: float,
    ) -> None:
        """Record a prediction, with the times of a `Prediction`."""
        if recorder := current_recorder.get():
            recorder.predicted(Prediction(self._model, items, classifications, *times))

    def explained(self, began: float) -> None:
        """Record an explanation that ends now; its request shares no prediction with others."""
        if isinstance(recorder := current_recorder.get(), RequestTrace):
            recorder.explained(began, perf_counter())
