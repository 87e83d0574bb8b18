"""The result of every recipe: a trained model, with its network in ONNX and its thresholds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray

from service.model import AbstentionThresholds, NewswireError, TextEncoder
from service.model.abstention import MAX_NO_TOPIC
from service.model.manifest import NEVER_REACHED

OPSET: Final = 18
DIMENSIONS: Final = {  # texts with the same token ids may share one row of them
    "token_ids": ("batch_or_1", "length"),
    "token_counts": ("batch", "length"),
    "probabilities": ("batch", "n_outputs"),
    "topic_probabilities": ("batch", "n_topics"),
}
TARGET_PRECISION: Final = 0.95  # on the stream, of predictions without an abstention
N_STANDARD_ERRORS: Final = 1.6  # margin above it, since the threshold is chosen on the same texts
MIN_KNOWN_WORDS_RATIO: Final = 0.5
HIGHEST: Final = float(np.nextafter(np.float32(NEVER_REACHED), np.float32(0)))
"""Highest threshold that a probability reaches."""


class ExportError(NewswireError):
    """The exported network differs from the trained one."""


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Predictions for training texts, each by a model that was not trained on it."""

    labels: NDArray[np.int64]  # (n_texts,), NO_TOPIC for a negative
    uncalibrated: NDArray[np.float32]  # (n_texts, n_outputs)
    probabilities: NDArray[np.float32]  # (n_texts, n_outputs), by out-of-fold calibration
    known_words_ratio: NDArray[np.float64]  # (n_texts,), by the vocabulary of its model

    def confidence(self, n_topics: int) -> NDArray[np.float32]:
        """Return the highest score of each text, (n_texts,); 0 for another reason to abstain."""
        topics, no_topic = np.split(self.probabilities, [n_topics], axis=1)
        is_known = self.known_words_ratio >= MIN_KNOWN_WORDS_RATIO
        is_topical = no_topic.sum(axis=1) <= MAX_NO_TOPIC  # 0 without such a column
        return np.asarray(topics.max(axis=1) * (is_known & is_topical))

    def choose_thresholds(self, n_topics: int) -> AbstentionThresholds:
        """Choose the lowest confidence above which precision exceeds the target by the margin.

        The predictions are a stream, with the data's own share of texts without a topic. Where no
        confidence reaches the target it is `NEVER_REACHED`.
        """
        confidence = self.confidence(n_topics)
        right = self.probabilities[:, :n_topics].argmax(axis=1) == self.labels
        order = np.argsort(-confidence, kind="stable")[: np.count_nonzero(confidence)]
        scores = confidence[order]
        n_above = np.arange(1, len(order) + 1)
        precision = np.cumsum(right[order]) / n_above
        standard_errors = np.sqrt(precision * (1 - precision) / n_above)
        sufficient = precision - N_STANDARD_ERRORS * standard_errors >= TARGET_PRECISION
        above = scores[sufficient & is_last_of_equals(scores)]
        lowest = min(HIGHEST, float(above[-1])) if above.size else NEVER_REACHED
        return AbstentionThresholds(known_words_ratio=MIN_KNOWN_WORDS_RATIO, confidence=lowest)


def is_last_of_equals(scores: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return where descending scores, (n,), change: equal ones are above a threshold together."""
    return np.append(scores[1:] < scores[:-1], True)


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A trained model."""

    recipe: str
    settings: Mapping[str, Any]  # every setting of the recipe, and what it chose by itself
    encoder: TextEncoder
    network: Any  # a `keras.Model`
    predict: Callable[[Sequence[Sequence[int]]], Mapping[str, NDArray[np.float32]]]
    """From the token ids of texts, in order, to Keras' outputs by name, (n_texts, n_outputs)."""
    exported: bytes  # the same network on token ids and their counts (0 is padding), by `serialize`
    thresholds: AbstentionThresholds
    history: Mapping[str, list[float]] = field(default_factory=dict)  # losses etc. by epoch
    out_of_fold: OutOfFold | None = None
    no_topic: bool = False  # whether the last output is the probability that no topic fits
    all_topics_thresholds: Mapping[str, float] = field(default_factory=dict)  # by code
    all_topics_precision: float = 0.0  # minimum that the thresholds were chosen for


def serialize(model: onnx.ModelProto) -> bytes:
    """Return an exported network, checked, with names for its open dimensions."""
    for tensor in (*model.graph.input, *model.graph.output):
        axes = tensor.type.tensor_type.shape.dim
        for axis, name in zip(axes, DIMENSIONS[tensor.name], strict=True):
            if not axis.dim_value:
                axis.dim_param = name
    try:
        onnx.checker.check_model(model, full_check=True)
    except onnx.checker.ValidationError as error:
        raise ExportError(f"the exported network is not valid ONNX: {error}") from error
    return bytes(model.SerializeToString())
