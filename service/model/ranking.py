"""From probabilities to ranked topics, and to an answer."""

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.model.abstention import Abstention
from service.model.errors import InferenceError
from service.model.manifest import Topic

DEFAULT_TOP_K: Final = 3
"""Topics per text, where a model has as many."""
SUM_TOLERANCE: Final = 1e-3
"""How far the sum of the probabilities of a text may lie from 1."""


class RankedTopic(NamedTuple):
    """A topic and its score."""

    topic: Topic
    score: float
    """Probability, 0 to 1."""


class RankedGroup(NamedTuple):
    """A group of topics and its score."""

    name: str
    score: float
    """Sum of the probabilities of its topics, 0 to 1."""


class Classification(NamedTuple):
    """The answer for one text."""

    topics: list[RankedTopic]
    """Highest score first; equal scores by the lower class index, as `np.argmax` does."""
    known_words_ratio: float
    """Share of the text's words that the vocabulary holds."""
    abstained: Abstention | None
    """Why the answer should not be relied upon; None if it may."""
    group: RankedGroup | None = None
    """Given where no topic is sure enough, but the topics of a group together are."""
    no_topic: float | None = None
    """Probability that none of the topics fits; None for a model that does not know it."""


def rank_topics(
    topics: Sequence[Topic], probabilities: NDArray[np.float32], *, top_k: int
) -> list[RankedTopic]:
    """Order topics by probability; parameters and errors are those of `TopicClassifier.rank`."""
    if not 1 <= top_k <= len(topics):
        raise ValueError(f"top_k: expected 1 to {len(topics)}, got {top_k}")
    scores = probabilities.tolist()
    ranking = sorted(range(len(topics)), key=scores.__getitem__, reverse=True)  # stable
    total = sum(scores)
    lowest = min(scores[ranking[-1]], scores[-1])  # the last may be that of none of the topics
    if not (abs(total - 1) <= SUM_TOLERANCE and lowest >= 0):  # NaN is neither
        raise InferenceError(
            f"expected {len(scores)} probabilities from the network that sum to 1, "
            f"got a sum of {total} and a lowest of {lowest}"
        )
    return [RankedTopic(topics[index], scores[index]) for index in ranking[:top_k]]


def check_rows(probabilities: NDArray[np.float32]) -> None:
    """Raise InferenceError unless every row of shape (n_texts, n_outputs) is a distribution."""
    totals = probabilities.sum(axis=1, dtype=np.float64)
    if not (np.all(np.abs(totals - 1) <= SUM_TOLERANCE) and np.all(probabilities >= 0)):
        raise InferenceError(
            f"expected {probabilities.shape[1]} probabilities from the network for each text, "
            "that sum to 1"
        )


def best_group(topics: Sequence[Topic], probabilities: NDArray[np.float32]) -> RankedGroup:
    """Return the group with the highest sum of probabilities of its topics, shape (n_topics,)."""
    scores: Counter[str] = Counter()
    for topic, probability in zip(topics, probabilities.tolist(), strict=True):
        scores[topic.group] += probability
    ((name, score),) = scores.most_common(1)
    return RankedGroup(name, min(1.0, score))
