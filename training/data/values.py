"""Values of the fields of a labelled row, from what a file has in their columns."""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final

from service.model.strict_json import replace_surrogates

SPLITS: Final = ("train", "test")
SEPARATOR: Final = "|"  # of the topics in a string
MAX_SHOWN: Final = 100  # characters of a value in an error message


def to_topics(value: object, field: str) -> tuple[str, ...]:
    """Return the topics of a list or of ``a|b``, each once; raise ValueError."""
    if isinstance(value, str):
        text = value.strip()
        value = _parse_list(text, field) if text.startswith("[") else text.split(SEPARATOR)
    elif isinstance(value, int) and not isinstance(value, bool):
        value = [value]
    if not isinstance(value, list):
        raise ValueError(  # noqa: TRY004 - not a wrong type of the caller, but a bad row
            f"{field}: expected a list or a string (empty if no topic fits), got {_shown(value)}"
        )
    names = (_to_name(item, field).strip() for item in value)
    return tuple(dict.fromkeys(name for name in names if name))


def _parse_list(text: str, field: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"{field}: expected a|b or a JSON array, got {_shown(text)}") from None


def _to_text(value: object, field: str) -> str:
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{field}: expected a string, got {_shown(value)}")
    return replace_surrogates(value or "")


def _to_title(value: object, field: str) -> str | None:
    return None if value is None else _to_text(value, field)


def _to_name(value: object, field: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"{field}: expected a string, got {_shown(value)}")  # noqa: TRY004
    return replace_surrogates(str(value))


def _to_optional_name(value: object, field: str) -> str | None:
    return None if value is None else _to_name(value, field).strip() or None


def _to_date(value: object, field: str) -> date | None:
    if value is None or value == "":
        return None
    if isinstance(value, date):
        return value.date() if isinstance(value, datetime) else value
    try:
        if isinstance(value, str):
            return datetime.fromisoformat(value.strip()).date()
    except ValueError:
        pass
    raise ValueError(f"{field}: expected a date, as in 2026-03-01, got {_shown(value)}")


def _to_split(value: object, field: str) -> str | None:
    name = _to_optional_name(value, field)
    if name is not None and name.lower() not in SPLITS:
        raise ValueError(
            f"{field}: expected train or test, got {_shown(name)} (--columns split= leaves it out)"
        )
    return name and name.lower()


CONVERSIONS: Final[Mapping[str, Callable[[Any, str], Any]]] = {
    "text": _to_text,
    "title": _to_title,
    "topics": to_topics,
    "date": _to_date,
    "id": _to_optional_name,
    "split": _to_split,
    "group": _to_optional_name,
}
"""By field, from a value and the name of the field for the message of the ValueError."""


def _shown(value: object) -> str:
    if isinstance(value, list | dict):
        return "an array" if isinstance(value, list) else "an object"
    shown = "null" if value is None else repr(value)
    return shown if len(shown) <= MAX_SHOWN else f"{shown[:MAX_SHOWN]}..."
