import json
from typing import Any

import pytest

from service.cli.inputs import Entry, parse_line
from service.cli.prediction import (
    Question,
    answer_entries,
    names_of_answer,
    to_json,
    to_json_line,
)
from service.model import Classification, InferenceError, NewsText, TopicClassifier

CRUDE = NewsText("OPEC ministers agreed to cut crude oil production.", "OPEC meets")
NAMES = ("topic", "topics", "no_topic", "known_words", "abstained", "group")
QUESTION = Question(top_k=2, min_confidence=None)


class BrokenForSome:
    """A classifier that cannot answer texts with the word "broken"."""

    def __init__(self, classifier: TopicClassifier) -> None:
        self.classifier = classifier

    def classify(self, texts: list[NewsText], **options: Any) -> list[Classification]:
        if any("broken" in text.text for text in texts):
            raise InferenceError("expected probabilities")
        return self.classifier.classify(texts, **options)


def test_answers_are_in_the_order_of_the_entries(classifier: TopicClassifier) -> None:
    contents: list[NewsText | str] = [
        CRUDE,
        "expected UTF-8",
        NewsText("Net profit rose 12 mln dlrs."),
    ]
    answers = answer_entries(classifier, [Entry("a", content) for content in contents], QUESTION)
    assert answers[1].answer == "expected UTF-8"
    assert isinstance(answers[2].answer, Classification)
    assert answers[2].answer.topics[0].topic.code == "earn"
    assert answers[0].answer == classifier.classify([CRUDE], top_k=2)[0]


def test_a_text_that_the_network_fails_on_fails_alone(classifier: TopicClassifier) -> None:
    entries = [Entry("a", CRUDE), Entry("b", NewsText("broken")), Entry("c", CRUDE)]
    broken: Any = BrokenForSome(classifier)
    first, second, third = answer_entries(broken, entries, QUESTION)
    assert second.answer == "expected probabilities"
    assert first.answer == third.answer == classifier.classify([CRUDE], top_k=2)[0]


def test_min_confidence(classifier: TopicClassifier) -> None:
    (answered,) = answer_entries(classifier, [Entry("a", CRUDE)], Question(1, 1.0))
    assert json.loads(to_json_line(answered))["abstained"] == "low_confidence"


@pytest.mark.parametrize("prefix", ["", "model_"])
def test_an_answer_is_added_to_its_line(classifier: TopicClassifier, prefix: str) -> None:
    line = b'{"id": 1.10, "text": "Crude oil rose."}'
    content, kept = parse_line(line, names_of_answer(prefix))
    (answered,) = answer_entries(classifier, [Entry("-", content, 1, kept)], QUESTION)
    written = to_json_line(answered, prefix)
    assert written.startswith('{"id": 1.10, "text": "Crude oil rose.", ')
    names = [prefix + name for name in NAMES]
    assert list(json.loads(written)) == ["id", "text", *names]


def test_an_error_stands_in_its_place(classifier: TopicClassifier) -> None:
    for line, rest in ((b'{"id": 7}', {"id": 7}), (b"{}", {}), (b"[]", {})):
        content, kept = parse_line(line, names_of_answer("x_"))
        (answered,) = answer_entries(classifier, [Entry("a.jsonl", content, 3, kept)], QUESTION)
        error = {"file": "a.jsonl", "line": 3, "message": content}
        assert json.loads(to_json_line(answered, "x_")) == rest | {"x_error": error}


def test_half_a_surrogate_pair_can_be_written() -> None:
    assert to_json({"file": "é"}) == '{"file": "é"}'
    assert to_json({"file": "\udcff"}) == '{"file": "\\udcff"}'
