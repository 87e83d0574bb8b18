"""From predictions to a response: tensors as JSON, or as binary data after it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from fastapi import Response
from numpy.typing import NDArray
from pydantic_core import to_json

from service.api.media_type import JSON
from service.api.open_inference.elements import pack_elements
from service.api.open_inference.requests import BYTES, HEADER_LENGTH, TextRequest, check_parameters
from service.api.open_inference.schemas import OutputParameters, RequestedOutput
from service.api.predictor import Predictions
from service.api.problems import TensorError
from service.model import Classification

BINARY_MEDIA_TYPE: Final = "application/octet-stream"
FP32: Final = "FP32"
PROBABILITIES: Final = "probabilities"
"""The output with a value for each class, from which the highest can be chosen."""


class Output(NamedTuple):
    """An output of the model."""

    datatype: str
    value: Callable[[Classification, NDArray[np.float32]], Any]
    """Of a text, from its classification and its probabilities."""


OUTPUTS: Final = {
    "topic": Output(BYTES, lambda text, _: [ranked.topic.code for ranked in text.topics]),
    "score": Output(FP32, lambda text, _: [ranked.score for ranked in text.topics]),
    "known_words": Output(FP32, lambda text, _: text.known_words_ratio),
    "abstained": Output(BYTES, lambda text, _: text.abstained or ""),
    PROBABILITIES: Output(FP32, lambda _, probabilities: probabilities),
    "no_topic": Output(FP32, lambda text, _: text.no_topic),
}
"""All that the model has are returned if none is requested, as the protocol has it."""


def wanted_outputs(
    requested: Sequence[RequestedOutput], present: Sequence[str]
) -> dict[str, OutputParameters]:
    """Return how each output is wanted, by name: all that are present, if none is requested.

    TensorError is raised if one is not present, requested twice, or in a way that is not served.
    """
    wanted = {output.name: output.parameters or OutputParameters() for output in requested}
    if not wanted.keys() <= set(present) or len(wanted) < len(requested):
        raise TensorError(f"outputs: expected some of {', '.join(present)}, each once.")
    for name, parameters in wanted.items():
        check_parameters(name, parameters)
        if parameters.classification and name != PROBABILITIES:
            raise TensorError(
                f"{name}: expected the parameter classification of {PROBABILITIES} alone."
            )
    return wanted or dict.fromkeys(present, OutputParameters())


def write_response(
    predictions: Predictions,
    request: TextRequest,
    wanted: Mapping[str, OutputParameters],
    *,
    labels: Sequence[str],
    model: dict[str, str],
) -> Response:
    """Write an `InferResponse`; the labels are the codes of the topics, by class index."""
    tensors: list[dict[str, Any]] = []
    parts: list[bytes] = []
    for name, parameters in wanted.items():
        datatype, value = OUTPUTS[name]
        if parameters.classification:
            datatype = BYTES
            rows = _highest(predictions.probabilities, parameters.classification, labels)
        else:
            rows = [value(*text) for text in zip(*predictions, strict=True)]
        values = np.array(rows, dtype=np.float32 if datatype == FP32 else np.str_)
        shape = list(values.shape)
        tensor: dict[str, Any] = {"name": name, "datatype": datatype, "shape": shape}
        tensors.append(tensor)
        binary = parameters.binary_data
        if not (request.parameters.binary_data_output if binary is None else binary):
            tensor["data"] = values.ravel().tolist()
            continue
        if datatype == FP32:
            parts.append(values.astype("<f4").tobytes())
        else:
            parts.append(pack_elements(str(element).encode() for element in values.flat))
        tensor["parameters"] = {"binary_data_size": len(parts[-1])}
    echo = {} if request.id is None else {"id": request.id}
    json_part = to_json({**model, **echo, "outputs": tensors})
    if not parts:
        return Response(json_part, media_type=JSON)
    headers = {HEADER_LENGTH: str(len(json_part))}
    return Response(b"".join([json_part, *parts]), headers=headers, media_type=BINARY_MEDIA_TYPE)


def _highest(
    probabilities: NDArray[np.float32], n_classes: int, labels: Sequence[str]
) -> list[list[str]]:
    """Return the highest values of each row as Triton's classification extension writes them.

    Each is ``value:index:label``, the value with six decimals; equal ones by the lower index. There
    are at most ``n_classes`` in a row.
    """
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :n_classes]
    return [
        [f"{row[index]:f}:{index}:{labels[index]}" for index in indices]
        for row, indices in zip(probabilities, order, strict=True)
    ]
