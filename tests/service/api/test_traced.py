import asyncio
from collections.abc import Mapping, Sequence

import pytest

from service.api.traced import TracedBatcher, TracedExecutor
from service.observability.tracing.request_trace import (
    PredictionTracer,
    RequestTrace,
    current_batch,
    current_trace,
)
from service.scheduling.admission import Admission, ConcurrencyLimit
from service.scheduling.errors import OverloadedError
from service.scheduling.timeouts import Timeout
from tests.service.observability.tracing.test_request_trace import SURE


class Predictor:
    """Fails a batch with the request ``bad`` in it, as `service.api.predictor.Predictor`."""

    def __init__(self) -> None:
        self.batches: list[Mapping[int, RequestTrace] | None] = []
        self._tracer = PredictionTracer(name="reuters", version="6")

    def respond_each(self, requests: Sequence[str]) -> list[str | Exception]:
        self.batches.append(current_batch.get())
        if "bad" in requests:
            if len(requests) == 1:
                return [ValueError("bad")]
            return [self.respond_each([request])[0] for request in requests]
        self._tracer.predicted(requests, [SURE] * len(requests), 1.0, 2.0, 3.0)
        return [*requests]


async def submit(
    batcher: TracedBatcher[str, str], request: str, trace: RequestTrace | None
) -> str | Exception:
    current_trace.set(trace)
    if trace is not None:
        trace.parse_began = 0.5
    try:
        return await batcher.submit(request, 1)
    except (ValueError, OverloadedError) as error:
        return error


def n_texts(trace: RequestTrace) -> list[int]:
    return [stage.attributes["newswire.batch.texts"] for stage in trace.stages[1:]]


def test_a_batch_without_a_trace_is_not_noted() -> None:
    predictor = Predictor()
    batcher = TracedBatcher(predictor.respond_each, ConcurrencyLimit(9))

    async def run() -> None:
        await asyncio.gather(submit(batcher, "a", None), submit(batcher, "b", None))

    asyncio.run(run())
    assert predictor.batches == [None]


def test_a_failed_batch_is_recorded_as_the_requests_alone() -> None:
    predictor = Predictor()
    batcher = TracedBatcher(predictor.respond_each, ConcurrencyLimit(9))
    good, bad = RequestTrace(None), RequestTrace(None)

    async def run() -> list[str | Exception]:
        requests = {"good": good, "bad": bad, "x": None}
        return list(
            await asyncio.gather(*(submit(batcher, *request) for request in requests.items()))
        )

    response, error, other = asyncio.run(run())
    assert (response, other) == ("good", "x")
    assert isinstance(error, ValueError)
    assert [stage.name for stage in good.stages] == ["parse", "encode", "infer"]
    assert n_texts(good) == [1, 1]
    assert [stage.name for stage in bad.stages] == ["parse"]
    assert batcher._traces == {}


def test_other_requests_are_not_noted_in_the_trace_of_a_cancelled_one() -> None:
    batcher = TracedBatcher(Predictor().respond_each, ConcurrencyLimit(99))
    trace = RequestTrace(None)

    async def run() -> None:
        first = asyncio.ensure_future(submit(batcher, "first", trace))
        await asyncio.sleep(0)
        first.cancel()
        assert await submit(batcher, "second", None) == "second"  # the batch waits for it

    asyncio.run(run())
    assert [stage.name for stage in trace.stages] == ["parse"]


def test_cancelled_and_rejected_requests_leave_no_trace_behind() -> None:
    predictor = Predictor()
    batcher = TracedBatcher(predictor.respond_each, ConcurrencyLimit(1))

    async def run() -> None:
        first = asyncio.ensure_future(submit(batcher, "first", RequestTrace(None)))
        await asyncio.sleep(0)
        rejected = await submit(batcher, "second", RequestTrace(None))
        assert isinstance(rejected, OverloadedError)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first

    asyncio.run(run())
    assert batcher._traces == {}


@pytest.mark.parametrize("request_", [b"a body", "a parsed request"])
def test_the_thread_records_and_forgets(request_: bytes | str) -> None:
    executor = TracedExecutor(
        Admission(max_concurrent_requests=2, max_buffered_bytes=99), Timeout(9.0)
    )
    trace = RequestTrace(None)
    trace.parse_began = trace.began
    tracer = PredictionTracer(name="reuters", version="6")

    def predict(request: bytes | str) -> RequestTrace | None:
        tracer.predicted([request], [SURE], trace.began + 5, trace.began + 6, trace.began + 7)
        return current_trace.get()

    async def run() -> list[RequestTrace | None]:
        token = current_trace.set(trace)
        first = await executor.run(predict, request_, 1)
        current_trace.reset(token)
        return [first, await executor.run(predict, request_, 1)]

    assert asyncio.run(run()) == [trace, None]
    assert [stage.name for stage in trace.stages] == ["parse", "encode", "infer"]
    parse = trace.stages[0]
    if isinstance(request_, bytes):  # parsed in the thread, until it is encoded
        assert parse.began > trace.began
        assert parse.ended == trace.began + 5
    else:
        assert parse.began == trace.began
        assert parse.ended < trace.began + 5
