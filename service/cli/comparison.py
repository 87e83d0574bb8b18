"""Two models on the same texts: agreement, moves between topics, abstentions, accuracy."""

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final, NamedTuple

from service.labels import codes_by_label
from service.model import Abstention, Classification, TopicClassifier

MAX_CODES: Final = 10  # listed in a cell of the table
Labels = Collection[str]
"""Codes or names of the topics of a text; empty for a text that fits none of the topics."""


class Prediction(NamedTuple):
    """What one model predicted for a text, compared with the labels of the text."""

    topic: str  # code of the topic ranked first, also where the model abstains
    abstained: Abstention | None
    labelled: bool | None  # with a topic; False: with none of the topics; None: unknown
    correct: bool = False  # the topic is one of the labels
    unknown: bool = False  # the model has none of the labels


class Comparison:
    """Counts texts by the predictions of two models, ``a`` and ``b``."""

    def __init__(self, a: TopicClassifier, b: TopicClassifier) -> None:
        self._models = (a, b)
        self._codes_by_label = [codes_by_label(model.topics) for model in self._models]
        self.counts: Counter[tuple[Prediction, Prediction]] = Counter()

    def count(self, a: Classification, b: Classification, labels: Labels | None) -> bool:
        """Count a text, with its labels if known; return whether the results are the same."""
        codes_of_a, codes_of_b = self._codes_by_label
        predicted = _prediction(a, labels, codes_of_a), _prediction(b, labels, codes_of_b)
        self.counts[predicted] += 1
        return _is_same_result(*predicted)

    def to_json_object(self) -> dict[str, Any]:
        """Return all counts and shares; those of labels are null without labelled texts."""

        def texts(holds: Callable[[Prediction, Prediction], object]) -> int:
            return sum(n for predicted, n in self.counts.items() if holds(*predicted))

        n_texts = self.counts.total()
        n_same_topic = texts(lambda a, b: a.topic == b.topic)
        n_labelled = texts(lambda a, _: a.labelled)
        n_only_a = texts(lambda a, b: a.correct and not b.correct)
        n_only_b = texts(lambda a, b: b.correct and not a.correct)
        return {
            "texts": n_texts,
            "same_topic": n_same_topic,
            "same_result": texts(_is_same_result),
            "agreement": n_same_topic / n_texts,
            "both_abstain": texts(lambda a, b: a.abstained and b.abstained),
            "a": self._figures_of_model(0),
            "b": self._figures_of_model(1),
            "moves": self._moves(),
            "labelled": n_labelled,
            "labelled_no_topic": texts(lambda a, _: a.labelled is False),
            "mcnemar": {
                "only_a_correct": n_only_a,
                "only_b_correct": n_only_b,
                "p_value": mcnemar_p_value(n_only_a, n_only_b),
            }
            if n_labelled
            else None,
        }

    def _figures_of_model(self, index: int) -> dict[str, Any]:
        def texts(holds: Callable[[Prediction], object]) -> int:
            return sum(n for predicted, n in self.counts.items() if holds(predicted[index]))

        abstentions: Counter[str] = Counter()
        for predicted, n in self.counts.items():
            if reason := predicted[index].abstained:
                abstentions[reason] += n
        model, other = self._models[index], self._models[1 - index]
        codes, other_codes = ({topic.code for topic in each.topics} for each in (model, other))
        n_labelled = texts(lambda each: each.labelled)
        n_no_topic = texts(lambda each: each.labelled is False)
        n_covered = texts(lambda each: each.labelled and not each.abstained)
        n_false_alarms = texts(lambda each: each.labelled is False and not each.abstained)
        n_accepted = n_covered + n_false_alarms
        n_accepted_correct = texts(lambda each: each.correct and not each.abstained)
        return {
            "name": model.manifest.name,
            "version": model.manifest.version,
            "topics": len(codes),
            "topics_of_this_alone": sorted(codes - other_codes),
            "abstained": abstentions.total(),
            "abstentions": dict(sorted(abstentions.items())),
            "accuracy": texts(lambda each: each.correct) / n_labelled if n_labelled else None,
            "coverage": n_covered / n_labelled if n_labelled else None,
            "precision": n_accepted_correct / n_accepted if n_accepted else None,
            "labels_unknown": texts(lambda each: each.unknown) if n_labelled else None,
            "no_topic_abstained": n_no_topic - n_false_alarms if n_no_topic else None,
        }

    def _moves(self) -> list[dict[str, Any]]:
        """Return texts by both topics, where these differ, most without an abstention first."""
        moves: Counter[tuple[str, str]] = Counter()
        sure_moves: Counter[tuple[str, str]] = Counter()
        for (a, b), n in self.counts.items():
            if a.topic != b.topic:
                moves[a.topic, b.topic] += n
                if not a.abstained and not b.abstained:
                    sure_moves[a.topic, b.topic] += n
        return [
            {"a": move[0], "b": move[1], "texts": moves[move], "neither_abstains": sure_moves[move]}
            for move in sorted(moves, key=lambda move: (-sure_moves[move], -moves[move], move))
        ]


def _prediction(
    found: Classification, labels: Labels | None, codes_by_label: dict[str, str]
) -> Prediction:
    topic = found.topics[0].topic.code
    if not labels:
        return Prediction(topic, found.abstained, labelled=None if labels is None else False)
    return Prediction(
        *(topic, found.abstained),
        labelled=True,
        correct=topic in {codes_by_label.get(label) for label in labels},
        unknown=codes_by_label.keys().isdisjoint(labels),
    )


def _is_same_result(a: Prediction, b: Prediction) -> bool:
    return (a.topic, a.abstained) == (b.topic, b.abstained)


def summary_rows(figures: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield name and value of each figure of both models together, for a table."""
    for name, value in figures.items():
        if name == "mcnemar" and value:
            yield from ((f"mcnemar.{key}", _cell(each)) for key, each in value.items())
        elif isinstance(value, int | float):
            yield name, _cell(value)


def model_rows(figures: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield name and values of each figure of one model, that of ``a`` first, for a table."""
    a, b = figures["a"], figures["b"]
    for name in a:
        if name == "abstentions":
            for reason in sorted(a[name] | b[name]):
                counts = (each[name].get(reason, 0) for each in (a, b))
                yield f"{name}.{reason}", *map(_cell, counts)
        elif (a[name], b[name]) != (None, None):
            yield name, _cell(a[name]), _cell(b[name])


def _cell(value: object) -> str:
    if isinstance(value, list):
        more = len(value) - MAX_CODES
        return " ".join([*value[:MAX_CODES], *([f"and {more} more"] if more > 0 else [])]) or "none"
    if isinstance(value, float):
        return f"{value:.4g}"
    return "none" if value is None else str(value)


def mcnemar_p_value(n_only_a: int, n_only_b: int) -> float:
    """Return the p-value of McNemar's exact test, two-sided.

    The number of texts on which one model alone is correct is binomial with probability 1/2 if
    both models are equally accurate. Source: T. G. Dietterich, "Approximate statistical tests for
    comparing supervised classification learning algorithms", Neural Computation 10 (1998), with
    the exact binomial distribution in place of chi-squared.
    """
    n_texts = n_only_a + n_only_b
    log_all = n_texts * math.log(2)
    log_factorials = math.lgamma(n_texts + 1)
    tail = math.fsum(
        math.exp(log_factorials - math.lgamma(k + 1) - math.lgamma(n_texts - k + 1) - log_all)
        for k in range(min(n_only_a, n_only_b) + 1)
    )
    return min(1.0, 2 * tail)
