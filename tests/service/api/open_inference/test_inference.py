"""What is asked over HTTP, without a client of the protocol."""

import gzip
import json
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from service.api.open_inference.datatypes import pack_elements, unpack_elements
from service.api.open_inference.model import OPTIONAL, OUTPUTS
from service.api.open_inference.schemas import InferResponse
from service.settings import ServiceSettings
from tests.conftest import LATEST
from tests.service.api.routes.test_classify_batch import CRUDE, EARN

LIMIT = 300
MAX_ITEMS = 5
INFER = "/v2/models/reuters/infer"
HEADER_LENGTH = "inference-header-content-length"
SENT = "never repeated"
BLANK = "Expected a text or a title that is not only white space, got "
GOLD = "Gold prices rise"


@pytest.fixture
def settings() -> ServiceSettings:
    return ServiceSettings(max_text_bytes=LIMIT, max_batch_size=MAX_ITEMS)


def tensor(data: Sequence[Any], name: str = "text", **fields: Any) -> dict[str, Any]:
    return {"name": name, "shape": [len(data)], "datatype": "BYTES", "data": list(data)} | fields


def binary_tensor(size: int, n_texts: int, name: str = "text") -> dict[str, Any]:
    parameters = {"binary_data_size": size}
    return {"name": name, "shape": [n_texts], "datatype": "BYTES", "parameters": parameters}


def ask(client: TestClient, *inputs: dict[str, Any], **fields: Any) -> Any:
    return client.post(INFER, json={"inputs": inputs, **fields})


def ask_binary(client: TestClient, head: Any, data: bytes, length: Any = None) -> Any:
    text = json.dumps(head).encode()
    headers = {HEADER_LENGTH: str(len(text) if length is None else length)}
    return client.post(INFER, content=text + data, headers=headers)


def by_name(response: Any) -> dict[str, Any]:
    """Give the data of each output, row by row."""
    assert response.status_code == 200, response.text
    answer = InferResponse.model_validate_json(response.content)
    return {item.name: np.array(item.data).reshape(item.shape).tolist() for item in answer.outputs}


def assert_error(response: Any, status: int, sentence: str) -> None:
    assert (response.status_code, response.json()) == (status, {"error": sentence})
    assert SENT not in response.text


def test_results_equal_those_of_a_batch(client: TestClient) -> None:
    texts, titles = [CRUDE, EARN, "oil", "? zzz"], ["", "Profit", "", ""]
    options = {"top_k": 2, "min_confidence": 0.9}
    answered = ask(client, tensor(texts), tensor(titles, "title"), parameters=options)
    outputs = by_name(answered)
    items = [{"text": a, "title": b or None} for a, b in zip(texts, titles, strict=True)]
    batch = client.post("/classify/batch", json={"items": items, **options}).json()["answers"]
    assert outputs.keys() == OUTPUTS.keys() - {*OPTIONAL}
    for row, answer in enumerate(batch):
        assert outputs["topic"][row] == [topic["topic"] for topic in answer["topics"]]
        expected = pytest.approx([topic["score"] for topic in answer["topics"]], abs=1e-6)
        assert outputs["score"][row] == expected
        assert outputs["known_words"][row] == pytest.approx(answer["known_words"], abs=1e-6)
        assert outputs["abstained"][row] == (answer["abstained"] or "")
        total = sum(outputs["probabilities"][row]) + outputs["no_topic"][row]
        assert total == pytest.approx(1, abs=1e-4)
        assert outputs["no_topic"][row] == pytest.approx(answer["no_topic"], abs=1e-6)
        assert max(outputs["probabilities"][row]) == outputs["score"][row][0]
        assert len(outputs["probabilities"][row]) == 46
    assert set(outputs["abstained"]) >= {"", "too_few_known_words"}


@pytest.mark.parametrize(
    "given",
    [
        tensor([CRUDE, EARN], shape=[2, 1]),
        tensor([[CRUDE], [EARN]], shape=[2, 1]),
        tensor([[CRUDE], [EARN]]),
        tensor([CRUDE, EARN], parameters={"content_type": "str"}, unknown=1),
        tensor([CRUDE, EARN], parameters=None),
    ],
)
def test_ways_of_writing_texts(client: TestClient, given: dict[str, Any]) -> None:
    answered = by_name(ask(client, given, parameters={"top_k": 1, "priority": 1}, outputs=None))
    assert answered["topic"] == [["crude"], ["earn"]]


@pytest.mark.parametrize("text", [None, "", " \n"])
@pytest.mark.parametrize("binary", [False, True])
def test_a_title_is_enough(client: TestClient, text: str | None, *, binary: bool) -> None:
    columns = {"title": [GOLD, "Ölpreis"]} | ({} if text is None else {"text": [text, CRUDE]})
    if binary:
        data = {
            name: pack_elements(item.encode() for item in items) for name, items in columns.items()
        }
        head = {"inputs": [binary_tensor(len(part), 2, name) for name, part in data.items()]}
        response = ask_binary(client, head, b"".join(data.values()))
    else:
        response = ask(client, *(tensor(items, name) for name, items in columns.items()))
    found = by_name(response)
    lines = [GOLD, "Ölpreis" if text is None else f"Ölpreis\n{CRUDE}"]
    expected = by_name(ask(client, tensor(lines)))
    assert found["topic"] == expected["topic"]
    assert found["topic"][0][0] == "gold"
    for name in ("score", "probabilities"):
        assert np.array(found[name]) == pytest.approx(np.array(expected[name]), abs=1e-6)


@pytest.mark.parametrize("media_type", ["application/json", "application/octet-stream", None])
def test_binary_both_ways(client: TestClient, media_type: str | None) -> None:
    texts, titles = (
        pack_elements([CRUDE.encode(), "Ölpreis €".encode()]),
        pack_elements([b"", b"a"]),
    )
    head = {
        "inputs": [binary_tensor(len(titles), 2, "title"), binary_tensor(len(texts), 2)],
        "outputs": [
            {"name": "probabilities"},
            {"name": "topic"},
            {"name": "score", "parameters": {"binary_data": False}},
        ],
        "parameters": {"binary_data_output": True},
        "id": "42",
    }
    text = json.dumps(head).encode()
    headers = {HEADER_LENGTH: str(len(text))} | ({"content-type": media_type} if media_type else {})
    response = client.post(INFER, content=text + titles + texts, headers=headers)
    assert response.headers["content-type"] == "application/octet-stream"
    length = int(response.headers[HEADER_LENGTH])
    answer = json.loads(response.content[:length])
    assert (answer["id"], answer["model_name"]) == ("42", "reuters")
    assert answer["model_version"] == LATEST.name
    probabilities, topic, score = answer["outputs"]
    sizes = [item["parameters"]["binary_data_size"] for item in (probabilities, topic)]
    assert (sizes[0], sum(sizes)) == (2 * 46 * 4, len(response.content) - length)
    assert "data" not in topic
    elements = unpack_elements(memoryview(response.content)[length + sizes[0] :])
    plain = by_name(ask(client, tensor([CRUDE, "Ölpreis €"]), tensor(["", "a"], "title")))
    assert [item.decode() for item in elements] == [*chain(*plain["topic"])]
    assert score["data"] == pytest.approx([*chain(*plain["score"])], abs=1e-6)
    values = np.frombuffer(response.content, "<f4", 2 * 46, length).reshape(2, 46)
    assert values == pytest.approx(np.array(plain["probabilities"]), abs=1e-6)


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ({}, 422, "inputs: Field required"),
        (
            {"inputs": []},
            400,
            "inputs: expected text, title or both, each once, and no other.",
        ),
        (
            {"inputs": [tensor(["a"]), tensor(["a"], SENT)]},
            400,
            "inputs: expected text, title or both, each once, and no other.",
        ),
        (
            {"inputs": [tensor(["a"]), tensor(["a"])]},
            400,
            "inputs: expected text, title or both, each once, and no other.",
        ),
        (
            {"inputs": [tensor(["a"]), tensor(["a", "b"], "title")]},
            400,
            "title: expected 1 elements, as text has, got 2.",
        ),
        (
            {"inputs": [tensor(["a"], datatype="FP32")]},
            400,
            "text: expected datatype BYTES, got FP32.",
        ),
        (
            {"inputs": [tensor(["a"], datatype=SENT)]},
            400,
            "text: expected datatype BYTES, got another.",
        ),
        (
            {"inputs": [tensor(["a"], shape=[3])]},
            400,
            "text: expected 3 elements, as its shape says, got 1.",
        ),
        (
            {"inputs": [tensor(["a"], shape=[2**62])]},
            422,
            f"text: Input should have at most {MAX_ITEMS} items",
        ),
        (
            {"inputs": [tensor(["a"], shape=[-1])]},
            400,
            "text: expected shape [n] or [n, 1] with n of at least 1, got [-1].",
        ),
        (
            {"inputs": [tensor(["a"], shape=[1, -(10**1000)])]},
            400,
            "text: expected shape [n] or [n, 1] with n of at least 1, got other numbers.",
        ),
        (
            {"inputs": [tensor([], shape=[])]},
            400,
            "text: expected shape [n] or [n, 1] with n of at least 1, got [].",
        ),
        (
            {"inputs": [tensor([], shape=[1, 2])]},
            400,
            "text: expected shape [n] or [n, 1] with n of at least 1, got [1, 2].",
        ),
        (
            {"inputs": [tensor(["a"] * (MAX_ITEMS + 1))]},
            422,
            f"text: Input should have at most {MAX_ITEMS} items",
        ),
        (
            {"inputs": [tensor(["a", 3])]},
            400,
            "text[1]: expected a string, flat or in a list of its own.",
        ),
        (
            {"inputs": [tensor([["a", "b"]])]},
            400,
            "text[0]: expected a string, flat or in a list of its own.",
        ),
        (
            {"inputs": [tensor(["a"]) | {"data": None}]},
            400,
            "text: expected either data or the parameter binary_data_size.",
        ),
        (
            {"inputs": [tensor(["a"], parameters={"binary_data_size": 0})]},
            400,
            "text: expected either data or the parameter binary_data_size.",
        ),
        (
            {"inputs": [binary_tensor(7, 1)]},
            400,
            "Expected 7 bytes after the JSON, as binary_data_size of the inputs says, got 0; "
            "Inference-Header-Content-Length says where the JSON ends.",
        ),
        (
            {"inputs": [binary_tensor(10**30, 1)]},
            400,
            "Expected more bytes after the JSON, as binary_data_size of the inputs says, got 0; "
            "Inference-Header-Content-Length says where the JSON ends.",
        ),
        (
            {"inputs": [tensor(["a", " "])]},
            422,
            f"text[1], title[1]: {BLANK}only white space",
        ),
        (
            {"inputs": [tensor(["", "a"]), tensor(["a", ""], "title"), tensor(["b"], SENT)]},
            400,
            "inputs: expected text, title or both, each once, and no other.",
        ),
        (
            {"inputs": [tensor(["a", "", "b"]), tensor(["", "", "b"], "title")]},
            422,
            f"text[1], title[1]: {BLANK}nothing",
        ),
        (
            {"inputs": [tensor(["a", " "], "title")]},
            422,
            f"text[1], title[1]: {BLANK}only white space",
        ),
        (
            {"inputs": [tensor(["a", "c" * (LIMIT + 1)], "title")]},
            413,
            f"title[1]: Expected at most {LIMIT} bytes of text, title included, in UTF-8.",
        ),
        (
            {"inputs": [tensor(["a"] * (MAX_ITEMS + 1), "title")]},
            422,
            f"title: Input should have at most {MAX_ITEMS} items",
        ),
        (
            {"inputs": [tensor(["a", "b"]), tensor(["c" * LIMIT, ""], "title")]},
            413,
            f"text[0]: Expected at most {LIMIT} bytes of text, title included, in UTF-8.",
        ),
        (
            {"inputs": [tensor(["a"])], "outputs": [{"name": SENT}]},
            400,
            f"outputs: expected some of {', '.join(OUTPUTS)}, each once.",
        ),
        (
            {"inputs": [tensor(["a"])], "outputs": [{"name": "topic"}] * 2},
            400,
            f"outputs: expected some of {', '.join(OUTPUTS)}, each once.",
        ),
        (
            {"inputs": [tensor(["a"])], "parameters": {"top_k": 47}},
            422,
            "top_k: Input should be less than or equal to 46",
        ),
        (
            {"inputs": [tensor(["a"])], "parameters": {"top_k": SENT}},
            422,
            "parameters.top_k: Input should be a valid integer",
        ),
        (
            {"inputs": [{}] * 400},
            422,
            "inputs[0].name, inputs[0].shape, inputs[0].datatype: Field required",
        ),
        (
            {"inputs": [tensor(["a"])] * 20},
            422,
            "inputs: List should have at most 9 items after validation, not 20",
        ),
    ],
)
def test_invalid_tensors_are_rejected(
    client: TestClient, body: Any, status: int, sentence: str
) -> None:
    assert_error(client.post(INFER, json=body), status, sentence)


@pytest.mark.parametrize(
    ("data", "n_texts", "sentence"),
    [
        (b"\x01\0\0\0ab", 1, "text[1]: expected the element's length in 4 bytes, got 1."),
        (b"\x03\0\0\0ab", 1, "text[0]: expected 3 bytes, got 2."),
        (b"\x01\0\0\0a", 2, "text: expected 2 elements, as its shape says, got 1."),
        (b"\0" * 400, 1, "text: expected 1 elements, as its shape says, got more."),
        (
            b"\3\0\0\0oil\1\0\0\0\xff",  # the surplus one is not UTF-8
            1,
            "text: expected 1 elements, as its shape says, got more.",
        ),
        (b"", 1, "text: expected 1 elements, as its shape says, got 0."),
        (
            b"\x01\0\0\0a\x02\0\0\0b\xff",
            2,
            "text[1]: expected UTF-8, got something else at byte 1.",
        ),
    ],
)
def test_binary_data_that_are_not_texts(
    client: TestClient, data: bytes, n_texts: int, sentence: str
) -> None:
    head = {"inputs": [binary_tensor(len(data), n_texts)]}
    assert_error(ask_binary(client, head, data), 400, sentence)


@pytest.mark.parametrize("length", ["-1", "x", "", "1" * 5000, "٣", "9" * 19])
def test_a_header_length_that_cannot_be(client: TestClient, length: str) -> None:
    came = str(10**19 - 1) if length == "9" * 19 else "no such number"
    headers = {HEADER_LENGTH.encode(): length.encode()}
    assert_error(
        client.post(INFER, content=b"{}", headers=headers),
        400,
        "Expected Inference-Header-Content-Length to say how many of the body's 2 bytes are JSON, "
        f"got {came}.",
    )


def test_bytes_that_belong_to_no_input(client: TestClient) -> None:
    response = ask_binary(client, {"inputs": [tensor(["a"])]}, b"abc")
    assert response.status_code == 400
    assert response.json()["error"].startswith("Expected 0 bytes after the JSON")


def test_not_json(client: TestClient) -> None:
    ours = client.post(
        "/classify", content=b"{", headers={"content-type": "application/json"}
    ).json()
    assert_error(client.post(INFER, content=b"{"), 400, ours["detail"])


def test_a_body_that_is_too_long(client: TestClient) -> None:
    response = client.post(INFER, content=b" " * 10_000)
    sentence = f"Expected at most {LIMIT} bytes of text, title included, in UTF-8."
    assert_error(response, 413, sentence)


def test_compressed_or_other_media_types_are_rejected(client: TestClient) -> None:
    body = gzip.compress(json.dumps({"inputs": [tensor(["a"])]}).encode())
    response = client.post(INFER, content=body, headers={"content-encoding": "gzip"})
    assert_error(response, 415, "Expected a body that is not compressed.")
    response = client.post(INFER, content=b"a", headers={"content-type": "text/plain"})
    expected = "Expected a body with Content-Type: application/json or application/octet-stream."
    assert_error(response, 415, expected)


def test_half_of_a_surrogate_pair_is_a_question_mark(client: TestClient) -> None:
    body = json.dumps({"inputs": [tensor([CRUDE + "\ud83d"])], "id": "a\ud83d"})
    response = client.post(INFER, content=body.encode())
    assert by_name(response)["topic"][0][0] == "crude"
    assert response.json()["id"] == "a?"


def test_each_text_and_request_is_counted(client: TestClient, registry: CollectorRegistry) -> None:
    ask(client, tensor([CRUDE, EARN]))
    ask(client, tensor([" "]))
    client.get("/v2/models/other")

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, labels)

    assert value("newswire_predictions_total", topic="crude") == 1
    assert value("newswire_encode_duration_seconds_count") == 2
    assert value("newswire_batch_size_sum") == 2
    route = "/v2/models/{name}/infer"
    assert value("newswire_http_requests_total", route=route, status="200") == 1
    assert value("newswire_http_requests_total", route=route, status="422") == 1
    route = "/v2/models/{name}"
    assert value("newswire_http_requests_total", route=route, status="404") == 1


@pytest.mark.parametrize("binary", [False, True])
def test_classes_are_strings_as_triton_writes_them(client: TestClient, *, binary: bool) -> None:
    """Triton's classification extension: ``value:index:label``, the highest first."""
    texts = ["Crude oil rose a dlr.", "Net profit rose to 12 mln dlrs."]
    topics = [topic["topic"] for topic in client.get("/topics").json()["topics"]]
    as_numbers = by_name(ask(client, tensor(texts), outputs=[{"name": "probabilities"}]))
    output = {"name": "probabilities", "parameters": {"classification": 3, "binary_data": binary}}
    response = ask(client, tensor(texts), outputs=[output])
    if binary:
        length = int(response.headers[HEADER_LENGTH])
        (described,) = json.loads(response.content[:length])["outputs"]
        elements = unpack_elements(memoryview(response.content)[length:])
        found = np.array([element.decode() for element in elements]).reshape(described["shape"])
    else:
        (described,) = response.json()["outputs"]
        found = np.array(described["data"]).reshape(described["shape"])
    assert (described["name"], described["datatype"]) == ("probabilities", "BYTES")
    assert described["shape"] == [2, 3]
    for row, values in zip(found.tolist(), as_numbers["probabilities"], strict=True):
        best = sorted(range(len(values)), key=lambda index: (-values[index], index))[:3]
        assert row == [f"{values[index]:f}:{index}:{topics[index]}" for index in best]


@pytest.mark.parametrize(("asked", "came"), [(1, 1), (46, 46), (1_000, 46)])
def test_no_more_classes_than_there_are(client: TestClient, asked: int, came: int) -> None:
    output = {"name": "probabilities", "parameters": {"classification": asked}}
    (rows,) = by_name(ask(client, tensor(["Oil rose."]), outputs=[output]))["probabilities"]
    assert len(rows) == came


def test_no_classes_are_the_numbers(client: TestClient) -> None:
    output = {"name": "probabilities", "parameters": {"classification": 0}}
    (row,) = by_name(ask(client, tensor(["Oil rose."]), outputs=[output]))["probabilities"]
    assert sum(row) <= 1 + 1e-6


ENCODED = tensor(["R29sZCByb3NlLg=="])


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"inputs": [ENCODED | {"parameters": {"content_type": "base64"}}]},
            "text: expected content_type str, or none: send texts as they are, in UTF-8.",
        ),
        (
            {"inputs": [ENCODED | {"parameters": {"content_type": ["str"]}}]},
            "text: expected content_type str, or none: send texts as they are, in UTF-8.",
        ),
        (
            {"parameters": {"content_type": "base64"}},
            "parameters: expected content_type str or pd, or none: "
            "send texts as they are, in UTF-8.",
        ),
        (
            {"outputs": [{"name": "topic", "parameters": {"content_type": "base64"}}]},
            "topic: expected content_type str, or none: send texts as they are, in UTF-8.",
        ),
        (
            {
                "inputs": [
                    {
                        "name": "text",
                        "shape": [1],
                        "datatype": "BYTES",
                        "parameters": {"shared_memory_region": "r", "shared_memory_byte_size": 9},
                    }
                ]
            },
            "text: expected no shared memory, which is not served; send the data in the request.",
        ),
        (
            {"outputs": [{"name": "score", "parameters": {"shared_memory_region": "r"}}]},
            "score: expected no shared memory, which is not served; send the data in the request.",
        ),
        (
            {"outputs": [{"name": "score", "parameters": {"classification": 3}}]},
            "score: expected the parameter classification of probabilities or "
            "topic_probabilities alone.",
        ),
        (
            {"parameters": {"explain": True}},
            "parameters: expected explain to be false or absent; POST /classify explains a text.",
        ),
    ],
)
def test_parameters_that_change_the_meaning_are_rejected(
    client: TestClient, fields: dict[str, Any], sentence: str
) -> None:
    response = client.post(INFER, json={"inputs": [ENCODED]} | fields)
    assert (response.status_code, response.json()) == (400, {"error": sentence})


def test_parameters_without_effect_are_accepted(client: TestClient) -> None:
    given = tensor(["Oil rose."], parameters={"content_type": "str", "mine": 1})
    response = ask(
        client,
        given,
        parameters={"content_type": "pd", "explain": False, "priority": 3, "timeout": 5},
        outputs=[{"name": "topic", "parameters": {"content_type": "str"}}],
    )
    assert by_name(response).keys() == {"topic"}
