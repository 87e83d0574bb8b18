import json
import re
from dataclasses import replace
from importlib.resources import files

import pytest

from service.model import load_bundle
from service.model.record_checks import check_topics
from tests.conftest import LATEST
from training.data import Dataset
from training.data.dataset import DataError
from training.data.reuters_expected import (
    N_TEST,
    N_TRAIN,
    TOPIC_CODES,
    TRAIN_COUNTS,
    check_dataset,
    topic_descriptions,
)
from training.data.topic_list import TopicList


def test_expected_counts_are_consistent() -> None:
    assert len(TOPIC_CODES) == len(set(TOPIC_CODES)) == len(TRAIN_COUNTS) == 46
    assert sum(TRAIN_COUNTS) == N_TRAIN
    assert int((N_TRAIN + N_TEST) * 0.8) == N_TRAIN


def test_every_topic_is_described() -> None:
    topics = TopicList(topic_descriptions()).topics(TOPIC_CODES, TRAIN_COUNTS)
    assert [topic.training_newswires for topic in topics] == list(TRAIN_COUNTS)
    assert [topic.id for topic in topics] == list(range(46))
    assert [topic.code for topic in topics] == list(TOPIC_CODES)
    assert len({topic.name for topic in topics}) == 46
    assert all(topic.description.endswith(".") for topic in topics)


def test_subjects_are_media_topics() -> None:
    """Each is certain and implied by its topic: some topics have none."""
    topics = TopicList(topic_descriptions()).topics(TOPIC_CODES, TRAIN_COUNTS)
    subjects = [subject for topic in topics for subject in topic.subjects]
    media_topic = re.compile(r"http://cv\.iptc\.org/newscodes/mediatopic/\d{8}")
    assert all(media_topic.fullmatch(subject.uri) for subject in subjects)
    assert {subject.match for subject in subjects} == {"exact", "close", "broad"}
    by_code = {topic.code: [subject.name for subject in topic.subjects] for topic in topics}
    assert by_code["crude"] == by_code["gas"] == ["oil and gas"]
    assert by_code["earn"] == ["corporate earnings"]
    assert by_code["coffee"] == []
    check_topics(topics, load_bundle(LATEST).manifest)


def test_iptc_is_credited() -> None:
    vocabulary = json.loads(files("training.data").joinpath("iptc_subjects.json").read_bytes())
    assert "IPTC" in vocabulary["credit"]
    assert "https://creativecommons.org/licenses/by/4.0/" in vocabulary["credit"]
    assert vocabulary["topics"].keys() <= set(TOPIC_CODES)
    named = {uri for matches in vocabulary["topics"].values() for uri in matches}
    assert named == vocabulary["concepts"].keys()


def test_topics_are_counted(keras_dataset: Dataset) -> None:
    counts = [topic.training_newswires for topic in keras_dataset.topics]
    assert counts == list(TRAIN_COUNTS)
    assert keras_dataset.topic_codes == list(TOPIC_CODES)


def test_changed_label_is_detected(keras_dataset: Dataset) -> None:
    check_dataset(keras_dataset)
    labels = keras_dataset.train.labels.copy()
    labels[5_000] = (labels[5_000] + 1) % 46
    changed = replace(keras_dataset, train=replace(keras_dataset.train, labels=labels))
    with pytest.raises(DataError, match="keras: training newswires by topic: expected"):
        check_dataset(changed)


def test_missing_newswire_is_detected(keras_dataset: Dataset) -> None:
    test = keras_dataset.test
    shorter = replace(test, token_ids=test.token_ids[:-1], labels=test.labels[:-1])
    with pytest.raises(DataError, match="newswires to test on: expected 2246, got 2245"):
        check_dataset(replace(keras_dataset, test=shorter))


def test_missing_word_is_detected(keras_dataset: Dataset) -> None:
    vocabulary = dict(list(keras_dataset.vocabulary.items())[:-1])
    message = f"words: expected 30979 or 30984, got {len(vocabulary)}"
    with pytest.raises(DataError, match=message):
        check_dataset(replace(keras_dataset, vocabulary=vocabulary))
