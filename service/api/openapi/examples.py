"""Examples for the OpenAPI document: texts of the served bundle with the responses of its model."""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from prometheus_client import CollectorRegistry

from service.api.errors import RequestError
from service.api.limits import RequestLimits
from service.api.media_type import JSON, PLAIN_TEXT
from service.api.parsing import parse_batch, parse_classify_request
from service.api.predictor import Predictor
from service.api.routes.classify import CLASSIFY, CLASSIFY_BATCH
from service.api.routes.predict import PREDICT, predict_labels
from service.api.schemas import BatchItem
from service.model import InferenceError, NewsText, TopicClassifier
from service.observability.health import ServiceHealth
from service.observability.metrics import ServiceMetrics

Request = dict[str, Any]
Requests = dict[str, tuple[str, Request]]  # summary and body by name
Examples = dict[str, dict[str, Any]]
"""OpenAPI's example objects by name: ``summary`` and ``value``."""

TEXT_FIELDS: Final = tuple(BatchItem.model_fields)


def add_examples(paths: dict[str, Any], classifier: TopicClassifier, limits: RequestLimits) -> None:
    """Add examples to the operations that classify.

    The requests are made of golden texts of the bundle; the metrics do not count the responses. A
    request over the limits is left out, and all are if the network fails.
    """
    predictor = Predictor(classifier, ServiceMetrics(CollectorRegistry()), limits, ServiceHealth())
    responders: dict[str, Callable[[bytes], bytes]] = {
        CLASSIFY: lambda body: predictor.respond(parse_classify_request(body, limits)),
        CLASSIFY_BATCH: lambda body: predictor.respond_to_batch(*parse_batch(body, limits)),
        PREDICT: lambda body: predict_labels(body, predictor, limits),
    }
    try:
        requests = _requests(classifier)
    except InferenceError:
        requests = {}
    added = {
        path: _add(paths[path]["post"], requests.get(path, {}), respond)
        for path, respond in responders.items()
    }
    plain_text = paths[CLASSIFY]["post"]["requestBody"]["content"][PLAIN_TEXT]
    plain_text["examples"] = {
        name: {**example, "value": example["value"]["text"]}
        for name, example in added[CLASSIFY].items()
        if example["value"].keys() == {"text"}
    }
    added[CLASSIFY_BATCH].pop("partly_valid", None)  # its blank item does not match the schema
    tensors = {
        name: {**example, "value": _tensors(example["value"])}
        for name, example in added[CLASSIFY_BATCH].items()
    }
    for path, operations in paths.items():
        if tensors and path.endswith("/infer"):
            operations["post"]["requestBody"]["content"][JSON]["examples"] = tensors


def _requests(classifier: TopicClassifier) -> dict[str, Requests]:
    """Return requests by path."""
    predictions = classifier.classify(classifier.golden_texts, top_k=1)
    pairs = list(zip(classifier.golden_texts, predictions, strict=True))
    pairs.sort(key=lambda pair: pair[1].group is None)
    certain: list[Request] = []
    abstained: list[Request] = []
    for text, prediction in pairs:
        request = {name: value for name in TEXT_FIELDS if (value := getattr(text, name))}
        (abstained if prediction.abstained else certain).append(request)
    short = first = (certain or abstained)[0]
    titled = next((each for each in certain if len(each) == len(TEXT_FIELDS)), first)
    single = {"text": ("A text", first)}
    if titled is not first:
        short = {"title": titled["title"]}
        single["title_and_text"] = ("A text with its title", {**titled, "top_k": 1})
        single["title"] = ("A title", {**short, "top_k": 1})
    single["explained"] = ("With an explanation", {**short, "top_k": 1, "explain": True})
    if abstained:
        single["abstained"] = ("An abstention", {**abstained[0], "top_k": 1})
    batch = {
        "valid": ("Two texts", {"items": [first, titled], "top_k": 1}),
        "partly_valid": ("A blank text among others", {"items": [first, {}], "top_k": 1}),
    }
    if classifier.finds_all_topics:
        summary, options = "With all topics", {"top_k": 1, "all_topics": True}
        several = _with_most_topics(classifier, certain or abstained)
        single["all_topics"] = (summary, {**several, **options})
        batch["all_topics"] = (summary, {"items": [several, first], **options})
    if classifier.has_subjects:
        single["subjects"] = ("With subjects", {**first, "top_k": 1, "subjects": True})
    text = first.get("text") or first["title"]
    parameters = {"parameters": {"top_k": 1}}
    labels = {
        "text": ("A text", {"inputs": text}),
        "parameters": ("A text with parameters", {"inputs": text, **parameters}),
        "texts": ("A list of texts", {"inputs": [text], **parameters}),
    }
    return {CLASSIFY: single, CLASSIFY_BATCH: batch, PREDICT: labels}


def _with_most_topics(classifier: TopicClassifier, requests: Sequence[Request]) -> Request:
    """Return the request whose text has the most topics; ties by the first one."""
    texts = [NewsText(request.get("text", ""), request.get("title")) for request in requests]
    found = classifier.classify(texts, top_k=1, all_topics=True)
    counts = [len(each.all_topics or ()) for each in found]
    return requests[counts.index(max(counts))]


def _add(operation: Any, requests: Requests, respond: Callable[[bytes], bytes]) -> Examples:
    """Add requests with their responses, except rejected ones; return the requests."""
    of_requests: Examples = {}
    of_responses: Examples = {}
    for name, (summary, request) in requests.items():
        try:
            response = json.loads(respond(json.dumps(request).encode()))
        except RequestError:
            continue
        of_requests[name] = {"summary": summary, "value": request}
        of_responses[name] = {"summary": summary, "value": response}
    operation["requestBody"]["content"][JSON]["examples"] = of_requests
    operation["responses"]["200"]["content"][JSON]["examples"] = of_responses
    return of_requests


def _tensors(batch: Request) -> Request:
    """Return an `InferRequest` for the texts of a `BatchRequest`."""
    inputs = []
    for name in TEXT_FIELDS:
        data = [item.get(name, "") for item in batch["items"]]
        inputs.append({"name": name, "shape": [len(data)], "datatype": "BYTES", "data": data})
    outputs = [{"name": "topic"}, {"name": "score"}]
    parameters = {name: value for name, value in batch.items() if name != "items"}
    return {"inputs": inputs, "outputs": outputs, "parameters": parameters}
