"""The OpenAPI document matches the service."""

import json
import re
import sys
from typing import Any

import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator
from prometheus_client import CollectorRegistry

from service.api.errors import UnauthorizedError
from service.api.problems import PROBLEMS, TYPE_PREFIX, Problem
from service.api.routes.classify import BatchResponse
from service.api.schemas import ClassifyResponse
from service.app import create_app
from service.model import TopicClassifier
from service.settings import ServiceSettings

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"


@pytest.fixture
def document(client: TestClient) -> dict[str, Any]:
    openapi: dict[str, Any] = client.get("/openapi.json").json()
    return openapi


@pytest.fixture
def schemas(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"]
    return found


def test_operations_keep_their_ids(document: dict[str, Any]) -> None:
    """Generated clients use them as function names."""
    ids = {
        f"{method.upper()} {path}": operation["operationId"]
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert ids == {
        "POST /classify": "classify",
        "POST /classify/batch": "classify_batch",
        "POST /predict": "predict",
        "GET /topics": "topics",
        "GET /model": "model",
        "GET /health/live": "live",
        "GET /health/ready": "ready",
        "GET /metrics": "metrics",
        "GET /v2": "v2_server",
        "GET /v2/health/live": "v2_live",
        "GET /v2/health/ready": "v2_ready",
        "GET /v2/models/{name}": "v2_model",
        "GET /v2/models/{name}/ready": "v2_model_ready",
        "GET /v2/models/{name}/versions/{version}": "v2_model_version",
        "GET /v2/models/{name}/versions/{version}/ready": "v2_model_version_ready",
        "POST /v2/models/{name}/infer": "v2_infer",
        "POST /v2/models/{name}/versions/{version}/infer": "v2_infer_version",
    }


def test_request_schemas_have_the_limits(schemas: dict[str, Any]) -> None:
    request, batch, item = (
        schemas[name]["properties"] for name in ("ClassifyRequest", "BatchRequest", "BatchItem")
    )
    for top_k in (request["top_k"], batch["top_k"]):
        assert (top_k["minimum"], top_k["maximum"]) == (1, 46)
        assert "ge" not in top_k
    assert batch["items"]["items"] == {"$ref": "#/components/schemas/BatchItem"}
    assert batch["items"]["minItems"] == 1
    assert batch["items"]["maxItems"] == ServiceSettings().max_batch_size
    patterns = set()
    for name, properties in (("ClassifyRequest", request), ("BatchItem", item)):
        assert "required" not in schemas[name]
        assert schemas[name]["additionalProperties"] is False
        assert "left out" in properties["text"]["description"]
        blank = schemas[name]["not"]["properties"]
        assert blank.keys() == {"text", "title"}
        patterns |= {field["pattern"] for field in blank.values()}
    for pattern in map(re.compile, patterns):
        characters = map(chr, range(sys.maxunicode + 1))
        assert all((pattern.search(c) is not None) == c.isspace() for c in characters)


@pytest.mark.parametrize("text", [..., None, "", " \n", "\u3000", "Oil"])
@pytest.mark.parametrize("title", [..., None, "", "\t", "\u200b"])
def test_schema_rejects_blank_texts(
    client: TestClient, schemas: dict[str, Any], text: Any, title: Any
) -> None:
    fields = {"text": text, "title": title}
    request = {name: value for name, value in fields.items() if value is not ...}
    valid = Draft202012Validator(schemas["ClassifyRequest"]).is_valid(request)
    assert valid == (client.post("/classify", json=request).status_code == 200)
    assert valid == (text == "Oil" or title == "\u200b")


@pytest.mark.parametrize("path", ["/classify", "/classify/batch", "/predict"])
def test_every_problem_has_an_example(
    document: dict[str, Any], schemas: dict[str, Any], path: str
) -> None:
    assert "Problem" in schemas
    responses = document["paths"][path]["post"]["responses"]
    documented = {}
    for status in responses.keys() - {"200"}:
        ((media_type, content),) = responses[status]["content"].items()
        assert media_type == PROBLEM_JSON
        assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
        for name, example in content["examples"].items():
            problem = Problem.model_validate(example["value"])
            assert problem.type == TYPE_PREFIX + name
            assert problem.status == int(status)
            assert problem.detail
            assert problem.title in responses[status]["description"]
            documented[name] = problem.status
    kinds = [kind for error, kind in PROBLEMS.items() if error is not UnauthorizedError]
    assert documented == {kind.slug: kind.status for kind in kinds}, "without keys"


def test_other_routes_have_the_problems_of_their_queue(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        if "get" in operations and not path.startswith("/v2"):  # that protocol has other errors
            responses = operations["get"]["responses"]
            others = {"503"} if path.startswith("/health/") else {"429"}
            assert responses.keys() == {"200", "500"} | others, path
            if "429" in others:
                assert responses["429"]["headers"].keys() == {"X-Request-ID", "Retry-After"}
                assert responses["429"]["content"][PROBLEM_JSON]["examples"].keys() == {
                    "overloaded"
                }
            assert responses["500"]["content"][PROBLEM_JSON]["examples"].keys() == {
                "internal-error"
            }


def test_every_response_has_a_request_id(document: dict[str, Any], client: TestClient) -> None:
    for operations in document["paths"].values():
        for operation in operations.values():
            for response in operation["responses"].values():
                assert "X-Request-ID" in response["headers"]
    assert client.get("/topics").headers["X-Request-ID"]


def test_media_types(document: dict[str, Any]) -> None:
    paths = document["paths"]
    body = paths["/classify"]["post"]["requestBody"]["content"]
    assert set(body) == {JSON, "text/plain"}
    options = paths["/classify"]["post"]["parameters"]
    assert all("default" not in option["schema"] for option in options)
    assert set(paths["/classify"]["post"]["responses"]["200"]["content"]) == {JSON}
    metrics = paths["/metrics"]["get"]["responses"]["200"]["content"]
    assert set(metrics) == {"text/plain", "application/openmetrics-text"}


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("/classify", "ClassifyRequest"),
        ("/classify/batch", "BatchRequest"),
        ("/predict", "PredictRequest"),
    ],
)
def test_every_example_is_valid_and_gets_its_response(
    client: TestClient, document: dict[str, Any], path: str, schema: str
) -> None:
    operation = document["paths"][path]["post"]
    requests = operation["requestBody"]["content"][JSON]["examples"]
    responses = operation["responses"]["200"]["content"][JSON]["examples"]
    validator = Draft202012Validator({"$ref": f"#/components/schemas/{schema}", **document})
    assert requests.keys() == responses.keys() - {"partly_valid"}
    for name, request in requests.items():
        assert validator.is_valid(request["value"]), name
        assert client.post(path, json=request["value"]).json() == responses[name]["value"], name
        assert request["summary"] == responses[name]["summary"]


def test_batch_example_with_a_blank_item_gets_its_response(
    client: TestClient, document: dict[str, Any]
) -> None:
    operation = document["paths"]["/classify/batch"]["post"]
    request = operation["requestBody"]["content"][JSON]["examples"]["valid"]["value"]
    response = operation["responses"]["200"]["content"][JSON]["examples"]["partly_valid"]["value"]
    partly_valid = {"items": [request["items"][0], {}], "top_k": 1}
    assert client.post("/classify/batch", json=partly_valid).json() == response


def test_examples_show_what_responses_can_be(
    document: dict[str, Any], classifier: TopicClassifier
) -> None:
    single, batch = (
        document["paths"][path]["post"]["responses"]["200"]["content"][JSON]["examples"]
        for path in ("/classify", "/classify/batch")
    )
    names = {"text", "title_and_text", "title", "explained", "abstained"}
    assert single.keys() - {"all_topics", "subjects"} == names
    assert ("subjects" in single) == classifier.has_subjects
    assert ("all_topics" in single) == ("all_topics" in batch) == classifier.finds_all_topics
    responses = {name: ClassifyResponse.model_validate(single[name]["value"]) for name in single}
    assert responses["explained"].explanation
    assert responses["abstained"].group
    assert responses["text"].abstained is None
    assert len(responses["text"].topics) == 3
    valid, partly = (
        BatchResponse.model_validate(batch[name]["value"]) for name in ("valid", "partly_valid")
    )
    assert not [each for each in valid.answers if isinstance(each, Problem)]
    assert [isinstance(each, Problem) for each in partly.answers] == [False, True]


def test_examples_are_not_counted(client: TestClient, registry: CollectorRegistry) -> None:
    client.get("/openapi.json")
    assert registry.get_sample_value("newswire_predictions_total", {"topic": "earn"}) == 0
    assert registry.get_sample_value("newswire_batch_size_count") == 0


def test_examples_over_the_limits_are_left_out(classifier: TopicClassifier) -> None:
    settings = ServiceSettings(max_explained_words=1, max_batch_size=1)
    client = TestClient(create_app(settings, classifier, CollectorRegistry()))
    paths = client.get("/openapi.json").json()["paths"]
    examples = paths["/classify"]["post"]["requestBody"]["content"][JSON]["examples"]
    assert "explained" not in examples
    assert "text" in examples
    assert paths["/classify/batch"]["post"]["requestBody"]["content"][JSON]["examples"] == {}


def test_every_text_and_tensor_of_the_examples_is_classified(
    client: TestClient, document: dict[str, Any]
) -> None:
    content = document["paths"]["/classify"]["post"]["requestBody"]["content"]["text/plain"]
    for example in content["examples"].values():
        headers = {"Content-Type": "text/plain"}
        response = client.post("/classify", content=example["value"], headers=headers)
        assert response.json() == client.post("/classify", json={"text": example["value"]}).json()
    infer = document["paths"]["/v2/models/{name}/infer"]["post"]["requestBody"]["content"][JSON]
    example = infer["examples"]["valid"]
    outputs = client.post("/v2/models/reuters/infer", json=example["value"]).json()["outputs"]
    assert [output["name"] for output in outputs] == ["topic", "score"]
    assert outputs[0]["shape"] == [2, 1]


def test_problem_examples_match_responses(client: TestClient) -> None:
    def problem(path: str, content: bytes, media_type: str = JSON) -> Any:
        return client.post(path, content=content, headers={"Content-Type": media_type}).json()

    def example(slug: str) -> Any:
        return next(kind.example for kind in PROBLEMS.values() if kind.slug == slug)

    too_long = json.dumps({"text": "x" * 1_000_001}).encode()
    assert problem("/classify", b"")["detail"] == str(example("malformed-body"))
    assert problem("/classify", too_long)["detail"] == str(example("too-large"))
    wrong_type = problem("/classify/batch", b"", "text/html")
    assert wrong_type["detail"] == str(example("unsupported-media-type"))
    assert problem("/classify", b"{}")["detail"] == str(example("invalid-request"))
