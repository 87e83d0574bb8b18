"""What both sources of labelled newswires give: a train and a test split."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from service.model.encoding import START_ID, UNKNOWN_ID, with_title

SPLIT_SEED: Final = 113
TRAIN_SHARE: Final = 1 - 0.2

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

    @property
    def own_text(self) -> str:
        """What a client would send: the article's own title and body."""
        return with_title(self.title, self.body)


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
    """

    token_ids: Sequence[list[int]]
    labels: NDArray[np.int64]
    articles: Sequence[Article] | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """The Reuters newswires from one source.

    Attributes
    ----------
    source : str
        ``"keras"`` or ``"reuters21578"``.
    vocabulary : mapping of str to int
        Token id of every word, which is its frequency rank (from 1) plus 3.
    """

    source: str
    vocabulary: Mapping[str, int]
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


def make_dataset(
    source: str,
    vocabulary: Mapping[str, int],
    words: Sequence[list[int]],
    labels: NDArray[np.int64],
    articles: Sequence[Article] | None = None,
) -> Dataset:
    """Put newswires in Keras' shuffled order and split them as Keras does.

    Parameters
    ----------
    words : sequence of list of int, of length n_newswires
        Ids of each newswire's words, without ``START_ID``.
    labels : int64 array of shape (n_newswires,)

    Notes
    -----
    ``keras.datasets.reuters.load_data`` shuffles with NumPy's legacy generator and cuts once.
    """
    order = np.arange(len(words))
    np.random.RandomState(SPLIT_SEED).shuffle(order)
    cut = int(len(words) * TRAIN_SHARE)

    def split(indices: NDArray[np.int64]) -> Split:
        chosen = None if articles is None else [articles[index] for index in indices]
        return Split([[START_ID, *words[index]] for index in indices], labels[indices], chosen)

    return Dataset(source, vocabulary, split(order[:cut]), split(order[cut:]))


def limit_token_ids(token_ids: Sequence[int], num_words: int) -> list[int]:
    """Replace the ids of ``num_words`` and above by ``UNKNOWN_ID``, as Keras does."""
    return [token_id if token_id < num_words else UNKNOWN_ID for token_id in token_ids]


def limit_vocabulary(vocabulary: Mapping[str, int], num_words: int) -> dict[str, int]:
    """Keep the words whose ids are below ``num_words``."""
    return {word: token_id for word, token_id in vocabulary.items() if token_id < num_words}
