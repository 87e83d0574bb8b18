"""What is learnt from: newswires whole and in parts, negatives, outliers, and written texts.

People send headlines and single sentences too. A classifier that has seen whole articles only is
sure of itself there and often wrong. And they send what has none of the topics: indexed newswires
without a topic stand for that (negatives), and the beginnings of newswires in which most words are
exchanged for words drawn from all newswires (outliers). Texts that were written for the project
bring the words of today, and words of the topics in another sense.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from service.model import NewsText
from service.model.tokenization import NEWS_TOKENIZER
from training.data.dataset import NO_TOPIC, Split
from training.data.reuters_expected import TOPIC_CODES
from training.data.views import first_sentence, keras_texts
from training.data.written_texts import WrittenText

NEWSWIRES_PER_OUTLIER: Final = 4
OUTLIER_WORDS: Final = (8, 80)
"""How many words an outlier has: minimum and maximum."""
KEPT_WORDS: Final = 0.35
"""Share of its words that are those of the newswire."""


class Kind(StrEnum):
    """What a training text is."""

    WHOLE = "whole"
    TITLE = "title"
    SENTENCE = "sentence"
    OUTLIER = "outlier"
    WRITTEN = "written"
    EVERYDAY = "everyday"


WEIGHTS: Final[Mapping[Kind, float]] = {
    Kind.WHOLE: 1.0,
    Kind.TITLE: 0.5,
    Kind.SENTENCE: 0.5,
    Kind.OUTLIER: 0.5,
    Kind.WRITTEN: 1.0,
    Kind.EVERYDAY: 3.0,
}
"""How much a text counts beside a whole newswire."""


class Example(NamedTuple):
    """A text to learn from."""

    text: NewsText
    group: int
    kind: Kind
    topics: tuple[str, ...]
    """Codes of its topics, the primary one first; empty if none fits."""


@dataclass(frozen=True, slots=True)
class TrainingTexts:
    """Texts to learn from.

    Attributes
    ----------
    texts : sequence of NewsText, of length n_texts
    groups : int64 array of shape (n_texts,)
        Texts of the same newswire have the same number.
    kinds : array of str of shape (n_texts,)
        A `Kind` each.
    labels : int64 array of shape (n_texts,)
        ``NO_TOPIC`` for a negative and for an outlier.
    any_topic : bool array of shape (n_texts, n_topics)
        Whether each topic is one of the topics of the text.
    """

    texts: Sequence[NewsText]
    groups: NDArray[np.int64]
    kinds: NDArray[np.str_]
    labels: NDArray[np.int64]
    any_topic: NDArray[np.bool_]

    @classmethod
    def of(cls, examples: Sequence[Example]) -> Self:
        """Return examples as arrays."""
        index = {code: number for number, code in enumerate(TOPIC_CODES)}
        any_topic = np.zeros((len(examples), len(TOPIC_CODES)), dtype=bool)
        for row, example in zip(any_topic, examples, strict=True):
            row[[index[code] for code in example.topics if code in index]] = True
        return cls(
            [example.text for example in examples],
            np.array([example.group for example in examples], dtype=np.int64),
            np.array([example.kind.value for example in examples]),
            np.array([index[item.topics[0]] if item.topics else NO_TOPIC for item in examples]),
            any_topic,
        )

    @property
    def weights(self) -> NDArray[np.float32]:
        """How much each text counts, float32 of shape (n_texts,)."""
        return np.array([WEIGHTS[Kind(kind)] for kind in self.kinds], dtype=np.float32)

    def weights_with(self, negative_factor: float) -> NDArray[np.floating]:
        """Return the weights, those of newswires without a topic multiplied by a factor."""
        factors = np.where(self.negative & ~self.written, negative_factor, 1.0)
        weights: NDArray[np.floating] = self.weights * factors
        return weights

    @property
    def primary_topic(self) -> NDArray[np.bool_]:
        """Whether each topic is the label of each text, bool of shape (n_texts, n_topics)."""
        primary: NDArray[np.bool_] = self.labels[:, np.newaxis] == np.arange(len(TOPIC_CODES))
        return primary

    @property
    def topical(self) -> NDArray[np.bool_]:
        """Whether each text has a topic, bool of shape (n_texts,)."""
        topical: NDArray[np.bool_] = self.labels != NO_TOPIC
        return topical

    @property
    def whole(self) -> NDArray[np.bool_]:
        """Whether each text is a whole newswire, bool of shape (n_texts,)."""
        whole: NDArray[np.bool_] = self.kinds == Kind.WHOLE
        return whole

    @property
    def written(self) -> NDArray[np.bool_]:
        """Whether each text was written for the project, bool of shape (n_texts,)."""
        return np.isin(self.kinds, [Kind.WRITTEN.value, Kind.EVERYDAY.value])

    @property
    def negative(self) -> NDArray[np.bool_]:
        """Whether each text has no topic and is no outlier, bool of shape (n_texts,)."""
        negative: NDArray[np.bool_] = ~self.topical & (self.kinds != Kind.OUTLIER)
        return negative

    def only(self, chosen: NDArray[np.bool_]) -> Self:
        """Return some of the texts; ``chosen`` is of shape (n_texts,)."""
        return type(self)(
            [self.texts[int(index)] for index in np.flatnonzero(chosen)],
            self.groups[chosen],
            self.kinds[chosen],
            self.labels[chosen],
            self.any_topic[chosen],
        )


def training_texts(
    train: Split,
    vocabulary: Mapping[str, int],
    *,
    seed: int,
    written: Sequence[WrittenText] = (),
) -> TrainingTexts:
    """Return every text to learn from; the newswires of the split come first, whole, in order.

    Parameters
    ----------
    train : Split
        Without articles, each newswire is what Keras has of it, and there are no parts.
    vocabulary : mapping of str to int
        Keras' word index, to read those words.
    seed : int
        Of the outliers.
    written : sequence of WrittenText
    """
    if train.articles is None:
        whole = keras_texts(train, vocabulary)
        topics: list[tuple[str, ...]] = [(TOPIC_CODES[label],) for label in train.labels]
    else:
        whole = [article.news_text for article in train.articles]
        # the first topic is the label, also where it is not among ours
        topics = [article.topics for article in train.articles]
    n_topical = len(whole)
    whole += [article.news_text for article in train.negatives]
    topics += [article.topics for article in train.negatives]
    newswires = list(zip(whole, topics, strict=True))
    examples = [Example(text, i, Kind.WHOLE, codes) for i, (text, codes) in enumerate(newswires)]
    for group, (text, codes) in enumerate(newswires):
        examples += [Example(part, group, kind, codes) for kind, part in parts_of(text).items()]
    examples += [
        Example(text, group, Kind.OUTLIER, ())
        for group, text in outliers(whole[:n_topical], seed=seed)
    ]
    examples += [
        Example(
            item.text,
            group,
            Kind.EVERYDAY if item.everyday else Kind.WRITTEN,
            item.topics,
        )
        for group, item in enumerate(written, len(newswires))
    ]
    return TrainingTexts.of(examples)


def parts_of(text: NewsText) -> dict[Kind, NewsText]:
    """Return the headline and the first sentence, where there is something besides them."""
    if not (text.title and text.text.strip()):
        return {}
    return {
        Kind.TITLE: NewsText(text.title),
        Kind.SENTENCE: NewsText(first_sentence(text.text)),
    }


def outliers(texts: Sequence[NewsText], *, seed: int) -> Iterator[tuple[int, NewsText]]:
    """Yield texts about nothing, each after the index of the text that it was made from.

    Notes
    -----
    D. Hendrycks et al., "Deep anomaly detection with outlier exposure", ICLR 2019.
    """
    generator = np.random.default_rng(seed)
    words = sorted({word for text in texts for word in NEWS_TOKENIZER.tokenize(text.text)})
    for index in range(0, len(texts), NEWSWIRES_PER_OUTLIER):
        length = generator.integers(*OUTLIER_WORDS, endpoint=True)
        kept = NEWS_TOKENIZER.tokenize(texts[index].text)[:length]
        drawn = generator.choice(words, len(kept))
        exchanged = generator.random(len(kept)) > KEPT_WORDS
        yield index, NewsText(" ".join(np.where(exchanged, drawn, kept)))
