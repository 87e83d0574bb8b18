"""Bundles of 2 to 1,000 topics, their names in several scripts, are served by every route."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from service.api import predictor
from service.api.limits import MAX_RANKED_TOPICS
from service.api.routes.classify import BatchResponse
from service.api.schemas import ClassifyResponse
from service.app import create_app
from service.cli.commands import cli
from service.model import TopicClassifier, load_classifier
from service.observability.metrics import make_registry
from service.settings import ServiceSettings
from tests.synthetic_bundles import (
    NO_TOPIC_TEXT,
    code_of,
    save_synthetic_bundle,
    text_of,
    unsure_text,
)

NUMBERS = (2, 3, 46, pytest.param(1_000, marks=pytest.mark.slow))
MAX_OTHER_SERIES = 1_000
"""Of everything but topics, by routes, statuses and buckets."""


@pytest.fixture(scope="module", params=NUMBERS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_synthetic_bundle(tmp_path_factory.mktemp("any") / "1", request.param)


@pytest.fixture(scope="module")
def model(folder: Path) -> TopicClassifier:
    return load_classifier(folder)


@pytest.fixture(scope="module")
def client(model: TopicClassifier) -> Iterator[TestClient]:
    with TestClient(create_app(ServiceSettings(), model, make_registry())) as client:
        yield client


@pytest.fixture(scope="module")
def ids(model: TopicClassifier) -> list[int]:
    """Some topics: the first of each script, one in the middle, the last."""
    n_topics = len(model.topics)
    return sorted({0, *range(min(4, n_topics)), n_topics // 2, n_topics - 1})


def ask(client: TestClient, body: Any) -> Any:
    response = client.post("/classify", json=body)
    assert response.status_code == 200, response.text
    ClassifyResponse.model_validate_json(response.content)
    return response.json()


def infer(client: TestClient, texts: list[str], **request: Any) -> dict[str, Any]:
    given = [{"name": "text", "shape": [len(texts)], "datatype": "BYTES", "data": texts}]
    response = client.post("/v2/models/desk/infer", json={"inputs": given, **request})
    assert response.status_code == 200, response.text
    return {output["name"]: output for output in response.json()["outputs"]}


def test_python(model: TopicClassifier, ids: list[int]) -> None:
    n_topics = len(model.topics)
    found = model.classify([text_of(topic_id) for topic_id in ids])
    assert [each.topics[0].topic.id for each in found] == ids
    for each in found:
        assert each.topics[0].score > 0.98
        assert (each.abstained, each.group) == (None, None)
        assert len(each.topics) == min(3, n_topics)
    (whole,) = model.classify([text_of(0)], top_k=n_topics)
    assert {ranked.topic.id for ranked in whole.topics} == set(range(n_topics))
    total = sum(ranked.score for ranked in whole.topics) + (whole.no_topic or 0)
    assert total == pytest.approx(1, abs=1e-4)
    words = model.explain(text_of(ids[-1])).words
    assert [word.score_change > 0 for word in words] == [False, False, False, True, True, False]


def test_classify(client: TestClient, model: TopicClassifier, ids: list[int]) -> None:
    n_topics = len(model.topics)
    for topic_id in ids:
        found = ask(client, {"text": text_of(topic_id)})
        plain = client.post(
            "/classify", content=text_of(topic_id).encode(), headers={"Content-Type": "text/plain"}
        )
        assert plain.json() == found
        first = found["topics"][0]
        assert (first["topic"], first["id"]) == (code_of(topic_id), topic_id)
        assert first["name"] == model.topics[topic_id].name
        assert len(found["topics"]) == min(3, n_topics)
    assert len(ask(client, {"text": text_of(0), "top_k": n_topics})["topics"]) == n_topics
    explained = ask(client, {"title": text_of(ids[-1]), "explain": True})["explanation"]
    assert explained["topic"] == code_of(ids[-1])
    assert ask(client, {"text": NO_TOPIC_TEXT})["abstained"] == "no_topic"
    unsure = ask(client, {"text": unsure_text(0, 1)})
    assert (unsure["abstained"], unsure["group"]) == ("low_confidence", None)
    rejected = client.post("/classify", json={"text": "a", "top_k": n_topics + 1})
    message = f"Input should be less than or equal to {n_topics}"
    assert rejected.json()["errors"] == [{"field": "top_k", "message": message}]


def test_classify_batch(client: TestClient, ids: list[int]) -> None:
    items = [{"text": text_of(topic_id)} for topic_id in ids]
    response = client.post("/classify/batch", json={"items": [*items, {"text": " "}]})
    BatchResponse.model_validate_json(response.content)
    *found, invalid = response.json()["answers"]
    assert [each["topic"] for each in found] == [code_of(topic_id) for topic_id in ids]
    assert invalid["status"] == 422


def test_ranked_topics_of_a_batch_are_bounded(client: TestClient, model: TopicClassifier) -> None:
    n_texts, n_topics = ServiceSettings().max_batch_size, len(model.topics)
    highest = min(n_topics, MAX_RANKED_TOPICS // n_texts)
    texts = [text_of(0)] * n_texts
    body = {"items": [{"text": text} for text in texts], "top_k": highest}
    answers = client.post("/classify/batch", json=body).json()["answers"]
    assert [len(each["topics"]) for each in answers] == [highest] * n_texts
    found = infer(client, texts, parameters={"top_k": highest}, outputs=[{"name": "topic"}])
    assert found["topic"]["shape"] == [n_texts, highest]
    rejected = client.post("/classify/batch", json=body | {"top_k": highest + 1})
    assert rejected.status_code == 422
    of_texts = f" for {n_texts} texts" if highest < n_topics else ""
    message = f"Input should be less than or equal to {highest}{of_texts}"
    assert rejected.json()["errors"] == [{"field": "top_k", "message": message}]
    tensor = {"name": "text", "shape": [n_texts], "datatype": "BYTES", "data": texts}
    request = {"inputs": [tensor], "parameters": {"top_k": highest + 1}}
    rejected = client.post("/v2/models/desk/infer", json=request)
    assert (rejected.status_code, rejected.json()) == (422, {"error": f"top_k: {message}"})


def test_different_words_of_a_text_are_bounded(
    client: TestClient, model: TopicClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as there are activations for: the start, four common words and two of the topic."""
    monkeypatch.setattr(predictor, "MAX_ACTIVATIONS", 7 * model.n_outputs)
    assert ask(client, {"text": text_of(0)})["topic"] == code_of(0)
    both = {"text": text_of(0) + text_of(1)}
    response = client.post("/classify", json=both)
    assert response.status_code == 413
    assert "at most 7 different words" in response.json()["detail"]
    batch = client.post("/classify/batch", json={"items": [{"text": text_of(0)}, both]})
    assert batch.status_code == 413


def test_open_inference(client: TestClient, model: TopicClassifier, ids: list[int]) -> None:
    n_topics = len(model.topics)
    for path in ("/v2", "/v2/health/ready", "/v2/models/desk/ready"):
        assert client.get(path).status_code == 200
    metadata = client.get("/v2/models/desk").json()
    shapes = {output["name"]: output["shape"] for output in metadata["outputs"]}
    assert shapes["probabilities"] == [-1, n_topics]
    found = infer(client, [text_of(topic_id) for topic_id in ids])
    top_k = min(3, n_topics)
    assert found["topic"]["shape"] == found["score"]["shape"] == [len(ids), top_k]
    assert found["topic"]["data"][::top_k] == [code_of(topic_id) for topic_id in ids]
    scores = np.array(found["probabilities"]["data"]).reshape(len(ids), n_topics)
    assert scores.argmax(axis=1).tolist() == ids
    best = {"name": "probabilities", "parameters": {"classification": 1}}
    (label,) = infer(client, [text_of(ids[-1])], outputs=[best])["probabilities"]["data"]
    assert label.split(":")[1:] == [str(ids[-1]), code_of(ids[-1])]


def test_catalogue(client: TestClient, folder: Path) -> None:
    topics = json.loads((folder / "topics.json").read_text())
    served = client.get("/topics").json()["topics"]
    manifest = client.get("/model").json()
    thresholds = manifest["all_topics_thresholds"]
    assert served == [
        {
            "topic": each["code"],
            "all_topics_threshold": thresholds[each["code"]],
            "subjects": [],
            **_without(each, "code"),
        }
        for each in topics
    ]
    assert manifest["name"] == "desk"


def _without(record: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != name}


def test_pages_and_health(client: TestClient, model: TopicClassifier) -> None:
    for path in ("/", "/docs", "/page/page.js", "/health/live", "/health/ready"):
        assert client.get(path).status_code == 200
    config = client.get("/page/config.json").json()
    n_topics = len(model.topics)
    assert (len(config["topics"]), config["default_top_k"]) == (n_topics, min(3, n_topics))
    labels = [example["label"] for example in config["examples"]]
    expected = [topic.name for topic in model.topics[:4]]
    assert labels == [*expected, "None of the topics"]
    texts = [example["text"] for example in config["examples"]]
    assert texts[: len(expected)] == [text_of(topic_id) for topic_id in range(len(expected))]


def test_openapi_document(client: TestClient, model: TopicClassifier) -> None:
    document = client.get("/openapi.json").json()
    n_topics = len(model.topics)
    assert document["info"]["summary"] == f"Which of {n_topics} topics is this news text about?"
    for name in ("ClassifyRequest", "BatchRequest"):
        top_k = document["components"]["schemas"][name]["properties"]["top_k"]
        assert (top_k["default"], top_k["maximum"]) == (min(3, n_topics), n_topics)
    examples = document["paths"]["/classify"]["post"]["requestBody"]["content"]
    assert examples["application/json"]["examples"]["text"]["value"] == {"text": text_of(0)}


@pytest.mark.parametrize("accept", ["text/plain", "application/openmetrics-text"])
def test_metrics(client: TestClient, model: TopicClassifier, ids: list[int], accept: str) -> None:
    for topic_id in ids:
        ask(client, {"text": text_of(topic_id)})
    shown = client.get("/metrics", headers={"Accept": accept}).text
    # the process of a service has no times of creation
    n_samples = sum(not re.match(r"#|\w+_created\b", line) for line in shown.splitlines())
    n_topics = len(model.topics)
    assert n_samples < 2 * n_topics + MAX_OTHER_SERIES
    if accept == "text/plain":
        samples = {
            (sample.name, sample.labels.get("topic")): sample.value
            for family in text_string_to_metric_families(shown)
            for sample in family.samples
        }
        for topic_id in ids:
            assert samples["newswire_predictions_total", code_of(topic_id)] >= 1
        share = samples["newswire_drift_baseline_topics_ratio", code_of(n_topics - 1)]
        assert share == pytest.approx(1 / n_topics)


def test_command_line(
    capfd: pytest.CaptureFixture[str],
    folder: Path,
    model: TopicClassifier,
    ids: list[int],
    tmp_path: Path,
) -> None:
    def run(command: str, *arguments: str) -> str:
        options = ("--model-dir", str(folder))
        cli([command, *options, *arguments], standalone_mode=False)
        return capfd.readouterr().out

    file = tmp_path / "texts.jsonl"
    file.write_text("".join(json.dumps({"text": text_of(i)}) + "\n" for i in ids))
    lines = run("classify", "--jsonl", str(file), "--top-k", str(len(model.topics))).splitlines()
    assert [json.loads(line)["topic"] for line in lines] == [code_of(i) for i in ids]
    text = tmp_path / "text.txt"
    text.write_text(text_of(ids[-1]))
    (_, row) = run("classify", str(text)).splitlines()
    cells = row.split("\t")
    assert cells[1] == code_of(ids[-1])
    assert cells[3].split()[0].rpartition(":")[0] == code_of(ids[-1])
    assert json.loads(run("explain", "--json", str(text)))["topic"] == code_of(ids[-1])
    _, *topics = run("model", "--topics").splitlines()
    assert [line.split("\t")[1] for line in topics] == [topic.code for topic in model.topics]
    assert f"topics\t{len(model.topics)}\n" in run("model")


@pytest.mark.parametrize(
    ("groups", "best"),
    [(("All",), None), (tuple("abcdefgh"), None), (("North", "South"), "North")],
    ids=["one of all", "one of each", "two"],
)
def test_groups(tmp_path: Path, groups: tuple[str, ...], best: str | None) -> None:
    """A group of all topics, or of one, says no more than they do; so topics need no groups."""
    model = load_classifier(save_synthetic_bundle(tmp_path / "1", 8, groups=groups))
    app = create_app(ServiceSettings(), model, CollectorRegistry())
    found = ask(TestClient(app), {"text": unsure_text(0, 2)})
    assert found["abstained"] == "low_confidence"
    assert (found["group"] and found["group"]["name"]) == best


@pytest.mark.parametrize("name", ["новости", "ニュース desk", "a&b=c"])
def test_names_of_models(tmp_path: Path, name: str) -> None:
    model = load_classifier(save_synthetic_bundle(tmp_path / "1", 3, name=name))
    client = TestClient(create_app(ServiceSettings(), model, CollectorRegistry()))
    assert ask(client, {"text": text_of(0)})["model"] == {"name": name, "version": "1"}
    assert client.get(f"/v2/models/{name}").json()["name"] == name
    assert f'name="{name}"' in client.get("/metrics").text
