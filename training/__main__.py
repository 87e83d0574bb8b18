"""The commands of the training job."""

from service.process import prepare_process

if __name__ == "__main__":
    prepare_process(
        extra="training", packages=("pyarrow", "rich", "sklearn", "tensorflow", "typer")
    )

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from service.console import run_commands
from service.model import find_bundle, load_bundle, load_classifier
from service.model.repository import numbered_bundles
from training.console import print_line, stdout_console
from training.data import SPLIT_SEED, Source, load_dataset
from training.data.dataset import MAX_SEED, DataError
from training.data.download import download_corpus
from training.data.keras_files import download_keras_files
from training.data.loading import load_data
from training.data.options import (
    DataDirOption,
    DataOptions,
    GivenOptions,
    check_options,
    options_of_bundles,
    with_data_options,
)
from training.data.output_files import check_outputs, write_files
from training.data_check.command import check_data
from training.pipeline import train as run
from training.recipes import Recipe
from training.release.reservation import reserve_folder
from training.stop_signals import exit_on_stop_signals, stop_status

# TensorFlow reads it at import; its log is noise, since errors are exceptions
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

cli = typer.Typer(
    help="Train, evaluate and release bundles of the news topic classifier.",
    add_completion=False,
    pretty_exceptions_enable=False,
)

CANDIDATES: Final = Path("models/candidates")  # folder of bundles without an --out
MODELS: Final = Path("models")
SeedOption = Annotated[int, typer.Option(help="Random seed.", min=0, max=MAX_SEED)]


@cli.command()
@with_data_options
def train(
    *,
    given: GivenOptions,
    recipe: Annotated[Recipe, typer.Option(help="Recipe of the model.")] = Recipe.LINEAR,
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
    split_seed: Annotated[
        int,
        typer.Option(min=0, max=MAX_SEED, help="Random seed of the split; the default is Keras'."),
    ] = SPLIT_SEED,
    chronological: Annotated[
        bool,
        typer.Option("--chronological", help="Train on earlier texts, test on later ones."),
    ] = False,
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
    no_texts: Annotated[
        bool,
        typer.Option("--no-texts", help="Keep all texts of the data set out of the bundle."),
    ] = False,
) -> None:
    """Train a model, verify its export, evaluate it, and write its bundle.

    On Reuters-21578 the linear recipe takes about 2 minutes, the mlp recipe less than one.
    """
    if source:
        given = replace(given, data=[source.value])
    options = given.over(DataOptions(name=name, split_seed=None if chronological else split_seed))
    check_options(options)
    with reserve_folder(out, CANDIDATES) as folder:
        run(
            recipe,
            options,
            seed,
            folder,
            stdout_console(),
            assignments=assignments or (),
            settings_file=settings,
            no_texts=no_texts,
        )


cli.command()(check_data)


@cli.command()
@with_data_options
def evaluate(
    *,
    given: GivenOptions,
    bundles: Annotated[
        list[Path], typer.Argument(help="Bundles of the same split; compared with the first.")
    ],
    by_topic: Annotated[
        bool, typer.Option("--by-topic", help="Also show precision, recall and F1 by topic.")
    ] = False,
    texts: Annotated[
        list[Path] | None,
        typer.Option(help="Evaluate on JSON lines instead: text, title, accept (correct topics)."),
    ] = None,
) -> None:
    """Evaluate bundles on the texts to test on, beside baselines.

    The data set is that of the first bundle; its files are expected in the working folder.
    """
    from training.data.labelled_texts import measure_by_set
    from training.evaluation.baselines import linear_svm, trivial_accuracies
    from training.evaluation.evaluate import evaluate
    from training.release.promotion import is_trained_on
    from training.report import tables

    console = stdout_console()
    classifiers = {str(path): load_classifier(path) for path in bundles}
    if texts:
        console.print(tables.labelled_texts_table(measure_by_set(classifiers, texts)))
        return
    options = given.over(options_of_bundles(bundles))
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
@with_data_options
def promote(
    *,
    given: GivenOptions,
    candidate: Annotated[Path, typer.Argument(help="The bundle to release.")],
    to: Annotated[
        Path | None,
        typer.Option(
            help="Folder of released bundles, the highest number is served; "
            "models/NAME of the bundle's name if left out.",
        ),
    ] = None,
    new_topics: Annotated[
        bool,
        typer.Option("--new-topics", help="Release it even if other topics are served there."),
    ] = False,
) -> None:
    """Check a bundle and release it under the next number; exit status 1 if a check fails.

    The data set is that of the bundle; its files are expected in the working folder.
    """
    candidate = find_bundle(candidate)
    name = load_bundle(candidate).manifest.name
    if to is None and (Path(name).name != name or name in ("..", CANDIDATES.name)):
        raise DataError(f"expected --to FOLDER, as {name!r} is no name of a folder")
    released = to or MODELS / name
    has_bundles = released.is_dir() and numbered_bundles(released) and not new_topics
    compared = [candidate, released] if has_bundles else [candidate]
    dataset = load_data(given.over(options_of_bundles(compared)), print_line)

    # imported late, so that errors of the data do not wait for scikit-learn
    from training.release.promotion import promote, run_checks
    from training.report.tables import checks_table

    checks = run_checks(candidate, released, dataset, new_topics=new_topics)
    stdout_console().print(checks_table(checks))
    if not all(check.passed for check in checks):
        raise typer.Exit(1)
    print_line(f"Released as {promote(candidate, released)}")


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
    stdout_console().print(ablation_table(record))


@cli.command()
def download(folder: Annotated[Path, typer.Argument(help="Folder to write to.")]) -> None:
    """Download the files of both sources into a folder for --data-dir."""
    download_keras_files(folder)
    download_corpus(folder)
    print_line(f"Both data sets are in {folder}")


def main() -> int:
    """Run a command and return the exit status; an error is one line on standard error."""
    exit_on_stop_signals()
    try:
        return run_commands(cli, "python -m training")
    except Exception:
        if (status := stop_status()) is None:
            raise
        return status  # a library has replaced the exit by its own error


if __name__ == "__main__":
    sys.exit(main())
