"""A training run: load, check, split, fit, export, evaluate, save."""

from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from service.model import build_classifier, save_bundle
from training.data import SPLIT_SEED, Source, load_dataset
from training.recipes import Recipe, fit
from training.release.reservation import reserve_folder


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """Options of a run.

    Attributes
    ----------
    data_dir : Path or None
        Folder with the source's files; None downloads them.
    split_seed : int or None
        None splits by date.
    """

    recipe: Recipe = Recipe.LINEAR
    source: Source = Source.REUTERS21578
    seed: int = 0
    data_dir: Path | None = None
    split_seed: int | None = SPLIT_SEED


def train(options: TrainingOptions, out: Path | None, candidates: Path, console: Console) -> None:
    """Train a model and write its bundle, atomically, to a new or empty folder.

    Parameters
    ----------
    out : Path or None
        None takes the next number in ``candidates``.
    """
    with reserve_folder(out, candidates) as folder:
        _train(options, folder, console)


def _train(options: TrainingOptions, folder: Path, console: Console) -> None:
    dataset = load_dataset(options.source, options.data_dir, split_seed=options.split_seed)

    # imported late, so that the errors above do not wait for TensorFlow
    from training.data.views import STREAM, views_of_test
    from training.evaluation.baselines import trivial_accuracies
    from training.evaluation.evaluate import evaluate, evaluate_out_of_fold
    from training.release.drift_baseline import measure_drift_baseline
    from training.release.export import export, repeatable_command
    from training.report.report import report_files
    from training.report.tables import summary_table

    model = fit(
        options.recipe, dataset.train, dataset.vocabulary, seed=options.seed, console=console
    )

    named = {"recipe": options.recipe, "source": options.source, "seed": options.seed}
    command = repeatable_command(named, dataset.split_seed, folder)
    bundle = export(model, dataset, folder=folder, command=command)

    classifier = build_classifier(bundle)
    evaluations = dict(evaluate(classifier, dataset))
    scores = {view: evaluation.scores() for view, evaluation in evaluations.items()}
    stream = views_of_test(dataset).get(STREAM)
    bundle = replace(
        bundle,
        manifest=replace(bundle.manifest, scores=scores),
        drift_baseline=measure_drift_baseline(classifier, stream.texts) if stream else None,
    )
    if model.out_of_fold:
        evaluations |= evaluate_out_of_fold(
            model.out_of_fold, model.thresholds, dataset.topic_codes
        )
    baselines = trivial_accuracies(dataset)

    report = report_files(bundle.manifest, bundle.topics, model.history, evaluations, baselines)
    save_bundle(bundle, folder, report)
    console.print(summary_table({folder.resolve().name: evaluations}, baselines))
    console.print(f"Wrote the bundle to {folder}", soft_wrap=True)
