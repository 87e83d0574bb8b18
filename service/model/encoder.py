"""From text to token ids and counts: the encoder that training and service share.

`TextEncoder` encodes as Keras does: each word is a token. Other encoders are its subclasses;
`service.model.bundle` lists them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import ClassVar, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.model.tokenization import KERAS_TOKENIZER, Tokenizer

PAD_ID: Final = 0
START_ID: Final = 1
UNKNOWN_ID: Final = 2
MAX_TOKEN_ID: Final = 1_000_000
"""Tables have this length at most; no released bundle needs a tenth of it."""
FIRST_WORD_ID: Final = 4
"""Keras adds 3 to the frequency rank, which starts at 1: id 3 is never used."""


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


class EncodedText(NamedTuple):
    """A text as the network reads it: a bag of tokens."""

    token_ids: NDArray[np.int64]
    """Shape (n_distinct,): distinct and ascending, so ``START_ID`` is the first."""
    token_counts: NDArray[np.float32]
    """Shape (n_distinct,): how often each id occurs, at least 1."""
    n_words: int
    n_known_words: int
    """Words in the vocabulary."""
    n_numbers: int
    """Words that are numbers, if these count neither as known nor as unknown."""
    known_words_ratio: float
    """Share of the words, without numbers, in the vocabulary, 0 to 1; 0 if there are none."""


class TokenChange(NamedTuple):
    """How the tokens of a text change without a word; ``PAD_ID`` stands for no token."""

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
    """In the manifest of a bundle."""
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


def encode_token_ids(token_ids: Sequence[int]) -> EncodedText:
    """Encode token ids as from `TextEncoder.token_ids`; each counts as a word."""
    return count(np.array(token_ids[1:], np.int64))


_EVERY_TEXT: Final = np.array([PAD_ID, START_ID, np.iinfo(np.int64).max])
"""What comes first and last when sorted."""
MAX_NUMBERS: Final = 8
"""Tokens that stand for numbers."""
_MAX_LEADING_IDS: Final = 2 + MAX_NUMBERS
"""START_ID, UNKNOWN_ID and the ids of numbers come first."""


def count(
    word_ids: NDArray[np.int64], *field_ids: NDArray[np.int64], last_number_id: int = PAD_ID
) -> EncodedText:
    """Sort and count the tokens of a text.

    Parameters
    ----------
    word_ids : int64 array of shape (n_words,)
    field_ids : int64 arrays
        Tokens of fields; ``PAD_ID`` stands for none.
    last_number_id : int
        Words with ids from ``FIRST_WORD_ID`` to this one are numbers.
    """
    sorted_ids = np.concatenate((_EVERY_TEXT, word_ids, *field_ids))
    sorted_ids.sort()
    (ends,) = (sorted_ids[1:] != sorted_ids[:-1]).nonzero()  # the last of each id, PAD_ID's first
    token_ids = sorted_ids[ends[1:]]
    token_counts = (ends[1:] - ends[:-1]).astype(np.float32)
    n_unknown = n_numbers = 0
    for place, token_id in enumerate(token_ids[:_MAX_LEADING_IDS].tolist()):
        if token_id == UNKNOWN_ID:
            n_unknown = int(token_counts[place])
        elif FIRST_WORD_ID <= token_id <= last_number_id:
            n_numbers += int(token_counts[place])
    n_words = len(word_ids)
    n_known = n_words - n_unknown - n_numbers
    ratio = n_known / (n_known + n_unknown) if n_words > n_numbers else 0.0
    return EncodedText(token_ids, token_counts, n_words, n_known, n_numbers, ratio)
