"""How good a bundle is: what it answers to the test newswires, and what that is worth.

Everything here asks the bundle as the service does, so a figure is the served model's own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_fscore_support

from service.model import TextEncoder, TopicClassifier
from training import metrics
from training.datasets import Dataset, Split

CHUNK: Final = 64
"""Texts in one inference; more only fill memory with padding."""

KERAS_TEXT: Final = "keras_text"
OWN_TEXT: Final = "own_text"


@dataclass(frozen=True, slots=True)
class KnownTopics:
    """All topics of each article, of which its label is the first.

    Attributes
    ----------
    among : bool array of shape (n_texts, n_topics)
        Whether an article has a topic.
    single : bool array of shape (n_texts,)
        Whether it has one topic only, counting those that are not among ours.
    """

    among: NDArray[np.bool_]
    single: NDArray[np.bool_]


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
        for form, texts in texts_by_form(dataset, dataset.test).items()
    }


def texts_by_form(dataset: Dataset, split: Split) -> dict[str, list[str]]:
    """Give the texts of a split by their form: ``"keras_text"``, and ``"own_text"`` if known."""
    texts = {KERAS_TEXT: keras_texts(dataset, split)}
    if split.articles is not None:
        texts[OWN_TEXT] = [article.own_text for article in split.articles]
    return texts


def known_topics(split: Split, codes: Sequence[str]) -> KnownTopics | None:
    """Look up all topics of each article; None where the source does not tell them."""
    if split.articles is None:
        return None
    return KnownTopics(
        among=np.array([[code in item.topics for code in codes] for item in split.articles]),
        single=np.array([len(item.topics) == 1 for item in split.articles]),
    )


def keras_texts(dataset: Dataset, split: Split) -> list[str]:
    """Give the texts that Keras has: from the corpus, or decoded from the word ids."""
    if split.articles is not None:
        return [article.keras_text for article in split.articles]
    encoder = TextEncoder(dataset.vocabulary)
    return [encoder.decode(ids[1:]) for ids in split.token_ids]


def predict_texts(classifier: TopicClassifier, texts: Sequence[str]) -> NDArray[np.float32]:
    """Give the probabilities of each text, float32 of shape (n_texts, n_topics)."""
    encoded = [classifier.encoder.encode(text) for text in texts]
    chunks = [encoded[start : start + CHUNK] for start in range(0, len(encoded), CHUNK)]
    return np.concatenate([classifier.infer(chunk) for chunk in chunks])
