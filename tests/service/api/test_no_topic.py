"""A model that knows "none of the topics", over HTTP; one that does not answers as before."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from service.api.open_inference.model import OPTIONAL, OUTPUTS
from service.api.routes.classify import BatchResponse
from service.api.schemas import ClassifyResponse, ModelInfo
from service.app import create_app
from service.model import TopicClassifier, load_classifier
from service.settings import ServiceSettings
from tests.conftest import RELEASED
from tests.fuzzing.small_bundle import TOPIC_MIN_CONFIDENCE

EARN = "Shr 30 cts vs 20 cts. Net profit 1.2 mln vs 800,000. Revs 20 mln vs 15 mln."
TEXTS = ("oil", "18", "rose", "oil rose", "zxcv")
REASONS = [None, None, "no_topic", "low_confidence", "too_few_known_words"]


@pytest.fixture
def without(settings: ServiceSettings) -> TestClient:
    """Serves a released bundle that does not know "none of the topics"."""
    return TestClient(create_app(settings, load_classifier(RELEASED / "4"), CollectorRegistry()))


@pytest.fixture
def knowing(settings: ServiceSettings, no_topic_classifier: TopicClassifier) -> TestClient:
    """A client of the model that knows it."""
    return TestClient(create_app(settings, no_topic_classifier, CollectorRegistry()))


def ask(client: TestClient, text: str, **options: Any) -> Any:
    response = client.post("/classify", json={"text": text, **options})
    assert response.status_code == 200, response.text
    ClassifyResponse.model_validate_json(response.content)
    return response.json()


def test_a_text_of_none_of_the_topics(knowing: TestClient) -> None:
    answers = [ask(knowing, text, top_k=3) for text in TEXTS]
    assert [answer["abstained"] for answer in answers] == REASONS
    for answer in answers:
        total = answer["no_topic"] + sum(topic["score"] for topic in answer["topics"])
        assert total == pytest.approx(1)
        assert answer["topic"] == answer["topics"][0]["topic"]
    assert answers[2]["no_topic"] > 0.8
    assert [bool(answer["group"]) for answer in answers] == [False, False, False, True, False]


def test_a_request_changes_the_threshold_for_scores_alone(knowing: TestClient) -> None:
    answers = [ask(knowing, text, min_confidence=0) for text in ("oil rose", "rose")]
    assert [answer["abstained"] for answer in answers] == [None, "no_topic"]


def test_all_topics_are_the_most(knowing: TestClient) -> None:
    response = knowing.post("/classify", json={"text": "oil", "top_k": 4})
    assert response.status_code == 422


def test_an_explanation_stands_beside_it(knowing: TestClient) -> None:
    answer = ask(knowing, "oil rose", explain=True)
    explanation = answer.pop("explanation")
    assert explanation["topic"] == answer["topic"]
    assert [word["score_change"] > 0 for word in explanation["words"]] == [True, False]
    assert answer == ask(knowing, "oil rose") | {"no_topic": pytest.approx(answer["no_topic"])}


def test_a_batch_is_as_its_texts_alone(knowing: TestClient) -> None:
    items = [{"text": text} for text in TEXTS]
    response = knowing.post("/classify/batch", json={"items": items})
    BatchResponse.model_validate_json(response.content)
    answers = response.json()["answers"]
    assert [answer["abstained"] for answer in answers] == REASONS
    for text, answer in zip(TEXTS, answers, strict=True):
        assert answer["no_topic"] == pytest.approx(ask(knowing, text)["no_topic"], abs=1e-6)


def test_a_plain_text_too(knowing: TestClient) -> None:
    headers = {"Content-Type": "text/plain"}
    answer = knowing.post("/classify", content=b"rose", headers=headers).json()
    assert answer["abstained"] == "no_topic"


def infer(client: TestClient, **fields: Any) -> Any:
    data = {"name": "text", "shape": [len(TEXTS)], "datatype": "BYTES", "data": list(TEXTS)}
    return client.post("/v2/models/small/infer", json={"inputs": [data], **fields})


def test_it_is_a_tensor(knowing: TestClient) -> None:
    outputs = {item["name"]: item for item in infer(knowing).json()["outputs"]}
    assert outputs.keys() == OUTPUTS.keys() - {*OPTIONAL}
    no_topic, probabilities = outputs["no_topic"], outputs["probabilities"]
    assert (no_topic["datatype"], no_topic["shape"]) == ("FP32", [5])
    expected = [ask(knowing, text)["no_topic"] for text in TEXTS]
    assert no_topic["data"] == pytest.approx(expected, abs=1e-6)
    assert outputs["abstained"]["data"] == [reason or "" for reason in REASONS]
    assert probabilities["shape"] == [5, 3]
    rows = np.array(probabilities["data"]).reshape(5, 3)
    assert rows.sum(axis=1) + no_topic["data"] == pytest.approx(np.ones(5), abs=1e-5)


def test_it_is_a_tensor_in_binary(knowing: TestClient) -> None:
    outputs = [{"name": name} for name in ("no_topic", "probabilities")]
    plain = infer(knowing, outputs=outputs).json()["outputs"]
    binary = infer(knowing, outputs=outputs, parameters={"binary_data_output": True})
    data = binary.content[int(binary.headers["inference-header-content-length"]) :]
    values = np.frombuffer(data, "<f4")
    assert values == pytest.approx([*plain[0]["data"], *plain[1]["data"]], abs=1e-6)


def test_the_metadata_has_it(knowing: TestClient, without: TestClient) -> None:
    outputs = knowing.get("/v2/models/small").json()["outputs"]
    assert {"name": "no_topic", "datatype": "FP32", "shape": [-1]} in outputs
    assert {"name": "probabilities", "datatype": "FP32", "shape": [-1, 3]} in outputs
    others = without.get("/v2/models/reuters").json()["outputs"]
    assert "no_topic" not in [output["name"] for output in others]


def test_a_model_without_it_has_no_such_tensor(without: TestClient) -> None:
    data = {"name": "text", "shape": [1], "datatype": "BYTES", "data": ["oil"]}
    body = {"inputs": [data], "outputs": [{"name": "no_topic"}]}
    response = without.post("/v2/models/reuters/infer", json=body)
    assert response.status_code == 400
    assert response.json()["error"].startswith("outputs: expected some of topic, score, ")


def test_the_model_says_whether_it_knows(knowing: TestClient, without: TestClient) -> None:
    info = knowing.get("/model").json()
    ModelInfo.model_validate(info)
    assert (info["no_topic"], info["topic_min_confidence"]) == (True, TOPIC_MIN_CONFIDENCE)
    before = without.get("/model").json()
    assert (before["no_topic"], before["topic_min_confidence"]) == (False, {})


def test_a_model_without_it_says_null(without: TestClient) -> None:
    answer = ask(without, "Crude oil rose.")
    assert answer["no_topic"] is None
    assert answer["topic"] == "crude"


@pytest.mark.parametrize("path", sorted(RELEASED.glob("[0-9]*")), ids=lambda path: path.name)
def test_every_released_model_abstains(settings: ServiceSettings, path: Path) -> None:
    """After a rollback, too, ``"abstained": null`` stands for a reliable answer."""
    client = TestClient(create_app(settings, load_classifier(path), CollectorRegistry()))
    assert ask(client, "zxcv qwfp zxcv oil")["abstained"] == "too_few_known_words"
    assert ask(client, EARN)["abstained"] is None
