"""What a run is to do: the input's files and pieces, and what the output looks like."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from deploy.batch.columns import Columns
from deploy.batch.errors import BatchError
from deploy.batch.hive_partitions import partition_names
from deploy.batch.json_lines import JsonLines
from deploy.batch.locations import Place, StoredFile
from deploy.batch.parquet import Parquet
from deploy.batch.partitions import Format, Piece

FORMATS: Final[dict[str, type[Format]]] = {
    ".parquet": Parquet,
    ".jsonl": JsonLines,
    ".jsonl.gz": JsonLines,
}
"""How files are read, by the end of their names."""
DEFAULT_TEXT: Final = "text"
DEFAULT_TITLE: Final = "title"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, and how it is to look.

    Attributes
    ----------
    files : list of StoredFile
        The input.
    format : Format
        How they are read.
    columns : Columns
        Which columns are read.
    input_schema : pyarrow.Schema
        Columns of the files in the output.
    partitions : list of str
        Columns that the folders name, as in Hive, and no file has.
    pieces : list of Piece
        In the order of the input.
    """

    files: list[StoredFile]
    format: Format
    columns: Columns
    input_schema: Any
    partitions: list[str]
    pieces: list[Piece]

    def output_schema(self, metadata: dict[str, str]) -> Any:
        """Return the schema of the output: columns of the files, partitions, and the answer's."""
        partitions = [pa.field(name, pa.string()) for name in self.partitions]
        return self.columns.output_schema([*self.input_schema, *partitions], metadata)


def make_plan(place: Place, *, text: str | None, title: str | None, prefix: str) -> Plan:
    """Look at the input.

    Parameters
    ----------
    place : Place
        A file, or a folder of them.
    text : str or None
        Column of the text; None is ``text``, if the input has that.
    title : str or None
        Column of the title; None is ``title``, if the input has that.
    prefix : str
        Of the names of the answer's columns.

    Raises
    ------
    BatchError
        If there is no data, of several formats, or a column that is named or both are missing.
    """
    kinds = [(file, kind) for file in place.list_files() if (kind := _format(file.path))]
    if len({kind for _, kind in kinds}) != 1:
        got = "both" if kinds else "none"
        raise BatchError(f"{place.path}: expected files {' or '.join(FORMATS)}, got {got}")
    files = [file for file, _ in kinds]
    reader = kinds[0][1]()
    places = [Place(place.files, file.path) for file in files]
    columns = Columns(text or DEFAULT_TEXT, title or DEFAULT_TITLE, prefix)
    schema = reader.schema(places, columns)
    got = ", ".join(map(repr, schema.names)) or "none"
    for name in (text, title):
        if name and name not in schema.names:
            raise BatchError(f"{place.path}: expected a column {name!r}, got {got}")
    if not {columns.text, columns.title} & set(schema.names):
        expected = f"a column {columns.text!r} or a column {columns.title!r}"
        raise BatchError(f"{place.path}: expected {expected}, got {got}")
    partitions = [
        name
        for name in partition_names(place.path, [file.path for file in files])
        if name not in schema.names
    ]
    pieces = [Piece(number, *span) for number, span in enumerate(_spans(reader, files, places))]
    plan = Plan(files, reader, columns, schema, partitions, pieces)
    plan.output_schema({})
    return plan


def _format(path: str) -> type[Format] | None:
    return next((kind for ending, kind in FORMATS.items() if path.endswith(ending)), None)


def _spans(
    reader: Format, files: list[StoredFile], places: list[Place]
) -> Iterator[tuple[str, int, int, int, int, int]]:
    for file, place in zip(files, places, strict=True):
        for span in reader.spans(place):
            yield (place.path, *span, file.size, file.modified)
