"""Choosing when a model should rather say that it does not know."""

from typing import Final

import numpy as np

from service.model import AbstentionThresholds
from service.model.abstention import MAX_NO_TOPIC
from training.recipes.network import OutOfFold

TARGET_PRECISION: Final = 0.95
"""Share of the predictions that are not abstained from that shall be right, on the stream."""
N_STANDARD_ERRORS: Final = 1.5
"""How far above the target the precision must be where the threshold is chosen."""
MIN_KNOWN_WORDS_RATIO: Final = 0.5
"""A text is mostly unknown below this. Above it, unknown words lower the score instead."""


def choose_thresholds(out_of_fold: OutOfFold, n_topics: int) -> AbstentionThresholds:
    """Choose the lowest confidence above which predictions are surely right often enough.

    Their share of right ones must be higher than the target by `N_STANDARD_ERRORS`, since the
    threshold is chosen on the same texts.

    Parameters
    ----------
    out_of_fold : OutOfFold
        A stream: newswires with a topic and without, in the archive's own proportion. Those
        without are left out for a network that does not know the probability of it.
    n_topics : int
    """
    topics = out_of_fold.probabilities[:, :n_topics]
    no_topic = out_of_fold.probabilities[:, n_topics:].sum(axis=1)  # 0 if there is no such column
    candidate = (out_of_fold.known_words_ratio >= MIN_KNOWN_WORDS_RATIO) & (no_topic <= MAX_NO_TOPIC)
    confidence = topics.max(axis=1)[candidate]
    right = (topics.argmax(axis=1) == out_of_fold.labels)[candidate]
    order = np.argsort(-confidence, kind="stable")
    n_above = np.arange(1, len(order) + 1)
    precision_above = np.cumsum(right[order]) / n_above
    standard_errors = np.sqrt(precision_above * (1 - precision_above) / n_above)
    surely = precision_above - N_STANDARD_ERRORS * standard_errors
    last = np.flatnonzero(surely >= TARGET_PRECISION).max(initial=0)
    return AbstentionThresholds(
        known_words_ratio=MIN_KNOWN_WORDS_RATIO, confidence=float(confidence[order[last]])
    )
