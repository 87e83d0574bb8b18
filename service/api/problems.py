"""Converts errors to responses: problem details, RFC 9457.

Under `OPEN_INFERENCE_PREFIX` the body of the response has the format of that protocol instead.

`PROBLEMS` is the one table that knows both errors and HTTP. Responses repeat no input of a client,
except the names of unknown fields.
"""

import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Annotated, Final, NamedTuple

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match, Route
from starlette.types import Scope

from service.api.errors import (
    BodyTimeoutError,
    FieldProblem,
    InvalidRequestError,
    MalformedBodyError,
    RequestError,
    TooLargeError,
    UnauthorizedError,
    UnsupportedMediaTypeError,
)
from service.api.schemas import BatchItem, Body
from service.model import InferenceError, describe_blank
from service.observability.request_context import current_request_context
from service.scheduling.admission import TOO_MANY_REQUESTS
from service.scheduling.errors import BusyError, DeadlineExceededError, OverloadedError

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:newswire-topics:problem:"
NO_KEY: Final = "Send a valid key in the header Authorization: Bearer KEY."
NOTHING: Final = describe_blank(None).capitalize()
UNAVAILABLE: Final = 503
INSTANCE_PREFIX: Final = "urn:newswire-topics:request:"
"""Prefix of the request's id, under which the log has more."""
OPEN_INFERENCE_PREFIX: Final = "/v2"
"""Path prefix of the Open Inference Protocol."""

logger = logging.getLogger(__name__)


class Problem(Body):
    """Problem details, RFC 9457."""

    type: Annotated[str, Field(description="Kind of problem.")]
    title: Annotated[str, Field(description="Kind of problem, for people.")]
    status: Annotated[int, Field(description="Status of the response.")]
    detail: Annotated[str | None, Field(description="How to fix the request.")] = None
    instance: str | None = None
    """The request id, for errors of the service."""
    errors: Annotated[list[FieldProblem] | None, Field(description="Errors by field.")] = None


class ProblemKind(NamedTuple):
    """An error in HTTP."""

    status: int
    slug: str
    title: str
    when: str
    """When it occurs, for the OpenAPI document and the reference."""
    detail: str | None = None
    """Detail for clients, where the message of the error is not for them."""
    example: Exception | None = None
    """Example for the OpenAPI document, where the message of the error is for clients."""


PROBLEMS: Final[Mapping[type[Exception], ProblemKind]] = {
    MalformedBodyError: ProblemKind(
        400,
        "malformed-body",
        "The body cannot be read",
        "The body is not JSON, or not plain text, in UTF-8.",
        example=MalformedBodyError(
            "Expected JSON in UTF-8. Invalid JSON: EOF while parsing a value at line 1 column 0."
        ),
    ),
    ClientDisconnect: ProblemKind(
        400,
        "body-cut-short",
        "The body ended too early",
        "The connection was closed before the whole body arrived.",
        "The connection was closed before the whole body arrived.",
    ),
    UnauthorizedError: ProblemKind(
        401,
        "unauthorized",
        "A valid API key is required",
        "API keys are set, and the request has no valid one.",
        example=UnauthorizedError(NO_KEY),
    ),
    BodyTimeoutError: ProblemKind(
        408,
        "body-timeout",
        "The body took too long",
        "The body did not arrive within NEWSWIRE_REQUEST_TIMEOUT_SECONDS.",
        example=BodyTimeoutError("Expected the whole body within 10 seconds."),
    ),
    TooLargeError: ProblemKind(
        413,
        "too-large",
        "The text is too long",
        "Text and title exceed the limit of bytes or words, of explained words, or of different "
        "words (2^23 divided by the number of topics); or a batch has too many of all topics.",
        example=TooLargeError("Expected at most 1000000 bytes of text, title included, in UTF-8."),
    ),
    UnsupportedMediaTypeError: ProblemKind(
        415,
        "unsupported-media-type",
        "The content type is not supported",
        "The body is not declared as JSON or plain text, has another character set than UTF-8, or "
        "is compressed.",
        example=UnsupportedMediaTypeError("Expected a body with Content-Type: application/json."),
    ),
    InvalidRequestError: ProblemKind(
        422,
        "invalid-request",
        "The request is not valid",
        "A field is missing, unknown, of another type or out of range; errors lists each.",
        example=InvalidRequestError(
            [FieldProblem(field=name, message=NOTHING) for name in BatchItem.model_fields]
        ),
    ),
    OverloadedError: ProblemKind(
        429,
        "overloaded",
        "The service is busy",
        "There are too many concurrent requests. Retry after the seconds in Retry-After.",
        example=OverloadedError(TOO_MANY_REQUESTS, 1),
    ),
    InferenceError: ProblemKind(
        500,
        "inference-failed",
        "The text could not be classified",
        "The model failed, or returned something that is not a probability.",
        "The model returned no valid scores. Do not retry; tell the operator.",
    ),
    Exception: ProblemKind(
        500,
        "internal-error",
        "Internal error",
        "The service has a bug.",
        "The request may be valid. Retry later; if the error persists, tell the operator.",
    ),
    DeadlineExceededError: ProblemKind(
        503,
        "deadline-exceeded",
        "The request took too long",
        "The request took longer than NEWSWIRE_REQUEST_TIMEOUT_SECONDS. Retry after the seconds in "
        "Retry-After.",
        example=DeadlineExceededError(
            "The request took longer than 10 seconds. "
            "Retry after the number of seconds in Retry-After.",
            1,
        ),
    ),
}
"""Kind by class of error. Starlette's HTTPException keeps its status."""
HTTP_DETAILS: Final = {
    404: "Not found. GET /openapi.json lists the routes.",
    405: "This path does not support the method. The Allow header lists those it supports.",
}


def add_error_handlers(app: FastAPI) -> None:
    """Respond to every error of an app with a problem."""

    async def respond(request: Request, error: Exception) -> JSONResponse:
        return error_response(error, request.scope)

    for kind in (*PROBLEMS, HTTPException):
        app.add_exception_handler(kind, respond)


def route_path(scope: Scope) -> str:
    """Return the path of a request as the routes have it: without the prefix of an outer app."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def match_route(routes: Iterable[Route], scope: Scope) -> Route | None:
    """Return the route of a request that is rejected before the router, for its metrics."""
    return next((route for route in routes if route.matches(scope)[0] is not Match.NONE), None)


def is_bug(error: Exception) -> bool:
    """Whether an error is a bug: neither a known kind of `PROBLEMS` nor raised by the router."""
    return _kind(error) is PROBLEMS[Exception] and not isinstance(error, HTTPException)


def to_problem(error: Exception) -> Problem:
    """Return the problem of an error, as clients see it."""
    if isinstance(error, HTTPException):  # raised by the router: no such route, method or model
        status, title = error.status_code, HTTPStatus(error.status_code).phrase
        detail = HTTP_DETAILS.get(status) if error.detail == title else error.detail
        return Problem(type="about:blank", title=title, status=status, detail=detail)
    kind = _kind(error)
    return Problem(
        type=TYPE_PREFIX + kind.slug,
        title=kind.title,
        status=kind.status,
        detail=str(error) if isinstance(error, (RequestError, BusyError)) else kind.detail,
        errors=error.problems if isinstance(error, InvalidRequestError) else None,
    )


def error_response(error: Exception, scope: Scope | None = None) -> JSONResponse:
    """Return the response to an error, in the format for a path; log a failed inference."""
    if isinstance(error, InferenceError):
        logger.error("inference failed: %s", error)
    problem = to_problem(error)
    context = current_request_context.get()
    if context and problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        problem.instance = INSTANCE_PREFIX + context.request_id
    if scope and f"{route_path(scope)}/".startswith(f"{OPEN_INFERENCE_PREFIX}/"):
        content = {"error": problem.detail or problem.title}
        return JSONResponse(content, problem.status, _headers(error))
    content = problem.model_dump(exclude_none=True)
    return JSONResponse(content, problem.status, _headers(error), media_type=MEDIA_TYPE)


def _kind(error: Exception) -> ProblemKind:
    return next(PROBLEMS[base] for base in type(error).__mro__ if base in PROBLEMS)


def _headers(error: Exception) -> dict[str, str]:
    if isinstance(error, BusyError):
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, BodyTimeoutError):
        return {"Connection": "close"}  # the rest of the body is not read
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if headers.get("Allow") == "GET":
        headers["Allow"] = "GET, HEAD"
    return headers
