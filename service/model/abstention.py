"""When a model should rather say that it does not know."""

from dataclasses import dataclass
from enum import StrEnum


class Abstention(StrEnum):
    """Why an answer should not be relied upon."""

    TOO_FEW_KNOWN_WORDS = "too_few_known_words"
    LOW_CONFIDENCE = "low_confidence"


@dataclass(frozen=True, slots=True)
class AbstentionThresholds:
    """Below which an answer is an abstention; chosen in training on newswires held out.

    Attributes
    ----------
    known_words_ratio : float
        Least share of the text's words that the vocabulary must hold, 0 to 1.
    confidence : float
        Least score of the topic ranked first, 0 to 1.
    """

    known_words_ratio: float
    confidence: float

    def judge(
        self, *, known_words_ratio: float, score: float, min_confidence: float | None = None
    ) -> Abstention | None:
        """Give the reason to abstain, or None to answer.

        Parameters
        ----------
        known_words_ratio : float
            Share of the text's words that the vocabulary holds.
        score : float
            Of the topic ranked first.
        min_confidence : float or None
            Takes the place of the threshold of this model.
        """
        if known_words_ratio < self.known_words_ratio:
            return Abstention.TOO_FEW_KNOWN_WORDS
        if score < (self.confidence if min_confidence is None else min_confidence):
            return Abstention.LOW_CONFIDENCE
        return None
