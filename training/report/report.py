"""The report of a run: figures, the model card, and every score as JSON."""

import io
import json
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import confusion_matrix

from service.model import Manifest, Topic
from training.evaluation.evaluate import Evaluation
from training.evaluation.metrics import calibration_bins
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


def draw_curves(history: Mapping[str, Sequence[float]], chosen: int) -> bytes:
    """Draw loss and accuracy by epoch, in training and validation, and mark the chosen epoch."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    epochs = np.arange(1, len(history["loss"]) + 1)
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        axes.plot(epochs, history[name], "o", label="training")
        axes.plot(epochs, history[f"val_{name}"], "-", label="validation")
        axes.axvline(chosen, color="grey", linestyle=":", label=f"chosen: {chosen} epochs")
        axes.set(title=name.capitalize(), xlabel="Epoch", ylabel=name.capitalize())
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend()
    return _to_png(figure)


def draw_confusion(evaluation: Evaluation, codes: Sequence[str], view: str) -> bytes:
    """Draw the confusion matrix, normalised by row, as PNG."""
    figure = Figure(figsize=(11, 10), layout="constrained")
    axes = figure.subplots()
    counts = confusion_matrix(evaluation.labels, evaluation.predicted, labels=range(len(codes)))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set(title=f"Share of each topic's test newswires ({view})")
    axes.set(xlabel="Prediction", ylabel="Label")
    axes.set_xticks(range(len(codes)), codes, rotation=90, fontsize=7)
    axes.set_yticks(range(len(codes)), codes, fontsize=7)
    figure.colorbar(image, shrink=0.7)
    return _to_png(figure)


def draw_reliability(evaluations: Mapping[str, Evaluation]) -> bytes:
    """Draw accuracy by confidence, beside the diagonal of perfect calibration, as PNG."""
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="perfectly calibrated")
    for view, evaluation in evaluations.items():
        bins = list(calibration_bins(evaluation.probabilities, evaluation.labels))
        confidence, accuracy, share = np.array(bins).T
        axes.plot(confidence, accuracy, color="lightgrey", zorder=1)
        axes.scatter(confidence, accuracy, s=20 + 300 * share, label=VIEW_TITLES[view], zorder=2)
    axes.set(title="Reliability", xlabel="Confidence (highest score)", ylabel="Accuracy")
    axes.legend()
    return _to_png(figure)


def _to_png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80)
    return buffer.getvalue()
