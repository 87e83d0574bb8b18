import numpy as np
import pytest

from service.model import NewsText
from service.model.words import split_words
from training.datasets import Article, Dataset, Split
from training.datasets.facts import LABELS
from training.recipes.examples import (
    NEWSWIRES_PER_OUTSIDER,
    NO_TOPIC,
    first_sentence,
    parts_of,
    training_texts,
)


def article(title: str, body: str, *topics: str) -> Article:
    return Article(title, body, has_body=bool(body), keras_text="other", topics=topics)


def test_each_newswire_is_learnt_whole_and_in_parts() -> None:
    articles = [
        article("OIL RISES", "Oil rose. It may fall.", "crude", "nat-gas"),
        article("WHEAT", "", "wheat"),
    ]
    labels = np.array([LABELS.index("crude"), LABELS.index("wheat")])
    everything = training_texts(Split([[1], [1]], labels, articles), {}, seed=0)
    texts = everything.only(everything.labels != NO_TOPIC)
    assert texts.texts == [
        NewsText("Oil rose. It may fall.", "OIL RISES"),
        NewsText("", "WHEAT"),
        NewsText("OIL RISES"),
        NewsText("Oil rose"),
    ]
    assert texts.newswires.tolist() == [0, 1, 0, 0]
    assert texts.labels.tolist() == labels[texts.newswires].tolist()
    assert texts.weights.tolist() == [1, 1, 0.5, 0.5]
    assert texts.whole.tolist() == [True, True, False, False]
    assert [np.flatnonzero(row).tolist() for row in texts.among] == [
        sorted([LABELS.index("crude"), LABELS.index("nat-gas")]),
        [LABELS.index("wheat")],
        *[sorted([LABELS.index("crude"), LABELS.index("nat-gas")])] * 2,
    ]
    parts = texts.only(~texts.whole)
    assert list(parts.texts) == list(texts.texts[2:])
    assert parts.newswires.tolist() == [0, 0]


def test_without_articles_only_what_keras_has(keras_dataset: Dataset) -> None:
    everything = training_texts(keras_dataset.train, keras_dataset.vocabulary, seed=0)
    texts = everything.only(everything.labels != NO_TOPIC)
    assert texts.whole.all()
    assert len(texts.texts) == len(keras_dataset.train.labels)
    assert (texts.among.argmax(axis=1) == keras_dataset.train.labels).all()
    assert (texts.among.sum(axis=1) == 1).all()


def test_a_text_without_title_has_no_parts() -> None:
    assert parts_of(NewsText("Oil rose. It may fall.")) == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Oil rose.\nIt may fall.", "Oil rose"),
        (
            "Oil rose 1.5 pct, U.S. officials\n said. It may fall.",
            "Oil rose 1.5 pct, U.S. officials said",
        ),
        ("Oil rose", "Oil rose"),
        ("", ""),
    ],
)
def test_first_sentence(text: str, sentence: str) -> None:
    assert first_sentence(text) == sentence


def test_outsiders_are_of_no_topic(corpus_dataset: Dataset) -> None:
    train, vocabulary = corpus_dataset.train, corpus_dataset.vocabulary
    everything = training_texts(train, vocabulary, seed=0)
    texts = everything.only(everything.labels == NO_TOPIC)
    assert len(texts.texts) == -(-len(train.labels) // NEWSWIRES_PER_OUTSIDER)
    assert not texts.first.any()
    assert not texts.among.any()
    assert not texts.whole.any()
    kept = [len(text.text.split()) for text in texts.texts]
    assert max(kept) == 80

    again = training_texts(train, vocabulary, seed=0)
    assert again.texts == everything.texts
    assert training_texts(train, vocabulary, seed=1).texts != everything.texts


def test_an_outsider_has_some_words_of_its_newswire(corpus_dataset: Dataset) -> None:
    articles = corpus_dataset.train.articles
    assert articles is not None
    texts = training_texts(corpus_dataset.train, corpus_dataset.vocabulary, seed=0)
    shares = []
    for index in np.flatnonzero(texts.labels == NO_TOPIC).tolist():
        words = split_words(articles[texts.newswires[index]].body)
        own = [a == b for a, b in zip(split_words(texts.texts[index].text), words, strict=False)]
        shares += [sum(own) / len(own)] if own else []
    assert np.mean(shares) == pytest.approx(0.35, abs=0.02)
