"""The calls of the Open Inference Protocol: ``inference.GRPCInferenceService``."""

from typing import Any, Final

from google.protobuf.message import Message
from starlette.exceptions import HTTPException

from service.api.grpc import open_inference_pb2 as pb
from service.api.grpc.calls import Calls, Messages
from service.api.grpc.message_reader import MessageReader
from service.api.grpc.messages import infer, parse_message
from service.api.open_inference.schemas import ServerMetadata
from service.api.served_model import ModelHandle
from service.observability.health import ServiceHealth
from service.scheduling.admission import Admission
from service.scheduling.executor import InferenceExecutor

INFERENCE_SERVICE: Final = "inference.GRPCInferenceService"
OF_MESSAGES: Final = frozenset({400, 408, 429})
"""Statuses of calls that read a message."""
OF_INFERENCES: Final = OF_MESSAGES | {404, 413, 422, 503}


def inference_handlers(
    calls: Calls,
    model: ModelHandle,
    reader: MessageReader,
    admission: Admission,
    executor: InferenceExecutor,
    health: ServiceHealth,
) -> dict[str, Any]:
    """Return the handlers of the protocol by the name of the call.

    A call reads the model once: the version that was checked is the one that predicts.
    """

    async def server_live(_: Messages) -> Message:
        return pb.ServerLiveResponse(live=health.live)

    async def server_ready(_: Messages) -> Message:
        return pb.ServerReadyResponse(ready=health.ready)

    async def server_metadata(_: Messages) -> Message:
        metadata = ServerMetadata.of(["classification"])
        return pb.ServerMetadataResponse(**metadata.model_dump())

    async def model_ready(messages: Messages) -> Message:
        request = parse_message(pb.ModelReadyRequest, await reader.read(messages))
        try:
            model.served.tensors.named(request.name, request.version)
        except HTTPException:
            return pb.ModelReadyResponse(ready=False)
        return pb.ModelReadyResponse(ready=health.ready)

    async def model_metadata(messages: Messages) -> Message:
        request = parse_message(pb.ModelMetadataRequest, await reader.read(messages))
        named = model.served.tensors.named(request.name, request.version)
        return pb.ModelMetadataResponse(**named.metadata.model_dump())

    async def model_infer(messages: Messages) -> Message:
        if not (admission.slow_limit.n_free and admission.limit.n_free):
            await admission.reject(admission.slow_limit)
        message = await reader.read(messages)
        tensors = model.served.tensors
        return await executor.run(lambda data: infer(data, tensors), message, len(message))

    of_names = OF_MESSAGES | {404}
    return {
        "ServerLive": calls.handler("ServerLive", server_live, is_open=True),
        "ServerReady": calls.handler("ServerReady", server_ready, is_open=True),
        "ServerMetadata": calls.handler("ServerMetadata", server_metadata),
        "ModelReady": calls.handler("ModelReady", model_ready, statuses=OF_MESSAGES),
        "ModelMetadata": calls.handler("ModelMetadata", model_metadata, statuses=of_names),
        "ModelInfer": calls.handler("ModelInfer", model_infer, statuses=OF_INFERENCES),
    }
