"""The result of every recipe: a trained model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import onnx
from numpy.typing import NDArray

from service.model import AbstentionThresholds, TextEncoder

OPSET: Final = 18
"""Version of ONNX' operators."""
NEVER_ABSTAIN: Final = AbstentionThresholds(known_words_ratio=0.0, confidence=0.0)


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Predictions for training newswires, each by a model that was not trained on it.

    Attributes
    ----------
    labels : int64 array of shape (n_newswires,)
        ``NO_TOPIC`` for an indexed newswire without a topic.
    uncalibrated, probabilities : float32 arrays of shape (n_newswires, n_outputs)
        Before and after an out-of-fold calibration. The column after those of the topics, if there
        is one, is the probability that no topic fits.
    known_words_ratio : float64 array of shape (n_newswires,)
        Share of each text's words that the vocabulary of its model holds.
    """

    labels: NDArray[np.int64]
    uncalibrated: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    known_words_ratio: NDArray[np.float64]


class SparseNetwork(Protocol):
    """A network on token ids and counts, to be exported."""

    def to_onnx(self) -> onnx.ModelProto:
        """Return the network: ``token_ids`` (n or 1, length), ``token_counts`` (n, length).

        Tokens with a count of 0 are ignored.
        """


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A trained model.

    Attributes
    ----------
    settings : mapping of str to Any
        Every setting of the recipe, and what it chose by itself.
    history : mapping of str to list of float
        Training and validation loss and accuracy by epoch; empty where there are no epochs.
    predict : callable
        Token ids of n texts in order, as from the encoder, to probabilities by Keras, float32 of
        shape (n, n_outputs).
    sparse : SparseNetwork
        The same network, to be exported.
    no_topic : bool
        Whether the last output is the probability that no topic fits.
    """

    recipe: str
    settings: Mapping[str, Any]
    encoder: TextEncoder
    history: Mapping[str, list[float]]
    predict: Callable[[Sequence[Sequence[int]]], NDArray[np.float32]]
    sparse: Any  # a SparseNetwork; tests read the parts of each
    out_of_fold: OutOfFold | None = None
    thresholds: AbstentionThresholds = NEVER_ABSTAIN
    no_topic: bool = False
