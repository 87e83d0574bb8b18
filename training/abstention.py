"""Choosing when a model should rather say that it does not know."""

from typing import Final

import numpy as np

from service.model import AbstentionThresholds
from training.recipes.network import HeldOut

TARGET_ACCURACY: Final = 0.95
"""What is not abstained from shall be right this often, at the least."""
RARELY_FEWER_KNOWN_WORDS: Final = 0.002
"""Share of real newswires that may have fewer known words than the threshold."""


def choose_thresholds(held_out: HeldOut) -> AbstentionThresholds:
    """Choose thresholds on newswires that the model had not seen.

    Parameters
    ----------
    held_out : HeldOut

    Returns
    -------
    AbstentionThresholds
        The known words that nearly all newswires have, and the lowest confidence above which
        answers are right often enough.
    """
    known_words_ratio = np.quantile(held_out.known_words_ratio, RARELY_FEWER_KNOWN_WORDS)
    confidence = held_out.probabilities.max(axis=1)
    right = held_out.probabilities.argmax(axis=1) == held_out.labels
    order = np.argsort(-confidence, kind="stable")
    accuracy_above = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    n_answered = np.flatnonzero(accuracy_above >= TARGET_ACCURACY).max(initial=0)
    return AbstentionThresholds(
        known_words_ratio=float(known_words_ratio), confidence=float(confidence[order[n_answered]])
    )
