"""Options of the data and of its split, which the commands share."""

import argparse
import functools
import inspect
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Final, cast

import typer

from service.model import find_bundle, load_bundle
from service.model.record_checks import MAX_LINE_LENGTH, is_line
from service.rows import find_repeated_file
from training.data import Source
from training.data.columns import parse_columns
from training.data.dataset import SPLIT_SEED, DataError
from training.data.file_formats import EXPECTED, READERS, format_of

MAX_BAD_ROWS: Final = 0.01  # share of a file's rows
BUILT_IN: Final = tuple(source.value for source in Source)

DataDirOption = Annotated[
    Path | None,
    typer.Option(
        envvar="NEWSWIRE_DATA_DIR",
        help="Folder with the files of built-in sets; downloaded to a cache if left out.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataOptions:
    """Data to learn, and how to split it."""

    data: tuple[str, ...] = (Source.REUTERS21578.value,)  # built-in sets and files
    data_dir: Path | None = None  # folder of the built-in sets; None downloads them
    name: str | None = None  # name of the bundle
    topics: Path | None = None  # file with names, groups and descriptions
    test: Path | None = None  # file to test on
    columns: Mapping[str, str] = field(default_factory=dict)
    max_bad_rows: float = MAX_BAD_ROWS
    drop_rare: bool = False
    split_seed: int | None = SPLIT_SEED  # None splits by date

    @property
    def built_in(self) -> list[Source]:
        """Built-in sets."""
        return [Source(item) for item in self.data if item in BUILT_IN]

    @property
    def files(self) -> list[Path]:
        """Files of labelled texts, without the test file."""
        return [Path(item) for item in self.data if item not in BUILT_IN]

    def arguments(self) -> dict[str, object]:
        """Return the command line's options other than the split seed, with file names only."""
        arguments: dict[str, object] = {
            "data": [Path(item).name for item in self.data],
            "name": self.name,
            "topics": self.topics and self.topics.name,
            "test": self.test and self.test.name,
            "columns": ",".join(map("=".join, self.columns.items())) or None,
            "max-bad-rows": None if self.max_bad_rows == MAX_BAD_ROWS else self.max_bad_rows,
            "drop-rare": self.drop_rare or None,
        }
        return {name: value for name, value in arguments.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenOptions:
    """Options of the data on the command line, each None if it is not given."""

    data: Annotated[
        list[str] | None,
        typer.Option(
            help="reuters21578, modapte (its split of 90 topics), keras (word ids only), or a file "
            "of labelled texts: .jsonl, .csv, .tsv (also .gz) or .parquet. Repeat it to learn "
            "several together; a row replaces rows with its id in earlier files."
        ),
    ] = None
    data_dir: DataDirOption = None
    test: Annotated[
        Path | None,
        typer.Option(help="File of labelled texts to test on; the other files are for training."),
    ] = None
    topics: Annotated[
        Path | None,
        typer.Option(help="JSON list of topics: code, name, group and description."),
    ] = None
    columns: Annotated[
        list[str] | None,
        typer.Option(help="Columns of other names, as in text=body,topics=section."),
    ] = None
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
        """Return options, overridden by those of the command line. Raises `DataError`."""
        given = asdict(self) | {
            "data": tuple(self.data) if self.data else None,
            "columns": parse_columns(self.columns) if self.columns else None,
        }
        return replace(options, **{name: item for name, item in given.items() if item is not None})


def with_data_options(
    command: Callable[..., None], *, left_out: Collection[str] = ()
) -> Callable[..., None]:
    """Add the options of `GivenOptions` to a command, which gets them as ``given``."""
    parameters = inspect.signature(GivenOptions).parameters
    options = {name: item for name, item in parameters.items() if name not in left_out}

    @functools.wraps(command)
    def run(**values: Any) -> None:
        given = {name: values.pop(name) for name in options}
        command(**values, given=GivenOptions(**given))

    signature = inspect.signature(command)
    own = [item for item in signature.parameters.values() if item.name != "given"]
    changed = signature.replace(parameters=[*own, *options.values()])
    run.__signature__ = changed  # type: ignore[attr-defined]
    return run


def check_options(options: DataOptions) -> None:
    """Raise `DataError` for options that contradict each other, before anything is read."""
    built_in = options.built_in
    with_test = [*options.data, *([str(options.test)] if options.test else [])]
    if repeated := find_repeated_file([Path(item) for item in with_test]):
        raise DataError(f"--data: expected each set and file once, got {repeated} again")
    for path in options.files:
        if format_of(path) not in READERS:
            raise DataError(
                f"--data: expected {', '.join(BUILT_IN)} or a file of {EXPECTED}, got {path}"
            )
    if len(built_in) > 1:
        raise DataError(f"--data: expected one built-in set, got {' and '.join(built_in)}")
    if Source.KERAS in built_in and len(with_test) > 1:
        raise DataError(
            "--data keras: the set has word ids without texts and cannot be learnt together with "
            "files: use reuters21578"
        )
    if len(with_test) == len(built_in) and options.topics:
        raise DataError("--topics: expected a file of labelled texts in --data beside it, got none")
    if options.name is not None:
        check_name(options.name)


def check_name(name: str) -> None:
    """Raise `DataError` unless a text can be the name of a bundle."""
    if not is_line(name):
        raise DataError(
            f"--name: expected 1 to {MAX_LINE_LENGTH} printable characters, got {name!a}"
        )


def options_of_command(command: str) -> DataOptions:
    """Return the options of the command that trained a bundle, except those of the split.

    Its files have no folder: they are expected in the working folder.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--data", "--source", action="append")  # --source: of earlier bundles
    for name in ("--topics", "--test"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--name")
    parser.add_argument("--columns", action="append")
    parser.add_argument("--max-bad-rows", type=float)
    parser.add_argument("--drop-rare", action="store_true", default=None)
    found = vars(parser.parse_known_args(shlex.split(command))[0])
    defaults = DataOptions(name=found.pop("name"))
    return GivenOptions(**found).over(defaults)


def options_of_bundles(bundles: Sequence[Path]) -> DataOptions:
    """Return the options that the first bundle was trained with.

    Raises `DataError` unless all have the same split seed, which is None for a split by date: test
    texts of one split are training texts of another.
    """
    manifests = [load_bundle(find_bundle(path)).manifest for path in bundles]
    seeds = {manifest.data.get("split_seed", SPLIT_SEED) for manifest in manifests}
    if len(seeds) > 1:
        raise DataError(f"expected bundles that were trained on one split, got split seeds {seeds}")
    split_seed = cast(int | None, seeds.pop())
    return replace(options_of_command(manifests[0].command), split_seed=split_seed)
