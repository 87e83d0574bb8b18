"""The result of every recipe: a trained model, and its network in ONNX."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray

from service.model import AbstentionThresholds, TextEncoder
from training.errors import ExportError

HEADER: Final = '<ir_version: 8, opset_import: ["": 18]>'
"""Versions of ONNX and of its operators."""


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Predictions for training newswires, each by a model that was not trained on it.

    The columns are the probabilities of the topics, and of "no topic fits" if the model predicts
    it; before and after an out-of-fold calibration.
    """

    labels: NDArray[np.int64]
    """``NO_TOPIC`` for an indexed newswire without a topic, of shape (n_newswires,)."""
    uncalibrated: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    known_words_ratio: NDArray[np.float64]
    """Share of each text's words that the vocabulary of its model holds."""


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A trained model."""

    recipe: str
    settings: Mapping[str, Any]
    """Every setting of the recipe, and what it chose by itself."""
    encoder: TextEncoder
    network: Any
    """A `keras.Model`."""
    predict: Callable[[Sequence[Sequence[int]]], NDArray[np.float32]]
    """Token ids of texts in order to probabilities by Keras, of shape (n_texts, n_outputs)."""
    exported: bytes
    """The same network on token ids and their counts, from `to_onnx`."""
    thresholds: AbstentionThresholds
    history: Mapping[str, list[float]] = field(default_factory=dict)
    """Training and validation loss and accuracy by epoch; empty where there are no epochs."""
    out_of_fold: OutOfFold | None = None
    no_topic: bool = False
    """Whether the last output is the probability that no topic fits."""


def to_onnx(graph: str, weights: Mapping[str, Any]) -> bytes:
    """Return a graph in ONNX' text format with its weights, checked.

    Written as text, since a conversion of TensorFlow's operations has 5 more nodes, and each node
    costs about as much as its work. Inputs are ``token_ids``, of 1 row if they are the same for all
    texts, and ``token_counts``; tokens with a count of 0 are ignored.
    """
    model = onnx.parser.parse_model(f"{HEADER} {graph}")
    model.graph.initializer.extend(
        onnx.numpy_helper.from_array(np.asarray(values, dtype=np.float32), name)
        for name, values in weights.items()
    )
    try:
        onnx.checker.check_model(model, full_check=True)
    except onnx.checker.ValidationError as error:
        raise ExportError(f"the exported network is not valid ONNX: {error}") from error
    content: bytes = model.SerializeToString()
    return content
