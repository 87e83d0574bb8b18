"""Two models on the same texts: agreement, moves between topics, abstentions, accuracy."""

import math
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any, Final

from service.model import Classification, TopicClassifier
from service.rows import codes_by_label

MAX_CODES: Final = 10  # listed in a cell of the table
Labels = Collection[str]
"""Codes or names of the topics of a text; empty for a text that fits none of the topics."""


class ModelCounts:
    """What one of the models predicted."""

    def __init__(self, classifier: TopicClassifier) -> None:
        self.manifest = classifier.manifest
        self.codes = {topic.code for topic in classifier.topics}
        self._codes_by_label = codes_by_label(classifier.topics)
        self.abstentions: Counter[str] = Counter()
        self.n_correct = 0  # of labelled texts
        self.n_reliable = 0  # labelled texts without an abstention
        self.n_reliable_correct = 0
        self.n_unknown_labels = 0  # labelled texts with none of the topics of the model
        self.n_no_topic_abstained = 0  # of texts that are labelled with no topic

    def count(self, found: Classification, labels: Labels | None) -> bool:
        """Count a prediction; return whether its topic is one of the labels."""
        if found.abstained:
            self.abstentions[found.abstained.value] += 1
        if labels is None:
            return False
        if not labels:
            self.n_no_topic_abstained += found.abstained is not None
            return False
        labels = {self._codes_by_label.get(label, label) for label in labels}
        correct = found.topics[0].topic.code in labels
        self.n_correct += correct
        self.n_reliable += found.abstained is None
        self.n_reliable_correct += correct and found.abstained is None
        self.n_unknown_labels += self.codes.isdisjoint(labels)
        return correct


class Comparison:
    """Counts of two models, ``a`` and ``b``, on the same texts.

    A prediction is the topic ranked first, also where the model abstains. It is correct if it is
    one of the labels of the text.
    """

    def __init__(self, a: TopicClassifier, b: TopicClassifier) -> None:
        self.a, self.b = ModelCounts(a), ModelCounts(b)
        self.n_texts = 0
        self.n_same_topic = 0
        self.n_same_result = 0
        self.n_both_abstain = 0
        self.moves: Counter[tuple[str, str]] = Counter()
        """Texts by the topics of both, where they differ."""
        self.sure_moves: Counter[tuple[str, str]] = Counter()
        """Those from which neither model abstains."""
        self.n_labelled = 0  # with at least one topic
        self.n_no_topic = 0  # labelled with no topic
        self.n_only_a_correct = 0
        self.n_only_b_correct = 0

    def count(self, a: Classification, b: Classification, labels: Labels | None) -> bool:
        """Count a text, whose labels may not be known; return whether the results are the same."""
        self.n_texts += 1
        topics = a.topics[0].topic.code, b.topics[0].topic.code
        same_topic = topics[0] == topics[1]
        same_result = same_topic and a.abstained == b.abstained
        self.n_same_topic += same_topic
        self.n_same_result += same_result
        self.n_both_abstain += None not in (a.abstained, b.abstained)
        if not same_topic:
            self.moves[topics] += 1
            self.sure_moves[topics] += a.abstained is b.abstained is None
        a_correct, b_correct = self.a.count(a, labels), self.b.count(b, labels)
        self.n_labelled += bool(labels)
        self.n_no_topic += labels is not None and not labels
        self.n_only_a_correct += a_correct and not b_correct
        self.n_only_b_correct += b_correct and not a_correct
        return same_result

    def to_json_object(self) -> dict[str, Any]:
        """Return all counts and shares; those of labels are null without labelled texts."""
        return {
            "texts": self.n_texts,
            "same_topic": self.n_same_topic,
            "same_result": self.n_same_result,
            "agreement": self.n_same_topic / self.n_texts,
            "both_abstain": self.n_both_abstain,
            "a": self._model(self.a, self.b),
            "b": self._model(self.b, self.a),
            "moves": [
                {
                    "a": move[0],
                    "b": move[1],
                    "texts": self.moves[move],
                    "neither_abstains": self.sure_moves[move],
                }
                for move in self._ranked_moves()
            ],
            "labelled": self.n_labelled,
            "labelled_no_topic": self.n_no_topic,
            "mcnemar": {
                "only_a_correct": self.n_only_a_correct,
                "only_b_correct": self.n_only_b_correct,
                "p_value": mcnemar_p_value(self.n_only_a_correct, self.n_only_b_correct),
            }
            if self.n_labelled
            else None,
        }

    def _model(self, model: ModelCounts, other: ModelCounts) -> dict[str, Any]:
        n_labelled, n_reliable = self.n_labelled, model.n_reliable
        return {
            "name": model.manifest.name,
            "version": model.manifest.version,
            "topics": len(model.codes),
            "topics_of_this_alone": sorted(model.codes - other.codes),
            "abstained": model.abstentions.total(),
            "abstentions": dict(sorted(model.abstentions.items())),
            "accuracy": model.n_correct / n_labelled if n_labelled else None,
            "coverage": n_reliable / n_labelled if n_labelled else None,
            "precision": model.n_reliable_correct / n_reliable if n_reliable else None,
            "labels_unknown": model.n_unknown_labels if n_labelled else None,
            "no_topic_abstained": model.n_no_topic_abstained if self.n_no_topic else None,
        }

    def _ranked_moves(self) -> list[tuple[str, str]]:
        """Return the moves by texts from which neither abstains, then by all texts and topics."""
        return sorted(
            self.moves, key=lambda move: (-self.sure_moves[move], -self.moves[move], move)
        )


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

    >>> round(mcnemar_p_value(1, 9), 6)
    0.021484
    """
    n_texts = n_only_a + n_only_b
    log_all = n_texts * math.log(2)
    log_factorials = math.lgamma(n_texts + 1)
    tail = math.fsum(
        math.exp(log_factorials - math.lgamma(k + 1) - math.lgamma(n_texts - k + 1) - log_all)
        for k in range(min(n_only_a, n_only_b) + 1)
    )
    return min(1.0, 2 * tail)
