"""Columns of labelled files: their names, and what their values may be."""

import datetime
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from service.model.encoder import describe_blank, is_blank
from training.data.dataset import DataError
from training.data.values import CONVERSIONS

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
MAX_SHOWN: Final = 100  # characters of the columns in an error message


class LabelledRow(NamedTuple):
    """A text of a file with its topics."""

    text: str
    title: str | None
    topics: tuple[str, ...]  # the primary one first; empty if none fits
    file: str
    line: int  # from 1, where the row begins; in Parquet the number of the row
    date: datetime.date | None = None
    id: str | None = None
    split: str | None = None  # "train", "test", or None
    group: str | None = None  # texts of one group are on the same side of a split


class Columns:
    """The columns of the fields: those named by the user, or else those of `NAMES`."""

    def __init__(self, named: Mapping[str, str]) -> None:
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
        """Return the row of a record, values by column, or a sentence on why it is bad."""
        values: dict[str, Any] = {"title": None, "file": file, "line": line}
        try:
            for field, column in self.find(record).items():
                values[field] = CONVERSIONS[field](record[column], field)
        except ValueError as error:
            return str(error)
        row = LabelledRow(**values)
        return describe_blank(row.text, row.title) if is_blank(row.text, row.title) else row

    def _find(self, present: tuple[str, ...]) -> dict[str, str]:
        found = {}
        for field, usual in NAMES.items():
            named = self._named.get(field)
            if named == "":
                continue
            # a column that the user gave to one field is not taken for another by its name
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
                if taken := sorted({*usual} & self._taken & {*present}):
                    other = next(key for key, name in self._named.items() if name == taken[0])
                    raise ValueError(
                        f"expected a column of {field}, got {taken[0]!r}, which --columns "
                        f"{other}={taken[0]} takes: name another, as in --columns {field}=NAME"
                    )
                names = " or ".join(dict.fromkeys([*([named] if named else []), *usual]))
                shown = ", ".join(present)[:MAX_SHOWN] or "none"
                raise ValueError(
                    f"expected a column {names}, got {shown}: name it, as in --columns {field}=NAME"
                )
        return found


def parse_columns(options: Iterable[str]) -> dict[str, str]:
    """Parse ``text=body,topics=section``; raise `DataError`."""
    columns: dict[str, str] = {}
    fields: dict[str, str] = {}  # by column
    for pair in (pair for option in options for pair in option.split(",")):
        field, equals, column = map(str.strip, pair.partition("="))
        if not equals:
            raise DataError(f"--columns: expected FIELD=COLUMN, as in text=body, got {field!r}")
        if field not in NAMES or (field in REQUIRED and not column):
            raise DataError(
                f"--columns: expected FIELD=COLUMN with a field of {', '.join(NAMES)}, "
                f"got {field}={column}"
            )
        if field in columns:
            raise DataError(f"--columns: expected each field once, got {field!r} again")
        if column and column in fields:
            raise DataError(
                f"--columns: expected each column once, got {column!r} for {fields[column]} "
                f"and for {field}"
            )
        columns[field] = column
        fields[column] = field
    return columns
