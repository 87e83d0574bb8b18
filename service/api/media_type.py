"""Checks the headers Content-Type and Content-Encoding of a body."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from service.api.errors import UnsupportedMediaTypeError

JSON: Final = "application/json"
PLAIN_TEXT: Final = "text/plain"

_PARAMETER: Final = re.compile(rb';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"?|[^\s;]*)')
"""Name and value of a parameter, perhaps in quotes (RFC 9110, 5.6.6)."""
CHARSETS: Final = frozenset({b"utf-8", b"utf8", b"us-ascii", b"ascii"})
"""Names of UTF-8 and of its subset ASCII."""


def check_media_type(headers: Iterable[tuple[bytes, bytes]], expected: Sequence[str]) -> str:
    """Return which of the expected media types the body has; an empty one stands for no header.

    Raises
    ------
    UnsupportedMediaTypeError
        If it has another media type or character set, or is compressed.
    """
    content_type = b""
    for name, value in reversed([*headers]):
        if name == b"content-type":
            content_type = value
        elif name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            raise UnsupportedMediaTypeError("Expected a body that is not compressed.")
    media_type = content_type.partition(b";")[0].strip().lower().decode("latin-1")
    if media_type not in expected:
        names = " or ".join(filter(None, expected))
        raise UnsupportedMediaTypeError(f"Expected a body with Content-Type: {names}.")
    for name, value in _PARAMETER.findall(content_type):
        if name.lower() == b"charset" and value.strip(b'"').lower() not in CHARSETS:
            raise UnsupportedMediaTypeError(
                "Expected a body in UTF-8: charset=utf-8, charset=us-ascii or no charset "
                f"in Content-Type: {media_type}. Convert the text to UTF-8."
            )
    return media_type
