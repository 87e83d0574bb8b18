"""Converts protobuf to requests of `service.api.open_inference`, and its outputs back."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

from google.protobuf.message import DecodeError, Message
from pydantic import BaseModel, ValidationError

from service.api.errors import MalformedBodyError, TensorError
from service.api.grpc import open_inference_pb2 as pb
from service.api.grpc.complexity import exceeds_complexity
from service.api.json_body import invalid_request
from service.api.open_inference import schemas
from service.api.open_inference.bodies import MAX_OTHER_STRINGS
from service.api.open_inference.datatypes import BOOL, BYTES, FP32, to_binary
from service.api.open_inference.inputs import INPUTS
from service.api.open_inference.model import OutputValues, TensorModel

CONTENTS: Final = {FP32: "fp32_contents", BOOL: "bool_contents"}
"""Field of the elements by data type, except BYTES."""

Received = TypeVar("Received", bound=Message)


def parse_message(kind: type[Received], data: bytes) -> Received:
    """Parse a message of a kind, or raise MalformedBodyError."""
    try:
        message: Received = kind.FromString(data)
    except DecodeError:
        raise MalformedBodyError(
            f"Expected a message {kind.DESCRIPTOR.name} in protobuf, with strings in UTF-8."
        ) from None
    return message


def infer(data: bytes, model: TensorModel) -> pb.ModelInferResponse:
    """Return the ``ModelInferResponse`` to a ``ModelInferRequest``.

    The outputs are raw if the inputs are. RequestError is raised for a request that is not valid,
    HTTPException if it is for another model, InferenceError if the network fails.
    """
    n_texts = len(INPUTS) * model.limits.max_batch_size
    if exceeds_complexity(data, max_fields=MAX_OTHER_STRINGS + n_texts):
        raise TensorError(
            f"Expected at most {model.limits.max_batch_size} texts, as BYTES, and few parameters; "
            "got more."
        )
    message = parse_message(pb.ModelInferRequest, data)
    model.named(message.model_name, message.model_version)
    request = _to_infer_request(message, model.limits.max_batch_size)
    outputs = model.predict(request, memoryview(b"".join(message.raw_input_contents)))
    return _to_response(model, request.id, outputs, is_raw=bool(message.raw_input_contents))


def _to_infer_request(message: pb.ModelInferRequest, max_texts: int) -> schemas.InferRequest:
    """Convert a message; of lists that are too long, only so much that they are rejected."""
    # 1 MB may hold half a million of them, each of which would become a dictionary
    if max(len(message.inputs), len(message.outputs)) > schemas.MAX_TENSORS:
        raise TensorError(f"Expected at most {schemas.MAX_TENSORS} inputs and outputs, got more.")
    raw = message.raw_input_contents
    if raw:
        _check_raw(message)
    inputs = []
    for index, tensor in enumerate(message.inputs):
        size = {"binary_data_size": len(raw[index]) if raw else None}
        given = {
            "name": tensor.name,
            "datatype": tensor.datatype,
            "shape": tensor.shape[: schemas.MAX_DIMENSIONS + 1],
            "parameters": _to_values(tensor.parameters, schemas.InputParameters) | size,
            "data": None if raw else tensor.contents.bytes_contents[: max_texts + 1],
        }
        inputs.append(given)
    outputs = [
        {
            "name": output.name,
            "parameters": _to_values(output.parameters, schemas.OutputParameters),
        }
        for output in message.outputs
    ]
    try:
        return schemas.InferRequest.model_validate(
            {
                "id": message.id or None,
                "parameters": _to_values(message.parameters, schemas.InferParameters),
                "inputs": inputs,
                "outputs": outputs,
            }
        )
    except ValidationError as error:
        raise invalid_request(schemas.InferRequest, error) from None


def _check_raw(message: pb.ModelInferRequest) -> None:
    n_inputs, n_raw = len(message.inputs), len(message.raw_input_contents)
    if n_inputs != n_raw:
        raise TensorError(
            f"raw_input_contents: expected {n_inputs}, one for each input, got {n_raw}."
        )
    for index, tensor in enumerate(message.inputs):
        if tensor.HasField("contents"):
            raise TensorError(
                f"inputs[{index}]: expected no contents beside raw_input_contents, got both."
            )


def _to_values(
    parameters: Mapping[str, pb.InferParameter], known: type[BaseModel]
) -> dict[str, Any]:
    """Return the values of the known parameters; there may be any number of others."""
    values = {}
    for name in known.model_fields:
        if name in parameters:
            kind = parameters[name].WhichOneof("parameter_choice")
            values[name] = None if kind is None else getattr(parameters[name], kind)
    return values


def _to_response(
    model: TensorModel, request_id: str | None, outputs: Iterable[OutputValues], *, is_raw: bool
) -> pb.ModelInferResponse:
    metadata = model.metadata
    response = pb.ModelInferResponse(
        model_name=metadata.name, model_version=metadata.versions[0], id=request_id or ""
    )
    for name, datatype, values, _ in outputs:
        tensor = response.outputs.add(name=name, datatype=datatype, shape=values.shape)
        if is_raw:
            response.raw_output_contents.append(to_binary(values, datatype))
        elif datatype == BYTES:
            tensor.contents.bytes_contents.extend(str(value).encode() for value in values.flat)
        else:
            getattr(tensor.contents, CONTENTS[datatype]).extend(values.ravel().tolist())
    return response
