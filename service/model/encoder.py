"""Encodes text as token ids and counts, the same in training and service.

`TextEncoder` encodes as Keras does: each word is a token. Other encoders are its subclasses;
`service.model.bundle` lists them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.model.token_counts import (
    FIRST_WORD_ID,
    MAX_TOKEN_ID,
    PAD_ID,
    START_ID,
    UNKNOWN_ID,
    EncodedText,
    count,
)
from service.model.tokenization import KERAS_TOKENIZER, Tokenizer


@dataclass(frozen=True, slots=True)
class NewsText:
    """A text to classify: text, title or both."""

    text: str = ""
    title: str | None = None


def is_blank(text: str | None, title: str | None = None) -> bool:
    """Whether text and title are absent or only white space."""
    return (not text or text.isspace()) and (not title or title.isspace())


def describe_blank(text: str | None, title: str | None = None) -> str:
    """Return the error message for a blank text."""
    came = "only white space" if text or title else "nothing"
    return f"expected a text or a title that is not only white space, got {came}"


class TokenChange(NamedTuple):
    """How the tokens of a text change if a word is removed; ``PAD_ID`` stands for no token."""

    word_id: int
    """Removed: the word's token."""
    field_id: int
    """Removed: the word's token of a field."""
    follower_id: int
    """Added: the field token of the word that moves into the lead."""


class TextEncoder:
    """Encodes text with a saved word index.

    Parameters
    ----------
    vocabulary : mapping of str to int
        Word to token id: unique ids, ``FIRST_WORD_ID`` to ``MAX_TOKEN_ID``.

    Raises
    ------
    ValueError
        If an id is reserved, too high, or repeated.

    Examples
    --------
    >>> encoder = TextEncoder({"oil": 4, "prices": 5})
    >>> encoder.token_ids("Oil prices: UP!")
    [1, 4, 5, 2]
    """

    name: ClassVar[str] = "keras-reuters-1"
    """Name of the encoder in the manifest of a bundle."""
    tokenizer: ClassVar[Tokenizer] = KERAS_TOKENIZER

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        self.vocabulary = vocabulary
        self._words = {token_id: word for word, token_id in vocabulary.items()}
        if len(self._words) < len(vocabulary):
            raise ValueError("vocabulary: expected unique ids, some repeat")
        if self._words and (lowest := min(self._words)) < FIRST_WORD_ID:
            raise ValueError(
                f"vocabulary: expected ids from {FIRST_WORD_ID}, got {lowest} "
                f"for {self._words[lowest]!r}"
            )
        if self._words and (highest := max(self._words)) > MAX_TOKEN_ID:
            raise ValueError(
                f"vocabulary: expected ids up to {MAX_TOKEN_ID}, got {highest} "
                f"for {self._words[highest]!r}"
            )
        self._word_ids = dict(vocabulary)

    def word_ids(self, words: Sequence[str]) -> NDArray[np.int64]:
        """Return the id of each word, ``UNKNOWN_ID`` for unknown ones, of shape (n_words,)."""
        ids = map(self._word_ids.get, words, repeat(UNKNOWN_ID))
        return np.fromiter(ids, np.int64, len(words))

    def token_ids(self, text: str, title: str | None = None) -> list[int]:
        """Return every token of a text in order, ``START_ID`` first, as the Keras data set does."""
        changes = self.token_changes(text, title)
        field_ids = (change.field_id for change in changes if change.field_id != PAD_ID)
        return [START_ID, *(change.word_id for change in changes), *field_ids]

    def encode(self, text: str, title: str | None = None) -> EncodedText:
        """Encode a text for the network; it may have no words."""
        return count(self.word_ids(self.tokenizer.tokenize(join_title(title, text))))

    def token_changes(self, text: str, title: str | None = None) -> list[TokenChange]:
        """Return, for each word, how the tokens change without it."""
        words = self.tokenizer.tokenize(join_title(title, text))
        return [TokenChange(i, PAD_ID, PAD_ID) for i in self.word_ids(words).tolist()]

    def decode(self, token_ids: Iterable[int]) -> str:
        """Return the words of token ids, separated by blanks; ``?`` for an id without a word."""
        return " ".join(self._words.get(token_id, "?") for token_id in token_ids)


def join_title(title: str | None, text: str) -> str:
    """Return the text, with the title, if there is one, as its first line."""
    return f"{title}\n{text}" if title else text
