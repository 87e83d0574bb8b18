"""What every recipe gives: a fitted network, as it is trained and as it is served."""

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
    """Predictions for training newswires, each by a network that had not seen it.

    Attributes
    ----------
    labels : int64 array of shape (n_newswires,)
        ``NO_TOPIC`` for an indexed newswire without a topic.
    uncalibrated, probabilities : float32 arrays of shape (n_newswires, n_outputs)
        Before and after calibration, which had not seen the newswire either. The column after those
        of the topics, if there is one, is the probability that no topic fits.
    known_words_ratio : float64 array of shape (n_newswires,)
        Share of each text's words that the vocabulary of its network holds.
    """

    labels: NDArray[np.int64]
    uncalibrated: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    known_words_ratio: NDArray[np.float64]


class SparseNetwork(Protocol):
    """A network that reads the ids of the tokens that occur, and how often each does."""

    def to_onnx(self) -> onnx.ModelProto:
        """Give the network in ONNX: ``token_ids`` (n or 1, length), ``token_counts`` (n, length).

        A token that occurs 0 times counts for nothing.
        """


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A fitted network.

    Attributes
    ----------
    recipe : str
        Name of the recipe that fitted it.
    settings : mapping of str to Any
        Every setting of the recipe, and what it chose by itself.
    encoder : TextEncoder
        By whose rule and vocabulary text becomes the network's token ids.
    history : mapping of str to list of float
        Loss and accuracy of each epoch, on what was trained and on newswires held out; empty where
        there are no epochs.
    predict : callable
        Token ids of n texts in order, as the encoder gives them, to the trained network's
        probabilities, float32 of shape (n, n_outputs).
    sparse : SparseNetwork
        The same network on token ids and counts, to be exported.
    out_of_fold : OutOfFold or None
        What networks of this recipe answered to training newswires that they had not seen.
    thresholds : AbstentionThresholds
        Below which a prediction is abstained from.
    no_topic : bool
        Whether the last output is the probability that no topic fits.
    """

    recipe: str
    settings: Mapping[str, Any]
    encoder: TextEncoder
    history: Mapping[str, list[float]]
    predict: Callable[[Sequence[Sequence[int]]], NDArray[np.float32]]
    sparse: Any  # a SparseNetwork; tests ask each for its own parts
    out_of_fold: OutOfFold | None = None
    thresholds: AbstentionThresholds = NEVER_ABSTAIN
    no_topic: bool = False
