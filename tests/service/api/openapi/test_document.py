"""The OpenAPI document says what the service does."""

import json
import re
import sys
from typing import Any

import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator

from service.api.openapi.examples import (
    ANSWERS,
    BATCH_ANSWERS,
    BATCH_REQUESTS,
    ERRORS,
    PLAIN_TEXTS,
    REQUESTS,
)
from service.api.problems import PROBLEMS, TYPE_PREFIX, UnauthorizedError
from service.api.schemas import BatchResponse, ClassifyResponse, Problem
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


def without_digits(value: Any) -> Any:
    """The answer without its scores, and which model gave them: another one scores otherwise."""
    if isinstance(value, dict):
        return {name: without_digits(item) for name, item in value.items() if name != "version"}
    if isinstance(value, list):
        return [without_digits(item) for item in value]
    return "a score" if isinstance(value, float) else value


def test_operations_keep_their_ids(document: dict[str, Any]) -> None:
    """Generated clients name their functions after them."""
    ids = {
        f"{method.upper()} {path}": operation["operationId"]
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert ids == {
        "POST /classify": "classify",
        "POST /classify/batch": "classify_batch",
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


def test_requests_are_described_with_the_limits_that_hold(schemas: dict[str, Any]) -> None:
    request, batch, item = (
        schemas[name]["properties"] for name in ("ClassifyRequest", "BatchRequest", "BatchItem")
    )
    for top_k in (request["top_k"], batch["top_k"]):
        assert (top_k["minimum"], top_k["maximum"]) == (1, 46)
        assert "ge" not in top_k
    assert batch["items"]["items"] == {"$ref": "#/components/schemas/BatchItem"}
    assert batch["items"]["minItems"] == 1
    assert batch["items"]["maxItems"] == ServiceSettings().max_batch_size
    for name, properties in (("ClassifyRequest", request), ("BatchItem", item)):
        assert "required" not in schemas[name]
        assert schemas[name]["additionalProperties"] is False
        assert "left out" in properties["text"]["description"]
        blank = schemas[name]["not"]["properties"]
        assert blank.keys() == {"text", "title"}
        for field in blank.values():
            pattern = re.compile(field["pattern"])
            characters = map(chr, range(sys.maxunicode + 1))
            assert all((pattern.search(c) is not None) == c.isspace() for c in characters)


@pytest.mark.parametrize("text", [..., None, "", " \n", "\u3000", "Oil"])
@pytest.mark.parametrize("title", [..., None, "", "\t", "\u200b"])
def test_the_schema_knows_what_is_blank(
    client: TestClient, schemas: dict[str, Any], text: Any, title: Any
) -> None:
    fields = {"text": text, "title": title}
    request = {name: value for name, value in fields.items() if value is not ...}
    valid = Draft202012Validator(schemas["ClassifyRequest"]).is_valid(request)
    assert valid == (client.post("/classify", json=request).status_code == 200)
    assert valid == (text == "Oil" or title == "\u200b")


@pytest.mark.parametrize("path", ["/classify", "/classify/batch"])
def test_every_problem_is_documented_with_an_example(
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
    assert documented == {kind.slug: kind.status for kind in kinds}, "there are no keys"
    assert ERRORS.keys() == PROBLEMS.keys()


def test_what_does_not_classify_has_one_problem(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        if "get" in operations and not path.startswith("/v2"):  # that protocol has other errors
            responses = operations["get"]["responses"]
            unavailable = {"503"} if path.startswith("/health/") else set()
            assert responses.keys() == {"200", "500"} | unavailable, path
            assert responses["500"]["content"][PROBLEM_JSON]["examples"].keys() == {
                "internal-error"
            }


def test_every_answer_has_a_request_id(document: dict[str, Any], client: TestClient) -> None:
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


def test_the_examples_are_in_the_document(document: dict[str, Any]) -> None:
    for path, requests, answers in (
        ("/classify", REQUESTS, ANSWERS),
        ("/classify/batch", BATCH_REQUESTS, BATCH_ANSWERS),
    ):
        operation = document["paths"][path]["post"]
        assert operation["requestBody"]["content"][JSON]["examples"] == requests
        assert operation["responses"]["200"]["content"][JSON]["examples"] == answers


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_of_the_examples_gets_its_answer(client: TestClient, name: str) -> None:
    answer = client.post("/classify", json=REQUESTS[name]["value"]).json()
    expected = ANSWERS[name]["value"]
    ClassifyResponse.model_validate(expected)
    assert without_digits(answer) == without_digits(expected)


@pytest.mark.parametrize("name", BATCH_REQUESTS)
def test_a_batch_of_the_examples_gets_its_answer(client: TestClient, name: str) -> None:
    answer = client.post("/classify/batch", json=BATCH_REQUESTS[name]["value"]).json()
    expected = BATCH_ANSWERS[name]["value"]
    assert without_digits(answer) == without_digits(expected)


def test_an_item_that_is_not_valid_is_as_in_the_example(client: TestClient) -> None:
    items = [*BATCH_REQUESTS["each_answered"]["value"]["items"][:1], {}]
    answer = client.post("/classify/batch", json={"items": items, "top_k": 1}).json()
    expected = BATCH_ANSWERS["one_is_not_valid"]["value"]
    BatchResponse.model_validate(expected)
    assert without_digits(answer) == without_digits(expected)


def test_the_plain_text_of_the_examples_is_answered(client: TestClient) -> None:
    (example,) = PLAIN_TEXTS.values()
    headers = {"Content-Type": "text/plain"}
    answer = client.post("/classify?top_k=1", content=example["value"], headers=headers)
    assert answer.json()["topic"] == "crude"


def test_problems_are_as_in_the_examples(client: TestClient) -> None:
    def problem(path: str, content: bytes, media_type: str = JSON) -> Any:
        return client.post(path, content=content, headers={"Content-Type": media_type}).json()

    def example(slug: str) -> Any:
        kind = next(kind for kind, item in PROBLEMS.items() if item.slug == slug)
        return ERRORS[kind]

    too_long = json.dumps({"text": "x" * 1_000_001}).encode()
    assert problem("/classify", b"")["detail"] == str(example("malformed-body"))
    assert problem("/classify", too_long)["detail"] == str(example("too-large"))
    wrong_type = problem("/classify/batch", b"", "text/html")
    assert wrong_type["detail"] == str(example("unsupported-media-type"))
    assert problem("/classify", b"{}")["detail"] == str(example("invalid-request"))
