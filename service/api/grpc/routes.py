"""The calls of the Open Inference Protocol: ``inference.GRPCInferenceService``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from starlette.exceptions import HTTPException

from service.api.grpc import open_inference_pb2 as pb
from service.api.grpc.calls import Calls, Messages
from service.api.grpc.messages import infer, parse_message, serialize
from service.api.grpc.reception import MessageReader
from service.api.open_inference.schemas import ServerMetadata
from service.api.served_model import ServedModel
from service.observability.health import ServiceHealth
from service.scheduling.admission import TOO_MANY_REQUESTS, Admission
from service.scheduling.errors import OverloadedError
from service.scheduling.executor import InferenceExecutor

INFERENCE_SERVICE: Final = "inference.GRPCInferenceService"
OF_MESSAGES: Final = frozenset({400, 408, 429})
"""Statuses of calls that read a message."""
OF_INFERENCES: Final = OF_MESSAGES | {404, 413, 422, 503}


@dataclass(frozen=True, slots=True)
class InferenceCalls:
    """Responds to the calls of the protocol.

    A call reads the model once: the version that was checked is the one that predicts.
    """

    served: Callable[[], ServedModel]
    health: ServiceHealth
    reader: MessageReader
    admission: Admission
    executor: InferenceExecutor

    def handlers(self, calls: Calls) -> dict[str, Any]:
        """Return the handlers by the name of the call."""
        reads = OF_MESSAGES | {404}
        return {
            "ServerLive": calls.handler("ServerLive", self.server_live, is_open=True),
            "ServerReady": calls.handler("ServerReady", self.server_ready, is_open=True),
            "ServerMetadata": calls.handler("ServerMetadata", self.server_metadata),
            "ModelReady": calls.handler("ModelReady", self.model_ready, statuses=OF_MESSAGES),
            "ModelMetadata": calls.handler("ModelMetadata", self.model_metadata, statuses=reads),
            "ModelInfer": calls.handler("ModelInfer", self.model_infer, statuses=OF_INFERENCES),
        }

    async def server_live(self, _: Messages) -> bytes:
        """Say whether the process works and its inferences succeed."""
        return serialize(pb.ServerLiveResponse(live=self.health.live))

    async def server_ready(self, _: Messages) -> bytes:
        """Say whether the service is neither draining nor failing."""
        return serialize(pb.ServerReadyResponse(ready=self.health.ready))

    async def server_metadata(self, _: Messages) -> bytes:
        """Return the server's name, version and extensions of the protocol."""
        metadata = ServerMetadata(extensions=["classification"])
        return serialize(pb.ServerMetadataResponse(**metadata.model_dump()))

    async def model_ready(self, messages: Messages) -> bytes:
        """Say whether this model is the served one, and the service ready."""
        request = parse_message(pb.ModelReadyRequest, await self.reader.read(messages))
        try:
            self.served().tensors.named(request.name, request.version)
            ready = self.health.ready
        except HTTPException:
            ready = False
        return serialize(pb.ModelReadyResponse(ready=ready))

    async def model_metadata(self, messages: Messages) -> bytes:
        """Return the tensors of the model."""
        request = parse_message(pb.ModelMetadataRequest, await self.reader.read(messages))
        model = self.served().tensors.named(request.name, request.version)
        return serialize(pb.ModelMetadataResponse(**model.metadata.model_dump()))

    async def model_infer(self, messages: Messages) -> bytes:
        """Classify the texts of a tensor; one that is not valid fails the request."""
        admission = self.admission
        if not (admission.slow_limit.n_free and admission.limit.n_free):
            await admission.delay_rejection()
            raise OverloadedError(TOO_MANY_REQUESTS, admission.slow_limit.retry_after)
        message = await self.reader.read(messages)
        model = self.served().tensors
        return await self.executor.run(lambda data: infer(data, model), message, len(message))
