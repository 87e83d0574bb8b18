"""From text to words, by the rule by which Keras made its Reuters set.

Lower-case, punctuation to blanks, split at blanks. Typographic punctuation, which the corpus of
1987 does not have, is treated like its ASCII counterpart, so that text copied from a modern page
finds the same words.
"""

import re
from typing import Final

_SEPARATORS: Final = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~' + "“”„‟«»‹›‘‚‛‐‑‒–—―…•·¡¿′″"  # noqa: RUF001
_CLOSING_QUOTE: Final = re.compile(r"’(?!\w)")  # noqa: RUF001
_APOSTROPHES: Final = "’ʼ＇"  # noqa: RUF001
_INVISIBLE: Final = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_TRANSLATION: Final = str.maketrans(
    dict.fromkeys(_SEPARATORS, " ")
    | dict.fromkeys(_APOSTROPHES, "'")
    | dict.fromkeys(_INVISIBLE, None)
)


_WORD: Final = re.compile(rf"(?:[^\s’{re.escape(_SEPARATORS)}]|’(?=\w))+")  # noqa: RUF001


def split_words(text: str) -> list[str]:
    """Turn punctuation of a text to blanks, lower-case it and split at white space.

    In this order, for how a Greek sigma is lower-cased depends on what stands beside the word.
    """
    if not text.isascii():
        text = _CLOSING_QUOTE.sub(" ", text)
    return text.translate(_TRANSLATION).lower().split()


def find_words(text: str) -> list[tuple[int, int]]:
    """Give where the words of a text are: start and end of each, in the order of `split_words`.

    They cut out the words as they are written, in the code points of the text.
    """
    if text.isascii():
        return [match.span() for match in _WORD.finditer(text)]
    spans = []
    for match in _WORD.finditer(text):
        written = match[0]
        start = match.start() + len(written) - len(written.lstrip(_INVISIBLE))
        end = match.start() + len(written.rstrip(_INVISIBLE))
        if start < end:
            spans.append((start, end))
    return spans
