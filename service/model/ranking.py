"""From probabilities to ranked topics."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.model.abstention import Abstention
from service.model.errors import InferenceError
from service.model.manifest import Topic

DEFAULT_TOP_K: Final = 3
"""Topics per text, where a model has as many."""
SUM_TOLERANCE: Final = 1e-3
"""Allowed difference between 1 and the sum of the probabilities of a text."""


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
    """The prediction for one text."""

    topics: list[RankedTopic]
    """Highest score first; equal scores by the lower class index, as `np.argmax` does."""
    known_words_ratio: float
    """Share of the text's words that the vocabulary holds."""
    abstained: Abstention | None
    """Why the prediction is not reliable; None if it is."""
    group: RankedGroup | None = None
    """Set if the topics of a group together reach the confidence that no topic reaches."""
    no_topic: float | None = None
    """Probability that none of the topics fits; None for a model without this output."""

    def to_json_object(self) -> dict[str, Any]:
        """Return the result of a text, as responses and commands have it."""
        topics = [
            {"topic": topic.code, "name": topic.name, "id": topic.id, "score": score}
            for topic, score in self.topics
        ]
        return {
            "topic": topics[0]["topic"],
            "topics": topics,
            "no_topic": self.no_topic,
            "known_words": self.known_words_ratio,
            "abstained": self.abstained,
            "group": self.group._asdict() if self.group else None,
        }


def rank_topics(
    topics: Sequence[Topic], probabilities: NDArray[np.float32], *, top_k: int
) -> list[RankedTopic]:
    """Order topics by probability, highest first; ties go to the lower class index.

    Parameters
    ----------
    probabilities : float32 array of shape (n_outputs,)
        The first n_topics are ranked; all of them must sum to 1.
    top_k : int
        1 to n_topics.

    Raises
    ------
    InferenceError
        If they are no probabilities: not finite, negative, or their sum is not 1.
    ValueError
        If top_k is out of range.
    """
    if not 1 <= top_k <= len(topics):
        raise ValueError(f"top_k: expected 1 to {len(topics)}, got {top_k}")
    scores = probabilities.tolist()
    total, lowest = sum(scores), min(scores)
    if not (abs(total - 1) <= SUM_TOLERANCE and lowest >= 0):  # NaN is neither
        raise InferenceError(
            f"expected {len(scores)} probabilities from the network that sum to 1, "
            f"got a sum of {total} and a lowest of {lowest}"
        )
    ranking = (-probabilities[: len(topics)]).argsort(kind="stable")[:top_k].tolist()
    return [RankedTopic(topics[index], scores[index]) for index in ranking]


def check_rows(probabilities: NDArray[np.float32]) -> None:
    """Raise InferenceError unless every row of shape (n_texts, n_outputs) is a distribution."""
    totals = probabilities.sum(axis=1, dtype=np.float64)
    if not (np.all(np.abs(totals - 1) <= SUM_TOLERANCE) and np.all(probabilities >= 0)):
        raise InferenceError(
            f"expected {probabilities.shape[1]} probabilities from the network for each text, "
            "that sum to 1"
        )


class TopicGroups:
    """The groups of topics, in the order of their first topics.

    A group of all topics or of one says nothing that the topics do not say: it is left out.
    """

    def __init__(self, topics: Sequence[Topic]) -> None:
        sizes = Counter(topic.group for topic in topics)
        self._names = [name for name, size in sizes.items() if 1 < size < len(topics)]
        places = {name: place for place, name in enumerate(self._names)}
        others = len(self._names)
        self._indices = np.array([places.get(topic.group, others) for topic in topics])

    def best(self, probabilities: NDArray[np.float32]) -> RankedGroup | None:
        """Return the group whose topics have the highest sum of probabilities; None without groups.

        Parameters
        ----------
        probabilities : float32 array of shape (n_topics,)
        """
        if not self._names:
            return None
        scores = np.bincount(self._indices, probabilities)[: len(self._names)]
        index = int(scores.argmax())
        return RankedGroup(self._names[index], min(1.0, scores.item(index)))
