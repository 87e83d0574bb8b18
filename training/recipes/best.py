"""The ``best`` recipe: linear machines on what stands where in a newswire, calibrated.

For each topic a machine answers both "is it the first topic?" and "is it among the topics?", from
the words of the title, of the lead and of the whole text. A calibration, fitted to newswires
that the machines had not seen, turns the margins into probabilities: of no topic more than of
another where the text is no news. Everything is linear in the words, so that an answer costs hardly
more than that of the book's network.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import keras
import numpy as np
import onnx
import tensorflow as tf
from numpy.typing import NDArray
from rich.console import Console
from sklearn.model_selection import StratifiedKFold

from service.model.encoding import count_tokens
from training.abstention import choose_thresholds
from training.datasets.newswires import Split
from training.progress import FitProgress
from training.recipes.calibration import Calibration, CalibrationSettings, fit_calibration
from training.recipes.examples import TrainingTexts, training_texts
from training.recipes.features import FeatureSettings
from training.recipes.linear import LinearSettings
from training.recipes.machines import Machines, fit_machines
from training.recipes.network import OPSET, HeldOut, TrainedNetwork

NAME: Final = "best"
GRAPH: Final = """
best (int64[batch_or_1, length] token_ids, float[batch, length] token_counts)
  => (float[batch, n_topics] probabilities)
  <int64[1] columns = {1}>
{
    scaled = Mul (e, token_counts)
    at_least_one = Max (scaled, one)
    logs = Log (at_least_one)  # 1 + log(count), 0 for 0
    rarities = Gather (token_weights, token_ids)
    weighted = Mul (rarities, logs)
    normed = LpNormalization <axis = 1, p = 2> (weighted)  # 0 stays 0
    rows = Gather (kernel, token_ids)  # (n or 1, length, n_topics)
    as_matrices = Unsqueeze (normed, columns)  # (n, 1, length)
    summed = MatMul (as_matrices, rows)  # (n, 1, n_topics)
    as_rows = Squeeze (summed, columns)
    margins = Add (as_rows, bias)
    negative = Min (margins, zero)
    inputs = Concat <axis = 1> (margins, negative)
    logits = Gemm (inputs, calibration_kernel, calibration_bias)
    probabilities = Softmax <axis = 1> (logits)
}
"""
"""In ONNX' own language. A token that occurs 0 times counts for nothing."""


@dataclass(frozen=True, slots=True)
class BestSettings:
    """The recipe's numbers, chosen by cross-validation inside the training split."""

    seed: int
    folds: int = 5
    features: FeatureSettings = field(default_factory=FeatureSettings)
    machines: LinearSettings = field(default_factory=LinearSettings)
    calibration: CalibrationSettings = field(default_factory=CalibrationSettings)


@dataclass(frozen=True, slots=True)
class HeldOutMargins:
    """What machines say of texts whose newswires they had not seen.

    Attributes
    ----------
    folds : int64 array of shape (n_texts,)
        Texts of one fold were held out together.
    margins : float32 array of shape (n_texts, n_topics)
    known_words_ratio : float64 array of shape (n_texts,)
        Share of each text's words that the vocabulary of its machines holds.
    history : dict of str to list of float
        Loss and accuracy of each epoch, on the first fold and on what it held out.
    """

    folds: NDArray[np.int64]
    margins: NDArray[np.float32]
    known_words_ratio: NDArray[np.float64]
    history: dict[str, list[float]]


def fit(
    train: Split, vocabulary: Mapping[str, int], *, seed: int, console: Console
) -> TrainedNetwork:
    """Fit to the training newswires; what each idea is worth is in the model card.

    Parameters
    ----------
    train : Split
        With its articles, each is learnt from its own title and body; without, from Keras' words.
    vocabulary : mapping of str to int
        Keras' word index, to read those words.
    seed : int
        The same seed on the same machine gives the same weights.
    console : Console
        Shows the progress.
    """
    return fit_with(BestSettings(seed=seed), train, vocabulary, console=console)


def fit_with(
    settings: BestSettings, train: Split, vocabulary: Mapping[str, int], *, console: Console
) -> TrainedNetwork:
    """Hold out each fold in turn, calibrate on what was held out, then fit to everything."""
    keras.utils.set_random_seed(settings.seed)
    tf.config.experimental.enable_op_determinism()
    texts = training_texts(train, vocabulary, seed=settings.seed)

    held_out = hold_out(texts, settings, console)
    calibration = fit_calibration(
        held_out.margins, wanted_probabilities(texts), texts.weights, settings.calibration
    )
    answers = answer_held_out(held_out, texts, settings)
    with FitProgress("Fitting to everything", console) as progress:
        machines = fit_machines(
            texts, settings.machines, settings.features, progress, seed=settings.seed
        )

    return TrainedNetwork(
        recipe=NAME,
        settings={**asdict(settings), "epochs": settings.machines.epochs},
        encoder=machines.features.encoder,
        history=held_out.history,
        predict=lambda token_ids: predict(machines, calibration, token_ids),
        sparse=SparseBestNetwork(machines, calibration),
        held_out=answers,
        thresholds=choose_thresholds(answers),
    )


def hold_out(texts: TrainingTexts, settings: BestSettings, console: Console) -> HeldOutMargins:
    """Fit machines to all folds but one, ask them about that one, and so on."""
    folds = split_into_folds(texts, settings)
    margins = np.zeros(texts.among.shape, dtype=np.float32)
    known_words_ratio = np.zeros(len(folds))
    histories = []
    for fold in range(settings.folds):
        inside = folds == fold
        with FitProgress(f"Holding out {fold + 1} of {settings.folds}", console) as progress:
            machines = fit_machines(
                texts.only(~inside),
                settings.machines,
                settings.features,
                progress,
                seed=settings.seed,
                held_out=texts.only(inside & texts.whole),
            )
        encoded = machines.features.encode(texts.only(inside).texts)
        margins[inside] = machines.margins(encoded)
        known_words_ratio[inside] = [text.known_words_ratio for text in encoded]
        histories.append(machines.history)
    return HeldOutMargins(folds, margins, known_words_ratio, histories[0])


def split_into_folds(texts: TrainingTexts, settings: BestSettings) -> NDArray[np.int64]:
    """Give each text its fold, int64 of shape (n_texts,): texts of a newswire share theirs."""
    whole = texts.only(texts.whole)
    splitter = StratifiedKFold(settings.folds, shuffle=True, random_state=settings.seed)
    fold_of_newswire = np.zeros(len(whole.labels), dtype=np.int64)
    for fold, (_, inside) in enumerate(splitter.split(whole.labels, whole.labels)):
        fold_of_newswire[inside] = fold
    return fold_of_newswire[texts.newswires]


def calibrate_held_out(
    margins: NDArray[np.float32],
    folds: NDArray[np.int64],
    texts: TrainingTexts,
    settings: BestSettings,
) -> NDArray[np.float32]:
    """Calibrate the margins of each fold by those of the other folds.

    Returns
    -------
    float32 array of shape (n_texts, n_topics)
    """
    targets = wanted_probabilities(texts)
    probabilities = np.zeros_like(targets)
    for fold in np.unique(folds):
        inside = folds == fold
        calibration = fit_calibration(
            margins[~inside],
            targets[~inside],
            texts.weights[~inside],
            settings.calibration,
        )
        probabilities[inside] = calibration(margins[inside])
    return probabilities


def wanted_probabilities(texts: TrainingTexts) -> NDArray[np.float32]:
    """1 for the label, and the same for every topic where there is none; (n_texts, n_topics)."""
    n_topics = texts.among.shape[1]
    inside = texts.first.any(axis=1, keepdims=True)
    return np.where(inside, texts.first, 1 / n_topics).astype(np.float32)


def answer_held_out(
    held_out: HeldOutMargins, texts: TrainingTexts, settings: BestSettings
) -> HeldOut:
    """Give what would have been answered to each whole newswire."""
    probabilities = calibrate_held_out(held_out.margins, held_out.folds, texts, settings)
    whole = texts.whole
    return HeldOut(
        labels=texts.labels[whole],
        uncalibrated=tf.nn.softmax(held_out.margins[whole]).numpy(),
        probabilities=probabilities[whole],
        known_words_ratio=held_out.known_words_ratio[whole],
    )


def predict(
    machines: Machines, calibration: Calibration, token_ids: Sequence[Sequence[int]]
) -> NDArray[np.float32]:
    """Give the probabilities, float32 of shape (n_texts, n_topics), by Keras itself."""
    encoded = [count_tokens(ids, n_words=len(ids)) for ids in token_ids]
    probabilities: NDArray[np.float32] = calibration(machines.margins(encoded)).numpy()
    return probabilities


class SparseBestNetwork:
    """The same network on token ids and counts: it weighs and gathers the tokens that occur.

    Written in ONNX itself: each node costs about as much as its work, and a conversion of
    TensorFlow's operations has five more.
    """

    def __init__(self, machines: Machines, calibration: Calibration) -> None:
        self._machines = machines
        self._calibration = calibration

    def to_onnx(self) -> onnx.ModelProto:
        """Give the network, with its weights."""
        kernel, bias = self._machines.layer.get_weights()
        weights: dict[str, Any] = {
            "e": math.e,
            "one": 1,
            "zero": 0,
            "token_weights": self._machines.features.token_weights,
            "kernel": kernel,
            "bias": bias,
            "calibration_kernel": self._calibration.whole_kernel(len(bias)),
            "calibration_bias": self._calibration.bias,
        }
        model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["": {OPSET}]> {GRAPH}')
        model.graph.initializer.extend(
            onnx.numpy_helper.from_array(np.asarray(values, dtype=np.float32), name)
            for name, values in weights.items()
        )
        return model
