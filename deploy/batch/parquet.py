"""Read Parquet: a partition is a range of rows, and the size of a batch is bounded in bytes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from deploy.batch.columns import Columns
from deploy.batch.errors import BatchError
from deploy.batch.locations import Location, one_line
from deploy.batch.partitions import BATCH_BYTES, PARTITION_ROWS, Batch, Partition, cut
from service.rows import to_row

MAX_FOOTER_THREADS: Final = 16
"""Threads that read footers, which may wait for the network."""


class Parquet:
    """Parquet files."""

    def __init__(self) -> None:
        self._footers: dict[str, Any] = {}

    def schema(self, files: list[Location], columns: Columns) -> Any:
        """Return the common schema: a column that a file lacks is null in its rows.

        Raises
        ------
        BatchError
            If a file is not Parquet, types of a column differ, or a column to read is not text.
        """
        with ThreadPoolExecutor(MAX_FOOTER_THREADS) as pool:
            footers = list(pool.map(_footer, files))
        schema = pa.schema([])
        for file, footer in zip(files, footers, strict=True):
            self._footers[file.path] = footer
            try:
                schema = pa.unify_schemas(
                    [schema, footer.schema.to_arrow_schema().remove_metadata()]
                )
            except pa.ArrowException as error:
                raise BatchError(
                    f"{file.path}: expected the column types of the files before it: "
                    f"{one_line(error)}"
                ) from error
        for name in (columns.text, columns.title):
            if name in schema.names and not _is_text(kind := schema.field(name).type):
                raise BatchError(f"expected text in column {name!r}, got {kind}")
        return schema

    def spans(self, file: Location) -> Iterator[tuple[int, int, int]]:
        """Cut a file into ranges of rows."""
        footer = self._footers.pop(file.path)
        return cut(footer.num_rows, _uncompressed_bytes(footer), longest=PARTITION_ROWS)

    def read(
        self, file: Location, partition: Partition, schema: Any, columns: Columns, batch_rows: int
    ) -> Iterator[Batch]:
        """Read the rows of a partition, from the row groups that have some of them."""
        with file.files.open_input_file(file.path) as stream:
            parquet = pq.ParquetFile(stream, pre_buffer=False, buffer_size=2**20)
            footer = parquet.metadata
            row_bytes = _uncompressed_bytes(footer) // max(footer.num_rows, 1) + 1
            groups: list[int] = []
            end = 0
            position = 0  # row number of the first row that is read
            for index in range(footer.num_row_groups):
                begin, end = end, end + footer.row_group(index).num_rows
                if end > partition.start and begin < partition.stop:
                    position = position if groups else begin
                    groups.append(index)
            for batch in parquet.iter_batches(
                max(1, min(batch_rows, BATCH_BYTES // row_bytes)), groups, use_threads=False
            ):
                first = max(partition.start - position, 0)
                last = min(partition.stop - position, len(batch))
                if first < last:
                    yield _to_batch(batch.slice(first, last - first), schema, columns)
                position += len(batch)
                if position >= partition.stop:
                    return


def _footer(file: Location) -> Any:
    try:
        with file.files.open_input_file(file.path) as stream:
            return pq.read_metadata(stream)
    except (pa.ArrowException, OSError) as error:
        raise BatchError(f"{file.path}: expected Parquet, got: {one_line(error)}") from error


def _uncompressed_bytes(footer: Any) -> int:
    groups = range(footer.num_row_groups)
    return sum(footer.row_group(index).total_byte_size for index in groups)


def _is_text(kind: Any) -> bool:
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
    names = columns.text, columns.title
    texts, titles = (
        values[name].to_pylist() if name in values else [None] * len(batch) for name in names
    )
    return Batch(arrays, [to_row(*row, names) for row in zip(texts, titles, strict=True)])
