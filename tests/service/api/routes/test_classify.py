import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from service.app import create_app
from service.model import InferenceError, TopicClassifier, load_bundle
from service.settings import ServiceSettings
from tests.conftest import LATEST

CRUDE = "OPEC ministers agreed to cut crude oil production; prices rose a dlr a barrel."
GOLD = "Gold prices rise"
TYPED = "zebra-secret"
LIMIT = 300


@pytest.fixture
def settings() -> ServiceSettings:
    return ServiceSettings(max_text_bytes=LIMIT)


def post(client: TestClient, content: Any, content_type: str | None = "application/json") -> Any:
    body = content if isinstance(content, bytes | str) else json.dumps(content)
    headers = {"content-type": content_type} if content_type else {}
    return client.post("/classify", content=body, headers=headers)


def assert_problem(response: Any, status: int, slug: str) -> dict[str, Any]:
    """Every error looks the same, and repeats nothing that the client sent."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["type"] == f"urn:newswire-topics:problem:{slug}"
    assert problem["title"]
    assert problem["detail"]
    assert TYPED not in response.text
    return problem


def test_returns_the_topics_of_a_text(client: TestClient) -> None:
    response = post(client, {"text": CRUDE, "top_k": 2})
    assert response.status_code == 200
    answer = response.json()
    assert answer["topic"] == "crude"
    assert answer["topics"][0] | {"score": None} == {
        "topic": "crude",
        "name": "Crude oil",
        "id": 16,
        "score": None,
    }
    assert len(answer["topics"]) == 2
    assert answer["topics"][0]["score"] > answer["topics"][1]["score"]
    assert answer["known_words"] > 0.9
    assert answer["model"] == {"name": "reuters", "version": LATEST.name}


def test_three_topics_by_default(client: TestClient) -> None:
    assert len(post(client, {"text": CRUDE}).json()["topics"]) == 3


def test_every_topic_can_be_had(client: TestClient) -> None:
    answer = post(client, {"text": CRUDE, "top_k": 46}).json()
    topics = answer["topics"]
    assert sorted(topic["id"] for topic in topics) == list(range(46))
    total = answer["no_topic"] + sum(topic["score"] for topic in topics)
    assert total == pytest.approx(1, abs=1e-5)


def test_below_the_callers_confidence_it_abstains(client: TestClient) -> None:
    answer = post(client, {"text": CRUDE, "min_confidence": 0}).json()
    assert answer["abstained"] is None
    score = answer["topics"][0]["score"]
    assert score < 1
    assert post(client, {"text": CRUDE, "min_confidence": score}).json()["abstained"] is None
    unsure = post(client, {"text": CRUDE, "min_confidence": 1}).json()
    assert unsure == answer | {"abstained": "low_confidence"}


def test_the_title_counts_as_text(client: TestClient) -> None:
    joined = post(client, {"text": f"Crude oil\n{CRUDE}"}).json()
    assert post(client, {"text": CRUDE, "title": "Crude oil"}).json() == joined
    assert (
        post(client, {"text": CRUDE, "title": None}).json() == post(client, {"text": CRUDE}).json()
    )


@pytest.mark.parametrize("body", [b"\xef\xbb\xbf" + b'{"text": "oil"}', b'{"text": "oil\\ud83d"}'])
def test_unusual_json_is_accepted(client: TestClient, body: bytes) -> None:
    assert post(client, body).json() == post(client, {"text": "oil"}).json()


def test_three_may_be_written_with_a_point(client: TestClient) -> None:
    assert len(post(client, b'{"text": "oil", "top_k": 2.0}').json()["topics"]) == 2


def test_a_slash_too_many_is_no_redirect(client: TestClient) -> None:
    """It would name the Host that the caller sent."""
    response = client.post("/classify/", json={"text": "oil"}, follow_redirects=False)
    assert response.status_code == 404


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=utf-8",
        'Application/JSON;x="; charset=utf-16" ; CHARSET="UTF-8"',
        "application/json;charset=US-ASCII",
        "application/json;",
    ],
)
def test_ways_of_saying_json(client: TestClient, content_type: str) -> None:
    assert post(client, {"text": CRUDE}, content_type).status_code == 200


@pytest.mark.parametrize("path", ["/classify", "/classify/batch", "/v2/models/reuters/infer"])
@pytest.mark.parametrize(
    "charset", ["utf-16", '"UTF-16LE"', "ISO-8859-1", "windows-1252", "utf-8;charset=utf-16", '""']
)
def test_another_character_set_is_refused(client: TestClient, path: str, charset: str) -> None:
    headers = {"content-type": f"application/json; Charset={charset}"}
    answer = client.post(path, content=b"{}", headers=headers)
    assert answer.status_code == 415
    expected = "Expected a body in UTF-8: charset=utf-8, charset=us-ascii or no charset"
    assert expected in (answer.json().get("detail") or answer.json()["error"])


@pytest.mark.parametrize("path", ["/classify", "/classify/batch", "/v2/models/reuters/infer"])
def test_options_of_a_json_body_are_not_in_the_query(client: TestClient, path: str) -> None:
    """There they would mean nothing, so they are not taken in silence."""
    bodies = {
        "/classify": {"text": CRUDE},
        "/classify/batch": {"items": [{"text": CRUDE}]},
        "/v2/models/reuters/infer": {
            "inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": [CRUDE]}]
        },
    }
    answer = client.post(f"{path}?top_k=1", json=bodies[path])
    assert answer.status_code == 422
    sentence = answer.json().get("detail") or answer.json()["error"]
    assert sentence == "query: Expected no query with this body. Put the options into the body."
    assert client.post(f"{path}?", json=bodies[path]).status_code == 200


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60).filter(lambda text: text and not text.isspace()))
def test_any_unicode_is_classified(client: TestClient, text: str) -> None:
    response = post(client, {"text": text})
    assert response.status_code == 200
    assert 0 <= response.json()["known_words"] <= 1


@pytest.mark.parametrize("text", ["qwrtz plmokn", "!!!", "\x00", "日本語", "\u200b"])
def test_text_without_a_known_word_is_classified(client: TestClient, text: str) -> None:
    response = post(client, {"text": text})
    assert response.status_code == 200
    assert response.json()["known_words"] == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"text": "zebra-secret',
        b'{"text": "\xff zebra-secret"}',
        b"{'text': 'zebra-secret'}",
        b"\xef\xbb\xbf{",
        b'{"text": ' + b"[" * 2_000,
    ],
)
def test_not_json(client: TestClient, body: bytes) -> None:
    problem = assert_problem(post(client, body), 400, "malformed-body")
    assert problem["detail"].startswith("Expected JSON in UTF-8. ")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": 3}, "text"),
        ({"text": ["a", "b"]}, "text"),
        ({"text": "a", "title": 3}, "title"),
        ({"text": 3, "title": "a"}, "text"),
        ({"headline": TYPED}, "body"),
        ({"text": "a", "top_k": 0}, "top_k"),
        ({"text": "a", "top_k": 47}, "top_k"),
        ({"text": "a", "top_k": -(10**30)}, "top_k"),
        ({"text": "a", "top_k": 1.5}, "top_k"),
        ({"text": "a", "top_k": "3"}, "top_k"),
        ({"text": "a", "top_k": True}, "top_k"),
        ({"text": "a", "top_k": None}, "top_k"),
        ({"text": "a", "min_confidence": 1.1}, "min_confidence"),
        ({"text": "a", "min_confidence": -0.1}, "min_confidence"),
        ({"text": "a", "min_confidence": "0.5"}, "min_confidence"),
        ({"text": "a", "min_confidence": float("nan")}, "min_confidence"),
        ({"text": "a", "headline": TYPED}, "body"),
        ({"text": "a", "headline": TYPED, "author": TYPED}, "body"),
        ([TYPED], "body"),
        (TYPED, "body"),
        ("3", "body"),
    ],
)
def test_not_a_request(client: TestClient, body: Any, field: str) -> None:
    content = json.dumps(body)
    problem = assert_problem(post(client, content), 422, "invalid-request")
    assert [error["field"] for error in problem["errors"]] == [field]
    assert problem["detail"] == f"{field}: {problem['errors'][0]['message']}"
    assert "Value error" not in problem["detail"]


@pytest.mark.parametrize("text", [{}, {"text": None}, {"text": ""}, {"text": " \n\t\u00a0"}])
@pytest.mark.parametrize("options", [{}, {"explain": True}])
def test_a_title_is_enough(
    client: TestClient, text: dict[str, Any], options: dict[str, Any]
) -> None:
    response = post(client, {**text, "title": GOLD, **options})
    assert response.status_code == 200
    answer, line = response.json(), post(client, {"text": GOLD, **options}).json()
    assert answer["topic"] == "gold"
    for word in answer.get("explanation", {}).get("words", []):
        assert word.pop("field") == "title"
    for word in line.get("explanation", {}).get("words", []):
        assert word.pop("field") == "text"
    assert answer == line


@pytest.mark.parametrize(
    ("body", "came"),
    [
        ({}, "nothing"),
        ({"top_k": 1}, "nothing"),
        ({"text": None}, "nothing"),
        ({"title": None}, "nothing"),
        ({"text": "", "title": ""}, "nothing"),
        ({"text": " \n\t\u00a0"}, "only white space"),
        ({"title": " "}, "only white space"),
        ({"text": "\u2028", "title": "\x1c"}, "only white space"),
    ],
)
def test_neither_text_nor_title(client: TestClient, body: dict[str, Any], came: str) -> None:
    problem = assert_problem(post(client, body), 422, "invalid-request")
    message = f"Expected a text or a title that is not only white space, got {came}"
    assert problem["errors"] == [{"field": name, "message": message} for name in ("text", "title")]
    assert problem["detail"] == f"text, title: {message}"


KNOWN = (
    "body: Expected no other fields than text, title, top_k, min_confidence, explain, all_topics, "
    "subjects"
)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"txt": TYPED}, f'{KNOWN}, got "txt" (did you mean "text"?)'),
        ({"Text": TYPED}, f'{KNOWN}, got "Text" (did you mean "text"?)'),
        ({"text": "a", "topK": 1}, f'{KNOWN}, got "topK" (did you mean "top_k"?)'),
        ({"text": "a", "": 1, '"\x1b[2J\u202e': 1}, f'{KNOWN}, got "", "\\"\\u001b[2J\\u202e"'),
        ({"text": "a", "b" * 41: 1}, f'{KNOWN}, got "{"b" * 40}..."'),
        (dict.fromkeys("abcde", TYPED), f'{KNOWN}, got "a", "b", "c" and 2 more'),
        ({f"{TYPED}{number}": 1 for number in range(70)}, KNOWN),
        ([TYPED], 'body: Expected an object with "text"'),
        (TYPED, 'body: Expected an object with "text"'),
    ],
)
def test_unknown_field_error_names_the_known_ones(
    client: TestClient, body: Any, detail: str
) -> None:
    problem = assert_problem(post(client, json.dumps(body)), 422, "invalid-request")
    assert problem["detail"] == detail


def test_every_wrong_field_is_named(client: TestClient) -> None:
    response = post(client, {"text": 1, "title": [TYPED], "top_k": TYPED})
    problem = assert_problem(response, 422, "invalid-request")
    assert [error["field"] for error in problem["errors"]] == ["text", "title", "top_k"]


@pytest.mark.parametrize("content_type", ["text/html", "application/xml", None, "", "json"])
def test_other_content_types(client: TestClient, content_type: str | None) -> None:
    response = post(client, {"text": CRUDE}, content_type)
    problem = assert_problem(response, 415, "unsupported-media-type")
    assert "application/json" in problem["detail"]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"text": "a" * LIMIT}, 200),
        ({"text": "a" * (LIMIT + 1)}, 413),
        ({"text": "é" * (LIMIT // 2)}, 200),
        ({"text": "é" * (LIMIT // 2) + "a"}, 413),
        ({"text": "a" * (LIMIT - 5), "title": "title"}, 200),
        ({"text": "a" * (LIMIT - 4), "title": "title"}, 413),
        ({"title": "a" * LIMIT}, 200),
        ({"title": "a" * (LIMIT + 1)}, 413),
        ({"text": "\x01" * LIMIT}, 200),  # six bytes each, as JSON
        ({"text": "a" * 100_000}, 413),
    ],
)
def test_the_limit_is_in_bytes_of_text(
    client: TestClient, request_: dict[str, str], status: int
) -> None:
    response = post(client, request_)
    assert response.status_code == status
    if status == 413:
        problem = assert_problem(response, 413, "too-large")
        assert problem["detail"].startswith(f"Expected at most {LIMIT} bytes")


def test_a_body_without_a_declared_length_is_counted_too(client: TestClient) -> None:
    chunks = (b"a" * 1000 for _ in range(100))
    response = client.post(
        "/classify", content=chunks, headers={"content-type": "application/json"}
    )
    assert_problem(response, 413, "too-large")


def test_failed_inference_reveals_nothing_of_the_text(
    settings: ServiceSettings, registry: CollectorRegistry
) -> None:
    class FailingClassifier(TopicClassifier):
        def infer(self, encoded: Any, output: str = "probabilities") -> Any:
            raise InferenceError("expected finite probabilities from the network, got NaN")

    failing = FailingClassifier(load_bundle(LATEST))
    client = TestClient(create_app(settings, failing, registry), raise_server_exceptions=False)
    assert_problem(post(client, {"text": TYPED}), 500, "inference-failed")


def test_bug_is_a_problem_too(settings: ServiceSettings, registry: CollectorRegistry) -> None:
    class BrokenClassifier(TopicClassifier):
        def infer(self, encoded: Any, output: str = "probabilities") -> Any:
            raise KeyError(TYPED)

    broken = BrokenClassifier(load_bundle(LATEST))
    client = TestClient(create_app(settings, broken, registry), raise_server_exceptions=False)
    assert_problem(post(client, {"text": TYPED}), 500, "internal-error")


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/zebra-secret", 404), ("GET", "/classify", 405)]
)
def test_other_addresses_and_methods(
    client: TestClient, method: str, path: str, status: int
) -> None:
    response = client.request(method, path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == status
    assert response.json()["detail"]
    assert TYPED not in response.text
    if status == 405:
        assert response.headers["allow"] == "POST"
