"""Strict JSON (RFC 8259): rejects what Python's parser accepts beyond it."""

import json
import math
from typing import Any, Final, NoReturn

from service.model.errors import BundleError

MAX_CONTAINERS: Final = 100_000
"""Objects and lists of a file, which take most memory; a released bundle has at most 200."""
MAX_DEPTH: Final = 16  # levels of objects and lists; a released bundle has at most 5
_SURROGATE: Final = "\\ud"  # begins the escape of a surrogate, in lower case


def replace_surrogates(text: str) -> str:
    """Replace each half of a surrogate pair, which UTF-8 cannot encode, by ``?``."""
    return text.encode(errors="replace").decode()


def parse_json(content: bytes, name: str) -> Any:
    """Parse JSON in UTF-8 with finite numbers and limited nesting, or raise BundleError."""
    if content.count(b"[") + content.count(b"{") > MAX_CONTAINERS:
        raise BundleError(f"{name}: expected at most {MAX_CONTAINERS} objects and lists")
    try:
        text = content.decode()
        value = json.loads(text, parse_constant=_reject_constant, parse_float=_parse_float)
        if _SURROGATE in text.lower():
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError, MemoryError) as error:
        reason = str(error) or type(error).__name__
        raise BundleError(f"{name}: is not JSON in UTF-8: {reason}") from error
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):  # without scalars, which are many and have no children
        parents = (each.values() if isinstance(each, dict) else each for each in level)
        level = [child for each in parents for child in each if isinstance(child, dict | list)]
    if level:
        raise BundleError(f"{name}: expected at most {MAX_DEPTH} levels of lists and objects")
    return value


def _reject_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number")


def _parse_float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number
