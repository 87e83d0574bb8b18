"""What goes over the wire in the Open Inference Protocol."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from service.api.schemas import RankingOptions

MAX_DIMENSIONS: Final = 8
MAX_TENSORS: Final = 8
"""More than any valid request has; a longer list is not read to its end."""


class RequestPart(BaseModel):
    """Part of a request; clients of other servers send parameters that mean nothing here."""

    model_config = ConfigDict(extra="ignore", strict=True)


class TensorParameters(RequestPart):
    """Parameters that change the meaning of a tensor and are not supported: they are rejected."""

    content_type: Annotated[
        Any, Field(description="Of MLServer: `str` or nothing, for other codecs are not served.")
    ] = None
    shared_memory_region: Annotated[Any, Field(description="Not served: leave it out.")] = None


class InputParameters(TensorParameters):
    """Where the data of an input are."""

    binary_data_size: Annotated[
        int | None,
        Field(ge=0, description="How many bytes after the JSON are its data, in the inputs' order"),
    ] = None


class InputTensor(RequestPart):
    """Texts, or their titles."""

    name: str
    shape: Annotated[
        list[int],
        Field(max_length=MAX_DIMENSIONS, fail_fast=True, description="[n] or [n, 1]."),
    ]
    datatype: str
    parameters: InputParameters | None = None
    data: Annotated[
        list[Any] | None, Field(description="The texts, unless they follow the JSON in binary.")
    ] = None

    @property
    def binary_data_size(self) -> int | None:
        """How many bytes its data are after the JSON; None if they are in it."""
        return self.parameters.binary_data_size if self.parameters else None


class OutputParameters(TensorParameters):
    """How an output is wanted."""

    classification: Annotated[
        int | None,
        Field(
            ge=0,
            description="Of `probabilities`: how many of the highest are wanted, as strings "
            "`score:index:label`, instead of all as numbers.",
        ),
    ] = None

    binary_data: Annotated[bool | None, Field(description="Whether it is to follow the JSON.")] = (
        None
    )


class RequestedOutput(RequestPart):
    """An output that is wanted."""

    name: str
    parameters: OutputParameters | None = None

    def is_binary(self, *, default: bool) -> bool:
        """Whether it is to follow the JSON."""
        binary = self.parameters.binary_data if self.parameters else None
        return default if binary is None else binary

    @property
    def n_classes(self) -> int:
        """How many classes are wanted as strings; 0 if the output is wanted as it is."""
        return (self.parameters.classification or 0) if self.parameters else 0


class InferParameters(RankingOptions):
    """How texts are predicted."""

    model_config = ConfigDict(extra="ignore", strict=True)

    content_type: Annotated[Any, Field(description="As that of an input; or `pd`.")] = None
    binary_data_output: Annotated[
        bool, Field(description="Whether outputs follow the JSON where they do not say.")
    ] = False


class InferRequest(RequestPart):
    """News texts to classify, as tensors."""

    id: Annotated[str | None, Field(description="Repeated in the response.")] = None
    parameters: InferParameters | None = None
    inputs: Annotated[
        list[InputTensor],
        Field(
            max_length=MAX_TENSORS,
            fail_fast=True,
            description="`text`, `title` or both; an element may be empty if the other is not.",
        ),
    ]
    outputs: Annotated[
        Annotated[list[RequestedOutput], Field(max_length=MAX_TENSORS, fail_fast=True)] | None,
        Field(description="Which are wanted; all, if none is named."),
    ] = None


class DataSize(BaseModel):
    """How many bytes after the JSON are the data of an output."""

    binary_data_size: int


class OutputTensor(BaseModel):
    """What was found for each text, row by row."""

    name: str
    shape: list[int]
    datatype: str
    parameters: DataSize | None = None
    data: list[Any] | None = None


class InferResponse(BaseModel):
    """Tensors of a response."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[OutputTensor]


class TensorMetadata(BaseModel):
    """A tensor; -1 stands for any length."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """Inputs and outputs of the model."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ServerMetadata(BaseModel):
    """The server, and what it can do beyond the protocol."""

    name: str
    version: str
    extensions: list[str]


class ServerLive(BaseModel):
    """Whether the server is alive."""

    live: bool = True


class ServerReady(BaseModel):
    """Whether the server can classify."""

    ready: bool = True


class ModelReady(BaseModel):
    """Whether the model can classify."""

    name: str
    ready: bool = True


class ErrorResponse(BaseModel):
    """What went wrong."""

    error: Annotated[str, Field(description="What to put right.")]
