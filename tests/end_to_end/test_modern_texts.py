"""What a new user would try: headlines and short reports of today, and what is no news at all.

The texts are our own, and no model was trained on them. Every topic has a headline and a report of
two sentences.
"""

import json
from collections.abc import Sequence

import pytest

from service.model import Classification, TopicClassifier
from tests.conftest import ROOT

TEXTS = json.loads((ROOT / "tests" / "end_to_end" / "modern_texts.json").read_text())


@pytest.mark.parametrize(("form", "least_right"), [("headline", 42), ("report", 42)])
def test_headlines_and_reports(classifier: TopicClassifier, form: str, least_right: int) -> None:
    asked = TEXTS["on_topic"]
    answers = classifier.classify([item[form] for item in asked], top_k=3)
    assert {item["topic"] for item in asked} == {topic.code for topic in classifier.topics}
    right = [item["topic"] == codes(answer)[0] for item, answer in zip(asked, answers, strict=True)]
    among = [item["topic"] in codes(answer) for item, answer in zip(asked, answers, strict=True)]
    assert sum(right) >= least_right
    assert sum(among) >= least_right + 3


@pytest.mark.parametrize("form", ["headline", "report"])
def test_news_is_seldom_abstained_from(classifier: TopicClassifier, form: str) -> None:
    answers = classifier.classify([item[form] for item in TEXTS["on_topic"]])
    assert sum(answer.abstained is not None for answer in answers) <= 5


@pytest.mark.parametrize("kind", TEXTS["off_topic"])
def test_other_than_news_is_abstained_from(classifier: TopicClassifier, kind: str) -> None:
    answers = classifier.classify(TEXTS["off_topic"][kind])
    sure = [answer for answer in answers if answer.abstained is None]
    assert sure == []


def codes(answer: Classification) -> Sequence[str]:
    return [ranked.topic.code for ranked in answer.topics]
