"""Tables of scores, for the terminal and for the model card."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from rich.table import Column, Table
from rich.text import Text

from training.evaluation.evaluate import Evaluation
from training.evaluation.metrics import bootstrap_interval, mcnemar
from training.release.checks import Check

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
    "answered_accuracy": "precision",
    "negatives_answered": "false alarms",
    "no_topic_auc": "AUC",
}
ALL_TOPICS_TITLES: Final[Mapping[str, str]] = {
    "all_topics_micro_f1": "micro F1",
    "all_topics_macro_f1": "macro F1",
    "all_topics_precision": "precision",
    "all_topics_recall": "recall",
    "all_topics_exact_match": "exact match",
    "label_ranking_average_precision": "ranking",
}
LABELLED_TITLES: Final[Mapping[str, str]] = {
    "texts": "texts",
    "first_right": "first topic correct",
    "abstained": "abstained",
    "topical_answered": "coverage",
    "negatives_answered": "false alarms",
    "answered_right": "precision",
}
TOPIC_COLUMNS: Final = ("topic", "precision", "recall", "F1", "test texts")


def score_rows(
    evaluations: Mapping[str, Evaluation],
    baselines: Mapping[str, float],
    titles: Mapping[str, str] = SCORE_TITLES,
) -> Iterator[list[str]]:
    """Yield a name, and a cell for each of the titles, blank where unknown."""
    scores = {name: evaluation.scores() for name, evaluation in evaluations.items()}
    scores |= {name.replace("_", " "): {"accuracy": value} for name, value in baselines.items()}
    for name, values in scores.items():
        yield [name, *(f"{values[key]:.4f}" if key in values else "" for key in titles)]


def topic_rows(evaluation: Evaluation, codes: Sequence[str]) -> Iterator[list[str]]:
    """Yield a cell for each of `TOPIC_COLUMNS`."""
    for row in evaluation.by_topic(codes):
        figures = (f"{row[key]:.3f}" for key in ("precision", "recall", "f1"))
        yield [row["topic"], *figures, str(row["test_newswires"])]


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def summary_table(
    results: Mapping[str, Mapping[str, Evaluation]], baselines: Mapping[str, float]
) -> Table:
    """Show the scores of classifiers, and the accuracies of baselines."""
    named = {name: evaluation for name, _, evaluation in _named(results)}
    columns = ["", *SCORE_TITLES.values()]
    return _table("On the test texts", columns, score_rows(named, baselines))


def all_topics_rows(evaluations: Mapping[str, Evaluation]) -> Iterator[list[str]]:
    """Yield a name and a cell for each of `ALL_TOPICS_TITLES`, where a bundle finds all topics."""
    finding = {name: item for name, item in evaluations.items() if item.all_topics}
    return score_rows(finding, {}, ALL_TOPICS_TITLES)


def all_topics_table(results: Mapping[str, Mapping[str, Evaluation]]) -> Table:
    """Show how well classifiers find all topics of a text."""
    named = {name: evaluation for name, _, evaluation in _named(results)}
    columns = ["", *ALL_TOPICS_TITLES.values()]
    return _table("All topics of a text", columns, all_topics_rows(named))


def comparison_table(
    results: Mapping[str, Mapping[str, Evaluation]], reference: Mapping[str, Evaluation]
) -> Table:
    """Show confidence intervals of accuracies, and the significance of their differences."""
    rows = []
    for name, view, evaluation in _named(results):
        if evaluation.topical.all():
            ours, theirs = evaluation.right, reference[view].right
            low, high = bootstrap_interval(ours)
            interval, gain = f"{low:.4f} to {high:.4f}", f"{ours.mean() - theirs.mean():+.4f}"
            p_value = f"{mcnemar(ours, theirs):.2g}"
            rows.append([name, f"{ours.mean():.4f}", interval, gain, p_value])
    columns = ["", "accuracy", "95 % interval", "against the first", "McNemar's p"]
    return _table("Confidence and significance", columns, rows)


def topic_tables(
    results: Mapping[str, Mapping[str, Evaluation]], codes: Sequence[str]
) -> Iterator[Table]:
    """Show precision, recall and F1 of each topic, for each view with topics."""
    for name, _, evaluation in _named(results):
        if evaluation.topical.any():
            yield _table(name, TOPIC_COLUMNS, topic_rows(evaluation, codes))


def ablation_table(record: Mapping[str, Any]) -> Table:
    """Show the record of an ablation."""
    rows = [
        [variant, *("" if score is None else f"{score:.4f}" for score in scores)]
        for variant, *scores in record["rows"]
    ]
    return _table("Ablation", ["", *record["columns"]], rows)


def labelled_texts_table(results: Mapping[str, Mapping[str, float]]) -> Table:
    """Show the scores on labelled texts by bundle and set."""
    rows = [
        [name, *(f"{scores[key]:.4g}" if key in scores else "" for key in LABELLED_TITLES)]
        for name, scores in results.items()
    ]
    return _table("On labelled texts", ["", *LABELLED_TITLES.values()], rows)


def checks_table(checks: Sequence[Check]) -> Table:
    """Show the checks of a promotion."""
    table = Table("", "expected", "got", "", title="Checks")
    for check in checks:
        result = Text("passed", "green") if check.passed else Text("failed", "red")
        table.add_row(check.name, check.expected, check.actual, result)
    return table


def _named(
    results: Mapping[str, Mapping[str, Evaluation]],
) -> Iterator[tuple[str, str, Evaluation]]:
    """Yield the name of a row, the view and its evaluation."""
    for name, evaluations in results.items():
        for view, evaluation in evaluations.items():
            yield f"{name}, {VIEW_TITLES[view]}", view, evaluation


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    first, *others = columns
    figures = (Column(name, justify="right") for name in others)
    table = Table(Column(first, overflow="fold"), *figures, title=title)
    for row in rows:
        table.add_row(*row)
    return table
