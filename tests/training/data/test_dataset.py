import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.model import NewsText, Topic
from service.model.encoder import START_ID, UNKNOWN_ID
from training.data.dataset import (
    Article,
    Newswires,
    limit_token_ids,
    limit_vocabulary,
    split_newswires,
)


def news(words: list[list[int]], labels: np.ndarray, source: str = "a") -> Newswires:
    topics = [Topic(index, f"{index}", "", "", "", 0) for index in range(len(labels))]
    return Newswires("name", "description", source, {}, words, labels, topics)


newswires = st.lists(st.lists(st.integers(4, 99), max_size=5), min_size=5, max_size=40)


@given(newswires)
def test_every_newswire_is_in_one_split(words: list[list[int]]) -> None:
    labels = np.arange(len(words))
    dataset = split_newswires(news(words, labels))
    both = np.concatenate([dataset.train.labels, dataset.test.labels])
    assert sorted(both) == list(labels)
    for split in (dataset.train, dataset.test):
        assert split.token_ids == [[START_ID, *words[label]] for label in split.labels]


@given(st.lists(st.integers(0, 30)), st.integers(4, 30))
def test_rare_words_become_unknown(ids: list[int], num_words: int) -> None:
    limited = limit_token_ids(ids, num_words)
    for new, old in zip(limited, ids, strict=True):
        assert new == (old if old < num_words else UNKNOWN_ID)


def test_vocabulary_is_limited() -> None:
    assert limit_vocabulary({"the": 4, "of": 5, "lead": 6}, 6) == {"the": 4, "of": 5}


def test_news_text_is_title_and_body() -> None:
    article = Article("Title", "body", has_body=True, keras_text="other", topics=())
    assert article.news_text == NewsText("body", title="Title")


def test_fingerprint_depends_on_ids_and_labels() -> None:
    words = [[4, 5], [6], [7, 8], [9], [10]]
    labels = np.arange(5)

    def fingerprint(words: list[list[int]], labels: np.ndarray, source: str = "a") -> str:
        return split_newswires(news(words, labels, source)).fingerprint()

    first = fingerprint(words, labels)
    assert fingerprint(words, labels, "b") == first
    assert fingerprint([*words[:4], [11]], labels) != first
    assert fingerprint(words, labels[::-1]) != first
    assert fingerprint([[4], [5, 6], [7, 8], [9], [10]], labels) != first


def test_splits() -> None:
    newswires = news([[4]] * 10, np.arange(10))
    by_date = split_newswires(newswires, None)
    assert by_date.split_seed is None
    assert list(by_date.train.labels) == list(range(8))
    assert list(by_date.test.labels) == [8, 9]
    assert [topic.training_newswires for topic in by_date.topics] == [1] * 8 + [0] * 2
    shuffled = split_newswires(newswires, 7)
    assert shuffled.split_seed == 7
    assert sorted([*shuffled.train.labels, *shuffled.test.labels]) == list(range(10))
    assert list(shuffled.train.labels) != list(split_newswires(newswires, 8).train.labels)
