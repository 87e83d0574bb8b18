from typing import Any

import pytest

from service.model import Classification, InferenceError, NewsText, TopicClassifier
from service.rows import (
    CommandError,
    PredictionOptions,
    Row,
    batched,
    classify_rows,
    resolve_options,
)

CRUDE = NewsText("OPEC ministers agreed to cut crude oil production.", "OPEC meets")
OPTIONS = PredictionOptions(top_k=2, min_confidence=None)


class FailsOnSome:
    """A classifier that fails on texts with the word "broken"."""

    def __init__(self, classifier: TopicClassifier) -> None:
        self.classifier = classifier

    def classify(self, texts: list[NewsText], **options: Any) -> list[Classification]:
        if any("broken" in text.text for text in texts):
            raise InferenceError("expected probabilities")
        return self.classifier.classify(texts, **options)


def test_results_are_in_the_order_of_the_rows(classifier: TopicClassifier) -> None:
    rows: list[Row] = [CRUDE, "expected UTF-8", NewsText("Net profit rose 12 mln dlrs.")]
    first, second, third = classify_rows(classifier, rows, OPTIONS)
    assert first == classifier.classify([CRUDE], top_k=2)[0]
    assert second == "expected UTF-8"
    assert isinstance(third, Classification)
    assert third.topics[0].topic.code == "earn"


def test_a_failed_prediction_fails_one_row(classifier: TopicClassifier) -> None:
    broken: Any = FailsOnSome(classifier)
    first, second, third = classify_rows(broken, [CRUDE, NewsText("broken"), CRUDE], OPTIONS)
    assert second == "expected probabilities"
    assert first == third == classifier.classify([CRUDE], top_k=2)[0]


def test_options_of_a_model(classifier: TopicClassifier) -> None:
    assert resolve_options(None, 0.5, classifier) == PredictionOptions(3, 0.5)
    assert resolve_options(46, None, classifier) == PredictionOptions(46, None)
    with pytest.raises(CommandError, match=r"^--top-k: expected 1 to 46, got 47$"):
        resolve_options(47, None, classifier)


def test_the_item_that_reaches_a_maximum_ends_its_batch() -> None:
    words = ["aa", "b", "cccc", "d", "e", "f"]
    assert list(batched(words, len, 3)) == [["aa", "b"], ["cccc"], ["d", "e", "f"]]
    assert list(batched(words, len, 3, max_items=2)) == [["aa", "b"], ["cccc"], ["d", "e"], ["f"]]
    assert list(batched([], len, 3)) == []
