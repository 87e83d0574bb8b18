"""From text to token ids that tell where a word stands: in the title, in the lead, or anywhere.

The title of a newswire says what it is about, and its first sentences say it again. So a word there
is a token of its own, beside the token that it is anywhere. Numbers are told apart by their length
only: which amount it was says nothing about the topic, that there are amounts says a lot.
"""

from collections.abc import Iterable, Mapping
from itertools import chain, repeat
from typing import ClassVar, Final

from service.model.encoding import (
    PAD_ID,
    UNKNOWN_ID,
    EncodedText,
    TextEncoder,
    TokenChange,
    TokenTable,
    WordIds,
    count,
)
from service.model.steps import in_steps
from service.model.tokenization import tokenize

LEAD_WORDS: Final = 40
"""How many of the words after the title are the lead."""
LONGEST_TITLE: Final = 25
"""How many words the first line may have to stand for a title that is not given."""

FREQUENT_DIGITS: Final = 3
"""Nearly all numbers have at most so many digits."""

TITLE: Final = "title:"
LEAD: Final = "lead:"
"""Before a word in the vocabulary: no word has a colon."""
_NUMBERS: Final = ("", *(f"#{n_digits}" for n_digits in range(1, 9)))
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
        title_words, body_words = _split_fields(text, title)
        tokens = chain(
            map(self._title_tokens.__getitem__, title_words),
            map(self._lead_tokens.__getitem__, body_words[:LEAD_WORDS]),
            map(self._word_tokens.__getitem__, body_words[LEAD_WORDS:]),
        )
        return count(tokens, n_words=len(title_words) + len(body_words))

    def _look_up(self, text: str, title: str | None) -> tuple[list[int], Iterable[int]]:
        title_words, body_words = _split_fields(text, title)
        n_title = len(title_words)
        word_ids = list(map(self._word_ids.__getitem__, title_words + body_words))
        title_ids = map(self._title_ids.__getitem__, word_ids[:n_title])
        lead_ids = map(self._lead_ids.__getitem__, word_ids[n_title : n_title + LEAD_WORDS])
        return word_ids, filter(None, chain(title_ids, lead_ids))

    def token_changes(self, text: str, title: str | None = None) -> list[TokenChange]:
        """As for any encoder. The title stays the title, whichever of its words is left out."""
        title_words, body_words = _split_fields(text, title)
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


class _WordAndNumberIds(WordIds):
    """Word to id, and number to the id of all numbers of its length."""

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        super().__init__({word: i for word, i in in_steps(vocabulary.items()) if ":" not in word})
        self._number_ids = [vocabulary.get(name, UNKNOWN_ID) for name in _NUMBERS]
        for n_digits in range(1, FREQUENT_DIGITS + 1):  # found without a call of __missing__
            numbers = (f"{number:0{n_digits}}" for number in range(10**n_digits))
            self.update(dict.fromkeys(numbers, self._number_ids[n_digits]))

    def __missing__(self, word: str) -> int:
        if word.isdecimal():
            return self._number_ids[min(len(word), _LONGEST_NUMBER)]
        return UNKNOWN_ID


def _beside_words(vocabulary: Mapping[str, int], field: str) -> list[int]:
    """Give, for each token id of a word, the id of that word in a field; 0 where there is none."""
    beside = [0] * (1 + max(vocabulary.values(), default=UNKNOWN_ID))
    for token, token_id in in_steps(vocabulary.items()):
        if token.startswith(field):
            word = token.removeprefix(field)
            if word not in vocabulary:
                raise ValueError(f"vocabulary: expected {word!r} beside {token!r}, it is not there")
            beside[vocabulary[word]] = token_id
    return beside


def field_words(text: str, title: str | None) -> tuple[list[str], list[str]]:
    """Give the words of the title and those after it, numbers by their length only.

    Without a title, or with an empty one, the text's first line is the title, if it has at most
    ``LONGEST_TITLE`` words.
    """
    title_words, body_words = _split_fields(text, title)
    return _name_numbers(title_words), _name_numbers(body_words)


def field_tokens(text: str, title: str | None) -> list[str]:
    """Every token of a text as the vocabulary has it: what `FieldEncoder` looks up."""
    title_words, body_words = field_words(text, title)
    return [
        *title_words,
        *body_words,
        *(f"{TITLE}{word}" for word in title_words),
        *(f"{LEAD}{word}" for word in body_words[:LEAD_WORDS]),
    ]


def _split_fields(text: str, title: str | None) -> tuple[list[str], list[str]]:
    title_words = tokenize(title) if title else []
    if title_words:
        return title_words, tokenize(text)
    first_line, _, rest = text.lstrip().partition("\n")
    first_words = tokenize(first_line)
    other_words = tokenize(rest) if rest else []
    if len(first_words) <= LONGEST_TITLE:
        return first_words, other_words
    return [], first_words + other_words


def _name_numbers(words: list[str]) -> list[str]:
    return [
        _NUMBERS[min(len(word), _LONGEST_NUMBER)] if word.isdecimal() else word for word in words
    ]
