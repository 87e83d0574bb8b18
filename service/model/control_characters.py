"""Escapes control characters, which a terminal would interpret."""

import re
from typing import Final

CONTROLS: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)
"""Control characters except tab and newline; line separators; bidirectional formatting."""


def escape_controls(text: str) -> str:
    """Replace control characters by their escapes, as in JSON."""
    return CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
