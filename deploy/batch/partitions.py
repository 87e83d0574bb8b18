"""A piece of the input, the unit of work: it is classified whole or not at all."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Any, Final, NamedTuple, Protocol

from deploy.batch.columns import Columns
from deploy.batch.locations import Place
from service.model import NewsText

PIECE_ROWS: Final = 50_000
"""Rows of a piece at the most, where they can be counted before they are read."""
PIECE_BYTES: Final = 16 * 2**20
"""Bytes of a piece, about; some seconds of work, so that a run that was killed loses no more."""
BATCH_BYTES: Final = 8 * 2**20
"""Bytes of a batch, about, where the rows are so long that fewer of them fill it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a file of the input, to become one file of the output.

    Attributes
    ----------
    number : int
        Its place in the order of the input, from 0.
    path : str
        Of the file, as its file system names it.
    start, stop : int
        Rows of a Parquet file. Of JSON lines, the bytes among which the first of a line must be.
    size : int
        In bytes, about: how much work it is beside the others.
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
    """Rows that are in memory together.

    Attributes
    ----------
    columns : list of pyarrow.Array, each of length n_rows
        The input's, in the order of its schema.
    rows : list of NewsText or str, of length n_rows
        What to classify; a str is what was expected where that cannot be done.
    """

    columns: list[Any]
    rows: list[NewsText | str]


class Format(Protocol):
    """How a kind of file is read."""

    def schema(self, places: list[Place], columns: Columns) -> Any:
        """Give the one schema that the rows of all files have in the output."""

    def spans(self, place: Place) -> Iterator[tuple[int, int, int]]:
        """Cut a file up: start, stop and size of its pieces."""

    def read(
        self, place: Place, piece: Piece, schema: Any, columns: Columns, batch_rows: int
    ) -> Iterator[Batch]:
        """Read a piece, a batch at a time."""


def cut(n_units: int, size: int, *, longest: int) -> Iterator[tuple[int, int, int]]:
    """Cut ``n_units`` rows or bytes into equal spans of at most ``longest`` and ``PIECE_BYTES``.

    Yields
    ------
    tuple of int
        Start, stop, and size in bytes.
    """
    n_spans = max(ceil(n_units / longest), min(n_units, ceil(size / PIECE_BYTES)))
    edges = [n_units * index // n_spans for index in range(n_spans + 1)] if n_units else []
    for start, stop in pairwise(edges):
        yield start, stop, size * (stop - start) // n_units
