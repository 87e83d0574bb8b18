"""The stock client of the Open Inference Protocol over gRPC passes the tests of that over HTTP."""

import re
from collections.abc import Iterator, Sequence
from queue import Queue
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException

from service.api.open_inference.model import OPTIONAL
from tests.conftest import LATEST
from tests.end_to_end.running_service import RunningService
from tests.end_to_end.test_triton_client import strings
from tests.ports import free_port
from tests.service.api.routes.test_classify_batch import CRUDE, EARN
from tests.synthetic_bundles import (
    ALL_TOPICS_THRESHOLD,
    NO_TOPIC_TEXT,
    save_synthetic_bundle,
    text_of,
    unsure_text,
)

MODEL, VERSION = "reuters", LATEST.name
TEXTS = [CRUDE, EARN, "Ölpreise steigen €"]
KEY = "0123456789abcdef"


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def service(port: int) -> Iterator[RunningService]:
    with RunningService(NEWSWIRE_GRPC_PORT=str(port)) as service:
        yield service


@pytest.fixture
def client(service: RunningService, port: int) -> Iterator[Any]:
    assert service.process.poll() is None
    with triton.InferenceServerClient(f"127.0.0.1:{port}") as client:
        yield client


def tensor(texts: Sequence[str], name: str = "text") -> Any:
    values = np.array([text.encode() for text in texts], dtype=np.object_)
    return triton.InferInput(name, list(values.shape), "BYTES").set_data_from_numpy(values)


def test_health(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(MODEL)
    assert client.is_model_ready(MODEL, VERSION)
    assert not client.is_model_ready(MODEL, f"{VERSION}0")
    assert not client.is_model_ready("other")


def test_metadata(client: Any) -> None:
    assert client.get_server_metadata(as_json=True)["extensions"] == ["classification"]
    metadata = client.get_model_metadata(MODEL, as_json=True)
    assert metadata == client.get_model_metadata(MODEL, VERSION, as_json=True)
    assert [item["name"] for item in metadata["inputs"]] == ["text", "title"]
    assert metadata["versions"] == [VERSION]


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("version", ["", VERSION])
def test_results_equal_those_of_classify(
    service: RunningService, client: Any, version: str, *, named: bool
) -> None:
    titles = ["", "Profit", ""]
    wanted = [triton.InferRequestedOutput(name) for name in ("score", "topic", "probabilities")]
    found = client.infer(
        MODEL,
        [tensor(titles, "title"), tensor(TEXTS)],
        model_version=version,
        outputs=wanted if named else None,
        request_id="a request",
        parameters={"top_k": 2},
    )
    assert found.get_response().id == "a request"
    topics, scores = found.as_numpy("topic"), found.as_numpy("score")
    assert (scores.shape, scores.dtype) == ((3, 2), np.float32)
    assert found.as_numpy("probabilities").shape == (3, 46)
    assert (found.as_numpy("abstained") is not None) == (not named)
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


def test_classes(client: Any) -> None:
    wanted = triton.InferRequestedOutput("probabilities", class_count=2)
    found = client.infer(MODEL, [tensor([CRUDE, EARN])], outputs=[wanted])
    classes = strings(found.as_numpy("probabilities"))
    assert [row[0].rpartition(":")[2] for row in classes] == ["crude", "earn"]
    assert [len(row) for row in classes] == [2, 2]


def test_titles_alone(client: Any) -> None:
    titles = tensor(["Gold prices rise", "OPEC raises output"], "title")
    for inputs in ([titles], [tensor(["", " "]), titles]):
        found = client.infer(MODEL, inputs, parameters={"top_k": 1})
        assert strings(found.as_numpy("topic")) == [["gold"], ["crude"]]


def test_many_at_once(client: Any) -> None:
    results: Queue[Any] = Queue()
    for number, text in enumerate((CRUDE, EARN)):
        client.async_infer(
            MODEL,
            [tensor([text] * 256)],
            request_id=str(number),
            callback=lambda result, error: results.put(error or result),
        )
    found = [results.get(timeout=30) for _ in range(2)]
    crude, earn = (
        set(each.as_numpy("topic")[:, 0])
        for each in sorted(found, key=lambda each: each.get_response().id)
    )
    assert (crude, earn) == ({b"crude"}, {b"earn"})


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_compression(client: Any, algorithm: str) -> None:
    with pytest.raises(InferenceServerException, match=r"Compression algorithm .* is disabled"):
        client.infer(MODEL, [tensor(TEXTS)], compression_algorithm=algorithm)


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
    with pytest.raises(InferenceServerException, match="Method not found"):
        client.get_model_repository_index()


def test_a_key(port: int) -> None:
    with (
        RunningService(NEWSWIRE_GRPC_PORT=str(other := free_port()), NEWSWIRE_API_KEYS=KEY),
        triton.InferenceServerClient(f"127.0.0.1:{other}") as client,
    ):
        assert other != port
        assert client.is_server_ready()
        with pytest.raises(InferenceServerException, match="Send a valid key") as raised:
            client.infer(MODEL, [tensor(TEXTS)])
        assert raised.value.status() == "StatusCode.UNAUTHENTICATED"
        headers = {"authorization": f"Bearer {KEY}"}
        found = client.infer(MODEL, [tensor(TEXTS)], headers=headers)
        assert found.as_numpy("topic").shape == (3, 3)


@pytest.mark.parametrize("n_topics", [2, 1_000])
def test_all_topics(n_topics: int, tmp_path: Any) -> None:
    bundle = save_synthetic_bundle(tmp_path / "1", n_topics)
    port = free_port()
    outputs = [triton.InferRequestedOutput(name) for name in OPTIONAL]
    given = tensor([text_of(0) + unsure_text(1), NO_TOPIC_TEXT])
    with (
        RunningService(NEWSWIRE_GRPC_PORT=str(port), NEWSWIRE_MODEL_DIR=str(bundle)),
        triton.InferenceServerClient(f"127.0.0.1:{port}") as client,
    ):
        result = client.infer("desk", [given], outputs=outputs)
    mask, probabilities = result.as_numpy("all_topics"), result.as_numpy("topic_probabilities")
    assert (mask.dtype, mask.shape) == (np.bool_, (2, n_topics))
    assert np.flatnonzero(mask[0]).tolist() == [0, 1]
    assert not mask[1].any()
    assert (probabilities.dtype, probabilities.shape) == (np.float32, mask.shape)
    assert ((probabilities[0] >= ALL_TOPICS_THRESHOLD) == mask[0]).all()
