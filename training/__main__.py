"""The commands of the training job."""

from service.process import prepare_process

if __name__ == "__main__":
    prepare_process(extra="training", packages=("rich", "sklearn", "tensorflow", "typer"))

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, cast

import typer

from service.console import PlainConsole, run_commands
from service.model import find_bundle, load_bundle, load_classifier
from service.model.repository import numbered_bundles
from training.data import SPLIT_SEED, DataError, Source, load_dataset
from training.data.download import download_corpus
from training.data.keras_files import download_keras_files
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

SourceOption = Annotated[Source, typer.Option(help="Keras' word ids, or the corpus with its text.")]
SeedOption = Annotated[int, typer.Option(help="Random seed.", min=0)]
DataDirOption = Annotated[
    Path | None,
    typer.Option(
        envvar="NEWSWIRE_DATA_DIR",
        help="Folder with the source's files; downloaded once to a cache if left out.",
    ),
]


@cli.command()
def train(
    recipe: Annotated[Recipe, typer.Option(help="Recipe of the model.")] = Recipe.LINEAR,
    source: SourceOption = Source.REUTERS21578,
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
        typer.Option("--chronological", help="Train on earlier newswires, test on later ones."),
    ] = False,
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

    The linear recipe takes about 2 minutes, the mlp recipe less than one.
    """
    seed_of_split = None if chronological else split_seed
    with reserve_folder(out, CANDIDATES) as folder:
        run(
            recipe,
            source,
            seed,
            folder,
            console,
            data_dir=data_dir,
            split_seed=seed_of_split,
            assignments=assignments or (),
            settings_file=settings,
            no_texts=no_texts,
        )


@cli.command()
def evaluate(
    bundles: Annotated[
        list[Path], typer.Argument(help="Bundles of the same split; compared with the first.")
    ],
    source: SourceOption = Source.REUTERS21578,
    data_dir: DataDirOption = None,
    by_topic: Annotated[  # noqa: FBT002 - a flag of the command line
        bool, typer.Option("--by-topic", help="Also show precision, recall and F1 by topic.")
    ] = False,
    texts: Annotated[
        list[Path] | None,
        typer.Option(help="Evaluate on JSON lines instead: text, title, accept (right topics)."),
    ] = None,
) -> None:
    """Evaluate bundles on the test newswires, beside baselines."""
    from training.data.labelled_texts import measure_by_set
    from training.evaluation.baselines import linear_svm, trivial_accuracies
    from training.evaluation.evaluate import evaluate
    from training.report import tables

    classifiers = {str(path): load_classifier(path) for path in bundles}
    if texts:
        console.print(tables.labelled_texts_table(measure_by_set(classifiers, texts)))
        return
    dataset = load_dataset(source, data_dir, split_seed=common_split_seed(bundles))
    results = {name: evaluate(item, dataset) for name, item in classifiers.items()}
    compared = {**results, "linear SVM": linear_svm(dataset)}
    console.print(tables.summary_table(compared, trivial_accuracies(dataset)))
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
    data_dir: DataDirOption = None,
) -> None:
    """Check a bundle and release it under the next number; exit status 1 if a check fails."""
    name = load_bundle(find_bundle(candidate)).manifest.name
    if to is None and Path(name).name != name:
        raise DataError(f"expected --to FOLDER, as {name!r} is no name of a folder")
    released = to or MODELS / name
    served = [released] if released.is_dir() and numbered_bundles(released) else []
    split_seed = common_split_seed([candidate] if new_topics else [*served, candidate])
    dataset = load_dataset(Source.REUTERS21578, data_dir, split_seed=split_seed)

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
    dataset = load_dataset(Source.REUTERS21578, data_dir)

    from training.evaluation.ablation import run_ablation
    from training.recipes.linear import LinearSettings
    from training.report.tables import ablation_table

    record = run_ablation(dataset, LinearSettings(seed=seed))
    out.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    console.print(ablation_table(record))


@cli.command()
def download(folder: Annotated[Path, typer.Argument(help="Folder to write to.")]) -> None:
    """Download the files of both sources into a folder for --data-dir."""
    download_keras_files(folder)
    download_corpus(folder)
    console.print(f"Both data sets are in {folder}", soft_wrap=True)


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
