import json

import pytest

from service.cli.inputs import Entry, parse_entry
from service.cli.output import to_json
from service.cli.results import RESULT_KEYS, to_json_line
from service.model import Classification, NewsText, TopicClassifier
from service.rows import PredictionOptions, classify_rows

CRUDE = NewsText("OPEC ministers agreed to cut crude oil production.", "OPEC meets")
NAMES = ("topic", "topics", "no_topic", "known_words", "abstained", "group")


def classify(
    classifier: TopicClassifier, entry: Entry, min_confidence: float | None = None
) -> tuple[Entry, Classification | str]:
    (found,) = classify_rows(classifier, [entry.content], PredictionOptions(2, min_confidence))
    return entry, found


def test_min_confidence(classifier: TopicClassifier) -> None:
    result = classify(classifier, Entry("a", CRUDE), 1.0)
    assert json.loads(to_json_line(*result))["abstained"] == "low_confidence"


@pytest.mark.parametrize("prefix", ["", "model_"])
def test_results_are_added_to_their_line(classifier: TopicClassifier, prefix: str) -> None:
    line = b'{"id": 1.10, "text": "Crude oil rose."}'
    entry = parse_entry("-", 1, line, RESULT_KEYS)
    written = to_json_line(*classify(classifier, entry), prefix)
    assert written.startswith('{"id": 1.10, "text": "Crude oil rose.", ')
    names = [prefix + name for name in NAMES]
    assert list(json.loads(written)) == ["id", "text", *names]


def test_errors_stand_in_place_of_results(classifier: TopicClassifier) -> None:
    for line, rest in ((b'{"id": 7}', {"id": 7}), (b"{}", {}), (b"[]", {})):
        entry = parse_entry("a.jsonl", 3, line, ["x_error"])
        error = {"file": "a.jsonl", "line": 3, "message": entry.content}
        written = to_json_line(*classify(classifier, entry), "x_")
        assert json.loads(written) == rest | {"x_error": error}


def test_unpaired_surrogates_can_be_written() -> None:
    assert to_json({"file": "é"}) == '{"file": "é"}'
    assert to_json({"file": "\udcff"}) == '{"file": "\\udcff"}'
