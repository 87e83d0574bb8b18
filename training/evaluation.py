"""How good a bundle is: what it answers to the test newswires, and what that is worth.

Everything here asks the bundle as the service does, so a figure is the served model's own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score, precision_recall_fscore_support

from service.model import TextEncoder, TopicClassifier
from training.datasets import Dataset, Split

CHUNK: Final = 64
"""Texts in one inference; more only fill memory with padding."""
CALIBRATION_BINS: Final = 15

KERAS_TEXT: Final = "keras_text"
OWN_TEXT: Final = "own_text"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a bundle answered to one form of the test newswires.

    Attributes
    ----------
    labels : int64 array of shape (n_texts,)
    probabilities : float32 array of shape (n_texts, n_topics)
    """

    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]

    @property
    def predicted(self) -> NDArray[np.int64]:
        """Class index of the highest score, int64 of shape (n_texts,); ties to the lower one."""
        indices: NDArray[np.int64] = np.argmax(self.probabilities, axis=1)
        return indices

    def scores(self) -> dict[str, float]:
        """Every summary figure, by its name."""
        return {
            "accuracy": float((self.predicted == self.labels).mean()),
            "top_3_accuracy": top_k_accuracy(self.probabilities, self.labels, 3),
            "macro_f1": float(
                f1_score(self.labels, self.predicted, average="macro", zero_division=0.0)
            ),
            "expected_calibration_error": expected_calibration_error(
                self.probabilities, self.labels
            ),
            "brier_score": brier_score(self.probabilities, self.labels),
        }

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
    test = dataset.test
    texts = {KERAS_TEXT: keras_texts(dataset, test)}
    if test.articles is not None:
        texts[OWN_TEXT] = [article.own_text for article in test.articles]
    return {
        form: Evaluation(test.labels, predict_texts(classifier, form_texts))
        for form, form_texts in texts.items()
    }


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


def baselines(dataset: Dataset, n_topics: int) -> dict[str, float]:
    """Accuracy that needs no text at all.

    Returns
    -------
    dict of str to float
        ``"random_guess"``: the expected accuracy of guessing by shuffling the test labels, as the
        book does; the sum of the squared shares of the topics.
        ``"largest_class"``: that of always naming the most frequent topic of the training split.
    """
    shares = np.bincount(dataset.test.labels, minlength=n_topics) / len(dataset.test.labels)
    largest = np.bincount(dataset.train.labels, minlength=n_topics).argmax()
    return {"random_guess": float(shares @ shares), "largest_class": float(shares[largest])}


def top_k_accuracy(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64], top_k: int
) -> float:
    """Share of the texts whose label is among the top-k topics; ties go to the lower index."""
    ranking = np.argsort(-probabilities, axis=1, kind="stable")[:, :top_k]
    return float((ranking == labels[:, np.newaxis]).any(axis=1).mean())


def calibration_bins(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64], n_bins: int = CALIBRATION_BINS
) -> Iterator[tuple[float, float, float]]:
    """Group the texts by confidence, which is the highest score, into bins of equal width.

    Yields
    ------
    confidence, accuracy, share : float
        Means over each bin that is not empty, and its share of the texts.
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    for number in np.unique(bins):
        inside = bins == number
        yield float(confidence[inside].mean()), float(correct[inside].mean()), float(inside.mean())


def expected_calibration_error(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64]
) -> float:
    """How far confidence and accuracy lie apart, on average over the texts; 0 is best.

    Notes
    -----
    C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, equation 3; 15 bins.
    """
    return sum(
        share * abs(accuracy - confidence)
        for confidence, accuracy, share in calibration_bins(probabilities, labels)
    )


def brier_score(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Mean squared distance of the probabilities from the one-hot label; 0 is best, 2 worst.

    Notes
    -----
    G. W. Brier, "Verification of forecasts expressed in terms of probability", 1950.
    """
    distance = probabilities.astype(np.float64)
    distance[np.arange(len(labels)), labels] -= 1
    return float((distance**2).sum(axis=1).mean())
