"""What goes over the wire in the Open Inference Protocol."""

from typing import Annotated, Any, Final

from pydantic import Field

from service import __version__
from service.api.schemas import Body, RankingOptions

MAX_DIMENSIONS: Final = 8
MAX_TENSORS: Final = 9
"""More than any valid request has; a longer list is not read to its end."""
_FEW: Final = Field(max_length=MAX_TENSORS, fail_fast=True)


class RequestPart(Body, extra="ignore", strict=True):
    """Part of a request; clients of other servers send parameters that mean nothing here."""


class TensorParameters(RequestPart):
    """Parameters that change the meaning of a tensor and are not supported: they are rejected."""

    content_type: Any = None
    """Of MLServer: `str` or nothing, for other codecs are not served."""
    shared_memory_region: Annotated[Any, Field(description="Not served: leave it out.")] = None


class InputParameters(TensorParameters):
    """Where the data of an input are."""

    binary_data_size: Annotated[int | None, Field(ge=0)] = None
    """How many bytes after the JSON are its data, in the inputs' order"""


class InputTensor(RequestPart):
    """Texts, or their titles."""

    name: str
    shape: Annotated[list[int], Field(max_length=MAX_DIMENSIONS, fail_fast=True)]
    """[n] or [n, 1]."""
    datatype: str
    parameters: InputParameters | None = None
    data: list[Any] | None = None
    """The texts, unless they follow the JSON in binary."""


class OutputParameters(TensorParameters):
    """How an output is wanted."""

    classification: Annotated[int | None, Field(ge=0)] = None
    """Of `probabilities` and `topic_probabilities`: how many of the highest are wanted, as strings
    `score:index:label`, instead of all as numbers."""
    binary_data: bool | None = None
    """Whether it is to follow the JSON."""


class RequestedOutput(RequestPart):
    """An output that is wanted."""

    name: str
    parameters: OutputParameters | None = None


class InferParameters(RankingOptions, extra="ignore"):
    """How texts are predicted."""

    content_type: Annotated[Any, Field(description="As that of an input; or `pd`.")] = None
    binary_data_output: bool = False
    """Whether outputs follow the JSON where they do not say."""


class InferRequest(RequestPart):
    """News texts to classify, as tensors."""

    id: Annotated[str | None, Field(description="Repeated in the response.")] = None
    parameters: InferParameters | None = None
    inputs: Annotated[list[InputTensor], _FEW]
    """`text`, `title` or both; an element may be empty if the other is not."""
    outputs: Annotated[list[RequestedOutput], _FEW] | None = None
    """Which are wanted; if none is named, all but `topic_probabilities` and `all_topics`. The
    parameter `all_topics` adds these two."""


class DataSize(Body):
    """How many bytes after the JSON are the data of an output."""

    binary_data_size: int


class OutputTensor(Body):
    """What was found for each text, row by row."""

    name: str
    shape: list[int]
    datatype: str
    parameters: DataSize | None = None
    data: list[Any] | None = None


class InferResponse(Body):
    """Tensors of a response."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[OutputTensor]


class TensorMetadata(Body):
    """A tensor; -1 stands for any length."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(Body):
    """Inputs and outputs of the model."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ServerMetadata(Body):
    """The server, and what it can do beyond the protocol."""

    name: str = "newswire-topics"
    version: str = __version__
    extensions: list[str]


class ServerLive(Body):
    """Whether the server is alive."""

    live: bool = True


class ServerReady(Body):
    """Whether the server can classify."""

    ready: bool = True


class ModelReady(Body):
    """Whether the model can classify."""

    name: str
    ready: bool = True


class ErrorResponse(Body):
    """What went wrong."""

    error: Annotated[str, Field(description="What to put right.")]
