"""Labelled newswires, split into a training part and a test part."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.model import Topic
from service.model.encoder import START_ID, UNKNOWN_ID, NewsText

SPLIT_SEED: Final = 113
TRAIN_SHARE: Final = 1 - 0.2
NO_TOPIC: Final = -1
"""Label of a text of which no topic fits."""


@dataclass(frozen=True, slots=True)
class Article:
    """A newswire with its text."""

    title: str
    body: str
    """Its inner text where it has no body."""
    has_body: bool
    keras_text: str
    """The text that Keras took its words from."""
    topics: tuple[str, ...]
    """Codes of all its topics; the first one is its label."""

    @property
    def news_text(self) -> NewsText:
        """What a client would send: title and body."""
        return NewsText(self.body, self.title)


@dataclass(frozen=True, slots=True)
class Split:
    """Labelled newswires.

    Attributes
    ----------
    token_ids : sequence of list of int, of length n_newswires
        Every token in order, ``START_ID`` first.
    labels : int64 array of shape (n_newswires,)
        Class indices, which are indices of ``topic_codes``.
    topic_codes : sequence of str, of length n_topics
    articles : sequence of Article, of length n_newswires, or None
        None where the source holds no text.
    negatives : sequence of Article, of length n_negatives
        Indexed newswires of which no topic fits; empty where the source holds no text.
    """

    token_ids: Sequence[list[int]]
    labels: NDArray[np.int64]
    topic_codes: Sequence[str]
    articles: Sequence[Article] | None = None
    negatives: Sequence[Article] = ()


@dataclass(frozen=True, slots=True)
class Newswires:
    """All newswires of a source, in the order of their dates.

    Attributes
    ----------
    name : str
        Name of the bundles that are trained on them.
    description : str
        Of the newswires, for the model card.
    source : str
        The reader that they come from.
    vocabulary : mapping of str to int
        Token id of every word, which is its frequency rank (from 1) plus 3.
    words : sequence of list of int, of length n_newswires
        Ids of each newswire's words, without ``START_ID``.
    labels : int64 array of shape (n_newswires,)
    topics : sequence of Topic, of length n_topics
    articles, negatives
        As in `Split`.
    """

    name: str
    description: str
    source: str
    vocabulary: Mapping[str, int]
    words: Sequence[list[int]]
    labels: NDArray[np.int64]
    topics: Sequence[Topic]
    articles: Sequence[Article] | None = None
    negatives: Sequence[Article] = ()


@dataclass(frozen=True, slots=True)
class Dataset:
    """Newswires, split.

    Attributes
    ----------
    name, description, source, vocabulary
        As in `Newswires`.
    topics : sequence of Topic, of length n_topics
        With the number of their training newswires.
    split_seed : int or None
        Of the shuffle before the split; None if they were split by date.
    """

    name: str
    description: str
    source: str
    vocabulary: Mapping[str, int]
    topics: Sequence[Topic]
    split_seed: int | None
    train: Split
    test: Split

    @property
    def topic_codes(self) -> Sequence[str]:
        """Codes of the topics in the order of their class indices."""
        return self.train.topic_codes

    def fingerprint(self) -> str:
        """SHA-256 of all token ids and labels in order.

        Both sources have the same one, if the ``keras`` files are those rebuilt from the corpus:
        Keras' own rank words of equal frequency in another order.
        """
        digest = hashlib.sha256()
        for split in (self.train, self.test):
            for ids in split.token_ids:
                digest.update(np.array([len(ids), *ids], dtype="<i4").tobytes())
            digest.update(split.labels.astype("<i4").tobytes())
        return digest.hexdigest()


def split_newswires(newswires: Newswires, seed: int | None = SPLIT_SEED) -> Dataset:
    """Shuffle the newswires and cut off the last fifth to test on.

    Parameters
    ----------
    seed : int or None
        113 is Keras' own. None keeps the order of the dates, which is the honest forecast of use:
        trained on the past, tested on the future.

    Notes
    -----
    ``keras.datasets.reuters.load_data`` shuffles with NumPy's legacy generator and cuts once.
    """
    articles, negatives = newswires.articles, newswires.negatives
    codes = [topic.code for topic in newswires.topics]

    def part(indices: NDArray[np.int64], negative_indices: NDArray[np.int64]) -> Split:
        return Split(
            [[START_ID, *newswires.words[index]] for index in indices],
            newswires.labels[indices],
            codes,
            None if articles is None else [articles[index] for index in indices],
            [negatives[index] for index in negative_indices],
        )

    train, test = _cut(len(newswires.words), seed)
    negative_train, negative_test = _cut(len(negatives), seed)
    counts = np.bincount(newswires.labels[train], minlength=len(codes)).tolist()
    return Dataset(
        newswires.name,
        newswires.description,
        newswires.source,
        newswires.vocabulary,
        [replace(topic, training_newswires=counts[topic.id]) for topic in newswires.topics],
        seed,
        part(train, negative_train),
        part(test, negative_test),
    )


def _cut(n: int, seed: int | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices of the training part and of the test part, int64 arrays."""
    order = np.arange(n)
    if seed is not None:
        np.random.RandomState(seed).shuffle(order)
    cut = int(n * TRAIN_SHARE)
    return order[:cut], order[cut:]


def limit_token_ids(token_ids: Sequence[int], num_words: int) -> list[int]:
    """Replace the ids of ``num_words`` and above by ``UNKNOWN_ID``, as Keras does."""
    return [token_id if token_id < num_words else UNKNOWN_ID for token_id in token_ids]


def limit_vocabulary(vocabulary: Mapping[str, int], num_words: int) -> dict[str, int]:
    """Keep the words whose ids are below ``num_words``."""
    return {word: token_id for word, token_id in vocabulary.items() if token_id < num_words}
