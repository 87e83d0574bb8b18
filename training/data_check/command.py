"""The command ``check-data``."""

import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from service.rows import find_repeated_file
from training.console import stdout_console
from training.data import Source
from training.data.dataset import MAX_SEED, DataError
from training.data.options import DataOptions, GivenOptions, with_data_options
from training.data.output_files import check_outputs, write_files

STANDARD_OUTPUT: Final = Path("-")


@partial(with_data_options, left_out={"data", "drop_rare"})
def check_data(
    *,
    given: GivenOptions,
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Files of labelled texts (.jsonl, .csv, .tsv, also .gz; .parquet), or "
            f"{Source.REUTERS21578}; checked together."
        ),
    ],
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
    seed: Annotated[int, typer.Option(help="Random seed of the folds.", min=0, max=MAX_SEED)] = 0,
) -> None:
    """Check labelled texts: duplicates, leaks, rare topics, suspected label errors.

    Exit status 0 whatever is found, 1 if the texts cannot be read or trained on. Correct the
    topics in the file of --suspects, and train on it together with the file of --others.
    """
    options = given.over(DataOptions(data=tuple(map(str, files))))
    inputs = [*files, *([options.test] if options.test else [])]
    if repeated := find_repeated_file(inputs):
        raise DataError(f"expected each set and file once, got {repeated} again")
    outputs = [path for path in (json_file, suspects, others) if path and path != STANDARD_OUTPUT]
    check_outputs(outputs, [*inputs, *([options.topics] if options.topics else [])])

    from training.data.loading import read_input_rows
    from training.data_check.check import check_rows
    from training.data_check.report import report_tables

    found = read_input_rows(options)
    report = check_rows(found.rows, seed=seed)
    report = replace(report, bad_rows=found.bad, replaced=found.replaced)
    values: dict[Path | None, Iterable[Any]] = {
        suspects: report.suspects(),
        others: report.others(),
        json_file: [report.to_json()],
    }
    write_files({path: map(_to_line, values[path]) for path in outputs})
    if json_file == STANDARD_OUTPUT:
        sys.stdout.write(_to_line(report.to_json()))
        return
    console = stdout_console()
    for sentence in found.replaced:
        console.print(sentence, soft_wrap=True)
    for table in report_tables(report):
        console.print(table)


def _to_line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"
