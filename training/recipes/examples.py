"""Training texts: newswires whole and in parts, negatives, outliers and written texts.

Clients send headlines and single sentences too, for which a classifier of whole articles is
overconfident: hence parts. Clients send texts of no topic: hence negatives and outliers. Written
texts have modern words, and words of the topics in other senses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import compress
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from service.model import NewsText
from service.model.tokenization import NEWS_TOKENIZER
from training.data.dataset import NO_TOPIC, Split, labels_of, topic_matrix
from training.data.views import first_sentence, keras_texts
from training.recipes.features import TokenCounts
from training.recipes.reuters import WrittenText, written_texts_for

NEWSWIRES_PER_OUTLIER: Final = 4
OUTLIER_WORDS: Final = (8, 80)  # minimum and maximum
KEPT_WORDS: Final = 0.35  # share of an outlier's words that are those of the newswire


class Kind(StrEnum):
    """Kinds of training texts."""

    WHOLE = "whole"
    TITLE = "title"
    SENTENCE = "sentence"
    OUTLIER = "outlier"
    WRITTEN = "written"
    EVERYDAY = "everyday"


# sample weights other than 1
WEIGHTS: Final = {Kind.TITLE: 0.5, Kind.SENTENCE: 0.5, Kind.OUTLIER: 0.5, Kind.EVERYDAY: 3.0}


class Example(NamedTuple):
    """A training text."""

    text: NewsText
    group: int
    kind: Kind
    topics: tuple[str, ...]  # codes, the primary one first; empty if none fits


@dataclass(frozen=True, slots=True)
class TrainingTexts:
    """Training texts as arrays."""

    texts: Sequence[NewsText]
    groups: NDArray[np.int64]  # (n_texts,), the same for all texts of a newswire
    kinds: NDArray[np.str_]  # (n_texts,), a `Kind` each
    labels: NDArray[np.int64]  # (n_texts,), NO_TOPIC for a negative and for an outlier
    any_topic: NDArray[np.bool_]  # (n_texts, n_topics), whether it is one of the text's topics
    counts: TokenCounts  # token counts of the texts

    @classmethod
    def of(cls, examples: Sequence[Example], topic_codes: Sequence[str]) -> Self:
        """Return examples as arrays; topics other than ``topic_codes`` are left out."""
        texts = [item.text for item in examples]
        topics = [item.topics for item in examples]
        return cls(
            texts,
            np.array([item.group for item in examples], dtype=np.int64),
            np.array([item.kind.value for item in examples]),
            labels_of(topics, topic_codes),
            topic_matrix(topics, topic_codes),
            TokenCounts.of(texts),
        )

    @property
    def primary_topic(self) -> NDArray[np.bool_]:
        """Whether each topic is the label of each text, of shape (n_texts, n_topics)."""
        return np.equal(self.labels[:, np.newaxis], np.arange(self.any_topic.shape[1]))

    @property
    def topical(self) -> NDArray[np.bool_]:
        """Whether each text has a topic, of shape (n_texts,)."""
        return np.not_equal(self.labels, NO_TOPIC)

    @property
    def whole(self) -> NDArray[np.bool_]:
        """Whether each text is a whole newswire, of shape (n_texts,)."""
        return self.of_kinds(Kind.WHOLE)

    @property
    def written(self) -> NDArray[np.bool_]:
        """Whether each text was written for the project, of shape (n_texts,)."""
        return self.of_kinds(Kind.WRITTEN, Kind.EVERYDAY)

    @property
    def negative(self) -> NDArray[np.bool_]:
        """Whether each text has no topic and is no outlier, of shape (n_texts,)."""
        return ~(self.topical | self.of_kinds(Kind.OUTLIER))

    def of_kinds(self, *kinds: Kind) -> NDArray[np.bool_]:
        """Return whether each text is of one of the kinds, of shape (n_texts,)."""
        return np.isin(self.kinds, [kind.value for kind in kinds])

    def weights(self, negative_factor: float = 1.0) -> NDArray[np.floating]:
        """Return sample weights, (n_texts,), those of newswires without a topic times a factor."""
        kinds, indices = np.unique(self.kinds, return_inverse=True)
        weights = np.array([WEIGHTS.get(Kind(kind), 1.0) for kind in kinds])[indices]
        return weights * np.where(self.negative & ~self.written, negative_factor, 1.0)

    def only(self, chosen: NDArray[np.bool_]) -> Self:
        """Return the texts where ``chosen``, of shape (n_texts,), is true."""
        return type(self)(
            list(compress(self.texts, chosen)),
            self.groups[chosen],
            self.kinds[chosen],
            self.labels[chosen],
            self.any_topic[chosen],
            self.counts.only(chosen),
        )


def training_texts(
    train: Split,
    vocabulary: Mapping[str, int],
    *,
    seed: int,
    written: Sequence[WrittenText] | None = None,
) -> TrainingTexts:
    """Return all training texts; the newswires of the split come first, whole, in order.

    Without articles, each newswire is its Keras text and has no parts. Written texts of None are
    those for the topics; those of other topics are left out. The seed is that of the outliers.
    """
    written = written_texts_for(train.topic_codes) if written is None else written
    if train.articles:
        whole = [(item.news_text, item.topics) for item in (*train.articles, *train.negatives)]
    else:
        topics = [(train.topic_codes[label],) for label in train.labels]
        whole = list(zip(keras_texts(train, vocabulary), topics, strict=True))
    drawn = outliers([text for text, _ in whole[: len(train.labels)]], seed=seed)
    examples = [Example(text, n, Kind.WHOLE, topics) for n, (text, topics) in enumerate(whole)]
    examples += [
        item._replace(text=part, kind=kind)
        for item in examples
        for kind, part in parts_of(item.text).items()
    ]
    examples += [Example(text, group, Kind.OUTLIER, ()) for group, text in drawn]
    usable = [item for item in written if {*train.topic_codes}.issuperset(item.topics[:1])]
    for group, item in enumerate(usable, len(whole)):
        kind = Kind.EVERYDAY if item.everyday else Kind.WRITTEN
        examples.append(Example(item.text, group, kind, item.topics))
    return TrainingTexts.of(examples, train.topic_codes)


def parts_of(text: NewsText) -> dict[Kind, NewsText]:
    """Return headline and first sentence of a text that has both title and body."""
    if not (text.title and text.text.strip()):
        return {}
    sentence = NewsText(first_sentence(text.text))
    return {Kind.TITLE: NewsText(text.title), Kind.SENTENCE: sentence}


def outliers(texts: Sequence[NewsText], *, seed: int) -> list[tuple[int, NewsText]]:
    """Return beginnings of texts with most words replaced by random ones, each after its index.

    D. Hendrycks et al., "Deep anomaly detection with outlier exposure", ICLR 2019.
    """
    generator = np.random.default_rng(seed)
    words = sorted({word for text in texts for word in NEWS_TOKENIZER.tokenize(text.text)})
    drawn = []
    for index in range(0, len(texts), NEWSWIRES_PER_OUTLIER):
        length = generator.integers(*OUTLIER_WORDS, endpoint=True)
        kept = NEWS_TOKENIZER.tokenize(texts[index].text)[:length]
        others = generator.choice(len(words), len(kept)) if kept else ()
        replaced = generator.random(len(kept)) > KEPT_WORDS
        triples = zip(replaced, others, kept, strict=True)
        mixed = [words[other] if replace else word for replace, other, word in triples]
        drawn.append((index, NewsText(" ".join(mixed))))
    return drawn
