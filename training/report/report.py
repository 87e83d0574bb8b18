"""The report of a run: figures, the model card, and every score as JSON."""

import io
import json
from collections.abc import Mapping, Sequence
from itertools import compress
from typing import Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import confusion_matrix

from service.model import Manifest, Topic
from service.model.manifest import NEVER_REACHED
from training.evaluation.evaluate import Evaluation, stream_of
from training.evaluation.metrics import calibration_bins
from training.report import tables

MAX_NAMED_TOPICS: Final = 100  # in a figure: more names would overlap

INTRODUCTION: Final = """\
# Model card: {manifest.name}, recipe {manifest.recipe[name]}

Recipe `{manifest.recipe[name]}`, trained on {manifest.data[train_newswires]:,} {description} with \
one of {n_topics:,} topics{train_negatives}, measured on {manifest.data[test_newswires]:,} others\
{test_negatives}.

Repeat the run: `{manifest.command}`

## Scores

"""
VIEWS: Final[Mapping[str, str]] = {
    "keras": "*Keras* is what the Keras data set holds",
    "article": "*article* is each text with its own title, as a client would send it",
    "negatives": "*negatives* are texts that no topic fits",
    "stream": "the *stream* is both together",
    "headlines": "*headlines alone* are the titles of all texts",
    "first_sentences": "*first sentences alone* are the beginnings of all texts",
    "out_of_fold": "*out of fold* are the training texts in cross-validation",
}
SCORES: Final = """
The test texts took no part in training, calibration and the choice of thresholds.

*Accuracy*, *top-3*, *macro F1* and *Brier* are of the texts that have a topic. *Single-topic* \
is the accuracy on texts that have one topic only; *any topic* counts a prediction that is \
any of a text's topics. ECE is the expected calibration error (15 bins): a topic predicted for a \
text of no topic is wrong. *Coverage* is the share of the texts with a topic whose prediction has \
no abstention, *precision* the share of correct predictions among those without an abstention\
"""
NEGATIVE_SCORES: Final = """, *false alarms* the share of negatives without one. AUC is the \
area under the ROC curve of `no_topic`"""
ABSTENTION: Final = """
## Abstention

`too_few_known_words`: less than {manifest.min_known_words_ratio:.3f} of the words that are no \
numbers are known. {no_topic}`low_confidence`: the highest score is below \
{manifest.min_confidence:.3f}. {choice}
"""
NO_TOPIC_REASON: Final = '`no_topic`: "no topic fits" is more likely than not. '
CHOSEN: Final = (
    "The confidence was chosen on held-out training texts, so that at least 95 % of the "
    "predictions without an abstention are correct."
)
ABSTAINS_ALWAYS: Final = (
    "On held-out training texts no confidence had 95 % of correct predictions above it, so the "
    "model always abstains: it needs more texts, or topics that are easier to tell apart."
)
ON_THE_STREAM: Final = """
Of the predictions without an abstention on the test texts, {answered_accuracy:.1%} are correct. \
They cover {coverage:.1%} of the texts that have a topic{negatives}. This holds for such texts. \
Measure it again on a stream with fewer topical texts, or of another kind.
"""
ALL_TOPICS: Final = """
## All topics

`all_topics` are the topics whose own probability reaches their threshold. Thresholds were chosen \
on held-out training texts: for each topic, the one with the highest F1 whose precision is at \
least {precision:.0%}.{never} A text {no_topic}with too few known words has none. *Exact match* is \
the share of texts with all of their topics found and no other, *ranking* the label ranking \
average precision.

{table}"""
NEVER_REACHING: Final = """ {n:,} topics never reached this and are never found: {codes}."""
WRITTEN_TEXTS: Final = """
## Modern words

{written_texts:,} texts written for the project were training texts beside the newswires: \
headlines and reports of 1995 to 2025, with a topic and without, and everyday sentences. \
Synonyms of words of 1987:

{synonyms}
"""


def report_files(
    manifest: Manifest,
    topics: Sequence[Topic],
    history: Mapping[str, Sequence[float]],
    evaluations: Mapping[str, Evaluation],
    baselines: Mapping[str, float],
) -> dict[str, bytes]:
    """Return the files of the report by name; the history is empty for a recipe without epochs."""
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
        "confusion.png": draw_confusion(evaluation, codes, tables.VIEW_TITLES[view]),
        "reliability.png": draw_reliability(
            {name: item for name, item in evaluations.items() if item.topical.any()}
        ),
        "model_card.md": write_model_card(manifest, evaluations, baselines, codes).encode(),
    }
    if history:
        report["curves.png"] = draw_curves(history, manifest.recipe["settings"]["epochs"])
    return report


def write_model_card(
    manifest: Manifest,
    evaluations: Mapping[str, Evaluation],
    baselines: Mapping[str, float],
    codes: Sequence[str],
) -> str:
    """Return the model card in Markdown."""
    settings = manifest.recipe["settings"]
    n_negatives = {
        name: manifest.data.get(name, 0) for name in ("train_negatives", "test_negatives")
    }
    card = INTRODUCTION.format(
        manifest=manifest,
        description=manifest.data.get("description", "texts"),
        n_topics=len(codes),
        **{name: f" and {n:,} without one" if n else "" for name, n in n_negatives.items()},
    )
    sentence = "; ".join(text for view, text in VIEWS.items() if view in evaluations)
    card += f"{sentence}.\n"
    card += f"{SCORES}{NEGATIVE_SCORES if any(n_negatives.values()) else ''}.\n"
    named = {tables.VIEW_TITLES[view]: evaluation for view, evaluation in evaluations.items()}
    card += "\n" + score_table(named, baselines)
    if manifest.min_confidence:
        card += ABSTENTION.format(
            manifest=manifest,
            no_topic=NO_TOPIC_REASON if manifest.no_topic else "",
            choice=CHOSEN if manifest.min_confidence < NEVER_REACHED else ABSTAINS_ALWAYS,
        )
        scores = stream_of(evaluations).scores()
        if "answered_accuracy" in scores:
            share = scores.get("negatives_answered")
            negatives = "" if share is None else f" and {share:.1%} of those that have none"
            card += ON_THE_STREAM.format(negatives=negatives, **scores)
    if manifest.all_topics_thresholds:
        never = [
            code for code, value in manifest.all_topics_thresholds.items() if value >= NEVER_REACHED
        ]
        rows = tables.all_topics_rows(named)
        columns = ["measured on", *tables.ALL_TOPICS_TITLES.values()]
        card += ALL_TOPICS.format(
            precision=manifest.all_topics_precision,
            no_topic="that no topic fits or " if manifest.no_topic else "",
            never=NEVER_REACHING.format(n=len(never), codes=", ".join(never)) if never else "",
            table=tables.markdown_table(columns, rows),
        )
    if settings.get("synonyms"):
        synonyms = (f"{word} ({' '.join(words)})" for word, words in settings["synonyms"].items())
        card += WRITTEN_TEXTS.format(
            written_texts=settings["written_texts"], synonyms=", ".join(synonyms)
        )
    for view, evaluation in evaluations.items():
        if evaluation.topical.all():
            card += f"\n## By topic, {tables.VIEW_TITLES[view]}\n\n"
            card += tables.markdown_table(
                tables.TOPIC_COLUMNS, tables.topic_rows(evaluation, codes)
            )
    return card


def score_table(evaluations: Mapping[str, Evaluation], baselines: Mapping[str, float]) -> str:
    """Return the table of scores in Markdown, without those that nothing has."""
    columns = ["measured on", *tables.SCORE_TITLES.values()]
    rows = list(tables.score_rows(evaluations, baselines))
    used = [any(row[number] for row in rows) for number in range(len(columns))]
    kept = (list(compress(row, used)) for row in rows)
    return tables.markdown_table(list(compress(columns, used)), kept)


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
    axes.set(title=f"Share of each topic's test texts ({view})")
    axes.set(xlabel="Prediction", ylabel="Label")
    if len(codes) <= MAX_NAMED_TOPICS:
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
        axes.scatter(
            confidence, accuracy, s=20 + 300 * share, label=tables.VIEW_TITLES[view], zorder=2
        )
    axes.set(title="Reliability", xlabel="Confidence (highest score)", ylabel="Accuracy")
    axes.legend()
    return _to_png(figure)


def _to_png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80)
    return buffer.getvalue()
