"""From text to token ids: the one encoder that training and service share.

The rule is the one by which Keras made its Reuters set: lower-case, punctuation to blanks, split at
blanks, look each word up. Typographic punctuation, which the corpus of 1987 does not have, is
treated like its ASCII counterpart, so that text copied from a modern page finds the same words.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

PAD_ID: Final = 0
START_ID: Final = 1
UNKNOWN_ID: Final = 2
FIRST_WORD_ID: Final = 4
"""Keras adds 3 to a word's frequency rank, which starts at 1; so id 3 is never used."""

RULE: Final = "keras-reuters-1"
"""Name of this module's rule. A bundle records the rule it was trained with; others are refused."""

_SEPARATORS: Final = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~' + "“”„‟«»‹›‘‚‛‐‑‒–—―…•·¡¿′″"  # noqa: RUF001
_CLOSING_QUOTE: Final = re.compile(r"’(?!\w)")  # noqa: RUF001
_APOSTROPHES: Final = "’ʼ＇"  # noqa: RUF001
_INVISIBLE: Final = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_TRANSLATION: Final = str.maketrans(
    dict.fromkeys(_SEPARATORS, " ")
    | dict.fromkeys(_APOSTROPHES, "'")
    | dict.fromkeys(_INVISIBLE, None)
)


@dataclass(frozen=True, slots=True)
class EncodedText:
    """A text as the network reads it: each distinct token id once, with how often it occurs.

    Attributes
    ----------
    token_ids : int64 array of shape (n_distinct,)
        Ascending; ``START_ID`` is always among them.
    token_counts : float32 array of shape (n_distinct,)
        How often each id occurs, at least 1.
    n_words : int
        Words in the text.
    n_known_words : int
        Those of them that the vocabulary holds.
    """

    token_ids: NDArray[np.int64]
    token_counts: NDArray[np.float32]
    n_words: int
    n_known_words: int

    @property
    def known_words_ratio(self) -> float:
        """Share of the words that the vocabulary holds, 0 to 1; 0 for a text without words."""
        return self.n_known_words / self.n_words if self.n_words else 0.0


class _WordIds(dict[str, int]):
    """Word to id; a word that is not there has ``UNKNOWN_ID``."""

    def __missing__(self, word: str) -> int:
        return UNKNOWN_ID


class TextEncoder:
    """Turns text into token ids through a saved word index.

    Parameters
    ----------
    vocabulary : mapping of str to int
        Word to token id. Ids are ``FIRST_WORD_ID`` or more, each at most once.

    Raises
    ------
    ValueError
        If an id is reserved or stands for two words.

    Examples
    --------
    >>> encoder = TextEncoder({"oil": 4, "prices": 5})
    >>> encoder.token_ids("Oil prices: UP!")
    [1, 4, 5, 2]
    """

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        self._word_ids = _WordIds(vocabulary)
        self._words = {token_id: word for word, token_id in vocabulary.items()}
        if len(self._words) < len(self._word_ids):
            raise ValueError("vocabulary: expected an id of its own for each word, some ids repeat")
        if self._words and (lowest := min(self._words)) < FIRST_WORD_ID:
            raise ValueError(
                f"vocabulary: expected ids from {FIRST_WORD_ID}, got {lowest} "
                f"for {self._words[lowest]!r}"
            )

    def token_ids(self, text: str) -> list[int]:
        """Every token of a text in order, ``START_ID`` first: the form of the Keras data set.

        Returns
        -------
        list of int, of length 1 + n_words
        """
        return [START_ID, *map(self._word_ids.__getitem__, split_words(text))]

    def encode(self, text: str) -> EncodedText:
        """Encode a text for the network. Any str is accepted, also one without a word."""
        return count_tokens(self.token_ids(text))

    def decode(self, token_ids: Iterable[int]) -> str:
        """Give the words of token ids, separated by blanks; ``?`` where an id has no word."""
        return " ".join(self._words.get(token_id, "?") for token_id in token_ids)


def split_words(text: str) -> list[str]:
    """Lower-case a text, turn punctuation to blanks and split at white space."""
    if not text.isascii():
        text = _CLOSING_QUOTE.sub(" ", text)
    return text.lower().translate(_TRANSLATION).split()


def with_title(title: str | None, text: str) -> str:
    """Give the text that is classified: the title, if there is one, on a line before the text."""
    return f"{title}\n{text}" if title else text


def count_tokens(token_ids: Sequence[int]) -> EncodedText:
    """Count the tokens of a text that starts with ``START_ID``.

    Parameters
    ----------
    token_ids : sequence of int, of length 1 + n_words
        As from `TextEncoder.token_ids` or the Keras data set.
    """
    distinct, counts = np.unique(np.asarray(token_ids, dtype=np.int64), return_counts=True)
    n_words = len(token_ids) - 1
    n_unknown = int(counts[distinct == UNKNOWN_ID].sum())
    return EncodedText(distinct, counts.astype(np.float32), n_words, n_words - n_unknown)


def pad(texts: Sequence[EncodedText]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Stack encoded texts into the two inputs of the network.

    Returns
    -------
    token_ids : int64 array of shape (n_texts, longest)
        Filled up with ``PAD_ID``.
    token_counts : float32 array of shape (n_texts, longest)
        Filled up with 0, so that padding adds nothing to any sum.
    """
    longest = max(len(text.token_ids) for text in texts)
    token_ids = np.full((len(texts), longest), PAD_ID, dtype=np.int64)
    token_counts = np.zeros((len(texts), longest), dtype=np.float32)
    for row, text in enumerate(texts):
        token_ids[row, : len(text.token_ids)] = text.token_ids
        token_counts[row, : len(text.token_counts)] = text.token_counts
    return token_ids, token_counts
