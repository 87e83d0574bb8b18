"""What every recipe gives: a fitted network, as it is trained and as it is served."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class TrainedNetwork:
    """A fitted network.

    Attributes
    ----------
    recipe : str
        Name of the recipe that fitted it.
    settings : mapping of str to Any
        Every setting of the recipe, and what it chose by itself.
    num_words : int
        Token ids of this and above are unknown to the network.
    history : mapping of str to list of float
        Loss and accuracy of each epoch, on what was trained and on the validation set.
    predict : callable
        Token ids of n texts in order, as in `Split.token_ids`, to the trained network's
        probabilities, float32 of shape (n, n_topics).
    sparse : tf.Module
        The same network as ``sparse.probabilities(token_ids, token_counts)``, to be exported.
    """

    recipe: str
    settings: Mapping[str, Any]
    num_words: int
    history: Mapping[str, list[float]]
    predict: Callable[[Sequence[Sequence[int]]], NDArray[np.float32]]
    sparse: Any
