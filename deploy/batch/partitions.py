"""A partition of the input: the unit of work, which becomes one file of the output."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Any, Final, NamedTuple, Protocol

from deploy.batch.columns import Columns
from deploy.batch.locations import Location
from service.rows import Row

PARTITION_ROWS: Final = 50_000
"""Maximum rows of a partition, where the format tells their number."""
PARTITION_BYTES: Final = 16 * 2**20
"""Approximate size: some seconds of work, which is what a killed run loses."""
BATCH_BYTES: Final = 8 * 2**20
"""Approximate maximum size of a batch."""


@dataclass(frozen=True, slots=True)
class Partition:
    """A part of a file of the input.

    Attributes
    ----------
    number : int
        From 0, in the order of the input.
    path : str
        Of the file.
    start, stop : int
        Rows of a Parquet file; bytes of JSON lines, a line belongs to its first byte.
    size : int
        Approximate size in bytes.
    file_size, modified : int
        Of the file when the run was planned, as in `StoredFile`.
    """

    number: int
    path: str
    start: int
    stop: int
    size: int
    file_size: int
    modified: int

    @property
    def name(self) -> str:
        """Name of its file in the output."""
        return f"part-{self.number:06}.parquet"


class Batch(NamedTuple):
    """Rows in memory.

    Attributes
    ----------
    columns : list of pyarrow.Array, each of length n_rows
        Of the input, in the order of its schema.
    rows : list of NewsText or str, of length n_rows
        A str is an error.
    """

    columns: list[Any]
    rows: list[Row]


class Format(Protocol):
    """A reader of a file format."""

    def schema(self, files: list[Location], columns: Columns) -> Any:
        """Return the common schema of the files."""

    def spans(self, file: Location) -> Iterator[tuple[int, int, int]]:
        """Yield start, stop and size in bytes of the partitions of a file."""

    def read(
        self, file: Location, partition: Partition, schema: Any, columns: Columns, batch_rows: int
    ) -> Iterator[Batch]:
        """Read a partition in batches."""


def cut(n_units: int, size: int, *, longest: int) -> Iterator[tuple[int, int, int]]:
    """Cut ``n_units`` rows or bytes into equal spans of at most ``longest`` and PARTITION_BYTES.

    Yields
    ------
    tuple of int
        Start, stop, and size in bytes.
    """
    n_spans = max(ceil(n_units / longest), min(n_units, ceil(size / PARTITION_BYTES)))
    edges = [n_units * index // n_spans for index in range(n_spans + 1)] if n_units else []
    for start, stop in pairwise(edges):
        yield start, stop, size * (stop - start) // n_units
