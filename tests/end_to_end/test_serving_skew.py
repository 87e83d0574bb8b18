"""What was trained is what is served: the skew between the two, measured at zero."""

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

from service.model import TextEncoder
from service.model.outputs import PROBABILITIES
from tests.end_to_end.running_service import RunningService
from training.data import Dataset
from training.data.reuters_expected import TOPIC_CODES
from training.recipes import TrainedModel
from training.recipes.mlp import multi_hot


@pytest.fixture(scope="module")
def service(trained_bundle: Path) -> Iterator[RunningService]:
    with RunningService(NEWSWIRE_MODEL_DIR=str(trained_bundle)) as service:
        yield service


@pytest.mark.usefixtures("same_word_ids")
def test_every_text_of_the_corpus_has_keras_ids(
    keras_dataset: Dataset, corpus_dataset: Dataset
) -> None:
    """All 11,228: text to ids gives Keras' file, and ids to words to ids gives it back."""
    encoder = TextEncoder(keras_dataset.vocabulary)
    n_newswires = 0
    for keras_split, corpus_split in (
        (keras_dataset.train, corpus_dataset.train),
        (keras_dataset.test, corpus_dataset.test),
    ):
        for ids, article in zip(keras_split.token_ids, corpus_split.articles, strict=True):
            assert encoder.token_ids(article.keras_text) == ids
            assert encoder.token_ids(encoder.decode(ids)) == ids
            n_newswires += 1
    assert n_newswires == 11_228


def test_accuracy_over_http_is_keras_own(
    service: RunningService,
    trained: TrainedModel,
    corpus_dataset: Dataset,
) -> None:
    """All 2,246 raw test texts over HTTP, against ``model.evaluate``, to the last newswire."""
    articles, labels = corpus_dataset.test.articles, corpus_dataset.test.labels
    answers = [
        service.client.post("/classify", json={"text": article.keras_text, "top_k": 46}).json()
        for article in articles
    ]
    n_right = sum(
        answer["topic"] == TOPIC_CODES[label] for answer, label in zip(answers, labels, strict=True)
    )

    network = trained.network
    inputs = multi_hot(corpus_dataset.test.token_ids, num_words=10_000)
    _, accuracy = network.evaluate(
        inputs, keras.utils.to_categorical(labels, len(TOPIC_CODES)), batch_size=512, verbose=0
    )
    assert n_right == round(accuracy * len(labels))

    served = np.zeros((len(answers), len(TOPIC_CODES)), dtype=np.float32)
    for row, answer in zip(served, answers, strict=True):
        for topic in answer["topics"]:
            row[topic["id"]] = topic["score"]
    expected = trained.predict(corpus_dataset.test.token_ids)[PROBABILITIES]
    np.testing.assert_allclose(served, expected, atol=1e-5)
    np.testing.assert_array_equal(served.argmax(axis=1), expected.argmax(axis=1))
