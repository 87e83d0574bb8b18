"""Examples for the OpenAPI document: texts of the served bundle with the responses of its model."""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from prometheus_client import CollectorRegistry
from starlette.requests import ClientDisconnect

from service.api.parsing import RequestLimits, parse_batch, parse_classify_request
from service.api.predictor import Predictor
from service.api.problems import (
    INSTANCE_PREFIX,
    NO_KEY,
    BodyTimeoutError,
    InvalidRequestError,
    MalformedBodyError,
    RequestError,
    TooLargeError,
    UnauthorizedError,
    UnsupportedMediaTypeError,
    to_problem,
)
from service.api.schemas import BatchItem, FieldProblem
from service.model import InferenceError, TopicClassifier, describe_blank
from service.observability.health import ServiceHealth
from service.observability.metrics import ServiceMetrics
from service.scheduling.admission import TOO_MANY_REQUESTS
from service.scheduling.errors import DeadlineExceededError, OverloadedError

Request = dict[str, Any]
Examples = dict[str, dict[str, Any]]
"""By name, as OpenAPI has them: ``summary`` and ``value``."""

TEXT_FIELDS: Final = tuple(BatchItem.model_fields)
NOTHING: Final = describe_blank(None).capitalize()
REQUEST_ID: Final = "0123456789abcdef-1"


class Exchanges(NamedTuple):
    """Requests to a route, and the responses by the same names."""

    requests: Examples
    responses: Examples


def classification_examples(
    classifier: TopicClassifier, limits: RequestLimits
) -> tuple[Exchanges, Exchanges]:
    """Return examples of ``POST /classify`` and of ``POST /classify/batch``.

    The requests are made of golden texts of the bundle; the responses are computed, uncounted. A
    request over the limits is left out, and all where the network fails.
    """
    predictor = Predictor(classifier, ServiceMetrics(CollectorRegistry()), limits, ServiceHealth())
    try:
        certain, abstained = _golden_requests(classifier)
    except InferenceError:
        return Exchanges({}, {}), Exchanges({}, {})
    text = (certain or abstained)[0]
    titled = next((each for each in certain if len(each) == len(TEXT_FIELDS)), text)
    short = {"title": titled["title"]} if titled is not text else text
    single = {
        "text": ("A text", text),
        "title_and_text": ("A text with its title", {**titled, "top_k": 1}),
        "title": ("A title", {**short, "top_k": 1}),
        "explained": ("With an explanation", {**short, "top_k": 1, "explain": True}),
    }
    if titled is text:
        del single["title_and_text"], single["title"]
    if abstained:
        single["abstained"] = ("An abstention", {**abstained[0], "top_k": 1})
    batches = {
        "valid": ("Two texts", {"items": [text, titled], "top_k": 1}),
        "partly_valid": ("A blank text among others", {"items": [text, {}], "top_k": 1}),
    }

    def predict(body: bytes) -> bytes:
        return predictor.predict(parse_classify_request(body, limits))

    def predict_batch(body: bytes) -> bytes:
        return predictor.predict_batch(parse_batch(body, limits))

    batch = _exchange(batches, predict_batch)
    batch.requests.pop("partly_valid", None)  # its blank item does not match the schema
    return _exchange(single, predict), batch


def _golden_requests(classifier: TopicClassifier) -> tuple[list[Request], list[Request]]:
    """Return the golden texts with a topic, and those without: first those with a group."""
    requests = [
        {name: value for name in TEXT_FIELDS if (value := getattr(text, name))}
        for text in classifier.golden_texts
    ]
    predictions = classifier.classify(classifier.golden_texts, top_k=1)
    pairs = list(zip(requests, predictions, strict=True))
    pairs.sort(key=lambda pair: pair[1].group is None)
    return (
        [request for request, prediction in pairs if prediction.abstained is None],
        [request for request, prediction in pairs if prediction.abstained],
    )


def _exchange(
    requests: Mapping[str, tuple[str, Request]], respond: Callable[[bytes], bytes]
) -> Exchanges:
    """Send requests; leave out those that are rejected."""
    exchanges = Exchanges({}, {})
    for name, (summary, request) in requests.items():
        try:
            response = json.loads(respond(json.dumps(request).encode()))
        except RequestError:
            continue
        exchanges.requests[name] = {"summary": summary, "value": request}
        exchanges.responses[name] = {"summary": summary, "value": response}
    return exchanges


def tensor_example(batch: Request) -> Request:
    """Return an `InferRequest` for the texts of a `BatchRequest`."""
    items = batch["items"]
    inputs = [
        {
            "name": name,
            "shape": [len(items)],
            "datatype": "BYTES",
            "data": [item.get(name, "") for item in items],
        }
        for name in TEXT_FIELDS
    ]
    outputs = [{"name": "topic"}, {"name": "score"}]
    return {"inputs": inputs, "outputs": outputs, "parameters": {"top_k": batch["top_k"]}}


ERRORS: Final[Mapping[type[Exception], Exception]] = {
    type(error): error
    for error in (
        MalformedBodyError(
            "Expected JSON in UTF-8. Invalid JSON: EOF while parsing a value at line 1 column 0."
        ),
        ClientDisconnect(),
        UnauthorizedError(NO_KEY),
        BodyTimeoutError("Expected the whole body within 10 seconds."),
        TooLargeError("Expected at most 1000000 bytes of text, title included, in UTF-8."),
        UnsupportedMediaTypeError("Expected a body with Content-Type: application/json."),
        InvalidRequestError(
            [FieldProblem(field=name, message=NOTHING) for name in ("text", "title")]
        ),
        OverloadedError(TOO_MANY_REQUESTS, 1),
        InferenceError(),
        DeadlineExceededError(
            "The request took longer than 10 seconds. "
            "Retry after the number of seconds in Retry-After.",
            1,
        ),
        Exception(),
    )
}
"""One of each kind in `service.api.problems.PROBLEMS`."""
OF_ANY_OPERATION: Final = (UnauthorizedError, Exception)
"""Errors of the routes that classify no text."""


def problem_examples(status: int, *, classifies: bool) -> Examples:
    """Return an example of each problem that an operation may return with a status.

    Parameters
    ----------
    status : int
    classifies : bool
        Whether the operation reads a body and runs the network.
    """
    problems = [
        to_problem(error)
        for kind, error in ERRORS.items()
        if classifies or kind in OF_ANY_OPERATION
    ]
    for problem in problems:
        if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            problem.instance = INSTANCE_PREFIX + REQUEST_ID
    return {
        problem.type.rpartition(":")[2]: {
            "summary": problem.title,
            "value": problem.model_dump(exclude_none=True),
        }
        for problem in problems
        if problem.status == status
    }
