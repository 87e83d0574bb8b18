"""The report of a run: figures, the model card, and every score as JSON."""

import json
from collections.abc import Mapping, Sequence

from service.model import Manifest, Topic
from training.evaluation.evaluate import Evaluation
from training.report.figures import draw_confusion, draw_curves, draw_reliability
from training.report.model_card import write_model_card
from training.report.tables import VIEW_TITLES


def report_files(
    manifest: Manifest,
    topics: Sequence[Topic],
    history: Mapping[str, Sequence[float]],
    evaluations: Mapping[str, Evaluation],
    baselines: Mapping[str, float],
) -> dict[str, bytes]:
    """Return the files of the report by name.

    The history is that of Keras' ``fit``, empty for a recipe without epochs. Evaluations are of
    each view of the test newswires, and of out-of-fold predictions. Baselines are accuracies.
    """
    codes = [topic.code for topic in topics]
    view, evaluation = next(iter(evaluations.items()))
    metrics = {
        "baselines": dict(baselines),
        "history": {name: list(values) for name, values in history.items()},
        **{
            name: {"scores": item.scores()}
            | ({"topics": item.by_topic(codes)} if item.topical.all() else {})
            for name, item in evaluations.items()
        },
    }
    report = {
        "metrics.json": json.dumps(metrics, indent=1, allow_nan=False).encode() + b"\n",
        "confusion.png": draw_confusion(evaluation, codes, VIEW_TITLES[view]),
        "reliability.png": draw_reliability(
            {name: item for name, item in evaluations.items() if item.topical.any()}
        ),
        "model_card.md": write_model_card(manifest, evaluations, baselines, codes).encode(),
    }
    if history:
        report["curves.png"] = draw_curves(history, manifest.recipe["settings"]["epochs"])
    return report
