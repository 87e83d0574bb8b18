"""Evaluation of a bundle on the test texts, by the code that serves it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score, precision_recall_fscore_support, roc_auc_score

from service.model import Abstention, AbstentionThresholds, DriftBaseline, NewsText, TopicClassifier
from service.model.drift import count_bins
from service.model.outputs import TOPIC_PROBABILITIES
from training.data import Dataset
from training.data.dataset import NO_TOPIC, DataError, topic_matrix
from training.data.views import ARTICLE, KERAS, STREAM, KnownTopics, views_of
from training.evaluation import metrics
from training.recipes.trained_model import OutOfFold

MAX_SHOWN: Final = 5  # topics in a message
AnyView = TypeVar("AnyView")


class AllTopics(NamedTuple):
    """The topics that a bundle finds in texts, and the probability of each on its own."""

    found: NDArray[np.bool_]  # (n_texts, n_topics)
    probabilities: NDArray[np.float32]  # (n_texts, n_topics)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Predictions for one view of the texts."""

    labels: NDArray[np.int64]  # (n_texts,), NO_TOPIC for a negative
    probabilities: NDArray[np.float32]  # (n_texts, n_topics)
    topics: KnownTopics | None = None  # None where only the labels are known
    probabilistic: bool = True  # if not, only the order of the probabilities has a meaning
    abstained: NDArray[np.bool_] | None = None  # (n_texts,), None if it never abstains
    no_topic: NDArray[np.float32] | None = None  # (n_texts,), probability that no topic fits
    all_topics: AllTopics | None = None  # None without known topics or such an output

    @property
    def predicted(self) -> NDArray[np.int64]:
        """Class index of the highest score, of shape (n_texts,); ties to the lower one."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether each prediction is the label, of shape (n_texts,); never for a negative."""
        return np.equal(self.predicted, self.labels)

    @property
    def topical(self) -> NDArray[np.bool_]:
        """Whether each text has a topic, of shape (n_texts,)."""
        return np.not_equal(self.labels, NO_TOPIC)

    def scores(self) -> dict[str, float]:
        """Return every summary figure that these predictions allow, by name."""
        topical, right = self.topical, self.right
        scores = self._topic_scores() if topical.any() else {}
        if self.probabilistic:
            scores["expected_calibration_error"] = metrics.expected_calibration_error(
                self.probabilities, self.labels
            )
        if self.abstained is not None:
            answered = ~self.abstained
            if topical.any():
                scores["coverage"] = float(answered[topical].mean())
                if answered.any():
                    scores["answered_accuracy"] = float(right[answered].mean())
            if not topical.all():
                scores["negatives_answered"] = float(answered[~topical].mean())
        if self.no_topic is not None and 0 < topical.mean() < 1:
            scores["no_topic_auc"] = float(roc_auc_score(~topical, self.no_topic))
        if self.all_topics is not None and self.topics is not None:
            scores |= metrics.all_topics_scores(self.topics.any_topic, *self.all_topics)
        return scores

    def _topic_scores(self) -> dict[str, float]:
        topical = self.topical
        labels, probabilities = self.labels[topical], self.probabilities[topical]
        predicted, right = self.predicted[topical], self.right[topical]
        scores = {
            "accuracy": float(right.mean()),
            "top_3_accuracy": metrics.top_k_accuracy(probabilities, labels, 3),
            # over the topics that occur or are predicted
            "macro_f1": float(f1_score(labels, predicted, average="macro", zero_division=0.0)),
        }
        if self.topics is not None:
            known = self.topics.any_topic[topical][np.arange(len(labels)), predicted]
            if (single := self.topics.single[topical]).any():
                scores["single_topic_accuracy"] = float(right[single].mean())
            scores["any_topic_accuracy"] = float(known.mean())
        if self.probabilistic:
            scores["brier_score"] = metrics.brier_score(probabilities, labels)
        return scores

    def by_topic(self, codes: Sequence[str]) -> list[dict[str, Any]]:
        """Return precision, recall, F1 and number of test newswires of each topic."""
        columns = precision_recall_fscore_support(
            self.labels, self.predicted, labels=range(len(codes)), zero_division=0.0
        )
        names = ("topic", "precision", "recall", "f1", "test_newswires")
        values = (column.tolist() for column in columns)
        return [dict(zip(names, row, strict=True)) for row in zip(codes, *values, strict=True)]


def evaluate(classifier: TopicClassifier, dataset: Dataset) -> Mapping[str, Evaluation]:
    """Classify every view of the test texts; `DataError` if the bundle has other topics.

    Topics of a bundle may be in another order than those of the data set.
    """
    codes = list(dataset.topic_codes)
    theirs = [topic.code for topic in classifier.topics]
    if set(theirs) != set(codes):
        raise DataError(
            f"expected a bundle with the {len(codes)} topics of the data set, "
            f"{describe_difference(theirs, codes)}"
        )
    columns = [theirs.index(code) for code in codes]
    evaluations = {}
    for name, view in views_of(dataset.test, dataset.vocabulary).items():
        n_texts = len(view.texts)
        encoded = [classifier.encode(text) for text in view.texts]
        outputs = classifier.infer(encoded)
        found = classifier.postprocess(
            encoded, outputs, top_k=[1] * n_texts, min_confidence=[None] * n_texts
        )
        all_topics = None
        if view.topics and classifier.finds_all_topics:
            probabilities = classifier.infer(encoded, TOPIC_PROBABILITIES)
            found = classifier.add_all_topics(probabilities, found)
            topics = [[each.topic.code for each in item.all_topics or ()] for item in found]
            all_topics = AllTopics(topic_matrix(topics, codes), probabilities[:, columns])
        abstained = np.array([item.abstained is not None for item in found])
        evaluations[name] = Evaluation(
            view.labels,
            outputs[:, columns],
            view.topics,
            abstained=abstained if classifier.manifest.abstains else None,
            no_topic=outputs[:, -1] if classifier.manifest.no_topic else None,
            all_topics=all_topics,
        )
    return evaluations


def describe_difference(ours: Sequence[str], expected: Sequence[str]) -> str:
    """Return which topics ours lacks and which are new, at most 5 of each."""
    pairs = {
        "without": sorted({*expected} - {*ours}),
        "and with": sorted({*ours} - {*expected}),
    }
    parts = [
        f"{word} {', '.join(codes[:MAX_SHOWN])}{'...' if len(codes) > MAX_SHOWN else ''}"
        for word, codes in pairs.items()
        if codes
    ]
    return f"got {len(ours)} topics, {' '.join(parts).removeprefix('and ')}"


def stream_of(views: Mapping[str, AnyView]) -> AnyView:
    """Return the view of all texts, with those of no topic where there are any."""
    return next(views[name] for name in (STREAM, ARTICLE, KERAS) if name in views)


def evaluate_out_of_fold(
    out_of_fold: OutOfFold, thresholds: AbstentionThresholds, codes: Sequence[str]
) -> Mapping[str, Evaluation]:
    """Evaluate out-of-fold predictions before and after calibration."""
    labels, n_topics = out_of_fold.labels, len(codes)
    probabilities, no_topic = np.split(out_of_fold.probabilities, [n_topics], axis=1)
    return {
        "out_of_fold_uncalibrated": Evaluation(labels, out_of_fold.uncalibrated[:, :n_topics]),
        "out_of_fold": Evaluation(
            labels,
            probabilities,
            abstained=out_of_fold.confidence(n_topics) < thresholds.confidence,
            no_topic=no_topic[:, 0] if no_topic.size else None,
        ),
    }


def drift_baseline(classifier: TopicClassifier, texts: Sequence[NewsText]) -> DriftBaseline:
    """Count the features of texts and of their predictions; at least one text."""
    predictions = classifier.classify(texts, top_k=1)
    topics = Counter(item.topics[0].topic.code for item in predictions)
    no_topic = [item.no_topic for item in predictions if item.no_topic is not None]
    reasons = Counter(item.abstained for item in predictions)
    ratios = [item.known_words_ratio for item in predictions]
    scores = [item.topics[0].score for item in predictions]
    return DriftBaseline(
        topics={topic.code: topics[topic.code] for topic in classifier.topics},
        abstentions={reason.value: reasons[reason] for reason in Abstention},
        text_words=count_bins("text_words", [classifier.encode(text).n_words for text in texts]),
        known_words_ratio=count_bins("known_words_ratio", ratios),
        top_score_ratio=count_bins("top_score_ratio", scores),
        no_topic_ratio=count_bins("no_topic_ratio", no_topic) if no_topic else None,
    )
