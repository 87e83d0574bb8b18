"""Abstention: thresholds of confidence and of known words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

MAX_NO_TOPIC: Final = 0.5
"""Above this probability of no topic, the model abstains."""


class Abstention(StrEnum):
    """Why a prediction is not reliable."""

    TOO_FEW_KNOWN_WORDS = "too_few_known_words"
    LOW_CONFIDENCE = "low_confidence"
    NO_TOPIC = "no_topic"


@dataclass(frozen=True, slots=True)
class AbstentionThresholds:
    """Minimum values for a reliable prediction; chosen in training on held-out newswires."""

    known_words_ratio: float
    """Minimum share of the words that are in the vocabulary, 0 to 1."""
    confidence: float
    """Minimum score of the topic ranked first, 0 to 1."""
    topic_confidence: Mapping[str, float] = field(default_factory=dict)
    """Overrides ``confidence``, by the code of the topic ranked first."""

    def decide(
        self,
        *,
        known_words_ratio: float,
        score: float,
        topic: str | None = None,
        no_topic: float | None = None,
        min_confidence: float | None = None,
    ) -> Abstention | None:
        """Return the reason to abstain, or None.

        The order is: too few known words, no topic, low confidence.

        Parameters
        ----------
        score, topic
            Score and code of the topic ranked first; a topic of None has the default threshold.
        no_topic : float or None
            Probability that none of the topics fits; None for a model without this output.
        min_confidence : float or None
            Overrides the thresholds of the score.
        """
        if known_words_ratio < self.known_words_ratio:
            return Abstention.TOO_FEW_KNOWN_WORDS
        if no_topic is not None and no_topic > MAX_NO_TOPIC:
            return Abstention.NO_TOPIC
        if min_confidence is None:
            min_confidence = self.confidence
            if topic is not None:
                min_confidence = self.topic_confidence.get(topic, min_confidence)
        if score < min_confidence:
            return Abstention.LOW_CONFIDENCE
        return None
