"""The Open Inference Protocol over HTTP, below ``/v2``."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Request, Response

from service.api.media_type import JSON
from service.api.open_inference import schemas
from service.api.open_inference.bodies import BINARY_MEDIA_TYPE, infer
from service.api.open_inference.inputs import HEADER_LENGTH
from service.api.problems import OPEN_INFERENCE_PREFIX, UNAVAILABLE
from service.api.request_body import BodyReader, check_no_query
from service.api.routes.declarations import describe_body
from service.api.served_model import ModelHandle
from service.observability.health import ServiceHealth
from service.scheduling.admission import ConcurrencyLimit
from service.scheduling.executor import InferenceExecutor

MEDIA_TYPES: Final = (JSON, BINARY_MEDIA_TYPE, "")
"""Media types that clients declare; some declare none."""
MODEL: Final = "/models/{name}"
VERSION: Final = "/models/{name}/versions/{version}"
SERVED: Final = ""
"""Stands for the version that is served."""
BINARY: Final = {
    "type": "string",
    "format": "binary",
    "description": "The same JSON, followed by the inputs' binary data.",
}

HeaderLength = Annotated[
    str | None,
    Header(alias=HEADER_LENGTH, description="Number of bytes of JSON, if binary data follow."),
]


def open_inference_routes(
    model: ModelHandle,
    reader: BodyReader,
    limit: ConcurrencyLimit,
    executor: InferenceExecutor,
    health: ServiceHealth,
) -> APIRouter:
    """Return the routes of the protocol.

    A request reads the model once: the version that was checked is the one that predicts.
    """
    router = APIRouter(
        prefix=OPEN_INFERENCE_PREFIX,
        tags=["Open Inference Protocol"],
        responses={"default": {"model": schemas.ErrorResponse, "description": "An error"}},
    )
    _add_server_routes(router, health)

    @router.get(MODEL, summary="Inputs and outputs of the model")
    async def v2_model(name: str) -> schemas.ModelMetadata:
        """Return the tensors of the model."""
        return await v2_model_version(name, SERVED)

    @router.get(VERSION, summary="Inputs and outputs of a version of the model")
    async def v2_model_version(name: str, version: str) -> schemas.ModelMetadata:
        """Return the tensors of the model."""
        return model.served.tensors.named(name, version).metadata

    @router.get(f"{MODEL}/ready", summary="Can the model classify?")
    async def v2_model_ready(name: str, response: Response) -> schemas.ModelReady:
        """Respond with 200 for the served model while the service is ready."""
        return await v2_model_version_ready(name, SERVED, response)

    @router.get(f"{VERSION}/ready", summary="Can the model of a version classify?")
    async def v2_model_version_ready(
        name: str, version: str, response: Response
    ) -> schemas.ModelReady:
        """Respond with 200 for the served version while the service is ready."""
        model.served.tensors.named(name, version)
        return schemas.ModelReady(name=name, ready=_set_status(response, good=health.ready))

    described: dict[str, Any] = {
        "response_model": schemas.InferResponse,
        "openapi_extra": describe_body(schemas.InferRequest, {BINARY_MEDIA_TYPE: BINARY}),
    }

    @router.post(f"{MODEL}/infer", summary="Which topics are these texts about?", **described)
    async def v2_infer(name: str, request: Request, header_length: HeaderLength = None) -> Response:
        """Classify the texts of a tensor; one that is not valid fails the request."""
        return await v2_infer_version(name, SERVED, request, header_length)

    @router.post(
        f"{VERSION}/infer", summary="Classify texts with a version of the model", **described
    )
    async def v2_infer_version(
        name: str, version: str, request: Request, header_length: HeaderLength = None
    ) -> Response:
        """Classify the texts of a tensor; one that is not valid fails the request."""
        served = model.served.tensors.named(name, version)
        _, body = await reader.read(request.scope, request.receive, limit, MEDIA_TYPES)
        check_no_query(request.scope)
        return await executor.run(lambda body: infer(body, header_length, served), body, len(body))

    return router


def _add_server_routes(router: APIRouter, health: ServiceHealth) -> None:
    @router.get("", summary="Which server is this?")
    async def v2_server() -> schemas.ServerMetadata:
        """Return the server's name, version and extensions of the protocol."""
        return schemas.ServerMetadata.of(["binary_tensor_data", "classification"])

    @router.get("/health/live", summary="Is the server alive?")
    async def v2_live(response: Response) -> schemas.ServerLive:
        """Respond with 200 unless inference fails repeatedly."""
        return schemas.ServerLive(live=_set_status(response, good=health.live))

    @router.get("/health/ready", summary="Can the server classify?")
    async def v2_ready(response: Response) -> schemas.ServerReady:
        """Respond with 200 until the service drains, or inference fails repeatedly."""
        return schemas.ServerReady(ready=_set_status(response, good=health.ready))


def _set_status(response: Response, *, good: bool) -> bool:
    response.status_code = 200 if good else UNAVAILABLE
    return good
