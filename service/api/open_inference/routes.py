"""The routes of the Open Inference Protocol."""

from collections.abc import Callable
from copy import deepcopy
from functools import cache
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Request, Response

from service import __version__
from service.api.media_type import JSON
from service.api.open_inference.model import TensorModel
from service.api.open_inference.requests import HEADER_LENGTH
from service.api.open_inference.responses import Content
from service.api.open_inference.schemas import (
    ErrorResponse,
    InferRequest,
    InferResponse,
    ModelMetadata,
    ModelReady,
    ServerLive,
    ServerMetadata,
    ServerReady,
)
from service.api.problems import OPEN_INFERENCE_PREFIX, UNAVAILABLE
from service.api.request_body import BodyReader, check_no_query
from service.observability.health import ServiceHealth
from service.scheduling.admission import ConcurrencyLimit
from service.scheduling.executor import InferenceExecutor

BINARY_MEDIA_TYPE: Final = "application/octet-stream"
MEDIA_TYPES: Final = (JSON, BINARY_MEDIA_TYPE, "")
"""Clients declare one of them, or nothing at all."""
MODEL: Final = "/models/{name}"
VERSION: Final = "/models/{name}/versions/{version}"

HeaderLength = Annotated[
    str | None,
    Header(alias=HEADER_LENGTH, description="How many bytes are JSON, if binary data follow."),
]

ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    "default": {"model": ErrorResponse, "description": "What went wrong"}
}


def open_inference_routes(
    model: Callable[[], TensorModel],
    executor: InferenceExecutor,
    reader: BodyReader,
    limit: ConcurrencyLimit,
    health: ServiceHealth,
) -> APIRouter:
    """Return the routes of the protocol.

    A request reads the model once: the version that was checked is the one that predicts.
    """
    router = APIRouter(
        prefix=OPEN_INFERENCE_PREFIX, tags=["Open Inference Protocol"], responses=ERRORS
    )
    _add_server_routes(router, health)
    _add_model_routes(router, model, health)
    _add_inference_routes(router, model, executor, reader, limit)
    return router


def _add_server_routes(router: APIRouter, health: ServiceHealth) -> None:
    @router.get("", summary="Which server is this?")
    async def v2_server() -> ServerMetadata:
        """Return the server's name, version and extensions of the protocol."""
        return ServerMetadata(
            name="newswire-topics",
            version=__version__,
            extensions=["binary_tensor_data", "classification"],
        )

    @router.get("/health/live", summary="Is the server alive?")
    async def v2_live(response: Response) -> ServerLive:
        """Respond with 200 as long as the process works and its inferences succeed."""
        response.status_code = _status(health.live)
        return ServerLive(live=health.live)

    @router.get("/health/ready", summary="Can the server classify?")
    async def v2_ready(response: Response) -> ServerReady:
        """Respond with 200 from the moment the port opens, until the service drains."""
        response.status_code = _status(health.ready)
        return ServerReady(ready=health.ready)


def _add_model_routes(
    router: APIRouter, model: Callable[[], TensorModel], health: ServiceHealth
) -> None:
    @router.get(MODEL, summary="Inputs and outputs of the model")
    async def v2_model(name: str) -> ModelMetadata:
        """Return the tensors of the model."""
        served = model()
        served.check(name)
        return served.metadata

    @router.get(VERSION, summary="Inputs and outputs of a version of the model")
    async def v2_model_version(name: str, version: str) -> ModelMetadata:
        """Return the tensors of the model."""
        served = model()
        served.check(name, version)
        return served.metadata

    @router.get(f"{MODEL}/ready", summary="Can the model classify?")
    async def v2_model_ready(name: str, response: Response) -> ModelReady:
        """Respond with 200 for the served model, until the service drains."""
        model().check(name)
        response.status_code = _status(health.ready)
        return ModelReady(name=name, ready=health.ready)

    @router.get(f"{VERSION}/ready", summary="Can the model of a version classify?")
    async def v2_model_version_ready(name: str, version: str, response: Response) -> ModelReady:
        """Respond with 200 for the served version, until the service drains."""
        model().check(name, version)
        response.status_code = _status(health.ready)
        return ModelReady(name=name, ready=health.ready)


def _add_inference_routes(
    router: APIRouter,
    model: Callable[[], TensorModel],
    executor: InferenceExecutor,
    reader: BodyReader,
    limit: ConcurrencyLimit,
) -> None:
    described: dict[str, Any] = {
        "response_model": InferResponse,
        "openapi_extra": {"requestBody": deepcopy(_describe_body())},
    }

    async def infer(served: TensorModel, request: Request, header_length: str | None) -> Response:
        _, body = await reader.read(request.scope, request.receive, limit, MEDIA_TYPES)
        check_no_query(request.scope)
        content = await executor.run(
            lambda body: served.infer(body, header_length), body, len(body)
        )
        return _respond(content)

    @router.post(f"{MODEL}/infer", summary="Which topics are these texts about?", **described)
    async def v2_infer(name: str, request: Request, header_length: HeaderLength = None) -> Response:
        """Classify the texts of a tensor; one that is not valid fails the request."""
        served = model()
        served.check(name)
        return await infer(served, request, header_length)

    @router.post(f"{VERSION}/infer", summary="The same, by a version", **described)
    async def v2_infer_version(
        name: str, version: str, request: Request, header_length: HeaderLength = None
    ) -> Response:
        """Classify the texts of a tensor; one that is not valid fails the request."""
        served = model()
        served.check(name, version)
        return await infer(served, request, header_length)


def _status(good: bool) -> int:  # noqa: FBT001 - the one thing that it is about
    return 200 if good else UNAVAILABLE


def _respond(content: Content) -> Response:
    if content.header_length is None:
        return Response(content.body, media_type=JSON)
    headers = {HEADER_LENGTH: str(content.header_length)}
    return Response(content.body, media_type=BINARY_MEDIA_TYPE, headers=headers)


@cache
def _describe_body() -> dict[str, Any]:
    """Describe a body, which is read and parsed by hand, to OpenAPI."""
    schema = InferRequest.model_json_schema()
    definitions = schema.pop("$defs")
    return {
        "required": True,
        "content": {
            JSON: {"schema": _inline(schema, definitions)},
            BINARY_MEDIA_TYPE: {
                "schema": {
                    "type": "string",
                    "format": "binary",
                    "description": "The same JSON, and then the inputs' binary data.",
                }
            },
        },
    }


def _inline(schema: Any, definitions: dict[str, Any]) -> Any:
    """Put definitions where they are referred to; in OpenAPI a part cannot have its own."""
    if isinstance(schema, list):
        return [_inline(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    rest = {key: _inline(value, definitions) for key, value in schema.items() if key != "$ref"}
    if "$ref" in schema:
        return _inline(definitions[schema["$ref"].rpartition("/")[2]], definitions) | rest
    return rest
