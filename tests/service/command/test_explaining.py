from dataclasses import dataclass
from typing import Any

import pytest

from service.command.errors import CommandError
from service.command.explaining import explain, explanation_cells, highlight, to_json_object
from service.model import NewsText, Topic, TopicClassifier


@dataclass(frozen=True)
class Effect:
    word: str
    field: str
    start: int
    end: int
    known: bool
    score_change: float


@dataclass(frozen=True)
class Told:
    topic: Topic
    words: list[Effect]


TEXT = NewsText("Öl rose, zyx fell", "OPEC")
EFFECTS = [
    Effect("opec", "title", 0, 4, known=True, score_change=0.5),
    Effect("öl", "text", 0, 2, known=True, score_change=0.0001),
    Effect("rose", "text", 3, 7, known=True, score_change=0.1),
    Effect("zyx", "text", 9, 12, known=False, score_change=0.0),
    Effect("fell", "text", 13, 17, known=True, score_change=-0.2),
]


@pytest.fixture
def told(classifier: TopicClassifier) -> Told:
    return Told(classifier.topics[16], EFFECTS)


def test_words_have_the_colour_of_their_effect(told: Told) -> None:
    shown = highlight(TEXT, told)
    styles = {shown.plain[span.start : span.end]: str(span.style) for span in shown.spans}
    assert shown.plain == "Crude oil\n\nOPEC\nÖl rose, zyx fell\n"
    assert styles == {
        "Crude oil": "bold underline",
        "OPEC": "bold green",
        "rose": "bold green",
        "zyx": "dim",
        "fell": "red",
    }


def test_rows_and_json(told: Told) -> None:
    assert explanation_cells(EFFECTS[4]) == ("fell", "text", "13", "17", "yes", "-0.200000")
    written = to_json_object(told)
    assert written["topic"] == "crude"
    assert written["words"][3] == vars(EFFECTS[3])


def test_a_classifier_that_cannot_explain_is_refused() -> None:
    unable: Any = object()
    with pytest.raises(CommandError, match="cannot explain its answers"):
        explain(unable, TEXT)
