import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.model.outputs import PROBABILITIES
from training.data import Dataset
from training.recipes import TrainedModel
from training.recipes.mlp import MlpSettings, build_network, multi_hot


@given(st.lists(st.lists(st.integers(0, 40), max_size=20), max_size=5))
def test_multi_hot(token_ids: list[list[int]]) -> None:
    rows = multi_hot(token_ids, 20).toarray()
    assert rows.shape == (len(token_ids), 20)
    for row, ids in zip(rows, token_ids, strict=True):
        assert set(np.flatnonzero(row)) == {i if i < 20 else 2 for i in ids}
        assert set(row) <= {0, 1}


def test_network_is_the_books() -> None:
    network = build_network(MlpSettings(seed=0), 46)
    shapes = [tuple(weights.shape) for weights in network.get_weights()]
    assert shapes == [(10_000, 64), (64,), (64, 64), (64,), (64, 46), (46,)]
    assert [layer.activation.__name__ for layer in network.layers] == ["relu", "relu", "softmax"]
    assert type(network.optimizer) is keras.optimizers.RMSprop
    assert network.loss == "categorical_crossentropy"


def test_epochs_minimise_validation_loss(trained: TrainedModel) -> None:
    assert len(trained.history["val_loss"]) == 20
    assert trained.settings["epochs"] == 1 + np.argmin(trained.history["val_loss"])
    assert 7 <= trained.settings["epochs"] <= 13  # the book: 9
    assert set(trained.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}


def test_vocabulary_is_limited(trained: TrainedModel) -> None:
    assert sorted(trained.encoder.vocabulary.values()) == list(range(4, 10_000))


def test_accuracy_is_about_the_books(trained: TrainedModel, corpus_dataset: Dataset) -> None:
    probabilities = trained.predict(corpus_dataset.test.token_ids)[PROBABILITIES]
    accuracy = (probabilities.argmax(axis=1) == corpus_dataset.test.labels).mean()
    assert accuracy == pytest.approx(0.79, abs=0.015)
