import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.model import NewsText
from service.model.token_counts import START_ID
from training.data.dataset import (
    NO_TOPIC,
    Article,
    Dataset,
    Split,
    labels_of,
    split_newswires,
    topic_matrix,
)


def news(words: list[list[int]], labels: np.ndarray) -> Split:
    return Split([[START_ID, *ids] for ids in words], labels, [str(label) for label in labels])


newswires = st.lists(st.lists(st.integers(4, 99), max_size=5), min_size=5, max_size=40)


@given(newswires)
def test_every_newswire_is_in_one_split(words: list[list[int]]) -> None:
    labels = np.arange(len(words))
    train, test = split_newswires(news(words, labels))
    assert sorted([*train.labels, *test.labels]) == list(labels)
    for split in (train, test):
        assert split.token_ids == [[START_ID, *words[label]] for label in split.labels]


def test_news_text_is_title_and_body() -> None:
    article = Article("Title", "body", has_body=True, keras_text="other", topics=())
    assert article.news_text == NewsText("body", title="Title")


def test_topics_as_arrays() -> None:
    topics = [("b", "a"), (), ("a", "other")]
    assert labels_of(topics, ["a", "b"]).tolist() == [1, NO_TOPIC, 0]
    assert topic_matrix(topics, ["a", "b"]).tolist() == [[True, True], [False] * 2, [True, False]]
    assert topic_matrix([], ["a", "b"]).shape == (0, 2)


def test_fingerprint_depends_on_ids_and_labels() -> None:
    words = [[4, 5], [6], [7, 8], [9], [10]]
    labels = np.arange(5)

    def fingerprint(words: list[list[int]], labels: np.ndarray, source: str = "a") -> str:
        train, test = split_newswires(news(words, labels))
        return Dataset("name", "description", source, {}, [], 113, train, test).fingerprint()

    first = fingerprint(words, labels)
    assert fingerprint(words, labels, "b") == first
    assert fingerprint([*words[:4], [11]], labels) != first
    assert fingerprint(words, labels[::-1]) != first
    assert fingerprint([[4], [5, 6], [7, 8], [9], [10]], labels) != first


def test_splits() -> None:
    newswires = news([[4]] * 10, np.arange(10))
    train, test = split_newswires(newswires, None)
    assert list(train.labels) == list(range(8))
    assert list(test.labels) == [8, 9]
    shuffled, rest = split_newswires(newswires, 7)
    assert sorted([*shuffled.labels, *rest.labels]) == list(range(10))
    assert list(shuffled.labels) != list(split_newswires(newswires, 8)[0].labels)


def test_selected_newswires_keep_their_articles() -> None:
    articles = [Article(f"{n}", "", has_body=False, keras_text="", topics=()) for n in range(4)]
    whole = Split([[1], [2], [3], [4]], np.arange(4), ["a"] * 4, articles, articles[::-1])
    part = whole.select(np.array([2, 0]), [1])
    assert part.token_ids == [[3], [1]]
    assert part.labels.tolist() == [2, 0]
    assert part.articles == [articles[2], articles[0]]
    assert part.negatives == [articles[2]]
    assert whole.select(np.array([1])).negatives == []
