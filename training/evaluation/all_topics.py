"""Evaluation of all topics of each text: which ones a bundle finds, and how well it ranks them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    f1_score,
    label_ranking_average_precision_score,
    precision_score,
    recall_score,
)

from service.model import Classification, EncodedText, TopicClassifier
from service.model.outputs import TOPIC_PROBABILITIES
from training.data.dataset import topic_matrix


@dataclass(frozen=True, slots=True)
class AllTopics:
    """The topics that a bundle finds in texts, and the probability of each on its own."""

    found: NDArray[np.bool_]  # (n_texts, n_topics)
    probabilities: NDArray[np.float32]  # (n_texts, n_topics)

    @classmethod
    def of(
        cls,
        classifier: TopicClassifier,
        encoded: Sequence[EncodedText],
        classifications: Sequence[Classification],  # of the same texts
        columns: Sequence[int],  # (n_topics,), class indices of the bundle in the order of ours
    ) -> Self:
        """Find the topics of texts as the service does."""
        topic_probabilities = classifier.infer(encoded, TOPIC_PROBABILITIES)
        found = [
            [ranked.topic.code for ranked in item.all_topics or ()]
            for item in classifier.add_all_topics(topic_probabilities, classifications)
        ]
        codes = [classifier.topics[column].code for column in columns]
        return cls(topic_matrix(found, codes), topic_probabilities[:, columns])

    def scores(self, any_topic: NDArray[np.bool_]) -> dict[str, float]:
        """Return the scores against the topics that texts have, (n_texts, n_topics), by name.

        Macro F1 is over the topics that occur or are found; the average precision of the ranking
        is of the texts that have a topic. Without such texts there is only the exact match.
        """
        topical = any_topic.any(axis=1)
        scores = {"all_topics_exact_match": (any_topic == self.found).all(axis=1).mean()}
        if topical.any():
            used = (any_topic | self.found).any(axis=0)
            scores |= {
                f"all_topics_{name}": score(
                    any_topic[:, used], self.found[:, used], average=average, zero_division=0.0
                )
                for name, score, average in (
                    ("micro_f1", f1_score, "micro"),
                    ("macro_f1", f1_score, "macro"),
                    ("precision", precision_score, "micro"),
                    ("recall", recall_score, "micro"),
                )
            }
            scores["label_ranking_average_precision"] = label_ranking_average_precision_score(
                any_topic[topical], self.probabilities[topical]
            )
        return {name: float(score) for name, score in scores.items()}
