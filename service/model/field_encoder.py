"""Encoders with fields: extra tokens for words in the title and in the lead.

Title and first sentences say what a newswire is about. A word there has a token of its own beside
its usual token. Numbers are distinguished by their length only.
"""

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from service.model.compiled_encoder import (
    OTHER_DIGIT,
    CompiledEncoder,
    EncoderOptions,
    load_library,
)
from service.model.encoder import TextEncoder, TokenChange
from service.model.token_counts import (
    FIRST_WORD_ID,
    MAX_NUMBERS,
    PAD_ID,
    UNKNOWN_ID,
    EncodedText,
    count,
)
from service.model.tokenization import NEWS_TOKENIZER, Tokenizer

LEAD_WORDS: Final = 40  # the lead: the first words after the title
MAX_TITLE_WORDS: Final = 25  # without a title, a first line of at most so many words is it

TITLE: Final = "title:"
LEAD: Final = "lead:"  # prefixes of vocabulary entries: no word has a colon
_NUMBERS: Final = ("", *(f"#{n_digits}" for n_digits in range(1, MAX_NUMBERS + 1)))
"""Vocabulary entries of numbers, by number of digits; no word has a number sign."""

Fields = tuple[list[str], list[str]]
"""The words of a title, and those after it."""


class FieldEncoder(TextEncoder):
    """Encodes text with a saved word index and tokens for title and lead.

    The vocabulary has words, ``title:word`` and ``lead:word`` of these words, and ``#1`` to ``#8``
    for numbers of so many digits. Raises ValueError as a `TextEncoder`, or if a token of a field
    has no word.

    >>> encoder = FieldEncoder({"oil": 4, "title:oil": 5, "rose": 6, "lead:rose": 7, "#2": 8})
    >>> encoder.token_ids("It rose 18", title="Oil")
    [1, 4, 2, 6, 8, 5, 7]
    """

    name: ClassVar[str] = "newswire-fields-1"
    _line_ends: ClassVar[str] = "\n"
    _possessive: ClassVar[str | None] = None
    """Ending without which an unknown word is looked up again."""
    _last_number_id = PAD_ID

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        super().__init__(vocabulary)
        self._field_ids = np.stack([_field_ids_by_word(vocabulary, each) for each in (TITLE, LEAD)])
        self._title_ids, self._lead_ids = self._field_ids
        self._number_ids = [vocabulary.get(name, UNKNOWN_ID) for name in _NUMBERS]
        self._word_ids = {word: i for word, i in vocabulary.items() if ":" not in word}
        for n_digits in (1, 2, 3):  # nearly all numbers
            numbers = (f"{number:0{n_digits}}" for number in range(10**n_digits))
            self._word_ids.update(dict.fromkeys(numbers, self._number_ids[n_digits]))
        self._compiled = self._load_compiled()

    def word_ids(self, words: Sequence[str]) -> NDArray[np.int64]:
        """Return the id of each word; numbers of the same length share an id."""
        ids = map(self._word_ids.get, words, repeat(UNKNOWN_ID))
        word_ids = np.fromiter(ids, np.int64, len(words))
        for place in (word_ids == UNKNOWN_ID).nonzero()[0].tolist():
            word = words[place]
            if word.isdecimal():
                word_ids[place] = self._number_ids[min(len(word), MAX_NUMBERS)]
            elif word[-2:] == self._possessive:
                word_ids[place] = self._word_ids.get(word[:-2], UNKNOWN_ID)
        return word_ids

    def encode(self, text: str, title: str | None = None) -> EncodedText:
        """Encode a text for the network. Any str is accepted, also one without a word."""
        if self._compiled is None:
            return self.encode_in_python(text, title)
        if self._is_plain(text) and (not title or self._is_plain(title)):
            title_utf8 = title.encode() if title else b""
            return self._compiled.encode(title_utf8, text.encode(), may_begin_with_title=True)
        title_words, body_words = map(self._join, self.split_fields(text, title))
        return self._compiled.encode(title_words, body_words, may_begin_with_title=False)

    def encode_in_python(self, text: str, title: str | None = None) -> EncodedText:
        """Encode a text in Python; the encoder in C must return the same."""
        title_words, body_words = self.split_fields(text, title)
        lead_begin = len(title_words)
        word_ids = self.word_ids(title_words + body_words)
        return count(
            word_ids,
            self._title_ids[word_ids[:lead_begin]],
            self._lead_ids[word_ids[lead_begin : lead_begin + LEAD_WORDS]],
            last_number_id=self._last_number_id,
        )

    def __reduce__(self) -> tuple[type["FieldEncoder"], tuple[Mapping[str, int]]]:
        """Pickle the vocabulary alone."""
        return type(self), (self.vocabulary,)

    def _load_compiled(self) -> CompiledEncoder | None:
        """Return the encoder in C, or None where it is not compiled."""
        library = load_library()
        if library is None:
            return None
        options = EncoderOptions(
            lead_words=LEAD_WORDS,
            max_title_words=MAX_TITLE_WORDS,
            last_number_id=self._last_number_id,
            splits_apostrophes=self.tokenizer.splits_apostrophes,
            drops_possessive=self._possessive is not None,
            ends_line_at_return="\r" in self._line_ends,
        )
        return CompiledEncoder(library, self._word_ids, self._field_ids, self._number_ids, options)

    def _is_plain(self, text: str) -> bool:
        """Whether a text is ASCII without entities, which C can tokenize."""
        return text.isascii() and not (";" in text and self.tokenizer.decodes_entities)

    def _join(self, words: Sequence[str]) -> bytes:
        """Return words in UTF-8 as `CompiledEncoder` expects them."""
        return b" ".join(
            OTHER_DIGIT * len(word)
            if word.isdecimal() and not word.isascii() and word not in self._word_ids
            else word.encode()
            for word in words
        )

    def token_changes(self, text: str, title: str | None = None) -> list[TokenChange]:
        """Return, for each word, how the tokens change without it; the title stays the title."""
        title_words, body_words = self.split_fields(text, title)
        word_ids = self.word_ids(title_words + body_words)
        lead_begin = len(title_words)
        lead_end = min(lead_begin + LEAD_WORDS, len(word_ids))
        field_ids = np.zeros_like(word_ids)  # PAD_ID is 0
        field_ids[:lead_begin] = self._title_ids[word_ids[:lead_begin]]
        field_ids[lead_begin:lead_end] = self._lead_ids[word_ids[lead_begin:lead_end]]
        follower_ids = np.zeros_like(word_ids)
        if lead_end < len(word_ids):
            follower_ids[lead_begin:lead_end] = self._lead_ids[word_ids[lead_end]]
        columns = (word_ids.tolist(), field_ids.tolist(), follower_ids.tolist())
        return list(map(TokenChange, *columns))

    @classmethod
    def split_fields(cls, text: str, title: str | None) -> Fields:
        """Return the words of the title and those after it.

        Without words in the title, the first line is the title unless it is too long.
        """
        tokenize = cls.tokenizer.tokenize
        title_words = tokenize(title) if title else []
        if title_words:
            return title_words, tokenize(text)
        text = text.lstrip()
        ends = [place for end in cls._line_ends if (place := text.find(end)) >= 0]
        first_end = min(ends, default=len(text))
        first_words = tokenize(text[:first_end])
        other_words = tokenize(text[first_end:])
        if len(first_words) <= MAX_TITLE_WORDS:
            return first_words, other_words
        return [], first_words + other_words

    @classmethod
    def field_words(cls, text: str, title: str | None) -> Fields:
        """Return `split_fields` with numbers as ``#1`` to ``#8``."""
        title_words, body_words = (
            [_NUMBERS[min(len(w), MAX_NUMBERS)] if w.isdecimal() else w for w in words]
            for words in cls.split_fields(text, title)
        )
        return title_words, body_words

    @classmethod
    def field_tokens(cls, text: str, title: str | None) -> list[str]:
        """Return the vocabulary entries of a text, known or not."""
        title_words, body_words = cls.field_words(text, title)
        return [
            *title_words,
            *body_words,
            *(f"{TITLE}{word}" for word in title_words),
            *(f"{LEAD}{word}" for word in body_words[:LEAD_WORDS]),
        ]


class NewsEncoder(FieldEncoder):
    """The `FieldEncoder` for text from the web.

    Uses `NewsTokenizer`, and every kind of line end ends the first line. An unknown word is looked
    up without ``'s``. Numbers count neither as known nor as unknown words, and must have the lowest
    ids of the vocabulary.
    """

    name: ClassVar[str] = "newswire-fields-2"
    tokenizer: ClassVar[Tokenizer] = NEWS_TOKENIZER
    _line_ends: ClassVar[str] = "\n\r\x85\u2028\u2029"
    _possessive: ClassVar[str | None] = "'s"

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        number_ids = sorted(vocabulary[name] for name in _NUMBERS if name in vocabulary)
        if number_ids != list(range(FIRST_WORD_ID, FIRST_WORD_ID + len(number_ids))):
            raise ValueError(
                f"vocabulary: expected ids from {FIRST_WORD_ID} for numbers, got {number_ids}"
            )
        self._last_number_id = FIRST_WORD_ID + len(number_ids) - 1
        super().__init__(vocabulary)


def _field_ids_by_word(vocabulary: Mapping[str, int], field: str) -> NDArray[np.int64]:
    """Return the token ids in a field by the token id of the word; ``PAD_ID`` for none."""
    beside = np.full(1 + max(vocabulary.values(), default=UNKNOWN_ID), PAD_ID)
    for token, token_id in vocabulary.items():
        if token.startswith(field):
            word = token.removeprefix(field)
            if word not in vocabulary:
                raise ValueError(f"vocabulary: expected {word!r} beside {token!r}, it is missing")
            beside[vocabulary[word]] = token_id
    return beside


def is_number(token: str) -> bool:
    """Whether a token of the vocabulary stands for numbers."""
    return token.startswith("#")
