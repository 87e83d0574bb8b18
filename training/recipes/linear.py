"""The ``linear`` recipe: calibrated one-vs-rest SVMs on TF-IGM features of title, lead and text.

The calibration is fitted to out-of-fold margins, and turns margins into joint probabilities of the
topics and of "no topic fits"; a second one, to the probability of each topic on its own. All layers
are linear in the features, so that a prediction costs about as much as one of the ``mlp`` recipe.

Without negatives there is no output for "no topic fits": its probability would be that of random
words, not of texts that a client sends. The SVMs still learn that such outliers are of no topic, so
that the model abstains from nonsense by its confidence.
"""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any, Final

import keras
import numpy as np
import onnx
import tensorflow as tf
from numpy.typing import NDArray
from rich.console import Console
from scipy.sparse import csr_array
from scipy.special import softmax
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from service.model.outputs import PROBABILITIES, TOPIC_PROBABILITIES
from service.model.token_counts import encode_token_ids
from training.data.dataset import Split
from training.progress import FitProgress
from training.recipes.all_topics import (
    AllTopicsSettings,
    choose_all_topics_thresholds,
    fit_topic_calibration,
    topic_probabilities_out_of_fold,
)
from training.recipes.calibration import Calibration, CalibrationSettings, fit_calibration
from training.recipes.examples import TrainingTexts, training_texts
from training.recipes.features import FeatureSettings, FieldFeatures
from training.recipes.reuters import WrittenText, has_reuters_topics, synonyms_for
from training.recipes.svm import LinearSVMs, SVMSettings, add_synonyms, fit_svms
from training.recipes.trained_model import OPSET, OutOfFold, TrainedModel, serialize

C_OF_OTHER_TOPICS: Final = (0.2, SVMSettings().C)
MIN_NEGATIVES: Final = 5  # fewer than a topic must have do not show what no topic looks like

GRAPH: Final = """
linear (int64[batch_or_1, length] token_ids, float[batch, length] token_counts)
  => (float[batch, n_outputs] probabilities, float[batch, n_topics] topic_probabilities)
  <int64[1] columns = {1}>
{
    scaled = Mul (e, token_counts)
    at_least_one = Max (scaled, one)
    logs = Log (at_least_one)  # 1 + log(count), 0 for 0
    idf_igm = Gather (token_weights, token_ids)
    weighted = Mul (idf_igm, logs)
    normed = LpNormalization <axis = 1, p = 2> (weighted)  # 0 stays 0
    quantized = Gather (kernel, token_ids)  # (n or 1, length, n_outputs)
    rows = Cast <to = 1> (quantized)  # int8 to float32
    as_matrices = Unsqueeze (normed, columns)  # (n, 1, length)
    summed = MatMul (as_matrices, rows)  # (n, 1, n_outputs)
    as_rows = Squeeze (summed, columns)
    margins = Add (as_rows, bias)  # divided by the scales, as the kernel is
    negative = Min (margins, zero)
    inputs = Concat <axis = 1> (margins, negative)
    logits = Gemm (inputs, calibration_kernel, calibration_bias)
    probabilities = Softmax <axis = 1> (logits)
    topic_logits = Gemm (inputs, topic_kernel, topic_bias)
    topic_probabilities = Sigmoid (topic_logits)
}
"""


@dataclass(frozen=True, slots=True)
class LinearSettings:
    """Settings of the recipe, chosen by cross-validation inside the training split."""

    seed: int
    folds: int = 5
    features: FeatureSettings = field(default_factory=FeatureSettings)
    svm: SVMSettings = field(default_factory=SVMSettings)
    calibration: CalibrationSettings = field(default_factory=CalibrationSettings)
    all_topics: AllTopicsSettings = field(default_factory=AllTopicsSettings)


def fit(
    train: Split,
    vocabulary: Mapping[str, int],
    *,
    seed: int,
    console: Console,
    written: Sequence[WrittenText] | None = None,
    **changed: Any,
) -> TrainedModel:
    """Compute out-of-fold margins, fit the calibration to them, then fit SVMs to all texts.

    Texts are newswires and written texts, of which None takes those for the topics; settings may be
    changed. Those of the SVMs were chosen for Reuters: for other topics, ``C`` is the one of
    `C_OF_OTHER_TOPICS` with the highest out-of-fold accuracy.
    """
    settings = LinearSettings(seed, **changed)
    candidates = [settings]
    if "svm" not in changed and not has_reuters_topics(train.topic_codes):
        candidates = [replace(settings, svm=replace(settings.svm, C=c)) for c in C_OF_OTHER_TOPICS]
    synonyms = synonyms_for(train.topic_codes)
    texts = training_texts(train, vocabulary, seed=settings.seed, written=written)
    no_topic = len(np.unique(texts.groups[texts.negative])) >= MIN_NEGATIVES
    folds = split_into_folds(texts, settings)
    n_folds = int(folds.max()) + 1
    n_topics = len(train.topic_codes)
    shape = (len(candidates), len(folds), n_topics + no_topic)
    margins_of_candidates = np.zeros(shape, dtype=np.float32)
    known_words_ratio = np.zeros(len(folds))
    n_steps = n_folds * len(candidates) + 1
    steps = FitProgress("Fitting to all folds but one, then to all", n_steps, console)
    with steps, threadpool_limits(1, "blas"):  # the matrices are small: threads would only wait
        for fold in range(n_folds):
            inside = folds == fold
            others, counts = texts.only(~inside), texts.counts.only(inside)
            for number, item in enumerate(candidates):
                svms = fit_svms(others, item.svm, item.features, synonyms, no_topic=no_topic)
                rows = svms.features.rows_of_counts(counts)
                margins_of_candidates[number, inside] = svms.margins(rows)
                steps.end_step()
            known_words_ratio[inside] = counts.known_words_ratios(svms.features.encoder)
        asked = texts.whole & texts.topical
        predicted = margins_of_candidates[:, asked, :n_topics].argmax(axis=2)
        best = int((predicted == texts.labels[asked]).mean(axis=1).argmax())  # ties: the lower C
        settings, margins = candidates[best], margins_of_candidates[best]
        calibration = fit_calibration(margins, texts, settings.calibration, no_topic=no_topic)
        probabilities = calibrate_out_of_fold(
            margins, folds, texts, settings.calibration, no_topic=no_topic
        )
        topic_calibration = fit_topic_calibration(margins, texts, settings.all_topics)
        topic_probabilities = topic_probabilities_out_of_fold(
            margins, folds, texts, settings.all_topics
        )
        svms = fit_svms(texts, settings.svm, settings.features, synonyms, no_topic=no_topic)
        steps.end_step()
    svms, usable = add_synonyms(svms, synonyms)
    kernel, scales = quantize(svms.kernel)
    svms = replace(svms, kernel=kernel * scales)
    network = build_network(svms, calibration, topic_calibration)
    whole = texts.whole
    all_topics_thresholds = choose_all_topics_thresholds(
        topic_probabilities[whole], texts.any_topic[whole], settings.all_topics.topic_precision
    )
    out_of_fold = OutOfFold(
        labels=texts.labels[whole],
        uncalibrated=softmax(margins[whole], axis=1),
        probabilities=probabilities[whole],
        known_words_ratio=known_words_ratio[whole],
    )
    recorded = asdict(settings)
    if has_reuters_topics(train.topic_codes):
        recorded |= {"written_texts": int(texts.written.sum()), "synonyms": usable}

    return TrainedModel(
        recipe="linear",
        settings=recorded,
        encoder=svms.features.encoder,
        network=network,
        predict=partial(predict, network, svms.features),
        exported=serialize(to_onnx(svms, kernel, scales, calibration, topic_calibration)),
        thresholds=out_of_fold.choose_thresholds(n_topics),
        out_of_fold=out_of_fold,
        no_topic=no_topic,
        predict_topics=partial(predict, network, svms.features, output=TOPIC_PROBABILITIES),
        all_topics_thresholds=all_topics_thresholds.tolist(),
        all_topics_precision=settings.all_topics.topic_precision,
    )


def split_into_folds(texts: TrainingTexts, settings: LinearSettings) -> NDArray[np.int64]:
    """Return the fold of each text, int64 of shape (n_texts,): texts of a group share theirs.

    There are fewer folds if each topic has fewer texts. A fold may have no text of a rare topic.
    """
    groups, first = np.unique(texts.groups, return_index=True)
    labels = texts.labels[first]
    largest = int(np.unique(labels, return_counts=True)[1].max())
    n_folds = max(2, min(settings.folds, largest))
    splitter = StratifiedKFold(n_folds, shuffle=True, random_state=settings.seed)
    fold_of_group = np.zeros(len(groups), dtype=np.int64)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class")  # that is no error here
        for fold, (_, inside) in enumerate(splitter.split(labels, labels)):
            fold_of_group[inside] = fold
    return fold_of_group[texts.groups]


def calibrate_out_of_fold(
    margins: NDArray[np.float32],
    folds: NDArray[np.int64],
    texts: TrainingTexts,
    settings: CalibrationSettings,
    *,
    no_topic: bool = True,
) -> NDArray[np.float32]:
    """Calibrate the margins of each fold by those of the other folds; shapes are the same."""
    probabilities = np.zeros_like(margins)
    for fold in np.unique(folds):
        inside = folds == fold
        others = texts.only(~inside)
        calibration = fit_calibration(margins[~inside], others, settings, no_topic=no_topic)
        probabilities[inside] = calibration(margins[inside])
    return probabilities


def build_network(
    svms: LinearSVMs, calibration: Calibration, topic_calibration: Calibration
) -> Any:
    """Return the `keras.Model` of the fitted weights: features (n, n_ids) to both outputs."""
    features = keras.Input((len(svms.kernel),), sparse=True)
    margins = keras.layers.Dense(len(svms.bias))
    logits = keras.layers.Dense(len(calibration.bias), activation="softmax")
    topic_logits = keras.layers.Dense(len(topic_calibration.bias), activation="sigmoid")
    signs = keras.layers.Lambda(lambda values: tf.concat([values, tf.minimum(values, 0)], axis=1))
    inputs = signs(margins(features))
    outputs = {PROBABILITIES: logits(inputs), TOPIC_PROBABILITIES: topic_logits(inputs)}
    network = keras.Model(features, outputs)
    for layer, weights in (
        (margins, svms),
        (logits, calibration),
        (topic_logits, topic_calibration),
    ):
        layer.set_weights([weights.kernel, weights.bias])
    return network


def predict(
    network: Any,
    features: FieldFeatures,
    token_ids: Sequence[Sequence[int]],
    *,
    output: str = PROBABILITIES,
) -> NDArray[np.float32]:
    """Return an output of Keras, float32 of shape (n_texts, n_outputs) or (n_texts, n_topics)."""
    rows = features.rows([encode_token_ids(ids) for ids in token_ids])
    probabilities: NDArray[np.float32] = network(to_tensor(rows))[output].numpy()
    return probabilities


def to_tensor(rows: csr_array) -> Any:
    """Return the `tf.SparseTensor` of a sparse array."""
    coordinates = rows.tocoo()
    indices = np.stack(coordinates.coords, axis=1).astype(np.int64)
    return tf.sparse.reorder(tf.SparseTensor(indices, coordinates.data, rows.shape))


def quantize(kernel: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round a kernel to 8 bits: a row is one cache line instead of three.

    Returns int8 of the same shape, and the scale of each column, float32 of shape (n_columns,), by
    which to multiply it. Symmetric, as in B. Jacob et al., "Quantization and training of neural
    networks for efficient integer-arithmetic-only inference", CVPR 2018.
    """
    highest = np.abs(kernel).max(axis=0)
    scales = np.where(highest > 0, highest / 127, 1).astype(np.float32)
    return np.rint(kernel / scales).astype(np.int8), scales


def to_onnx(
    svms: LinearSVMs,
    kernel: NDArray[np.int8],
    scales: NDArray[np.float32],
    calibration: Calibration,
    topic_calibration: Calibration,
) -> onnx.ModelProto:
    """Return the network on token ids and counts, with a quantized kernel.

    Bias and calibrations contain the scales. Written in ONNX' text format: a conversion of
    TensorFlow's operations has 5 more nodes, and each node costs about as much as its work.
    """
    weights = {
        "e": math.e,
        "one": 1,
        "zero": 0,
        "token_weights": svms.features.token_weights,
        "bias": svms.bias / scales,
        "calibration_kernel": calibration.kernel * np.tile(scales, 2)[:, np.newaxis],
        "calibration_bias": calibration.bias,
        "topic_kernel": topic_calibration.kernel * np.tile(scales, 2)[:, np.newaxis],
        "topic_bias": topic_calibration.bias,
    }
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["": {OPSET}]> {GRAPH}')
    model.graph.initializer.append(onnx.numpy_helper.from_array(kernel, "kernel"))
    model.graph.initializer.extend(
        onnx.numpy_helper.from_array(np.asarray(values, dtype=np.float32), name)
        for name, values in weights.items()
    )
    return model
