"""Columns of labelled files: their names, and what their values may be."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from service.model.encoder import describe_blank, is_blank
from service.model.strict_json import replace_surrogates
from training.data.dataset import DataError

NAMES: Final = {
    "text": ("text",),
    "title": ("title",),
    "topics": ("topics", "labels", "topic", "label"),
    "date": ("date",),
    "id": ("id",),
    "split": ("split",),
    "group": ("group",),
}
"""Fields of a row, and the names that their column may have."""
REQUIRED: Final = ("text", "topics")
SPLITS: Final = ("train", "test")
SEPARATOR: Final = "|"  # of the topics in a string
MAX_SHOWN: Final = 100  # characters of a value in an error message
MAX_COLUMNS: Final = 8  # columns in an error message


class LabelledRow(NamedTuple):
    """A text of a file with its topics."""

    text: str
    title: str | None
    topics: tuple[str, ...]  # the primary one first; empty if none fits
    date: date | None
    id: str | None
    split: str | None  # "train", "test", or None
    group: str | None  # texts of one group are on the same side of a split
    file: str
    line: int  # from 1, where the row begins; in Parquet the number of the row


class Columns:
    """The columns of the fields: those named by the user, or else those of `NAMES`."""

    def __init__(self, named: Mapping[str, str]) -> None:
        for field, column in named.items():
            if field not in NAMES or (field in REQUIRED and not column):
                raise DataError(
                    f"--columns: expected FIELD=COLUMN with a field of {', '.join(NAMES)}, "
                    f"got {field}={column}"
                )
        self.unseen = {field: column for field, column in named.items() if column}
        """Columns named by the user that no row has had yet, by field."""
        self._named = named
        self._taken = set(named.values())
        self._find_cached = lru_cache(maxsize=128)(self._find)

    def find(self, present: Iterable[str]) -> dict[str, str]:
        """Return the column of each field that has one.

        Raises ValueError if the column of a required field is missing, or several could be it.
        """
        return self._find_cached(tuple(present))

    def to_row(self, record: Mapping[str, Any], file: str, line: int) -> LabelledRow | str:
        """Return the row of the values by column, or the error why it is bad."""
        try:
            found = self.find(record)
            text, title = (
                _to_text(record[found[field]], field) if field in found else None
                for field in ("text", "title")
            )
            if is_blank(text, title):
                return describe_blank(text, title)
            topics = to_topics(record[found["topics"]])
            rest = {
                field: convert(record[found[field]], field) if field in found else None
                for field, convert in _OPTIONAL.items()
            }
        except ValueError as error:
            return str(error)
        return LabelledRow(text or "", title, topics, **rest, file=file, line=line)

    def _find(self, present: tuple[str, ...]) -> dict[str, str]:
        found = {}
        for field, usual in NAMES.items():
            named = self._named.get(field)
            if named == "":
                continue
            # the column of one field is not that of another by its name alone
            free = [name for name in usual if name in present and name not in self._taken]
            columns = [named] if named in present else free
            if len(columns) > 1:
                raise ValueError(
                    f"expected one column of {field}, got {' and '.join(columns)}: choose one, as "
                    f"in --columns {field}={columns[0]}"
                )
            if columns:
                found[field] = columns[0]
                if columns[0] == named:
                    self.unseen.pop(field, None)
            elif field in REQUIRED:
                names = " or ".join(dict.fromkeys([*([named] if named else []), *usual]))
                shown = ", ".join(present[:MAX_COLUMNS])[:MAX_SHOWN] or "none"
                raise ValueError(
                    f"expected a column {names}, got {shown}: name it, as in --columns {field}=NAME"
                )
        return found


def parse_columns(options: Iterable[str]) -> dict[str, str]:
    """Parse ``text=body,topics=section``; raise `DataError`."""
    pairs = [pair.partition("=") for option in options for pair in option.split(",")]
    if wrong := [field for field, equals, _ in pairs if not equals]:
        raise DataError(f"--columns: expected FIELD=COLUMN, as in text=body, got {wrong[0]!r}")
    return {field.strip(): column.strip() for field, _, column in pairs}


def to_topics(value: object) -> tuple[str, ...]:
    """Return the topics of a list or of ``a|b``, each once; raise ValueError."""
    if isinstance(value, str):
        text = value.strip()
        value = _parse_list(text) if text.startswith("[") else text.split(SEPARATOR)
    elif isinstance(value, int) and not isinstance(value, bool):
        value = [value]
    if not isinstance(value, list):
        raise ValueError(  # noqa: TRY004 - not a wrong type of the caller, but a bad row
            "topics: expected a list or a string (empty if no topic fits), got " + _shown(value)
        )
    names = (_to_name(item, "topics").strip() for item in value)
    return tuple(dict.fromkeys(name for name in names if name))


def _parse_list(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"topics: expected a|b or a JSON array, got {_shown(text)}") from None


def _to_text(value: object, field: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError(f"{field}: expected a string, got {_shown(value)}")  # noqa: TRY004
    return replace_surrogates(value)


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


_OPTIONAL: Final[Mapping[str, Callable[[Any, str], Any]]] = {
    "date": _to_date,
    "id": _to_optional_name,
    "split": _to_split,
    "group": _to_optional_name,
}


def _shown(value: object) -> str:
    if isinstance(value, list | dict):
        return "an array" if isinstance(value, list) else "an object"
    shown = "null" if value is None else repr(value)
    return shown if len(shown) <= MAX_SHOWN else f"{shown[:MAX_SHOWN]}..."
