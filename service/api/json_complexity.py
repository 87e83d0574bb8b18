"""Rejects a body that is more structure than text, before it is parsed.

A parser makes an object of each value, and an error of each unknown name: a body of megabytes that
has nothing else takes hundreds of megabytes. A valid body is nearly all text.
"""

import re
from typing import Final

SMALL_BYTES: Final = 2_048  # bodies up to this are harmless, whatever they hold
FEW_VALUES: Final = 20_000  # so many values are harmless too, with few names and texts
FEW_VALUES_A_TEXT: Final = 1_000  # for few texts, which the event loop parses
STRUCTURE_BYTES: Final = 256
"""Bytes outside of strings in any request: brackets, numbers and the like."""
STRUCTURE_BYTES_A_TEXT: Final = 32

_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
"""A string, up to the end of the body if it is not closed: so each byte is scanned once."""
_BEGIN_VALUES: Final = b",:[{"


def exceeds_json_complexity(body: bytes, *, max_strings: int, max_texts: int) -> bool:
    """Whether a body, JSON or not, has more names and values than a valid one can have.

    A valid one has at most ``max_strings`` names and texts, and the structure of ``max_texts``.
    """
    if len(body) <= SMALL_BYTES:
        return False
    # quotes inside texts are escaped, so at least the others delimit names and texts
    n_quotes = body.count(b'"')
    if n_quotes > 2 * max_strings and n_quotes - body.count(b'\\"') > 2 * max_strings:
        return True
    few_values = min(FEW_VALUES, FEW_VALUES_A_TEXT * max_texts)
    if sum(body.count(sign) for sign in _BEGIN_VALUES) <= few_values:
        return False
    # scan the strings, and count the bytes between them
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
