"""The image with gRPC."""

from collections.abc import Iterator

import pytest

from tests.compose.stack import Stack, docker

PROGRAM = (
    "from service.api.grpc.open_inference_pb2 import ModelInferRequest; "
    "from service.server.grpc_server import GrpcServer; "
    "print(GrpcServer.__name__, ModelInferRequest(id='1').ByteSize())"
)


@pytest.fixture(scope="module")
def image(stack: Stack) -> Iterator[None]:
    """The image with gRPC, in place of the one without until the end."""
    stack.compose("build", "service", SERVICE_REQUIREMENTS="grpc")
    yield
    stack.compose("build", "service")


@pytest.mark.usefixtures("image")
def test_the_image_can_serve_grpc() -> None:
    shown = docker("run", "--rm", "newswire-topics", "python", "-c", PROGRAM)
    assert shown.strip() == "GrpcServer 3"
