"""The plan of a run: files and partitions of the input, and the columns of the output."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, Final, NamedTuple

import pyarrow as pa

from deploy.batch import json_lines, parquet
from deploy.batch.locations import Location
from deploy.batch.partitions import Batch, Partition, folder_values
from deploy.batch.results import RESULT_FIELDS
from service.rows import CommandError

FORMATS: Final = {
    ".parquet": (parquet.inspect_files, parquet.read_rows),
    ".jsonl": (json_lines.inspect_files, json_lines.read_rows),
    ".jsonl.gz": (json_lines.inspect_files, json_lines.read_rows),
}
"""Functions that inspect and read files, by the end of file names."""


class Plan(NamedTuple):
    """The plan of a run."""

    data: Location
    files: list[Any]
    """Of type `pyarrow.fs.FileInfo`."""
    partitions: list[Partition]
    read_rows: Callable[[Any, Partition, Any, tuple[str, str], int], Iterator[Batch]]
    names: tuple[str, str]
    """Columns of text and title, of which the input has at least one."""
    prefix: str
    """Stands before the name of each column of the results."""
    input_schema: Any
    """Columns of the files."""
    folder_columns: list[str]
    """Further columns, which folders name as in Hive."""
    output_schema: Any
    """Columns of files, of folders and of the results."""


def make_plan(data: Location, *, text: str | None, title: str | None, prefix: str) -> Plan:
    """Plan a run over a file, or a folder of files.

    ``text`` and ``title`` are columns; without them ``text`` and ``title`` are looked for. Raise
    CommandError if there are no files or several formats, a column is missing, or two columns of
    the output have the same name.
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
    names = text or "text", title or "title"
    schema, spans = inspect_files(data.files, files, names, prefix)
    got = ", ".join(map(repr, schema.names)) or "none"
    for name in (text, title):
        if name and name not in schema.names:
            raise CommandError(f"{data.path}: expected a column {name!r}, got {got}")
    if not {*names} & {*schema.names}:
        expected = " or ".join(f"a column {name!r}" for name in names)
        raise CommandError(f"{data.path}: expected {expected}, got {got}")
    folders = dict.fromkeys(name for file in files for name in folder_values(data.path, file.path))
    folder_columns = [name for name in folders if name not in schema.names]
    fields = [
        *schema,
        *(pa.field(name, pa.string()) for name in folder_columns),
        *(pa.field(prefix + name, kind) for name, kind in RESULT_FIELDS.items()),
    ]
    counts = Counter(field.name for field in fields)
    if taken := [name for name, count in counts.items() if count > 1]:
        raise CommandError(
            f"expected no column {', '.join(map(repr, taken))} in the input: "
            "results have that name; give them another one by --prefix"
        )
    numbers = count()
    partitions = [
        Partition(next(numbers), file.path, *span, file.size, file.mtime_ns)
        for file, file_spans in zip(files, spans, strict=True)
        for span in file_spans
    ]
    return Plan(
        data, files, partitions, read_rows, names, prefix, schema, folder_columns, pa.schema(fields)
    )
