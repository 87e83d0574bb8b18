"""Abstention thresholds, chosen on out-of-fold predictions."""

from typing import Final

import numpy as np

from service.model import AbstentionThresholds
from service.model.abstention import MAX_NO_TOPIC
from training.recipes.trained_model import OutOfFold

TARGET_PRECISION: Final = 0.95
"""Precision on the stream of the predictions that are not abstained from."""
N_STANDARD_ERRORS: Final = 1.5
"""Margin above the target, since the threshold is chosen on the same texts."""
MIN_KNOWN_WORDS_RATIO: Final = 0.5


def choose_thresholds(out_of_fold: OutOfFold, n_topics: int) -> AbstentionThresholds:
    """Choose the lowest confidence above which precision exceeds the target by the margin.

    The predictions are a stream: newswires with a topic and without, in the archive's own
    proportion; only those with a topic for a model that does not predict ``no_topic``.
    """
    topics = out_of_fold.probabilities[:, :n_topics]
    no_topic = out_of_fold.probabilities[:, n_topics:].sum(axis=1)  # 0 without such a column
    candidate = out_of_fold.known_words_ratio >= MIN_KNOWN_WORDS_RATIO
    candidate &= no_topic <= MAX_NO_TOPIC
    confidence = topics.max(axis=1)[candidate]
    right = (topics.argmax(axis=1) == out_of_fold.labels)[candidate]
    order = np.argsort(-confidence, kind="stable")
    n_above = np.arange(1, len(order) + 1)
    precision = np.cumsum(right[order]) / n_above
    standard_errors = np.sqrt(precision * (1 - precision) / n_above)
    sufficient = precision - N_STANDARD_ERRORS * standard_errors >= TARGET_PRECISION
    last = np.flatnonzero(sufficient).max(initial=0)
    return AbstentionThresholds(
        known_words_ratio=MIN_KNOWN_WORDS_RATIO, confidence=float(confidence[order[last]])
    )
