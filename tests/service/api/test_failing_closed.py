"""No score of a network that fails, or returns something that is no probability, leaves."""

import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from service.api.problems import INSTANCE_PREFIX
from service.app import create_app
from service.model import TopicClassifier, load_bundle
from service.observability.health import MAX_INFERENCE_ERRORS
from service.settings import ServiceSettings
from tests.conftest import LATEST

TEXT = "OPEC ministers agreed to cut crude oil output."
HIDDEN = "zanzibar"
INFER = {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": [TEXT]}]}
BINARY = {"parameters": {"binary_data_output": True}}
REQUESTS: list[tuple[str, Any]] = [
    ("/classify", {"text": TEXT}),
    ("/classify", {"text": TEXT * 500}),
    ("/classify", {"text": TEXT, "explain": True}),
    ("/classify/batch", {"items": [{"text": TEXT}, {"text": TEXT}]}),
    ("/classify/batch", {"items": [{"text": TEXT}, {"text": ""}], "explain": True}),
    ("/predict", {"inputs": [TEXT]}),
    ("/v2/models/reuters/infer", INFER),
    ("/v2/models/reuters/infer", INFER | BINARY),
    ("/v2/models/reuters/infer", INFER | {"outputs": [{"name": "probabilities"}]}),
]
PROBES = ("/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready")

Outcome = Callable[[Any], Any]


class Session:
    """Stands in for onnxruntime's: right until it is told to be wrong."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.spoil: Outcome | None = None

    def run(self, *arguments: Any) -> list[Any]:
        (probabilities,) = self._session.run(*arguments)
        return [self.spoil(probabilities) if self.spoil else probabilities]


def set_one(value: float) -> Outcome:
    def spoil(probabilities: Any) -> Any:
        probabilities[..., -1] = value
        return probabilities

    return spoil


def spoil_without_a_word(probabilities: Any) -> Any:
    """Only the rows of an explanation: there are more than one, of one text."""
    if len(probabilities) > 2:
        probabilities[-1] = math.nan
    return probabilities


def fail(probabilities: Any) -> Any:
    raise RuntimeError(f"Non-zero status code while running Gather: {HIDDEN}")


SPOILT: dict[str, Outcome] = {
    "NaN": set_one(math.nan),
    "infinite": set_one(math.inf),
    "below 0": set_one(-0.1),
    "more than 1 together": set_one(1.5),
    "all 0": lambda probabilities: np.zeros_like(probabilities),
    "an error": fail,
}


@pytest.fixture(scope="module")
def failing() -> TopicClassifier:
    classifier = TopicClassifier(load_bundle(LATEST))
    classifier.session._session = Session(classifier.session._session)
    return classifier


@pytest.fixture
def session(failing: TopicClassifier) -> Iterator[Session]:
    session: Session = failing.session._session
    yield session
    session.spoil = None


@pytest.fixture
def client(failing: TopicClassifier, registry: CollectorRegistry) -> Iterator[TestClient]:
    with TestClient(create_app(ServiceSettings(), failing, registry)) as client:
        yield client


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
@pytest.mark.parametrize(("path", "request_"), REQUESTS)
def test_no_such_score_leaves(
    client: TestClient,
    session: Session,
    caplog: pytest.LogCaptureFixture,
    path: str,
    request_: Any,
    spoil: Outcome,
) -> None:
    session.spoil = spoil
    answer = client.post(path, json=request_, headers={"X-Request-ID": "r-7"})
    assert answer.status_code == 500
    body = answer.json()
    if path.startswith("/v2"):
        assert body.keys() == {"error"}
    else:
        assert body["type"].endswith(":inference-failed")
        assert body["instance"] == f"{INSTANCE_PREFIX}r-7"
    assert answer.headers["x-request-id"] == "r-7"
    (record,) = caplog.records
    assert record.getMessage().startswith("inference failed: ")
    for said in (caplog.text, answer.text):
        assert HIDDEN not in said
        assert "OPEC" not in said


@pytest.mark.parametrize(
    ("path", "request_"), [(path, item) for path, item in REQUESTS if "explain" in item]
)
def test_no_such_explanation_leaves(
    client: TestClient, session: Session, path: str, request_: Any
) -> None:
    session.spoil = spoil_without_a_word
    assert client.post(path, json=request_).status_code == 500


@pytest.mark.parametrize(("path", "request_"), REQUESTS)
def test_outputs_are_finite(client: TestClient, path: str, request_: Any) -> None:
    """The network as it is: JSON that a strict reader takes."""

    def reject(constant: str) -> None:
        raise AssertionError(constant)

    answer = client.post(path, json=request_)
    assert answer.status_code == 200
    head = answer.content[: int(answer.headers.get("inference-header-content-length", 10**9))]
    json.loads(head, parse_constant=reject)


@pytest.mark.parametrize(("path", "request_"), REQUESTS)
def test_three_in_a_row_want_a_restart(
    client: TestClient, session: Session, registry: CollectorRegistry, path: str, request_: Any
) -> None:
    session.spoil = SPOILT["NaN"]
    for n_errors in range(MAX_INFERENCE_ERRORS):
        assert {client.get(probe).status_code for probe in PROBES} == {200}, n_errors
        client.post(path, json=request_)
        counted = registry.get_sample_value("newswire_inference_errors_total")
        assert counted == n_errors + 1, "each request counts once"
    assert {client.get(probe).status_code for probe in PROBES} == {503}
    assert client.get("/health/live").json() == {"status": "failing"}
    assert client.get("/health/ready").json() == {"status": "failing"}
    assert client.get("/v2/health/live").json() == {"live": False}
    assert client.get("/v2/models/reuters/ready").status_code == 503
    session.spoil = None
    assert client.post(path, json=request_).status_code == 200
    assert {client.get(probe).status_code for probe in PROBES} == {503}


@pytest.mark.parametrize("between", [*REQUESTS])
def test_a_success_between_is_a_new_beginning(
    client: TestClient, session: Session, between: tuple[str, Any]
) -> None:
    for _ in range(MAX_INFERENCE_ERRORS):
        session.spoil = SPOILT["an error"]
        for _ in range(MAX_INFERENCE_ERRORS - 1):
            assert client.post("/classify", json={"text": TEXT}).status_code == 500
        session.spoil = None
        assert client.post(between[0], json=between[1]).status_code == 200
    assert client.get("/health/live").status_code == 200


def test_a_request_that_is_not_valid_is_neither(client: TestClient, session: Session) -> None:
    session.spoil = SPOILT["an error"]
    for _ in range(MAX_INFERENCE_ERRORS):
        assert client.get("/health/live").status_code == 200
        assert client.post("/classify", json={"text": TEXT}).status_code == 500
        assert client.post("/classify", json={"text": ""}).status_code == 422
        assert client.post("/classify/batch", json={"items": [{"text": ""}]}).status_code == 422
    assert client.get("/health/live").status_code == 503
