"""From what was found to the body of an answer: tensors as JSON, or in binary after it."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_json

from service.api.open_inference.elements import pack_elements
from service.api.open_inference.requests import BYTES
from service.api.open_inference.schemas import RequestedOutput, TensorMetadata
from service.api.predictor import Predictions
from service.api.problems import TensorError

FP32: Final = "FP32"

Values = NDArray[np.float32] | NDArray[np.str_]


class Output(NamedTuple):
    """A tensor that the model gives."""

    datatype: str
    values: Callable[[Predictions], Values]
    """A row for each text."""


def _topics(ranked: Predictions) -> Values:
    return np.array(
        [[item.topic.code for item in answer.topics] for answer in ranked.classifications]
    )


def _scores(ranked: Predictions) -> Values:
    scores = [[item.score for item in answer.topics] for answer in ranked.classifications]
    return np.array(scores, dtype=np.float32)


def _known_words(ranked: Predictions) -> Values:
    return np.array(
        [answer.known_words_ratio for answer in ranked.classifications], dtype=np.float32
    )


def _no_topic(ranked: Predictions) -> Values:
    return np.array([answer.no_topic for answer in ranked.classifications], dtype=np.float32)


def _abstained(ranked: Predictions) -> Values:
    return np.array([answer.abstained or "" for answer in ranked.classifications])


OUTPUTS: Final = {
    "topic": Output(BYTES, _topics),
    "score": Output(FP32, _scores),
    "known_words": Output(FP32, _known_words),
    "abstained": Output(BYTES, _abstained),
    "probabilities": Output(FP32, lambda ranked: ranked.probabilities),
    "no_topic": Output(FP32, _no_topic),
}
"""All that the model has are returned if none is requested, as the protocol has it."""


def output_names(*, no_topic: bool) -> list[str]:
    """Return the names of a model's outputs; ``no_topic`` only where the model knows it."""
    return [name for name in OUTPUTS if no_topic or name != "no_topic"]


def describe_outputs(names: Sequence[str], n_topics: int) -> list[TensorMetadata]:
    """Return the metadata of outputs."""
    shapes = {"topic": [-1, -1], "score": [-1, -1], "probabilities": [-1, n_topics]}
    return [
        TensorMetadata(name=name, datatype=OUTPUTS[name].datatype, shape=shapes.get(name, [-1]))
        for name in names
    ]


def wanted_outputs(
    requested: Sequence[RequestedOutput], present: Sequence[str]
) -> Sequence[RequestedOutput]:
    """Return the requested outputs: all that are present, if none is requested.

    Parameters
    ----------
    requested : sequence of RequestedOutput
    present : sequence of str
        As from `output_names`.

    Raises
    ------
    TensorError
        If an output is not present, or requested twice.
    """
    names = [output.name for output in requested]
    if not set(names) <= set(present) or len(names) != len(set(names)):
        raise TensorError(f"outputs: expected some of {', '.join(present)}, each once.")
    return requested or [RequestedOutput(name=name) for name in present]


class Content(NamedTuple):
    """The body of an answer."""

    body: bytes
    header_length: int | None
    """How much of it is JSON; None if all is."""


def write_response(
    ranked: Predictions,
    wanted: Sequence[RequestedOutput],
    *,
    labels: Sequence[str],
    model: dict[str, str],
    request_id: str | None,
    binary_by_default: bool,
) -> Content:
    """Write an `InferResponse`.

    Parameters
    ----------
    ranked : Predictions
    wanted : sequence of RequestedOutput
        As from `wanted_outputs`.
    labels : sequence of str, of length n_topics
        Codes of the topics, by class index.
    model : dict
        Its name and version, as they stand in the answer.
    request_id : str or None
    binary_by_default : bool
        Whether outputs that do not say are written in binary.
    """
    tensors: list[dict[str, Any]] = []
    parts: list[bytes] = []
    for output in wanted:
        datatype, values_of = OUTPUTS[output.name]
        values = values_of(ranked)
        if output.n_classes:
            datatype, values = BYTES, _highest(ranked.probabilities, output.n_classes, labels)
        tensor: dict[str, Any] = {
            "name": output.name,
            "datatype": datatype,
            "shape": list(values.shape),
        }
        if output.is_binary(default=binary_by_default):
            parts.append(_to_binary(values))
            tensor["parameters"] = {"binary_data_size": len(parts[-1])}
        else:
            tensor["data"] = values.ravel().tolist()
        tensors.append(tensor)
    echo = {} if request_id is None else {"id": request_id}
    head = to_json({**model, **echo, "outputs": tensors})
    return Content(b"".join([head, *parts]), len(head) if parts else None)


def _highest(
    values: NDArray[np.float32], n_classes: int, labels: Sequence[str]
) -> NDArray[np.str_]:
    """Return the highest values of each row as Triton's classification extension writes them.

    Parameters
    ----------
    values : array of float32, shape (n_texts, n_topics)
    n_classes : int
        How many of a row, or all that there are; equal ones by the lower index.
    labels : sequence of str

    Returns
    -------
    array of str, shape (n_texts, min(n_classes, n_topics))
        ``value:index:label``, the value with six decimals.
    """
    order = np.argsort(-values, axis=1, kind="stable")[:, :n_classes]
    return np.array(
        [
            [f"{row[index]:f}:{index}:{labels[index]}" for index in indices]
            for row, indices in zip(values, order, strict=True)
        ]
    )


def _to_binary(values: Values) -> bytes:
    """Write a tensor row by row, little-endian."""
    if values.dtype == np.float32:
        return values.astype("<f4").tobytes()
    return pack_elements(str(element).encode() for element in values.ravel().tolist())
