"""Request and response bodies of the Open Inference Protocol."""

from typing import Annotated, Any, Final, Self

from pydantic import Field

from service import __version__
from service.api.schemas import Body, RankingOptions

MAX_DIMENSIONS: Final = 8
MAX_TENSORS: Final = 9
"""More tensors than any valid request has; a longer list is not read to its end."""
_FEW: Final = Field(max_length=MAX_TENSORS, fail_fast=True)


class RequestPart(Body, extra="ignore", strict=True):
    """Part of a request; clients of other servers send parameters that mean nothing here."""


class TensorParameters(RequestPart):
    """Parameters that change the meaning of a tensor and are not supported: they are rejected."""

    content_type: Any = None
    """MLServer's codec: only `str` is supported."""
    shared_memory_region: Annotated[Any, Field(description="Not supported: leave it out.")] = None


class InputParameters(TensorParameters):
    """Parameters of an input."""

    binary_data_size: Annotated[int | None, Field(ge=0)] = None
    """Number of bytes after the JSON that are its data, in the order of the inputs."""


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
    """Parameters of an output."""

    classification: Annotated[int | None, Field(ge=0)] = None
    """Number of the highest values to return as strings `score:index:label`, instead of all values
    as numbers. Only for `probabilities` and `topic_probabilities`."""
    binary_data: bool | None = None
    """Whether it follows the JSON in binary."""


class RequestedOutput(RequestPart):
    """An output to return."""

    name: str
    parameters: OutputParameters | None = None


class InferParameters(RankingOptions, extra="ignore"):
    """Parameters of a request."""

    content_type: Annotated[Any, Field(description="MLServer's codec: `str` or `pd`.")] = None
    binary_data_output: bool = False
    """Default of `binary_data` of the outputs."""


class InferRequest(RequestPart):
    """News texts to classify, as tensors."""

    id: Annotated[str | None, Field(description="Repeated in the response.")] = None
    parameters: InferParameters | None = None
    inputs: Annotated[list[InputTensor], _FEW]
    """`text`, `title` or both; an element may be empty if the other is not."""
    outputs: Annotated[list[RequestedOutput], _FEW] | None = None
    """Outputs to return; by default all but `topic_probabilities` and `all_topics`. The parameter
    `all_topics` adds these two."""


class DataSize(Body):
    """Number of bytes after the JSON that are the data of an output."""

    binary_data_size: int


class OutputTensor(Body):
    """Values of an output, a row for each text."""

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

    name: str
    version: str
    extensions: list[str]

    @classmethod
    def of(cls, extensions: list[str]) -> Self:
        """Return what this service is, with some extensions of the protocol."""
        return cls(name="newswire-topics", version=__version__, extensions=extensions)


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
    """An error."""

    error: Annotated[str, Field(description="What to correct.")]
