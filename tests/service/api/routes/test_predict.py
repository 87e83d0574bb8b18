from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from service.api.routes.predict import PredictResponse
from service.settings import ServiceSettings
from tests.service.api.routes.test_classify import TYPED, assert_problem
from tests.service.api.routes.test_classify_batch import CRUDE, EARN

LIMIT = 300
MAX_ITEMS = 5
N_TOPICS = 46


@pytest.fixture
def settings() -> ServiceSettings:
    return ServiceSettings(max_text_bytes=LIMIT, max_batch_size=MAX_ITEMS)


def predict(client: TestClient, inputs: Any, **fields: Any) -> Any:
    return client.post("/predict", json={"inputs": inputs, **fields})


def labels_of_batch(client: TestClient, texts: list[str], top_k: int) -> list[list[dict[str, Any]]]:
    body = {"items": [{"text": text} for text in texts], "top_k": top_k}
    answers = client.post("/classify/batch", json=body).json()["answers"]
    return [
        [{"label": item["topic"], "score": item["score"]} for item in answer["topics"]]
        for answer in answers
    ]


@pytest.mark.parametrize("top_k", [1, 3, N_TOPICS])
def test_texts_equal_those_of_a_batch(client: TestClient, top_k: int) -> None:
    texts = [CRUDE, EARN, "oil"]
    response = predict(client, texts, parameters={"top_k": top_k})
    assert response.status_code == 200
    PredictResponse.model_validate(response.json())
    assert response.json() == labels_of_batch(client, texts, top_k)


def test_forms_of_one_text(client: TestClient) -> None:
    """A list without parameters, as of text-embeddings-inference; a list of lists with them."""
    expected = labels_of_batch(client, [CRUDE], N_TOPICS)
    assert predict(client, CRUDE).json() == expected[0]
    assert predict(client, CRUDE, raw_scores=False, truncate=True).json() == expected[0]
    assert predict(client, CRUDE, parameters=None).json() == expected[0]
    assert predict(client, [CRUDE]).json() == expected
    assert predict(client, CRUDE, parameters={}).json() == expected
    assert predict(client, CRUDE, parameters={"top_k": None}).json() == expected
    assert predict(client, CRUDE, parameters={"top_k": 2.0}).json() == [expected[0][:2]]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({}, "inputs: Field required"),
        ([], 'body: Expected an object with "inputs"'),
        ({"inputs": None}, "inputs: Expected a string, or a list of at least one string"),
        ({"inputs": {TYPED: 1}}, "inputs: Expected a string, or a list of at least one string"),
        ({"inputs": []}, "inputs: Expected a string, or a list of at least one string"),
        ({"inputs": " \n"}, "inputs: Expected a text that is not only white space"),
        ({"inputs": ["oil", ""]}, "inputs[1]: Expected a text that is not only white space"),
        ({"inputs": ["oil", [TYPED]]}, "inputs[1]: Expected a string"),
        ({"inputs": ["oil"] * (MAX_ITEMS + 1)}, "inputs: Input should have at most 5 items"),
        ({"inputs": ["", []] * 420}, "inputs: Input should have at most 5 items"),
        (
            {"inputs": "oil", "parameters": {"top_k": 0}},
            "parameters.top_k: Input should be greater than or equal to 1",
        ),
        (
            {"inputs": "oil", "parameters": {"top_k": N_TOPICS + 1}},
            "parameters.top_k: Input should be less than or equal to 46",
        ),
        (
            {"inputs": "oil", "parameters": {"function_to_apply": TYPED}},
            "parameters.function_to_apply: Input should be 'softmax'",
        ),
        (
            {"inputs": "oil", "raw_scores": True},
            "raw_scores: Expected false: scores are probabilities",
        ),
        ({"inputs": "oil", "raw_scores": 0}, "raw_scores: Input should be a valid boolean"),
        (
            {"inputs": "oil", "text": TYPED},
            "body: Expected no other fields than inputs, parameters, raw_scores, truncate, "
            'got "text"',
        ),
        (
            {"inputs": "oil", "parameters": {"topk": 1}, "text": TYPED},
            'parameters: Expected no other fields than top_k, function_to_apply, got "topk" '
            '(did you mean "top_k"?); '
            "body: Expected no other fields than inputs, parameters, raw_scores, truncate, "
            'got "text"',
        ),
    ],
)
def test_invalid_requests(client: TestClient, body: Any, detail: str) -> None:
    problem = assert_problem(client.post("/predict", json=body), 422, "invalid-request")
    assert problem["detail"] == detail


def test_limits_of_a_text(client: TestClient) -> None:
    problem = assert_problem(predict(client, ["oil", "a" * (LIMIT + 1)]), 413, "too-large")
    assert problem["detail"].startswith(f"inputs[1]: Expected at most {LIMIT} bytes of text")


def test_other_bodies(client: TestClient) -> None:
    assert_problem(client.post("/predict", content=b"oil"), 415, "unsupported-media-type")
    headers = {"Content-Type": "application/json"}
    cut = client.post("/predict", content=b'{"inputs": ', headers=headers)
    assert_problem(cut, 400, "malformed-body")
    query = client.post("/predict?top_k=1", json={"inputs": "oil"})
    assert assert_problem(query, 422, "invalid-request")["detail"].startswith("query: ")
    assert client.get("/predict").status_code == 405


def test_requests_are_counted(client: TestClient, registry: CollectorRegistry) -> None:
    def value(name: str, **labels: str) -> float:
        return registry.get_sample_value(name, labels) or 0

    predict(client, [CRUDE, EARN])
    predict(client, "")
    assert value("newswire_batch_size_sum") == 2
    for status in ("200", "422"):
        assert value("newswire_http_requests_total", route="/predict", status=status) == 1
