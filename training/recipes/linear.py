"""The ``linear`` recipe: linear SVMs on what stands where in a newswire, calibrated.

For each topic the SVMs say both "is it the primary topic?" and "is it any of the topics?", from
bag-of-words features of the title, of the lead and of the whole text; one more says that no topic
fits. A calibration, fitted to texts that the SVMs had not seen, turns the margins into joint
probabilities of the topics and of "no topic fits". Everything is linear in the words, so that a
prediction costs hardly more than that of the book's network.
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

from service.model.encoder import count_tokens
from training.data.dataset import Split
from training.data.reuters_expected import TOPIC_CODES
from training.data.written_texts import WrittenText, read_written_texts
from training.progress import FitSteps
from training.recipes.calibration import Calibration, CalibrationSettings, fit_calibration
from training.recipes.examples import TrainingTexts, training_texts
from training.recipes.features import FeatureSettings
from training.recipes.network import OPSET, OutOfFold, TrainedModel
from training.recipes.svm import LinearSVMs, SVMSettings, fit_svms
from training.recipes.synonyms import read_synonyms
from training.recipes.thresholds import choose_thresholds

NAME: Final = "linear"
GRAPH: Final = """
linear (int64[batch_or_1, length] token_ids, float[batch, length] token_counts)
  => (float[batch, n_outputs] probabilities)
  <int64[1] columns = {1}>
{
    scaled = Mul (e, token_counts)
    at_least_one = Max (scaled, one)
    logs = Log (at_least_one)  # 1 + log(count), 0 for 0
    idf_igm = Gather (token_weights, token_ids)
    weighted = Mul (idf_igm, logs)
    normed = LpNormalization <axis = 1, p = 2> (weighted)  # 0 stays 0
    rows = Gather (kernel, token_ids)  # (n or 1, length, n_outputs)
    as_matrices = Unsqueeze (normed, columns)  # (n, 1, length)
    summed = MatMul (as_matrices, rows)  # (n, 1, n_outputs)
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
class LinearSettings:
    """The recipe's numbers, chosen by cross-validation inside the training split."""

    seed: int
    folds: int = 5
    features: FeatureSettings = field(default_factory=FeatureSettings)
    svm: SVMSettings = field(default_factory=SVMSettings)
    calibration: CalibrationSettings = field(default_factory=CalibrationSettings)


@dataclass(frozen=True, slots=True)
class OutOfFoldMargins:
    """What SVMs say of texts whose newswires they had not seen.

    Attributes
    ----------
    folds : int64 array of shape (n_texts,)
        Texts of one fold were held out together.
    margins : float32 array of shape (n_texts, n_topics + 1)
    known_words_ratio : float64 array of shape (n_texts,)
        Share of each text's words that the vocabulary of its SVMs holds.
    """

    folds: NDArray[np.int64]
    margins: NDArray[np.float32]
    known_words_ratio: NDArray[np.float64]


def fit(
    train: Split, vocabulary: Mapping[str, int], *, seed: int, console: Console
) -> TrainedModel:
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
    written = read_written_texts()
    return fit_with(LinearSettings(seed=seed), train, vocabulary, written, console=console)


def fit_with(
    settings: LinearSettings,
    train: Split,
    vocabulary: Mapping[str, int],
    written: Sequence[WrittenText],
    *,
    console: Console,
) -> TrainedModel:
    """Hold out each fold in turn, calibrate on what was held out, then fit to everything."""
    keras.utils.set_random_seed(settings.seed)
    tf.config.experimental.enable_op_determinism()
    texts = training_texts(train, vocabulary, seed=settings.seed, written=written)

    with FitSteps(
        "Fitting to all folds but one, then to all", settings.folds + 1, console
    ) as steps:
        out_of_fold = hold_out(texts, settings, steps)
        calibration = calibrate(out_of_fold.margins, texts, settings)
        predictions = predict_out_of_fold(out_of_fold, texts, settings)
        svms = fit_svms(texts, settings.svm, settings.features, reserved=read_synonyms())
        steps.advance()
    synonyms = svms.features.usable_synonyms(read_synonyms())
    svms = svms.with_synonyms(synonyms)

    return TrainedModel(
        recipe=NAME,
        settings={**asdict(settings), "written_texts": len(written), "synonyms": synonyms},
        encoder=svms.features.encoder,
        history={},
        predict=lambda token_ids: predict(svms, calibration, token_ids),
        sparse=SparseLinearNetwork(svms, calibration),
        out_of_fold=predictions,
        thresholds=choose_thresholds(predictions, len(TOPIC_CODES)),
        no_topic=True,
    )


def hold_out(texts: TrainingTexts, settings: LinearSettings, steps: FitSteps) -> OutOfFoldMargins:
    """Fit SVMs to all folds but one, predict that one, and so on."""
    folds = split_into_folds(texts, settings)
    margins = np.zeros((len(folds), texts.any_topic.shape[1] + 1), dtype=np.float32)
    known_words_ratio = np.zeros(len(folds))
    for fold in range(settings.folds):
        inside = folds == fold
        svms = fit_svms(
            texts.only(~inside), settings.svm, settings.features, reserved=read_synonyms()
        )
        encoded = svms.features.encode(texts.only(inside).texts)
        margins[inside] = svms.margins(encoded)
        known_words_ratio[inside] = [text.known_words_ratio for text in encoded]
        steps.advance()
    return OutOfFoldMargins(folds, margins, known_words_ratio)


def split_into_folds(texts: TrainingTexts, settings: LinearSettings) -> NDArray[np.int64]:
    """Return the fold of each text, int64 of shape (n_texts,): texts of a group share theirs."""
    groups, first = np.unique(texts.groups, return_index=True)
    labels = texts.labels[first]
    splitter = StratifiedKFold(settings.folds, shuffle=True, random_state=settings.seed)
    fold_of_group = np.zeros(len(groups), dtype=np.int64)
    for fold, (_, inside) in enumerate(splitter.split(labels, labels)):
        fold_of_group[inside] = fold
    return fold_of_group[texts.groups]


def calibrate(
    margins: NDArray[np.float32], texts: TrainingTexts, settings: LinearSettings
) -> Calibration:
    """Fit the calibration to texts that the SVMs had not seen."""
    weights = texts.weights_with(settings.calibration.negative_factor)
    return fit_calibration(margins, texts.labels, texts.negative, weights, settings.calibration)


def calibrate_out_of_fold(
    margins: NDArray[np.float32],
    folds: NDArray[np.int64],
    texts: TrainingTexts,
    settings: LinearSettings,
) -> NDArray[np.float32]:
    """Calibrate the margins of each fold by those of the other folds.

    Returns
    -------
    float32 array of shape (n_texts, n_topics + 1)
    """
    probabilities = np.zeros_like(margins)
    for fold in np.unique(folds):
        inside = folds == fold
        calibration = calibrate(margins[~inside], texts.only(~inside), settings)
        probabilities[inside] = calibration(margins[inside])
    return probabilities


def predict_out_of_fold(
    out_of_fold: OutOfFoldMargins, texts: TrainingTexts, settings: LinearSettings
) -> OutOfFold:
    """Return what would have been predicted for each whole newswire."""
    probabilities = calibrate_out_of_fold(out_of_fold.margins, out_of_fold.folds, texts, settings)
    whole = texts.whole
    return OutOfFold(
        labels=texts.labels[whole],
        uncalibrated=tf.nn.softmax(out_of_fold.margins[whole]).numpy(),
        probabilities=probabilities[whole],
        known_words_ratio=out_of_fold.known_words_ratio[whole],
    )


def predict(
    svms: LinearSVMs, calibration: Calibration, token_ids: Sequence[Sequence[int]]
) -> NDArray[np.float32]:
    """Return the probabilities, float32 of shape (n_texts, n_topics + 1), by Keras itself."""
    encoded = [count_tokens(ids, n_words=len(ids)) for ids in token_ids]
    return calibration(svms.margins(encoded))


class SparseLinearNetwork:
    """The same network on token ids and counts: it weighs and gathers the tokens that occur.

    Written in ONNX itself: each node costs about as much as its work, and a conversion of
    TensorFlow's operations has five more.
    """

    def __init__(self, svms: LinearSVMs, calibration: Calibration) -> None:
        self._svms = svms
        self._calibration = calibration

    def to_onnx(self) -> onnx.ModelProto:
        """Return the network, with its weights."""
        kernel, bias = self._svms.layer.get_weights()
        calibration_kernel, calibration_bias = self._calibration.weights()
        weights: dict[str, Any] = {
            "e": math.e,
            "one": 1,
            "zero": 0,
            "token_weights": self._svms.features.token_weights,
            "kernel": kernel,
            "bias": bias,
            "calibration_kernel": calibration_kernel,
            "calibration_bias": calibration_bias,
        }
        model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["": {OPSET}]> {GRAPH}')
        model.graph.initializer.extend(
            onnx.numpy_helper.from_array(np.asarray(values, dtype=np.float32), name)
            for name, values in weights.items()
        )
        return model
