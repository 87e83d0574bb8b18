"""The parts of the OpenAPI document that FastAPI cannot derive: bodies, headers, problems."""

from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic.json_schema import models_json_schema

from service.api.limits import RequestLimits
from service.api.open_inference.schemas import InferRequest
from service.api.openapi.examples import add_examples
from service.api.problems import OPEN_INFERENCE_PREFIX
from service.api.routes.declarations import REFERENCE, UNAUTHORIZED, problem_response, reference
from service.api.routes.predict import PredictRequest
from service.api.schemas import BatchItem, BatchRequest, ClassifyRequest
from service.model import DEFAULT_TOP_K, TopicClassifier

OPENAPI_PATH: Final = "/openapi.json"
WHITE_SPACE: Final = r"\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""The characters of `str.isspace`; ``\\s`` means different ones in each language."""
_BLANK: Final = {"pattern": f"^[{WHITE_SPACE}]*$"}
"""Matches a blank string. Null and absent fields pass it too, so they count as blank."""
NOT_BLANK: Final = {"not": {"properties": {"text": _BLANK, "title": _BLANK}}}
"""Requires a text or a title. Client generators turn ``anyOf`` into a union, but ignore ``not``."""
REQUEST_ID: Final = {
    "description": "The client's request id, or a new one; the log lines of the request have it.",
    "schema": {"type": "string"},
}


def openapi_routes(document: Callable[[], dict[str, Any]]) -> APIRouter:
    """Return the route of the document; FastAPI's own has no route label in the metrics."""
    router = APIRouter(include_in_schema=False)

    @router.get(OPENAPI_PATH)
    async def openapi(request: Request) -> JSONResponse:
        root_path = request.scope.get("root_path", "").rstrip("/")
        servers = {"servers": [{"url": root_path}]} if root_path else {}
        return JSONResponse(document() | servers)

    return router


def complete_openapi(
    document: dict[str, Any],
    classifier: TopicClassifier,
    limits: RequestLimits,
    needs_key: Callable[[str, str], bool] | None = None,
) -> dict[str, Any]:
    """Complete FastAPI's document with the limits and the examples of the served model.

    ``needs_key`` says by method and path whether a key is required; None if no keys are set.
    """
    components, paths = document["components"], document["paths"]
    if needs_key is not None:
        scheme = {"type": "http", "scheme": "bearer", "description": "An API key."}
        components["securitySchemes"] = {"key": scheme}
    document["info"]["summary"] = f"Which of {limits.max_top_k} topics is this news text about?"
    components["schemas"] |= _request_schemas(limits)
    query = paths["/classify"]["post"]["parameters"]
    _limit_options({parameter["name"]: parameter["schema"] for parameter in query}, limits)
    for path, operations in paths.items():
        for method, operation in operations.items():
            if needs_key is not None and needs_key(method.upper(), path):
                _require_key(operation, path)
            for response in operation["responses"].values():
                response["headers"] = {"X-Request-ID": REQUEST_ID, **response.get("headers", {})}
    add_examples(paths, classifier, limits)
    return document


def _require_key(operation: dict[str, Any], path: str) -> None:
    operation["security"] = [{"key": []}]
    if not path.startswith(OPEN_INFERENCE_PREFIX):  # its routes have a default error response
        headers = {"WWW-Authenticate": {"schema": {"type": "string"}}}
        response = problem_response(UNAUTHORIZED) | {"headers": headers}
        operation["responses"][str(UNAUTHORIZED)] = response


def _request_schemas(limits: RequestLimits) -> dict[str, Any]:
    """Return the schemas of requests by name, with the limits."""
    _, definitions = models_json_schema(
        [
            (model, "validation")
            for model in (ClassifyRequest, BatchRequest, BatchItem, PredictRequest, InferRequest)
        ],
        ref_template=REFERENCE,
    )
    schemas: dict[str, Any] = definitions["$defs"]
    for name in ("ClassifyRequest", "BatchRequest", "InferParameters"):
        options = schemas[name]["properties"]
        options["top_k"]["default"] = min(DEFAULT_TOP_K, limits.max_top_k)
        _limit_options(options, limits)
    for name in ("ClassifyRequest", "BatchItem"):
        schemas[name] |= NOT_BLANK
    items = {"items": reference(BatchItem), "maxItems": limits.max_batch_size}
    schemas["BatchRequest"]["properties"]["items"] |= items
    text = {"type": "string", "not": _BLANK}
    texts = {"type": "array", "items": text, "minItems": 1, "maxItems": limits.max_batch_size}
    schemas["PredictRequest"]["properties"]["inputs"]["anyOf"] = [text, texts]
    number = schemas["PredictParameters"]["properties"]["top_k"]["anyOf"][0]
    number["maximum"] = limits.max_top_k
    return schemas


def _limit_options(schemas: dict[str, Any], limits: RequestLimits) -> None:
    """Limit the schemas of options, by name, to what the model supports."""
    schemas["top_k"]["maximum"] = limits.max_top_k
    if not limits.finds_all_topics:
        schemas["all_topics"]["const"] = False
    if not limits.has_subjects:
        schemas["subjects"]["const"] = False
