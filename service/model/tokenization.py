"""From text to tokens: words in lower case, by Unicode categories.

Letters, marks and numbers make words; everything else separates them. Compatibility forms are
folded (NFKC: ligatures, full-width and styled letters), decomposed letters are composed, and what
is not seen (format characters, variation selectors, emoji modifiers) is dropped.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterable
from itertools import chain
from string import ascii_lowercase, ascii_uppercase
from typing import Final, NamedTuple

_ASCII_SEPARATORS: Final = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~' + "".join(map(chr, (*range(32), 127)))
"""Keras' punctuation, and control characters, of which Keras' texts have tab and newline only."""
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
"""Combining grapheme joiner, variation selectors and emoji modifiers: no format characters."""
_BLACK_LETTERS: Final = (0x1F150, 0x1F170)
"""The letters A in a black circle and in a black square; the others follow in order."""
_MAX_COMPOSED: Final = 100
"""Characters of the longest word whose letters are composed."""
_MAX_REMEMBERED: Final = 2**16
"""Characters of which a `_Folding` remembers what becomes of them."""

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
"""An HTML entity; or, as many archives have it, a common one without its ampersand.

Some archives have a blank before it: ``company #39;s``.
"""
_ENTITY_LEVELS: Final = 2
"""``&amp;#36;`` was escaped twice."""


class Tokenizer:
    """Splits text into words by Keras' rule: lower-case, punctuation to blanks, split at blanks.

    Keras knows ASCII. Text beyond it is folded first, so that typography changes no word.
    """

    def tokenize(self, text: str) -> list[str]:
        """Return the words of a text in order. Any str is accepted."""
        if text.isascii():  # bytes are translated in a third of the time
            return text.encode().translate(_ASCII_TABLE).decode().split()
        return _compose(_mark_words(text.translate(_FOLDING)))

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Return start and end of each word in a text, in code points, in the order of `tokenize`.

        ``tokenize(text[start:end])`` is that word alone. The time is linear in the text, and some
        10 times that of `tokenize`.
        """
        if text.isascii():
            words = text.encode().translate(_ASCII_TABLE).decode()
            return [match.span() for match in _WORD.finditer(words)]
        return _Aligned.of(text).folded().spans(_mark_words)


class NewsTokenizer(Tokenizer):
    """Splits text into words as people have it: apostrophes only inside words, entities decoded."""

    def tokenize(self, text: str) -> list[str]:
        """Return the words of a text in order. Any str is accepted."""
        if ";" in text and ("#" in text or "&" in text or "quot;" in text):
            for _ in range(_ENTITY_LEVELS):
                text = _ENTITY.sub(_decode_entity, text)
        if text.isascii():
            words = text.encode().translate(_ASCII_TABLE)
            if b"'" in words:
                words = _EDGE_APOSTROPHE_ASCII.sub(b" ", words)
            return words.decode().split()
        return _compose(_separate_apostrophes(text.translate(_FOLDING)))

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Return start and end of each word in a text; as for any tokenizer."""
        aligned = _Aligned.of(text)
        for _ in range(_ENTITY_LEVELS):
            aligned = aligned.rewritten(_ENTITY, _decode_entity)
        return aligned.folded().spans(_separate_apostrophes)


def _compose(folded: str) -> list[str]:
    """Return the words with their letters composed, in lower case.

    Composing takes time that is quadratic in a run of marks, so long words are not composed.
    """
    return [
        (unicodedata.normalize("NFC", word) if len(word) <= _MAX_COMPOSED else word).lower()
        for word in folded.split()
    ]


def _mark_words(folded: str) -> str:
    """Separate words at a typographic quote; an ASCII apostrophe is part of any word."""
    return _EDGE_QUOTE.sub(" ", folded).replace("’", "'")  # noqa: RUF001


def _separate_apostrophes(folded: str) -> str:
    return _EDGE_APOSTROPHE.sub(" ", folded.replace("’", "'"))  # noqa: RUF001


def _decode_entity(match: re.Match[str]) -> str:
    return html.unescape("&" + match[0].lstrip(" &"))


class _Folding(dict[int, str]):
    """Code point to what becomes of it, filled as characters are met; a table for `str.translate`.

    A letter, mark or number becomes its compatibility form, an apostrophe U+2019, what is not seen
    nothing, and everything else a blank.
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
    if category == "No":  # a footnote's number is no part of the word before it
        return f" {form} "
    is_styled_letter = category == "So" and len(form) == 1 and form != character
    return form if is_styled_letter else " "


def _compatibility_form(character: str) -> str:
    """Return the NFKC form; or what is in a black circle or square, of which Unicode has none."""
    form = unicodedata.normalize("NFKC", character)
    number = unicodedata.digit(character, None)
    if number is not None:
        return str(number) if form == character and not character.isdecimal() else form
    for first in _BLACK_LETTERS:
        if 0 <= ord(character) - first < len(ascii_uppercase):
            return ascii_uppercase[ord(character) - first]
    return form


class _Aligned(NamedTuple):
    """A text that was rewritten, with the place in the original that each character comes from."""

    text: str
    starts: list[int]
    ends: list[int]

    @classmethod
    def of(cls, text: str) -> "_Aligned":
        return cls(text, list(range(len(text))), list(range(1, len(text) + 1)))

    @classmethod
    def joined(cls, parts: Iterable[tuple[str, int, int]]) -> "_Aligned":
        """Return parts, each with its start and end in the original, as one text."""
        characters = [(part, start, end) for text, start, end in parts for part in text]
        return cls(
            "".join(part for part, _, _ in characters),
            [start for _, start, _ in characters],
            [end for _, _, end in characters],
        )

    def rewritten(
        self, pattern: re.Pattern[str], rewrite: Callable[[re.Match[str]], str]
    ) -> "_Aligned":
        """Return the text with each match of a pattern rewritten."""
        if not pattern.search(self.text):
            return self
        parts: list[tuple[str, int, int]] = []
        at = 0
        for match in pattern.finditer(self.text):
            parts += zip(
                self.text[at : match.start()],
                self.starts[at : match.start()],
                self.ends[at : match.start()],
                strict=True,
            )
            at = match.end()
            parts.append((rewrite(match), self.starts[match.start()], self.ends[at - 1]))
        parts += zip(self.text[at:], self.starts[at:], self.ends[at:], strict=True)
        return self.joined(parts)

    def folded(self) -> "_Aligned":
        """Return the text folded, its letters not composed yet: that moves no border of a word."""
        return self.joined(
            (_FOLDING[ord(character)], start, end)
            for character, start, end in zip(*self, strict=True)
        )

    def spans(self, separate: Callable[[str], str]) -> list[tuple[int, int]]:
        """Return start and end in the original of each word, once apostrophes separate words."""
        return [
            (self.starts[match.start()], self.ends[match.end() - 1])
            for match in _WORD.finditer(separate(self.text))
        ]


KERAS_TOKENIZER: Final = Tokenizer()
NEWS_TOKENIZER: Final = NewsTokenizer()
