"""A training run: load, check, split, fit, export, evaluate, save."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from service.model import build_classifier, save_bundle
from training.data import Dataset
from training.data.loading import load_data, rows_of_dataset
from training.data.options import DataOptions
from training.recipes import Recipe, TrainedModel
from training.recipes.settings import read_settings


def train(
    recipe: Recipe,
    options: DataOptions,
    seed: int,
    folder: Path,
    console: Console,
    *,
    assignments: Sequence[str] = (),
    settings_file: Path | None = None,
    no_texts: bool = False,
) -> None:
    """Train a model and write its bundle, atomically, to an empty folder.

    Assignments, such as ``C=0.5``, and a TOML file change settings of the recipe. ``no_texts``
    keeps the texts of the data set out of the bundle.
    """
    settings = read_settings(recipe, assignments, settings_file)
    dataset = load_data(options, lambda line: console.print(line, soft_wrap=True))
    if options.files:
        print_findings(dataset, options, console)
    arguments = {
        "recipe": recipe,
        **options.arguments(),
        "seed": seed,
        "settings": settings_file and settings_file.name,
        "set": list(assignments),
        "no-texts": no_texts or None,
    }
    train_on(
        dataset,
        recipe,
        folder,
        console,
        seed=seed,
        settings=settings,
        options=arguments,
        store_texts=not no_texts,
    )


def print_findings(dataset: Dataset, options: DataOptions, console: Console) -> None:
    """Show what may be wrong with the texts; the command check-data also says where."""
    from training.data_check.check import check_rows
    from training.data_check.report import findings_table

    order = {str(file): number for number, file in enumerate([*options.files, options.test])}
    rows = list(rows_of_dataset(dataset))  # built-in rows, then in the order of the files
    rows.sort(key=lambda row: (order[row.file], row.line) if row.file in order else (-1, 0))
    console.print(findings_table(check_rows(rows)))


def train_on(
    dataset: Dataset,
    recipe: Recipe,
    folder: Path,
    console: Console,
    *,
    seed: int,
    settings: Mapping[str, Any],
    options: Mapping[str, object],
    store_texts: bool,
) -> None:
    """Train a model on a data set; ``options`` are those of the command that the bundle records."""
    # imported late, so that errors of the data do not wait for TensorFlow
    from training.data.views import views_of
    from training.evaluation.baselines import trivial_accuracies
    from training.evaluation.evaluate import (
        drift_baseline,
        evaluate,
        evaluate_out_of_fold,
        stream_of,
    )
    from training.release.export import export, repeatable_command
    from training.report.report import report_files
    from training.report.tables import all_topics_table, summary_table

    train, vocabulary = dataset.train, dataset.vocabulary
    model: TrainedModel = recipe.load().fit(
        train, vocabulary, seed=seed, console=console, **settings
    )
    command = repeatable_command(options, dataset.split_seed, folder)
    bundle = export(model, dataset, folder=folder, command=command, store_texts=store_texts)

    classifier = build_classifier(bundle)
    evaluations = dict(evaluate(classifier, dataset))
    scores = {view: evaluation.scores() for view, evaluation in evaluations.items()}
    stream = stream_of(views_of(dataset.test, vocabulary))
    bundle = replace(
        bundle,
        manifest=replace(bundle.manifest, scores=scores),
        drift_baseline=drift_baseline(classifier, stream.texts),
    )
    if held_out := model.out_of_fold:
        evaluations |= evaluate_out_of_fold(held_out, model.thresholds, dataset.topic_codes)
    baselines = trivial_accuracies(dataset)

    report = report_files(bundle.manifest, bundle.topics, model.history, evaluations, baselines)
    save_bundle(bundle, folder, report)
    results = {folder.resolve().name: evaluations}
    console.print(summary_table(results, baselines))
    if bundle.manifest.all_topics_thresholds:
        console.print(all_topics_table(results))
    console.print(f"Wrote the bundle to {folder}", soft_wrap=True)
