"""The training job's commands. ``train`` reads as the recipe: load, fit, export, evaluate, save."""

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
from types import FrameType
from typing import Annotated, NoReturn, cast

import typer

from service.console import PlainConsole, run_commands
from service.model import (
    Manifest,
    build_classifier,
    find_bundle,
    load_bundle,
    load_classifier,
    save_bundle,
)
from training.data import SPLIT_SEED, Source, load_dataset
from training.data import download as download_datasets
from training.errors import DataError
from training.recipes import Recipe, fit
from training.release.reservation import reserve_place

# TensorFlow reads it when it is first imported; its log is noise, its errors are exceptions.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

CANDIDATES = Path("models/candidates")
"""Where bundles are written that nobody named a place for."""
LOG_COLUMNS = 220
"""How wide tables are where there is no terminal to ask."""

cli = typer.Typer(
    help="Train the Reuters topic classifier, measure it, and export it as a bundle to be served.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = PlainConsole(width=None if sys.stdout.isatty() else LOG_COLUMNS)

SourceOption = Annotated[
    Source, typer.Option(help="Word ids as Keras has them, or the corpus with its text.")
]
DataDirOption = Annotated[
    Path | None,
    typer.Option(
        envvar="NEWSWIRE_DATA_DIR",
        help="Folder that has the source's files; without it they are downloaded, once.",
    ),
]
SplitSeedOption = Annotated[
    int, typer.Option(min=0, help="Of the shuffle before the split; Keras' own is the default.")
]
ChronologicalOption = Annotated[
    bool,
    typer.Option("--chronological", help="Train on the earlier newswires, test on the later ones."),
]


@cli.command()
def train(
    recipe: Annotated[Recipe, typer.Option(help="How to build and fit the network.")] = Recipe.LINEAR,
    source: SourceOption = Source.REUTERS21578,
    seed: Annotated[int, typer.Option(help="Makes a run repeatable.", min=0)] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Where to write the bundle: a new or empty folder; "
            f"the next number in {CANDIDATES} if left out.",
        ),
    ] = None,
    data_dir: DataDirOption = None,
    split_seed: SplitSeedOption = SPLIT_SEED,
    chronological: ChronologicalOption = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Train a network, prove its export, measure it, and write the bundle whole or not at all.

    On 2 cores the linear recipe takes some 3 minutes, the mlp recipe less than one.
    """
    with reserve_place(out, CANDIDATES) as place:
        _train(recipe, source, seed, place, data_dir, None if chronological else split_seed)


def _train(
    recipe: Recipe,
    source: Source,
    seed: int,
    out: Path,
    data_dir: Path | None,
    split_seed: int | None,
) -> None:
    dataset = load_dataset(source, data_dir, split_seed=split_seed)

    # imported late: they bring TensorFlow, and neither --help nor an error above should wait for it
    from training.data.views import STREAM, views_of_test
    from training.evaluation.baselines import trivial_accuracies
    from training.evaluation.evaluate import evaluate, evaluate_out_of_fold
    from training.release.drift_baseline import measure_drift_baseline
    from training.release.export import export, repeatable_command
    from training.report.report import report_files
    from training.report.tables import summary_table

    network = fit(recipe, dataset.train, dataset.vocabulary, seed=seed, console=console)

    options = {"recipe": recipe, "source": source, "seed": seed}
    command = repeatable_command(options, dataset.split_seed, out)
    bundle = export(network, dataset, folder=out, command=command)
    classifier = build_classifier(bundle)
    evaluations = evaluate(classifier, dataset)
    views = views_of_test(dataset, [topic.code for topic in bundle.topics])
    scores = {name: evaluation.scores() for name, evaluation in evaluations.items()}
    baseline = measure_drift_baseline(classifier, views[STREAM].texts) if STREAM in views else None
    manifest = replace(bundle.manifest, scores=scores)
    bundle = replace(bundle, manifest=manifest, drift_baseline=baseline)

    codes = [topic.code for topic in bundle.topics]
    out_of_fold = (
        evaluate_out_of_fold(network.out_of_fold, network.thresholds, codes) if network.out_of_fold else {}
    )
    baselines = trivial_accuracies(dataset)
    report = report_files(
        bundle.manifest, bundle.topics, network.history, evaluations, out_of_fold, baselines
    )
    save_bundle(bundle, out, report)
    console.print(summary_table({out.resolve().name: {**evaluations, **out_of_fold}}, baselines))
    console.print(f"Wrote the bundle to {out}", soft_wrap=True)


@cli.command()
def evaluate(
    bundles: Annotated[
        list[Path], typer.Argument(help="Bundles of one split; the others are held to the first.")
    ],
    source: SourceOption = Source.REUTERS21578,
    data_dir: DataDirOption = None,
    by_topic: Annotated[  # noqa: FBT002 - a flag of the command line
        bool, typer.Option("--by-topic", help="Also show precision, recall and F1 by topic.")
    ] = False,
    texts: Annotated[
        list[Path] | None,
        typer.Option(
            help="Measure on these JSON lines instead: text, title, accept (the right topics)."
        ),
    ] = None,
) -> None:
    """Repeat the evaluation of bundles, as they are served, beside what they have to beat."""
    from training.data.labelled_texts import measure_labelled_texts, read_labelled_texts
    from training.evaluation.baselines import linear_svm, trivial_accuracies
    from training.evaluation.evaluate import evaluate
    from training.report.tables import (
        VIEW_TITLES,
        comparison_table,
        labelled_texts_table,
        summary_table,
        topic_table,
    )

    classifiers = {str(path): load_classifier(path) for path in bundles}
    if texts:
        labelled = [item for path in texts for item in read_labelled_texts(path)]
        rows = {
            f"{name}, {kind}": measure_labelled_texts(
                classifier, [item for item in labelled if item.set == kind]
            )
            for kind in dict.fromkeys(item.set for item in labelled)
            for name, classifier in classifiers.items()
        }
        console.print(labelled_texts_table(rows))
        return
    split_seed = common_split_seed([item.manifest for item in classifiers.values()])
    dataset = load_dataset(source, data_dir, split_seed=split_seed)
    results = {name: evaluate(item, dataset) for name, item in classifiers.items()}
    compared = {**results, "linear SVM": linear_svm(dataset)}
    console.print(summary_table(compared, trivial_accuracies(dataset)))
    console.print(comparison_table(compared, results[str(bundles[0])]))
    if by_topic:
        codes = [topic.code for topic in classifiers[str(bundles[0])].topics]
        for name, evaluations in results.items():
            for view, evaluation in evaluations.items():
                if not evaluation.topical.any():
                    continue
                title = f"{name}, {VIEW_TITLES[view]}"
                console.print(topic_table(evaluation, codes, title))


@cli.command()
def promote(
    candidate: Annotated[Path, typer.Argument(help="The bundle that shall be released.")],
    released: Annotated[
        Path, typer.Option(help="Folder of the released bundles; the highest number is served.")
    ] = Path("models/reuters"),
    data_dir: DataDirOption = None,
) -> None:
    """Release a bundle under the next number, if it is fit to be served; else exit status is 1."""
    current = find_bundle(released)
    split_seed = common_split_seed([load_bundle(path).manifest for path in (current, candidate)])
    dataset = load_dataset(Source.REUTERS21578, data_dir, split_seed=split_seed)

    from training.release.promotion import run_checks
    from training.release.promotion import promote as promote_bundle
    from training.report.tables import checks_table

    checks = run_checks(candidate, released, dataset)
    console.print(checks_table(checks))
    if not all(check.passed for check in checks):
        raise typer.Exit(1)
    console.print(f"Released as {promote_bundle(candidate, released)}", soft_wrap=True)


@cli.command()
def ablate(
    out: Annotated[Path, typer.Option(help="Where to write the record, as JSON.")],
    data_dir: DataDirOption = None,
    seed: Annotated[int, typer.Option(help="Of the folds.", min=0)] = 0,
) -> None:
    """Measure what each part of the linear recipe gains, by cross-validation."""
    dataset = load_dataset(Source.REUTERS21578, data_dir)

    from training.evaluation.ablation import run_ablation
    from training.report.tables import ablation_table

    record = run_ablation(dataset, seed=seed)
    out.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    console.print(ablation_table(record))


@cli.command()
def download(folder: Annotated[Path, typer.Argument(help="Where to put the files.")]) -> None:
    """Download the files of both sources into a folder, to be named with --data-dir."""
    download_datasets(folder)
    console.print(f"Both data sets are in {folder}", soft_wrap=True)


def common_split_seed(manifests: Sequence[Manifest]) -> int | None:
    """Give the seed of the split that bundles were trained on; None is the split by date.

    Raises
    ------
    DataError
        If they were trained on several: one's test newswires are another's training newswires.
    """
    seeds = {manifest.data.get("split_seed", SPLIT_SEED) for manifest in manifests}
    if len(seeds) > 1:
        raise DataError(f"expected bundles that were trained on one split, got split seeds {seeds}")
    return cast(int | None, seeds.pop())


def _end(signum: int, frame: FrameType | None) -> NoReturn:
    """End as on an exception, so that nothing half written stays behind."""
    sys.exit(128 + signum)


def main() -> int:
    """Run a command; what goes wrong is one line on standard error. Return the exit status."""
    signal.signal(signal.SIGTERM, _end)
    return run_commands(cli, "python -m training")


if __name__ == "__main__":
    sys.exit(main())
