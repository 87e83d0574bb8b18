import numpy as np
import pytest

from service.model import NewsText
from service.model.tokenization import NEWS_TOKENIZER
from training.data import Article, Dataset, Split
from training.data.dataset import NO_TOPIC
from training.data.reuters_expected import TOPIC_CODES
from training.data.views import first_sentence
from training.recipes.examples import (
    NEWSWIRES_PER_OUTLIER,
    Kind,
    parts_of,
    training_texts,
)
from training.recipes.reuters import WrittenText


def article(title: str, body: str, *topics: str) -> Article:
    return Article(title, body, has_body=bool(body), keras_text="other", topics=topics)


def first(split: Split, n_newswires: int = 2_000) -> Split:
    return split.select(np.arange(n_newswires), range(len(split.negatives)))


def test_training_texts_are_newswires_and_their_parts() -> None:
    articles = [
        article("OIL RISES", "Oil rose. It may fall.", "crude", "nat-gas"),
        article("WHEAT", "", "wheat"),
    ]
    negatives = [article("VISIT", "A minister arrived. He left.")]
    written = [
        WrittenText(NewsText("Natgas jumps"), ("nat-gas",)),
        WrittenText(NewsText("Hi"), (), everyday=True),
    ]
    labels = np.array([TOPIC_CODES.index("crude"), TOPIC_CODES.index("wheat")])
    split = Split([[1], [1]], labels, TOPIC_CODES, articles, negatives)
    everything = training_texts(split, {}, seed=0, written=written)
    texts = everything.only(everything.kinds != Kind.OUTLIER)
    assert texts.texts == [
        NewsText("Oil rose. It may fall.", "OIL RISES"),
        NewsText("", "WHEAT"),
        NewsText("A minister arrived. He left.", "VISIT"),
        NewsText("OIL RISES"),
        NewsText("Oil rose"),
        NewsText("VISIT"),
        NewsText("A minister arrived"),
        NewsText("Natgas jumps"),
        NewsText("Hi"),
    ]
    assert texts.groups.tolist() == [0, 1, 2, 0, 0, 2, 2, 3, 4]
    crude, wheat, gas = (TOPIC_CODES.index(code) for code in ("crude", "wheat", "nat-gas"))
    none = NO_TOPIC
    assert texts.labels.tolist() == [crude, wheat, none, crude, crude, none, none, gas, none]
    assert texts.weights().tolist() == [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 1, 3]
    assert texts.whole.tolist() == [True] * 3 + [False] * 6
    assert texts.negative.tolist() == (texts.labels == NO_TOPIC).tolist()
    of_oil = sorted([crude, gas])
    assert [np.flatnonzero(row).tolist() for row in texts.any_topic] == [
        *(of_oil, [wheat], [], of_oil, of_oil, [], [], [gas], [])
    ]
    parts = texts.only(~texts.whole)
    assert list(parts.texts) == list(texts.texts[3:])
    assert parts.groups.tolist() == [0, 0, 2, 2, 3, 4]


def test_without_articles_keras_texts_are_used(keras_dataset: Dataset) -> None:
    train = first(keras_dataset.train)
    everything = training_texts(train, keras_dataset.vocabulary, seed=0, written=())
    texts = everything.only(everything.labels != NO_TOPIC)
    assert texts.whole.all()
    assert len(texts.texts) == len(train.labels)
    assert (texts.any_topic.argmax(axis=1) == train.labels).all()
    assert (texts.any_topic.sum(axis=1) == 1).all()


def test_text_without_title_has_no_parts() -> None:
    assert parts_of(NewsText("Oil rose. It may fall.")) == {}


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


def test_outliers_have_no_topic(corpus_dataset: Dataset) -> None:
    train, vocabulary = first(corpus_dataset.train), corpus_dataset.vocabulary
    everything = training_texts(train, vocabulary, seed=0, written=())
    texts = everything.only(everything.kinds == Kind.OUTLIER)
    assert len(texts.texts) == -(-len(train.labels) // NEWSWIRES_PER_OUTLIER)
    assert not texts.primary_topic.any()
    assert not texts.any_topic.any()
    assert not texts.whole.any()
    assert not texts.negative.any()
    kept = [len(text.text.split()) for text in texts.texts]
    assert max(kept) == 80

    again = training_texts(train, vocabulary, seed=0, written=())
    assert again.texts == everything.texts
    assert training_texts(train, vocabulary, seed=1, written=()).texts != everything.texts


def test_outlier_keeps_share_of_words(corpus_dataset: Dataset) -> None:
    articles = corpus_dataset.train.articles
    everything = training_texts(corpus_dataset.train, corpus_dataset.vocabulary, seed=0, written=())
    texts = everything.only(everything.kinds == Kind.OUTLIER)
    shares = []
    for text, group in zip(texts.texts, texts.groups, strict=True):
        words = NEWS_TOKENIZER.tokenize(articles[group].body)
        own = [a == b for a, b in zip(NEWS_TOKENIZER.tokenize(text.text), words, strict=False)]
        shares += [sum(own) / len(own)] if own else []
    assert np.mean(shares) == pytest.approx(0.35, abs=0.02)


def test_negatives_are_of_training_split(corpus_dataset: Dataset) -> None:
    train = corpus_dataset.train
    texts = training_texts(train, corpus_dataset.vocabulary, seed=0, written=())
    learnt = texts.only(texts.negative & texts.whole)
    assert list(learnt.texts) == [item.news_text for item in train.negatives]
    assert (learnt.groups == len(train.labels) + np.arange(len(train.negatives))).all()
