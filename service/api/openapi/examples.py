"""Examples of requests, of their answers and of every problem, for the OpenAPI document.

The tests send each request: its answer must be that of the same name, but for the digits of scores.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import ClientDisconnect

from service.api.problems import (
    INSTANCE_PREFIX,
    NO_KEY,
    BodyTimeoutError,
    InvalidRequestError,
    MalformedBodyError,
    TooLargeError,
    UnauthorizedError,
    UnsupportedMediaTypeError,
    to_problem,
)
from service.api.schemas import FieldProblem
from service.model import InferenceError, describe_blank
from service.scheduling.admission import TOO_MANY_REQUESTS
from service.scheduling.errors import DeadlineExceededError, OverloadedError

Examples = dict[str, dict[str, Any]]
"""By name, as OpenAPI has them: ``summary`` and ``value``."""

MODEL: Final = {"name": "reuters", "version": "5"}
OPEC: Final = {"title": "OPEC meets", "text": "Crude oil rose."}
CRUDE: Final = {"topic": "crude", "name": "Crude oil", "id": 16, "score": 0.999}
EARNINGS: Final = {"topic": "earn", "name": "Earnings", "id": 3, "score": 0.994}
GOLD: Final = {"topic": "gold", "name": "Gold", "id": 25, "score": 0.997}
MONEY: Final = {"topic": "money-fx", "name": "Foreign exchange", "id": 19, "score": 0.459}
NOTHING: Final = describe_blank(None).capitalize()
REQUEST_ID: Final = "0123456789abcdef-1"
SURE: Final[dict[str, Any]] = {
    "no_topic": 0.0,
    "known_words": 1.0,
    "abstained": None,
    "group": None,
}

REQUESTS: Final[Examples] = {
    "relied_upon": {
        "summary": "A text with its title",
        "value": {**OPEC, "top_k": 1},
    },
    "title_alone": {
        "summary": "A title without a text",
        "value": {"title": "Gold prices rise", "top_k": 1},
    },
    "abstained": {
        "summary": "A text that may be about several topics",
        "value": {
            "text": "The dollar and interest rates rose after the report.",
            "top_k": 1,
        },
    },
    "explained": {
        "summary": "Which words spoke for the answer?",
        "value": {**OPEC, "top_k": 1, "explain": True},
    },
}
ANSWERS: Final[Examples] = {
    "relied_upon": {
        "summary": "An answer that may be relied upon",
        "value": {"topic": "crude", "topics": [CRUDE], **SURE, "model": MODEL},
    },
    "title_alone": {
        "summary": "An answer to a title",
        "value": {"topic": "gold", "topics": [GOLD], **SURE, "model": MODEL},
    },
    "abstained": {
        "summary": "An answer that should not be relied upon, but its group may",
        "value": {
            "topic": "money-fx",
            "topics": [MONEY],
            "no_topic": 0.002,
            "known_words": 1.0,
            "abstained": "low_confidence",
            "group": {"name": "Money and economy", "score": 0.995},
            "model": MODEL,
        },
    },
    "explained": {
        "summary": "An answer with its explanation",
        "value": {
            "topic": "crude",
            "topics": [CRUDE],
            **SURE,
            "explanation": {
                "topic": "crude",
                "words": [
                    {
                        "word": word,
                        "field": field,
                        "start": start,
                        "end": start + len(word),
                        "known": True,
                        "score_change": change,
                    }
                    for word, field, start, change in (
                        ("OPEC", "title", 0, 0.013),
                        ("meets", "title", 5, 0.0),
                        ("Crude", "text", 0, 0.001),
                        ("oil", "text", 6, 0.006),
                        ("rose", "text", 10, 0.0),
                    )
                ],
            },
            "model": MODEL,
        },
    },
}
PLAIN_TEXTS: Final[Examples] = {
    "relied_upon": {"summary": "A text as it is", "value": "Crude oil rose."},
}

BATCH_REQUESTS: Final[Examples] = {
    "each_answered": {
        "summary": "Two texts",
        "value": {
            "items": [{"text": "Net profit rose to 12 mln dlrs, or 80 cts a share."}, OPEC],
            "top_k": 1,
        },
    },
}
BATCH_ANSWERS: Final[Examples] = {
    "each_answered": {
        "summary": "An answer for each",
        "value": {
            "answers": [
                {"topic": "earn", "topics": [EARNINGS], **SURE},
                {"topic": "crude", "topics": [CRUDE], **SURE},
            ],
            "model": MODEL,
        },
    },
    "one_is_not_valid": {
        "summary": "A problem in the place of an item that is not valid",
        "value": {
            "answers": [
                {"topic": "earn", "topics": [EARNINGS], **SURE},
                {
                    "type": "urn:newswire-topics:problem:invalid-request",
                    "title": "The request is not valid",
                    "status": 422,
                    "detail": f"items[1].text, items[1].title: {NOTHING}",
                    "errors": [
                        {"field": "items[1].text", "message": NOTHING},
                        {"field": "items[1].title", "message": NOTHING},
                    ],
                },
            ],
            "model": MODEL,
        },
    },
}

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
            "It was not answered within 10 seconds. Try again after Retry-After seconds.", 1
        ),
        Exception(),
    )
}
"""One of each kind that `service.api.problems.PROBLEMS` knows."""
OF_ANY_OPERATION: Final = (UnauthorizedError, Exception)
"""What goes wrong where no text is classified."""


def problem_examples(status: int, *, classifies: bool) -> Examples:
    """Give an example of each problem that an operation may answer with a status.

    Parameters
    ----------
    status : int
    classifies : bool
        Whether the operation does; the others read no body, and ask the network for nothing.
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
