"""The headers Content-Type and Content-Encoding: which bodies can be read."""

import re
from collections.abc import Sequence
from typing import Final

from service.api.errors import UnsupportedMediaTypeError

JSON: Final = "application/json"
PLAIN_TEXT: Final = "text/plain"

_PARAMETER: Final = re.compile(rb';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"?|[^\s;]*)')
"""Name and value, perhaps in quotes (RFC 9110, 5.6.6)."""
CHARSETS: Final = frozenset({b"utf-8", b"utf8", b"us-ascii", b"ascii"})
"""UTF-8, and what is a part of it."""


def check_media_type(headers: Sequence[tuple[bytes, bytes]], expected: Sequence[str]) -> str:
    """Return which of the expected media types the body has. Of several headers, the first counts.

    Raises
    ------
    UnsupportedMediaTypeError
        If it has none of them, another character set, or is compressed.
    """
    content_type = b""
    for name, value in reversed(headers):
        if name == b"content-type":
            content_type = value
        elif name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            raise UnsupportedMediaTypeError("Expected a body that is not compressed.")
    media_type = find_media_type(content_type, expected)
    if media_type is None:
        names = " or ".join(filter(None, expected))
        raise UnsupportedMediaTypeError(f"Expected a body with Content-Type: {names}.")
    return media_type


def find_media_type(header: bytes, expected: Sequence[str]) -> str | None:
    """Return which of the expected media types a header declares, or None.

    UnsupportedMediaTypeError is raised for one of them in a character set that is not UTF-8.
    """
    declared, semicolon, _ = header.partition(b";")
    declared = declared.strip().lower()
    media_type = next((name for name in expected if name.encode() == declared), None)
    if media_type and semicolon:
        for name, value in _PARAMETER.findall(header):
            if name.lower() == b"charset" and value.strip(b'"').lower() not in CHARSETS:
                raise UnsupportedMediaTypeError(
                    "Expected a body in UTF-8: charset=utf-8, charset=us-ascii or no charset "
                    f"in Content-Type: {media_type}. Convert the text to UTF-8."
                )
    return media_type
