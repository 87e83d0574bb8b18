"""Any input gets a response, or an error that a client can correct."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from service.api.errors import RequestError
from service.api.limits import RequestLimits
from service.api.open_inference.bodies import infer
from service.api.open_inference.datatypes import pack_elements
from service.api.open_inference.inputs import HEADER_LENGTH
from service.api.open_inference.model import TensorModel
from service.api.predictor import Predictor
from service.model import TopicClassifier
from service.observability.health import ServiceHealth
from service.observability.metrics import ServiceMetrics

LIMITS = RequestLimits(
    max_text_bytes=1_000,
    max_text_words=500,
    max_batch_size=4,
    max_explained_words=100,
    max_top_k=46,
)
TEXTS = pack_elements([b"Crude oil rose.", "Öl".encode()])
HEAD: dict[str, Any] = {
    "inputs": [
        {
            "name": "text",
            "shape": [2],
            "datatype": "BYTES",
            "parameters": {"binary_data_size": len(TEXTS)},
        }
    ],
    "outputs": [{"name": "topic", "parameters": {"binary_data": True}}, {"name": "score"}],
    "parameters": {"top_k": 2},
    "id": "1",
}
JSON = json.dumps(HEAD).encode()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def model(classifier: TopicClassifier) -> TensorModel:
    metrics = ServiceMetrics(CollectorRegistry())
    predictor = Predictor(classifier, metrics, LIMITS, ServiceHealth())
    return TensorModel(classifier, predictor, LIMITS)


def ask(model: TensorModel, body: bytes, header_length: str | None) -> None:
    try:
        response = infer(body, header_length, model)
    except RequestError:
        return
    json_length = int(response.headers.get(HEADER_LENGTH, len(response.body)))
    assert json.loads(bytes(response.body)[:json_length])["outputs"]


@given(
    st.integers(0, len(JSON + TEXTS) - 1),
    st.binary(max_size=4),
    st.integers(0, 4),
    st.integers(-3, 3),
)
def test_bytes_that_changed(
    model: TensorModel, place: int, put: bytes, taken: int, header_is_off: int
) -> None:
    body = JSON + TEXTS
    body = body[:place] + put + body[place + taken :]
    ask(model, body, str(len(JSON) + header_is_off))
    ask(model, body, None)


@given(st.sampled_from(["inputs", "outputs", "parameters", "id"]), VALUES)
def test_fields_that_changed(model: TensorModel, name: str, value: object) -> None:
    head = json.dumps(HEAD | {name: value}).encode()
    ask(model, head + TEXTS, str(len(head)))


@given(st.sampled_from(["name", "shape", "datatype", "parameters", "data"]), VALUES)
def test_inputs_that_changed(model: TensorModel, name: str, value: object) -> None:
    head = json.dumps(HEAD | {"inputs": [HEAD["inputs"][0] | {name: value}]}).encode()
    ask(model, head + TEXTS, str(len(head)))
