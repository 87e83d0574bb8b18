"""Read Parquet: a partition is a range of rows, and the size of a batch is bounded in bytes."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate, pairwise
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from deploy.batch.locations import one_line
from deploy.batch.partitions import BATCH_BYTES, PARTITION_ROWS, Batch, Partition, cut
from service.rows import CommandError, to_row

MAX_FOOTER_THREADS: Final = 16  # more than processors: they may wait for the network


def inspect_files(
    filesystem: Any, files: Sequence[Any], names: tuple[str, str], _prefix: str
) -> tuple[Any, list[Iterator[tuple[int, int, int]]]]:
    """Return the common schema, and the ranges of rows to cut each file into.

    A column that a file lacks is null in its rows. Raise CommandError if a file is not Parquet,
    types of a column differ, or a column to read is not text.
    """
    with ThreadPoolExecutor(MAX_FOOTER_THREADS) as pool:
        footers = list(pool.map(lambda file: _footer(filesystem, file.path), files))
    schema, spans = pa.schema([]), []
    for file, footer in zip(files, footers, strict=True):
        n_bytes = sum(group.total_byte_size for group in _row_groups(footer))
        spans.append(cut(footer.num_rows, n_bytes, longest=PARTITION_ROWS))
        try:
            schema = pa.unify_schemas([schema, footer.schema.to_arrow_schema().remove_metadata()])
        except pa.ArrowException as error:
            raise CommandError(
                f"{file.path}: expected the column types of the files before it: {one_line(error)}"
            ) from error
    for name in names:
        if name in schema.names and not _is_text(kind := schema.field(name).type):
            raise CommandError(f"expected text in column {name!r}, got {kind}")
    return schema, spans


def read_rows(
    filesystem: Any, partition: Partition, schema: Any, names: tuple[str, str], batch_rows: int
) -> Iterator[Batch]:
    """Read the rows of a partition in batches, from the row groups that have some of them."""
    with filesystem.open_input_file(partition.path) as stream:
        parquet = pq.ParquetFile(stream, pre_buffer=False, buffer_size=2**20)
        row_bytes = partition.size // (partition.stop - partition.start) + 1
        sizes = [group.num_rows for group in _row_groups(parquet.metadata)]
        edges = list(accumulate(sizes, initial=0))
        groups = [
            number
            for number, (begin, end) in enumerate(pairwise(edges))
            if begin < partition.stop and end > partition.start
        ]
        position = edges[groups[0]] if groups else 0  # row number of the first row that is read
        for batch in parquet.iter_batches(
            max(1, min(batch_rows, BATCH_BYTES // row_bytes)), groups, use_threads=False
        ):
            rows = batch[max(partition.start - position, 0) : partition.stop - position]
            if len(rows):
                yield _to_batch(rows, schema, names)
            position += len(batch)
            if position >= partition.stop:
                return


def _footer(filesystem: Any, path: str) -> Any:
    try:
        with filesystem.open_input_file(path) as stream:
            return pq.read_metadata(stream)
    except (pa.ArrowException, OSError) as error:
        raise CommandError(f"{path}: expected Parquet, got: {one_line(error)}") from error


def _row_groups(footer: Any) -> list[Any]:
    return [footer.row_group(number) for number in range(footer.num_row_groups)]


def _is_text(kind: Any) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return kind in (pa.null(), pa.string(), pa.large_string(), pa.string_view())


def _to_batch(batch: Any, schema: Any, names: tuple[str, str]) -> Batch:
    arrays = {
        field.name: batch.column(field.name).cast(field.type)
        if field.name in batch.schema.names
        else pa.nulls(len(batch), field.type)
        for field in schema
    }
    nothing = pa.nulls(len(batch))
    texts, titles = (arrays.get(name, nothing).to_pylist() for name in names)
    rows = [to_row(*row, names) for row in zip(texts, titles, strict=True)]
    return Batch(list(arrays.values()), rows)
