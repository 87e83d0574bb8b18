"""Batcher and executor that note which prediction a sampled request is part of.

They stand in for those of `service.scheduling` where traces are on.
"""

from collections.abc import Callable, Coroutine, Sequence
from time import perf_counter
from typing import Any

from service.observability.tracing.request_trace import (
    BatchRecorder,
    RequestTrace,
    current_recorder,
    current_trace,
)
from service.scheduling.admission import ConcurrencyLimit
from service.scheduling.batching import DynamicBatcher
from service.scheduling.batching import Request as Batched
from service.scheduling.batching import Result as Outcome
from service.scheduling.executor import InferenceExecutor, Request, Result


class TracedBatcher(DynamicBatcher[Batched, Outcome]):
    """A `DynamicBatcher` that records the stages of sampled requests."""

    def __init__(
        self,
        predict: Callable[[Sequence[Batched]], Sequence[Outcome | Exception]],
        limit: ConcurrencyLimit,
    ) -> None:
        super().__init__(self._predict_traced, limit)
        self._predict_untraced = predict
        self._traces: dict[int, RequestTrace] = {}
        """Of the sampled requests in the queue, by the identity of the request."""
        self._recorder = BatchRecorder(self._traces)

    def submit(self, request: Batched, n_bytes: int) -> Coroutine[Any, Any, Outcome]:
        """Return the prediction of a parsed request, as `DynamicBatcher.submit`."""
        if (trace := current_trace.get()) is None:
            return super().submit(request, n_bytes)
        return self._submit_traced(trace, request, n_bytes)

    async def _submit_traced(self, trace: RequestTrace, request: Batched, n_bytes: int) -> Outcome:
        trace.parse_ended(perf_counter())
        self._traces[id(request)] = trace
        try:
            return await super().submit(request, n_bytes)
        finally:
            del self._traces[id(request)]

    def _predict_traced(self, requests: Sequence[Batched]) -> Sequence[Outcome | Exception]:
        if not self._traces:
            return self._predict_untraced(requests)
        token = current_recorder.set(self._recorder)
        try:
            return self._predict_untraced(requests)
        finally:
            current_recorder.reset(token)


class TracedExecutor(InferenceExecutor):
    """An `InferenceExecutor` that records the stages of sampled requests."""

    def run(
        self, predict: Callable[[Request], Result], request: Request, n_bytes: int
    ) -> Coroutine[Any, Any, Result]:
        """Return what ``predict`` returns for a request, as `InferenceExecutor.run`."""
        if (trace := current_trace.get()) is not None:
            if isinstance(request, bytes):  # a body, which is parsed in the thread
                trace.parse_began = None
            else:
                trace.parse_ended(perf_counter())
            predict = _recorded(predict, trace, parses=isinstance(request, bytes))
        return super().run(predict, request, n_bytes)


def _recorded(
    predict: Callable[[Request], Result], trace: RequestTrace, *, parses: bool
) -> Callable[[Request], Result]:
    """Return a function that predicts in a thread, and records in a trace."""

    def run(request: Request) -> Result:
        if parses:
            trace.parse_began = perf_counter()
        token = current_recorder.set(trace)
        try:
            return predict(request)
        finally:
            current_recorder.reset(token)

    return run
