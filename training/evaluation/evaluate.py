"""Evaluation of a bundle on the test newswires, by the code that serves it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_fscore_support, roc_auc_score

from service.model import AbstentionThresholds, NewsText, TopicClassifier
from training.data import Dataset
from training.data.dataset import NO_TOPIC
from training.data.views import KnownTopics, views_of_test
from training.errors import DataError
from training.evaluation import metrics
from training.recipes.trained_model import NEVER_ABSTAIN, OutOfFold


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Predictions for one view of the test newswires.

    Attributes
    ----------
    labels : int64 array of shape (n_texts,)
        ``NO_TOPIC`` for a negative.
    probabilities : float32 array of shape (n_texts, n_topics)
        Scores of which only the order has a meaning, where they are not probabilistic.
    topics : KnownTopics or None
        None where only the labels are known.
    abstained : bool array of shape (n_texts,) or None
        None if the classifier never abstains.
    no_topic : float32 array of shape (n_texts,) or None
        Probability that no topic fits; None for a classifier that does not predict it.
    """

    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    topics: KnownTopics | None = None
    probabilistic: bool = True
    abstained: NDArray[np.bool_] | None = None
    no_topic: NDArray[np.float32] | None = None

    @property
    def predicted(self) -> NDArray[np.int64]:
        """Class index of the highest score, int64 of shape (n_texts,); ties to the lower one."""
        indices: NDArray[np.int64] = np.argmax(self.probabilities, axis=1)
        return indices

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether each prediction is the label, bool of shape (n_texts,); never for a negative."""
        right: NDArray[np.bool_] = self.predicted == self.labels
        return right

    @property
    def topical(self) -> NDArray[np.bool_]:
        """Whether each text has a topic, bool of shape (n_texts,)."""
        topical: NDArray[np.bool_] = self.labels != NO_TOPIC
        return topical

    def scores(self) -> dict[str, float]:
        """Return every summary figure that these predictions allow, by name."""
        scores = self._topic_scores() if self.topical.any() else {}
        if self.probabilistic:
            scores["expected_calibration_error"] = metrics.expected_calibration_error(
                self.probabilities, self.labels
            )
        if self.abstained is not None:
            answered = ~self.abstained
            if self.topical.any():
                scores["coverage"] = float(answered[self.topical].mean())
                if answered.any():
                    scores["answered_accuracy"] = float(self.right[answered].mean())
            if not self.topical.all():
                scores["negatives_answered"] = float(answered[~self.topical].mean())
        if self.no_topic is not None and 0 < self.topical.mean() < 1:
            scores["no_topic_auc"] = float(roc_auc_score(~self.topical, self.no_topic))
        return scores

    def _topic_scores(self) -> dict[str, float]:
        topical = self.topical
        labels, probabilities = self.labels[topical], self.probabilities[topical]
        predicted, right = self.predicted[topical], self.right[topical]
        scores = {
            "accuracy": float(right.mean()),
            "top_3_accuracy": metrics.top_k_accuracy(probabilities, labels, 3),
            "macro_f1": metrics.macro_f1(predicted, labels),
        }
        if self.topics is not None:
            known = self.topics.any_topic[topical][np.arange(len(labels)), predicted]
            scores["single_topic_accuracy"] = float(right[self.topics.single[topical]].mean())
            scores["any_topic_accuracy"] = float(known.mean())
        if self.probabilistic:
            scores["brier_score"] = metrics.brier_score(probabilities, labels)
        return scores

    def by_topic(self, codes: Sequence[str]) -> list[dict[str, Any]]:
        """Return precision, recall, F1 and number of test newswires of each topic."""
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
    """Classify every view of the test newswires.

    Returns
    -------
    mapping of str to Evaluation
        By the names of `training.data.views.views_of_test`.

    Raises
    ------
    DataError
        If the bundle has other topics than the data set.
    """
    codes = [topic.code for topic in classifier.topics]
    if codes != list(dataset.topic_codes):
        raise DataError(
            f"expected a bundle with the {len(dataset.topic_codes)} topics of the data set, got "
            f"{len(codes)} topics: {', '.join(codes[:5])}..."
        )
    evaluations = {}
    for name, view in views_of_test(dataset).items():
        encoded = [classifier.encode(text) for text in view.texts]
        known_words_ratio = np.array([item.known_words_ratio for item in encoded])
        probabilities, no_topic = split_outputs(classifier.infer(encoded), len(codes))
        abstained = abstentions(
            classifier.thresholds, known_words_ratio, probabilities, no_topic, codes
        )
        evaluations[name] = Evaluation(
            view.labels, probabilities, view.topics, abstained=abstained, no_topic=no_topic
        )
    return evaluations


def evaluate_out_of_fold(
    out_of_fold: OutOfFold, thresholds: AbstentionThresholds, codes: Sequence[str]
) -> Mapping[str, Evaluation]:
    """Evaluate out-of-fold predictions before and after calibration."""
    topics, no_topic = split_outputs(out_of_fold.probabilities, len(codes))
    uncalibrated, _ = split_outputs(out_of_fold.uncalibrated, len(codes))
    abstained = abstentions(thresholds, out_of_fold.known_words_ratio, topics, no_topic, codes)
    return {
        "out_of_fold_uncalibrated": Evaluation(out_of_fold.labels, uncalibrated),
        "out_of_fold": Evaluation(
            out_of_fold.labels, topics, abstained=abstained, no_topic=no_topic
        ),
    }


def split_outputs(
    outputs: NDArray[np.float32], n_topics: int
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """Return the probabilities of the topics, and that no topic fits if there is such a column.

    Parameters
    ----------
    outputs : float32 array of shape (n_texts, n_topics) or (n_texts, n_topics + 1)
    """
    has_no_topic = outputs.shape[1] > n_topics
    return outputs[:, :n_topics], outputs[:, -1] if has_no_topic else None


def abstentions(
    thresholds: AbstentionThresholds,
    known_words_ratio: NDArray[np.float64],
    probabilities: NDArray[np.float32],
    no_topic: NDArray[np.float32] | None,
    codes: Sequence[str],
) -> NDArray[np.bool_] | None:
    """Whether each text is abstained from, bool of shape (n_texts,); None if none ever is."""
    if thresholds == NEVER_ABSTAIN:
        return None
    return np.array(
        [
            thresholds.decide(
                known_words_ratio=ratio,
                score=row.max(),
                topic=codes[row.argmax()],
                no_topic=None if no_topic is None else no_topic[index],
            )
            is not None
            for index, (ratio, row) in enumerate(zip(known_words_ratio, probabilities, strict=True))
        ]
    )


def predict_texts(classifier: TopicClassifier, texts: Sequence[NewsText]) -> NDArray[np.float32]:
    """Return the probabilities of each text, float32 of shape (n_texts, n_outputs)."""
    return classifier.infer([classifier.encode(text) for text in texts])
