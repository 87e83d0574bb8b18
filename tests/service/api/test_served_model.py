import asyncio
import gc
import weakref
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from service.api.predictor import Predictor
from service.api.schemas import ClassifyRequest
from service.app import NewswireApp, create_app
from service.model import (
    TopicClassifier,
    build_classifier,
    load_bundle,
    load_classifier,
)
from service.settings import ServiceSettings
from tests.conftest import LATEST, RELEASED
from tests.networks import of_fewer_topics

OPEC = "OPEC ministers agreed to cut crude oil output."
TEXT = {"text": OPEC, "top_k": 1}
INFER = {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": [OPEC]}]}


@pytest.fixture(scope="module")
def book() -> TopicClassifier:
    return load_classifier(RELEASED / "1")


@pytest.fixture(scope="module")
def smaller() -> TopicClassifier:
    """A model of 45 topics."""
    bundle = of_fewer_topics(load_bundle(RELEASED / "1"), 45)
    return build_classifier(replace(bundle, manifest=replace(bundle.manifest, version="4")))


@pytest.fixture
def app(
    settings: ServiceSettings, classifier: TopicClassifier, registry: CollectorRegistry
) -> NewswireApp:
    return create_app(settings, classifier, registry)


@pytest.fixture
def client(app: NewswireApp) -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


def answers(client: TestClient) -> list[tuple[str, float]]:
    """Version and score by every way of asking for a text."""
    single = client.post("/classify", json=TEXT).json()
    batch = client.post("/classify/batch", json={"items": [{"text": OPEC}]}).json()
    explained = client.post("/classify", json=TEXT | {"explain": True}).json()  # by a worker
    tensors = client.post("/v2/models/reuters/infer", json=INFER).json()
    outputs = {output["name"]: output["data"] for output in tensors["outputs"]}
    return [
        (single["model"]["version"], single["topics"][0]["score"]),
        (batch["model"]["version"], batch["answers"][0]["topics"][0]["score"]),
        (explained["model"]["version"], explained["topics"][0]["score"]),
        (tensors["model_version"], outputs["score"][0]),
    ]


def test_every_route_uses_the_new_model(
    client: TestClient, app: NewswireApp, classifier: TopicClassifier, book: TopicClassifier
) -> None:
    for model in (classifier, book, classifier):
        app.adopt(app.prepare(model))
        score = model.classify([OPEC])[0].topics[0].score
        version = model.manifest.version
        versions, scores = zip(*answers(client), strict=True)
        assert set(versions) == {version}
        assert scores == pytest.approx([score] * 4, abs=1e-6)
        assert client.get("/model").json()["version"] == version
        assert client.get("/v2/models/reuters").json()["versions"] == [version]
        assert client.get(f"/v2/models/reuters/versions/{version}/ready").status_code == 200
        assert f'version="{version}"' in client.get("/metrics").text


def test_request_in_progress_keeps_its_model(
    app: NewswireApp, book: TopicClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model is replaced while a version of it is asked for by name."""
    before = app.model.served.tensors
    predict = before.predict

    def replaced_meanwhile(*arguments: Any) -> Any:
        app.adopt(app.prepare(book))
        return predict(*arguments)

    monkeypatch.setattr(before, "predict", replaced_meanwhile)
    with TestClient(app) as client:
        path = f"/v2/models/reuters/versions/{LATEST.name}/infer"
        assert client.post(path, json=INFER).json()["model_version"] == LATEST.name
        assert client.post(path, json=INFER).status_code == 404


def test_another_number_of_topics_is_described(
    client: TestClient, app: NewswireApp, smaller: TopicClassifier, classifier: TopicClassifier
) -> None:
    for model, n_topics in ((classifier, 46), (smaller, 45), (classifier, 46)):
        app.adopt(app.prepare(model))
        document = client.get("/openapi.json").json()
        request = document["components"]["schemas"]["ClassifyRequest"]
        (parameter,) = [
            item
            for item in document["paths"]["/classify"]["post"]["parameters"]
            if item["name"] == "top_k"
        ]
        examples = document["paths"]["/classify"]["post"]["responses"]["200"]["content"]
        example = examples["application/json"]["examples"]["text"]["value"]
        assert example["model"]["version"] == model.manifest.version
        assert document["info"]["summary"].startswith(f"Which of {n_topics} topics")
        assert request["properties"]["top_k"]["maximum"] == n_topics
        assert parameter["schema"]["maximum"] == n_topics
        assert len(client.get("/topics").json()["topics"]) == n_topics
        assert client.post("/classify", json=TEXT | {"top_k": n_topics}).status_code == 200
        assert client.post("/classify", json=TEXT | {"top_k": n_topics + 1}).status_code == 422


def test_reload_does_not_describe_all_routes_again(
    app: NewswireApp, book: TopicClassifier, classifier: TopicClassifier
) -> None:
    """That keeps the event loop busy for 0.1 s."""
    first = app.openapi()
    routes = app.api.openapi_schema
    for model in (book, classifier):
        app.adopt(app.prepare(model))
        again = app.openapi()
        assert app.api.openapi_schema is routes
        assert (again == first) is (model is classifier)


def test_a_baseline_goes_with_its_model(
    client: TestClient, app: NewswireApp, registry: CollectorRegistry
) -> None:
    topic = {"topic": "earn"}
    client.post("/classify", json=TEXT)
    assert registry.get_sample_value("newswire_drift_baseline_topics_ratio", topic)
    bundle = replace(load_bundle(RELEASED / "1"), drift_baseline=None)
    app.adopt(app.prepare(build_classifier(bundle)))
    assert registry.get_sample_value("newswire_drift_baseline_topics_ratio", topic) is None
    assert registry.get_sample_value("newswire_drift_baseline_samples") == 0
    assert registry.get_sample_value("newswire_predictions_total", {"topic": "crude"}) == 1


def test_a_model_that_was_replaced_is_freed(
    app: NewswireApp, book: TopicClassifier, classifier: TopicClassifier
) -> None:
    """At once, without the garbage collector: what it froze it would never find again."""
    app.adopt(app.prepare(book))
    dead = weakref.ref(app.model.served.predictor)
    assert isinstance(dead(), Predictor)
    gc.disable()
    try:
        app.adopt(app.prepare(classifier))
        assert dead() is None
    finally:
        gc.enable()


def test_queued_request_is_predicted_by_the_model_that_parsed_it(
    app: NewswireApp, book: TopicClassifier
) -> None:
    async def submit() -> bytes:
        batcher, request = app.model.served.batcher, ClassifyRequest(text=OPEC)
        queued = asyncio.ensure_future(batcher.submit(request, len(OPEC)))
        await asyncio.sleep(0)
        app.adopt(app.prepare(book))
        return await queued

    expected = app.model.served.predictor.respond(ClassifyRequest(text=OPEC))
    assert asyncio.run(submit()) == expected
