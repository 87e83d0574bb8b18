"""The ``mlp`` recipe: the Reuters classifier of *Deep Learning with Python*, chapter 4.

F. Chollet, *Deep Learning with Python*, 2nd edition, Manning 2021, section 4.2 "Classifying
newswires: a multiclass classification example". Every step is the book's; it reports an accuracy
of about 80 %.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx
from numpy.typing import NDArray
from rich.console import Console

from service.model import TextEncoder
from training.data.dataset import Split, limit_token_ids, limit_vocabulary
from training.data.reuters_expected import TOPIC_CODES
from training.data.views import keras_texts
from training.progress import FitProgress
from training.recipes.network import OPSET, OutOfFold, TrainedModel
from training.recipes.thresholds import choose_thresholds

NAME: Final = "mlp"


@dataclass(frozen=True, slots=True)
class MlpSettings:
    """The recipe's numbers, which are the book's."""

    seed: int
    num_words: int = 10_000
    hidden_units: int = 64
    validation_newswires: int = 1_000
    max_epochs: int = 20
    batch_size: int = 512


def fit(
    train: Split, vocabulary: Mapping[str, int], *, seed: int, console: Console
) -> TrainedModel:
    """Choose the number of epochs on a validation set, then train a fresh network that long.

    The thresholds are not the book's. They are chosen on the validation set, too.

    Parameters
    ----------
    train : Split
        The training newswires; the first 1,000 of them validate.
    vocabulary : mapping of str to int
        Keras' word index.
    seed : int
        The same seed on the same machine gives the same weights.
    console : Console
        Shows the progress.
    """
    settings = MlpSettings(seed=seed)
    keras.utils.set_random_seed(settings.seed)
    tf.config.experimental.enable_op_determinism()
    inputs = multi_hot(train.token_ids, settings.num_words)
    targets = keras.utils.to_categorical(train.labels, len(TOPIC_CODES))

    n_validation = settings.validation_newswires
    trial = build_network(settings)
    with FitProgress("Choosing the epochs", console) as progress:
        history = trial.fit(
            inputs[n_validation:],
            targets[n_validation:],
            epochs=settings.max_epochs,
            batch_size=settings.batch_size,
            validation_data=(inputs[:n_validation], targets[:n_validation]),
            verbose=0,
            callbacks=[progress],
        ).history
    epochs = int(np.argmin(history["val_loss"])) + 1

    network = build_network(settings)
    with FitProgress("Training", console) as progress:
        network.fit(
            inputs,
            targets,
            epochs=epochs,
            batch_size=settings.batch_size,
            verbose=0,
            callbacks=[progress],
        )

    judged = build_network(settings)
    with FitProgress("Choosing the thresholds", console) as progress:
        judged.fit(
            inputs[n_validation:],
            targets[n_validation:],
            epochs=epochs,
            batch_size=settings.batch_size,
            verbose=0,
            callbacks=[progress],
        )
    encoder = TextEncoder(limit_vocabulary(vocabulary, settings.num_words))
    predictions = predict_out_of_fold(judged, encoder, train, vocabulary, settings)

    return TrainedModel(
        recipe=NAME,
        settings={**asdict(settings), "epochs": epochs},
        encoder=encoder,
        history=history,
        predict=lambda token_ids: predict(network, token_ids, settings),
        sparse=SparseMlpNetwork(network),
        thresholds=choose_thresholds(predictions, len(TOPIC_CODES)),
    )


def predict_out_of_fold(
    network: Any,
    encoder: TextEncoder,
    train: Split,
    vocabulary: Mapping[str, int],
    settings: MlpSettings,
) -> OutOfFold:
    """Predict the validation set as it is served: from title and body, where the source has it.

    All of it has a topic. Of the negatives the book's network is as sure as of the others, so with
    them no threshold would do.
    """
    part = slice(settings.validation_newswires)
    labels = train.labels[part]
    if train.articles is None:
        texts = keras_texts(Split(train.token_ids[part], labels), vocabulary)
    else:
        texts = [article.news_text for article in train.articles[part]]
    encoded = [encoder.encode(text.text, text.title) for text in texts]
    probabilities = predict(network, [text.token_ids.tolist() for text in encoded], settings)
    known_words_ratio = np.array([text.known_words_ratio for text in encoded])
    return OutOfFold(labels, probabilities, probabilities, known_words_ratio)


def build_network(settings: MlpSettings) -> Any:
    """Give the book's network, compiled: multi-hot (n, num_words) to probabilities (n, 46)."""
    network = keras.Sequential(
        [
            keras.Input((settings.num_words,)),
            keras.layers.Dense(settings.hidden_units, activation="relu"),
            keras.layers.Dense(settings.hidden_units, activation="relu"),
            keras.layers.Dense(len(TOPIC_CODES), activation="softmax"),
        ]
    )
    network.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
    return network


def multi_hot(token_ids: Sequence[Sequence[int]], num_words: int) -> NDArray[np.uint8]:
    """Mark in each row the ids that occur in a text.

    Parameters
    ----------
    token_ids : sequence of sequence of int, of length n_texts
    num_words : int
        Ids of this and above count as ``UNKNOWN_ID``.

    Returns
    -------
    uint8 array of shape (n_texts, num_words)
        0 or 1; a quarter of the memory of float32, to which Keras casts each batch.
    """
    rows = np.zeros((len(token_ids), num_words), dtype=np.uint8)
    for row, ids in zip(rows, token_ids, strict=True):
        row[limit_token_ids(ids, num_words)] = 1
    return rows


def predict(
    network: Any, token_ids: Sequence[Sequence[int]], settings: MlpSettings
) -> NDArray[np.float32]:
    """Give the probabilities, float32 of shape (n_texts, n_topics), by Keras itself."""
    inputs = multi_hot(token_ids, settings.num_words)
    probabilities: NDArray[np.float32] = network.predict(
        inputs, batch_size=settings.batch_size, verbose=0
    )
    return probabilities


class SparseMlpNetwork(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
    """The same network without a dense row: it gathers the weights of the words that occur.

    The first layer's multi-hot times matrix is the sum of the matrix' rows for the ids that are
    there, so the same numbers come out, to the last bits.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network
        """The trained network, a `keras.Sequential`."""

    @tf.function(  # type: ignore[untyped-decorator]
        input_signature=[
            tf.TensorSpec((None, None), tf.int64, name="token_ids"),
            tf.TensorSpec((None, None), tf.float32, name="token_counts"),
        ]
    )
    def probabilities(self, token_ids: Any, token_counts: Any) -> Any:
        """Token ids (n or 1, length), their counts (n, length) to probabilities (n, 46).

        A token that occurs 0 times counts for nothing.
        """
        first, *rest = self.network.layers
        present = tf.minimum(token_counts, 1.0)  # a multi-hot row does not count
        rows = tf.gather(first.kernel, token_ids)  # (n or 1, length, hidden)
        summed = tf.matmul(tf.expand_dims(present, axis=1), rows)  # (n, 1, hidden)
        hidden = first.activation(tf.squeeze(summed, axis=1) + first.bias)
        for layer in rest:
            hidden = layer(hidden)
        return {"probabilities": hidden}

    def to_onnx(self) -> onnx.ModelProto:
        """Convert ``probabilities`` to ONNX.

        Notes
        -----
        ``tf2onnx.convert.from_keras`` does not work with Keras 3, hence the `tf.function`.
        """
        function = self.probabilities
        model, _ = tf2onnx.convert.from_function(
            function, input_signature=function.input_signature, opset=OPSET
        )
        return model
