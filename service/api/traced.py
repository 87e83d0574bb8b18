"""Batcher and executor that record the stages of sampled requests.

They replace those of `service.scheduling` where traces are on.
"""

from collections.abc import Callable, Coroutine, Sequence
from time import perf_counter
from typing import Any

from service.observability.tracing.request_trace import (
    RequestTrace,
    current_batch,
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
        """Traces of the sampled requests in the queue, by ``id`` of the request."""

    def submit(self, request: Batched, n_bytes: int) -> Coroutine[Any, Any, Outcome]:
        """Return the prediction of a parsed request, as `DynamicBatcher.submit`."""
        if (trace := current_trace.get()) is None:
            return super().submit(request, n_bytes)
        return self._submit_traced(trace, request, n_bytes)

    async def _submit_traced(self, trace: RequestTrace, request: Batched, n_bytes: int) -> Outcome:
        trace.parse_ended(perf_counter())
        current_trace.set(None)  # the batch runs in a copy of this context, for several requests
        self._traces[id(request)] = trace
        try:
            return await super().submit(request, n_bytes)
        finally:
            del self._traces[id(request)]

    def _predict_traced(self, requests: Sequence[Batched]) -> Sequence[Outcome | Exception]:
        if not self._traces:
            return self._predict_untraced(requests)
        token = current_batch.set(self._traces)
        try:
            return self._predict_untraced(requests)
        finally:
            current_batch.reset(token)


class TracedExecutor(InferenceExecutor):
    """An `InferenceExecutor` that records the parsing of sampled requests."""

    def run(
        self, predict: Callable[[Request], Result], request: Request, n_bytes: int
    ) -> Coroutine[Any, Any, Result]:
        """Return what ``predict`` returns for a request, as `InferenceExecutor.run`."""
        trace = current_trace.get()
        if trace is None:
            return super().run(predict, request, n_bytes)
        if not isinstance(request, bytes):
            trace.parse_ended(perf_counter())
            return super().run(predict, request, n_bytes)

        def parse_and_predict(body: Request) -> Result:
            trace.parse_began = perf_counter()
            return predict(body)

        trace.parse_began = None  # the body waits for the thread
        return super().run(parse_and_predict, request, n_bytes)
