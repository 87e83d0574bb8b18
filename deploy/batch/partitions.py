"""A partition of the input: the unit of work, which becomes one file of the output."""

from collections.abc import Iterator
from itertools import pairwise
from math import ceil
from typing import Any, Final, NamedTuple

from service.rows import Row

PARTITION_ROWS: Final = 50_000  # maximum, where the format tells their number
PARTITION_BYTES: Final = 16 * 2**20  # some seconds of work, which a killed run loses
BATCH_BYTES: Final = 8 * 2**20  # approximate maximum size of a batch


class Partition(NamedTuple):
    """A part of a file of the input."""

    number: int  # from 0, in the order of the input
    path: str
    start: int  # row of a Parquet file, or byte of JSON lines: a line is where its first byte is
    stop: int
    size: int  # approximate, in bytes
    file_size: int
    modified: int | None  # time of the file at planning: nanoseconds since 1970

    @property
    def name(self) -> str:
        """Name of its file in the output."""
        return f"part-{self.number:06}.parquet"


class Batch(NamedTuple):
    """Rows in memory: the arrays of the columns of the input, and what to classify."""

    columns: list[Any]
    rows: list[Row]


def cut(n_units: int, size: int, *, longest: int) -> Iterator[tuple[int, int, int]]:
    """Cut rows or bytes into equal spans, and yield start, stop and size in bytes of each."""
    n_spans = max(ceil(n_units / longest), min(n_units, ceil(size / PARTITION_BYTES)))
    edges = [n_units * index // n_spans for index in range(n_spans + 1)] if n_units else []
    for start, stop in pairwise(edges):
        yield start, stop, size * (stop - start) // n_units
