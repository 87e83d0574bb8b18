import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import brier_score_loss, top_k_accuracy_score

from service.model import TopicClassifier
from training.datasets import Dataset
from training.evaluation import (
    Evaluation,
    baselines,
    brier_score,
    expected_calibration_error,
    keras_texts,
    predict_texts,
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


def test_certain_and_right_is_perfect() -> None:
    labels = np.array([0, 1, 2, 2])
    perfect = Evaluation(labels, np.eye(3, dtype=np.float32)[labels])
    scores = perfect.scores()
    assert scores["accuracy"] == scores["macro_f1"] == scores["top_3_accuracy"] == 1
    assert scores["expected_calibration_error"] == scores["brier_score"] == 0


def test_scores_by_topic() -> None:
    labels = np.array([0, 0, 1, 2])
    answer = Evaluation(labels, np.eye(4, dtype=np.float32)[[0, 1, 1, 1]])
    rows = answer.by_topic(["a", "b", "c", "d"])
    assert rows[0] == {
        "topic": "a",
        "precision": 1.0,
        "recall": 0.5,
        "f1": pytest.approx(2 / 3),
        "test_newswires": 2,
    }
    assert rows[1]["precision"] == pytest.approx(1 / 3)
    assert rows[2]["f1"] == rows[3]["f1"] == 0
    assert rows[3]["test_newswires"] == 0


def test_baselines(keras_dataset: Dataset) -> None:
    values = baselines(keras_dataset, 46)
    assert values["largest_class"] == pytest.approx((keras_dataset.test.labels == 3).mean())
    generator = np.random.default_rng(0)
    labels = keras_dataset.test.labels
    shuffled = [(generator.permutation(labels) == labels).mean() for _ in range(200)]
    assert values["random_guess"] == pytest.approx(np.mean(shuffled), abs=0.002)


@pytest.mark.usefixtures("same_word_ids")
def test_keras_texts_are_the_same_words_from_either_source(
    keras_dataset: Dataset, corpus_dataset: Dataset, classifier: TopicClassifier
) -> None:
    decoded = keras_texts(keras_dataset, keras_dataset.test)
    original = keras_texts(corpus_dataset, corpus_dataset.test)
    np.testing.assert_array_equal(
        predict_texts(classifier, decoded[:300]), predict_texts(classifier, original[:300])
    )
