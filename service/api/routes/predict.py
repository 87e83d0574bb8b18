"""``POST /predict``: text classification as Hugging Face's servers and clients speak it.

Texts, predictions and limits are those of ``POST /classify/batch``.
"""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BeforeValidator, Field, RootModel
from pydantic_core import to_json

from service.api.errors import InvalidRequestError, TooLargeError
from service.api.json_body import parse_body
from service.api.json_complexity import exceeds_json_complexity
from service.api.limits import RequestLimits
from service.api.media_type import JSON
from service.api.parsing import STRINGS_PER_FIELD
from service.api.predictor import Predictor
from service.api.request_body import BodyReader, check_no_query
from service.api.routes.declarations import PROBLEM_RESPONSES, describe_body
from service.api.schemas import BatchItem, Body, Probability, RankingOptions, whole_number
from service.api.served_model import ModelHandle
from service.model import is_blank
from service.scheduling.admission import ConcurrencyLimit
from service.scheduling.executor import InferenceExecutor

PREDICT: Final = "/predict"
INPUTS: Final = "inputs"
PARAMETERS: Final = "parameters"


class PredictParameters(Body, extra="forbid", strict=True):
    """Parameters of Hugging Face's task ``text-classification``."""

    top_k: Annotated[int | None, Field(ge=1), BeforeValidator(whole_number)] = None
    """Number of topics to return; null for all."""
    function_to_apply: Literal["softmax"] | None = None
    """Scores are always those of a softmax."""


class PredictRequest(Body, extra="forbid", strict=True):
    """News texts to classify, as Hugging Face's clients send them."""

    inputs: Annotated[Any, Field(description="A text, or a list of texts.")]
    parameters: PredictParameters | None = None
    """Parameters of Hugging Face's Inference API. With them, even if empty, the response is a list
    for each text, also for a single text."""
    raw_scores: Annotated[bool, Field(json_schema_extra={"const": False})] = False
    """Option of text-embeddings-inference; only false is supported."""
    truncate: bool = False
    """Option of text-embeddings-inference without effect: too long texts are rejected."""


class LabelScore(Body):
    """A topic and its score."""

    label: Annotated[str, Field(description="The topic's code.")]
    score: Annotated[Probability, Field(description="Probability.")]


class PredictResponse(RootModel[list[LabelScore] | list[list[LabelScore]]]):
    """The topics of a text, highest score first; or those of each text, in their order."""


def predict_routes(
    model: ModelHandle, reader: BodyReader, limit: ConcurrencyLimit, executor: InferenceExecutor
) -> APIRouter:
    """Return the route; a request uses one model, also during a reload."""
    router = APIRouter(tags=["Hugging Face"])

    @router.post(
        PREDICT,
        summary="Classify texts, as Hugging Face's clients request it",
        response_model=PredictResponse,
        openapi_extra=describe_body(PredictRequest),
        responses=PROBLEM_RESPONSES,
    )
    async def predict(request: Request) -> Response:
        """Classify a text, or a list of texts; one that is not valid fails the request."""
        _, body = await reader.read(request.scope, request.receive, limit)
        check_no_query(request.scope)
        served = model.served
        content = await executor.run(
            lambda body: predict_labels(body, served.predictor, served.limits), body, len(body)
        )
        return Response(content, media_type=JSON)

    return router


def predict_labels(body: bytes, predictor: Predictor, limits: RequestLimits) -> bytes:
    """Return the `PredictResponse` to the body of a request, as JSON.

    Raises RequestError as `service.api.parsing.parse_classify_request`, also if one of the texts is
    invalid, and InferenceError as `Predictor.predict_batch`.
    """
    request = _parse(body, limits)
    is_list = isinstance(request.inputs, list)
    texts = {INPUTS: request.inputs}  # by place in the request
    if is_list:
        texts = {f"{INPUTS}[{index}]": text for index, text in enumerate(request.inputs)}
    top_k = request.parameters.top_k if request.parameters else None
    options = RankingOptions(top_k=top_k or limits.max_top_k)
    try:
        limits.resolve_options(options, n_texts=len(texts))
    except InvalidRequestError as error:
        raise error.at(PARAMETERS) from None
    items = [_check_input(text, limits, place) for place, text in texts.items()]
    rankings = [
        [
            {"label": ranked.topic.code, "score": ranked.score}
            for ranked in each.classification.topics
        ]
        for each in predictor.predict_batch(items, options)
    ]
    is_single = not is_list and request.parameters is None
    return to_json(rankings[0] if is_single else rankings)


def _parse(body: bytes, limits: RequestLimits) -> PredictRequest:
    n_fields = len(PredictRequest.model_fields) + len(PredictParameters.model_fields)
    n_texts = limits.max_batch_size
    too_many = InvalidRequestError.of(INPUTS, f"Input should have at most {n_texts} items")
    if exceeds_json_complexity(
        body, max_strings=STRINGS_PER_FIELD * n_fields + n_texts, max_texts=n_texts
    ):
        raise too_many
    request = parse_body(PredictRequest, body)
    if not isinstance(request.inputs, str | list) or request.inputs == []:
        message = "Expected a string, or a list of at least one string"
        raise InvalidRequestError.of(INPUTS, message)
    if request.raw_scores:
        raise InvalidRequestError.of("raw_scores", "Expected false: scores are probabilities")
    if isinstance(request.inputs, list) and len(request.inputs) > n_texts:
        raise too_many
    return request


def _check_input(text: Any, limits: RequestLimits, place: str) -> BatchItem:
    """Check a text; an error names its place."""
    if not isinstance(text, str):
        raise InvalidRequestError.of(place, "Expected a string")
    if is_blank(text):
        raise InvalidRequestError.of(place, "Expected a text that is not only white space")
    item = BatchItem.model_construct(text=text)
    try:
        limits.check_text(item)
    except TooLargeError as error:
        raise error.at(place) from None
    return item
