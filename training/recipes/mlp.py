"""The ``mlp`` recipe: the multilayer perceptron of *Deep Learning with Python*, chapter 4.

F. Chollet, *Deep Learning with Python*, 2nd edition, Manning 2021, section 4.2 "Classifying
newswires: a multiclass classification example", which reports an accuracy of about 80 %.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx
from numpy.typing import NDArray
from rich.console import Console
from scipy.sparse import csr_array

from service.model import TextEncoder
from service.model.outputs import PROBABILITIES
from service.model.token_counts import UNKNOWN_ID
from training.console import FitProgress
from training.data.dataset import Split
from training.data.views import ARTICLE, KERAS, views_of
from training.recipes.features import count_ids
from training.recipes.reuters import has_reuters_topics
from training.recipes.trained_model import OPSET, OutOfFold, TrainedModel, serialize


@dataclass(frozen=True, slots=True)
class MlpSettings:
    """Settings of the recipe, which are the book's."""

    seed: int
    num_words: int = 10_000
    hidden_units: int = 64
    validation_newswires: int = 1_000  # at most a fifth of the training texts
    max_epochs: int = 20
    batch_size: int = 512


def fit(
    train: Split, vocabulary: Mapping[str, int], *, seed: int, console: Console, **changed: Any
) -> TrainedModel:
    """Choose the number of epochs on held-out texts, then train a new network that long.

    Held-out texts are the first 1,000 newswires of Reuters, as in the book; other texts may be in
    any order, so a sample is drawn. The thresholds, which the book does not have, are chosen on it
    too. Settings may be changed.
    """
    settings = MlpSettings(seed, **changed)
    n_texts, n_topics = len(train.labels), len(train.topic_codes)
    first = min(settings.validation_newswires, n_texts // 5)
    num_words = min(settings.num_words, 1 + max(vocabulary.values(), default=UNKNOWN_ID))
    settings = replace(settings, num_words=num_words, validation_newswires=first)
    if not has_reuters_topics(train.topic_codes):
        train = train.select(np.random.default_rng(settings.seed).permutation(n_texts))
    keras.utils.set_random_seed(settings.seed)
    tf.config.experimental.enable_op_determinism()
    inputs = multi_hot(train.token_ids, settings.num_words)
    targets = np.eye(n_topics, dtype=np.float32)[train.labels]

    def trained(title: str, start: int, epochs: int, **options: Any) -> tuple[Any, Any]:
        network = build_network(settings, n_topics)
        with FitProgress(title, epochs, console) as progress:
            history = network.fit(
                inputs[start:],
                targets[start:],
                epochs=epochs,
                batch_size=settings.batch_size,
                verbose=0,
                callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=progress.end_epoch)],
                **options,
            ).history
        return network, history

    validation = {"validation_data": (inputs[:first], targets[:first])}
    _, history = trained("Choosing the epochs", first, settings.max_epochs, **validation)
    epochs = int(np.argmin(history["val_loss"])) + 1
    network, _ = trained("Training", 0, epochs)
    without_validation, _ = trained("Choosing the thresholds", first, epochs)
    encoder = TextEncoder(
        {word: token_id for word, token_id in vocabulary.items() if token_id < settings.num_words}
    )
    # As in service: title and body, where the source has them. Without negatives: the network is
    # as confident of them as of other texts, so that no threshold would reach the target.
    views = views_of(train.select(np.arange(first)), vocabulary)
    held_out = views[ARTICLE if ARTICLE in views else KERAS]
    encoded = [encoder.encode(text.text, text.title) for text in held_out.texts]
    scores = predict(without_validation, [text.token_ids.tolist() for text in encoded], settings)
    ratios = np.array([text.known_words_ratio for text in encoded])
    out_of_fold = OutOfFold(held_out.labels, scores, scores, ratios)
    return TrainedModel(
        recipe="mlp",
        settings={**asdict(settings), "epochs": epochs},
        encoder=encoder,
        network=network,
        predict=lambda token_ids: {PROBABILITIES: predict(network, token_ids, settings)},
        exported=serialize(to_onnx(network)),
        thresholds=out_of_fold.choose_thresholds(n_topics),
        history=history,
    )


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


def multi_hot(token_ids: Sequence[Sequence[int]], num_words: int) -> csr_array:
    """Return sparse rows of 0 and 1, float32 (n_texts, num_words); higher ids are unknown."""
    limited = [[i if i < num_words else UNKNOWN_ID for i in ids] for ids in token_ids]
    rows = count_ids(limited, num_words)
    rows.data[:] = 1
    return rows


def predict(
    network: Any, token_ids: Sequence[Sequence[int]], settings: MlpSettings
) -> NDArray[np.float32]:
    """Return the probabilities by Keras, float32 of shape (n_texts, n_topics)."""
    inputs = multi_hot(token_ids, settings.num_words)
    return np.asarray(network.predict(inputs, batch_size=settings.batch_size, verbose=0))


def to_onnx(network: Any) -> onnx.ModelProto:
    """Convert a network to one that sums the first layer's rows of the words that occur.

    A multi-hot row times a matrix is the sum of the matrix' rows for the ids that are set.
    ``tf2onnx.convert.from_keras`` does not work with Keras 3, hence the `tf.function`.
    """
    first, *rest = network.layers
    signature = [
        tf.TensorSpec((None, None), tf.int64, name="token_ids"),
        tf.TensorSpec((None, None), tf.float32, name="token_counts"),
    ]

    @tf.function(input_signature=signature)  # type: ignore[untyped-decorator]
    def probabilities(token_ids: Any, token_counts: Any) -> Any:
        present = tf.minimum(token_counts, 1.0)  # a multi-hot row does not count
        rows = tf.gather(first.kernel, token_ids)  # (n or 1, length, hidden_units)
        summed = tf.matmul(tf.expand_dims(present, axis=1), rows)  # (n, 1, hidden_units)
        hidden = first.activation(tf.squeeze(summed, axis=1) + first.bias)
        for layer in rest:
            hidden = layer(hidden)
        return {"probabilities": hidden}

    model, _ = tf2onnx.convert.from_function(probabilities, signature, opset=OPSET)
    return model
