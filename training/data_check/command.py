"""The command ``check-data``."""

import json
import sys
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from service.console import PlainConsole
from training.data import Source
from training.data.columns import parse_columns
from training.data.dataset import DataError
from training.data.labelled_file import MAX_BAD_ROWS

STANDARD_OUTPUT: Final = Path("-")
LOG_COLUMNS: Final = 220  # width of tables without a terminal


def check_data(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Files of labelled texts (.jsonl, .csv, .tsv, also .gz; .parquet), or "
            f"{Source.REUTERS21578}; checked together."
        ),
    ],
    test: Annotated[
        Path | None,
        typer.Option(help="File of labelled texts to test on; the others are to train on."),
    ] = None,
    topics: Annotated[
        Path | None,
        typer.Option(help="JSON list of topics: code and name mean the same one, as for train."),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(help="Columns of other names, as in text=body,topics=section."),
    ] = None,
    max_bad_rows: Annotated[
        float, typer.Option(min=0, max=1, help="Share of a file's rows that may be bad.")
    ] = MAX_BAD_ROWS,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", help="Write the report as JSON; - is standard output, no tables."),
    ] = None,
    suspects: Annotated[
        Path | None,
        typer.Option(help="Write the suspected label errors as JSON lines, worst first."),
    ] = None,
    others: Annotated[
        Path | None, typer.Option(help="Write the rows that are no suspects as JSON lines.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed of the folds.", min=0)] = 0,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            envvar="NEWSWIRE_DATA_DIR",
            help="Folder with the files of reuters21578; downloaded to a cache if left out.",
        ),
    ] = None,
) -> None:
    """Check labelled texts: duplicates, leaks, rare topics, suspected label errors.

    Exit status 0 whatever is found, 1 if the texts cannot be read or trained on. Correct the
    topics in the file of --suspects, and train on it together with the file of --others.
    """
    inputs = [*files, *([test] if test else []), *([topics] if topics else [])]
    _check_outputs([path for path in (json_file, suspects, others) if path], inputs)

    from training.data_check.check import check_rows
    from training.data_check.input_rows import read_input_rows
    from training.data_check.tables import report_tables

    found = read_input_rows(
        files,
        test,
        topics,
        columns=parse_columns(columns or ()),
        max_bad_rows=max_bad_rows,
        data_dir=data_dir,
    )
    report = check_rows(found.rows, found.bad, found.replaced, seed=seed)
    contents: dict[Path, Iterable[str]] = {}
    if suspects:
        contents[suspects] = map(_to_line, report.suspects())
    if others:
        contents[others] = map(_to_line, report.others())
    if json_file and json_file != STANDARD_OUTPUT:
        contents[json_file] = [_to_line(report.to_json())]
    _write_files(contents)
    if json_file == STANDARD_OUTPUT:
        sys.stdout.write(_to_line(report.to_json()))
        return
    console = PlainConsole(width=None if sys.stdout.isatty() else LOG_COLUMNS)
    for sentence in found.replaced:
        console.print(sentence, soft_wrap=True)
    for table in report_tables(report):
        console.print(table)


def _check_outputs(outputs: Sequence[Path], inputs: Sequence[Path]) -> None:
    """Raise `DataError` before anything is read for files that cannot or must not be written."""
    for number, path in enumerate(outputs):
        if path == STANDARD_OUTPUT:
            continue
        if not path.parent.is_dir() or path.is_dir():
            raise DataError(f"{path}: expected the name of a file in a folder that exists")
        if path.resolve() in {other.resolve() for other in (*inputs, *outputs[:number])}:
            raise DataError(f"{path}: expected another name than that of each other file")


def _write_files(contents: Mapping[Path, Iterable[str]]) -> None:
    """Write all files beside their places, and rename them once all are complete."""
    with ExitStack() as stack:
        partials = {}
        for path, lines in contents.items():
            partial = path.with_name(f".{uuid.uuid4().hex}.{path.name}")
            stack.callback(partial.unlink, missing_ok=True)
            with partial.open("w", encoding="utf-8") as file:
                file.writelines(lines)
            partials[partial] = path
        for partial, path in partials.items():
            partial.replace(path)


def _to_line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"
