"""From text to token ids that tell where a word stands: in the title, in the lead, or anywhere.

The title of a newswire says what it is about, and its first sentences say it again. So a word there
is a token of its own, beside the token that it is anywhere. Numbers are told apart by their length
only: which amount it was says nothing about the topic, that there are amounts says a lot.
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar, Final

from service.model.encoding import START_ID, TextEncoder
from service.model.words import split_words

LEAD_WORDS: Final = 40
"""How many of the words after the title are the lead."""
LONGEST_TITLE: Final = 25
"""How many words the first line may have to stand for a title that is not given."""

TITLE: Final = "title:"
LEAD: Final = "lead:"
"""Before a word in the vocabulary: no word has a colon."""
_NUMBERS: Final = ("", *(f"#{n_digits}" for n_digits in range(1, 9)))
"""What numbers are called, by how many digits they have; no word has a number sign."""


class FieldEncoder(TextEncoder):
    """Turns text into token ids through a saved word index, a word in the title apart.

    Parameters
    ----------
    vocabulary : mapping of str to int
        Token to token id. Besides words it holds ``title:word``, ``lead:word`` and, for a number of
        so many digits, ``#1`` to ``#8``.

    Raises
    ------
    ValueError
        If an id is reserved or stands for two tokens.

    Examples
    --------
    >>> encoder = FieldEncoder({"oil": 4, "title:oil": 5, "lead:rose": 6, "#2": 7})
    >>> encoder.token_ids("It rose 18", title="Oil")
    [1, 4, 2, 2, 7, 5, 6]
    """

    rule: ClassVar[str] = "newswire-fields-1"

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        super().__init__(vocabulary)
        self._title_ids = _of_field(vocabulary, TITLE)
        self._lead_ids = _of_field(vocabulary, LEAD)

    def _tokenise(self, text: str, title: str | None) -> tuple[list[int], int]:
        title_words, body_words = field_words(text, title)
        words = [*title_words, *body_words]
        return [
            START_ID,
            *map(self._word_ids.__getitem__, words),
            *_known(self._title_ids, title_words),
            *_known(self._lead_ids, body_words[:LEAD_WORDS]),
        ], len(words)


def field_words(text: str, title: str | None) -> tuple[list[str], list[str]]:
    """Give the words of the title and those after it.

    Without a title, or with an empty one, the text's first line is the title, if it has at most
    ``LONGEST_TITLE`` words.
    """
    title_words = _words(title or "")
    if title_words:
        return title_words, _words(text)
    first_line, _, rest = text.lstrip().partition("\n")
    first_words = _words(first_line)
    if len(first_words) <= LONGEST_TITLE:
        return first_words, _words(rest)
    return [], [*first_words, *_words(rest)]


def field_tokens(text: str, title: str | None) -> list[str]:
    """Every token of a text as the vocabulary has it: what `FieldEncoder` looks up."""
    title_words, body_words = field_words(text, title)
    return [
        *title_words,
        *body_words,
        *(f"{TITLE}{word}" for word in title_words),
        *(f"{LEAD}{word}" for word in body_words[:LEAD_WORDS]),
    ]


def _words(text: str) -> list[str]:
    longest = len(_NUMBERS) - 1
    return [
        _NUMBERS[min(len(word), longest)] if word.isdecimal() else word
        for word in split_words(text)
    ]


def _of_field(vocabulary: Mapping[str, int], field: str) -> dict[str, int]:
    return {
        token.removeprefix(field): token_id
        for token, token_id in vocabulary.items()
        if token.startswith(field)
    }


def _known(ids: Mapping[str, int], words: Iterable[str]) -> Iterable[int]:
    return (ids[word] for word in words if word in ids)
