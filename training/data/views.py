"""Views of the newswires: the texts that a classifier is trained and measured on."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from service.model import Manifest, NewsText, TextEncoder
from training.data.dataset import NO_TOPIC, Article, Dataset, Split

KERAS: Final = "keras"
ARTICLE: Final = "article"
NEGATIVES: Final = "negatives"
STREAM: Final = "stream"
HEADLINES: Final = "headlines"
FIRST_SENTENCES: Final = "first_sentences"
FORMER_NAMES: Final = {"keras_text": KERAS, "own_text": ARTICLE}
"""Names of views in the manifests of earlier bundles."""

_SENTENCE_END: Final = re.compile(r"(?<=[a-z)\"]{2})\.\s")


@dataclass(frozen=True, slots=True)
class KnownTopics:
    """All topics of each article, of which its label is the first.

    Attributes
    ----------
    any_topic : bool array of shape (n_texts, n_topics)
        Whether an article has a topic.
    single : bool array of shape (n_texts,)
        Whether it has one topic only, counting those that are not classified.
    """

    any_topic: NDArray[np.bool_]
    single: NDArray[np.bool_]

    @classmethod
    def of(cls, articles: Sequence[Article], codes: Sequence[str]) -> Self:
        """Look up the topics of articles."""
        return cls(
            any_topic=np.array([[code in item.topics for code in codes] for item in articles]),
            single=np.array([len(item.topics) == 1 for item in articles]),
        )


@dataclass(frozen=True, slots=True)
class View:
    """Texts to measure on.

    Attributes
    ----------
    texts : sequence of NewsText, of length n_texts
    labels : int64 array of shape (n_texts,)
        ``NO_TOPIC`` for a text of which no topic fits.
    topics : KnownTopics or None
        None where only the labels are known.
    """

    texts: Sequence[NewsText]
    labels: NDArray[np.int64]
    topics: KnownTopics | None


def known_topics(split: Split) -> KnownTopics | None:
    """Look up all topics of each article; None where the source has only the labels."""
    return None if split.articles is None else KnownTopics.of(split.articles, split.topic_codes)


def views_of_test(dataset: Dataset) -> dict[str, View]:
    """Return every view of the test newswires by name.

    Returns
    -------
    dict of str to View
        ``"keras"``. Where the source holds the articles also ``"article"``: title and body;
        ``"negatives"``: the same of indexed newswires without a topic; ``"stream"``: both, as they
        came over the wire; ``"headlines"`` and ``"first_sentences"``: parts of the stream.
    """
    test, codes = dataset.test, dataset.topic_codes
    texts = keras_texts(test, dataset.vocabulary)
    views = {KERAS: View(texts, test.labels, known_topics(test))}
    if test.articles is None:
        return views
    index = {code: number for number, code in enumerate(codes)}

    def view(articles: Sequence[Article], texts: Sequence[NewsText]) -> View:
        labels = [index[item.topics[0]] if item.topics else NO_TOPIC for item in articles]
        return View(texts, np.array(labels, dtype=np.int64), KnownTopics.of(articles, codes))

    stream = [*test.articles, *test.negatives]
    for name, articles in {
        ARTICLE: test.articles,
        NEGATIVES: test.negatives,
        STREAM: stream,
    }.items():
        if articles:
            views[name] = view(articles, [article.news_text for article in articles])
    titled = [article for article in stream if article.title]
    views[HEADLINES] = view(titled, [NewsText(article.title) for article in titled])
    with_body = [article for article in stream if article.body]
    sentences = [NewsText(first_sentence(article.body)) for article in with_body]
    views[FIRST_SENTENCES] = view(with_body, sentences)
    return views


def scores_by_view(manifest: Manifest) -> dict[str, Mapping[str, float]]:
    """Return the scores in a bundle's manifest by the current names of the views."""
    return {FORMER_NAMES.get(name, name): scores for name, scores in manifest.scores.items()}


def texts_by_view(split: Split, vocabulary: Mapping[str, int]) -> dict[str, list[NewsText]]:
    """Return the texts of a split by view: ``"keras"``, and ``"article"`` if there is text."""
    texts = {KERAS: keras_texts(split, vocabulary)}
    if split.articles is not None:
        texts[ARTICLE] = [item.news_text for item in split.articles]
    return texts


def keras_texts(split: Split, vocabulary: Mapping[str, int]) -> list[NewsText]:
    """Return Keras' texts, on one line: from the corpus, or decoded from the word ids."""
    if split.articles is not None:
        return [NewsText(" ".join(item.keras_text.split())) for item in split.articles]
    encoder = TextEncoder(vocabulary)
    return [NewsText(encoder.decode(ids[1:])) for ids in split.token_ids]


def first_sentence(text: str) -> str:
    """Return a text up to the first full stop that ends a word, on one line."""
    return " ".join(_SENTENCE_END.split(text, maxsplit=1)[0].split())
