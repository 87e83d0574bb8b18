"""Views of the newswires: the texts that a classifier is trained and measured on."""

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.model import Manifest, NewsText, TextEncoder
from service.model.encoder import join_title
from training.data.dataset import Article, Split, labels_of, topic_matrix

KERAS: Final = "keras"
ARTICLE: Final = "article"
NEGATIVES: Final = "negatives"
STREAM: Final = "stream"
HEADLINES: Final = "headlines"
FIRST_SENTENCES: Final = "first_sentences"
FORMER_NAMES: Final = {"keras_text": KERAS, "own_text": ARTICLE}  # in manifests of earlier bundles
_SENTENCE_END: Final = re.compile(r"(?<=[a-z)\"]{2})\.\s")


class KnownTopics(NamedTuple):
    """All topics of each article; the first is its label."""

    any_topic: NDArray[np.bool_]  # (n_texts, n_topics), whether an article has a topic
    single: NDArray[np.bool_]  # (n_texts,), whether it has one only, counting all topics


class View(NamedTuple):
    """Texts to measure on."""

    texts: Sequence[NewsText]
    labels: NDArray[np.int64]  # (n_texts,), NO_TOPIC for a text that no topic fits
    topics: KnownTopics | None = None  # None where only the labels are known


def views_of(split: Split, vocabulary: Mapping[str, int]) -> dict[str, View]:
    """Return every view of texts by name, only ``"keras"`` where the source holds no articles.

    ``"keras"``: the text that Keras took its words from, if it is another; ``"article"``: title
    and body; ``"negatives"``: the same of texts without a topic; ``"stream"``: both together, where
    there are negatives; ``"headlines"`` and ``"first_sentences"``: parts of both.
    """
    in_keras = keras_texts(split, vocabulary)
    if not split.articles:
        return {KERAS: View(in_keras, split.labels)}

    def view(articles: Sequence[Article], texts: Sequence[NewsText] | None = None) -> View:
        topics = [item.topics for item in articles]
        single = np.array([len(own) == 1 for own in topics])
        known = KnownTopics(topic_matrix(topics, split.topic_codes), single)
        texts = texts or [item.news_text for item in articles]
        return View(texts, labels_of(topics, split.topic_codes), known)

    stream = [*split.articles, *split.negatives]
    titled = [item for item in stream if item.title]
    with_body = [item for item in stream if item.body]
    on_one_line = [
        NewsText(" ".join(join_title(item.title, item.body).split())) for item in split.articles
    ]
    views = {} if in_keras == on_one_line else {KERAS: view(split.articles, in_keras)}
    views |= {
        ARTICLE: view(split.articles),
        NEGATIVES: view(split.negatives),
        STREAM: view(stream if split.negatives else []),
        HEADLINES: view(titled, [NewsText(item.title) for item in titled]),
        FIRST_SENTENCES: view(
            with_body, [NewsText(first_sentence(item.body)) for item in with_body]
        ),
    }
    return {name: view for name, view in views.items() if view.texts}


def scores_by_view(manifest: Manifest) -> dict[str, Mapping[str, float]]:
    """Return the scores in a bundle's manifest by the current names of the views."""
    return {FORMER_NAMES.get(name, name): scores for name, scores in manifest.scores.items()}


def keras_texts(split: Split, vocabulary: Mapping[str, int]) -> list[NewsText]:
    """Return Keras' texts, on one line: from the corpus, or decoded from the word ids."""
    if split.articles:
        return [NewsText(" ".join(item.keras_text.split())) for item in split.articles]
    encoder = TextEncoder(vocabulary)
    return [NewsText(encoder.decode(ids[1:])) for ids in split.token_ids]


def first_sentence(text: str) -> str:
    """Return a text up to the first full stop that ends a word, on one line."""
    return " ".join(_SENTENCE_END.split(text, maxsplit=1)[0].split())
