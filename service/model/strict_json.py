"""JSON as RFC 8259 has it: Python's parser takes more, and what it takes fails later, elsewhere."""

import json
import math
from collections.abc import Iterable
from typing import Any, Final, NoReturn

from service.model.errors import BundleError

MAX_DEPTH: Final = 16
"""How deep objects and lists may be nested; a bundle's own are at most 5 deep."""
_SURROGATE: Final = "\\ud"
"""Begins, in lower case, the escape of half of a surrogate pair; a whole pair is harmless."""


def replace_surrogates(text: str) -> str:
    r"""Replace each half of a surrogate pair by a question mark: it is in no UTF-8.

    It is what is left of an emoji where a program cut a text to length. This is the rule for every
    text that is to be classified, whichever way it comes in.

    Examples
    --------
    >>> replace_surrogates("Gold \ud83d rose")
    'Gold ? rose'
    """
    return text.encode(errors="replace").decode()


def parse_json(content: bytes, name: str) -> Any:
    """Parse JSON in UTF-8 whose numbers are finite, and which is not nested too deeply.

    Parameters
    ----------
    content : bytes
    name : str
        Begins the error message.

    Raises
    ------
    BundleError
        If it is not that.
    """
    try:
        text = content.decode()
        value = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_float=_parse_float,
        )
        if _SURROGATE in text.lower():
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError, MemoryError) as error:
        reason = str(error) or type(error).__name__
        raise BundleError(f"{name}: is not JSON in UTF-8: {reason}") from error
    if _is_deeper(value, MAX_DEPTH):
        raise BundleError(f"{name}: expected at most {MAX_DEPTH} levels of lists and objects")
    return value


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def _parse_float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number


def _is_deeper(value: object, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        # scalars have no children, and there are many of them
        level = [
            child
            for parent in level
            for child in _children(parent)
            if isinstance(child, dict | list)
        ]
    return bool(level)


def _children(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
