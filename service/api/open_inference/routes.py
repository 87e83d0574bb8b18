"""The routes of the Open Inference Protocol."""

from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Request, Response

from service import __version__
from service.api.media_type import JSON
from service.api.open_inference import schemas
from service.api.open_inference.model import BINARY_MEDIA_TYPE, TensorModel
from service.api.open_inference.requests import HEADER_LENGTH
from service.api.problems import OPEN_INFERENCE_PREFIX, UNAVAILABLE
from service.api.request_body import BodyReader, check_no_query
from service.observability.health import ServiceHealth
from service.scheduling.admission import ConcurrencyLimit
from service.scheduling.executor import InferenceExecutor

MEDIA_TYPES: Final = (JSON, BINARY_MEDIA_TYPE, "")
"""Clients declare one of them, or nothing at all."""
MODEL: Final = "/models/{name}"
VERSION: Final = "/models/{name}/versions/{version}"

HeaderLength = Annotated[
    str | None,
    Header(alias=HEADER_LENGTH, description="How many bytes are JSON, if binary data follow."),
]


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
        prefix=OPEN_INFERENCE_PREFIX,
        tags=["Open Inference Protocol"],
        responses={"default": {"model": schemas.ErrorResponse, "description": "What went wrong"}},
    )

    def set_status(response: Response, *, good: bool) -> bool:
        response.status_code = 200 if good else UNAVAILABLE
        return good

    @router.get("", summary="Which server is this?")
    async def v2_server() -> schemas.ServerMetadata:
        """Return the server's name, version and extensions of the protocol."""
        return server_metadata(["binary_tensor_data", "classification"])

    @router.get("/health/live", summary="Is the server alive?")
    async def v2_live(response: Response) -> schemas.ServerLive:
        """Respond with 200 as long as the process works and its inferences succeed."""
        return schemas.ServerLive(live=set_status(response, good=health.live))

    @router.get("/health/ready", summary="Can the server classify?")
    async def v2_ready(response: Response) -> schemas.ServerReady:
        """Respond with 200 from the moment the port opens, until the service drains."""
        return schemas.ServerReady(ready=set_status(response, good=health.ready))

    @router.get(MODEL, summary="Inputs and outputs of the model")
    async def v2_model(name: str) -> schemas.ModelMetadata:
        """Return the tensors of the model."""
        return model().named(name).metadata

    @router.get(VERSION, summary="Inputs and outputs of a version of the model")
    async def v2_model_version(name: str, version: str) -> schemas.ModelMetadata:
        """Return the tensors of the model."""
        return model().named(name, version).metadata

    @router.get(f"{MODEL}/ready", summary="Can the model classify?")
    async def v2_model_ready(name: str, response: Response) -> schemas.ModelReady:
        """Respond with 200 for the served model, until the service drains."""
        model().named(name)
        return schemas.ModelReady(name=name, ready=set_status(response, good=health.ready))

    @router.get(f"{VERSION}/ready", summary="Can the model of a version classify?")
    async def v2_model_version_ready(
        name: str, version: str, response: Response
    ) -> schemas.ModelReady:
        """Respond with 200 for the served version, until the service drains."""
        model().named(name, version)
        return schemas.ModelReady(name=name, ready=set_status(response, good=health.ready))

    _add_infer_routes(router, model, executor, reader, limit)
    return router


def server_metadata(extensions: list[str]) -> schemas.ServerMetadata:
    """Return the server's name and version, with extensions of the protocol."""
    return schemas.ServerMetadata(
        name="newswire-topics", version=__version__, extensions=extensions
    )


def _add_infer_routes(
    router: APIRouter,
    model: Callable[[], TensorModel],
    executor: InferenceExecutor,
    reader: BodyReader,
    limit: ConcurrencyLimit,
) -> None:
    async def infer(served: TensorModel, request: Request, header_length: str | None) -> Response:
        _, body = await reader.read(request.scope, request.receive, limit, MEDIA_TYPES)
        check_no_query(request.scope)
        return await executor.run(lambda body: served.infer(body, header_length), body, len(body))

    described: dict[str, Any] = {
        "response_model": schemas.InferResponse,
        "openapi_extra": {"requestBody": _describe_body()},
    }

    @router.post(f"{MODEL}/infer", summary="Which topics are these texts about?", **described)
    async def v2_infer(name: str, request: Request, header_length: HeaderLength = None) -> Response:
        """Classify the texts of a tensor; one that is not valid fails the request."""
        return await infer(model().named(name), request, header_length)

    @router.post(f"{VERSION}/infer", summary="The same, by a version", **described)
    async def v2_infer_version(
        name: str, version: str, request: Request, header_length: HeaderLength = None
    ) -> Response:
        """Classify the texts of a tensor; one that is not valid fails the request."""
        return await infer(model().named(name, version), request, header_length)


def _describe_body() -> dict[str, Any]:
    """Describe a body, which is read and parsed by hand, to OpenAPI."""
    schema = schemas.InferRequest.model_json_schema()
    schema = _inline(schema, schema.pop("$defs"))
    binary = {
        "type": "string",
        "format": "binary",
        "description": "The same JSON, and then the inputs' binary data.",
    }
    content = {JSON: {"schema": schema}, BINARY_MEDIA_TYPE: {"schema": binary}}
    return {"required": True, "content": content}


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
