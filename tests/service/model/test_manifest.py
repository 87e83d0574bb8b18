from dataclasses import replace
from typing import Any

import pytest

from service.model import BundleError, Golden, Manifest, Topic
from service.model.manifest import (
    FORMAT_VERSION,
    NEW_FIELDS,
    Subject,
    from_json_object,
    to_json_object,
)
from service.model.record_checks import (
    MAX_SUBJECTS,
    check_goldens,
    check_manifest,
    check_topics,
    read_subjects,
)

TOPIC = Topic(0, "cocoa", "Cocoa", "Softs", "Cocoa crops.", 55)
SUBJECT = Subject("http://example.org/soft", "soft commodities", "broad")
GOLDEN = Golden(None, "oil", [1, 4], [0.25, 0.75])
MANIFEST = Manifest(
    FORMAT_VERSION, "reuters", "1", "2026", "make", {"seed": 0}, {}, "rule", {"a": "b"}, {}, {}
)


@pytest.mark.parametrize("record", [TOPIC, replace(TOPIC, subjects=(SUBJECT,)), GOLDEN, MANIFEST])
def test_records_round_trip_through_json(record: Any) -> None:
    assert from_json_object(type(record), to_json_object(record), "here") == record


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "0"}, "here: id: expected int, got str"),
        ({"id": True}, "here: id: expected int, got bool"),
        ({"name": None}, "here: name: expected str, got NoneType"),
        ({"extra": 1}, r"fields unknown: \['extra'\]"),
    ],
)
def test_fields_of_another_type_are_errors(change: dict[str, Any], message: str) -> None:
    with pytest.raises(BundleError, match=message):
        from_json_object(Topic, to_json_object(TOPIC) | change, "here")


def test_missing_field_is_named() -> None:
    value = to_json_object(TOPIC)
    del value["group"]
    with pytest.raises(BundleError, match=r"fields missing: \['group'\]"):
        from_json_object(Topic, value, "here")


@pytest.mark.parametrize(
    "change",
    [
        {"title": 3},
        {"token_ids": [1, "4"]},
        {"token_ids": {"1": 4}},
        {"probabilities": [0.5, None]},
    ],
)
def test_types_of_items_are_checked(change: dict[str, Any]) -> None:
    with pytest.raises(BundleError, match=f"here: {next(iter(change))}: expected"):
        from_json_object(Golden, to_json_object(GOLDEN) | change, "here")


def test_types_of_mapping_values_are_checked() -> None:
    with pytest.raises(BundleError, match="files: expected"):
        from_json_object(Manifest, to_json_object(MANIFEST) | {"files": {"a": 1}}, "here")


@pytest.mark.parametrize("value", [None, [], "text", 3])
def test_not_an_object_is_an_error(value: object) -> None:
    with pytest.raises(BundleError, match="here: expected an object"):
        from_json_object(Topic, value, "here")


def test_unknown_format_or_tokenizer_is_an_error() -> None:
    check_manifest(MANIFEST, tokenizers=["other", "rule"])
    check_manifest(replace(MANIFEST, format_version=1), tokenizers=["rule"])
    with pytest.raises(BundleError, match="expected format_version 1 or 2 or 3, got 4"):
        check_manifest(replace(MANIFEST, format_version=4), tokenizers=["rule"])
    with pytest.raises(BundleError, match="expected tokeniser 'one' or 'other', got 'rule'"):
        check_manifest(MANIFEST, tokenizers=["one", "other"])


@pytest.mark.parametrize("ratio", [-0.1, 1.1, float("nan")])
@pytest.mark.parametrize(
    "name", ["all_topics_precision", "min_confidence", "min_known_words_ratio"]
)
def test_thresholds_are_ratios(name: str, ratio: float) -> None:
    manifest = from_json_object(Manifest, to_json_object(MANIFEST) | {name: ratio}, "here")
    with pytest.raises(BundleError, match=f"{name}: expected 0 to 1, got {ratio}"):
        check_manifest(manifest, tokenizers=["rule"])


def test_the_first_bundles_had_no_thresholds() -> None:
    value = to_json_object(MANIFEST)
    del value["min_confidence"], value["min_known_words_ratio"]
    assert from_json_object(Manifest, value, "here") == MANIFEST
    assert MANIFEST.min_confidence == MANIFEST.min_known_words_ratio == 0


@pytest.mark.parametrize(
    ("version", "name"), [(v, name) for v, names in NEW_FIELDS.items() for name in sorted(names)]
)
def test_earlier_versions_have_no_fields_of_later_ones(version: int, name: str) -> None:
    value = to_json_object(replace(MANIFEST, format_version=1))
    first = {key: value[key] for key in value.keys() - NEW_FIELDS[2] - NEW_FIELDS[3]}
    manifest = from_json_object(Manifest, first, "here")
    assert (manifest.no_topic, manifest.topic_min_confidence) == (False, {})
    assert (manifest.all_topics_thresholds, manifest.all_topics_precision) == ({}, 0)
    earlier = first | {name: value[name], "format_version": version - 1}
    message = rf"here: expected format_version {version} .*\['{name}'\], got {version - 1}"
    with pytest.raises(BundleError, match=message):
        from_json_object(Manifest, earlier, "here")
    from_json_object(Manifest, earlier | {"format_version": version}, "here")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"crude": 1.5}, "topic_min_confidence: crude: expected 0 to 1, got 1.5"),
        ({"crude": float("nan")}, "topic_min_confidence: crude: expected 0 to 1, got nan"),
    ],
)
def test_thresholds_of_topics_are_ratios(value: dict[str, float], message: str) -> None:
    manifest = replace(MANIFEST, topic_min_confidence=value)
    with pytest.raises(BundleError, match=message):
        check_manifest(manifest, tokenizers=["rule"])


def test_thresholds_name_topics_of_the_bundle() -> None:
    check_topics([TOPIC], replace(MANIFEST, topic_min_confidence={"cocoa": 0.5}))
    with pytest.raises(BundleError, match=r"expected codes of topics, got \['earn'\]"):
        check_topics([TOPIC], replace(MANIFEST, topic_min_confidence={"earn": 0.5}))


@pytest.mark.parametrize(
    "change", [{"no_topic": 1}, {"topic_min_confidence": {"cocoa": "0.5"}}, {"no_topic": None}]
)
def test_fields_of_version_2_have_types(change: dict[str, Any]) -> None:
    with pytest.raises(BundleError, match=f"here: {next(iter(change))}: expected"):
        from_json_object(Manifest, to_json_object(MANIFEST) | change, "here")


@pytest.mark.parametrize("topics", [[], [replace(TOPIC, id=1)], [TOPIC, TOPIC]])
def test_topics_out_of_order_are_an_error(topics: list[Topic]) -> None:
    with pytest.raises(BundleError, match=r"topics\.json: expected ids 0, 1, 2"):
        check_topics(topics, MANIFEST)


def test_repeated_codes_are_an_error() -> None:
    with pytest.raises(BundleError, match="some repeat"):
        check_topics([TOPIC, replace(TOPIC, id=1)], MANIFEST)


@pytest.mark.parametrize(
    ("goldens", "message"),
    [
        ([], "expected at least one golden case"),
        ([replace(GOLDEN, probabilities=[1.0])], "expected 2 probabilities"),
        ([replace(GOLDEN, probabilities=[0.5, 0.1])], "with sum 0.6"),
        ([replace(GOLDEN, probabilities=[float("nan"), 0.5])], "with sum nan"),
    ],
)
def test_invalid_goldens_are_an_error(goldens: list[Golden], message: str) -> None:
    check_goldens([GOLDEN], MANIFEST, 2)
    with pytest.raises(BundleError, match=message):
        check_goldens(goldens, MANIFEST, 2)


ALL_TOPICS = replace(
    MANIFEST,
    tensors=MANIFEST.tensors | {"topic_probabilities": "alone"},
    all_topics_thresholds={TOPIC.code: 0.4},
)


def test_goldens_have_the_probabilities_of_every_output() -> None:
    golden = replace(GOLDEN, topic_probabilities=[0.2, 0.9])
    check_goldens([golden], ALL_TOPICS, 2)
    with pytest.raises(BundleError, match="entry 0: expected 2 topic_probabilities, got 0"):
        check_goldens([GOLDEN], ALL_TOPICS, 2)
    with pytest.raises(BundleError, match="entry 0: expected 0 topic_probabilities, got 2"):
        check_goldens([golden], MANIFEST, 2)


@pytest.mark.parametrize(
    ("manifest", "n_thresholds"),
    [
        (replace(ALL_TOPICS, all_topics_thresholds={}), 0),
        (replace(ALL_TOPICS, all_topics_thresholds={"other": 0.4}), 1),
        (replace(ALL_TOPICS, tensors=MANIFEST.tensors), 1),
    ],
)
def test_thresholds_are_of_all_topics(manifest: Manifest, n_thresholds: int) -> None:
    check_topics([TOPIC], ALL_TOPICS)
    with pytest.raises(BundleError, match=f"all_topics_thresholds: .*got {n_thresholds}$"):
        check_topics([TOPIC], manifest)
    wrong = replace(ALL_TOPICS, all_topics_thresholds={TOPIC.code: 1.5})
    with pytest.raises(BundleError, match=f"all_topics_thresholds: {TOPIC.code}: expected 0 to 1"):
        check_manifest(wrong, tokenizers=["rule"])


def test_a_topic_without_subjects_is_written_as_before() -> None:
    assert "subjects" not in to_json_object(TOPIC)
    assert from_json_object(Topic, to_json_object(TOPIC) | {"subjects": []}, "here") == TOPIC


def subject(**change: object) -> dict[str, object]:
    return {"uri": SUBJECT.uri, "name": SUBJECT.name, "match": SUBJECT.match} | change


@pytest.mark.parametrize(
    ("subjects", "message"),
    [
        (None, "subjects: expected a list of objects, got NoneType"),
        ({"a": 1}, "subjects: expected a list of objects, got dict"),
        (
            [subject(uri=f"urn:a:{number}") for number in range(MAX_SUBJECTS + 1)],
            "subjects: expected a list of at most 8 objects, got 9",
        ),
        (["urn:a"], r"subjects\[0\]: expected an object, got str"),
        ([{"uri": "urn:a"}], r"subjects\[0\]: fields missing: \['match', 'name'\]"),
        ([subject(qcode="medtop:1")], r"subjects\[0\]: .*fields unknown: \['qcode'\]"),
        ([subject(uri=3)], r"subjects\[0\]: uri: expected str, got int"),
        (
            [subject(uri="20000389")],
            "uri: expected a URI of at most 500 characters, got '20000389'",
        ),
        ([subject(uri="urn:a b")], "uri: expected a URI"),
        ([subject(uri="urn:" + "a" * 500)], "uri: expected a URI of at most 500 characters"),
        ([subject(name=" ")], f"{SUBJECT.uri}: expected a name of 1 to 500 printable characters"),
        ([subject(match="related")], "and a match of exact, close, broad"),
        ([subject(), subject(name="other")], "expected each uri once, some repeat"),
    ],
)
def test_subjects_are_checked(subjects: object, message: str) -> None:
    with pytest.raises(BundleError, match=f"^here: {message}|^here: .*{message}"):
        read_subjects(subjects, "here")


def test_subjects_of_a_bundle_are_checked() -> None:
    record = to_json_object(TOPIC) | {"subjects": [subject(match="related")]}
    topic = from_json_object(Topic, record, "topics.json, entry 0")
    with pytest.raises(
        BundleError, match=r"topics\.json, entry 0: subjects: .* exact, close, broad"
    ):
        check_topics([topic], MANIFEST)


def test_a_subject_has_one_name() -> None:
    other = replace(SUBJECT, name="softs", match="exact")
    topics = [
        replace(TOPIC, subjects=(SUBJECT,)),
        replace(TOPIC, id=1, code="coffee", subjects=(other,)),
    ]
    with pytest.raises(BundleError, match="one name, got 'soft commodities' and 'softs'"):
        check_topics(topics, MANIFEST)
    check_topics([topics[0], replace(topics[1], subjects=(SUBJECT,))], MANIFEST)


def test_earlier_versions_have_no_subjects() -> None:
    topics = [replace(TOPIC, subjects=(SUBJECT,))]
    check_topics(topics, MANIFEST)
    with pytest.raises(BundleError, match="format_version 3 with the field subjects, got 2"):
        check_topics(topics, replace(MANIFEST, format_version=2))
