"""Rejects a body that is more structure than text, before it is parsed.

A parser makes an object of each value, and an error of each unknown name: a body of megabytes that
has nothing else takes hundreds of megabytes. A valid body is nearly all text.
"""

import re
from typing import Final

SMALL_BYTES: Final = 2_048  # bodies up to this are harmless, whatever they hold
FEW_VALUES: Final = 20_000  # so many values are, too, if there are few names and texts
FEW_VALUES_A_TEXT: Final = 1_000  # of a few texts, which are parsed on the event loop
STRUCTURE_BYTES: Final = 256
"""Of what is no text, in any request: its options, and brackets."""
STRUCTURE_BYTES_A_TEXT: Final = 32

_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
"""To the end of the body, if it is not closed: so each byte is looked at once."""
_BEGIN_VALUES: Final = b",:[{"


def exceeds_json_complexity(body: bytes, *, max_strings: int, max_texts: int) -> bool:
    """Whether a body, JSON or not, has more names and values than a valid one can have.

    It may have ``max_strings`` names and texts, and brackets and the like for ``max_texts``.
    """
    if len(body) <= SMALL_BYTES:
        return False
    # in texts quotes are escaped, so the others are those of names and texts; there may be more
    n_quotes = body.count(b'"')
    if n_quotes > 2 * max_strings and n_quotes - body.count(b'\\"') > 2 * max_strings:
        return True
    few_values = min(FEW_VALUES, FEW_VALUES_A_TEXT * max_texts)
    if sum(body.count(sign) for sign in _BEGIN_VALUES) <= few_values:
        return False
    # look at each string, and at what is between them
    max_bytes = STRUCTURE_BYTES + STRUCTURE_BYTES_A_TEXT * max_texts
    n_bytes = end = 0
    for number, string in enumerate(_STRING.finditer(body)):
        n_bytes += _structure(body[end : string.start()])
        if number >= max_strings or n_bytes > max_bytes:
            return True
        end = string.end()
    return n_bytes + _structure(body[end:]) > max_bytes


def _structure(between: bytes) -> int:
    return len(between.translate(None, b" \t\r\n"))
