"""``POST /classify``: a text in, its topics out."""

from time import perf_counter
from typing import Any, Final

from fastapi import APIRouter, Request

from service.api.body import MEDIA_TYPE, parse_classify_request, read_body
from service.api.errors import PROBLEMS
from service.api.schemas import ClassifyRequest, ClassifyResponse, ModelVersion, Problem, TopicScore
from service.metrics import ServiceMetrics
from service.model import Classification, NewsText, TopicClassifier

PROBLEM_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": Problem, "description": "A problem, RFC 9457"}
    for status in sorted({kind.status for kind in PROBLEMS.values()})
}


def classification_routes(
    classifier: TopicClassifier, metrics: ServiceMetrics, *, max_text_bytes: int
) -> APIRouter:
    """Give the routes that classify."""
    router = APIRouter(tags=["Classification"])
    n_topics = len(classifier.topics)
    manifest = classifier.manifest
    version = ModelVersion(name=manifest.name, version=manifest.version)

    @router.post(
        "/classify",
        summary="Which topic is this news text about?",
        openapi_extra={"requestBody": _request_body(n_topics)},
        responses=PROBLEM_RESPONSES,
    )
    async def classify(request: Request) -> ClassifyResponse:
        """Classify a news text, and rank its most likely topics."""
        body = await read_body(request, max_text_bytes=max_text_bytes)
        query = parse_classify_request(body, n_topics=n_topics, max_text_bytes=max_text_bytes)
        answer = _classify(classifier, metrics, query)
        topics = [TopicScore.of(ranked) for ranked in answer.topics]
        return ClassifyResponse(
            topic=topics[0].topic,
            topics=topics,
            known_words=answer.known_words_ratio,
            abstained=answer.abstained,
            model=version,
        )

    return router


def _classify(
    classifier: TopicClassifier, metrics: ServiceMetrics, query: ClassifyRequest
) -> Classification:
    """Text to token ids to probabilities to ranking, each stage timed."""
    began = perf_counter()
    encoded = classifier.encode(NewsText(query.text, query.title))
    encode_ended = perf_counter()
    (probabilities,) = classifier.infer([encoded])
    inference_ended = perf_counter()
    answer = classifier.answer(
        encoded, probabilities, top_k=query.top_k, min_confidence=query.min_confidence
    )

    metrics.encode_duration.observe(encode_ended - began)
    metrics.inference_duration.observe(inference_ended - encode_ended)
    metrics.observe_text(words=encoded.n_words, known_words_ratio=encoded.known_words_ratio)
    first = answer.topics[0]
    metrics.observe_prediction(
        topic=first.topic.code, score=first.score, abstained=answer.abstained
    )
    return answer


def _request_body(n_topics: int) -> dict[str, Any]:
    """Describe the body, which is read and parsed by hand, to OpenAPI."""
    schema = ClassifyRequest.model_json_schema()
    schema["properties"]["top_k"]["maximum"] = n_topics
    schema["properties"]["text"]["minLength"] = 1
    return {"required": True, "content": {MEDIA_TYPE: {"schema": schema}}}
