"""What both sources of labelled newswires give: a train and a test split."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from service.model.encoder import START_ID, UNKNOWN_ID, NewsText

SPLIT_SEED: Final = 113
TRAIN_SHARE: Final = 1 - 0.2
NO_TOPIC: Final = -1
"""Label of a text of which no topic fits."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Article:
    """A newswire of the corpus."""

    title: str
    body: str
    """The article's own text: its body, or its inner text where it has no body."""
    has_body: bool
    """Whether the article has a body of its own."""
    keras_text: str
    """The text that Keras took its words from."""
    topics: tuple[str, ...]
    """Codes of all its topics; the first one is its label."""

    @property
    def news_text(self) -> NewsText:
        """What a client would send: the article's own title and body."""
        return NewsText(self.body, self.title)


@dataclass(frozen=True, slots=True)
class Split:
    """Labelled newswires.

    Attributes
    ----------
    token_ids : sequence of list of int, of length n_newswires
        Every token in order, ``START_ID`` first, no word left out.
    labels : int64 array of shape (n_newswires,)
        Class indices.
    articles : sequence of Article, of length n_newswires, or None
        None where the source holds no text.
    negatives : sequence of Article, of length n_negatives
        Indexed newswires of which no topic fits; empty where the source holds no text.
    """

    token_ids: Sequence[list[int]]
    labels: NDArray[np.int64]
    articles: Sequence[Article] | None = None
    negatives: Sequence[Article] = ()


@dataclass(frozen=True, slots=True)
class Newswires:
    """All newswires of one source, in the order of its files, which is that of their dates.

    Attributes
    ----------
    source : str
        ``"keras"`` or ``"reuters21578"``.
    vocabulary : mapping of str to int
        Token id of every word, which is its frequency rank (from 1) plus 3.
    words : sequence of list of int, of length n_newswires
        Ids of each newswire's words, without ``START_ID``.
    labels : int64 array of shape (n_newswires,)
    articles : sequence of Article, of length n_newswires, or None
        None where the source holds no text.
    negatives : sequence of Article
        Indexed newswires of which no topic fits; empty where the source holds no text.
    """

    source: str
    vocabulary: Mapping[str, int]
    words: Sequence[list[int]]
    labels: NDArray[np.int64]
    articles: Sequence[Article] | None = None
    negatives: Sequence[Article] = ()


@dataclass(frozen=True, slots=True)
class Dataset:
    """The Reuters newswires from one source, split.

    Attributes
    ----------
    source, vocabulary
        As in `Newswires`.
    split_seed : int or None
        Of the shuffle before the split; None if they were split by date.
    """

    source: str
    vocabulary: Mapping[str, int]
    split_seed: int | None
    train: Split
    test: Split

    def fingerprint(self) -> str:
        """SHA-256 of all token ids and labels in order.

        Both sources give the same one, if the ``keras`` files are those rebuilt from the corpus:
        Keras' own rank words of equal frequency in another order.
        """
        digest = hashlib.sha256()
        for split in (self.train, self.test):
            for ids in split.token_ids:
                digest.update(np.array([len(ids), *ids], dtype="<i4").tobytes())
            digest.update(split.labels.astype("<i4").tobytes())
        return digest.hexdigest()


def split_newswires(newswires: Newswires, seed: int | None = SPLIT_SEED) -> Dataset:
    """Put the newswires in an order, and cut off the last fifth to test on.

    Parameters
    ----------
    newswires : Newswires
    seed : int or None
        Of the shuffle: 113 is Keras' own. None leaves the newswires in the order of their dates,
        which is the honest forecast of use: trained on the past, tested on the future.

    Notes
    -----
    ``keras.datasets.reuters.load_data`` shuffles with NumPy's legacy generator and cuts once.
    """
    articles, negatives = newswires.articles, newswires.negatives

    def part(indices: NDArray[np.int64], negative_indices: NDArray[np.int64]) -> Split:
        return Split(
            [[START_ID, *newswires.words[index]] for index in indices],
            newswires.labels[indices],
            None if articles is None else [articles[index] for index in indices],
            [negatives[index] for index in negative_indices],
        )

    train, test = _cut(len(newswires.words), seed)
    negative_train, negative_test = _cut(len(negatives), seed)
    return Dataset(
        newswires.source,
        newswires.vocabulary,
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
