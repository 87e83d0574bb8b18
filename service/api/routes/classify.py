"""``POST /classify`` and ``POST /classify/batch``: texts in, their topics out."""

from asyncio import sleep
from collections.abc import Callable
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Request, Response
from pydantic import Field
from starlette.types import Receive, Scope

from service.api.errors import RequestError
from service.api.limits import RequestLimits
from service.api.media_type import JSON, PLAIN_TEXT
from service.api.parsing import parse_batch, parse_classify_request, parse_plain_text
from service.api.problems import Problem
from service.api.request_body import BodyReader, check_no_query
from service.api.routes.declarations import PROBLEM_RESPONSES, describe_body, describe_classify
from service.api.schemas import (
    BatchRequest,
    Body,
    ClassifyRequest,
    ClassifyResponse,
    ClassifyResult,
    ModelVersion,
)
from service.api.served_model import ModelHandle
from service.scheduling.admission import Admission
from service.scheduling.executor import InferenceExecutor
from service.scheduling.turns import TurnCounter

CLASSIFY: Final = "/classify"
CLASSIFY_BATCH: Final = "/classify/batch"

INLINE_BYTES: Final = 16_384
"""Bodies up to this are processed on the event loop, in about a millisecond at most: a thread would
cost more than it saves. Longer ones, and explanations, run in the executor."""


MAX_INVALID_PER_TURN: Final = 8
"""Invalid requests per turn of the event loop; each takes up to 1 ms. Further requests wait."""

Parse = Callable[[bytes, RequestLimits], ClassifyRequest]


class BatchResponse(Body):
    """The topics of each news text, and the model."""

    answers: list[ClassifyResult | Problem]
    """Results in the order of the items; a problem for an invalid item."""
    model: Annotated[ModelVersion, Field(description="The model that made the predictions.")]


class ClassifyEndpoints:
    """Endpoints that read a request, predict it, and return status and JSON of the response.

    Each request uses one model from parsing to serialisation, also during a reload.
    """

    def __init__(
        self,
        model: ModelHandle,
        reader: BodyReader,
        admission: Admission,
        executor: InferenceExecutor,
    ) -> None:
        self._model = model
        self._reader = reader
        self._admission = admission
        self._executor = executor
        self._invalid = TurnCounter()

    async def classify(self, scope: Scope, receive: Receive) -> tuple[int, bytes]:
        """Classify a text: short ones in a dynamic batch, long ones in a thread."""
        media_type, body = await self._reader.read(
            scope, receive, self._admission.limit, (JSON, PLAIN_TEXT)
        )
        parse: Parse
        if media_type == PLAIN_TEXT:
            parse = partial(parse_plain_text, query=scope["query_string"])
        else:
            if scope["query_string"]:
                check_no_query(scope)
            parse = parse_classify_request
        served = self._model.served
        n_bytes = len(body)
        if n_bytes > INLINE_BYTES:
            return 200, await self._executor.run(
                lambda body: served.predictor.respond(parse(body, served.limits)), body, n_bytes
            )
        if self._invalid.n:
            await self._wait_for_turn()
        try:
            request = parse(body, served.limits)
        except RequestError:
            self._invalid.count()
            raise
        if request.explain:
            return 200, await self._executor.run(served.predictor.respond, request, n_bytes)
        return 200, await served.batcher.submit(request, n_bytes)

    async def classify_batch(self, scope: Scope, receive: Receive) -> tuple[int, bytes]:
        """Classify a batch, in a thread; short ones are parsed before they take a permit."""
        _, body = await self._reader.read(scope, receive, self._admission.slow_limit)
        check_no_query(scope)
        served = self._model.served
        respond = served.predictor.respond_to_batch
        n_bytes = len(body)
        if n_bytes > INLINE_BYTES:
            return 200, await self._executor.run(
                lambda body: respond(*parse_batch(body, served.limits)), body, n_bytes
            )
        await self._wait_for_turn()
        try:
            batch = parse_batch(body, served.limits)
        except RequestError:
            self._invalid.count()
            raise
        return 200, await self._executor.run(lambda batch: respond(*batch), batch, n_bytes)

    async def _wait_for_turn(self) -> None:
        """Wait until the event loop may parse a short body: it parses few invalid ones per turn.

        Invalid requests hold no permit, so that valid ones find one.
        """
        while self._invalid.has_reached(MAX_INVALID_PER_TURN):
            await sleep(0)


def classify_routes(endpoints: ClassifyEndpoints) -> APIRouter:
    """Return FastAPI's routes, which describe the endpoints for OpenAPI.

    `service.api.fast_router` calls the endpoints without them.
    """
    router = APIRouter(tags=["Classification"])

    @router.post(
        CLASSIFY,
        summary="Which topic is this news text about?",
        response_model=ClassifyResponse,
        openapi_extra=describe_classify(),
        responses=PROBLEM_RESPONSES,
    )
    async def classify(request: Request) -> Response:
        """Classify a news text, and rank its most likely topics."""
        status, content = await endpoints.classify(request.scope, request.receive)
        return Response(content, status, media_type=JSON)

    @router.post(
        CLASSIFY_BATCH,
        summary="Which topics are these news texts about?",
        response_model=BatchResponse,
        openapi_extra=describe_body(BatchRequest),
        responses=PROBLEM_RESPONSES,
    )
    async def classify_batch(request: Request) -> Response:
        """Classify news texts; an item that is not valid gets a problem instead of a result.

        If none of them is valid, neither is the request.
        """
        status, content = await endpoints.classify_batch(request.scope, request.receive)
        return Response(content, status, media_type=JSON)

    return router
