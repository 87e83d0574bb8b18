from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.model import Classification, InferenceError, NewsText, TopicClassifier
from service.rows import (
    CommandError,
    PredictionOptions,
    Row,
    batched,
    check_options,
    classify_rows,
    split_lines,
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
    assert check_options(None, 0.5, classifier) == PredictionOptions(3, 0.5)
    assert check_options(46, None, classifier) == PredictionOptions(46, None)
    with pytest.raises(CommandError, match=r"^--top-k: expected 1 to 46, got 47$"):
        check_options(47, None, classifier)


@given(
    lines=st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=1), max_size=20
    ),
    size=st.integers(1, 40),
    ends=st.booleans(),
)
def test_split_lines_of_any_chunk_size(lines: list[str], size: int, *, ends: bool) -> None:
    content = "\n".join(lines).encode() + (b"\n" if ends and lines else b"")
    chunks = [content[start : start + size] for start in range(0, len(content), size)]
    assert [line.decode() for some in split_lines(chunks) for line in some] == lines


def test_lines_are_yielded_with_the_chunk_that_ends_them() -> None:
    assert list(split_lines([b"a\nb", b"c", b"\n\nd"])) == [[b"a"], [b"bc", b""], [b"d"]]
    assert list(split_lines([])) == []


def test_the_item_that_reaches_a_maximum_ends_its_batch() -> None:
    words = ["aa", "b", "cccc", "d", "e", "f"]
    assert list(batched(words, len, 3)) == [["aa", "b"], ["cccc"], ["d", "e", "f"]]
    assert list(batched(words, len, 3, max_items=2)) == [["aa", "b"], ["cccc"], ["d", "e"], ["f"]]
    assert list(batched([], len, 3)) == []


def test_too_long_lines_are_cut() -> None:
    (lines,) = split_lines([b"abc", b"def", b"ghi", b"j\nk\n"], 4)
    assert len(lines[0]) > 4
    assert b"ghi" not in lines[0]
    assert lines[1] == b"k"
