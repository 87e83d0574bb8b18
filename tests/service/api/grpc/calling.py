"""An application behind a gRPC port in this process, and calls to it."""

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import grpc

from service.api.grpc import open_inference_pb2 as pb
from service.api.grpc.routes import INFERENCE_SERVICE
from service.api.open_inference.datatypes import pack_elements
from service.app import NewswireApp
from service.server.grpc_server import GrpcServer
from service.settings import ServiceSettings
from tests.ports import free_port

MODEL = "reuters"
Metadata = Sequence[tuple[str, str]]


class Response(NamedTuple):
    """What came of a call."""

    code: grpc.StatusCode
    message: str
    data: bytes
    trailers: dict[str, str]


class Calling:
    """A client's connection to an application."""

    def __init__(self, channel: Any, server: GrpcServer, port: int) -> None:
        self.channel = channel
        self.server = server
        self.port = port

    async def call(
        self,
        name: str,
        data: bytes = b"",
        metadata: Metadata = (),
        service: str = INFERENCE_SERVICE,
        timeout_seconds: float = 30,
    ) -> Response:
        """Send a message, and return what came, whatever it is."""
        call = self.start(name, data, metadata, service, timeout_seconds)
        try:
            received = await call
        except grpc.aio.AioRpcError:
            received = b""
        trailers = {name: str(value) for name, value in await call.trailing_metadata() or ()}
        return Response(await call.code(), await call.details() or "", received, trailers)

    def start(
        self,
        name: str,
        data: bytes = b"",
        metadata: Metadata = (),
        service: str = INFERENCE_SERVICE,
        timeout_seconds: float = 30,
    ) -> Any:
        """Send a message, and do not wait."""
        return self.channel.unary_unary(f"/{service}/{name}")(
            data, metadata=tuple(metadata), timeout=timeout_seconds
        )

    async def infer(self, message: pb.ModelInferRequest, **options: Any) -> Response:
        """Classify, and return what came."""
        return await self.call("ModelInfer", message.SerializeToString(), **options)


@asynccontextmanager
async def calling(app: NewswireApp, settings: ServiceSettings) -> AsyncIterator[Calling]:
    """Serve an application, and connect to it."""
    port = free_port()
    server = GrpcServer(app, settings, [f"127.0.0.1:{port}"])
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Calling(channel, server, port)
    finally:
        await server.stop(lambda: False)


def infer_request(
    texts: Sequence[str | bytes],
    *,
    raw: bool = True,
    name: str = "text",
    shape: Sequence[int] | None = None,
    model: str = MODEL,
    **parameters: Any,
) -> pb.ModelInferRequest:
    """Return a request with a tensor."""
    message = pb.ModelInferRequest(model_name=model)
    for key, value in parameters.items():
        kind = {bool: "bool", int: "int64", str: "string", float: "double"}[type(value)]
        setattr(message.parameters[key], f"{kind}_param", value)
    add_input(message, texts, raw=raw, name=name, shape=shape)
    return message


def add_input(
    message: pb.ModelInferRequest,
    texts: Sequence[str | bytes],
    *,
    raw: bool = True,
    name: str = "title",
    shape: Sequence[int] | None = None,
) -> None:
    """Add a tensor to a request."""
    elements = [text.encode() if isinstance(text, str) else text for text in texts]
    shape = [len(elements)] if shape is None else shape
    tensor = message.inputs.add(name=name, datatype="BYTES", shape=shape)
    if raw:
        message.raw_input_contents.append(pack_elements(elements))
    else:
        tensor.contents.bytes_contents.extend(elements)


Scenario = Callable[[Calling], Coroutine[Any, Any, None]]
