"""The options of the command line that name the data, for every command that reads it."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from training.data.columns import parse_columns
from training.data.labelled_file import MAX_BAD_ROWS
from training.data.options import DataOptions

DataDirOption = Annotated[
    Path | None,
    typer.Option(
        envvar="NEWSWIRE_DATA_DIR",
        help="Folder with the files of built-in sets; downloaded to a cache if left out.",
    ),
]
TestOption = Annotated[
    Path | None,
    typer.Option(help="File of labelled texts to test on; the others are to train on."),
]
TopicsOption = Annotated[
    Path | None, typer.Option(help="JSON list of topics: code, name, group and description.")
]
ColumnsOption = Annotated[
    list[str] | None,
    typer.Option(help="Columns of other names, as in text=body,topics=section."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenOptions:
    """What the command line says of the data, None where it says nothing."""

    data: Annotated[
        list[str] | None,
        typer.Option(
            help="reuters21578, modapte (its split of 90 topics), keras (word ids only), or a file "
            "of labelled texts: .jsonl, .csv, .tsv (also .gz) or .parquet. Repeat it to learn "
            "several together; a row replaces those of its id in the files before."
        ),
    ] = None
    data_dir: DataDirOption = None
    test: TestOption = None
    topics: TopicsOption = None
    columns: ColumnsOption = None
    max_bad_rows: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help=f"Share of a file's rows that may be bad ({MAX_BAD_ROWS})."
        ),
    ] = None
    drop_rare: Annotated[
        bool | None, typer.Option("--drop-rare", help="Leave out topics of fewer than 5 texts.")
    ] = None

    def over(self, options: DataOptions) -> DataOptions:
        """Return options with those of the command line in their place. Raises `DataError`."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        given["data"] = tuple(self.data) if self.data else None
        given["columns"] = parse_columns(self.columns) if self.columns else None
        return replace(options, **{name: item for name, item in given.items() if item is not None})


def with_data_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of `GivenOptions` to a command, whose parameter ``given`` has them."""

    @functools.wraps(command)
    def run(**values: Any) -> None:
        given = {field.name: values.pop(field.name) for field in fields(GivenOptions)}
        command(**values, given=GivenOptions(**given))

    signature = inspect.signature(command)
    options = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type
        )
        for field in fields(GivenOptions)
    ]
    own = [item for item in signature.parameters.values() if item.name != "given"]
    changed = signature.replace(parameters=[*own, *options])
    run.__signature__ = changed  # type: ignore[attr-defined]
    run.__annotations__ = {item.name: item.annotation for item in changed.parameters.values()}
    return run
