"""How Parquet is read: a piece is a range of rows, and batches are no longer than memory allows."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from deploy.batch.columns import Columns
from deploy.batch.errors import BatchError
from deploy.batch.locations import Place, one_line
from deploy.batch.partitions import BATCH_BYTES, PIECE_ROWS, Batch, Piece, cut
from deploy.batch.prediction import to_news_text

FOOTERS_AT_ONCE: Final = 16
"""How many footers are read at the same time: each may be a wait for the network."""


class Parquet:
    """Parquet files."""

    def __init__(self) -> None:
        self._footers: dict[str, Any] = {}

    def schema(self, places: list[Place], columns: Columns) -> Any:
        """Give the schema of all files: one that lacks a column, or has it null, has nulls there.

        Raises
        ------
        BatchError
            If a file is no Parquet, or they differ in the type of a column, or it is not text.
        """
        with ThreadPoolExecutor(FOOTERS_AT_ONCE) as pool:
            footers = list(pool.map(_footer, places))
        schema = pa.schema([])
        for place, footer in zip(places, footers, strict=True):
            self._footers[place.path] = footer
            one = footer.schema.to_arrow_schema().remove_metadata()
            try:
                schema = pa.unify_schemas([schema, one])
            except pa.ArrowException as error:
                raise BatchError(
                    f"{place.path}: expected the column types of the files before it: "
                    f"{one_line(error)}"
                ) from error
        for name in (columns.text, columns.title):
            if name in schema.names and not _holds_text(kind := schema.field(name).type):
                raise BatchError(f"expected text in column {name!r}, got {kind}")
        return schema

    def spans(self, place: Place) -> Iterator[tuple[int, int, int]]:
        """Cut a file up into ranges of rows."""
        footer = self._footers.pop(place.path)
        return cut(footer.num_rows, _bytes_in(footer), longest=PIECE_ROWS)

    def read(
        self, place: Place, piece: Piece, schema: Any, columns: Columns, batch_rows: int
    ) -> Iterator[Batch]:
        """Read the rows of a piece, from the row groups that have some of them."""
        with place.files.open_input_file(place.path) as stream:
            file = pq.ParquetFile(stream, pre_buffer=False, buffer_size=2**20)
            footer = file.metadata
            row_bytes = _bytes_in(footer) // max(footer.num_rows, 1) + 1
            sizes = [footer.row_group(index).num_rows for index in range(footer.num_row_groups)]
            ends = list(accumulate(sizes))
            groups = [
                index
                for index, (size, end) in enumerate(zip(sizes, ends, strict=True))
                if end > piece.start and end - size < piece.stop
            ]
            position = ends[groups[0]] - sizes[groups[0]]
            for batch in file.iter_batches(
                max(1, min(batch_rows, BATCH_BYTES // row_bytes)), groups, use_threads=False
            ):
                first = max(piece.start - position, 0)
                last = min(piece.stop - position, len(batch))
                if first < last:
                    yield _to_batch(batch.slice(first, last - first), schema, columns)
                position += len(batch)
                if position >= piece.stop:
                    return


def _footer(place: Place) -> Any:
    try:
        with place.files.open_input_file(place.path) as stream:
            return pq.read_metadata(stream)
    except (pa.ArrowException, OSError) as error:
        raise BatchError(f"{place.path}: expected Parquet, got: {one_line(error)}") from error


def _bytes_in(footer: Any) -> int:
    """Bytes of all rows when they are no longer compressed."""
    groups = range(footer.num_row_groups)
    return sum(footer.row_group(index).total_byte_size for index in groups)


def _holds_text(kind: Any) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    checks = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return pa.types.is_null(kind) or any(check(kind) for check in checks)


def _to_batch(batch: Any, schema: Any, columns: Columns) -> Batch:
    present = set(batch.schema.names)
    arrays = [
        batch.column(field.name).cast(field.type)
        if field.name in present
        else pa.nulls(len(batch), field.type)
        for field in schema
    ]
    values = dict(zip(schema.names, arrays, strict=True))
    texts, titles = (
        values[name].to_pylist() if name in values else [None] * len(batch)
        for name in (columns.text, columns.title)
    )
    rows = [to_news_text(*row, columns) for row in zip(texts, titles, strict=True)]
    return Batch(arrays, rows)
