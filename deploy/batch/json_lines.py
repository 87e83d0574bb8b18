"""How JSON lines are read: a piece is a range of bytes, and what fits no column is kept apart."""

import json
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import pyarrow as pa

from deploy.batch.columns import Columns
from deploy.batch.errors import BatchError
from deploy.batch.json_types import JsonType, common_type
from deploy.batch.lines import GZIP, read_lines
from deploy.batch.locations import Place, one_line
from deploy.batch.partitions import BATCH_BYTES, PIECE_BYTES, Batch, Piece, cut
from deploy.batch.prediction import kind_of, to_news_text
from service.model import NewsText
from service.model.strict_json import replace_surrogates

REST: Final = "rest"
"""Column of the output for what fits no other, as JSON: null, if nothing is left over."""
SAMPLED_FILES: Final = 100
SAMPLED_LINES: Final = 1_000
"""How much is read to learn the columns: of so many files, evenly spread, the first lines."""


class JsonLines:
    """JSON lines, a JSON object on each; also compressed by gzip."""

    def schema(self, places: list[Place], columns: Columns) -> Any:
        """Learn the columns and their types from the first lines of the files.

        Raises
        ------
        BatchError
            If these cannot be read.
        """
        seen: dict[str, set[type]] = {}
        for place in places[:: -(-len(places) // SAMPLED_FILES)]:
            for parsed in _first_lines(place):
                for name, value in parsed.items() if isinstance(parsed, dict) else ():
                    seen.setdefault(name, set()).add(type(value))
        types = {name: common_type(kinds) for name, kinds in seen.items()}
        for name in (columns.text, columns.title):
            if name in types:
                types[name] = JsonType.TEXT
        fields = [kind.field(name) for name, kind in types.items()]
        return pa.schema([*fields, pa.field(columns.prefix + REST, pa.string())])

    def spans(self, place: Place) -> Iterator[tuple[int, int, int]]:
        """Cut a file up into ranges of bytes; one that is compressed cannot be cut."""
        size = place.files.get_file_info(place.path).size
        if place.path.endswith(GZIP):
            return iter([(0, sys.maxsize, size)])
        return cut(size, size, longest=PIECE_BYTES)

    def read(
        self, place: Place, piece: Piece, schema: Any, columns: Columns, batch_rows: int
    ) -> Iterator[Batch]:
        """Read the lines whose first byte is in the piece."""
        lines: list[bytes] = []
        size = 0
        for line in read_lines(place, piece.start, piece.stop):
            lines.append(line)
            size += len(line)
            if len(lines) >= batch_rows or size >= BATCH_BYTES:
                yield _to_batch(lines, schema, columns)
                lines, size = [], 0
        if lines:
            yield _to_batch(lines, schema, columns)


def _first_lines(place: Place) -> list[Any]:
    try:
        lines = islice(read_lines(place, 0, sys.maxsize), SAMPLED_LINES)
        return [_parse(line) for line in lines]
    except (pa.ArrowException, OSError) as error:
        raise BatchError(f"{place.path}: cannot be read: {one_line(error)}") from error


def _parse(line: bytes) -> Any:
    """Parse a line; give the error, if it is not JSON.

    NaN, Infinity and -Infinity, which Python writes and JSON has not, are null.
    """
    try:
        parsed = json.loads(line, parse_constant=_to_null)
        if b"\\u" in line:
            parsed = json.loads(replace_surrogates(json.dumps(parsed, ensure_ascii=False)))
    except (ValueError, RecursionError) as error:
        return error
    return parsed


def _to_null(constant: str) -> None:
    """Return the value of a number that JSON has not."""


def _to_batch(lines: list[bytes], schema: Any, columns: Columns) -> Batch:
    fields = [(field.name, JsonType.of(field)) for field in list(schema)[:-1]]
    values: list[list[Any]] = [[] for _ in schema]
    rows: list[NewsText | str] = []
    for line in lines:
        parsed = _parse(line)
        if isinstance(parsed, dict):
            rows.append(to_news_text(parsed.get(columns.text), parsed.get(columns.title), columns))
            rest: Any = parsed
        else:
            got = "something else" if isinstance(parsed, Exception) else kind_of(parsed)
            rows.append(f"expected a JSON object on the line, got {got}")
            rest, parsed = line.decode("utf-8", "replace").rstrip("\r"), {}
        for (name, kind), column in zip(fields, values, strict=False):
            fits, value = kind.fit(parsed.get(name))
            column.append(value)
            if fits:
                parsed.pop(name, None)
        values[-1].append(json.dumps(rest, ensure_ascii=False) if rest else None)
    arrays = [pa.array(column, field.type) for column, field in zip(values, schema, strict=True)]
    return Batch(arrays, rows)
