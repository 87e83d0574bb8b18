"""From protobuf to tensors and back: both forms, and what is wrong."""

from typing import Any, Final

import numpy as np
import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from service.api.errors import RequestError
from service.api.grpc import open_inference_pb2 as pb
from service.api.grpc.messages import infer, parse_message
from service.api.open_inference.datatypes import unpack_elements
from service.api.open_inference.model import OPTIONAL, OUTPUTS
from service.api.served_model import ServedModel
from service.app import create_app
from service.model import TopicClassifier
from service.settings import ServiceSettings
from tests.service.api.grpc.calling import MODEL, add_input, infer_request
from tests.service.api.open_inference.test_inference import by_name
from tests.service.api.routes.test_classify_batch import CRUDE, EARN

SENT: Final = "never repeated"
LIMIT: Final = 300


@pytest.fixture(scope="module")
def settings() -> ServiceSettings:
    return ServiceSettings(max_text_bytes=LIMIT, max_batch_size=5)


@pytest.fixture(scope="module")
def served(classifier: TopicClassifier, settings: ServiceSettings) -> ServedModel:
    return create_app(settings, classifier, CollectorRegistry()).model.served


def respond(served: ServedModel, message: pb.ModelInferRequest) -> pb.ModelInferResponse:
    return infer(message.SerializeToString(), served.tensors)


def values(response: pb.ModelInferResponse) -> dict[str, Any]:
    """Return the values of each output, row by row, in whichever form they are."""
    found = {}
    raw = list(response.raw_output_contents)
    for index, output in enumerate(response.outputs):
        assert not (raw and output.HasField("contents"))
        contents = output.contents
        flat: Any
        if output.datatype == "BYTES":
            elements = unpack_elements(memoryview(raw[index])) if raw else contents.bytes_contents
            flat = [element.decode() for element in elements]
        elif raw:
            flat = np.frombuffer(raw[index], "<f4" if output.datatype == "FP32" else bool)
        else:
            flat = contents.fp32_contents if output.datatype == "FP32" else contents.bool_contents
        found[output.name] = np.array(flat).reshape(output.shape).tolist()
    return found


@pytest.mark.parametrize("raw", [True, False])
def test_predictions_are_those_of_http(
    served: ServedModel, client: TestClient, *, raw: bool
) -> None:
    texts, titles = [CRUDE, EARN, "", "? zzz"], ["", "Profit", "Gold prices rise", ""]
    message = infer_request(texts, raw=raw, top_k=2, min_confidence=0.9, priority=1)
    add_input(message, titles, raw=raw)
    message.id = "42"
    response = respond(served, message)
    body = {
        "inputs": [
            {"name": name, "shape": [4], "datatype": "BYTES", "data": data}
            for name, data in (("text", texts), ("title", titles))
        ],
        "parameters": {"top_k": 2, "min_confidence": 0.9},
    }
    expected = by_name(client.post("/v2/models/reuters/infer", json=body))
    found = values(response)
    assert found.keys() == expected.keys() == OUTPUTS.keys() - {*OPTIONAL}
    for name, rows in expected.items():
        if OUTPUTS[name].datatype == "FP32":
            assert np.array(found[name]) == pytest.approx(np.array(rows), abs=1e-6)
        else:
            assert found[name] == rows
    assert (response.id, response.model_name) == ("42", "reuters")
    assert response.model_version == served.tensors.metadata.versions[0]
    assert bool(response.raw_output_contents) == raw


@pytest.mark.parametrize("raw", [True, False])
def test_outputs_that_are_named(served: ServedModel, *, raw: bool) -> None:
    message = infer_request([CRUDE, EARN], raw=raw, shape=[2, 1])
    message.outputs.add(name="all_topics")
    output = message.outputs.add(name="probabilities")
    output.parameters["classification"].int64_param = 1
    found = values(respond(served, message))
    assert [*found] == ["all_topics", "probabilities"]
    assert np.array(found["all_topics"]).dtype == np.bool_
    assert [row[0].rpartition(":")[2] for row in found["probabilities"]] == ["crude", "earn"]


def test_other_parameters_are_ignored(served: ServedModel) -> None:
    message = infer_request([CRUDE], top_k=1)
    for parameters in (message.parameters, message.inputs[0].parameters):
        for number in range(100):
            parameters[f"other {number}"].string_param = "a" * 100
    assert values(respond(served, message))["topic"] == [["crude"]]


def mixed() -> pb.ModelInferRequest:
    message = infer_request(["a"])
    add_input(message, ["b"], raw=False)
    message.raw_input_contents.append(b"\0\0\0\0")
    return message


def one_raw_for_two() -> pb.ModelInferRequest:
    message = infer_request(["a"])
    add_input(message, ["b"], raw=False)
    return message


def with_datatype(datatype: str) -> pb.ModelInferRequest:
    message = infer_request(["a"])
    message.inputs[0].datatype = datatype
    return message


def with_raw(data: bytes, n_texts: int = 1) -> pb.ModelInferRequest:
    message = infer_request(["a"], shape=[n_texts])
    message.raw_input_contents[0] = data
    return message


def with_numbers() -> pb.ModelInferRequest:
    message = infer_request(["a"], raw=False)
    del message.inputs[0].contents.bytes_contents[:]
    message.inputs[0].contents.int64_contents.extend([1])
    return message


def with_output(name: str) -> pb.ModelInferRequest:
    message = infer_request(["a"])
    message.outputs.add(name=name)
    return message


def many(inputs: int = 1, outputs: int = 1) -> pb.ModelInferRequest:
    message = pb.ModelInferRequest(model_name=MODEL)
    for _ in range(inputs):
        add_input(message, ["a"], name="text")
    for _ in range(outputs):
        message.outputs.add(name="topic")
    return message


def with_shared_memory() -> pb.ModelInferRequest:
    message = infer_request(["a"], raw=False)
    message.inputs[0].parameters["shared_memory_region"].string_param = SENT
    return message


INVALID: Final[dict[str, tuple[pb.ModelInferRequest, str]]] = {
    "none": (
        pb.ModelInferRequest(model_name=MODEL),
        "inputs: expected text, title or both, each once",
    ),
    "mixed": (mixed(), "inputs[1]: expected no contents beside raw_input_contents, got both."),
    "one raw for two": (
        one_raw_for_two(),
        "raw_input_contents: expected 2, one for each input, got 1.",
    ),
    "name": (infer_request(["a"], name=SENT), "inputs: expected text, title or both"),
    "datatype": (with_datatype("FP32"), "text: expected datatype BYTES, got FP32."),
    "another datatype": (with_datatype(SENT), "text: expected datatype BYTES, got another."),
    "shape": (infer_request(["a"], shape=[3]), "text: expected 3 elements, as its shape says"),
    "no shape": (infer_request(["a"], shape=[]), "text: expected shape [n] or [n, 1]"),
    "negative": (infer_request(["a"], shape=[-1]), "text: expected shape [n] or [n, 1] with n"),
    "high": (infer_request(["a"], shape=[2**62]), "text: Input should have at most 5 items"),
    "dimensions": (infer_request(["a"], shape=[1] * 9), "inputs[0].shape: List should have at"),
    "too many": (infer_request(["a"] * 6), "text: Input should have at most 5 items"),
    "many inputs": (many(inputs=10), "Expected at most 9 inputs and outputs, got more."),
    "many outputs": (many(outputs=10), "Expected at most 9 inputs and outputs, got more."),
    "more elements": (with_raw(b"\0\0\0\0" * 9), "text: expected 1 elements, as its shape says"),
    "no element": (with_raw(b""), "text: expected 1 elements, as its shape says, got 0."),
    "no length": (with_raw(b"\1\0"), "text[0]: expected the element's length in 4 bytes, got 2."),
    "length": (with_raw(b"\xff\xff\xff\xff"), "text[0]: expected 4294967295 bytes, got 0."),
    "numbers": (with_numbers(), "text: expected 1 elements, as its shape says, got 0."),
    "blank": (infer_request(["a", " "]), "text[1], title[1]: Expected a text or a title that is"),
    "UTF-8": (infer_request([b"a\xff"]), "text[0]: expected UTF-8, got something else at byte 1."),
    "UTF-8, typed": (infer_request([b"\xff"], raw=False), "text[0]: expected UTF-8"),
    "too long": (infer_request(["c" * (LIMIT + 1)]), f"text[0]: Expected at most {LIMIT} bytes"),
    "output": (with_output(SENT), "outputs: expected some of topic, score"),
    "top_k": (infer_request(["a"], top_k=47), "top_k: Input should be less than or equal to 46"),
    "top_k, text": (infer_request(["a"], top_k=SENT), "parameters.top_k: Input should be a valid"),
    "confidence": (infer_request(["a"], min_confidence=2.0), "parameters.min_confidence: Input"),
    "explain": (infer_request(["a"], explain=True), "parameters: expected explain to be false"),
    "codec": (infer_request(["a"], content_type="base64"), "parameters: expected content_type"),
    "shared memory": (with_shared_memory(), "text: expected no shared memory"),
}


@pytest.mark.parametrize("name", INVALID)
def test_invalid_requests(served: ServedModel, name: str) -> None:
    message, sentence = INVALID[name]
    with pytest.raises(RequestError) as raised:
        respond(served, message)
    assert str(raised.value).startswith(sentence)
    assert SENT not in str(raised.value)


@pytest.mark.parametrize("data", [b"\xff", b"\x0a\x05a", b"\x0a\x01\xff", b"\x00\x00"])
def test_no_protobuf(served: ServedModel, data: bytes) -> None:
    with pytest.raises(RequestError, match="Expected a message ModelInferRequest in protobuf"):
        infer(data, served.tensors)
    with pytest.raises(RequestError, match="Expected a message ModelReadyRequest in protobuf"):
        parse_message(pb.ModelReadyRequest, data)


@pytest.mark.parametrize("raw", [True, False])
def test_a_million_elements(served: ServedModel, *, raw: bool) -> None:
    message = infer_request([b""] * 1_000_000, raw=raw)
    with pytest.raises(RequestError, match="at most 5 "):
        respond(served, message)
