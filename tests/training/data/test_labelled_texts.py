from pathlib import Path

import pytest

from service.model import TopicClassifier
from training.data.dataset import DataError
from training.data.labelled_texts import (
    measure_by_set,
    measure_labelled_texts,
    read_labelled_texts,
)

LINES = """{"text": "OPEC cut its crude oil output, and oil prices rose.", "accept": ["Crude oil"]}
{"text": "The company said quarterly net profit rose.", "title": null, "accept": ["acq"]}
{"text": "Oil prices rose", "accept": ["gold"], "may_abstain": true}
{"text": "qwrtz plmokn xvbnzz grfdswq", "accept": [], "set": "noise"}
"""


def test_shares_of_labelled_texts(tmp_path: Path, classifier: TopicClassifier) -> None:
    path = tmp_path / "desk.jsonl"
    path.write_text(LINES)
    texts = read_labelled_texts(path)
    assert [item.set for item in texts] == ["desk", "desk", "desk", "noise"]
    assert measure_labelled_texts(classifier, texts) == {
        "texts": 4,
        "first_right": pytest.approx(1 / 3),
        "abstained": 0.25,
        "topical_answered": 1,
        "negatives_answered": 0,
        "answered_right": pytest.approx(1 / 3),
    }
    assert measure_labelled_texts(classifier, texts[3:]) == {
        "texts": 1,
        "abstained": 1,
        "negatives_answered": 0,
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "expected JSON lines, the file is empty"),
        ('{"text": "a", "accept": []}\n{"text": "b"}\n', "line 2: expected an object"),
        ("[]\n", "line 1: expected an object"),
        ('{"text": 7, "accept": []}\n', "line 1: .*text: expected a string, got 7"),
        ('{"text": "a", "accept": null}\n', "line 1: .*accept: expected a list or a string"),
        ("Oil rose.\n", "line 1: expected an object"),
    ],
)
def test_errors_name_file_and_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "desk.jsonl"
    path.write_text(content)
    with pytest.raises(DataError, match=f"desk.jsonl.*{message}"):
        read_labelled_texts(path)


def test_a_separator_of_lines_is_part_of_a_text(tmp_path: Path) -> None:
    path = tmp_path / "desk.jsonl"
    path.write_text('{"text": "Oil\u2028rose", "accept": []}\n')
    assert [item.text.text for item in read_labelled_texts(path)] == ["Oil\u2028rose"]


def test_one_topic_needs_no_list(tmp_path: Path) -> None:
    path = tmp_path / "desk.jsonl"
    path.write_text('{"text": "Oil rose", "accept": "Crude oil"}\n')
    assert read_labelled_texts(path)[0].accept == {"Crude oil"}


def test_each_file_counts_once(tmp_path: Path, classifier: TopicClassifier) -> None:
    path, link = tmp_path / "desk.jsonl", tmp_path / "link.jsonl"
    path.write_text(LINES)
    link.symlink_to(path)
    with pytest.raises(DataError, match=r"--texts: expected each file once, got .*link\.jsonl"):
        measure_by_set({"1": classifier}, [path, link])
