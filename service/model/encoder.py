"""From text to token ids: the one encoder that training and service share.

`TextEncoder` has Keras' rule: each word of the text is a token. The encoders of other rules are its
subclasses; `service.model.encoders` lists them all.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.model.tokenization import KERAS_TOKENIZER, Tokenizer

PAD_ID: Final = 0
START_ID: Final = 1
UNKNOWN_ID: Final = 2
MAX_TOKEN_ID: Final = 1_000_000
"""Tables are as long as the highest id; no bundle has a tenth of this."""
FIRST_WORD_ID: Final = 4
"""Keras adds 3 to a word's frequency rank, which starts at 1; so id 3 is never used."""


@dataclass(frozen=True, slots=True)
class NewsText:
    """A text to classify; a title alone is enough."""

    text: str = ""
    title: str | None = None


def is_blank(text: str | None, title: str | None = None) -> bool:
    """Whether there is nothing to classify: neither text nor title is more than white space."""
    return (not text or text.isspace()) and (not title or title.isspace())


def describe_blank(text: str | None, title: str | None = None) -> str:
    """Return the error for what `is_blank`: what was expected, and what came."""
    came = "only white space" if text or title else "nothing"
    return f"expected a text or a title that is not only white space, got {came}"


class EncodedText(NamedTuple):
    """A text as the network reads it: each distinct token id once, with how often it occurs.

    Attributes
    ----------
    token_ids : int64 array of shape (n_distinct,)
        Ascending; so ``START_ID`` is the first.
    token_counts : float32 array of shape (n_distinct,)
        How often each id occurs, at least 1.
    n_words : int
        Words in the text.
    n_known_words : int
        Those of them that the vocabulary holds.
    n_numbers : int
        Those of them that are numbers, where a number counts neither as known nor as unknown.
    """

    token_ids: NDArray[np.int64]
    token_counts: NDArray[np.float32]
    n_words: int
    n_known_words: int
    n_numbers: int = 0

    @property
    def known_words_ratio(self) -> float:
        """Share of the words that the vocabulary holds, 0 to 1; 0 for a text without words."""
        n_words = self.n_words - self.n_numbers
        return self.n_known_words / n_words if n_words else 0.0


class TokenChange(NamedTuple):
    """What changes among the tokens of a text if a word is left out; ``PAD_ID`` is no token."""

    word_id: int
    """The token that the word is, which goes."""
    field_id: int
    """The token that it is besides, which goes with it."""
    follower_id: int
    """The token that comes, because what follows moves up."""


class WordIds(dict[str, int]):
    """Word to id; a word that is not there has ``UNKNOWN_ID``."""

    def __missing__(self, word: str) -> int:
        return UNKNOWN_ID


class TokenTable(dict[str, bytes]):
    """Word to the ids of all tokens that it is, as the bytes of an int64 array.

    Joined, those of a text are an array at once, which takes half the time of a list of numbers.

    Parameters
    ----------
    word_ids : WordIds
    field_ids : sequence of int
        By word id: the token that the word is besides, ``PAD_ID`` for none; or empty.
    """

    def __init__(self, word_ids: WordIds, field_ids: Sequence[int] = ()) -> None:
        self._word_ids = word_ids
        self._tokens = {word_id: _to_bytes(word_id) for word_id in {UNKNOWN_ID, *word_ids.values()}}
        for word_id in self._tokens if field_ids else ():
            if field_ids[word_id] != PAD_ID:
                self._tokens[word_id] += _to_bytes(field_ids[word_id])
        super().__init__({word: self._tokens[word_id] for word, word_id in word_ids.items()})

    def __missing__(self, word: str) -> bytes:
        return self._tokens[self._word_ids[word]]


class TextEncoder:
    """Turns text into token ids through a saved word index.

    Parameters
    ----------
    vocabulary : mapping of str to int
        Word to token id. Ids are ``FIRST_WORD_ID`` to ``MAX_TOKEN_ID``, each at most once.

    Raises
    ------
    ValueError
        If an id is reserved, too high, or stands for two words.

    Examples
    --------
    >>> encoder = TextEncoder({"oil": 4, "prices": 5})
    >>> encoder.token_ids("Oil prices: UP!")
    [1, 4, 5, 2]
    """

    rule: ClassVar[str] = "keras-reuters-1"
    """Name of the rule. A bundle records the one that it was trained with."""
    tokenizer: ClassVar[Tokenizer] = KERAS_TOKENIZER

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        self.vocabulary = vocabulary
        self._word_ids = self._index(vocabulary)
        self._words = {token_id: word for word, token_id in vocabulary.items()}
        if len(self._words) < len(vocabulary):
            raise ValueError("vocabulary: expected an id of its own for each word, some ids repeat")
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
        self._word_tokens = TokenTable(self._word_ids)

    def _index(self, vocabulary: Mapping[str, int]) -> WordIds:
        """Look up words as this rule does."""
        return WordIds(vocabulary)

    def token_ids(self, text: str, title: str | None = None) -> list[int]:
        """Every token of a text in order, ``START_ID`` first: the form of the Keras data set.

        Returns
        -------
        list of int
            With Keras' rule, of length 1 + n_words.
        """
        word_ids, field_ids = self._look_up(text, title)
        return [START_ID, *word_ids, *field_ids]

    def encode(self, text: str, title: str | None = None) -> EncodedText:
        """Encode a text for the network. Any str is accepted, also one without a word."""
        words = self.tokenizer.tokenize(with_title(title, text))
        return count(map(self._word_tokens.__getitem__, words), n_words=len(words))

    def _look_up(self, text: str, title: str | None) -> tuple[list[int], Iterable[int]]:
        """Ids of the words in order, those of the title first, and what they are besides."""
        words = self.tokenizer.tokenize(with_title(title, text))
        return list(map(self._word_ids.__getitem__, words)), ()

    def token_changes(self, text: str, title: str | None = None) -> list[TokenChange]:
        """Give what changes among the tokens of a text if one word is left out, word by word.

        Returns
        -------
        list of TokenChange, of length n_words
        """
        word_ids, _ = self._look_up(text, title)
        return [TokenChange(word_id, PAD_ID, PAD_ID) for word_id in word_ids]

    def decode(self, token_ids: Iterable[int]) -> str:
        """Give the words of token ids, separated by blanks; ``?`` where an id has no word."""
        return " ".join(self._words.get(token_id, "?") for token_id in token_ids)


def with_title(title: str | None, text: str) -> str:
    """Give one text: the title, if there is one, on a line before the text."""
    return f"{title}\n{text}" if title else text


def count_tokens(token_ids: Iterable[int], n_words: int) -> EncodedText:
    """Count the tokens of a text.

    Parameters
    ----------
    token_ids : iterable of int
        As from `TextEncoder.token_ids`: ``START_ID`` first, ``UNKNOWN_ID`` for each unknown word.
    n_words : int
        How many words the text has, known or not.
    """
    return count(map(_to_bytes, list(token_ids)[1:]), n_words)


def _to_bytes(token_id: int) -> bytes:
    return token_id.to_bytes(8, sys.byteorder)


_BEFORE_ALL: Final = _to_bytes(PAD_ID) + _to_bytes(START_ID)
_AFTER_ALL: Final = _to_bytes(2**63 - 1)
MAX_NUMBERS: Final = 8
"""How many tokens can stand for numbers."""
_MAX_LEADING_IDS: Final = 2 + MAX_NUMBERS
"""START_ID, UNKNOWN_ID and the ids of numbers come first among the ids of a text."""


def count(tokens: Iterable[bytes], n_words: int, last_number_id: int = PAD_ID) -> EncodedText:
    """Count tokens as a `TokenTable` has them: equal ones stand together once they are sorted.

    Parameters
    ----------
    tokens : iterable of bytes
    n_words : int
    last_number_id : int
        Words with ids from ``FIRST_WORD_ID`` to this one are numbers, which count neither as known
        nor as unknown.
    """
    joined = bytearray().join((_BEFORE_ALL, *tokens, _AFTER_ALL))
    sorted_ids = np.frombuffer(joined, np.int64)
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
    n_known = n_words - n_unknown - n_numbers
    return EncodedText(token_ids, token_counts, n_words, n_known, n_numbers)
