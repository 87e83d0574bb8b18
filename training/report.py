"""What a run leaves for people to read: figures, tables, and the model card."""

import io
import json
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from rich.table import Column, Table
from sklearn.metrics import confusion_matrix

from service.model import Manifest, Topic
from training.evaluation import Evaluation
from training.metrics import bootstrap_interval, calibration_bins, mcnemar

FORM_TITLES: Final[Mapping[str, str]] = {
    "keras_text": "Keras text",
    "own_text": "own text",
}

SCORE_TITLES: Final[Mapping[str, str]] = {
    "accuracy": "accuracy",
    "top_3_accuracy": "top-3",
    "macro_f1": "macro F1",
    "single_topic_accuracy": "single-topic",
    "any_topic_accuracy": "any topic",
    "expected_calibration_error": "ECE",
    "brier_score": "Brier",
}
"""What the columns of a table of scores are called."""


def report_files(
    manifest: Manifest,
    topics: Sequence[Topic],
    history: Mapping[str, Sequence[float]],
    evaluations: Mapping[str, Evaluation],
    baselines: Mapping[str, float],
) -> dict[str, bytes]:
    """Give every file of the report, by its name.

    Parameters
    ----------
    manifest : Manifest
    topics : sequence of Topic
    history : mapping of str to sequence of float, of length n_epochs
        As Keras' ``fit`` gives it.
    evaluations : mapping of str to Evaluation
        By the form of the text.
    baselines : mapping of str to float
        Accuracies that need no text.
    """
    codes = [topic.code for topic in topics]
    form, evaluation = next(iter(evaluations.items()))
    metrics = {
        "baselines": dict(baselines),
        "history": {name: list(values) for name, values in history.items()},
        **{
            name: {"scores": item.scores(), "topics": item.by_topic(codes)}
            for name, item in evaluations.items()
        },
    }
    return {
        "metrics.json": json.dumps(metrics, indent=1, allow_nan=False).encode() + b"\n",
        "curves.png": draw_curves(history),
        "confusion.png": draw_confusion(evaluation, codes, FORM_TITLES[form]),
        "reliability.png": draw_reliability(evaluations),
        "model_card.md": write_model_card(manifest, evaluations, baselines, codes).encode(),
    }


def draw_curves(history: Mapping[str, Sequence[float]]) -> bytes:
    """Draw loss and accuracy by epoch, in training and on the validation set, as PNG."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    epochs = np.arange(1, len(history["loss"]) + 1)
    best = int(np.argmin(history["val_loss"])) + 1
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        axes.plot(epochs, history[name], "o", label="training")
        axes.plot(epochs, history[f"val_{name}"], "-", label="validation")
        axes.axvline(best, color="grey", linestyle=":", label=f"chosen: {best} epochs")
        axes.set(title=name.capitalize(), xlabel="Epoch", ylabel=name.capitalize())
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend()
    return _to_png(figure)


def draw_confusion(evaluation: Evaluation, codes: Sequence[str], form: str) -> bytes:
    """Draw how each topic's newswires were answered, as shares of its row, as PNG."""
    counts = confusion_matrix(evaluation.labels, evaluation.predicted, labels=range(len(codes)))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(11, 10), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set(
        title=f"Share of each topic's test newswires ({form})", xlabel="Answer", ylabel="Label"
    )
    axes.set_xticks(range(len(codes)), codes, rotation=90, fontsize=7)
    axes.set_yticks(range(len(codes)), codes, fontsize=7)
    figure.colorbar(image, shrink=0.7)
    return _to_png(figure)


def draw_reliability(evaluations: Mapping[str, Evaluation]) -> bytes:
    """Draw accuracy by confidence, beside the diagonal of perfect calibration, as PNG."""
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="perfectly calibrated")
    for form, evaluation in evaluations.items():
        bins = list(calibration_bins(evaluation.probabilities, evaluation.labels))
        confidence, accuracy, share = np.array(bins).T
        axes.plot(confidence, accuracy, color="lightgrey", zorder=1)
        axes.scatter(confidence, accuracy, s=20 + 300 * share, label=FORM_TITLES[form], zorder=2)
    axes.set(title="Reliability", xlabel="Confidence (highest score)", ylabel="Accuracy")
    axes.legend()
    return _to_png(figure)


def write_model_card(
    manifest: Manifest,
    evaluations: Mapping[str, Evaluation],
    baselines: Mapping[str, float],
    codes: Sequence[str],
) -> str:
    """Write the model card: what the model is, what it scored, and what it is not for."""
    lines = [
        f"# Model card: {manifest.name} {manifest.version}",
        "",
        f"Recipe `{manifest.recipe['name']}`, trained on {manifest.data['train_newswires']:,} "
        f"newswires of Reuters-21578 (1987), measured on the {manifest.data['test_newswires']:,} "
        "of Keras' test split. English only; texts of today use words that it never saw.",
        "",
        f"Repeat the run: `{manifest.command}`",
        "",
        "## Scores",
        "",
        "*Keras text* is what the Keras data set holds; *own text* is each article's own title and "
        "body, as a client would send it. *Single-topic* is the accuracy on articles that have one "
        "topic only; *any topic* counts an answer that is one of an article's several. ECE is the "
        "expected calibration error.",
        "",
        f"| measured on | {' | '.join(SCORE_TITLES.values())} |",
        f"|---|{'---|' * len(SCORE_TITLES)}",
        *(
            f"| {FORM_TITLES[form]} | {' | '.join(_cells(item))} |"
            for form, item in evaluations.items()
        ),
        *(
            f"| {name.replace('_', ' ')} | {accuracy:.4f} |{' |' * (len(SCORE_TITLES) - 1)}"
            for name, accuracy in baselines.items()
        ),
    ]
    for form, item in evaluations.items():
        lines += [
            *("", f"## By topic, {FORM_TITLES[form]}", ""),
            "| topic | precision | recall | F1 | test newswires |",
            "|---|---|---|---|---|",
            *(
                f"| {row['topic']} | {row['precision']:.3f} | {row['recall']:.3f} "
                f"| {row['f1']:.3f} | {row['test_newswires']} |"
                for row in item.by_topic(codes)
            ),
        ]
    return "\n".join(lines) + "\n"


def summary_table(
    results: Mapping[str, Mapping[str, Evaluation]], baselines: Mapping[str, float]
) -> Table:
    """Set the scores of one or several classifiers side by side, above what needs no text."""
    table = Table(Column("", overflow="fold"), title="On the test newswires")
    for title in SCORE_TITLES.values():
        table.add_column(title, justify="right")
    for name, evaluations in results.items():
        for form, evaluation in evaluations.items():
            table.add_row(f"{name}, {FORM_TITLES[form]}", *_cells(evaluation))
    for name, accuracy in baselines.items():
        table.add_row(name.replace("_", " "), f"{accuracy:.4f}")
    return table


def comparison_table(
    results: Mapping[str, Mapping[str, Evaluation]], reference: Mapping[str, Evaluation]
) -> Table:
    """Show how sure each accuracy is, and whether it differs from that of a reference by chance."""
    table = Table(Column("", overflow="fold"), title="How sure are these?")
    for title in ("accuracy", "95 % interval", "against the first", "McNemar's p"):
        table.add_column(title, justify="right")
    for name, evaluations in results.items():
        for form, evaluation in evaluations.items():
            low, high = bootstrap_interval(evaluation.right)
            gain = evaluation.right.mean() - reference[form].right.mean()
            table.add_row(
                *(f"{name}, {FORM_TITLES[form]}", f"{evaluation.right.mean():.4f}"),
                *(f"{low:.4f} to {high:.4f}", f"{gain:+.4f}"),
                f"{mcnemar(evaluation.right, reference[form].right):.2g}",
            )
    return table


def _cells(evaluation: Evaluation) -> list[str]:
    scores = evaluation.scores()
    return [f"{scores[name]:.4f}" if name in scores else "" for name in SCORE_TITLES]


def topic_table(evaluation: Evaluation, codes: Sequence[str], title: str) -> Table:
    """Show precision, recall and F1 of each topic."""
    table = Table("topic", title=title)
    for name in ("precision", "recall", "F1", "test newswires"):
        table.add_column(name, justify="right")
    for row in evaluation.by_topic(codes):
        figures = (f"{row[name]:.3f}" for name in ("precision", "recall", "f1"))
        table.add_row(row["topic"], *figures, str(row["test_newswires"]))
    return table


def _to_png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80)
    return buffer.getvalue()
