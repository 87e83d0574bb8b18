from time import perf_counter, time_ns

from service.model import Abstention, Classification
from service.observability.tracing.request_trace import (
    BatchRecorder,
    Prediction,
    PredictionTracer,
    RequestTrace,
    current_recorder,
)

MODEL = {"newswire.model.name": "reuters", "newswire.model.version": "6"}
SURE = Classification([], 1.0, None, None, None)
UNSURE = Classification([], 1.0, Abstention.LOW_CONFIDENCE, None, None)


def prediction(items: list[object], classifications: list[Classification]) -> Prediction:
    return Prediction(MODEL, items, classifications, 2.0, 3.0, 5.0)


def new_trace() -> RequestTrace:
    return RequestTrace(None)


def stages(trace: RequestTrace) -> list[tuple[str, float, float]]:
    return [stage[:3] for stage in trace.stages]


def test_a_prediction_ends_the_parsing() -> None:
    trace = new_trace()
    trace.parse_began = 1.0
    trace.predicted(prediction(["a", "b"], [SURE, UNSURE]))
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
    trace.predicted(prediction(["a", "b"], [SURE, SURE]))
    trace.explained(5.0, 6.0)
    trace.explained(6.5, 8.0)
    assert stages(trace)[2:] == [("explain", 5.0, 8.0)]


def test_requests_of_a_batch_have_the_times_of_all_and_their_own_results() -> None:
    items = [object(), object(), object()]
    first, third = new_trace(), new_trace()
    recorder = BatchRecorder({id(items[0]): first, id(items[2]): third})
    recorder.predicted(prediction(items, [SURE, UNSURE, UNSURE]))
    assert stages(first) == stages(third) == [("encode", 2.0, 3.0), ("infer", 3.0, 5.0)]
    assert first.stages[0].attributes == {"newswire.batch.texts": 3}
    assert first.attributes == MODEL | {"newswire.texts": 1, "newswire.abstained": 0}
    assert third.attributes == MODEL | {"newswire.texts": 1, "newswire.abstained": 1}


def test_a_predictor_records_what_is_sampled() -> None:
    tracer = PredictionTracer(name="reuters", version="6")
    trace = new_trace()
    tracer.predicted(["a"], [SURE], 2.0, 3.0, 5.0)
    tracer.explained(5.0)
    token = current_recorder.set(trace)
    tracer.predicted(["a"], [SURE], 2.0, 3.0, 5.0)
    began = perf_counter()
    tracer.explained(began)
    current_recorder.reset(token)
    assert [stage.name for stage in trace.stages] == ["encode", "infer", "explain"]
    assert began <= trace.stages[-1].ended <= perf_counter()
    assert trace.attributes.items() >= MODEL.items()


def test_times_are_of_the_clock() -> None:
    before = time_ns()
    assert abs(new_trace().nanoseconds(perf_counter()) - before) < 1e9
