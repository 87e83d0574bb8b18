"""Every topic of a text, over HTTP: by models of 2 to 1,000 topics, and by one that cannot."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from service.api import predictor as predictor_module
from service.api.limits import MAX_RANKED_TOPICS, NOT_ALL_TOPICS, RequestLimits
from service.api.open_inference.model import OPTIONAL
from service.api.predictor import Predictor
from service.api.routes.classify import BatchResponse
from service.api.schemas import ClassifyRequest, ClassifyResponse
from service.app import create_app
from service.model import InferenceError, TopicClassifier, load_bundle, load_classifier
from service.model.outputs import PROBABILITIES, TOPIC_PROBABILITIES
from service.observability.health import ServiceHealth
from service.observability.metrics import ServiceMetrics
from service.settings import ServiceSettings
from tests.synthetic_bundles import (
    ALL_TOPICS_THRESHOLD,
    NO_TOPIC_TEXT,
    code_of,
    save_synthetic_bundle,
    text_of,
    unsure_text,
)

NUMBERS = (2, 3, pytest.param(1_000, marks=pytest.mark.slow))
UNKNOWN_TEXT = "qqq www eee rrr ttt yyy"


@pytest.fixture(scope="module", params=NUMBERS)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("all_topics") / "1"
    return load_classifier(save_synthetic_bundle(folder, request.param))


@pytest.fixture(scope="module")
def client(model: TopicClassifier) -> TestClient:
    return TestClient(create_app(ServiceSettings(), model, CollectorRegistry()))


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    """A client of a model that cannot find all topics."""
    folder = tmp_path_factory.mktemp("without") / "1"
    model = load_classifier(save_synthetic_bundle(folder, 3, all_topics=False))
    return TestClient(create_app(ServiceSettings(), model, CollectorRegistry()))


def ask(client: TestClient, **body: Any) -> Any:
    response = client.post("/classify", json=body)
    assert response.status_code == 200, response.text
    ClassifyResponse.model_validate_json(response.content)
    return response.json()


def codes(answer: Any) -> list[str]:
    return [each["topic"] for each in answer["all_topics"]]


def tensor(texts: Sequence[str]) -> dict[str, Any]:
    return {"name": "text", "shape": [len(texts)], "datatype": "BYTES", "data": [*texts]}


def infer(client: TestClient, texts: Sequence[str], **request: Any) -> dict[str, Any]:
    """Return the outputs by name, their data as arrays."""
    response = client.post("/v2/models/desk/infer", json={"inputs": [tensor(texts)], **request})
    assert response.status_code == 200, response.text
    return {
        output["name"]: np.array(output["data"]).reshape(output["shape"])
        for output in response.json()["outputs"]
    }


def test_every_topic_of_a_text(client: TestClient, model: TopicClassifier) -> None:
    last = len(model.topics) - 1
    answer = ask(client, text=text_of(last) + unsure_text(0), all_topics=True, top_k=1)
    assert [topic["topic"] for topic in answer["topics"]] == [code_of(last)]
    assert codes(answer) == [code_of(last), code_of(0)], "the highest first, whatever top_k"
    first, second = answer["all_topics"]
    assert first.keys() == {"topic", "name", "id", "score"}
    assert (first["id"], first["name"]) == (last, model.topics[last].name)
    assert first["score"] > second["score"] >= ALL_TOPICS_THRESHOLD
    assert first["score"] + second["score"] > 1, "each is a probability of its own"


def test_equal_scores_rank_by_the_lower_id(client: TestClient) -> None:
    answer = ask(client, text=unsure_text(1, 0), all_topics=True)
    assert answer["abstained"] == "low_confidence"
    assert codes(answer) == [code_of(0), code_of(1)]
    assert answer["all_topics"][0]["score"] == answer["all_topics"][1]["score"]


@pytest.mark.parametrize(
    ("text", "reason"), [(NO_TOPIC_TEXT, "no_topic"), (UNKNOWN_TEXT, "too_few_known_words")]
)
def test_there_may_be_none(client: TestClient, text: str, reason: str) -> None:
    answer = ask(client, text=text, all_topics=True)
    assert (answer["abstained"], answer["all_topics"]) == (reason, [])


def test_min_confidence_does_not_change_them(client: TestClient) -> None:
    answer = ask(client, text=text_of(0), all_topics=True, min_confidence=1)
    assert (answer["abstained"], codes(answer)) == ("low_confidence", [code_of(0)])


def test_they_are_absent_if_not_asked_for(client: TestClient) -> None:
    for options in ({}, {"all_topics": False}):
        assert "all_topics" not in ask(client, text=text_of(0), **options)
        body = {"items": [{"text": text_of(0)}], **options}
        (answer,) = client.post("/classify/batch", json=body).json()["answers"]
        assert "all_topics" not in answer
    plain = client.post("/classify", content=b"news", headers={"content-type": "text/plain"})
    assert "all_topics" not in plain.json()


def test_plain_text(client: TestClient) -> None:
    text = text_of(0) + unsure_text(1)
    headers = {"content-type": "text/plain"}
    plain = client.post("/classify?all_topics=true", content=text.encode(), headers=headers)
    assert plain.json() == ask(client, text=text, all_topics=True)
    assert codes(plain.json()) == [code_of(0), code_of(1)]


def test_with_an_explanation(client: TestClient) -> None:
    answer = ask(client, text=text_of(1), all_topics=True, explain=True)
    assert codes(answer) == [answer["explanation"]["topic"]] == [code_of(1)]


def test_long_text_in_a_thread(client: TestClient) -> None:
    """Over the limit of the event loop."""
    assert codes(ask(client, text=text_of(0) * 1_000, all_topics=True)) == [code_of(0)]


def test_batch(client: TestClient) -> None:
    texts = [text_of(0), NO_TOPIC_TEXT, " ", unsure_text(0, 1)]
    body = {"items": [{"text": text} for text in texts], "all_topics": True}
    response = client.post("/classify/batch", json=body)
    BatchResponse.model_validate_json(response.content)
    one, none, invalid, two = response.json()["answers"]
    assert [codes(each) for each in (one, none, two)] == [
        [code_of(0)],
        [],
        [code_of(0), code_of(1)],
    ]
    assert invalid["status"] == 422


class CountingClassifier(TopicClassifier):
    """Notes how many texts each inference has, by output; may fail for all topics."""

    fails = False

    def infer(self, encoded: Any, output: str = PROBABILITIES) -> NDArray[np.float32]:
        self.inferred: list[tuple[str, int]] = [
            *getattr(self, "inferred", []),
            (output, len(encoded)),
        ]
        probabilities = super().infer(encoded, output)
        if self.fails and output == TOPIC_PROBABILITIES:
            probabilities[:] = np.nan
        return probabilities


@pytest.fixture
def counting(tmp_path: Path) -> CountingClassifier:
    return CountingClassifier(load_bundle(save_synthetic_bundle(tmp_path / "1", 3)))


def predictor_of(classifier: TopicClassifier) -> Predictor:
    limits = RequestLimits(
        max_text_bytes=1_000,
        max_text_words=500,
        max_batch_size=9,
        max_explained_words=100,
        max_top_k=len(classifier.topics),
        finds_all_topics=True,
    )
    metrics = ServiceMetrics(CollectorRegistry())
    metrics.set_model(classifier)
    return Predictor(classifier, metrics, limits, ServiceHealth())


MIXED = [
    ClassifyRequest(text=text_of(0), top_k=1),
    ClassifyRequest(text=text_of(1), top_k=1, all_topics=True),
    ClassifyRequest(text=text_of(2), top_k=1),
    ClassifyRequest(text=unsure_text(0, 2), top_k=2, all_topics=True),
]


def results(outcomes: list[bytes | Exception]) -> list[dict[str, Any]]:
    return [json.loads(each) for each in outcomes if isinstance(each, bytes)]


def test_only_texts_that_ask_are_inferred_again(counting: CountingClassifier) -> None:
    outcomes = predictor_of(counting).respond_each(MIXED)
    assert counting.inferred == [(PROBABILITIES, 4), (TOPIC_PROBABILITIES, 2)]
    answers = results(outcomes)
    assert [each["topic"] for each in answers] == [code_of(i) for i in (0, 1, 2, 0)]
    assert ["all_topics" in each for each in answers] == [False, True, False, True]
    assert codes(answers[1]) == [code_of(1)]
    assert codes(answers[3]) == [code_of(0), code_of(2)]
    predictor_of(counting).respond_each(MIXED[:1])
    assert counting.inferred[2:] == [(PROBABILITIES, 1)]


def test_a_failure_is_of_those_that_ask(counting: CountingClassifier) -> None:
    counting.fails = True
    first, second, third, fourth = predictor_of(counting).respond_each(MIXED)
    assert isinstance(first, bytes)
    assert isinstance(third, bytes)
    assert isinstance(second, InferenceError)
    assert isinstance(fourth, InferenceError)
    assert "topic_probabilities" in str(second)


def test_requests_that_come_together(client: TestClient, model: TopicClassifier) -> None:
    """Those that ask share an inference with others, over HTTP too."""
    n_topics = len(model.topics)
    bodies = [
        {"text": text_of(number % n_topics), "all_topics": number % 3 == 0} for number in range(12)
    ]

    async def ask_all() -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(client.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as together:
            return await asyncio.gather(*(together.post("/classify", json=body) for body in bodies))

    for number, response in enumerate(asyncio.run(ask_all())):
        answer = response.json()
        assert answer["topic"] == code_of(number % n_topics)
        assert ("all_topics" in answer) == (number % 3 == 0)
        if number % 3 == 0:
            assert codes(answer) == [answer["topic"]]


@pytest.mark.parametrize("value", [None, 1, 0, "true", "", [], {}])
def test_invalid_values(client: TestClient, value: Any) -> None:
    for path, body in (
        ("/classify", {"text": text_of(0)}),
        ("/classify/batch", {"items": [{"text": text_of(0)}]}),
        ("/v2/models/desk/infer", {"inputs": [tensor([text_of(0)])]}),
    ):
        is_tensor = path.startswith("/v2")
        option = {"all_topics": value}
        rejected = client.post(path, json=body | ({"parameters": option} if is_tensor else option))
        assert rejected.status_code == 422
        if is_tensor:
            assert rejected.json()["error"].startswith("parameters.all_topics: ")
        else:
            (error,) = rejected.json()["errors"]
            assert error["field"] == "all_topics"
            assert "boolean" in error["message"]


def test_model_without_them_says_what_to_do(without: TestClient) -> None:
    expected = [{"field": "all_topics", "message": NOT_ALL_TOPICS}]
    text: dict[str, Any] = {"text": text_of(0)}
    batch: dict[str, Any] = {"items": [text]}
    for path, body in (("/classify", text), ("/classify/batch", batch)):
        rejected = without.post(path, json=body | {"all_topics": True})
        assert (rejected.status_code, rejected.json()["errors"]) == (422, expected)
        assert without.post(path, json=body | {"all_topics": False}).status_code == 200
    headers = {"content-type": "text/plain"}
    plain = without.post("/classify?all_topics=true", content=b"news", headers=headers)
    assert (plain.status_code, plain.json()["errors"]) == (422, expected)
    inputs = {"inputs": [tensor([text_of(0)])]}
    body = inputs | {"parameters": {"all_topics": True}}
    rejected = without.post("/v2/models/desk/infer", json=body)
    assert rejected.status_code == 422
    assert rejected.json() == {"error": f"all_topics: {NOT_ALL_TOPICS}"}
    for name in OPTIONAL:
        rejected = without.post(
            "/v2/models/desk/infer", json=inputs | {"outputs": [{"name": name}]}
        )
        assert rejected.status_code == 400
        assert "expected some of topic, score" in rejected.json()["error"]
        assert name not in rejected.json()["error"]


def test_catalogue(client: TestClient, without: TestClient, model: TopicClassifier) -> None:
    manifest, other = client.get("/model").json(), without.get("/model").json()
    thresholds = {topic.code: ALL_TOPICS_THRESHOLD for topic in model.topics}
    assert manifest["all_topics_thresholds"] == thresholds
    assert manifest["all_topics_precision"] == model.manifest.all_topics_precision > 0
    assert (other["all_topics_thresholds"], other["all_topics_precision"]) == ({}, 0)
    for each, threshold in ((client, ALL_TOPICS_THRESHOLD), (without, None)):
        topics = each.get("/topics").json()["topics"]
        assert {topic["all_topics_threshold"] for topic in topics} == {threshold}


def every_topic(model: TopicClassifier) -> str:
    return "the news of today " + " ".join(unsure_text(topic.id)[12:] for topic in model.topics)


def test_topics_of_a_batch_are_bounded(client: TestClient, model: TopicClassifier) -> None:
    """Texts of all topics are no news, but what a response holds is bounded as by top_k."""
    n_topics = len(model.topics)
    n_texts = min(ServiceSettings().max_batch_size, MAX_RANKED_TOPICS // n_topics)
    text = every_topic(model)
    assert len(codes(ask(client, text=text, all_topics=True))) == n_topics
    body = {"items": [{"text": text}] * n_texts, "all_topics": True}
    answers = client.post("/classify/batch", json=body).json()["answers"]
    assert [len(codes(each)) for each in answers] == [n_topics] * n_texts
    if n_texts == ServiceSettings().max_batch_size:
        return
    body["items"] = [{"text": text}] * (n_texts + 1)
    rejected = client.post("/classify/batch", json=body)
    assert rejected.status_code == 413
    detail = (
        f"Expected texts with at most {MAX_RANKED_TOPICS} topics together with all_topics, "
        f"got {n_topics * (n_texts + 1)}: send fewer texts in a request."
    )
    assert rejected.json()["detail"] == detail
    tensors = {"inputs": [tensor([text] * (n_texts + 1))], "outputs": [{"name": "all_topics"}]}
    rejected = client.post("/v2/models/desk/infer", json=tensors)
    assert (rejected.status_code, rejected.json()) == (413, {"error": detail})
    body["items"] = [{"text": text_of(0)}] * ServiceSettings().max_batch_size
    assert client.post("/classify/batch", json=body).status_code == 200, "texts as there are"


def test_bound_is_of_a_request(
    counting: CountingClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests that come together may have more, and none fails for another."""
    monkeypatch.setattr(predictor_module, "MAX_RANKED_TOPICS", 2)
    outcomes = predictor_of(counting).respond_each(MIXED)
    assert [each["topic"] for each in results(outcomes)] == [code_of(i) for i in (0, 1, 2, 0)]


def test_tensors(client: TestClient, model: TopicClassifier) -> None:
    n_topics = len(model.topics)
    texts = [text_of(n_topics - 1), NO_TOPIC_TEXT, unsure_text(0, 1), UNKNOWN_TEXT]
    outputs = [{"name": name} for name in ("all_topics", "topic_probabilities", "topic")]
    found = infer(client, texts, outputs=outputs)
    assert [*found] == ["all_topics", "topic_probabilities", "topic"]
    assert found["all_topics"].dtype == np.bool_
    expected = np.zeros((4, n_topics), dtype=np.bool_)
    expected[0, -1] = expected[2, :2] = True
    assert (found["all_topics"] == expected).all()
    encoded = [model.encode(text) for text in texts]
    probabilities = model.infer(encoded, TOPIC_PROBABILITIES)
    assert found["topic_probabilities"] == pytest.approx(probabilities, abs=1e-6)


def test_tensors_are_the_topics_of_a_batch(client: TestClient, model: TopicClassifier) -> None:
    texts = [text_of(0) + unsure_text(1), NO_TOPIC_TEXT]
    body = {"items": [{"text": text} for text in texts], "all_topics": True}
    answers = client.post("/classify/batch", json=body).json()["answers"]
    found = infer(client, texts, parameters={"all_topics": True})
    for row, answer in enumerate(answers):
        ids = np.flatnonzero(found["all_topics"][row])
        assert {model.topics[index].code for index in ids.tolist()} == {*codes(answer)}
        for each in answer["all_topics"]:
            score = found["topic_probabilities"][row, each["id"]]
            assert score == pytest.approx(each["score"], abs=1e-6)


def test_tensors_only_if_asked_for(client: TestClient, counting: CountingClassifier) -> None:
    names = [output["name"] for output in client.get("/v2/models/desk").json()["outputs"]]
    assert names[-2:] == [*OPTIONAL]
    assert [*infer(client, [text_of(0)])] == names[:-2]
    assert [*infer(client, [text_of(0)], parameters={"all_topics": True})] == names
    both = infer(client, [text_of(0)], parameters={"all_topics": True}, outputs=[{"name": "topic"}])
    assert [*both] == ["topic", *OPTIONAL]
    own = TestClient(create_app(ServiceSettings(), counting, CollectorRegistry()))
    infer(own, [text_of(0)])
    assert {output for output, _ in counting.inferred} == {PROBABILITIES}
    for name in OPTIONAL:
        counting.inferred = []
        infer(own, [text_of(0)], outputs=[{"name": name}])
        assert counting.inferred == [(PROBABILITIES, 1), (TOPIC_PROBABILITIES, 1)]


def test_tensors_in_binary(client: TestClient, model: TopicClassifier) -> None:
    n_topics = len(model.topics)
    texts = [text_of(1), NO_TOPIC_TEXT]
    body = {
        "inputs": [tensor(texts)],
        "outputs": [{"name": name} for name in OPTIONAL],
        "parameters": {"binary_data_output": True},
    }
    response = client.post("/v2/models/desk/infer", json=body)
    length = int(response.headers["inference-header-content-length"])
    described = json.loads(response.content[:length])["outputs"]
    sizes = [output["parameters"]["binary_data_size"] for output in described]
    assert sizes == [2 * n_topics * 4, 2 * n_topics]
    assert len(response.content) == length + sum(sizes)
    plain = infer(client, texts, parameters={"all_topics": True})
    probabilities = np.frombuffer(response.content, "<f4", 2 * n_topics, length)
    assert probabilities == pytest.approx(plain["topic_probabilities"].ravel(), abs=1e-6)
    mask = np.frombuffer(response.content, np.bool_, offset=length + sizes[0])
    assert mask.tolist() == plain["all_topics"].ravel().tolist()


def test_metadata(client: TestClient, without: TestClient, model: TopicClassifier) -> None:
    outputs = client.get("/v2/models/desk").json()["outputs"]
    shape = [-1, len(model.topics)]
    assert {"name": "topic_probabilities", "datatype": "FP32", "shape": shape} in outputs
    assert {"name": "all_topics", "datatype": "BOOL", "shape": shape} in outputs
    others = without.get("/v2/models/desk").json()["outputs"]
    assert not {*OPTIONAL} & {output["name"] for output in others}


def test_classification_of_topic_probabilities(client: TestClient) -> None:
    best = {"name": "topic_probabilities", "parameters": {"classification": 2}}
    found = infer(client, [unsure_text(1, 0)], outputs=[best])["topic_probabilities"]
    assert [label.split(":")[1:] for label in found[0]] == [["0", code_of(0)], ["1", code_of(1)]]
    mask = {"name": "all_topics", "parameters": {"classification": 2}}
    body = {"inputs": [tensor([text_of(0)])], "outputs": [mask]}
    rejected = client.post("/v2/models/desk/infer", json=body)
    assert rejected.status_code == 400
    assert rejected.json()["error"].startswith("all_topics: expected the parameter classification")


def test_openapi_document(client: TestClient, without: TestClient) -> None:
    document, other = (each.get("/openapi.json").json() for each in (client, without))
    for each, is_possible in ((document, True), (other, False)):
        for name, text in (
            ("ClassifyRequest", {"text": "oil"}),
            ("BatchRequest", {"items": [{"text": "oil"}]}),
        ):
            schema = {"$ref": f"#/components/schemas/{name}", **each}
            validator = Draft202012Validator(schema)
            assert validator.is_valid(text | {"all_topics": False})
            assert validator.is_valid(text | {"all_topics": True}) == is_possible
        parameters = each["paths"]["/classify"]["post"]["parameters"]
        (option,) = [item for item in parameters if item["name"] == "all_topics"]
        assert option["schema"].get("const") == (None if is_possible else False)
        examples = each["paths"]["/classify"]["post"]["requestBody"]["content"]
        assert ("all_topics" in examples["application/json"]["examples"]) == is_possible


def test_examples_are_responses(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for path in ("/classify", "/classify/batch"):
        operation = paths[path]["post"]
        body = operation["requestBody"]["content"]["application/json"]["examples"]["all_topics"]
        answer = operation["responses"]["200"]["content"]["application/json"]["examples"]
        response = client.post(path, json=body["value"])
        assert response.json() == answer["all_topics"]["value"]
        first = response.json()["answers"][0] if path.endswith("batch") else response.json()
        assert codes(first)
    infer_path = paths["/v2/models/{name}/infer"]["post"]["requestBody"]["content"]
    example = infer_path["application/json"]["examples"]["all_topics"]["value"]
    outputs = client.post("/v2/models/desk/infer", json=example).json()["outputs"]
    assert [output["name"] for output in outputs] == ["topic", "score", *OPTIONAL]
