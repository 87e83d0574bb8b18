"""How good a bundle is: what it answers to the test newswires, and what that is worth.

Everything here asks the bundle as the service does, so a figure is the served model's own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_fscore_support

from service.model import AbstentionThresholds, NewsText, TopicClassifier
from training import metrics
from training.datasets import Dataset
from training.datasets.texts import KnownTopics, known_topics, texts_by_form
from training.recipes.network import NEVER_ABSTAIN, HeldOut


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
    abstained : bool array of shape (n_texts,) or None
        None if the classifier never abstains.
    """

    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    topics: KnownTopics | None = None
    probabilistic: bool = True
    abstained: NDArray[np.bool_] | None = None

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
        if self.abstained is not None:
            scores["coverage"] = float(1 - self.abstained.mean())
            scores["answered_accuracy"] = float(self.right[~self.abstained].mean())
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
    evaluations = {}
    for form, texts in texts_by_form(dataset.test, dataset.vocabulary).items():
        known_words_ratio = np.array([classifier.encode(text).known_words_ratio for text in texts])
        probabilities = predict_texts(classifier, texts)
        abstained = abstentions(classifier.thresholds, known_words_ratio, probabilities)
        evaluations[form] = Evaluation(
            dataset.test.labels, probabilities, topics, abstained=abstained
        )
    return evaluations


def evaluate_held_out(
    held_out: HeldOut, thresholds: AbstentionThresholds
) -> Mapping[str, Evaluation]:
    """Measure what was answered in cross-validation, before and after calibration."""
    abstained = abstentions(thresholds, held_out.known_words_ratio, held_out.probabilities)
    return {
        "held_out_uncalibrated": Evaluation(held_out.labels, held_out.uncalibrated),
        "held_out": Evaluation(held_out.labels, held_out.probabilities, abstained=abstained),
    }


def abstentions(
    thresholds: AbstentionThresholds,
    known_words_ratio: NDArray[np.float64],
    probabilities: NDArray[np.float32],
) -> NDArray[np.bool_] | None:
    """Whether each text is abstained from, bool of shape (n_texts,); None if none ever is."""
    if thresholds == NEVER_ABSTAIN:
        return None
    return np.array(
        [
            thresholds.judge(known_words_ratio=ratio, score=score) is not None
            for ratio, score in zip(known_words_ratio, probabilities.max(axis=1), strict=True)
        ]
    )


def predict_texts(classifier: TopicClassifier, texts: Sequence[NewsText]) -> NDArray[np.float32]:
    """Give the probabilities of each text, float32 of shape (n_texts, n_topics)."""
    return classifier.infer([classifier.encode(text) for text in texts])
