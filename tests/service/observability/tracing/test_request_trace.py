from time import perf_counter, time_ns

from service.model import Abstention, Classification
from service.observability.tracing.request_trace import (
    PredictionTracer,
    RequestTrace,
    current_batch,
    current_trace,
)

MODEL = {"newswire.model.name": "reuters", "newswire.model.version": "6"}
SURE = Classification([], 1.0, None, None, None)
UNSURE = Classification([], 1.0, Abstention.LOW_CONFIDENCE, None, None)
TRACER = PredictionTracer(name="reuters", version="6")


def new_trace() -> RequestTrace:
    return RequestTrace(None)


def predict(
    trace: RequestTrace | None,
    items: list[object],
    classifications: list[Classification],
    batch: dict[int, RequestTrace] | None = None,
) -> None:
    """Note a prediction from second 2 to 5."""
    tokens = current_trace.set(trace), current_batch.set(batch)
    TRACER.predicted(items, classifications, 2.0, 3.0, 5.0)
    current_trace.reset(tokens[0])
    current_batch.reset(tokens[1])


def stages(trace: RequestTrace) -> list[tuple[str, float, float]]:
    return [stage[:3] for stage in trace.stages]


def test_a_prediction_ends_the_parsing() -> None:
    trace = new_trace()
    trace.parse_began = 1.0
    predict(trace, ["a", "b"], [SURE, UNSURE])
    assert stages(trace) == [("parse", 1.0, 2.0), ("encode", 2.0, 3.0), ("infer", 3.0, 5.0)]
    assert trace.attributes == MODEL | {"newswire.texts": 2, "newswire.abstained": 1}
    assert trace.stages[1].attributes == {"newswire.batch.texts": 2}


def test_parsing_is_recorded_once() -> None:
    trace = new_trace()
    trace.parse_ended(1.0)
    assert stages(trace) == []
    trace.parse_began = 1.0
    trace.parse_ended(1.5)
    trace.parse_ended(1.7)
    assert stages(trace) == [("parse", 1.0, 1.5)]


def test_explanations_of_a_batch_are_one_stage() -> None:
    trace = new_trace()
    predict(trace, ["a", "b"], [SURE, SURE])
    trace.explained(5.0, 6.0)
    trace.explained(6.5, 8.0)
    assert stages(trace)[2:] == [("explain", 5.0, 8.0)]


def test_requests_of_a_batch_have_the_times_of_all_and_their_own_results() -> None:
    items = [object(), object(), object()]
    first, third = new_trace(), new_trace()
    predict(None, items, [SURE, UNSURE, UNSURE], {id(items[0]): first, id(items[2]): third})
    assert stages(first) == stages(third) == [("encode", 2.0, 3.0), ("infer", 3.0, 5.0)]
    assert first.stages[0].attributes == {"newswire.batch.texts": 3}
    assert first.attributes == MODEL | {"newswire.texts": 1, "newswire.abstained": 0}
    assert third.attributes == MODEL | {"newswire.texts": 1, "newswire.abstained": 1}


def test_an_explanation_ends_when_it_is_noted() -> None:
    trace = new_trace()
    TRACER.explained(5.0)
    token = current_trace.set(trace)
    began = perf_counter()
    TRACER.explained(began)
    current_trace.reset(token)
    ((name, noted, ended),) = stages(trace)
    assert (name, noted) == ("explain", began)
    assert began <= ended <= perf_counter()


def test_times_are_of_the_clock() -> None:
    before = time_ns()
    assert abs(new_trace().nanoseconds(perf_counter()) - before) < 1e9
