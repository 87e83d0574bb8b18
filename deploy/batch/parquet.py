"""Read Parquet: a partition is a range of rows, and the size of a batch is bounded in bytes."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate, pairwise
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from deploy.batch.columns import Columns
from deploy.batch.locations import Location, StoredFile, one_line
from deploy.batch.partitions import BATCH_BYTES, PARTITION_ROWS, Batch, Partition, cut
from service.rows import CommandError, to_row

MAX_FOOTER_THREADS: Final = 16
"""Threads that read footers, which may wait for the network."""


def inspect_files(
    data: Location, files: Sequence[StoredFile], columns: Columns
) -> tuple[Any, list[Iterator[tuple[int, int, int]]]]:
    """Return the common schema, and the ranges of rows to cut each file into.

    A column that a file lacks is null in its rows.

    Raises
    ------
    CommandError
        If a file is not Parquet, types of a column differ, or a column to read is not text.
    """
    with ThreadPoolExecutor(MAX_FOOTER_THREADS) as pool:
        footers = list(pool.map(_footer, [data.at(file.path) for file in files]))
    schema = pa.schema([])
    for file, footer in zip(files, footers, strict=True):
        try:
            schema = pa.unify_schemas([schema, footer.schema.to_arrow_schema().remove_metadata()])
        except pa.ArrowException as error:
            raise CommandError(
                f"{file.path}: expected the column types of the files before it: {one_line(error)}"
            ) from error
    for name in (columns.text, columns.title):
        if name in schema.names and not _is_text(kind := schema.field(name).type):
            raise CommandError(f"expected text in column {name!r}, got {kind}")
    return schema, [
        cut(footer.num_rows, _uncompressed_bytes(footer), longest=PARTITION_ROWS)
        for footer in footers
    ]


def read_rows(
    file: Location, partition: Partition, schema: Any, columns: Columns, batch_rows: int
) -> Iterator[Batch]:
    """Read the rows of a partition in batches, from the row groups that have some of them."""
    with file.files.open_input_file(file.path) as stream:
        parquet = pq.ParquetFile(stream, pre_buffer=False, buffer_size=2**20)
        footer = parquet.metadata
        row_bytes = _uncompressed_bytes(footer) // max(footer.num_rows, 1) + 1
        edges = list(accumulate((group.num_rows for group in _row_groups(footer)), initial=0))
        groups = [
            number
            for number, (begin, end) in enumerate(pairwise(edges))
            if begin < partition.stop and end > partition.start
        ]
        position = edges[groups[0]] if groups else 0  # row number of the first row that is read
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
        raise CommandError(f"{file.path}: expected Parquet, got: {one_line(error)}") from error


def _row_groups(footer: Any) -> list[Any]:
    return [footer.row_group(number) for number in range(footer.num_row_groups)]


def _uncompressed_bytes(footer: Any) -> int:
    return sum(group.total_byte_size for group in _row_groups(footer))


def _is_text(kind: Any) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return kind in (pa.null(), pa.string(), pa.large_string(), pa.string_view())


def _to_batch(batch: Any, schema: Any, columns: Columns) -> Batch:
    arrays = {
        field.name: batch.column(field.name).cast(field.type)
        if field.name in batch.schema.names
        else pa.nulls(len(batch), field.type)
        for field in schema
    }
    names = columns.text, columns.title
    nothing = pa.nulls(len(batch))
    texts, titles = (arrays.get(name, nothing).to_pylist() for name in names)
    rows = [to_row(*row, names) for row in zip(texts, titles, strict=True)]
    return Batch(list(arrays.values()), rows)
