"""Formats of labelled files: each reader yields a row's line number and its values by column.

A ``str`` in place of the values is the error of a bad row. An error of a whole file raises
`DataError`.
"""

import codecs
import csv
import gzip
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from service.rows import parse_line
from training.data.columns import Columns
from training.data.dataset import DataError

MAX_LINE_BYTES: Final = 16 * 2**20
BATCH_ROWS: Final = 256
BUFFER_BYTES: Final = 2**20

Record = Mapping[str, Any] | str
Reader = Callable[[Path, Columns], Iterator[tuple[int, Record]]]


def read_json_lines(path: Path, _: Columns) -> Iterator[tuple[int, Record]]:
    """Read JSON lines; blank ones are skipped."""
    is_first = True
    for number, line in _read_lines(path):
        if not (content := line.strip()):
            continue
        if is_first and (content.startswith(b"[") or content == b"{"):
            got, jq = (
                ("an array", "'.[]'") if content[:1] == b"[" else ("one on several lines", ".")
            )
            raise DataError(
                f"{path}, line {number}: expected JSON lines, an object on each line, got {got}: "
                f"convert the file, as in jq -c {jq} {path.name} > lines.jsonl"
            )
        is_first = False
        yield number, parse_line(line)


def read_parquet(path: Path, columns: Columns) -> Iterator[tuple[int, Record]]:
    """Read Parquet in batches of rows, only the columns of the fields."""
    import pyarrow as pa  # imported late: few files need it
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=BUFFER_BYTES) as file:
            found = _find_columns(path, columns, file.schema_arrow.names)
            for batch in file.iter_batches(BATCH_ROWS, columns=[*found.values()]):
                for name, column in zip(batch.schema.names, batch.columns, strict=True):
                    if pa.types.is_timestamp(column.type):  # may have nanoseconds
                        at = batch.schema.get_field_index(name)
                        batch = batch.set_column(at, name, column.cast(pa.date32(), safe=False))
                for record in batch.to_pylist():
                    number += 1
                    yield number, record
    except (pa.ArrowException, OSError, OverflowError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: expected Parquet, it cannot be read: {reason}") from error


def read_table(path: Path, columns: Columns, delimiter: str = ",") -> Iterator[tuple[int, Record]]:
    """Read CSV, or TSV quoted as CSV is, with a header."""
    csv.field_size_limit(MAX_LINE_BYTES)  # by default 128 KiB
    lines = (line.decode() for _, line in _read_lines(path))
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    header: list[str] | None = None
    while True:
        number = rows.line_num + 1
        try:
            row = next(rows, None)
        except csv.Error as error:
            if "unexpected end" in str(error) or "field limit" in str(error) or header is None:
                raise DataError(
                    f"{path}, line {number}: expected a row of quoted or plain fields, got an "
                    f"error: {error}; is a quotation mark missing?"
                ) from error
            yield number, f"expected a row of quoted or plain fields, got an error: {error}"
            continue
        if row is None:
            return
        if not row:  # a blank line
            continue
        if header is None:
            header = [name.strip() for name in row]
            _find_columns(path, columns, header)
        elif row == header:
            raise DataError(
                f"{path}, line {number}: expected the header once, got it again: remove this line"
            )
        elif len(row) != len(header):
            yield number, f"expected {len(header)} fields as in the header, got {len(row)}"
        else:
            yield number, dict(zip(header, row, strict=True))


def _find_columns(path: Path, columns: Columns, names: list[str]) -> dict[str, str]:
    column, count = Counter(names).most_common(1)[0] if names else ("", 0)
    if count > 1:
        raise DataError(f"{path}: expected each column once, got {column!r} {count} times")
    try:
        return columns.find(names)
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error


def _read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the number and content of each line in UTF-8, without a byte order mark."""
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(MAX_LINE_BYTES + 1), b""), 1):
                if len(line) > MAX_LINE_BYTES:
                    raise DataError(
                        f"{path}, line {number}: expected at most {MAX_LINE_BYTES // 2**20} MiB in "
                        "a line, got more; each text is a line of its own"
                    )
                content = _check_start(path, line) if number == 1 else line
                content.decode()
                yield number, content
    except UnicodeDecodeError as error:
        wrong = error.object[error.start]
        raise DataError(
            f"{path}, line {number}: expected UTF-8, got byte 0x{wrong:02x}: "
            + _how_to_convert(path, "latin1")
        ) from error
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        what = (
            "truncated or altered gzip" if not getattr(error, "errno", None) else "cannot be read"
        )
        raise DataError(f"{path}: {what}: {reason}") from error


def _check_start(path: Path, line: bytes) -> bytes:
    """Return the first line without a byte order mark; raise `DataError` for UTF-16 and UTF-32."""
    encoding = json.detect_encoding(line)  # JSON and a header begin with ASCII characters
    if not encoding.startswith("utf-8"):
        name = encoding.replace("-le", "le").replace("-be", "be")  # as iconv has it
        raise DataError(
            f"{path}: expected UTF-8, got {name.upper()}: {_how_to_convert(path, name)}"
        )
    return line.removeprefix(codecs.BOM_UTF8)


def _how_to_convert(path: Path, encoding: str) -> str:
    name = path.name.removesuffix(".gz")
    return f"convert the file, as in iconv -f {encoding} -t utf-8 {name} > utf8-{name}"


READERS: Final[Mapping[str, Reader]] = {
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".json": read_json_lines,
    ".csv": read_table,
    ".tsv": partial(read_table, delimiter="\t"),
    ".parquet": read_parquet,
}
GZIP: Final = ".gz"
EXPECTED: Final = "JSON lines (.jsonl), CSV (.csv) or TSV (.tsv), also with .gz, or .parquet"


def format_of(path: Path) -> str:
    """Return the suffix that names the format, without `GZIP`."""
    name = path.name.lower()
    compressed = name.endswith(GZIP) and not name.endswith(".parquet" + GZIP)
    return Path(name.removesuffix(GZIP) if compressed else name).suffix
