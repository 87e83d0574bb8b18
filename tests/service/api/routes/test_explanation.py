from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from service.api.schemas import ClassifyResponse
from service.settings import ServiceSettings

TEXT = "OPEC ministers agreed to cut crude oil output. Zxcvb!"


@pytest.fixture
def settings() -> ServiceSettings:
    return ServiceSettings(max_explained_words=20)


def ask(client: TestClient, **fields: Any) -> Any:
    return client.post("/classify", json={"text": TEXT, "explain": True, **fields})


def test_the_words_are_those_of_the_request(client: TestClient) -> None:
    answer = ask(client, title="Öl: oil 🛢️ cut").json()
    ClassifyResponse.model_validate(answer)
    explanation = answer["explanation"]
    assert explanation["topic"] == answer["topic"] == "crude"
    words = explanation["words"]
    assert [word["word"] for word in words[:3]] == ["Öl", "oil", "cut"]
    assert [word["field"] for word in words] == ["title"] * 3 + ["text"] * 9
    for word in words[3:]:
        assert TEXT[word["start"] : word["end"]] == word["word"]
    assert not words[-1]["known"]
    assert max(words[3:], key=lambda word: word["score_change"])["word"] in {"crude", "oil", "OPEC"}


def test_entity_without_ampersand(client: TestClient) -> None:
    """It is no word, also where no other entity is in the text."""
    answer = client.post("/classify", json={"text": "Crude oil profit amp; loss", "explain": True})
    assert answer.status_code == 200
    words = [word["word"] for word in answer.json()["explanation"]["words"]]
    assert words == ["Crude", "oil", "profit", "loss"]


def test_all_else_is_as_without_it(client: TestClient, registry: CollectorRegistry) -> None:
    explained = ask(client).json()
    assert explained.pop("explanation")
    plain = ask(client, explain=False).json()
    assert "explanation" not in plain
    for topic, other in zip(explained.pop("topics"), plain.pop("topics"), strict=True):
        assert topic.pop("score") == pytest.approx(other.pop("score"), abs=1e-6)
        assert topic == other
    assert explained == plain
    assert registry.get_sample_value("newswire_explain_duration_seconds_count") == 1


def test_a_batch_is_explained_too(client: TestClient) -> None:
    items = [{"text": TEXT}, {"text": ""}]
    answers = client.post("/classify/batch", json={"items": items, "explain": True}).json()
    first, second = answers["answers"]
    assert first["explanation"] == ask(client).json()["explanation"]
    assert second["status"] == 422


@pytest.mark.parametrize("path", ["/classify", "/classify/batch"])
def test_long_texts_are_refused(client: TestClient, path: str) -> None:
    texts = {"text": "oil " * 21} if path == "/classify" else {"items": [{"text": TEXT}] * 3}
    problem = client.post(path, json={**texts, "explain": True})
    assert problem.status_code == 413
    assert problem.json()["detail"] == ("Expected at most 20 words with explain, title included.")
    assert client.post(path, json=texts).status_code == 200


def test_explain_is_true_or_false(client: TestClient) -> None:
    assert ask(client, explain="yes").status_code == 422
