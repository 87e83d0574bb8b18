import pytest

from service.cli.explanation import explanation_cells, highlight, to_json_object
from service.model import Explanation, NewsText, TopicClassifier, WordEffect

TEXT = NewsText("Öl rose, zyx fell", "OPEC")
EFFECTS = [
    WordEffect("opec", "title", 0, 4, known=True, score_change=0.5),
    WordEffect("öl", "text", 0, 2, known=True, score_change=0.0001),
    WordEffect("rose", "text", 3, 7, known=True, score_change=0.1),
    WordEffect("zyx", "text", 9, 12, known=False, score_change=0.0),
    WordEffect("fell", "text", 13, 17, known=True, score_change=-0.2),
]


@pytest.fixture
def told(classifier: TopicClassifier) -> Explanation:
    return Explanation(classifier.topics[16], EFFECTS)


def test_words_have_the_colour_of_their_effect(told: Explanation) -> None:
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


def test_rows_and_json(told: Explanation) -> None:
    assert explanation_cells(EFFECTS[4]) == ("fell", "text", "13", "17", "yes", "-0.200000")
    written = to_json_object(told)
    assert written["topic"] == "crude"
    assert written["words"][3] == EFFECTS[3]._asdict()


def test_offsets_with_carriage_returns_and_control_characters(classifier: TopicClassifier) -> None:
    text = NewsText("OPEC\r\nmet.\r\n\x1b[31m\x07 Crude rose.")
    explanation = classifier.explain(text)
    shown = highlight(text, explanation)
    assert "\x1b" not in shown.plain
    (place,) = [effect.start for effect in explanation.words if effect.word == "Crude"]
    assert shown.plain.splitlines()[4].endswith("Crude rose.")
    assert shown.plain.index("Crude rose") == shown.plain.index("OPEC") + place
