import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from service.api.routes.classify import BatchResponse
from service.api.schemas import ClassifyResponse
from service.settings import ServiceSettings
from tests.service.api.routes.test_classify import TYPED, assert_problem

CRUDE = "OPEC ministers agreed to cut crude oil production; prices rose a dlr a barrel."
EARN = "Net profit rose to 12 mln dlrs, or 80 cts a share, in the fourth quarter."
LIMIT = 300
MAX_ITEMS = 5


@pytest.fixture
def settings() -> ServiceSettings:
    return ServiceSettings(max_text_bytes=LIMIT, max_batch_size=MAX_ITEMS)


def post(client: TestClient, body: Any) -> Any:
    return client.post("/classify/batch", json=body)


def test_results_equal_those_of_single_texts_in_order(client: TestClient) -> None:
    items: list[dict[str, Any]] = [
        {"text": CRUDE},
        {"text": EARN, "title": "Profit"},
        {"text": "oil"},
        {"text": "?", "title": None},
        {"text": "", "title": "Gold prices rise"},
    ]
    options: dict[str, Any] = {"top_k": 2, "min_confidence": 0.9}
    batch = post(client, {"items": items, **options}).json()
    BatchResponse.model_validate(batch)
    assert len(batch["answers"]) == len(items)
    for item, answer in zip(items, batch["answers"], strict=True):
        alone = client.post("/classify", json=item | options).json()
        assert answer["abstained"] == alone["abstained"]
        assert answer["known_words"] == alone["known_words"]
        assert [topic["topic"] for topic in answer["topics"]] == [
            topic["topic"] for topic in alone["topics"]
        ]
        for ours, theirs in zip(answer["topics"], alone["topics"], strict=True):
            assert ours["score"] == pytest.approx(theirs["score"], abs=1e-6)
    assert batch["model"] == client.post("/classify", json=items[0]).json()["model"]


def test_a_title_is_enough(client: TestClient) -> None:
    title, line = {"title": "Gold prices rise"}, {"text": "Gold prices rise"}
    items = [{**title, "text": blank} for blank in (None, "", " ")]
    answers = post(client, {"items": [title, *items, line]}).json()["answers"]
    for answer in answers:
        assert answer["topic"] == "gold"
        for ours, theirs in zip(answer["topics"], answers[-1]["topics"], strict=True):
            assert ours["score"] == pytest.approx(theirs["score"], abs=1e-6)


def test_a_batch_of_one_is_as_the_text_alone(client: TestClient) -> None:
    alone = client.post("/classify", json={"text": CRUDE}).json()
    batch = post(client, {"items": [{"text": CRUDE}]}).json()
    assert batch == {"model": alone.pop("model"), "answers": [alone]}


def test_invalid_item_has_a_problem_and_the_others_have_results(
    client: TestClient,
) -> None:
    items = [{"text": CRUDE}, {"text": " "}, TYPED, {"text": "a" * (LIMIT + 1)}, {"text": EARN}]
    response = post(client, {"items": items})
    assert response.status_code == 200
    assert TYPED not in response.text
    first, blank, no_object, too_long, last = response.json()["answers"]
    assert (first["topic"], last["topic"]) == ("crude", "earn")
    assert blank["status"] == 422
    assert [error["field"] for error in blank["errors"]] == ["items[1].text", "items[1].title"]
    assert no_object["detail"] == 'items[2]: Expected an object with "text"'
    assert too_long["detail"].startswith("items[3]: Expected at most ")
    assert (too_long["status"], too_long["type"].rsplit(":")[-1]) == (413, "too-large")
    BatchResponse.model_validate(response.json())


@pytest.mark.parametrize(
    ("item", "status"),
    [
        ({"text": ""}, 422),
        ({"text": "a" * (LIMIT + 1)}, 413),
        ({"title": "a" * (LIMIT + 1)}, 413),
        ({}, 422),
    ],
)
def test_without_a_valid_item_it_fails_as_the_first_alone(
    client: TestClient, item: dict[str, str], status: int
) -> None:
    alone = client.post("/classify", json=item)
    batch = post(client, {"items": [item, {"text": 3}]})
    assert batch.status_code == alone.status_code == status
    assert batch.json()["type"] == alone.json()["type"]
    assert "items[0]" in batch.json()["detail"]


@pytest.mark.parametrize(
    ("items", "detail"),
    [
        (["a", "b"], 'items[0]: Expected an object with "text"'),
        ([["a"]], 'items[0]: Expected an object with "text"'),
        ([{"text": 3}], "items[0].text: Input should be a valid string"),
        (
            [{"txt": TYPED}],
            'items[0]: Expected no other fields than text, title, got "txt" (did you mean "text"?)',
        ),
        (
            [{f"a \u202e{'x' * 99}": TYPED, "b": 0, "c": 0, "d": 0}],
            "items[0]: Expected no other fields than text, title, "
            f'got "a \\u202e{"x" * 37}...", "b", "c" and 1 more',
        ),
        ([{str(n): 0 for n in range(65)}], "items[0]: Expected no other fields than text, title"),
    ],
)
def test_an_item_is_named_by_its_place(client: TestClient, items: list[Any], detail: str) -> None:
    problem = assert_problem(post(client, {"items": items}), 422, "invalid-request")
    assert problem["detail"].startswith(detail)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"items": []}, "items"),
        ({"items": [{"text": "a"}] * (MAX_ITEMS + 1)}, "items"),
        ({"items": {"text": "a"}}, "items"),
        ({"items": "ab"}, "items"),
        ({}, "items"),
        (["a", "b"], "body"),
        ({"items": [{"text": "a"}], "top_k": 47}, "top_k"),
        ({"items": [{"text": "a"}], "text": "a"}, "body"),
    ],
)
def test_not_a_batch(client: TestClient, body: Any, field: str) -> None:
    problem = assert_problem(post(client, body), 422, "invalid-request")
    assert [error["field"] for error in problem["errors"]] == [field]


def test_not_json(client: TestClient) -> None:
    response = client.post(
        "/classify/batch", content=b"{", headers={"content-type": "application/json"}
    )
    assert_problem(response, 400, "malformed-body")


def test_each_text_is_counted(client: TestClient, registry: CollectorRegistry) -> None:
    post(client, {"items": [{"text": CRUDE}, {"text": EARN}, {"text": ""}]})

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, labels)

    assert value("newswire_predictions_total", topic="crude") == 1
    assert value("newswire_predictions_total", topic="earn") == 1
    assert value("newswire_encode_duration_seconds_count") == 2
    assert value("newswire_inference_duration_seconds_count") == 2
    assert value("newswire_batch_size_sum") == 3
    route = {"route": "/classify/batch", "status": "200"}
    assert value("newswire_http_requests_total", **route) == 1


def test_written_schema_is_the_declared_one(client: TestClient) -> None:
    """The answers are not validated when they are written, so they are here."""
    answer = client.post("/classify", json={"text": CRUDE, "min_confidence": 1, "explain": True})
    written = ClassifyResponse.model_validate_json(answer.content)
    assert json.loads(written.model_dump_json(exclude_unset=True)) == answer.json()
