"""Labelled newswires, split into a training part and a test part."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.model import NewsText, NewswireError, Topic

SPLIT_SEED: Final = 113
MAX_SEED: Final = 2**32 - 1  # the highest that numpy and scikit-learn take
TRAIN_SHARE: Final = 1 - 0.2
NO_TOPIC: Final = -1  # label of a text that no topic fits
FILES: Final = "files"  # source of a data set with texts of the user's own


class DataError(NewswireError):
    """A data set is missing, incomplete or altered; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class Article:
    """A newswire with its text."""

    title: str
    body: str  # or the whole text of an article without a body
    topics: tuple[str, ...]  # codes of all of them; the first one is its label
    keras_text: str  # text that Keras took its words from
    has_body: bool = True
    file: str = ""  # file of the user that it was read from
    line: int = 0

    @property
    def news_text(self) -> NewsText:
        """Title and body, as a client would send them."""
        return NewsText(self.body, self.title)


def labels_of(topics: Iterable[Sequence[str]], codes: Sequence[str]) -> NDArray[np.int64]:
    """Return the class index of the first topic of each text, (n_texts,), or `NO_TOPIC`."""
    index = {code: number for number, code in enumerate(codes)}
    return np.array([index[own[0]] if own else NO_TOPIC for own in topics], dtype=np.int64)


def topic_matrix(topics: Sequence[Sequence[str]], codes: Sequence[str]) -> NDArray[np.bool_]:
    """Return whether each text has each topic, (n_texts, n_topics); other topics are left out."""
    index = {code: number for number, code in enumerate(codes)}
    matrix = np.zeros((len(topics), len(codes)), dtype=bool)
    for row, own in zip(matrix, topics, strict=True):
        row[[index[code] for code in own if code in index]] = True
    return matrix


@dataclass(frozen=True, slots=True)
class Split:
    """Labelled newswires; without articles and negatives where the source holds no text."""

    token_ids: Sequence[Sequence[int]]  # every token in order, START_ID first
    labels: NDArray[np.int64]  # (n_newswires,), indices of topic_codes
    topic_codes: Sequence[str]
    articles: Sequence[Article] = ()
    negatives: Sequence[Article] = ()  # newswires that were indexed and have no topic

    def select(self, chosen: NDArray[np.int64], negatives: Iterable[int] = ()) -> "Split":
        """Return the newswires and the negatives at some indices."""
        return Split(
            [self.token_ids[index] for index in chosen],
            self.labels[chosen],
            self.topic_codes,
            [self.articles[index] for index in chosen] if self.articles else (),
            [self.negatives[index] for index in negatives],
        )


@dataclass(frozen=True, slots=True)
class Dataset:
    """Newswires in a training part and a test part."""

    name: str  # name of bundles trained on it
    description: str  # phrase for the model card
    source: str  # a `Source` or `FILES`
    vocabulary: Mapping[str, int]  # token id of every word: its frequency rank (from 1) plus 3
    topics: Sequence[Topic]
    split_seed: int | None  # seed of the shuffle before the split; None without one
    train: Split
    test: Split

    @property
    def topic_codes(self) -> Sequence[str]:
        """Codes of the topics in the order of their class indices."""
        return self.train.topic_codes

    def fingerprint(self) -> str:
        """SHA-256 of token ids and labels in order; for files also of topics and negatives."""
        digest = hashlib.sha256()
        for split in (self.train, self.test):
            for ids in split.token_ids:
                digest.update(len(ids).to_bytes(4, "little"))
                digest.update(np.asarray(ids, dtype="<i4").tobytes())
            digest.update(split.labels.astype("<i4").tobytes())
            if self.source == FILES:
                articles = (*split.articles, *split.negatives)
                texts = [(item.title, item.body, item.topics) for item in split.negatives]
                topics = [item.topics for item in articles]
                digest.update(repr((split.topic_codes, topics, texts)).encode())
        return digest.hexdigest()


def split_newswires(newswires: Split, seed: int | None = SPLIT_SEED) -> tuple[Split, Split]:
    """Shuffle newswires, which are in the order of their dates, and cut off a fifth for testing.

    A seed of 113 splits as ``keras.datasets.reuters.load_data``, which shuffles with NumPy's legacy
    generator. None keeps the order: training on the past, testing on the future.
    """
    train, test = _cut(len(newswires.labels), seed)
    negative_train, negative_test = _cut(len(newswires.negatives), seed)
    return newswires.select(train, negative_train), newswires.select(test, negative_test)


def _cut(n: int, seed: int | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = np.arange(n)
    if seed is not None:
        np.random.RandomState(seed).shuffle(order)
    cut = int(n * TRAIN_SHARE)
    return order[:cut], order[cut:]
