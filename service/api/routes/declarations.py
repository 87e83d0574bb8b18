"""Declarations of bodies, problems and statuses that FastAPI cannot derive from the routes."""

from collections.abc import Collection, Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from service.api.errors import UnauthorizedError
from service.api.media_type import JSON, PLAIN_TEXT
from service.api.middleware.instrumentation import UNMATCHED
from service.api.problems import INSTANCE_PREFIX, PROBLEMS, UNAVAILABLE, Problem, to_problem
from service.api.problems import MEDIA_TYPE as PROBLEM_JSON
from service.api.schemas import ClassifyRequest, PlainTextOptions
from service.model import InferenceError
from service.scheduling.errors import BusyError, OverloadedError

UNAUTHORIZED: Final = PROBLEMS[UnauthorizedError].status
CLASSIFY_STATUSES: Final = {kind.status for kind in PROBLEMS.values()} - {UNAUTHORIZED}
"""Statuses of problems of operations that classify. 401 depends on the keys."""
OVERLOADED: Final = PROBLEMS[OverloadedError].status
OF_ANY_ROUTE: Final = {200, 405, PROBLEMS[Exception].status}

REFERENCE: Final = "#/components/schemas/{model}"
RETRY_AFTER: Final = {
    "description": "Seconds after which to retry.",
    "schema": {"type": "integer", "minimum": 1},
}
REQUEST_ID: Final = "0123456789abcdef-1"
"""Request id in the examples."""


def describe_classify() -> dict[str, Any]:
    """Describe the body of ``POST /classify``: JSON, or plain text with options in the query."""
    options = PlainTextOptions.model_json_schema()["properties"]
    query = [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": "With text/plain only. " + schema.pop("description", "As in JSON."),
            # generated clients would send a default along with JSON
            "schema": {key: value for key, value in schema.items() if key != "default"},
        }
        for name, schema in options.items()
    ]
    description = "The news text. It may be empty if the query has a title."
    plain_text = {"type": "string", "description": description}
    return describe_body(ClassifyRequest, {PLAIN_TEXT: plain_text}) | {"parameters": query}


def describe_body(model: type, others: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Describe a body that is the JSON of a model; ``others`` are schemas by media type."""
    schemas = {JSON: reference(model), **(others or {})}
    content = {media_type: {"schema": schema} for media_type, schema in schemas.items()}
    return {"requestBody": {"required": True, "content": content}}


def problem_response(status: int, *, classifies: bool = True) -> dict[str, Any]:
    """Return the response with a status: the problems of an operation, which may classify."""
    examples: dict[str, Any] = {}
    headers = {}
    for error, kind in PROBLEMS.items():
        if kind.status != status or (error is InferenceError and not classifies):
            continue
        if issubclass(error, BusyError):
            headers["Retry-After"] = RETRY_AFTER
        problem = to_problem(kind.example or error())
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            problem.instance = INSTANCE_PREFIX + REQUEST_ID
        value = problem.model_dump(exclude_none=True)
        examples[kind.slug] = {"summary": kind.title, "description": kind.when, "value": value}
    return {
        "description": "; or: ".join(example["summary"] for example in examples.values()),
        "headers": headers,
        "content": {PROBLEM_JSON: {"schema": reference(Problem), "examples": examples}},
    }


def reference(model: type) -> dict[str, str]:
    """Return the reference to the schema of a model."""
    return {"$ref": REFERENCE.format(model=model.__name__)}


PROBLEM_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    status: problem_response(status) for status in sorted(CLASSIFY_STATUSES)
}
"""Responses of operations that classify; others have ``QUEUED``, health checks ``SERVER_ERROR``."""
SERVER_ERROR: Final[dict[int | str, dict[str, Any]]] = {
    500: problem_response(500, classifies=False)
}
QUEUED: Final[dict[int | str, dict[str, Any]]] = {
    OVERLOADED: problem_response(OVERLOADED),
    **SERVER_ERROR,
}
"""Responses of operations behind `service.api.middleware.pacing`."""


def statuses_by_route(
    routes: Iterable[BaseRoute],
    *,
    pages: Collection[str],
    fast: Collection[str],
    has_keys: bool,
) -> Mapping[str, set[int]]:
    """Return the statuses by route label, so that their counters exist from the start.

    A counter that first appears with the value 1 has a rate of 0. ``pages`` are the paths of routes
    that may return 304, ``fast`` those that do not wait in a queue.
    """
    of_keys = {UNAUTHORIZED} if has_keys else set()
    statuses = {UNMATCHED: {404, OVERLOADED} | of_keys}
    for route in routes:
        if isinstance(route, APIRoute):
            path = route.path
            statuses[path] = statuses.get(path, set()) | OF_ANY_ROUTE | of_keys
            if "POST" in (route.methods or ()):
                statuses[path] |= CLASSIFY_STATUSES
            if path not in fast:
                statuses[path].add(OVERLOADED)
            if path.endswith(("/live", "/ready")):
                statuses[path].add(UNAVAILABLE)
            if "{" in path:
                statuses[path].add(404)
            if path in pages:
                statuses[path].add(304)
    return statuses
