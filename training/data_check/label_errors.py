"""Suspected label errors, by confident learning.

C. Northcutt, L. Jiang and I. Chuang, "Confident learning: estimating uncertainty in dataset
labels", Journal of Artificial Intelligence Research 70, 2021.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from training.data.dataset import topic_matrix
from training.data.topic_list import MIN_TEXTS
from training.data_check.label_model import out_of_fold_probabilities


@dataclass(frozen=True, slots=True)
class LabelErrors:
    """The rows whose topics differ from the one that a model of the other rows predicts."""

    rows: NDArray[np.int64]  # (n_suspects,), worst first
    scores: NDArray[np.float32]  # (n_suspects,), probability of the given topics together
    suggested: tuple[tuple[str, ...], ...]  # for each suspect one topic, or none of the topics
    n_estimated: int  # label errors of all rows, by the confident joint


def frequent_labels(topics: Sequence[tuple[str, ...]]) -> list[str]:
    """Return the labels of at least `MIN_TEXTS` texts: primary topics, and ``""`` for no topic."""
    n_texts = Counter(map(_label, topics))
    return sorted(label for label, n in n_texts.items() if n >= MIN_TEXTS)


def _label(topics: tuple[str, ...]) -> str:
    return topics[0] if topics else ""


def find_label_errors(
    topics: Sequence[tuple[str, ...]],  # of each row, the primary one first
    counts: csr_array,  # (n_rows, n_words)
    groups: NDArray[np.int64],  # (n_rows,)
    seed: int = 0,
) -> LabelErrors:
    """Rank the rows by self-confidence: the out-of-fold probability of the topics that they have.

    Any topic of a row counts as right. Rows of one group, such as duplicates, do not judge each
    other. Rows of a label that has fewer than `MIN_TEXTS` texts are left out, as no model can tell.
    Ties keep the order of the rows.
    """
    labels = frequent_labels(topics)
    index = {label: number for number, label in enumerate(labels)}
    usable = np.array([row for row, own in enumerate(topics) if _label(own) in index], np.int64)
    topics = [topics[row] for row in usable]
    primary = np.array([index[_label(own)] for own in topics], np.int64)
    given = topic_matrix(topics, labels)
    given[np.arange(len(usable)), primary] = True  # also of those without a topic

    probabilities = out_of_fold_probabilities(counts[usable], primary, groups[usable], seed)
    known = np.flatnonzero(~np.isnan(probabilities[:, 0]))
    probabilities, given, primary = probabilities[known], given[known], primary[known]
    confidence = np.where(given, probabilities, 0).sum(axis=1)
    predicted = probabilities.argmax(axis=1)
    suspects = np.flatnonzero(~given[np.arange(len(known)), predicted])
    suspects = suspects[np.argsort(confidence[suspects], kind="stable")]
    return LabelErrors(
        usable[known[suspects]],
        confidence[suspects],
        tuple((labels[topic],) if labels[topic] else () for topic in predicted[suspects]),
        estimate_errors(probabilities, primary, given),
    )


def estimate_errors(
    probabilities: NDArray[np.float32], primary: NDArray[np.int64], given: NDArray[np.bool_]
) -> int:
    """Return the number of label errors off the diagonal of the confident joint.

    A row counts if the probability of its most probable topic is at least the mean, by rows that
    have this label, of the probability of their label. Rows that do not count are taken to be as
    the others of their label.
    """
    n_rows, n_topics = probabilities.shape
    n_given = np.bincount(primary, minlength=n_topics)
    own = np.bincount(primary, probabilities[np.arange(n_rows), primary], n_topics)
    thresholds = own / np.maximum(n_given, 1)
    predicted = probabilities.argmax(axis=1)
    counted = probabilities[np.arange(n_rows), predicted] >= thresholds[predicted]
    wrong = counted & ~given[np.arange(n_rows), predicted]
    n_counted = np.bincount(primary[counted], minlength=n_topics)
    n_wrong = np.bincount(primary[wrong], minlength=n_topics)
    return round(float((n_wrong / np.maximum(n_counted, 1) * n_given).sum()))
