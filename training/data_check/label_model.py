"""Out-of-fold probabilities of the topics of texts, from TF-IDF and two linear classifiers."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_array
from scipy.special import softmax
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.naive_bayes import ComplementNB
from sklearn.svm import LinearSVC

N_FOLDS: Final = 5
MAX_FIT_ROWS: Final = 100_000  # that a fold is fitted to; bounds time and memory
MAX_WEIGHTS: Final = 2**25  # of a classifier; the rarest words are left out
CLASSIFIERS: Final[tuple[Callable[[], Any], ...]] = (
    lambda: LinearSVC(C=0.3, dual=True, tol=0.1, random_state=0),
    lambda: ComplementNB(alpha=0.3),
)
"""A linear SVM, and naive Bayes, which a few wrong labels disturb less.

J. Rennie et al., "Tackling the poor assumptions of naive Bayes text classifiers", ICML 2003. The
mean of both finds more planted errors than either on texts of 40 words, and as many as the SVM on
texts of 150 (docs/how-to/correct-labels.md).
"""


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
