"""``POST /predict``: text classification as Hugging Face's servers and clients speak it."""

from typing import Final

from fastapi import APIRouter, Request, Response

from service.api.media_type import JSON
from service.api.openapi.operations import PROBLEM_RESPONSES, describe_body
from service.api.request_body import BodyReader, check_no_query
from service.api.served_model import ModelHandle
from service.api.text_classification import PredictRequest, PredictResponse
from service.api.text_classification import predict as predict_body
from service.scheduling.admission import ConcurrencyLimit
from service.scheduling.executor import InferenceExecutor

PREDICT: Final = "/predict"


def predict_routes(
    model: ModelHandle, reader: BodyReader, limit: ConcurrencyLimit, executor: InferenceExecutor
) -> APIRouter:
    """Return the route; a request uses one model, also during a reload."""
    router = APIRouter(tags=["Hugging Face"])

    @router.post(
        PREDICT,
        summary="Which topics are these texts about, as Hugging Face's clients ask?",
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
            lambda body: predict_body(body, served.predictor, served.limits), body, len(body)
        )
        return Response(content, media_type=JSON)

    return router
