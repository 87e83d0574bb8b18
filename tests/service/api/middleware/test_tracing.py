"""What arrives at a collector of the requests to an application in this process."""

import asyncio
import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from pydantic import SecretStr

from service.app import NewswireApp, create_app
from service.model import InferenceError, TopicClassifier
from service.observability.request_context import current_request_context
from service.observability.tracing import sampling
from service.observability.tracing.startup import start_tracing
from service.settings import ServiceSettings
from tests.service.observability.tracing.receiver import (
    ERROR,
    Receiver,
    attributes_of,
    receiving,
)

pytest.importorskip("opentelemetry.sdk.trace")

MARKER = "xylophonist"
TEXT = f"The {MARKER} said that OPEC ministers agreed to cut crude oil output."
LONG_TEXT = TEXT * 400
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PARENT_ID = "b7ad6b7169203331"
SAMPLED = {"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01"}
NOT_SAMPLED = {"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-00"}
INFER = {"inputs": [{"name": "text", "shape": [2], "datatype": "BYTES", "data": [TEXT, "zxcv"]}]}
OPEN_METRICS = {"accept": "application/openmetrics-text; version=1.0.0"}

Traced = Callable[..., AbstractContextManager[tuple[NewswireApp, TestClient]]]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def traced(
    receiver: Receiver, classifier: TopicClassifier, monkeypatch: pytest.MonkeyPatch
) -> Traced:
    """Serve with traces; at the end of the block, the receiver has the spans."""

    @contextmanager
    def serve(
        settings: ServiceSettings | None = None, **variables: str
    ) -> Iterator[tuple[NewswireApp, TestClient]]:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        traces = start_tracing(os.environ)
        assert traces is not None
        app = create_app(settings or ServiceSettings(), classifier, CollectorRegistry(), traces)
        with traces, TestClient(app, raise_server_exceptions=False) as client:
            yield app, client

    return serve


def only(receiver: Receiver) -> Any:
    (span,) = receiver.servers()
    return span


def test_a_classification_has_a_span_with_its_stages(traced: Traced, receiver: Receiver) -> None:
    with traced() as (app, client):
        assert client.post("/classify", json={"text": TEXT}).status_code == 200
        version = app.model.served.classifier.manifest.version
    span = only(receiver)
    assert span.name == "POST /classify"
    assert span.parent_span_id == b""
    assert attributes_of(span) == {
        "http.request.method": "POST",
        "http.route": "/classify",
        "http.response.status_code": 200,
        "url.path": "/classify",
        "url.scheme": "http",
        "newswire.model.name": "reuters",
        "newswire.model.version": version,
        "newswire.texts": 1,
        "newswire.abstained": 0,
    }
    children = receiver.children(span)
    assert list(children) == ["parse", "encode", "infer"]
    assert len(receiver.spans()) == 4
    times = [span.start_time_unix_nano]
    for child in children.values():
        times += [child.start_time_unix_nano, child.end_time_unix_nano]
    assert times == sorted(times)
    assert times[-1] <= span.end_time_unix_nano
    assert attributes_of(children["infer"]) == {"newswire.batch.texts": 1}
    assert span.status.code == 0


@pytest.mark.parametrize(
    ("path", "body", "route", "n_texts", "n_abstained", "stages"),
    [
        ("/classify", {"text": LONG_TEXT}, "/classify", 1, 0, []),
        ("/classify", {"text": TEXT, "explain": True}, "/classify", 1, 0, ["explain"]),
        (
            "/classify/batch",
            {"items": [{"text": TEXT}, {"text": ""}, {"text": "zxcv"}], "explain": True},
            "/classify/batch",
            *(2, 1, ["explain"]),
        ),
        ("/classify/batch", {"items": [{"text": TEXT}] * 250}, "/classify/batch", 250, 0, []),
        ("/v2/models/reuters/infer", INFER, "/v2/models/{name}/infer", 2, 1, []),
        ("/predict", {"inputs": [TEXT, "zxcv"]}, "/predict", 2, 1, []),
    ],
)
def test_batches_and_what_runs_in_a_thread(
    traced: Traced,
    receiver: Receiver,
    *,
    path: str,
    body: dict[str, Any],
    route: str,
    n_texts: int,
    n_abstained: int,
    stages: list[str],
) -> None:
    with traced() as (_, client):
        assert client.post(path, json=body, headers=SAMPLED).status_code == 200
    span = only(receiver)
    assert span.name == f"POST {route}"
    attributes = attributes_of(span)
    assert attributes["http.route"] == route
    assert attributes["url.path"] == path
    assert attributes["newswire.texts"] == n_texts
    assert attributes["newswire.abstained"] == n_abstained
    assert list(receiver.children(span)) == ["parse", "encode", "infer", *stages]
    assert receiver.children(span)["encode"].start_time_unix_nano > span.start_time_unix_nano


def test_the_callers_trace_is_kept(traced: Traced, receiver: Receiver) -> None:
    state = {"tracestate": "vendor=a,other=b"}
    with traced(OTEL_TRACES_SAMPLER="parentbased_always_off") as (_, client):
        client.post("/classify", json={"text": TEXT}, headers=SAMPLED | state)
        client.post("/classify", json={"text": TEXT})
    span = only(receiver)
    assert span.trace_id.hex() == TRACE_ID
    assert span.parent_span_id.hex() == PARENT_ID
    assert span.trace_state == state["tracestate"]


@pytest.mark.parametrize(
    ("variables", "n_spans"),
    [
        ({}, 1),
        ({"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}, 0),
        ({"OTEL_TRACES_SAMPLER": "always_on"}, 2),
    ],
)
def test_what_the_caller_does_not_sample_has_no_span(
    traced: Traced, receiver: Receiver, variables: dict[str, str], n_spans: int
) -> None:
    """And what has no caller is sampled as the variables say."""
    with traced(**variables) as (_, client):
        client.post("/classify", json={"text": TEXT}, headers=NOT_SAMPLED)
        client.post("/classify", json={"text": TEXT})
    assert len(receiver.servers()) == n_spans


def test_a_ratio_samples_requests_without_a_caller(
    traced: Traced, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter([0, 1 << 62, (1 << 62) - 1, (1 << 64) - 1])
    monkeypatch.setattr(sampling, "getrandbits", lambda _: next(drawn))
    ratio = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25"}
    with traced(**ratio) as (_, client):
        for n_items in (1, 2, 3, 4):
            client.post("/classify/batch", json={"items": [{"text": TEXT}] * n_items})
    n_texts = [attributes_of(span)["newswire.texts"] for span in receiver.servers()]
    assert n_texts == [1, 3]


def test_other_propagators_do_not_read_the_header(traced: Traced, receiver: Receiver) -> None:
    with traced(OTEL_PROPAGATORS="none") as (_, client):
        client.post("/classify", json={"text": TEXT}, headers=SAMPLED)
    assert only(receiver).trace_id.hex() != TRACE_ID


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/health/live"),
        ("GET", "/health/ready"),
        ("GET", "/v2/health/ready"),
        ("GET", "/metrics"),
        ("GET", "/"),
        ("GET", "/topics"),
        ("GET", "/classify"),
        ("OPTIONS", "/classify"),
        ("POST", "/metrics"),
        ("POST", "/v2/models/reuters"),
        ("POST", "/nothing"),
    ],
)
def test_other_requests_have_no_span(
    traced: Traced, receiver: Receiver, method: str, path: str
) -> None:
    with traced() as (_, client):
        client.request(method, path, headers=SAMPLED)
    assert receiver.spans() == []


KEY = "a-key-of-24-characters!!"
FAILURES: list[tuple[str, bytes, int]] = [
    ("/classify", json.dumps({"text": TEXT, MARKER: 1}).encode(), 422),
    ("/classify", json.dumps({"text": 1, "title": TEXT}).encode(), 422),
    ("/classify", f'{{"text": "{TEXT}'.encode(), 400),
    ("/classify", json.dumps({"text": LONG_TEXT, "top_k": MARKER}).encode(), 422),
    ("/classify", json.dumps({"text": TEXT * 100, "explain": True}).encode(), 413),
    ("/classify/batch", json.dumps({"items": [{"title": TEXT, "text": 1}]}).encode(), 422),
    ("/v2/models/reuters/infer", json.dumps({"inputs": [{"name": MARKER}]}).encode(), 422),
]


@pytest.mark.parametrize(("path", "body", "status"), FAILURES)
def test_a_failed_request_has_a_span_without_its_text(
    traced: Traced, receiver: Receiver, path: str, body: bytes, status: int
) -> None:
    settings = ServiceSettings(max_explained_words=100)
    with traced(settings) as (_, client):
        sent = client.post(path, content=body, headers={"content-type": "application/json"})
        assert sent.status_code == status
    span = only(receiver)
    attributes = attributes_of(span)
    assert attributes["http.response.status_code"] == status
    assert "error.type" not in attributes
    assert span.status.code == 0, "4xx are no errors of a server"
    assert next(iter(receiver.children(span))) == "parse"
    assert MARKER.encode() not in b"".join(receiver.bodies)


def test_a_rejected_request_has_a_span(traced: Traced, receiver: Receiver) -> None:
    with traced(ServiceSettings(api_keys=(SecretStr(KEY),))) as (_, client):
        assert client.post("/classify", json={"text": TEXT}).status_code == 401
    assert attributes_of(only(receiver))["http.response.status_code"] == 401
    assert receiver.children(only(receiver)) == {}


@pytest.mark.parametrize(
    ("error", "kind"), [(InferenceError(TEXT), "500"), (KeyError(TEXT), "KeyError")]
)
def test_a_server_error_is_one_and_quotes_nothing(
    traced: Traced,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    *,
    error: Exception,
    kind: str,
) -> None:
    def fail(*_: object) -> None:
        raise error

    with traced() as (app, client):
        monkeypatch.setattr(app.model.served.predictor._classifier.session, "run", fail)
        assert client.post("/classify", json={"text": TEXT}).status_code == 500
    span = only(receiver)
    assert span.status.code == ERROR
    assert span.status.message == ""
    assert attributes_of(span)["error.type"] == kind
    assert list(span.events) == []
    assert MARKER.encode() not in b"".join(receiver.bodies)


def test_no_text_or_title_is_exported(traced: Traced, receiver: Receiver) -> None:
    bodies = [
        ("/classify", {"text": TEXT, "title": MARKER, "explain": True}),
        ("/classify", {"text": LONG_TEXT}),
        ("/classify/batch", {"items": [{"text": TEXT, "title": MARKER}, {"text": 1}]}),
        ("/v2/models/reuters/infer", INFER),
        ("/predict", {"inputs": [TEXT, f"{TEXT} {MARKER}"]}),
    ]
    with traced() as (_, client):
        for path, body in bodies:
            assert client.post(path, json=body).status_code == 200
        query = {"top_k": MARKER}
        plain = {"content-type": "text/plain"}
        client.post("/classify", content=TEXT, headers=plain, params=query)
    assert len(receiver.servers()) == len(bodies) + 1
    assert MARKER.encode() not in b"".join(receiver.bodies)


def test_a_long_tracestate_is_dropped(traced: Traced, receiver: Receiver) -> None:
    state = {"tracestate": f"vendor={'x' * 600}"}
    with traced() as (_, client):
        client.post("/classify", json={"text": TEXT}, headers=SAMPLED | state)
    assert only(receiver).trace_id.hex() == TRACE_ID
    assert only(receiver).trace_state == ""


def test_an_invalid_tracestate_is_not_logged(
    traced: Traced, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    state = {"tracestate": f"vendor=1,{MARKER}"}
    with traced() as (_, client):
        client.post("/classify", json={"text": TEXT}, headers=SAMPLED | state)
    assert only(receiver).trace_id.hex() == TRACE_ID
    assert MARKER not in caplog.text


def test_a_path_is_cut(traced: Traced, receiver: Receiver) -> None:
    with traced() as (_, client):
        assert client.post(f"/v2/models/{'x' * 5_000}/infer", json=INFER).status_code == 404
    assert len(attributes_of(only(receiver))["url.path"]) == 256


def test_requests_that_share_an_inference_each_have_its_times(
    traced: Traced, receiver: Receiver
) -> None:
    """Of three requests of one turn, two are sampled."""
    texts = [TEXT, "zxcv qwer tyui", TEXT]
    parents = [SAMPLED, SAMPLED, NOT_SAMPLED]

    async def send_all(app: NewswireApp) -> None:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            responses = await asyncio.gather(
                *(
                    client.post("/classify", json={"text": text}, headers=parent)
                    for text, parent in zip(texts, parents, strict=True)
                )
            )
        assert [response.status_code for response in responses] == [200] * 3

    with traced() as (app, _):
        asyncio.run(send_all(app))
    spans = receiver.servers()
    assert sorted(attributes_of(span)["newswire.abstained"] for span in spans) == [0, 1]
    first, second = (receiver.children(span)["infer"] for span in spans)
    assert attributes_of(first) == attributes_of(second) == {"newswire.batch.texts": 3}
    durations = [each.end_time_unix_nano - each.start_time_unix_nano for each in (first, second)]
    assert durations[0] == pytest.approx(durations[1], abs=10)


def test_latencies_of_sampled_requests_have_exemplars(traced: Traced) -> None:
    with traced(OTEL_TRACES_SAMPLER="parentbased_always_off") as (_, client):
        client.post("/classify", json={"text": TEXT}, headers=SAMPLED)
        client.post("/classify", json={"text": TEXT}, headers=NOT_SAMPLED)
        client.get("/metrics", headers=SAMPLED)
        shown = client.get("/metrics", headers=OPEN_METRICS).text
        plain = client.get("/metrics").text
    exemplars = [
        (sample.labels["route"], sample.exemplar.labels, sample.exemplar.value)
        for family in text_string_to_metric_families(shown)  # type: ignore[no-untyped-call]
        for sample in family.samples
        if sample.exemplar is not None
    ]
    ((route, labels, value),) = exemplars
    assert (route, labels) == ("/classify", {"trace_id": TRACE_ID})
    assert 0 < value < 10
    assert TRACE_ID not in plain


def test_log_lines_of_a_request_name_its_trace(
    traced: Traced, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also that of a request without a caller's."""
    logged = []

    class Noting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if context := current_request_context.get():
                logged.append(context.trace_id)

    logger = logging.getLogger("service.api.middleware.instrumentation")
    monkeypatch.setattr(logger, "handlers", [Noting()])
    monkeypatch.setattr(logger, "level", logging.INFO)
    with traced(ServiceSettings(access_log=True)) as (_, client):
        client.post("/classify", json={"text": TEXT})
        client.get("/health/live")
    assert logged == [only(receiver).trace_id.hex(), None]


def test_the_variables_of_the_exporter_and_resource(traced: Traced, receiver: Receiver) -> None:
    variables = {
        "OTEL_SERVICE_NAME": "desk",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test,service.version=7",
        "OTEL_EXPORTER_OTLP_HEADERS": "x-token=secret",
    }
    with traced(**variables) as (_, client):
        client.post("/classify", json={"text": TEXT})
    (resource,) = receiver.resources()
    assert resource["service.name"] == "desk"
    assert resource["service.version"] == "7"
    assert resource["deployment.environment.name"] == "test"
    assert receiver.headers[0]["x-token"] == "secret"
