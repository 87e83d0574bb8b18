"""The plan of a run: files and partitions of the input, and the columns of the output."""

from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from deploy.batch.columns import Columns
from deploy.batch.errors import BatchError
from deploy.batch.hive_partitions import folder_columns
from deploy.batch.json_lines import JsonLines
from deploy.batch.locations import Location, StoredFile
from deploy.batch.parquet import Parquet
from deploy.batch.partitions import Format, Partition

FORMATS: Final[dict[str, type[Format]]] = {
    ".parquet": Parquet,
    ".jsonl": JsonLines,
    ".jsonl.gz": JsonLines,
}
"""By the end of file names."""
DEFAULT_TEXT: Final = "text"
DEFAULT_TITLE: Final = "title"


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a run.

    Attributes
    ----------
    files : list of StoredFile
    format : Format
        Reader of the files.
    columns : Columns
    input_schema : pyarrow.Schema
        Columns of the files.
    folder_columns : list of str
        Further columns, which folders name as in Hive.
    partitions : list of Partition
    """

    files: list[StoredFile]
    format: Format
    columns: Columns
    input_schema: Any
    folder_columns: list[str]
    partitions: list[Partition]

    def output_schema(self, metadata: dict[str, str]) -> Any:
        """Return the schema of the output: columns of files, of folders and of the results."""
        folders = [pa.field(name, pa.string()) for name in self.folder_columns]
        return self.columns.output_schema([*self.input_schema, *folders], metadata)


def make_plan(data: Location, *, text: str | None, title: str | None, prefix: str) -> Plan:
    """Plan a run over a file, or a folder of files.

    Parameters
    ----------
    data : Location
    text, title : str or None
        Columns; None is ``text`` and ``title``, of which the input must have one.
    prefix : str
        Of the names of the columns of the results.

    Raises
    ------
    BatchError
        If there are no files, or several formats, or a column is missing.
    """
    kinds = [(file, kind) for file in data.list_files() if (kind := _format(file.path))]
    if len({kind for _, kind in kinds}) != 1:
        got = "both" if kinds else "none"
        raise BatchError(f"{data.path}: expected files {' or '.join(FORMATS)}, got {got}")
    files = [file for file, _ in kinds]
    reader = kinds[0][1]()
    columns = Columns(text or DEFAULT_TEXT, title or DEFAULT_TITLE, prefix)
    schema = reader.schema([data.at(file.path) for file in files], columns)
    got = ", ".join(map(repr, schema.names)) or "none"
    for name in (text, title):
        if name and name not in schema.names:
            raise BatchError(f"{data.path}: expected a column {name!r}, got {got}")
    if not {columns.text, columns.title} & set(schema.names):
        expected = f"a column {columns.text!r} or a column {columns.title!r}"
        raise BatchError(f"{data.path}: expected {expected}, got {got}")
    folders = folder_columns(data.path, [file.path for file in files])
    spans = (
        (file.path, *span, file.size, file.modified)
        for file in files
        for span in reader.spans(data.at(file.path))
    )
    plan = Plan(
        files,
        reader,
        columns,
        schema,
        [name for name in folders if name not in schema.names],
        [Partition(number, *span) for number, span in enumerate(spans)],
    )
    plan.output_schema({})  # no two columns may have the same name
    return plan


def _format(path: str) -> type[Format] | None:
    return next((kind for ending, kind in FORMATS.items() if path.endswith(ending)), None)
