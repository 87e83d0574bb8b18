"""The ``linear`` recipe: calibrated one-vs-rest SVMs on TF-IGM features of title, lead and text.

The calibration is fitted to out-of-fold margins, and turns margins into joint probabilities of the
topics and of "no topic fits"; a second one gives the probability of each topic alone. All layers
are linear in the features, so that a prediction costs about as much as one of the ``mlp`` recipe.

Without negatives there is no output for "no topic fits": its probability would be that of random
words, not of texts that a client sends. The SVMs still learn that such outliers are of no topic, so
that the model abstains from nonsense by its confidence.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from scipy.special import softmax
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from training.console import FitProgress
from training.data.dataset import Split
from training.recipes.calibration import (
    AllTopicsSettings,
    CalibrationSettings,
    calibrate_out_of_fold,
    choose_all_topics_thresholds,
    fit_calibration,
    fit_topic_calibration,
)
from training.recipes.examples import TrainingTexts, training_texts
from training.recipes.features import FeatureSettings
from training.recipes.linear_network import build_network, predict, quantize, to_onnx
from training.recipes.reuters import WrittenText, has_reuters_topics, synonyms_for
from training.recipes.svm import C_OF_REUTERS, LinearSVMs, SVMSettings, add_synonyms, fit_svms
from training.recipes.trained_model import OutOfFold, TrainedModel, serialize

C_OF_OTHER_TOPICS: Final = (0.2, C_OF_REUTERS)
MIN_NEGATIVES: Final = 5  # fewer do not show what texts of no topic look like


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

    Texts are newswires and written texts (None takes those for the topics); settings may be
    changed. Those of the SVMs were chosen for Reuters: for other topics, ``C`` is the one of
    `C_OF_OTHER_TOPICS` with the highest out-of-fold accuracy.
    """
    settings = LinearSettings(seed, **changed)
    topic_codes = train.topic_codes
    synonyms = synonyms_for(topic_codes)
    texts = training_texts(train, vocabulary, seed=seed, written=written)
    no_topic = len(np.unique(texts.groups[texts.negative])) >= MIN_NEGATIVES
    fit_to = partial(fit_svms, reserved=synonyms, no_topic=no_topic)
    candidates = candidates_for(topic_codes, settings)
    folds = split_into_folds(texts, settings)
    n_steps = len(np.unique(folds)) * len(candidates) + 1
    steps = FitProgress("Fitting to all folds but one, then to all", n_steps, console)
    with steps, threadpool_limits(1, "blas"):  # the matrices are small: threads would only wait
        results = [out_of_fold_margins(texts, folds, item, fit_to, steps) for item in candidates]
        best = int(np.argmax([accuracy(found, texts) for found, _ in results]))  # ties: lower C
        settings, (margins, known_words_ratio) = candidates[best], results[best]
        joint = partial(fit_calibration, settings=settings.calibration)
        calibration = joint(margins, texts)
        probabilities = calibrate_out_of_fold(margins, folds, texts, joint)
        separate = partial(fit_topic_calibration, settings=settings.all_topics)
        topic_calibration = separate(margins, texts)
        topic_probabilities = calibrate_out_of_fold(margins, folds, texts, separate)
        svms = fit_to(texts, settings.svm, settings.features)
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
    if has_reuters_topics(topic_codes):
        recorded |= {"written_texts": int(texts.written.sum()), "synonyms": usable}

    return TrainedModel(
        recipe="linear",
        settings=recorded,
        encoder=svms.encoder,
        network=network,
        predict=partial(predict, network, svms.token_weights),
        exported=serialize(to_onnx(svms, kernel, scales, calibration, topic_calibration)),
        thresholds=out_of_fold.choose_thresholds(len(topic_codes)),
        out_of_fold=out_of_fold,
        no_topic=no_topic,
        all_topics_thresholds=dict(zip(topic_codes, all_topics_thresholds.tolist(), strict=True)),
        all_topics_precision=settings.all_topics.topic_precision,
    )


def candidates_for(topic_codes: Sequence[str], settings: LinearSettings) -> list[LinearSettings]:
    """Return the settings to choose from, which differ in ``C``: one if it is set."""
    values = (C_OF_REUTERS,) if has_reuters_topics(topic_codes) else C_OF_OTHER_TOPICS
    if settings.svm.C is not None:
        values = (settings.svm.C,)
    return [replace(settings, svm=replace(settings.svm, C=c)) for c in values]


def out_of_fold_margins(
    texts: TrainingTexts,
    folds: NDArray[np.int64],
    settings: LinearSettings,
    fit_to: Callable[[TrainingTexts, SVMSettings, FeatureSettings], LinearSVMs],
    steps: FitProgress,
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return the margins of each text by SVMs of the other folds, and its share of known words.

    Shapes are (n_texts, n_outputs) and (n_texts,).
    """
    rows, margins, ratios = [], [], []
    for fold in np.unique(folds):
        inside = folds == fold
        svms = fit_to(texts.only(~inside), settings.svm, settings.features)
        held_out = texts.only(inside).texts
        encoded = [svms.encoder.encode(text.text, text.title) for text in held_out]
        rows.append(np.flatnonzero(inside))
        margins.append(svms.margins(encoded))
        ratios.append([text.known_words_ratio for text in encoded])
        steps.end_step()
    order = np.argsort(np.concatenate(rows))
    return np.concatenate(margins)[order], np.concatenate(ratios)[order]


def accuracy(margins: NDArray[np.float32], texts: TrainingTexts) -> float:
    """Return the share of newswires with a topic whose highest margin is that of their label."""
    asked = texts.whole & texts.topical
    predicted = margins[asked, : texts.any_topic.shape[1]].argmax(axis=1)
    return float((predicted == texts.labels[asked]).mean())


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
        warnings.filterwarnings("ignore", "The least populated class")  # no error here
        for fold, (_, inside) in enumerate(splitter.split(labels, labels)):
            fold_of_group[inside] = fold
    return fold_of_group[texts.groups]
