"""From what went wrong to what the client is told: problem details, RFC 9457.

Under `OPEN_INFERENCE_PREFIX` the same status and sentence have the form which that protocol gives
them.

`PROBLEMS` is the one table that knows both errors and HTTP. What a client sent is never part of
an answer.

RequestError
├── UnauthorizedError           it comes without a key, or with a wrong one
├── BodyTimeoutError            the body was not there in time
├── UnsupportedMediaTypeError   the body is declared as something that is not taken
├── TooLargeError               the text, or the body around it, is over the limit
├── MalformedBodyError          the body is not JSON, or not text in UTF-8
│   └── TensorError             the JSON and what follows it are not the tensors that were expected
└── InvalidRequestError         the JSON is not the request that was expected
"""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final, NamedTuple

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from service.api.schemas import FieldProblem, Problem
from service.model import InferenceError
from service.observability.request_context import current_request_context
from service.scheduling.errors import BusyError, DeadlineExceededError, OverloadedError

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:newswire-topics:problem:"
NO_KEY: Final = "Send a valid key in the header Authorization: Bearer KEY."
UNAVAILABLE: Final = 503
INSTANCE_PREFIX: Final = "urn:newswire-topics:request:"
"""Before the request's id, under which the log says more."""
OPEN_INFERENCE_PREFIX: Final = "/v2"
"""Where the Open Inference Protocol has its addresses."""

logger = logging.getLogger(__name__)


class RequestError(Exception):
    """Base of what a client can put right; its text is the sentence that the client is told."""


class UnauthorizedError(RequestError):
    """The request comes without a key, or with one that is not valid."""


class BodyTimeoutError(RequestError):
    """The body was not there in time."""


class UnsupportedMediaTypeError(RequestError):
    """The body is declared as something that is not taken."""


class TooLargeError(RequestError):
    """The text, or the body around it, is over the limit."""


class MalformedBodyError(RequestError):
    """The body is not JSON, or not text in UTF-8."""


class TensorError(MalformedBodyError):
    """The tensors of the Open Inference Protocol are not what was expected."""


class InvalidRequestError(RequestError):
    """The JSON is not the request that was expected.

    Parameters
    ----------
    problems : sequence of FieldProblem
        What is wrong, field by field.
    """

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        self.problems = list(dict.fromkeys(problems))
        fields: dict[str, list[str]] = {}
        for item in self.problems:
            fields.setdefault(item.message, []).append(item.field)
        super().__init__(
            "; ".join(f"{', '.join(names)}: {message}" for message, names in fields.items())
        )


class ProblemKind(NamedTuple):
    """How an error looks over HTTP."""

    status: int
    slug: str
    title: str
    detail: str | None = None
    """What the client is told where the error itself has no sentence for it."""


PROBLEMS: Final[Mapping[type[Exception], ProblemKind]] = {
    MalformedBodyError: ProblemKind(400, "malformed-body", "The body cannot be read"),
    ClientDisconnect: ProblemKind(
        400,
        "body-cut-short",
        "The body ended too early",
        "The connection was closed before the whole body was there.",
    ),
    UnauthorizedError: ProblemKind(401, "unauthorized", "A valid API key is needed"),
    BodyTimeoutError: ProblemKind(408, "body-timeout", "The body came too slowly"),
    TooLargeError: ProblemKind(413, "too-large", "The text is too long"),
    UnsupportedMediaTypeError: ProblemKind(
        415, "unsupported-media-type", "The content type is not supported"
    ),
    InvalidRequestError: ProblemKind(422, "invalid-request", "The request is not valid"),
    OverloadedError: ProblemKind(429, "overloaded", "The service is busy"),
    InferenceError: ProblemKind(
        500,
        "inference-failed",
        "The text could not be classified",
        "The model gave no valid scores for it. Trying again will not help; tell the operator.",
    ),
    Exception: ProblemKind(
        500,
        "internal-error",
        "Something went wrong in the service",
        "The request may be in order. Try again later; if it lasts, tell the operator.",
    ),
    DeadlineExceededError: ProblemKind(
        503, "deadline-exceeded", "The answer was not there in time"
    ),
}
"""The status and title of each error. Others that HTTP itself defines keep their status."""


def add_error_handlers(app: FastAPI) -> None:
    """Make every error of an app a problem document."""
    for kind in PROBLEMS:
        app.add_exception_handler(kind, answer_error)
    app.add_exception_handler(HTTPException, _answer_http_exception)


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Give the answer that carries a problem."""
    return JSONResponse(
        problem.model_dump(exclude_none=True), problem.status, headers, media_type=MEDIA_TYPE
    )


def is_bug(error: Exception) -> bool:
    """Whether an error has no place of its own in `PROBLEMS`."""
    return _kind(error) is PROBLEMS[Exception]


def to_problem(error: Exception) -> Problem:
    """Say what went wrong, as it is told to a client."""
    kind = _kind(error)
    return Problem(
        type=TYPE_PREFIX + kind.slug,
        title=kind.title,
        status=kind.status,
        detail=str(error) if isinstance(error, (RequestError, BusyError)) else kind.detail,
        errors=error.problems if isinstance(error, InvalidRequestError) else None,
    )


def error_response(error: Exception) -> JSONResponse:
    """Answer an error."""
    return problem_response(_log(error), error_headers(error))


def error_headers(error: Exception) -> dict[str, str]:
    """Give what an error says besides its problem: when to try again, or that this was the end."""
    if isinstance(error, BusyError):
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, BodyTimeoutError):
        return {"Connection": "close"}  # what comes yet belongs to no request
    return {}


async def answer_error(request: Request, error: Exception) -> JSONResponse:
    """Answer an error in the form that the clients of the request's address read."""
    return _answer(request, _log(error), error_headers(error))


def _log(error: Exception) -> Problem:
    """Say what went wrong, to the operator too if it is the model."""
    if isinstance(error, InferenceError):
        logger.error("inference failed: %s", error)
    problem = to_problem(error)
    trace = current_request_context.get()
    if trace and problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        problem.instance = INSTANCE_PREFIX + trace.request_id
    return problem


def _kind(error: Exception) -> ProblemKind:
    return next(PROBLEMS[base] for base in type(error).__mro__ if base in PROBLEMS)


async def _answer_http_exception(request: Request, error: Exception) -> JSONResponse:
    """Answer what the router raises: no such route, or no such method on it; or no such model."""
    if not isinstance(error, HTTPException):
        raise error
    title = HTTPStatus(error.status_code).phrase
    details = {
        404: "There is nothing at this address; GET /openapi.json lists what there is.",
        405: "This address does not take this method; the Allow header says which it takes.",
    }
    problem = Problem(
        type="about:blank",
        title=title,
        status=error.status_code,
        detail=details.get(error.status_code) if error.detail == title else error.detail,
    )
    headers = error.headers
    if headers and headers.get("Allow") == "GET":
        headers = {**headers, "Allow": "GET, HEAD"}
    return _answer(request, problem, headers)


def _answer(
    request: Request, problem: Problem, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Give a problem the form that the clients of an address read."""
    if f"{request.url.path}/".startswith(f"{OPEN_INFERENCE_PREFIX}/"):
        sentence = problem.detail or problem.title
        return JSONResponse({"error": sentence}, problem.status, headers)
    return problem_response(problem, headers)
