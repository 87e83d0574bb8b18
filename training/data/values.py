"""Conversions of values in a labelled file to the fields of a row."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final

from service.labels import show_value, to_labels, to_name
from service.model.strict_json import replace_surrogates

SPLITS: Final = ("train", "test")


def _to_text(value: object, field: str) -> str:
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{field}: expected a string, got {show_value(value)}")
    return replace_surrogates(value or "")


def _to_title(value: object, field: str) -> str | None:
    return None if value is None else _to_text(value, field)


def _to_optional_name(value: object, field: str) -> str | None:
    return None if value is None else to_name(value, field).strip() or None


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
    raise ValueError(f"{field}: expected a date, as in 2026-03-01, got {show_value(value)}")


def _to_split(value: object, field: str) -> str | None:
    name = _to_optional_name(value, field)
    if name is not None and name.lower() not in SPLITS:
        raise ValueError(
            f"{field}: expected train or test, got {show_value(name)} "
            "(--columns split= leaves it out)"
        )
    return name and name.lower()


CONVERSIONS: Final[Mapping[str, Callable[[Any, str], Any]]] = {
    "text": _to_text,
    "title": _to_title,
    "topics": to_labels,
    "date": _to_date,
    "id": _to_optional_name,
    "split": _to_split,
    "group": _to_optional_name,
}
"""Function by field, from a value and the name of the field, which a ValueError mentions."""
