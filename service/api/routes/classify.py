"""``POST /classify`` and ``POST /classify/batch``: texts in, their topics out."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.types import Receive, Scope

from service.api.openapi.document import PROBLEM_RESPONSES, describe_batch, describe_classify
from service.api.parsing import JSON, PLAIN_TEXT
from service.api.plain_text import to_json_request
from service.api.request_body import BodyReader, check_no_query
from service.api.schemas import (
    BatchResponse,
    ClassifyResponse,
)
from service.api.served_model import CurrentModel
from service.scheduling.admission import Admission, Slots
from service.scheduling.batching import Gathering
from service.scheduling.executor import Workers

CLASSIFY: Final = "/classify"
CLASSIFY_BATCH: Final = "/classify/batch"

INLINE_BYTES: Final = 16_384
"""Bodies up to this are answered on the event loop, in about a millisecond at most: a thread would
cost more than it saves. Longer ones go to a worker, so that nobody waits for them."""
EXPLAIN: Final = (b'"explain"', b"\\u006", b"\\u007")
"""One of them is in each body that asks for an explanation, which takes longer: the name of the
field, or the beginning of an ASCII letter that is written as an escape."""
TURN_BYTES: Final = 65_536
"""How much is answered on the event loop before others have their turn: a few milliseconds."""


class ClassificationEndpoint:
    """Answers the requests of a route: with the body of the answer, or by raising an error.

    Parameters
    ----------
    answer : callable
        The body of a request to the body of its answer, in a worker thread.
    workers : Workers
    reader : BodyReader
    slots : Slots
        What there must be room in before the body is read.
    gathering : Gathering or None
        Where short bodies are answered, at once.
    media_types : sequence of str
        As which a body may be declared.
    """

    def __init__(
        self,
        answer: Callable[[bytes], bytes],
        workers: Workers,
        reader: BodyReader,
        slots: Slots,
        gathering: Gathering | None = None,
        media_types: Sequence[str] = (JSON,),
    ) -> None:
        self._answer = answer
        self._workers = workers
        self._reader = reader
        self._slots = slots
        self._gathering = gathering
        self._media_types = media_types

    async def __call__(self, scope: Scope, receive: Receive) -> bytes:
        """Read the body, and answer it."""
        media_type, body = await self._reader.read(scope, receive, self._slots, self._media_types)
        if media_type == PLAIN_TEXT:
            body = to_json_request(body, scope["query_string"])
        else:
            check_no_query(scope)
        if self._gathering is not None and is_short(body):
            return await self._gathering.answer(body)
        return await self._workers.run(self._answer, body)


def is_short(body: bytes) -> bool:
    """Whether an answer to a body takes no longer than a thread would."""
    return len(body) <= INLINE_BYTES and not any(sign in body for sign in EXPLAIN)


def classification_endpoints(
    model: CurrentModel, workers: Workers, reader: BodyReader, admission: Admission
) -> dict[str, ClassificationEndpoint]:
    """Give the endpoint of each route that classifies."""
    slots, long_slots = admission.slots, admission.long_slots
    gathering = Gathering(model.classify_each, slots, max_bytes=TURN_BYTES)
    return {
        CLASSIFY: ClassificationEndpoint(
            model.classify, workers, reader, slots, gathering, (JSON, PLAIN_TEXT)
        ),
        CLASSIFY_BATCH: ClassificationEndpoint(model.classify_batch, workers, reader, long_slots),
    }


def classification_routes(
    endpoints: Mapping[str, ClassificationEndpoint],
) -> APIRouter:
    """Give the routes that classify. FastAPI has nothing to do for them but to describe them."""
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
        content = await endpoints[CLASSIFY](request.scope, request.receive)
        return Response(content, media_type=JSON)

    @router.post(
        CLASSIFY_BATCH,
        summary="Which topics are these news texts about?",
        response_model=BatchResponse,
        openapi_extra=describe_batch(),
        responses=PROBLEM_RESPONSES,
    )
    async def classify_batch(request: Request) -> Response:
        """Classify news texts; an item that is not valid gets a problem, the others their answers.

        If none of them is valid, neither is the request.
        """
        content = await endpoints[CLASSIFY_BATCH](request.scope, request.receive)
        return Response(content, media_type=JSON)

    return router
