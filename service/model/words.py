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


def split_words(text: str) -> list[str]:
    """Lower-case a text, turn punctuation to blanks and split at white space."""
    if not text.isascii():
        text = _CLOSING_QUOTE.sub(" ", text)
    return text.lower().translate(_TRANSLATION).split()
