import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binomtest
from sklearn.metrics import brier_score_loss, top_k_accuracy_score

from training.evaluation.evaluate import Evaluation
from training.evaluation.metrics import (
    bootstrap_interval,
    brier_score,
    expected_calibration_error,
    mcnemar,
    top_k_accuracy,
)

N_TOPICS = 5


@st.composite
def answers(draw: st.DrawFn) -> Evaluation:
    n_texts = draw(st.integers(1, 30))
    seed = draw(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.full(N_TOPICS, 0.5), n_texts).astype(np.float32)
    labels = draw(arrays(np.int64, n_texts, elements=st.integers(0, N_TOPICS - 1)))
    return Evaluation(labels, probabilities)


@given(answers(), st.integers(1, N_TOPICS - 1))
def test_top_k_accuracy_is_sklearns(answer: Evaluation, top_k: int) -> None:
    expected = top_k_accuracy_score(
        answer.labels, answer.probabilities, k=top_k, labels=range(N_TOPICS)
    )
    assert top_k_accuracy(answer.probabilities, answer.labels, top_k) == pytest.approx(expected)


@given(answers())
def test_brier_score_is_sklearns(answer: Evaluation) -> None:
    normed = answer.probabilities.astype(np.float64)
    normed /= normed.sum(axis=1, keepdims=True)
    expected = brier_score_loss(answer.labels, normed, labels=range(N_TOPICS), scale_by_half=False)
    assert brier_score(answer.probabilities, answer.labels) == pytest.approx(expected, abs=1e-5)


@given(answers())
def test_calibration_error_by_brute_force(answer: Evaluation) -> None:
    expected = 0.0
    for number in range(15):
        inside = [
            (row.max(), row.argmax() == label)
            for row, label in zip(answer.probabilities, answer.labels, strict=True)
            if min(int(row.max() * 15), 14) == number
        ]
        if inside:
            confidence, correct = np.mean(inside, axis=0)
            expected += len(inside) / len(answer.labels) * abs(confidence - correct)
    error = expected_calibration_error(answer.probabilities, answer.labels)
    assert error == pytest.approx(expected, abs=1e-5)


@given(answers())
def test_macro_f1_by_brute_force(answer: Evaluation) -> None:
    values = []
    for topic in set(answer.labels) | set(answer.predicted):
        said, true = answer.predicted == topic, answer.labels == topic
        values.append(2 * (said & true).sum() / (said.sum() + true.sum()))
    assert answer.scores()["macro_f1"] == pytest.approx(np.mean(values))


@pytest.mark.parametrize(("n_right", "n_texts"), [(1800, 2246), (50, 100), (10, 10), (0, 10)])
def test_interval_is_about_two_standard_errors(n_right: int, n_texts: int) -> None:
    right = np.arange(n_texts) < n_right
    low, high = bootstrap_interval(right)
    accuracy = n_right / n_texts
    error = np.sqrt(accuracy * (1 - accuracy) / n_texts)
    assert low <= accuracy <= high
    assert high - low == pytest.approx(2 * 1.96 * error, rel=0.15)
    assert bootstrap_interval(right) == (low, high)


def test_mcnemar_counts_discordant_pairs() -> None:
    both = np.ones(1000, dtype=bool)
    assert mcnemar(both, both) == 1
    one, other = both.copy(), both.copy()
    one[:10] = False
    other[10:12] = False
    assert mcnemar(one, other) == mcnemar(other, one) == pytest.approx(binomtest(2, 12).pvalue)
    other[10:20] = False
    assert mcnemar(one, other) == 1
