import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.model import BundleError, NewswireError, Topic, load_bundle
from service.model.manifest import Subject
from service.model.record_checks import check_topics
from tests.conftest import LATEST, RELEASED
from training.data.dataset import DataError
from training.data.topic_list import (
    Description,
    TopicList,
    check_number_of_topics,
    rare_topics,
    read_descriptions,
)

MANIFEST = load_bundle(RELEASED / "4").manifest  # without thresholds of topics


@pytest.mark.parametrize(
    ("label", "code"),
    [
        ("sport", "sport"),
        ("comp.sys.ibm", "comp.sys.ibm"),
        ("Sci/Tech", "Sci-Tech"),
        ("Arts & Culture", "Arts-Culture"),
        ("Économie", "Économie"),
        ("E\u0301conomie", "Économie"),
        ("体育 & 娱乐", "体育-娱乐"),
        ("0", "0"),
        ("-x", "-x"),
        (".net", "net"),
    ],
)
def test_codes_of_labels(label: str, code: str) -> None:
    topics = TopicList({})
    assert topics.code_of(label) == code
    assert topics.topics([code], [7]) == [Topic(0, code, label, label, label, 7)]


@given(st.text(max_size=80))
def test_codes_and_names_are_those_of_a_bundle(label: str) -> None:
    topics = TopicList({})
    with suppress(DataError):
        code = topics.code_of(label)
        check_topics(topics.topics([code], [1]), MANIFEST)


@pytest.mark.parametrize("label", ["!", "...", "a" * 65, "a\nb"])
def test_labels_without_a_code(label: str) -> None:
    with pytest.raises(DataError, match="expected names with 1 to 64 letters and digits"):
        TopicList({}).code_of(label)


def test_labels_with_one_code() -> None:
    topics = TopicList({})
    topics.code_of("Sci/Tech")
    with pytest.raises(DataError, match="'Sci/Tech' and 'Sci-Tech' have the same code, 'Sci-Tech'"):
        topics.code_of("Sci-Tech")


def test_described_topics_have_names_as_labels_too() -> None:
    described = Description("体育", "Leisure", "Matches and players.")
    topics = TopicList({"sport": described})
    assert topics.code_of("体育") == topics.code_of("sport") == "sport"
    assert topics.topics(["sport"], [1]) == [
        Topic(0, "sport", "体育", "Leisure", "Matches and players.", 1)
    ]


def test_descriptions_are_read(tmp_path: Path) -> None:
    path = tmp_path / "topics.json"
    entries = [{"code": "a"}, {"code": "b", "name": "B", "description": "All of B."}]
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(entries).encode())
    assert read_descriptions(path) == {
        "a": Description("a", "a", "a"),
        "b": Description("B", "B", "All of B."),
    }


def test_topics_of_a_bundle_are_descriptions() -> None:
    described = read_descriptions(LATEST / "topics.json")
    assert described["cocoa"].name == "Cocoa"
    assert len(described) == 46


def test_subjects_are_read(tmp_path: Path) -> None:
    path = tmp_path / "topics.json"
    subject = {"uri": "urn:a", "name": "A", "match": "exact"}
    path.write_text(json.dumps([{"code": "a", "subjects": [subject]}, {"code": "b"}]))
    described = read_descriptions(path)
    assert described["a"].subjects == (Subject(**subject),)
    assert described["b"].subjects == ()
    topics = TopicList(described).topics(["b", "a", "c"], [3, 2, 1])
    assert [topic.subjects for topic in topics] == [(), (Subject(**subject),), ()]


def test_a_subject_of_several_names() -> None:
    subjects = [(Subject("urn:a", name, "exact"),) for name in ("A", "B")]
    descriptions = {
        name: Description(name, name, name, each) for name, each in zip("ab", subjects, strict=True)
    }
    with pytest.raises(BundleError, match="subjects: urn:a: expected one name, got 'A' and 'B'"):
        TopicList(descriptions)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"code": "a", "subjects": 1}]', "entry 1: subjects: expected a list of objects"),
        ('[{"code": "a", "subjects": false}]', "entry 1: subjects: expected a list of objects"),
        ('[{"code": "a", "subjects": {}}]', "entry 1: subjects: expected a list of objects"),
        ('[{"code": "a", "name": 0}]', "entry 1: name: expected 1 to"),
        ('[{"code": "a", "description": false}]', "entry 1: description: expected 1 to"),
        ('[{"code": "a", "subjects": [{"uri": "a"}]}]', r"entry 1: subjects\[0\]: fields missing"),
        ("{}", "expected a list of objects with 'code' and 'name'"),
        ("[]", "expected a list of objects"),
        ("[", "expected JSON in UTF-8, it cannot be read"),
        ("[1]", "entry 1: expected an object with a 'code' of 1 to 64 letters"),
        ('[{"code": "a b"}]', "entry 1: expected an object with a 'code'"),
        ('[{"code": "a"}, {"code": "a"}]', "entry 2: expected each code once, 'a' repeats"),
        ('[{"code": "a", "name": 7}]', "entry 1: name: expected 1 to 500 printable characters"),
        ('[{"code": "a", "group": "b\\n"}]', "entry 1: group: expected 1 to 500 printable"),
    ],
)
def test_invalid_descriptions(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "topics.json"
    path.write_text(content)
    with pytest.raises(NewswireError, match=rf"topics.json.*{message}"):
        read_descriptions(path)


def test_missing_descriptions(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"topics.json: .*cannot be read: .*No such file"):
        read_descriptions(tmp_path / "topics.json")


def test_rare_topics_are_of_few_texts_first_or_not() -> None:
    topics = [("a", "b")] * 5 + [("c", "d")] * 4 + [("known",), ()]
    assert rare_topics(topics, ["known"], drop=True) == {"c", "d"}
    with pytest.raises(DataError, match=r"fewer of 2 among 4 topics: c \(4\), d \(4\);.*--drop-"):
        rare_topics(topics, ["known"], drop=False)
    assert rare_topics(topics, ["known"], drop=False, min_texts=4) == frozenset()


def test_many_rare_topics_are_one_short_line() -> None:
    with pytest.raises(
        DataError, match=r"2,000 among 2,000 topics: t0 \(1\).* and 1,995 more"
    ) as e:
        rare_topics([(f"t{number}",) for number in range(2_000)], [], drop=False)
    assert len(str(e.value)) < 400


def test_number_of_topics() -> None:
    check_number_of_topics(["a", "b"])
    check_number_of_topics([str(number) for number in range(1_000)])
    with pytest.raises(DataError, match="expected 2 to 1,000 topics, got 1: a"):
        check_number_of_topics(["a"])
    with pytest.raises(DataError, match="expected 2 to 1,000 topics, got 1,001"):
        check_number_of_topics([str(number) for number in range(1_001)])
