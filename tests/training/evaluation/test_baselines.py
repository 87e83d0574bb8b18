import numpy as np
import pytest

from training.data import Dataset
from training.evaluation.baselines import linear_svm, trivial_accuracies


def test_baselines(keras_dataset: Dataset) -> None:
    values = trivial_accuracies(keras_dataset)
    assert values["largest_class"] == pytest.approx((keras_dataset.test.labels == 3).mean())
    generator = np.random.default_rng(0)
    labels = keras_dataset.test.labels
    shuffled = [(generator.permutation(labels) == labels).mean() for _ in range(200)]
    assert values["random_guess"] == pytest.approx(np.mean(shuffled), abs=0.004)


def test_linear_svm_has_known_accuracy(corpus_dataset: Dataset) -> None:
    """The figures that others measured on this split: 83.6 % and 92.1 %."""
    evaluations = linear_svm(corpus_dataset)
    assert evaluations["keras"].scores()["accuracy"] == pytest.approx(0.836, abs=0.002)
    own = evaluations["article"].scores()
    assert own["accuracy"] == pytest.approx(0.921, abs=0.002)
    assert own["single_topic_accuracy"] == pytest.approx(0.959, abs=0.004)
    assert own["any_topic_accuracy"] == pytest.approx(0.953, abs=0.004)
    assert "expected_calibration_error" not in own
