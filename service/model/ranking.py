"""Ranks topics by probability."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.model.abstention import Abstention
from service.model.errors import InferenceError
from service.model.manifest import Topic
from service.model.subjects import NewsSubject

DEFAULT_TOP_K: Final = 3
"""Default number of topics per text, if the model has as many."""
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
    """Share of the words that are in the vocabulary."""
    abstained: Abstention | None
    """Why the prediction is not reliable; None if it is."""
    group: RankedGroup | None = None
    """Set if the topics of a group together reach the confidence that no topic reaches."""
    no_topic: float | None = None
    """Probability that none of the topics fits; None for a model without this output."""
    all_topics: list[RankedTopic] | None = None
    """Every topic of the text, by its own probability, highest first; None if not requested."""
    subjects: list[NewsSubject] | None = None
    """The concepts that the text is about, highest confidence first; None if not requested."""

    def to_json_object(self) -> dict[str, Any]:
        """Return the result of a text, as responses and commands have it."""
        topics = [
            {"topic": topic.code, "name": topic.name, "id": topic.id, "score": score}
            for topic, score in (*self.topics, *(self.all_topics or ()))
        ]
        n_ranked = len(self.topics)
        result: dict[str, Any] = {
            "topic": topics[0]["topic"],
            "topics": topics[:n_ranked],
            "no_topic": self.no_topic,
            "known_words": self.known_words_ratio,
            "abstained": self.abstained.value if self.abstained else None,
            "group": self.group._asdict() if self.group else None,
        }
        if self.all_topics is not None:
            result["all_topics"] = topics[n_ranked:]
        if self.subjects is not None:
            result["subjects"] = [subject._asdict() for subject in self.subjects]
        return result


def rank_topics(
    topics: Sequence[Topic], probabilities: NDArray[np.float32], *, top_k: Sequence[int]
) -> list[list[RankedTopic]]:
    """Order the topics of each text by probability, highest first; ties by the lower class index.

    Parameters
    ----------
    probabilities : float32 array of shape (n_texts, n_outputs)
        The first n_topics of a row are ranked; all of them must sum to 1.
    top_k : sequence of int, of length n_texts
        Number of topics of each text, 1 to n_topics.

    Raises
    ------
    InferenceError
        If a row is not a probability distribution: not finite, negative, or its sum is not 1.
    ValueError
        If a top_k is out of range.
    """
    n_topics = len(topics)
    for n_ranked in top_k:
        if not 1 <= n_ranked <= n_topics:
            raise ValueError(f"top_k: expected 1 to {n_topics}, got {n_ranked}")
    ranks = (-probabilities[:, :n_topics]).argsort(axis=1, kind="stable")[
        :, : max(top_k, default=0)
    ]
    rankings = []
    for indices, scores, n_ranked in zip(
        ranks.tolist(), probabilities.tolist(), top_k, strict=True
    ):
        total, lowest = sum(scores), min(scores)
        if not (abs(total - 1) <= SUM_TOLERANCE and lowest >= 0):  # NaN is neither
            raise InferenceError(
                f"expected {len(scores)} probabilities from the network that sum to 1, "
                f"got a sum of {total} and a lowest of {lowest}"
            )
        rankings.append([RankedTopic(topics[i], scores[i]) for i in indices[:n_ranked]])
    return rankings


def topics_over_threshold(
    topics: Sequence[Topic],
    probabilities: NDArray[np.float32],
    thresholds: NDArray[np.float32],
) -> list[list[RankedTopic]]:
    """Return every topic of each text, highest probability first; ties by the lower class index.

    Parameters
    ----------
    probabilities : float32 array of shape (n_texts, n_topics)
        Each topic's own probability.
    thresholds : float32 array of shape (n_topics,)
        A text has a topic with a probability of at least this.

    Raises
    ------
    InferenceError
        If a probability is not from 0 to 1.
    """
    if not ((probabilities >= 0) & (probabilities <= 1)).all():  # NaN is neither
        raise InferenceError("expected topic_probabilities from the network of 0 to 1")
    found: list[list[RankedTopic]] = [[] for _ in probabilities]
    for row, index in np.argwhere(probabilities >= thresholds).tolist():
        found[row].append(RankedTopic(topics[index], float(probabilities[row, index])))
    for ranked in found:
        ranked.sort(key=lambda item: -item.score)
    return found


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

    A group of all topics, or of one, adds nothing to the topics: it is left out.
    """

    def __init__(self, topics: Sequence[Topic]) -> None:
        sizes = Counter(topic.group for topic in topics)
        self._names = [name for name, size in sizes.items() if 1 < size < len(topics)]
        places = [self._names.index(t.group) if t.group in self._names else -1 for t in topics]
        self._order = np.array(places).argsort(kind="stable")[places.count(-1) :]
        """Indices of the topics in groups, group by group."""
        self._begins = np.searchsorted(np.array(places)[self._order], np.arange(len(self._names)))

    def best(self, probabilities: NDArray[np.float32]) -> list[RankedGroup | None]:
        """Return, for each text, the group whose topics have the highest sum of probabilities.

        None where there are no groups.

        Parameters
        ----------
        probabilities : float32 array of shape (n_texts, n_topics)
        """
        if not self._names:
            return [None] * len(probabilities)
        scores = np.add.reduceat(
            probabilities[:, self._order], self._begins, axis=1, dtype=np.float64
        )
        return [
            RankedGroup(self._names[index], min(1.0, row[index]))
            for index, row in zip(scores.argmax(axis=1).tolist(), scores.tolist(), strict=True)
        ]
