"""Suspected label errors, by confident learning.

C. Northcutt, L. Jiang and I. Chuang, "Confident learning: estimating uncertainty in dataset
labels", Journal of Artificial Intelligence Research 70, 2021. The probabilities are out of fold,
from TF-IDF and two linear classifiers.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_array
from scipy.special import softmax
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.naive_bayes import ComplementNB
from sklearn.svm import LinearSVC

from training.data.dataset import topic_matrix
from training.data.topic_list import MIN_TEXTS

N_FOLDS: Final = 5
MAX_FIT_ROWS: Final = 100_000  # rows that a fold is fitted to; bounds time and memory
MAX_WEIGHTS: Final = 2**25  # weights of a classifier; the rarest words are left out
CLASSIFIERS: Final[tuple[Callable[[], Any], ...]] = (
    lambda: LinearSVC(C=0.3, dual=True, tol=0.1, random_state=0),
    lambda: ComplementNB(alpha=0.3),
)
"""A linear SVM, and naive Bayes, which a few wrong labels disturb less.

J. Rennie et al., "Tackling the poor assumptions of naive Bayes text classifiers", ICML 2003. The
mean of both finds more planted errors than either on texts of 40 words, and as many as the SVM on
texts of 150 (docs/how-to/correct-labels.md).
"""


@dataclass(frozen=True, slots=True)
class LabelErrors:
    """The rows whose topics differ from the one that a model of the other rows predicts."""

    rows: NDArray[np.int64]  # (n_suspects,), worst first
    scores: NDArray[np.float32]  # (n_suspects,), probability of the given topics together
    suggested: tuple[tuple[str, ...], ...]  # predicted topic of each suspect, or none
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

    Any topic of a row counts as correct. Rows of one group, such as duplicates, are in one fold.
    Rows of a label with fewer than `MIN_TEXTS` texts are left out, as no model can learn it. Ties
    keep the order of the rows.
    """
    labels = frequent_labels(topics)
    index = {label: number for number, label in enumerate(labels)}
    usable = np.array([row for row, own in enumerate(topics) if _label(own) in index], np.int64)
    topics = [topics[row] for row in usable]
    primary = np.array([index[_label(own)] for own in topics], np.int64)
    given = topic_matrix(topics, labels)
    given[np.arange(len(usable)), primary] = True  # also for rows without a topic

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

    A row counts if the probability of its most probable topic reaches the mean that this topic has
    over the rows labelled with it. Rows that do not count are assumed to have the same share of
    errors as the others of their label.
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


def out_of_fold_probabilities(
    counts: csr_array,  # (n_rows, n_words)
    labels: NDArray[np.int64],  # (n_rows,), 0 to n_topics - 1, each of which occurs
    groups: NDArray[np.int64],  # (n_rows,), rows of one group are in one fold
    seed: int = 0,
) -> NDArray[np.float32]:
    """Return calibrated probabilities of topics from models that have not seen the row's group.

    The shape is (n_rows, n_topics); rows whose label is in no other fold are NaN.
    """
    n_topics = int(labels.max()) + 1
    rows = _tf_idf(counts, n_topics)
    folds = split_into_folds(labels, groups, seed)
    probabilities = np.zeros((len(labels), n_topics), dtype=np.float32)
    for make_classifier in CLASSIFIERS:
        scores = _out_of_fold_scores(make_classifier, rows, labels, folds, seed)
        seen = np.isfinite(scores[np.arange(len(labels)), labels])
        probabilities[seen] += calibrate(scores[seen], labels[seen]) / len(CLASSIFIERS)
        probabilities[~seen] = np.nan
    return probabilities


def split_into_folds(
    labels: NDArray[np.int64], groups: NDArray[np.int64], seed: int
) -> NDArray[np.int64]:
    """Return the fold of each row, (n_rows,): stratified, and the same for all rows of a group."""
    _, firsts, numbers = np.unique(groups, return_index=True, return_inverse=True)
    shuffled = np.random.default_rng(seed).permutation(len(firsts))
    order = shuffled[np.argsort(labels[firsts[shuffled]], kind="stable")]
    folds = np.empty(len(firsts), dtype=np.int64)
    folds[order] = np.arange(len(firsts)) % N_FOLDS
    return folds[numbers]


def calibrate(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the softmax of scores, (n_rows, n_topics), times a factor fitted to the labels.

    Temperature scaling: C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """

    def loss(log_factor: float) -> float:
        shares = softmax(scores * np.exp(log_factor), axis=1).astype(np.float32)
        right = shares[np.arange(len(labels)), labels]
        return float(-np.log(np.maximum(right, 1e-9)).mean()) if len(labels) else 0.0

    found = minimize_scalar(loss, bounds=(-5, 5), method="bounded", options={"xatol": 0.01})
    probabilities: NDArray[np.float32] = softmax(scores * np.float32(np.exp(found.x)), axis=1)
    return probabilities


def _tf_idf(counts: csr_array, n_topics: int) -> csr_array:
    """Return TF-IDF features of the most frequent words that more than one row has."""
    n_rows_with = np.bincount(counts.indices, minlength=counts.shape[1])
    frequent = np.argsort(-n_rows_with, kind="stable")[: MAX_WEIGHTS // n_topics]
    kept = np.sort(frequent[n_rows_with[frequent] > 1])
    if not len(kept):
        return csr_array((counts.shape[0], 1), dtype=np.float64)
    return csr_array(TfidfTransformer(sublinear_tf=True).fit_transform(counts[:, kept]))


def _out_of_fold_scores(
    make_classifier: Callable[[], Any],
    rows: csr_array,
    labels: NDArray[np.int64],
    folds: NDArray[np.int64],
    seed: int,
) -> NDArray[np.float32]:
    """Return scores, (n_rows, n_topics); -inf where the other folds have none of a topic."""
    scores = np.full((len(labels), int(labels.max()) + 1), -np.inf, dtype=np.float32)
    for fold in range(N_FOLDS):
        held_out, others = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        others = np.sort(np.random.default_rng(seed).permutation(others)[:MAX_FIT_ROWS])
        if not len(held_out) or len(np.unique(labels[others])) < 2:
            continue
        classifier = make_classifier().fit(rows[others], labels[others])
        decide = getattr(classifier, "decision_function", None) or classifier.predict_log_proba
        found = decide(rows[held_out])
        if found.ndim == 1:  # one margin for two topics
            found = found[:, np.newaxis] * [-1, 1]
        scores[np.ix_(held_out, classifier.classes_)] = found
    return scores
