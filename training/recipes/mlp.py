"""The ``mlp`` recipe: the multilayer perceptron of *Deep Learning with Python*, chapter 4.

F. Chollet, *Deep Learning with Python*, 2nd edition, Manning 2021, section 4.2 "Classifying
newswires: a multiclass classification example", which reports an accuracy of about 80 %.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
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
from training.data.views import texts_by_view
from training.progress import FitProgress
from training.recipes.thresholds import choose_thresholds
from training.recipes.trained_model import OPSET, OutOfFold, TrainedModel

NAME: Final = "mlp"


@dataclass(frozen=True, slots=True)
class MlpSettings:
    """Settings of the recipe, which are the book's."""

    seed: int
    num_words: int = 10_000
    hidden_units: int = 64
    validation_newswires: int = 1_000
    max_epochs: int = 20
    batch_size: int = 512


def fit(
    train: Split, vocabulary: Mapping[str, int], *, seed: int, console: Console
) -> TrainedModel:
    """Choose the number of epochs on a validation set, then train a new network that long.

    The thresholds, which the book does not have, are chosen on the validation set too.

    Parameters
    ----------
    train : Split
        The first 1,000 newswires are the validation set.
    vocabulary : mapping of str to int
        Keras' word index.
    """
    settings = MlpSettings(seed=seed)
    keras.utils.set_random_seed(settings.seed)
    tf.config.experimental.enable_op_determinism()
    inputs = multi_hot(train.token_ids, settings.num_words)
    targets = keras.utils.to_categorical(train.labels, len(train.topic_codes))
    first = settings.validation_newswires

    def trained(title: str, start: int, epochs: int, **options: Any) -> tuple[Any, Any]:
        network = build_network(settings, len(train.topic_codes))
        with FitProgress(title, console) as progress:
            history = network.fit(
                inputs[start:],
                targets[start:],
                epochs=epochs,
                batch_size=settings.batch_size,
                verbose=0,
                callbacks=[progress],
                **options,
            ).history
        return network, history

    validation = {"validation_data": (inputs[:first], targets[:first])}
    _, history = trained("Choosing the epochs", first, settings.max_epochs, **validation)
    epochs = int(np.argmin(history["val_loss"])) + 1
    network, _ = trained("Training", 0, epochs)
    without_validation, _ = trained("Choosing the thresholds", first, epochs)
    encoder = TextEncoder(limit_vocabulary(vocabulary, settings.num_words))
    predictions = predict_validation_set(without_validation, encoder, train, vocabulary, settings)

    return TrainedModel(
        recipe=NAME,
        settings={**asdict(settings), "epochs": epochs},
        encoder=encoder,
        history=history,
        predict=lambda token_ids: predict(network, token_ids, settings),
        sparse=SparseMlpNetwork(network),
        thresholds=choose_thresholds(predictions, len(train.topic_codes)),
    )


def predict_validation_set(
    network: Any,
    encoder: TextEncoder,
    train: Split,
    vocabulary: Mapping[str, int],
    settings: MlpSettings,
) -> OutOfFold:
    """Predict the validation set as it is served: title and body, where the source has them.

    Without negatives: the network is as confident of them as of other texts, so that no threshold
    would reach the target.
    """
    part = slice(settings.validation_newswires)
    validation = replace(
        train,
        token_ids=train.token_ids[part],
        labels=train.labels[part],
        articles=train.articles and train.articles[part],
    )
    *_, texts = texts_by_view(validation, vocabulary).values()
    encoded = [encoder.encode(text.text, text.title) for text in texts]
    probabilities = predict(network, [text.token_ids.tolist() for text in encoded], settings)
    known_words_ratio = np.array([text.known_words_ratio for text in encoded])
    return OutOfFold(validation.labels, probabilities, probabilities, known_words_ratio)


def build_network(settings: MlpSettings, n_topics: int) -> Any:
    """Return the network, compiled: multi-hot (n, num_words) to probabilities (n, n_topics)."""
    network = keras.Sequential(
        [
            keras.Input((settings.num_words,)),
            keras.layers.Dense(settings.hidden_units, activation="relu"),
            keras.layers.Dense(settings.hidden_units, activation="relu"),
            keras.layers.Dense(n_topics, activation="softmax"),
        ]
    )
    network.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
    return network


def multi_hot(token_ids: Sequence[Sequence[int]], num_words: int) -> NDArray[np.uint8]:
    """Encode texts as multi-hot rows.

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
    """Return the probabilities by Keras, float32 of shape (n_texts, n_topics)."""
    inputs = multi_hot(token_ids, settings.num_words)
    probabilities: NDArray[np.float32] = network.predict(
        inputs, batch_size=settings.batch_size, verbose=0
    )
    return probabilities


class SparseMlpNetwork(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
    """The same network on token ids: it sums the first layer's rows of the words that occur.

    A multi-hot row times a matrix is the sum of the matrix' rows for the ids that are set.
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
        """Token ids (n or 1, length), their counts (n, length) to probabilities (n, n_topics)."""
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
