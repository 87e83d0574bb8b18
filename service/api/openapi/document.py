"""The OpenAPI document, where FastAPI cannot know it.

Bodies are read and parsed by hand, so they are described here; so are the examples, and that every
answer has a request id and every error is a problem.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic.json_schema import models_json_schema

from service.api.media_type import JSON, PLAIN_TEXT
from service.api.openapi.examples import (
    ANSWERS,
    BATCH_ANSWERS,
    BATCH_REQUESTS,
    PLAIN_TEXTS,
    REQUESTS,
    Examples,
    problem_examples,
)
from service.api.parsing import RequestLimits
from service.api.problems import MEDIA_TYPE as PROBLEM_JSON
from service.api.problems import OPEN_INFERENCE_PREFIX, PROBLEMS, UnauthorizedError
from service.api.schemas import BatchItem, BatchRequest, ClassifyRequest, PlainTextOptions, Problem
from service.scheduling.errors import BusyError

OPENAPI_PATH: Final = "/openapi.json"
UNAUTHORIZED: Final = PROBLEMS[UnauthorizedError].status
PROBLEM_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": Problem}
    for status in sorted({kind.status for kind in PROBLEMS.values()} - {UNAUTHORIZED})
}
"""Of an operation that classifies; any other has only ``SERVER_ERROR``. Keys are told apart."""
SERVER_ERROR: Final[dict[int | str, dict[str, Any]]] = {500: {"model": Problem}}

REFERENCE: Final = "#/components/schemas/{model}"
WHITE_SPACE: Final = r"\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""What `str.isspace` takes for it. In a pattern ``\\s`` is other characters in each language."""
_BLANK: Final = {"pattern": f"^[{WHITE_SPACE}]*$"}
"""Matches a blank string. Null and absent fields pass it too, so they count as blank."""
NOT_BLANK: Final = {"not": {"properties": {"text": _BLANK, "title": _BLANK}}}
"""Requires a text or a title. Client generators turn ``anyOf`` into a union, but ignore ``not``."""
KEY_SCHEME: Final = "key"
"""Its name in the document, by which operations refer to it."""
RETRY_AFTER: Final = {
    "description": "In how many seconds there will be room again, at the pace of late.",
    "schema": {"type": "integer", "minimum": 1},
}
BUSY: Final = {str(kind.status) for error, kind in PROBLEMS.items() if issubclass(error, BusyError)}
REQUEST_ID: Final = {
    "description": "The caller's own, or a new one; log lines of the request have it.",
    "schema": {"type": "string"},
}


def openapi_routes(document: Callable[[], dict[str, Any]]) -> APIRouter:
    """Return the route of the document.

    FastAPI's own is no route of its kind, so its requests would not be told apart in the metrics.
    """
    router = APIRouter(include_in_schema=False)

    @router.get(OPENAPI_PATH)
    async def openapi(request: Request) -> JSONResponse:
        root_path = request.scope.get("root_path", "").rstrip("/")
        servers = {"servers": [{"url": root_path}]} if root_path else {}
        return JSONResponse(document() | servers)

    return router


def describe_classify() -> dict[str, Any]:
    """Describe what ``POST /classify`` takes: JSON, or a plain text with options in the query."""
    options = PlainTextOptions.model_json_schema()["properties"]
    query = [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": "Of a plain text only; with JSON it is refused. "
            + schema.pop("description", "As in JSON."),
            # without a default, which generated clients would send along with JSON
            "schema": {key: value for key, value in schema.items() if key != "default"},
        }
        for name, schema in options.items()
    ]
    content = {
        JSON: {"schema": _reference(ClassifyRequest), "examples": REQUESTS},
        PLAIN_TEXT: {
            "schema": {
                "type": "string",
                "description": "The news text. It may be empty if the query has a title.",
            },
            "examples": PLAIN_TEXTS,
        },
    }
    return {"requestBody": {"required": True, "content": content}, "parameters": query}


def describe_batch() -> dict[str, Any]:
    """Describe what ``POST /classify/batch`` takes."""
    content = {JSON: {"schema": _reference(BatchRequest), "examples": BATCH_REQUESTS}}
    return {"requestBody": {"required": True, "content": content}}


def complete_openapi(
    document: dict[str, Any],
    limits: RequestLimits,
    needs_key: Callable[[str, str], bool] | None = None,
) -> dict[str, Any]:
    """Add to FastAPI's document what it cannot know.

    Parameters
    ----------
    document : dict
    limits : RequestLimits
    needs_key : callable or None
        Whether an operation does, by its method and path; None if there are no keys.
    """
    if needs_key is not None:
        _describe_keys(document, needs_key)
    schemas = document["components"]["schemas"]
    schemas |= _request_schemas(limits)
    document["info"]["summary"] = f"Which of {limits.max_top_k} topics is this news text about?"
    for parameter in document["paths"]["/classify"]["post"]["parameters"]:
        if parameter["name"] == "top_k":
            parameter["schema"]["maximum"] = limits.max_top_k
    for operations in document["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                response["headers"] = {"X-Request-ID": REQUEST_ID, **response.get("headers", {})}
                classifies = "requestBody" in operation
                if classifies and status in BUSY:
                    response["headers"]["Retry-After"] = RETRY_AFTER
                _complete_response(response, status, classifies=classifies)
    answers: Sequence[tuple[str, Examples]] = (
        ("/classify", ANSWERS),
        ("/classify/batch", BATCH_ANSWERS),
    )
    for path, examples in answers:
        document["paths"][path]["post"]["responses"]["200"]["content"][JSON]["examples"] = examples
    return document


def _describe_keys(document: dict[str, Any], needs_key: Callable[[str, str], bool]) -> None:
    """Say how a key is sent, where, and what comes without one."""
    scheme = {"type": "http", "scheme": "bearer", "description": "An API key."}
    document["components"]["securitySchemes"] = {KEY_SCHEME: scheme}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if not needs_key(method.upper(), path):
                continue
            operation["security"] = [{KEY_SCHEME: []}]
            if not path.startswith(OPEN_INFERENCE_PREFIX):  # whose default answer is an error
                content = {JSON: {"schema": _reference(Problem)}}
                headers = {"WWW-Authenticate": {"schema": {"type": "string"}}}
                operation["responses"][str(UNAUTHORIZED)] = {"content": content, "headers": headers}


def _complete_response(response: dict[str, Any], status: str, *, classifies: bool) -> None:
    """Put a problem under its media type, for FastAPI declares all models as JSON."""
    content = response.get("content", {})
    if content.get(JSON, {}).get("schema") == _reference(Problem):
        examples = problem_examples(int(status), classifies=classifies)
        content[PROBLEM_JSON] = {**content.pop(JSON), "examples": examples}
        response["description"] = "; or: ".join(item["summary"] for item in examples.values())


def _request_schemas(limits: RequestLimits) -> dict[str, Any]:
    """Give the schemas of requests by name, with the limits that hold here."""
    _, definitions = models_json_schema(
        [(model, "validation") for model in (ClassifyRequest, BatchRequest, BatchItem)],
        ref_template=REFERENCE,
    )
    schemas: dict[str, Any] = definitions["$defs"]
    for name in (ClassifyRequest.__name__, BatchRequest.__name__):
        schemas[name]["properties"]["top_k"]["maximum"] = limits.max_top_k
    for name in (ClassifyRequest.__name__, BatchItem.__name__):
        schemas[name] |= NOT_BLANK
    schemas[BatchRequest.__name__]["properties"]["items"] |= {
        "items": _reference(BatchItem),
        "maxItems": limits.max_batch_size,
    }
    return schemas


def _reference(model: type) -> dict[str, str]:
    return {"$ref": REFERENCE.format(model=model.__name__)}
