"""Read JSON lines: a partition is a range of bytes; values that fit no column go to ``rest``."""

import json
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import pyarrow as pa

from deploy.batch.columns import Columns
from deploy.batch.errors import BatchError
from deploy.batch.json_types import JsonType, common_type
from deploy.batch.locations import Location, one_line
from deploy.batch.partitions import BATCH_BYTES, PARTITION_BYTES, Batch, Partition, cut
from service.model.strict_json import replace_surrogates
from service.rows import LineError, Row, parse_line, split_lines, to_row

REST: Final = "rest"
"""Output column of the values that fit no other column, as JSON; null if there are none."""
BLOCK_BYTES: Final = 2**20
GZIP: Final = ".gz"
SAMPLED_FILES: Final = 100
SAMPLED_LINES: Final = 1_000
"""The first lines of evenly spread files, from which the columns are inferred."""


class JsonLines:
    """Files of JSON objects, one per line; also compressed by gzip."""

    def schema(self, files: list[Location], columns: Columns) -> Any:
        """Infer the columns and their types from the first lines of the files.

        Raises
        ------
        BatchError
            If a file cannot be read.
        """
        seen: dict[str, set[type]] = {}
        for file in files[:: -(-len(files) // SAMPLED_FILES)]:
            for parsed in _first_objects(file):
                for name, value in parsed.items():
                    seen.setdefault(name, set()).add(type(value))
        types = {name: common_type(kinds) for name, kinds in seen.items()}
        types |= dict.fromkeys({columns.text, columns.title} & types.keys(), JsonType.TEXT)
        fields = [kind.field(name) for name, kind in types.items()]
        return pa.schema([*fields, pa.field(columns.prefix + REST, pa.string())])

    def spans(self, file: Location) -> Iterator[tuple[int, int, int]]:
        """Cut a file into ranges of bytes; a compressed one is a single range."""
        size = file.files.get_file_info(file.path).size
        if file.path.endswith(GZIP):
            return iter([(0, sys.maxsize, size)])
        return cut(size, size, longest=PARTITION_BYTES)

    def read(
        self, file: Location, partition: Partition, schema: Any, columns: Columns, batch_rows: int
    ) -> Iterator[Batch]:
        """Read the lines whose first byte is in the partition."""
        lines: list[bytes] = []
        size = 0
        for line in read_lines(file, partition.start, partition.stop):
            lines.append(line)
            size += len(line)
            if len(lines) >= batch_rows or size >= BATCH_BYTES:
                yield _to_batch(lines, schema, columns)
                lines, size = [], 0
        if lines:
            yield _to_batch(lines, schema, columns)


def read_lines(file: Location, start: int, stop: int) -> Iterator[bytes]:
    """Yield the lines, except blank ones, whose first byte is in a range of bytes.

    So each line of a file is in exactly one range. The range of a compressed file begins at 0.
    """
    with (
        file.files.open_input_stream(file.path, compression="gzip")
        if file.path.endswith(GZIP)
        else file.files.open_input_file(file.path)
    ) as stream:
        # the byte before the range tells whether a line begins at its start
        position = max(start - 1, 0)
        in_range = start == 0
        if position:
            stream.seek(position)
        for lines in split_lines(iter(lambda: stream.read(BLOCK_BYTES), b"")):
            for line in lines:
                if position >= stop:
                    return
                position += len(line) + 1
                if in_range and line and not line.isspace():
                    yield line
                in_range = True
            if position >= stop:
                return


def _first_objects(file: Location) -> list[dict[str, Any]]:
    try:
        lines = islice(read_lines(file, 0, sys.maxsize), SAMPLED_LINES)
        return [parsed for line in lines if isinstance(parsed := _parse(line), dict)]
    except (pa.ArrowException, OSError) as error:
        raise BatchError(f"{file.path}: cannot be read: {one_line(error)}") from error


def _parse(line: bytes) -> dict[str, Any] | str:
    """Return the object of a line without unpaired surrogates, or the error of the line."""
    try:
        parsed = parse_line(line)
        if b"\\u" in line:
            parsed = json.loads(replace_surrogates(json.dumps(parsed, ensure_ascii=False)))
    except LineError as error:
        return str(error)
    except RecursionError:  # the encoder's limit is lower than the parser's
        return "expected a JSON object, got one nested too deeply"
    return parsed


def _to_batch(lines: list[bytes], schema: Any, columns: Columns) -> Batch:
    fields = [(field.name, JsonType.of(field)) for field in list(schema)[:-1]]
    values: list[list[Any]] = [[] for _ in schema]
    rows: list[Row] = []
    names = columns.text, columns.title
    for line in lines:
        parsed = _parse(line)
        if isinstance(parsed, str):
            rows.append(parsed)
            rest: Any = line.decode("utf-8", "replace").rstrip("\r")
            parsed = {}
        else:
            rows.append(to_row(parsed.get(names[0]), parsed.get(names[1]), names))
            rest = parsed
        for (name, kind), column in zip(fields, values, strict=False):
            fits, value = kind.fit(parsed.get(name))
            column.append(value)
            if fits:
                parsed.pop(name, None)
        values[-1].append(json.dumps(rest, ensure_ascii=False) if rest else None)
    arrays = [pa.array(column, field.type) for column, field in zip(values, schema, strict=True)]
    return Batch(arrays, rows)
