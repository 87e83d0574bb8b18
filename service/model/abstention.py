"""When a model should rather say that it does not know."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

MAX_NO_TOPIC: Final = 0.5
"""Above this probability it is more likely than not that none of the topics fits."""


class Abstention(StrEnum):
    """Why an answer should not be relied upon."""

    TOO_FEW_KNOWN_WORDS = "too_few_known_words"
    LOW_CONFIDENCE = "low_confidence"
    NO_TOPIC = "no_topic"


@dataclass(frozen=True, slots=True)
class AbstentionThresholds:
    """Below which an answer is an abstention; chosen in training on newswires held out.

    Attributes
    ----------
    known_words_ratio : float
        Least share of the text's words that the vocabulary must hold, 0 to 1.
    confidence : float
        Least score of the topic ranked first, 0 to 1.
    topic_confidence : mapping of str to float
        Thresholds that take the place of ``confidence``, by the code of the topic ranked first.
    """

    known_words_ratio: float
    confidence: float
    topic_confidence: Mapping[str, float] = field(default_factory=dict)

    def judge(
        self,
        *,
        known_words_ratio: float,
        score: float,
        topic: str | None = None,
        no_topic: float | None = None,
        min_confidence: float | None = None,
    ) -> Abstention | None:
        """Return the reason to abstain, or None to answer.

        The order is: too few known words, none of the topics, low confidence.

        Parameters
        ----------
        known_words_ratio : float
            Share of the text's words that the vocabulary holds.
        score : float
            Of the topic ranked first.
        topic : str or None
            Code of the topic ranked first; None has the default threshold.
        no_topic : float or None
            Probability that none of the topics fits; None if the model does not know it.
        min_confidence : float or None
            Takes the place of the model's thresholds for the score, not of that for ``no_topic``.
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
