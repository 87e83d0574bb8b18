"""What is learnt from: each newswire whole, its headline, its first sentence, and outsiders.

People send headlines and single sentences too. A machine that has seen whole articles only is sure
of itself there and often wrong. And they send what is no news at all: outsiders stand for that, the
beginnings of newswires in which most words are exchanged for words drawn from all newswires. No
topic is theirs, so every machine learns to say no to them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from service.model import NewsText
from service.model.words import split_words
from training.datasets.facts import LABELS
from training.datasets.newswires import Split
from training.datasets.texts import keras_texts, known_topics

WHOLE_WEIGHT: Final = 1.0
PART_WEIGHT: Final = 0.5
"""How much a headline, a sentence or an outsider counts beside a whole newswire."""
NO_TOPIC: Final = -1
"""Label of an outsider."""
NEWSWIRES_PER_OUTSIDER: Final = 4
OUTSIDER_WORDS: Final = (8, 80)
"""How many words an outsider has, at the least and at the most."""
KEPT_WORDS: Final = 0.35
"""Share of its words that are those of the newswire."""

_SENTENCE_END: Final = re.compile(r"(?<=[a-z)\"]{2})\.\s")


@dataclass(frozen=True, slots=True)
class TrainingTexts:
    """Texts to learn from; several may be of the same newswire.

    Attributes
    ----------
    texts : sequence of NewsText, of length n_texts
    newswires : int64 array of shape (n_texts,)
        Which newswire each text is of: its place in the training split.
    labels : int64 array of shape (n_texts,)
        ``NO_TOPIC`` for an outsider.
    among : bool array of shape (n_texts, n_topics)
        Whether each topic is among those of the newswire.
    weights : float32 array of shape (n_texts,)
        How much each text counts: ``WHOLE_WEIGHT`` or ``PART_WEIGHT``.

    Notes
    -----
    Outsiders: D. Hendrycks et al., "Deep anomaly detection with outlier exposure", ICLR 2019.
    """

    texts: Sequence[NewsText]
    newswires: NDArray[np.int64]
    labels: NDArray[np.int64]
    among: NDArray[np.bool_]
    weights: NDArray[np.float32]

    @property
    def first(self) -> NDArray[np.bool_]:
        """Whether each topic is the label of each text, bool of shape (n_texts, n_topics)."""
        first: NDArray[np.bool_] = self.labels[:, np.newaxis] == np.arange(self.among.shape[1])
        return first

    @property
    def whole(self) -> NDArray[np.bool_]:
        """Whether each text is a whole newswire, bool of shape (n_texts,)."""
        whole: NDArray[np.bool_] = self.weights == WHOLE_WEIGHT
        return whole

    def only(self, chosen: NDArray[np.bool_]) -> Self:
        """Give some of the texts; ``chosen`` is of shape (n_texts,)."""
        return type(self)(
            [self.texts[int(index)] for index in np.flatnonzero(chosen)],
            self.newswires[chosen],
            self.labels[chosen],
            self.among[chosen],
            self.weights[chosen],
        )


def training_texts(train: Split, vocabulary: Mapping[str, int], *, seed: int) -> TrainingTexts:
    """Give each newswire in its forms, and outsiders; without articles, only what Keras has.

    Parameters
    ----------
    train : Split
    vocabulary : mapping of str to int
        Keras' word index, to read those words.
    seed : int
        Of the outsiders.
    """
    if train.articles is None:
        whole = keras_texts(train, vocabulary)
    else:
        whole = [article.own_text for article in train.articles]
    forms = [(text, index, WHOLE_WEIGHT) for index, text in enumerate(whole)]
    forms += [
        (part, index, PART_WEIGHT) for index, text in enumerate(whole) for part in parts_of(text)
    ]
    n_inside = len(forms)
    forms += [(text, index, PART_WEIGHT) for text, index in outsiders(whole, seed=seed)]
    texts, newswires, weights = zip(*forms, strict=True)
    chosen = np.array(newswires, dtype=np.int64)
    topics = known_topics(train, LABELS)
    among = np.eye(len(LABELS), dtype=bool)[train.labels] if topics is None else topics.among
    labels, among = train.labels[chosen], among[chosen]
    labels[n_inside:], among[n_inside:] = NO_TOPIC, False
    return TrainingTexts(texts, chosen, labels, among, np.array(weights, dtype=np.float32))


def parts_of(text: NewsText) -> list[NewsText]:
    """Give the headline and the first sentence, where there is something besides them."""
    if not (text.title and text.text.strip()):
        return []
    return [NewsText(text.title), NewsText(first_sentence(text.text))]


def first_sentence(text: str) -> str:
    """Give a text up to the first full stop that ends a word, on one line."""
    return " ".join(_SENTENCE_END.split(text, maxsplit=1)[0].split())


def outsiders(texts: Sequence[NewsText], *, seed: int) -> Iterator[tuple[NewsText, int]]:
    """Give texts about nothing, each with the index of the text that it was made from."""
    generator = np.random.default_rng(seed)
    words = sorted({word for text in texts for word in split_words(text.text)})
    for index in range(0, len(texts), NEWSWIRES_PER_OUTSIDER):
        length = generator.integers(*OUTSIDER_WORDS, endpoint=True)
        kept = split_words(texts[index].text)[:length]
        drawn = generator.choice(words, len(kept))
        exchanged = generator.random(len(kept)) > KEPT_WORDS
        yield NewsText(" ".join(np.where(exchanged, drawn, kept))), index
