"""Read JSON lines: a partition is a range of bytes; values that fit no column are in ``rest``."""

import json
import sys
from collections.abc import Iterator, Sequence
from io import BufferedReader
from itertools import chain, islice
from types import NoneType
from typing import Any, Final

import pyarrow as pa

from deploy.batch.locations import one_line
from deploy.batch.partitions import BATCH_BYTES, PARTITION_BYTES, Batch, Partition, cut
from service.model.strict_json import replace_surrogates
from service.rows import CommandError, Row, batched, parse_line, to_row

REST: Final = "rest"  # column of the values that fit no other, as JSON; null if there are none
BLOCK_BYTES: Final = 2**20
GZIP: Final = ".gz"
SAMPLED_FILES: Final = 100  # evenly spread; their first lines tell the columns
SAMPLED_LINES: Final = 1_000
FITTING: Final[dict[Any, tuple[set[type], range]]] = {
    pa.string(): ({NoneType, str}, range(0)),
    pa.bool_(): ({NoneType, bool}, range(0)),
    pa.int64(): ({NoneType, int}, range(-(2**63), 2**63)),
    pa.float64(): ({NoneType, int, float}, range(-(2**53), 2**53 + 1)),
}
"""Types of columns, and what each keeps without loss: Python types, and integers."""
NOTHING: Final[tuple[set[type], range]] = (set(), range(0))
JSON: Final = {b"newswire_topics.kind": b"json"}  # metadata of columns that hold JSON


def inspect_files(
    filesystem: Any, files: Sequence[Any], names: tuple[str, str], prefix: str
) -> tuple[Any, list[Iterator[tuple[int, int, int]]]]:
    """Return the schema, inferred from the first lines, and the ranges of bytes of each file.

    A compressed file is a single range. Raise CommandError if a file cannot be read.
    """
    seen: dict[str, set[type]] = {}
    for file in files[:: -(-len(files) // SAMPLED_FILES)]:
        try:
            lines = list(islice(read_lines(filesystem, file.path, 0, sys.maxsize), SAMPLED_LINES))
        except (pa.ArrowException, OSError) as error:
            raise CommandError(f"{file.path}: cannot be read: {one_line(error)}") from error
        objects = [parsed for line in lines if isinstance(parsed := _parse(line), dict)]
        for name, value in chain.from_iterable(parsed.items() for parsed in objects):
            seen.setdefault(name, set()).add(type(value))
    seen |= {name: {str} for name in names if name in seen}
    fields = [
        next(
            (pa.field(name, kind) for kind, (types, _) in FITTING.items() if kinds <= types),
            pa.field(name, pa.string(), metadata=JSON),
        )
        for name, kinds in seen.items()
    ]
    return pa.schema([*fields, pa.field(prefix + REST, pa.string())]), [
        iter([(0, sys.maxsize, file.size)])
        if file.path.endswith(GZIP)
        else cut(file.size, file.size, longest=PARTITION_BYTES)
        for file in files
    ]


def read_rows(
    filesystem: Any, partition: Partition, schema: Any, names: tuple[str, str], batch_rows: int
) -> Iterator[Batch]:
    """Read the lines whose first byte is in the partition, in batches."""
    lines = read_lines(filesystem, partition.path, partition.start, partition.stop)
    for batch in batched(lines, len, BATCH_BYTES, batch_rows):
        yield _to_batch(batch, schema, names)


def read_lines(filesystem: Any, path: str, start: int, stop: int) -> Iterator[bytes]:
    """Yield the lines, except blank ones, whose first byte is in a range of bytes.

    So each line of a file is in exactly one range. The range of a compressed file begins at 0.
    """
    stream = (
        filesystem.open_input_stream(path, compression="gzip")
        if path.endswith(GZIP)
        else filesystem.open_input_file(path)
    )
    with BufferedReader(stream, BLOCK_BYTES) as lines:
        position = start
        if start:  # the byte before the range tells whether a line begins at its start
            lines.seek(start - 1)
            position += len(lines.readline()) - 1
        while position < stop and (line := lines.readline()):
            position += len(line)
            if line.strip():
                yield line.removesuffix(b"\n")


def _parse(line: bytes) -> dict[str, Any] | str:
    """Return the object of a line without unpaired surrogates, or the error of the line."""
    parsed = parse_line(line)
    if isinstance(parsed, str) or b"\\u" not in line:
        return parsed
    try:
        text = replace_surrogates(json.dumps(parsed, ensure_ascii=False))
    except RecursionError:  # the encoder's limit is lower than the parser's
        return "expected a JSON object, got one nested too deeply"
    return dict(json.loads(text))


def _to_batch(lines: Sequence[bytes], schema: Any, names: tuple[str, str]) -> Batch:
    *fields, rest_field = schema
    json_names = {field.name for field in fields if field.metadata == JSON}
    fitting = {field.name: FITTING[field.type] for field in fields if field.metadata != JSON}
    rows: list[Row] = []
    records: list[dict[str, Any]] = []
    for line in lines:
        parsed = _parse(line)
        record: dict[str, Any] = {}
        rest: Any = {}
        if isinstance(parsed, str):
            rows.append(parsed)
            rest = line.decode("utf-8", "replace").rstrip("\r")
        else:
            rows.append(to_row(parsed.get(names[0]), parsed.get(names[1]), names))
            for name, value in parsed.items():
                types, integers = fitting.get(name, NOTHING)
                if type(value) in types and (type(value) is not int or value in integers):
                    record[name] = value
                elif name not in json_names:
                    rest[name] = value
                elif value is not None:
                    record[name] = json.dumps(value, ensure_ascii=False)
        record[rest_field.name] = json.dumps(rest, ensure_ascii=False) if rest else None
        records.append(record)
    return Batch(pa.RecordBatch.from_pylist(records, schema).columns, rows)
