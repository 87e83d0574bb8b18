"""The commands of the training job."""

from service.process import prepare_process

if __name__ == "__main__":
    prepare_process(extra="training", packages=("rich", "sklearn", "tensorflow", "typer"))

import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from service.console import PlainConsole, run_commands
from service.model import find_bundle, load_bundle, load_classifier
from service.model.repository import numbered_bundles
from training.data import SPLIT_SEED, DataError, Source, load_dataset
from training.data.columns import parse_columns
from training.data.download import download_corpus
from training.data.keras_files import download_keras_files
from training.data.labelled_file import MAX_BAD_ROWS
from training.data.loading import load_data
from training.data.options import DataOptions, check_options, options_of_command
from training.data.output_files import check_outputs, write_files
from training.data_check.command import check_data
from training.pipeline import train as run
from training.recipes import Recipe
from training.release.reservation import reserve_folder

# read when TensorFlow is first imported; it logs noise, and reports errors as exceptions
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

CANDIDATES = Path("models/candidates")  # of bundles without an --out
MODELS = Path("models")
LOG_COLUMNS = 220  # width of tables without a terminal

cli = typer.Typer(
    help="Train, evaluate and release bundles of the news topic classifier.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = PlainConsole(width=None if sys.stdout.isatty() else LOG_COLUMNS)

DataOption = Annotated[
    list[str] | None,
    typer.Option(
        help="reuters21578, keras (word ids only), or a file of labelled texts: .jsonl, .csv, .tsv "
        "(also .gz) or .parquet. Repeat it to learn several together."
    ),
]
TestOption = Annotated[Path | None, typer.Option(help="File of labelled texts to test on.")]
TopicsOption = Annotated[
    Path | None, typer.Option(help="JSON list of topics: code, name, group and description.")
]
ColumnsOption = Annotated[
    list[str] | None, typer.Option(help="Columns of other names, as in text=body,topics=section.")
]
MaxBadRowsOption = Annotated[
    float | None,
    typer.Option(min=0, max=1, help=f"Share of a file's rows that may be bad ({MAX_BAD_ROWS})."),
]
DropRareOption = Annotated[
    bool | None, typer.Option("--drop-rare", help="Leave out topics of fewer than 5 texts.")
]
SeedOption = Annotated[int, typer.Option(help="Random seed.", min=0)]
DataDirOption = Annotated[
    Path | None,
    typer.Option(
        envvar="NEWSWIRE_DATA_DIR",
        help="Folder with the files of built-in sets; downloaded to a cache if left out.",
    ),
]


@cli.command()
def train(
    recipe: Annotated[Recipe, typer.Option(help="Recipe of the model.")] = Recipe.LINEAR,
    data: DataOption = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the bundle; that of the first file if left out.")
    ] = None,
    seed: SeedOption = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            help="New or empty folder to write the bundle to; "
            f"the next number in {CANDIDATES} if left out."
        ),
    ] = None,
    data_dir: DataDirOption = None,
    split_seed: Annotated[
        int, typer.Option(min=0, help="Random seed of the split; the default is Keras'.")
    ] = SPLIT_SEED,
    chronological: Annotated[  # noqa: FBT002 - a flag of the command line
        bool,
        typer.Option("--chronological", help="Train on earlier texts, test on later ones."),
    ] = False,
    test: TestOption = None,
    topics: TopicsOption = None,
    columns: ColumnsOption = None,
    max_bad_rows: MaxBadRowsOption = None,
    drop_rare: DropRareOption = None,
    source: Annotated[  # in the commands of earlier bundles
        Source | None, typer.Option(hidden=True)
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a setting of the recipe: --set C=0.5."),
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(help="TOML file of settings of the recipe.")
    ] = None,
    no_texts: Annotated[  # noqa: FBT002 - a flag of the command line
        bool,
        typer.Option("--no-texts", help="Keep all texts of the data set out of the bundle."),
    ] = False,
) -> None:
    """Train a model, verify its export, evaluate it, and write its bundle.

    On Reuters-21578 the linear recipe takes about 2 minutes, the mlp recipe less than one.
    """
    options = with_given(
        DataOptions(data_dir=data_dir, name=name, split_seed=None if chronological else split_seed),
        data=[source.value] if source else data,
        test=test,
        topics=topics,
        columns=columns,
        max_bad_rows=max_bad_rows,
        drop_rare=drop_rare,
    )
    check_options(options)
    with reserve_folder(out, CANDIDATES) as folder:
        run(
            recipe,
            options,
            seed,
            folder,
            console,
            assignments=assignments or (),
            settings_file=settings,
            no_texts=no_texts,
        )


cli.command()(check_data)


@cli.command()
def evaluate(
    bundles: Annotated[
        list[Path], typer.Argument(help="Bundles of the same split; compared with the first.")
    ],
    data: DataOption = None,
    data_dir: DataDirOption = None,
    by_topic: Annotated[  # noqa: FBT002 - a flag of the command line
        bool, typer.Option("--by-topic", help="Also show precision, recall and F1 by topic.")
    ] = False,
    texts: Annotated[
        list[Path] | None,
        typer.Option(help="Evaluate on JSON lines instead: text, title, accept (right topics)."),
    ] = None,
    test: TestOption = None,
    topics: TopicsOption = None,
    columns: ColumnsOption = None,
    max_bad_rows: MaxBadRowsOption = None,
    drop_rare: DropRareOption = None,
) -> None:
    """Evaluate bundles on the texts to test on, beside baselines.

    The data set is that of the first bundle, whose files are looked for in the working folder.
    """
    from training.data.labelled_texts import measure_by_set
    from training.evaluation.baselines import linear_svm, trivial_accuracies
    from training.evaluation.evaluate import evaluate
    from training.release.promotion import is_trained_on
    from training.report import tables

    classifiers = {str(path): load_classifier(path) for path in bundles}
    if texts:
        console.print(tables.labelled_texts_table(measure_by_set(classifiers, texts)))
        return
    options = with_given(
        trained_options(bundles, data_dir),
        data=data,
        test=test,
        topics=topics,
        columns=columns,
        max_bad_rows=max_bad_rows,
        drop_rare=drop_rare,
    )
    dataset = load_data(options, print_line)
    for bundle, item in classifiers.items():
        if not is_trained_on(item.manifest, dataset):
            print_line(f"{bundle} was trained on other data: texts may be among its training texts")
    results = {name: evaluate(item, dataset) for name, item in classifiers.items()}
    compared = {**results, "linear SVM": linear_svm(dataset)}
    console.print(tables.summary_table(compared, trivial_accuracies(dataset)))
    if any(item.all_topics for evaluations in results.values() for item in evaluations.values()):
        console.print(tables.all_topics_table(results))
    console.print(tables.comparison_table(compared, results[str(bundles[0])]))
    if by_topic:
        for table in tables.topic_tables(results, dataset.topic_codes):
            console.print(table)


@cli.command()
def promote(
    candidate: Annotated[Path, typer.Argument(help="The bundle to release.")],
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            "--released",
            help="Folder of released bundles, the highest number is served; "
            "models/NAME of the bundle's name if left out.",
        ),
    ] = None,
    new_topics: Annotated[  # noqa: FBT002 - a flag of the command line
        bool,
        typer.Option("--new-topics", help="Release it though other topics are served there."),
    ] = False,
    data: DataOption = None,
    data_dir: DataDirOption = None,
    test: TestOption = None,
    topics: TopicsOption = None,
    columns: ColumnsOption = None,
    max_bad_rows: MaxBadRowsOption = None,
    drop_rare: DropRareOption = None,
) -> None:
    """Check a bundle and release it under the next number; exit status 1 if a check fails.

    The data set is that of the bundle, whose files are looked for in the working folder.
    """
    name = load_bundle(find_bundle(candidate)).manifest.name
    if to is None and (Path(name).name != name or name in ("..", CANDIDATES.name)):
        raise DataError(f"expected --to FOLDER, as {name!r} is no name of a folder")
    released = to or MODELS / name
    has_bundles = released.is_dir() and numbered_bundles(released) and not new_topics
    options = with_given(
        trained_options([candidate, released] if has_bundles else [candidate], data_dir),
        data=data,
        test=test,
        topics=topics,
        columns=columns,
        max_bad_rows=max_bad_rows,
        drop_rare=drop_rare,
    )
    dataset = load_data(options, print_line)

    from training.release.promotion import promote as promote_bundle
    from training.release.promotion import run_checks
    from training.report.tables import checks_table

    checks = run_checks(candidate, released, dataset, new_topics=new_topics)
    console.print(checks_table(checks))
    if not all(check.passed for check in checks):
        raise typer.Exit(1)
    console.print(f"Released as {promote_bundle(candidate, released)}", soft_wrap=True)


@cli.command()
def ablate(
    out: Annotated[Path, typer.Option(help="JSON file to write.")],
    data_dir: DataDirOption = None,
    seed: SeedOption = 0,
) -> None:
    """Measure what each part of the linear recipe gains, by cross-validation."""
    check_outputs([out])
    dataset = load_dataset(Source.REUTERS21578, data_dir)

    from training.evaluation.ablation import run_ablation
    from training.recipes.linear import LinearSettings
    from training.report.tables import ablation_table

    record = run_ablation(dataset, LinearSettings(seed=seed))
    write_files({out: [json.dumps(record, indent=1, ensure_ascii=False) + "\n"]})
    console.print(ablation_table(record))


@cli.command()
def download(folder: Annotated[Path, typer.Argument(help="Folder to write to.")]) -> None:
    """Download the files of both sources into a folder for --data-dir."""
    download_keras_files(folder)
    download_corpus(folder)
    console.print(f"Both data sets are in {folder}", soft_wrap=True)


def with_given(
    options: DataOptions,
    *,
    data: Sequence[str] | None,
    test: Path | None,
    topics: Path | None,
    columns: Sequence[str] | None,
    max_bad_rows: float | None,
    drop_rare: bool | None,
) -> DataOptions:
    """Return options with those of the command line in their place."""
    given: dict[str, Any] = {
        "data": tuple(data) if data else None,
        "test": test,
        "topics": topics,
        "columns": parse_columns(columns) if columns else None,
        "max_bad_rows": max_bad_rows,
        "drop_rare": drop_rare,
    }
    return replace(options, **{name: item for name, item in given.items() if item is not None})


def trained_options(bundles: Sequence[Path], data_dir: Path | None) -> DataOptions:
    """Return the options that the first bundle was trained with, and the common split seed."""
    command = load_bundle(find_bundle(bundles[0])).manifest.command
    split_seed = common_split_seed(bundles)
    return replace(options_of_command(command), data_dir=data_dir, split_seed=split_seed)


def print_line(line: str) -> None:
    """Print a line, which is not wrapped."""
    console.print(line, soft_wrap=True)


def common_split_seed(bundles: Sequence[Path]) -> int | None:
    """Return the split seed of all bundles, which must be the same; None is the split by date."""
    manifests = [load_bundle(find_bundle(path)).manifest for path in bundles]
    seeds = {manifest.data.get("split_seed", SPLIT_SEED) for manifest in manifests}
    if len(seeds) > 1:  # test newswires of one are training newswires of another
        raise DataError(f"expected bundles that were trained on one split, got split seeds {seeds}")
    return cast(int | None, seeds.pop())


def main() -> int:
    """Run a command and return the exit status; an error is one line on standard error."""
    # by an exception, so that partial files are removed
    signal.signal(signal.SIGTERM, lambda signum, _: sys.exit(128 + signum))
    return run_commands(cli, "python -m training")


if __name__ == "__main__":
    sys.exit(main())
