"""Subjects of a text: the concepts of a newsroom's vocabulary that its topics stand for.

They have the format of ``subjects`` in IPTC ninjs 2.1 (News in JSON).
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.model.manifest import Topic

SOFTWARE: Final = "newswire-topics"
ABOUT: Final = "about"
MAX_CONFIDENCE: Final = 100


class NewsSubject(NamedTuple):
    """A concept that a text is about, as ninjs has it."""

    uri: str
    name: str
    rel: str
    """Relation of the text to the concept: always ``about``."""
    creator: str
    """The model that found it: ``newswire-topics NAME/VERSION``."""
    confidence: int
    """Percentage: sum of the probabilities of the topics that have the concept, 0 to 100."""


class SubjectIndex:
    """The concepts of topics; false if there are none."""

    def __init__(self, topics: Sequence[Topic], *, name: str, version: str) -> None:
        self._creator = f"{SOFTWARE} {name}/{version}"
        self._topic_ids: dict[str, list[int]] = {}
        for topic in topics:
            for subject in topic.subjects:
                self._topic_ids.setdefault(subject.uri, []).append(topic.id)

    def __bool__(self) -> bool:
        return bool(self._topic_ids)

    def find(self, topics: Sequence[Topic], scores: NDArray[np.float32]) -> list[NewsSubject]:
        """Return the concepts of some topics, highest score first; ties in the order of the topics.

        Parameters
        ----------
        topics : sequence of Topic
        scores : float32 array of shape (n_topics,)
            Scores of all topics of the model. Those of topics that share a concept are added; a
            sum over 1 counts as 1.
        """
        names = {subject.uri: subject.name for topic in topics for subject in topic.subjects}
        totals = {uri: min(1.0, float(scores[self._topic_ids[uri]].sum())) for uri in names}
        return [
            NewsSubject(uri, names[uri], ABOUT, self._creator, round(MAX_CONFIDENCE * totals[uri]))
            for uri in sorted(names, key=lambda uri: -totals[uri])
        ]
