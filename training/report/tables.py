"""Tables of scores for the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.table import Column, Table
from rich.text import Text

from training.evaluation.evaluate import Evaluation
from training.evaluation.metrics import bootstrap_interval, mcnemar
from training.release.promotion import Check

VIEW_TITLES: Final[Mapping[str, str]] = {
    "keras": "Keras",
    "article": "article",
    "negatives": "negatives",
    "stream": "stream",
    "headlines": "headlines alone",
    "first_sentences": "first sentences alone",
    "out_of_fold_uncalibrated": "out of fold, before calibration",
    "out_of_fold": "out of fold",
}

SCORE_TITLES: Final[Mapping[str, str]] = {
    "accuracy": "accuracy",
    "top_3_accuracy": "top-3",
    "macro_f1": "macro F1",
    "single_topic_accuracy": "single-topic",
    "any_topic_accuracy": "any topic",
    "expected_calibration_error": "ECE",
    "brier_score": "Brier",
    "coverage": "coverage",
    "answered_accuracy": "answered",
    "negatives_answered": "negatives answered",
    "no_topic_auc": "AUC",
}
"""Column titles of the scores."""
LABELLED_TITLES: Final[Mapping[str, str]] = {
    "texts": "texts",
    "first_right": "first topic right",
    "abstained": "abstained",
    "topical_answered": "topical answered",
    "negatives_answered": "negatives answered",
    "answered_right": "right of answered",
}


def summary_table(
    results: Mapping[str, Mapping[str, Evaluation]], baselines: Mapping[str, float]
) -> Table:
    """Show the scores of classifiers, and the accuracies of baselines."""
    table = Table(Column("", overflow="fold"), title="On the test newswires")
    for title in SCORE_TITLES.values():
        table.add_column(title, justify="right")
    for name, evaluations in results.items():
        for view, evaluation in evaluations.items():
            table.add_row(f"{name}, {VIEW_TITLES[view]}", *cells(evaluation))
    for name, accuracy in baselines.items():
        table.add_row(name.replace("_", " "), f"{accuracy:.4f}")
    return table


def comparison_table(
    results: Mapping[str, Mapping[str, Evaluation]], reference: Mapping[str, Evaluation]
) -> Table:
    """Show confidence intervals of accuracies, and the significance of their differences."""
    table = Table(Column("", overflow="fold"), title="Confidence and significance")
    for title in ("accuracy", "95 % interval", "against the first", "McNemar's p"):
        table.add_column(title, justify="right")
    for name, evaluations in results.items():
        for view, evaluation in evaluations.items():
            if not evaluation.topical.all():
                continue
            low, high = bootstrap_interval(evaluation.right)
            gain = evaluation.right.mean() - reference[view].right.mean()
            table.add_row(
                *(f"{name}, {VIEW_TITLES[view]}", f"{evaluation.right.mean():.4f}"),
                *(f"{low:.4f} to {high:.4f}", f"{gain:+.4f}"),
                f"{mcnemar(evaluation.right, reference[view].right):.2g}",
            )
    return table


def cells(evaluation: Evaluation) -> list[str]:
    """Return the figures of an evaluation in the order of the columns, blank where unknown."""
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


def ablation_table(record: Mapping[str, Any]) -> Table:
    """Show the record of an ablation."""
    table = Table(Column("", overflow="fold"), title="Ablation")
    for title in record["columns"]:
        table.add_column(title, justify="right")
    for variant, *scores in record["rows"]:
        table.add_row(variant, *("" if score is None else f"{score:.4f}" for score in scores))
    return table


def labelled_texts_table(rows: Mapping[str, Mapping[str, float]]) -> Table:
    """Show the scores on labelled texts by bundle and set."""
    table = Table(Column("", overflow="fold"), title="On labelled texts")
    for title in LABELLED_TITLES.values():
        table.add_column(title, justify="right")
    for name, scores in rows.items():
        figures = (f"{scores[key]:.4g}" if key in scores else "" for key in LABELLED_TITLES)
        table.add_row(name, *figures)
    return table


def checks_table(checks: Sequence[Check]) -> Table:
    """Show the checks of a promotion."""
    table = Table("", "expected", "got", "", title="Checks")
    for check in checks:
        result = Text("passed", "green") if check.passed else Text("failed", "red")
        table.add_row(check.name, check.expected, check.actual, result)
    return table
