"""How good a bundle is: what it answers to the test newswires, and what that is worth.

Everything here asks the bundle as the service does, so a figure is the served model's own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_fscore_support

from service.model import NewsText, TopicClassifier
from training import metrics
from training.datasets import Dataset
from training.datasets.texts import KnownTopics, known_topics, texts_by_form

CHUNK: Final = 64
"""Texts in one inference; more only fill memory with padding."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was answered to one form of the test newswires.

    Attributes
    ----------
    labels : int64 array of shape (n_texts,)
    probabilities : float32 array of shape (n_texts, n_topics)
        Where they are not probabilistic, scores of which only the order means something.
    topics : KnownTopics or None
        None where only the labels are known.
    probabilistic : bool
    """

    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    topics: KnownTopics | None = None
    probabilistic: bool = True

    @property
    def predicted(self) -> NDArray[np.int64]:
        """Class index of the highest score, int64 of shape (n_texts,); ties to the lower one."""
        indices: NDArray[np.int64] = np.argmax(self.probabilities, axis=1)
        return indices

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether each text was answered with its label, bool of shape (n_texts,)."""
        right: NDArray[np.bool_] = self.predicted == self.labels
        return right

    def scores(self) -> dict[str, float]:
        """Every summary figure that these answers allow, by its name."""
        scores = {
            "accuracy": float(self.right.mean()),
            "top_3_accuracy": metrics.top_k_accuracy(self.probabilities, self.labels, 3),
            "macro_f1": metrics.macro_f1(self.predicted, self.labels),
        }
        if self.topics is not None:
            answered = self.topics.among[np.arange(len(self.labels)), self.predicted]
            scores["single_topic_accuracy"] = float(self.right[self.topics.single].mean())
            scores["any_topic_accuracy"] = float(answered.mean())
        if self.probabilistic:
            scores["expected_calibration_error"] = metrics.expected_calibration_error(
                self.probabilities, self.labels
            )
            scores["brier_score"] = metrics.brier_score(self.probabilities, self.labels)
        return scores

    def by_topic(self, codes: Sequence[str]) -> list[dict[str, Any]]:
        """Precision, recall and F1 of each topic, with the number of test newswires it has."""
        columns = precision_recall_fscore_support(
            self.labels, self.predicted, labels=range(len(codes)), zero_division=0.0
        )
        return [
            {
                "topic": code,
                "precision": float(precision),
                "recall": float(recall),
                "f1": float(f1),
                "test_newswires": int(support),
            }
            for code, precision, recall, f1, support in zip(codes, *columns, strict=True)
        ]


def evaluate(classifier: TopicClassifier, dataset: Dataset) -> Mapping[str, Evaluation]:
    """Classify the test newswires as Keras has them, and as a client would send them.

    Returns
    -------
    mapping of str to Evaluation
        ``"keras_text"``, and ``"own_text"`` where the source holds the articles.
    """
    codes = [topic.code for topic in classifier.topics]
    topics = known_topics(dataset.test, codes)
    return {
        form: Evaluation(dataset.test.labels, predict_texts(classifier, texts), topics)
        for form, texts in texts_by_form(dataset.test, dataset.vocabulary).items()
    }


def predict_texts(classifier: TopicClassifier, texts: Sequence[NewsText]) -> NDArray[np.float32]:
    """Give the probabilities of each text, float32 of shape (n_texts, n_topics)."""
    encoded = [classifier.encode(text) for text in texts]
    chunks = [encoded[start : start + CHUNK] for start in range(0, len(encoded), CHUNK)]
    return np.concatenate([classifier.infer(chunk) for chunk in chunks])
