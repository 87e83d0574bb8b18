"""The plan of a run: files and partitions of the input, and the columns of the output."""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import pyarrow as pa

from deploy.batch import json_lines, parquet
from deploy.batch.columns import Columns, output_schema
from deploy.batch.locations import Location, StoredFile
from deploy.batch.partitions import Batch, Partition, folder_values
from service.rows import CommandError

_JSON_LINES: Final = json_lines.inspect_files, json_lines.read_rows
FORMATS: Final = {
    ".parquet": (parquet.inspect_files, parquet.read_rows),
    ".jsonl": _JSON_LINES,
    ".jsonl.gz": _JSON_LINES,
}
"""Functions that inspect and read files, by the end of file names."""


class Plan(NamedTuple):
    """The plan of a run."""

    data: Location
    files: list[StoredFile]
    partitions: list[Partition]
    read_rows: Callable[[Location, Partition, Any, Columns, int], Iterator[Batch]]
    """Reads a partition in batches: of its file, the schema of the input and a number of rows."""
    columns: Columns
    input_schema: Any
    """Columns of the files."""
    folder_columns: list[str]
    """Further columns, which folders name as in Hive."""
    output_schema: Any
    """Columns of files, of folders and of the results."""


def make_plan(data: Location, *, text: str | None, title: str | None, prefix: str) -> Plan:
    """Plan a run over a file, or a folder of files.

    Parameters
    ----------
    text, title : str or None
        Columns; None is ``text`` and ``title``, of which the input must have one.
    prefix : str
        Of the names of the columns of the results.

    Raises
    ------
    CommandError
        If there are no files, or several formats, or a column is missing.
    """
    kinds = [
        (file, kind)
        for file in data.list_files()
        for ending, kind in FORMATS.items()
        if file.path.endswith(ending)
    ]
    if len({kind for _, kind in kinds}) != 1:
        got = "both" if kinds else "none"
        raise CommandError(f"{data.path}: expected files {' or '.join(FORMATS)}, got {got}")
    files = [file for file, _ in kinds]
    inspect_files, read_rows = kinds[0][1]
    columns = Columns(text or "text", title or "title", prefix)
    schema, spans = inspect_files(data, files, columns)
    got = ", ".join(map(repr, schema.names)) or "none"
    for name in (text, title):
        if name and name not in schema.names:
            raise CommandError(f"{data.path}: expected a column {name!r}, got {got}")
    if not {columns.text, columns.title} & set(schema.names):
        expected = f"a column {columns.text!r} or a column {columns.title!r}"
        raise CommandError(f"{data.path}: expected {expected}, got {got}")
    names = [name for file in files for name in folder_values(data.path, file.path)]
    folders = [name for name in dict.fromkeys(names) if name not in schema.names]
    parts = [
        (file.path, *span, file.size, file.modified)
        for file, file_spans in zip(files, spans, strict=True)
        for span in file_spans
    ]
    return Plan(
        data,
        files,
        [Partition(number, *part) for number, part in enumerate(parts)],
        read_rows,
        columns,
        schema,
        folders,
        output_schema([*schema, *(pa.field(name, pa.string()) for name in folders)], prefix),
    )
