from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi.testclient import TestClient

from service.settings import ServiceSettings

BLANK = "Expected a text or a title that is not only white space, got "
TEXT = "OPEC ministers agreed to cut crude oil output."


@pytest.fixture
def settings() -> ServiceSettings:
    return ServiceSettings(max_text_bytes=300)


def ask(
    client: TestClient, body: bytes | str, query: str = "", content_type: str = "text/plain"
) -> Any:
    return client.post(f"/classify?{query}", content=body, headers={"content-type": content_type})


@pytest.mark.parametrize(
    "content_type", ["text/plain", "Text/Plain; charset=UTF-8", 'text/plain;charset="us-ascii"']
)
@pytest.mark.parametrize("options", [{}, {"title": "Öl & more", "top_k": 2, "min_confidence": 1}])
def test_response_equals_that_of_the_same_text_in_json(
    client: TestClient, content_type: str, options: dict[str, Any]
) -> None:
    plain = ask(client, TEXT, urlencode(options), content_type)
    assert plain.status_code == 200
    assert plain.json() == client.post("/classify", json={"text": TEXT, **options}).json()


@pytest.mark.parametrize("body", [b"", b" \n", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("options", [{}, {"explain": True}])
def test_the_body_may_be_empty_if_there_is_a_title(
    client: TestClient, body: bytes, options: dict[str, Any]
) -> None:
    plain = ask(client, body, urlencode({"title": "Gold prices rise", **options}))
    assert plain.status_code == 200
    assert plain.json()["topic"] == "gold"
    request = {"title": "Gold prices rise", **options}
    assert plain.json() == client.post("/classify", json=request).json()


def test_it_can_be_explained(client: TestClient) -> None:
    assert ask(client, TEXT, "explain=true").json()["explanation"]["words"][0]["word"] == "OPEC"
    assert "explanation" not in ask(client, TEXT, "explain=false").json()


def test_a_byte_order_mark_is_no_text(client: TestClient) -> None:
    answer = ask(client, b"\xef\xbb\xbf" + TEXT.encode(), "explain=1").json()
    first = answer["explanation"]["words"][0]
    assert (first["word"], first["start"], first["end"]) == ("OPEC", 0, 4)


@pytest.mark.parametrize(
    ("body", "query", "status", "detail"),
    [
        (b"\xff\xfe", "", 400, "Expected text in UTF-8."),
        (b"", "", 422, f"text, title: {BLANK}nothing"),
        (b" \n", "", 422, f"text, title: {BLANK}only white space"),
        (b"", "title=%20", 422, f"text, title: {BLANK}only white space"),
        (b"", "title=" + "a" * 301, 413, "Expected at most 300 bytes of text"),
        (b"a" * 301, "", 413, "Expected at most 300 bytes of text"),
        (TEXT, "top_k=many", 422, "top_k: Input should be a valid integer"),
        (TEXT, "top_k=47", 422, "top_k: Input should be less than or equal to 46"),
        (TEXT, "explain=perhaps", 422, "explain: Input should be a valid boolean"),
        (TEXT, "all_topics=perhaps", 422, "all_topics: Input should be a valid boolean"),
        (TEXT, "author=zebra", 422, "Expected no other fields than top_k, min_confidence, explain"),
        (TEXT, "top_k=1&top_k=2", 422, "query: Expected each option once"),
        (TEXT, "min_confidence=nan", 422, "min_confidence: Input should be a finite number"),
    ],
)
def test_error_message_says_what_is_wrong(
    client: TestClient, body: bytes | str, query: str, status: int, detail: str
) -> None:
    problem = ask(client, body, query)
    assert problem.status_code == status
    assert detail in problem.json()["detail"]
    assert "zebra" not in problem.text


@pytest.mark.parametrize("charset", ["utf-16", '"UTF-16"', "iso-8859-1"])
def test_another_character_set_is_refused(client: TestClient, charset: str) -> None:
    body = TEXT.encode(charset.strip('"'))
    rejected = ask(client, body, content_type=f"text/plain; charset={charset}")
    assert rejected.status_code == 415
    assert rejected.json()["detail"] == (
        "Expected a body in UTF-8: charset=utf-8, charset=us-ascii or no charset in "
        "Content-Type: text/plain. Convert the text to UTF-8."
    )


def test_a_text_that_is_not_utf_8_is_not_called_json(client: TestClient) -> None:
    rejected = ask(client, TEXT.encode("utf-16"))
    assert rejected.status_code == 400
    assert "JSON" not in rejected.text


def test_an_unknown_option_is_named(client: TestClient) -> None:
    assert ask(client, TEXT, "topk=1").json()["detail"] == (
        "query: Expected no other fields than top_k, min_confidence, explain, all_topics, "
        "subjects, title, "
        'got "topk" (did you mean "top_k"?)'
    )
    many = "&".join(f"{number}=1" for number in range(2_000))
    assert ask(client, TEXT, many).json()["detail"] == (
        "query: Expected no other fields than top_k, min_confidence, explain, all_topics, "
        "subjects, title"
    )


def test_batches_are_json(client: TestClient) -> None:
    rejected = client.post("/classify/batch", content=TEXT, headers={"content-type": "text/plain"})
    assert rejected.status_code == 415
    assert rejected.json()["detail"] == "Expected a body with Content-Type: application/json."


def test_it_is_described_in_openapi(client: TestClient) -> None:
    operation = client.get("/openapi.json").json()["paths"]["/classify"]["post"]
    assert set(operation["requestBody"]["content"]) == {"application/json", "text/plain"}
    names = {parameter["name"]: parameter for parameter in operation["parameters"]}
    assert set(names) == {"title", "top_k", "min_confidence", "explain", "all_topics", "subjects"}
    assert names["top_k"]["schema"]["maximum"] == 46
