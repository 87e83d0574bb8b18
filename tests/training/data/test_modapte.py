from pathlib import Path

import numpy as np
import pytest

from training.data import Dataset, Source, load_dataset


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def dataset(data_dir: Path, said: list[str]) -> Dataset:
    return load_dataset(Source.MODAPTE, data_dir, report=said.append)


def test_known_counts(dataset: Dataset, said: list[str]) -> None:
    """The counts of the literature, without 6 training texts that are test texts too."""
    train, test = dataset.train, dataset.test
    assert said[0] == "Left out 6 training rows: equal to test rows, or of their groups"
    assert len(train.labels) + len(train.negatives) == 9_603 - 6
    assert len(test.labels) + len(test.negatives) == 3_299
    assert len(test.labels) == 3_019
    assert len(dataset.topics) == 90
    counts = {topic.code: topic.training_newswires for topic in dataset.topics}
    assert (counts["earn"], counts["acq"], counts["castor-oil"]) == (2_877, 1_650, 1)


def test_texts_have_several_topics(dataset: Dataset) -> None:
    """Every topic that has a text on each side is known, also one that is never the first."""
    articles = [*dataset.train.articles, *dataset.test.articles]
    n_topics = np.array([len(article.topics) for article in articles])
    assert (n_topics >= 1).all()
    assert 1.2 < n_topics.mean() < 1.25
    first = {article.topics[0] for article in articles}
    assert "palladium" not in {article.topics[0] for article in dataset.train.articles}
    assert "palladium" in set(dataset.topic_codes)
    assert first <= set(dataset.topic_codes)


def test_names_are_those_of_the_46_topics_or_codes(dataset: Dataset) -> None:
    names = {topic.code: topic.name for topic in dataset.topics}
    assert names["veg-oil"] == "Vegetable oil"
    assert names["palladium"] == "palladium"
