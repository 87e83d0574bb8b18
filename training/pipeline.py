"""A training run: load, check, split, fit, export, evaluate, save."""

from dataclasses import replace
from pathlib import Path

from rich.console import Console

from service.model import build_classifier, save_bundle
from training.data.loading import load_data
from training.data.options import DataOptions
from training.recipes import Recipe, fit


def train(recipe: Recipe, options: DataOptions, seed: int, folder: Path, console: Console) -> None:
    """Train a model and write its bundle, atomically, to an empty folder."""
    dataset = load_data(options, lambda line: console.print(line, soft_wrap=True))

    # imported late, so that the errors above do not wait for TensorFlow
    from training.data.views import STREAM, views_of
    from training.evaluation.baselines import trivial_accuracies
    from training.evaluation.evaluate import drift_baseline, evaluate, evaluate_out_of_fold
    from training.release.export import export, repeatable_command
    from training.report.report import report_files
    from training.report.tables import summary_table

    model = fit(recipe, dataset.train, dataset.vocabulary, seed=seed, console=console)

    named = {"recipe": recipe, **options.arguments(), "seed": seed}
    command = repeatable_command(named, dataset.split_seed, folder)
    bundle = export(model, dataset, folder=folder, command=command)

    classifier = build_classifier(bundle)
    evaluations = dict(evaluate(classifier, dataset))
    scores = {view: evaluation.scores() for view, evaluation in evaluations.items()}
    stream = views_of(dataset.test, dataset.vocabulary).get(STREAM)
    bundle = replace(
        bundle,
        manifest=replace(bundle.manifest, scores=scores),
        drift_baseline=drift_baseline(classifier, stream.texts) if stream else None,
    )
    if held_out := model.out_of_fold:
        evaluations |= evaluate_out_of_fold(held_out, model.thresholds, dataset.topic_codes)
    baselines = trivial_accuracies(dataset)

    report = report_files(bundle.manifest, bundle.topics, model.history, evaluations, baselines)
    save_bundle(bundle, folder, report)
    console.print(summary_table({folder.resolve().name: evaluations}, baselines))
    console.print(f"Wrote the bundle to {folder}", soft_wrap=True)
