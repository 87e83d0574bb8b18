"""Any body to a response: as JSON, in batches, as plain text and as tensors.

The result is the JSON of a response, or a documented error. The first line of the input says which
route takes the rest: see `check`.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Final

from prometheus_client import CollectorRegistry

from service.api.errors import RequestError
from service.api.limits import RequestLimits
from service.api.open_inference.bodies import infer
from service.api.open_inference.inputs import HEADER_LENGTH
from service.api.open_inference.model import TensorModel
from service.api.parsing import parse_batch, parse_classify_request, parse_plain_text
from service.api.predictor import Predictor
from service.api.problems import to_problem
from service.model import load_classifier
from service.observability.health import ServiceHealth
from service.observability.metrics import ServiceMetrics
from tests.fuzzing.mutation import CHARACTERS, change_json, insert

ROOT: Final = Path(__file__).parents[2]
_CLASSIFIER: Final = load_classifier(ROOT / "models" / "reuters")
LIMITS: Final = RequestLimits(
    max_text_bytes=3_000,
    max_text_words=400,
    max_batch_size=4,
    max_explained_words=40,
    max_top_k=len(_CLASSIFIER.topics),
    finds_all_topics=_CLASSIFIER.finds_all_topics,
)
"""Small, so that they are met."""
_PREDICTOR: Final = Predictor(
    _CLASSIFIER, ServiceMetrics(CollectorRegistry()), LIMITS, ServiceHealth()
)
_MODEL: Final = TensorModel(_CLASSIFIER, _PREDICTOR, LIMITS)


def seeds() -> Iterator[bytes]:
    """Return a valid request of each kind."""
    text = "OPEC ministers agreed to cut output. Crude oil rose 40 cts to 18.50 dlrs."
    item = {"text": text, "title": "OPEC meets"}
    options = {"top_k": 2, "min_confidence": 0.5, "explain": True}
    yield b"classify\n" + json.dumps({**item, **options}).encode()
    yield b"classify\n" + b"\xef\xbb\xbf" + rb'{"text": "\ud83d oil \u00e9"}'
    yield (
        b"batch\n"
        + json.dumps({"items": [item, {"text": " "}, {"title": "Oil"}, 3], **options}).encode()
    )
    yield b"plain top_k=2&title=OPEC%20meets&explain=true\n" + text.encode()
    yield b"plain title=OPEC%20meets&all_topics=true\n"
    several = {"top_k": 1, "all_topics": True}
    yield b"classify\n" + json.dumps({**item, **several}).encode()
    yield b"batch\n" + json.dumps({"items": [item, {"title": "Oil"}], **several}).encode()
    tensor = {"name": "text", "shape": [2], "datatype": "BYTES", "data": [text, "Net profit rose."]}
    outputs = [{"name": "topic", "parameters": {"binary_data": True}}, {"name": "score"}]
    request = {"id": "1", "inputs": [tensor], "outputs": outputs, "parameters": options}
    yield b"tensors\n" + json.dumps(request).encode()
    yield b"tensors\n" + json.dumps({"inputs": [tensor], "parameters": several}).encode()
    outputs = [
        {"name": "all_topics", "parameters": {"binary_data": True}},
        {"name": "topic_probabilities", "parameters": {"classification": 2}},
    ]
    yield b"tensors\n" + json.dumps({"inputs": [tensor], "outputs": outputs}).encode()
    data = b"\x03\x00\x00\x00oil\x04\x00\x00\x00rose"
    binary = {
        "inputs": [
            {"name": name, "shape": [2, 1], "datatype": "BYTES"}
            | {"parameters": {"binary_data_size": len(data)}}
            for name in ("text", "title")
        ]
    }
    head = json.dumps(binary).encode()
    yield b"tensors %d\n" % len(head) + head + data + data


def check(data: bytes) -> None:
    """Answer a body; the line before it is the name of a route, and perhaps a query or header."""
    line, _, body = data.partition(b"\n")
    route, given, argument = line.partition(b" ")
    answer = ROUTES.get(route, _classify)
    try:
        answered = answer(body, argument if given else None)
    except RequestError as error:
        to_problem(error).model_dump_json()
        return
    check_answer(answered)


def check_answer(answer: bytes) -> None:
    """Check that a response is JSON without NaN and infinities."""
    json.loads(answer, parse_constant=_refuse)


def mutate(data: bytes, random: Random) -> bytes:
    """Change the JSON, or put a character somewhere."""
    line, end, body = data.partition(b"\n")
    if random.random() < 0.2 or not end:
        return insert(data, CHARACTERS, random)
    if line.startswith(b"tensors ") and line[8:].isdigit():  # JSON, then binary data
        length = int(line[8:12])
        head = change_json(body[:length], random)
        return b"tensors %d\n" % len(head) + head + body[length:]
    return line + end + change_json(body, random)


def _classify(body: bytes, argument: bytes | None) -> bytes:
    return _PREDICTOR.respond(parse_classify_request(body, LIMITS))


def _batch(body: bytes, argument: bytes | None) -> bytes:
    return _PREDICTOR.respond_to_batch(*parse_batch(body, LIMITS))


def _plain(body: bytes, argument: bytes | None) -> bytes:
    return _PREDICTOR.respond(parse_plain_text(body, LIMITS, query=argument or b""))


def _tensors(body: bytes, argument: bytes | None) -> bytes:
    header = None if argument is None else argument.decode("latin-1")
    response = infer(body, header, _MODEL)
    json_length = int(response.headers.get(HEADER_LENGTH, len(response.body)))
    return bytes(response.body)[:json_length]


ROUTES: Final[Mapping[bytes, Callable[[bytes, bytes | None], bytes]]] = {
    b"classify": _classify,
    b"batch": _batch,
    b"plain": _plain,
    b"tensors": _tensors,
}


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} in an answer")
