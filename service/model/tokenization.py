"""Splits text into lower-case words, by Unicode categories.

Words consist of letters, marks and numbers. Compatibility forms are folded (NFKC: ligatures,
full-width and styled letters), decomposed letters composed, and invisible characters (format
characters, variation selectors, emoji modifiers) dropped.
"""

import html
import re
import unicodedata
from collections.abc import Callable
from itertools import chain
from string import ascii_lowercase, ascii_uppercase
from typing import ClassVar, Final

_ASCII_SEPARATORS: Final = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~' + "".join(map(chr, (*range(32), 127)))
"""Keras' punctuation, and control characters, of which its texts have tab and newline only."""
_ASCII_TABLE: Final = bytes.maketrans(
    (ascii_uppercase + _ASCII_SEPARATORS).encode(),
    (ascii_lowercase + " " * len(_ASCII_SEPARATORS)).encode(),
)
_TYPOGRAPHIC_APOSTROPHES: Final = frozenset("’‘‛ʼ＇´′")  # noqa: RUF001
_INVISIBLE: Final = frozenset(
    chr(code)
    for code in chain(
        (0x34F,), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0), range(0x1F3FB, 0x1F400)
    )
)
"""Combining grapheme joiner, variation selectors, emoji modifiers: not in category Cf."""
_BLACK_LETTERS: Final = {  # letters in a black circle, and in a black square
    chr(first + place): letter
    for first in (0x1F150, 0x1F170)
    for place, letter in enumerate(ascii_uppercase)
}
_MAX_COMPOSED: Final = 100  # longer words are not composed
_MAX_REMEMBERED: Final = 2**16  # cached characters

_EDGE_APOSTROPHE: Final = re.compile(r"'(?:(?<![^\s']')|(?![^\s']))")
_EDGE_APOSTROPHE_ASCII: Final = re.compile(rb"'(?:(?<![a-z0-9]')|(?![a-z0-9]))")
"""An apostrophe without a letter or number on both sides."""
_EDGE_QUOTE: Final = re.compile("’(?:(?<![^\\s'’]’)|(?![^\\s'’]))")  # noqa: RUF001
_WORD: Final = re.compile(r"\S+")
_ENTITY: Final = re.compile(
    r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});"
    r"|(?:(?<=\w) (?=#39;s\b))?(?<!&)#(?:1\d\d|2[0-4]\d|25[0-5]|[3-9]\d);"
    r"|(?<![&\w])(?:amp|apos|gt|lt|nbsp|quot);"
)
"""An HTML entity, also without its ampersand as in many archives, and ``company #39;s``."""
_ENTITY_LEVELS: Final = 2  # ``&amp;#36;`` was escaped twice


class Tokenizer:
    """Splits text as Keras does: lower-case, punctuation to blanks, split at blanks.

    Text beyond ASCII, which Keras does not handle, is folded first.
    """

    splits_apostrophes: ClassVar[bool] = False
    """Whether an apostrophe separates words, unless it is between two letters or digits."""
    decodes_entities: ClassVar[bool] = False
    """Whether an HTML entity stands for its character."""

    def tokenize(self, text: str) -> list[str]:
        """Return the words of a text in order."""
        if text.isascii():  # bytes.translate takes a third of the time
            return text.encode().translate(_ASCII_TABLE).decode().split()
        return _compose(_mark_words(text.translate(_FOLDING)))

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Return start and end of each word of `tokenize`, in code points."""
        return _folded_spans(_align(text), _mark_words)


class NewsTokenizer(Tokenizer):
    """Splits text from the web: apostrophes only inside words, entities decoded."""

    splits_apostrophes: ClassVar[bool] = True
    decodes_entities: ClassVar[bool] = True

    def tokenize(self, text: str) -> list[str]:
        """Return the words of a text in order."""
        if ";" in text:
            for _ in range(_ENTITY_LEVELS):
                text = _ENTITY.sub(_decode_entity, text)
        if text.isascii():
            words = text.encode().translate(_ASCII_TABLE)
            if b"'" in words:
                words = _EDGE_APOSTROPHE_ASCII.sub(b" ", words)
            return words.decode().split()
        return _compose(_separate_apostrophes(text.translate(_FOLDING)))

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Return start and end of each word of `tokenize`, in code points."""
        aligned = _align(text)
        if ";" in text:  # the end of an entity
            for _ in range(_ENTITY_LEVELS):
                aligned = _decode_entities(aligned)
        return _folded_spans(aligned, _separate_apostrophes)


def _compose(folded: str) -> list[str]:
    """Return the words in lower case, composed unless long: the time is quadratic in marks."""
    return [
        (unicodedata.normalize("NFC", word) if len(word) <= _MAX_COMPOSED else word).lower()
        for word in folded.split()
    ]


def _mark_words(folded: str) -> str:
    """Separate words at typographic quotes; ASCII apostrophes belong to words."""
    return _EDGE_QUOTE.sub(" ", folded).replace("’", "'")  # noqa: RUF001


def _separate_apostrophes(folded: str) -> str:
    return _EDGE_APOSTROPHE.sub(" ", folded.replace("’", "'"))  # noqa: RUF001


def _decode_entity(match: re.Match[str]) -> str:
    return html.unescape("&" + match[0].lstrip(" &"))


class _Folding(dict[int, str]):
    """A table for `str.translate`, filled on demand.

    Letters, marks and numbers become their compatibility form, apostrophes U+2019, invisible
    characters nothing, and everything else a blank.
    """

    def __missing__(self, code: int) -> str:
        folded = _fold(chr(code))
        if len(self) < _MAX_REMEMBERED:
            self[code] = folded
        return folded


_FOLDING: Final = _Folding()


def _fold(character: str) -> str:
    if character == "'":
        return "'"
    if character in _TYPOGRAPHIC_APOSTROPHES:
        return "’"  # noqa: RUF001
    category = unicodedata.category(character)
    if category in ("Cf", "Me") or character in _INVISIBLE:
        return ""
    form = _compatibility_form(character)
    if not all(unicodedata.category(part)[0] in "LMN" for part in form):
        return " "
    if category[0] in "LM" or category in ("Nd", "Nl"):
        return form
    if category == "No":  # a footnote number is not part of a word
        return f" {form} "
    is_styled_letter = category == "So" and len(form) == 1 and form != character
    return form if is_styled_letter else " "


def _compatibility_form(character: str) -> str:
    """Return the NFKC form; or the letter in a black circle or square, which have none."""
    form = unicodedata.normalize("NFKC", character)
    number = unicodedata.digit(character, None)
    if number is not None:
        return str(number) if form == character and not character.isdecimal() else form
    return _BLACK_LETTERS.get(character, form)


_Aligned = list[tuple[str, int, int]]
"""The characters of a rewritten text, each with its start and end in the original."""


def _align(text: str) -> _Aligned:
    return [(character, place, place + 1) for place, character in enumerate(text)]


def _decode_entities(aligned: _Aligned) -> _Aligned:
    decoded: _Aligned = []
    at = 0
    for match in _ENTITY.finditer("".join(character for character, _, _ in aligned)):
        start, end = aligned[match.start()][1], aligned[match.end() - 1][2]
        decoded += aligned[at : match.start()]
        decoded += [(character, start, end) for character in _decode_entity(match)]
        at = match.end()
    return decoded + aligned[at:]


def _folded_spans(aligned: _Aligned, separate: Callable[[str], str]) -> list[tuple[int, int]]:
    """Fold a text and return the span of each word; composing would not move their borders."""
    folded = [
        (part, start, end) for character, start, end in aligned for part in _FOLDING[ord(character)]
    ]
    text = separate("".join(part for part, _, _ in folded))
    words = (match.span() for match in _WORD.finditer(text))
    return [(folded[first][1], folded[end - 1][2]) for first, end in words]


KERAS_TOKENIZER: Final = Tokenizer()
NEWS_TOKENIZER: Final = NewsTokenizer()
