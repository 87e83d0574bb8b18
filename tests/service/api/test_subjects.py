"""The concepts that a text is about, over HTTP."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator
from prometheus_client import CollectorRegistry

from service.api.limits import NO_SUBJECTS
from service.api.routes.classify import BatchResponse
from service.api.schemas import ClassifyResponse
from service.app import create_app
from service.model import load_classifier
from service.settings import ServiceSettings
from tests.ninjs import SUBJECT
from tests.service.model.test_subjects import CREATOR, N_TOPICS, SUBJECTS
from tests.synthetic_bundles import NO_TOPIC_TEXT, save_synthetic_bundle, text_of, unsure_text

PLAIN = {"content-type": "text/plain"}


def client_of(folder: Path, subjects: Any) -> TestClient:
    model = load_classifier(save_synthetic_bundle(folder, N_TOPICS, subjects=subjects))
    return TestClient(create_app(ServiceSettings(), model, CollectorRegistry()))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    return client_of(tmp_path_factory.mktemp("subjects") / "7", SUBJECTS)


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    """A client of a model whose topics have no subjects."""
    return client_of(tmp_path_factory.mktemp("without") / "7", None)


def ask(client: TestClient, **body: Any) -> Any:
    response = client.post("/classify", json=body)
    assert response.status_code == 200, response.text
    ClassifyResponse.model_validate_json(response.content)
    return response.json()


def names(answer: Any) -> list[str]:
    return [each["name"] for each in answer["subjects"]]


def test_subjects_are_those_of_ninjs(client: TestClient) -> None:
    (oil,) = ask(client, text=text_of(0), subjects=True)["subjects"]
    assert [*oil] == ["uri", "name", "rel", "creator", "confidence"]
    assert (oil["uri"], oil["name"]) == (SUBJECTS[0][0].uri, "oil and gas")
    assert (oil["rel"], oil["creator"]) == ("about", CREATOR)
    assert 90 < oil["confidence"] <= 100
    Draft202012Validator(SUBJECT).validate(oil)


def test_they_are_absent_if_not_asked_for(client: TestClient) -> None:
    for options in ({}, {"subjects": False}):
        assert "subjects" not in ask(client, text=text_of(0), **options)
    plain = client.post("/classify", content=b"news", headers=PLAIN)
    assert "subjects" not in plain.json()


@pytest.mark.parametrize("options", [{}, {"explain": True}, {"all_topics": True}, {"top_k": 1}])
def test_each_way_of_a_text(client: TestClient, options: dict[str, Any]) -> None:
    """In a batch of short requests, in a thread, as plain text, and in a batch of texts."""
    text = text_of(2)
    short = ask(client, text=text, subjects=True, **options)
    assert names(short) == ["ships", "sea"]
    query = "&".join(f"{name}={str(value).lower()}" for name, value in options.items())
    plain = client.post(f"/classify?subjects=true&{query}", content=text.encode(), headers=PLAIN)
    assert plain.json() == short
    body = {"items": [{"text": text}], "subjects": True, **options}
    (answer,) = client.post("/classify/batch", json=body).json()["answers"]
    assert answer["subjects"] == short["subjects"]


def test_long_text_in_a_thread(client: TestClient) -> None:
    assert names(ask(client, text=text_of(2) * 1_000, subjects=True)) == ["ships", "sea"]


def test_batch(client: TestClient) -> None:
    texts = [text_of(0), NO_TOPIC_TEXT, " ", text_of(3), unsure_text(0, 1)]
    body = {"items": [{"text": text} for text in texts], "subjects": True}
    response = client.post("/classify/batch", json=body)
    BatchResponse.model_validate_json(response.content)
    oil, none, invalid, without, unsure = response.json()["answers"]
    assert [names(each) for each in (oil, none, without, unsure)] == [["oil and gas"], [], [], []]
    assert [each["abstained"] for each in (oil, none, without, unsure)] == [
        None,
        "no_topic",
        None,
        "low_confidence",
    ]
    assert invalid["status"] == 422


def test_requests_that_come_together(client: TestClient) -> None:
    """Those that ask share an inference with others."""
    bodies = [{"text": text_of(number % 3), "subjects": number % 2 == 0} for number in range(12)]

    async def ask_all() -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(client.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as together:
            return await asyncio.gather(*(together.post("/classify", json=body) for body in bodies))

    for number, response in enumerate(asyncio.run(ask_all())):
        answer = response.json()
        assert ("subjects" in answer) == (number % 2 == 0)
        if number % 2 == 0:
            assert names(answer) == [subject.name for subject in SUBJECTS[number % 3]]


@pytest.mark.parametrize("value", [None, 1, "true", []])
def test_invalid_values(client: TestClient, value: Any) -> None:
    for path, body in (
        ("/classify", {"text": text_of(0)}),
        ("/classify/batch", {"items": [{"text": text_of(0)}]}),
    ):
        rejected = client.post(path, json=body | {"subjects": value})
        assert rejected.status_code == 422
        (error,) = rejected.json()["errors"]
        assert error["field"] == "subjects"
        assert "boolean" in error["message"]


def test_model_without_them_says_what_to_do(without: TestClient) -> None:
    expected = [{"field": "subjects", "message": NO_SUBJECTS}]
    text: dict[str, Any] = {"text": text_of(0)}
    batch: dict[str, Any] = {"items": [text]}
    for path, body in (("/classify", text), ("/classify/batch", batch)):
        rejected = without.post(path, json=body | {"subjects": True})
        assert (rejected.status_code, rejected.json()["errors"]) == (422, expected)
        assert without.post(path, json=body | {"subjects": False}).status_code == 200
    plain = without.post("/classify?subjects=true", content=b"news", headers=PLAIN)
    assert (plain.status_code, plain.json()["errors"]) == (422, expected)


def test_tensors_have_none(client: TestClient, without: TestClient) -> None:
    tensor = {"name": "text", "shape": [1], "datatype": "BYTES", "data": [text_of(0)]}
    body: dict[str, Any] = {"inputs": [tensor], "parameters": {"subjects": True}}
    expected = "parameters: expected subjects to be false or absent; POST /classify returns them."
    for each in (client, without):
        rejected = each.post("/v2/models/desk/infer", json=body)
        assert (rejected.status_code, rejected.json()) == (400, {"error": expected})
    body["parameters"] = {"subjects": False}
    assert client.post("/v2/models/desk/infer", json=body).status_code == 200


def test_catalogue(client: TestClient, without: TestClient) -> None:
    topics = client.get("/topics").json()["topics"]
    assert topics[2]["subjects"] == [
        {"uri": "http://example.org/ships", "name": "ships", "match": "exact"},
        {"uri": "http://example.org/sea", "name": "sea", "match": "broad"},
    ]
    assert topics[3]["subjects"] == []
    others = without.get("/topics").json()["topics"]
    assert [topic["subjects"] for topic in others] == [[]] * N_TOPICS


def test_openapi_document(client: TestClient, without: TestClient) -> None:
    for each, is_possible in ((client, True), (without, False)):
        document = each.get("/openapi.json").json()
        for name, text in (
            ("ClassifyRequest", {"text": "oil"}),
            ("BatchRequest", {"items": [{"text": "oil"}]}),
        ):
            validator = Draft202012Validator({"$ref": f"#/components/schemas/{name}", **document})
            assert validator.is_valid(text | {"subjects": False})
            assert validator.is_valid(text | {"subjects": True}) == is_possible
        operation = document["paths"]["/classify"]["post"]
        (option,) = [item for item in operation["parameters"] if item["name"] == "subjects"]
        assert option["schema"].get("const") == (None if is_possible else False)
        examples = operation["requestBody"]["content"]["application/json"]["examples"]
        assert ("subjects" in examples) == is_possible
        if is_possible:
            answers = operation["responses"]["200"]["content"]["application/json"]["examples"]
            response = each.post("/classify", json=examples["subjects"]["value"]).json()
            assert response == answers["subjects"]["value"]
            assert names(response) == ["oil and gas"]
