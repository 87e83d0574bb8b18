"""Files of labelled texts, row by row: JSON lines, CSV and TSV (also .gz), and Parquet."""

from collections.abc import Callable, Iterator
from pathlib import Path

from training.data.columns import Columns, LabelledRow
from training.data.dataset import DataError
from training.data.file_formats import EXPECTED, READERS, format_of, read_parquet
from training.data.options import DataOptions


def read_labelled_files(
    options: DataOptions,
    on_bad_row: Callable[[str], object] = lambda _: None,
    on_replaced: Callable[[str], object] = lambda _: None,
) -> Iterator[LabelledRow]:
    """Yield the rows of all files in order; memory holds one row and the ids of the later files.

    A row replaces rows of earlier files with the same id, which are left out. The test file is read
    last: its rows are for testing, and others that name no split for training. Its rows replace
    none, as its ids may be its own numbers. ``on_bad_row`` gets a sentence on each bad row,
    which begins with file and line, and ``on_replaced`` one on each file with replaced rows.

    Raises `DataError` if a file cannot be read, if too many of its rows are bad, or if all
    files together have no rows.
    """
    names = Columns(options.columns)
    last_file = {  # last file with each id, from the second file on
        row.id: number
        for number, path in enumerate(options.files[1:], 1)
        for row in _read_file(path, names, options.max_bad_rows)
        if row.id is not None
    }
    paths = [*options.files, *([options.test] if options.test else [])]
    n_rows = 0
    for number, path in enumerate(paths):
        n_replaced = 0
        for row in _read_file(path, names, options.max_bad_rows, on_bad_row):
            if row.id is not None and last_file.get(row.id, number) > number:
                n_replaced += 1
                continue
            n_rows += 1
            if options.test:
                row = row._replace(split="test" if path == options.test else row.split or "train")
            yield row
        if n_replaced:
            on_replaced(
                f"{path}: rows replaced by those of the same id in later files: {n_replaced:,}"
            )
    if paths and not n_rows:
        files = ", ".join(map(str, paths))
        raise DataError(f"{files}: expected rows of labelled texts, got none")
    if names.unseen:
        field, column = min(names.unseen.items())
        raise DataError(f"--columns {field}={column}: expected a column {column!r}, no file has it")


def _read_file(
    path: Path,
    columns: Columns,
    max_bad_rows: float,
    on_bad_row: Callable[[str], object] = lambda _: None,
) -> Iterator[LabelledRow]:
    read = READERS.get(format_of(path))
    if read is None:
        raise DataError(f"{path}: expected {EXPECTED}, got another suffix")
    unit = "row" if read is read_parquet else "line"
    n_rows = n_bad = 0
    first_error = ""
    for line, record in read(path, columns):
        n_rows += 1
        row = record if isinstance(record, str) else columns.to_row(record, str(path), line)
        if isinstance(row, LabelledRow):
            yield row
            continue
        error = f"{path}, {unit} {line}: {row}"
        n_bad += 1
        first_error = first_error or error
        on_bad_row(error)
    if n_bad > max_bad_rows * n_rows:
        raise DataError(
            f"{first_error} ({n_bad:,} of {n_rows:,} rows of this file are bad, "
            f"--max-bad-rows allows {max_bad_rows:.2%})"
        )
