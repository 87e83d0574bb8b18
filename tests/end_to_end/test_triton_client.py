"""The stock client of the Open Inference Protocol, unchanged, asks the running service."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from tests.conftest import LATEST
from tests.end_to_end.running_service import RunningService
from tests.service.api.routes.test_classify_batch import CRUDE, EARN

MODEL, VERSION = "reuters", LATEST.name
TEXTS = [CRUDE, EARN, "Ölpreise steigen €"]


@pytest.fixture(scope="module")
def service() -> Iterator[RunningService]:
    with RunningService() as service:
        yield service


@pytest.fixture
def client(service: RunningService) -> Iterator[Any]:
    with triton.InferenceServerClient(f"127.0.0.1:{service.port}") as client:
        yield client


def tensor(texts: Sequence[str], name: str = "text", *, binary: bool = True) -> Any:
    values = np.array([text.encode() for text in texts], dtype=np.object_)
    given = triton.InferInput(name, list(values.shape), "BYTES")
    return given.set_data_from_numpy(values, binary_data=binary)


def strings(values: Any) -> Any:
    return [[item.decode() if isinstance(item, bytes) else item for item in row] for row in values]


def test_health(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(MODEL)
    assert client.is_model_ready(MODEL, VERSION)
    assert not client.is_model_ready(MODEL, f"{VERSION}0")
    assert not client.is_model_ready("other")


def test_metadata(client: Any) -> None:
    assert client.get_server_metadata()["extensions"] == [
        "binary_tensor_data",
        "classification",
    ]
    metadata = client.get_model_metadata(MODEL)
    assert metadata == client.get_model_metadata(MODEL, VERSION)
    assert [item["name"] for item in metadata["inputs"]] == ["text", "title"]
    assert metadata["versions"] == [VERSION]


@pytest.mark.parametrize("binary_input", [False, True])
@pytest.mark.parametrize("binary_output", [False, True, None])
@pytest.mark.parametrize("version", ["", VERSION])
def test_results_equal_those_of_classify(
    service: RunningService,
    client: Any,
    binary_input: bool,  # noqa: FBT001
    binary_output: bool | None,  # noqa: FBT001
    version: str,
) -> None:
    titles = ["", "Profit", ""]
    inputs = [tensor(titles, "title", binary=not binary_input), tensor(TEXTS, binary=binary_input)]
    wanted = [
        triton.InferRequestedOutput(name, binary_data=binary_output)
        for name in ("score", "topic", "probabilities")
    ]
    found = client.infer(
        MODEL,
        inputs,
        model_version=version,
        outputs=None if binary_output is None else wanted,
        request_id="a request",
        parameters={"top_k": 2},
    )
    assert found.get_response()["id"] == "a request"
    topics, scores = found.as_numpy("topic"), found.as_numpy("score")
    assert (scores.shape, scores.dtype) == ((3, 2), np.float32)
    assert found.as_numpy("probabilities").shape == (3, 46)
    assert (found.as_numpy("abstained") is not None) == (binary_output is None)
    for row, (text, title) in enumerate(zip(TEXTS, titles, strict=True)):
        asked = {"text": text, "title": title or None, "top_k": 2}
        expected = service.client.post("/classify", json=asked).json()["topics"]
        assert strings(topics)[row] == [topic["topic"] for topic in expected]
        assert scores[row].tolist() == pytest.approx([it["score"] for it in expected], abs=1e-6)


def test_a_column(client: Any) -> None:
    values = np.array([[CRUDE], [EARN]], dtype=np.object_)
    given = triton.InferInput("text", [2, 1], "BYTES").set_data_from_numpy(values)
    found = client.infer(MODEL, [given], parameters={"top_k": 1})
    assert strings(found.as_numpy("topic")) == [["crude"], ["earn"]]


@pytest.mark.parametrize("binary", [False, True])
def test_classes(client: Any, *, binary: bool) -> None:
    wanted = triton.InferRequestedOutput("probabilities", binary_data=binary, class_count=2)
    found = client.infer(MODEL, [tensor([CRUDE, EARN])], outputs=[wanted])
    classes = strings(found.as_numpy("probabilities"))
    assert [row[0].rpartition(":")[2] for row in classes] == ["crude", "earn"]
    assert [len(row) for row in classes] == [2, 2]


@pytest.mark.parametrize("binary", [False, True])
def test_titles_alone(client: Any, *, binary: bool) -> None:
    titles = tensor(["Gold prices rise", "OPEC raises output"], "title", binary=binary)
    blank = tensor(["", " "], binary=binary)
    for inputs in ([titles], [blank, titles]):
        found = client.infer(MODEL, inputs, parameters={"top_k": 1})
        assert strings(found.as_numpy("topic")) == [["gold"], ["crude"]]


def test_many_at_once(client: Any) -> None:
    pending = [client.async_infer(MODEL, [tensor([text] * 256)]) for text in (CRUDE, EARN)]
    crude, earn = (request.get_result().as_numpy("topic")[:, 0] for request in pending)
    assert (set(crude), set(earn)) == ({b"crude"}, {b"earn"})


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_compression(client: Any, algorithm: str) -> None:
    """An answer need not be compressed where a client would take it so; a request must not be."""
    found = client.infer(MODEL, [tensor(TEXTS)], response_compression_algorithm=algorithm)
    assert found.as_numpy("topic").shape == (3, 3)
    with pytest.raises(InferenceServerException, match="that is not compressed") as raised:
        client.infer(MODEL, [tensor(TEXTS)], request_compression_algorithm=algorithm)
    assert raised.value.status() == "415"


@pytest.mark.parametrize(
    ("model", "given", "sentence"),
    [
        ("other", tensor(TEXTS), f"Expected model {MODEL}, version {VERSION}: there is no other."),
        (MODEL, tensor(["a"] * 257), "text: Input should have at most 256 items"),
        (
            MODEL,
            tensor(["a", ""]),
            "text[1], title[1]: Expected a text or a title that is not only",
        ),
        (MODEL, tensor(["a"], "words"), "inputs: expected text, title or both, each once"),
    ],
)
def test_client_gets_the_error_message(client: Any, model: str, given: Any, sentence: str) -> None:
    with pytest.raises(InferenceServerException, match=re.escape(sentence)):
        client.infer(model, [given])


def test_client_gets_not_found(client: Any) -> None:
    with pytest.raises(InferenceServerException, match="Not found"):
        client.get_model_repository_index()
