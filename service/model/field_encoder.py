"""From text to token ids that tell where a word stands: in the title, in the lead, or anywhere.

The title of a newswire says what it is about, and its first sentences say it again. So a word there
is a token of its own, beside the token that it is anywhere. Numbers are told apart by their length
only: which amount it was says nothing about the topic, that there are amounts says a lot.
"""

from collections.abc import Iterable, Mapping
from itertools import chain, repeat
from typing import ClassVar, Final

from service.model.encoder import (
    FIRST_WORD_ID,
    MAX_NUMBERS,
    PAD_ID,
    UNKNOWN_ID,
    EncodedText,
    TextEncoder,
    TokenChange,
    TokenTable,
    WordIds,
    count,
)
from service.model.tokenization import NEWS_TOKENIZER, Tokenizer

LEAD_WORDS: Final = 40
"""How many of the words after the title are the lead."""
LONGEST_TITLE: Final = 25
"""How many words the first line may have to stand for a title that is not given."""

FREQUENT_DIGITS: Final = 3
"""Nearly all numbers have at most so many digits."""

TITLE: Final = "title:"
LEAD: Final = "lead:"
"""Before a word in the vocabulary: no word has a colon."""
_NUMBERS: Final = ("", *(f"#{n_digits}" for n_digits in range(1, MAX_NUMBERS + 1)))
"""What numbers are called, by how many digits they have; no word has a number sign."""
_LONGEST_NUMBER: Final = len(_NUMBERS) - 1


class FieldEncoder(TextEncoder):
    """Turns text into token ids through a saved word index, a word in the title apart.

    Parameters
    ----------
    vocabulary : mapping of str to int
        Token to token id. Besides words it holds ``title:word``, ``lead:word`` and, for a number of
        so many digits, ``#1`` to ``#8``; ``title:word`` and ``lead:word`` for its words only.

    Raises
    ------
    ValueError
        If an id is reserved or stands for two tokens, or if a token of a field has no word.

    Examples
    --------
    >>> encoder = FieldEncoder({"oil": 4, "title:oil": 5, "rose": 6, "lead:rose": 7, "#2": 8})
    >>> encoder.token_ids("It rose 18", title="Oil")
    [1, 4, 2, 6, 8, 5, 7]
    """

    rule: ClassVar[str] = "newswire-fields-1"
    _line_ends: ClassVar[str] = "\n"
    _last_number_id = PAD_ID

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        super().__init__(vocabulary)
        self._title_ids = _beside_words(vocabulary, TITLE)
        self._lead_ids = _beside_words(vocabulary, LEAD)
        self._title_tokens = TokenTable(self._word_ids, self._title_ids)
        self._lead_tokens = TokenTable(self._word_ids, self._lead_ids)

    def _index(self, vocabulary: Mapping[str, int]) -> WordIds:
        return _WordAndNumberIds(vocabulary)

    def encode(self, text: str, title: str | None = None) -> EncodedText:
        """Encode a text for the network. Any str is accepted, also one without a word."""
        title_words, body_words = self.split_fields(text, title)
        tokens = chain(
            map(self._title_tokens.__getitem__, title_words),
            map(self._lead_tokens.__getitem__, body_words[:LEAD_WORDS]),
            map(self._word_tokens.__getitem__, body_words[LEAD_WORDS:]),
        )
        return count(tokens, len(title_words) + len(body_words), self._last_number_id)

    def _look_up(self, text: str, title: str | None) -> tuple[list[int], Iterable[int]]:
        title_words, body_words = self.split_fields(text, title)
        n_title = len(title_words)
        word_ids = list(map(self._word_ids.__getitem__, title_words + body_words))
        title_ids = map(self._title_ids.__getitem__, word_ids[:n_title])
        lead_ids = map(self._lead_ids.__getitem__, word_ids[n_title : n_title + LEAD_WORDS])
        return word_ids, filter(None, chain(title_ids, lead_ids))

    def token_changes(self, text: str, title: str | None = None) -> list[TokenChange]:
        """As for any encoder. The title stays the title, whichever of its words is left out."""
        title_words, body_words = self.split_fields(text, title)
        n_title = len(title_words)
        word_ids = list(map(self._word_ids.__getitem__, title_words + body_words))
        after_lead = word_ids[n_title + LEAD_WORDS : n_title + LEAD_WORDS + 1]
        moving_up = self._lead_ids[after_lead[0]] if after_lead else PAD_ID
        field_ids = chain(
            map(self._title_ids.__getitem__, word_ids[:n_title]),
            map(self._lead_ids.__getitem__, word_ids[n_title : n_title + LEAD_WORDS]),
            repeat(PAD_ID),
        )
        follower_ids = chain(repeat(PAD_ID, n_title), repeat(moving_up, LEAD_WORDS), repeat(PAD_ID))
        return list(map(TokenChange, word_ids, field_ids, follower_ids))

    @classmethod
    def split_fields(cls, text: str, title: str | None) -> tuple[list[str], list[str]]:
        """Return the words of the title and those after it.

        Without a title, or with one without words, the text's first line is the title, if it has at
        most ``LONGEST_TITLE`` words.
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
        if len(first_words) <= LONGEST_TITLE:
            return first_words, other_words
        return [], first_words + other_words

    @classmethod
    def field_words(cls, text: str, title: str | None) -> tuple[list[str], list[str]]:
        """Return the same as `split_fields`, with numbers by their length only."""
        title_words, body_words = cls.split_fields(text, title)
        return _name_numbers(title_words), _name_numbers(body_words)

    @classmethod
    def field_tokens(cls, text: str, title: str | None) -> list[str]:
        """Return every token of a text as the vocabulary has it: what the encoder looks up."""
        title_words, body_words = cls.field_words(text, title)
        return [
            *title_words,
            *body_words,
            *(f"{TITLE}{word}" for word in title_words),
            *(f"{LEAD}{word}" for word in body_words[:LEAD_WORDS]),
        ]


class NewsEncoder(FieldEncoder):
    """Turns text as people have it into token ids: the `FieldEncoder` of today.

    Apostrophes stand only inside words, entities are decoded, and every line end ends the first
    line. A word that is not known is looked up without ``'s``. Numbers count neither as known words
    nor as unknown ones.

    Parameters
    ----------
    vocabulary : mapping of str to int
        As of a `FieldEncoder`; the numbers have the lowest ids.

    Raises
    ------
    ValueError
        As of a `FieldEncoder`, or if the numbers have other ids.

    Examples
    --------
    >>> encoder = NewsEncoder({"#2": 4, "oil": 5, "title:oil": 6, "rose": 7})
    >>> encoder.token_ids("It rose 18", title="Oil's “price”")
    [1, 5, 2, 2, 7, 4, 6]
    >>> encoder.encode("1987 18").known_words_ratio
    0.0
    """

    rule: ClassVar[str] = "newswire-fields-2"
    tokenizer: ClassVar[Tokenizer] = NEWS_TOKENIZER
    _line_ends: ClassVar[str] = "\n\r\x85\u2028\u2029"

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        super().__init__(vocabulary)
        number_ids = sorted(vocabulary[name] for name in _NUMBERS if name in vocabulary)
        if number_ids != list(range(FIRST_WORD_ID, FIRST_WORD_ID + len(number_ids))):
            raise ValueError(
                f"vocabulary: expected ids from {FIRST_WORD_ID} for numbers, got {number_ids}"
            )
        self._last_number_id = FIRST_WORD_ID + len(number_ids) - 1

    def _index(self, vocabulary: Mapping[str, int]) -> WordIds:
        return _NewsWordIds(vocabulary)


class _WordAndNumberIds(WordIds):
    """Word to id, and number to the id of all numbers of its length."""

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        super().__init__({word: i for word, i in vocabulary.items() if ":" not in word})
        self._number_ids = [vocabulary.get(name, UNKNOWN_ID) for name in _NUMBERS]
        for n_digits in range(1, FREQUENT_DIGITS + 1):  # found without a call of __missing__
            numbers = (f"{number:0{n_digits}}" for number in range(10**n_digits))
            self.update(dict.fromkeys(numbers, self._number_ids[n_digits]))

    def __missing__(self, word: str) -> int:
        if word.isdecimal():
            return self._number_ids[min(len(word), _LONGEST_NUMBER)]
        return UNKNOWN_ID


class _NewsWordIds(_WordAndNumberIds):
    """The same; a word that is not there has the id of the word without ``'s``."""

    def __missing__(self, word: str) -> int:
        if word[-2:] == "'s":
            return self.get(word[:-2], UNKNOWN_ID)
        if word.isdecimal():
            return self._number_ids[min(len(word), _LONGEST_NUMBER)]
        return UNKNOWN_ID


def _beside_words(vocabulary: Mapping[str, int], field: str) -> list[int]:
    """Give, for each token id of a word, the id of that word in a field; 0 where there is none."""
    beside = [0] * (1 + max(vocabulary.values(), default=UNKNOWN_ID))
    for token, token_id in vocabulary.items():
        if token.startswith(field):
            word = token.removeprefix(field)
            if word not in vocabulary:
                raise ValueError(f"vocabulary: expected {word!r} beside {token!r}, it is not there")
            beside[vocabulary[word]] = token_id
    return beside


def is_number(token: str) -> bool:
    """Whether a token of the vocabulary stands for numbers."""
    return token.startswith("#")


def _name_numbers(words: list[str]) -> list[str]:
    return [
        _NUMBERS[min(len(word), _LONGEST_NUMBER)] if word.isdecimal() else word for word in words
    ]
