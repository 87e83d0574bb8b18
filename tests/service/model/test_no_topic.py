"""A bundle whose network has the output "none of the topics", of format version 2 and later."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.model import (
    Abstention,
    Bundle,
    BundleError,
    InferenceError,
    TopicClassifier,
    build_classifier,
    load_bundle,
    save_bundle,
)
from service.model.manifest import FORMAT_VERSION
from service.model.ranking import check_rows, rank_topics
from tests.bundle_of_weights import network_of_weights
from tests.conftest import RELEASED
from tests.fuzzing.small_bundle import CODES, TOPIC_MIN_CONFIDENCE, VOCABULARY
from tests.hostile_bundles import edit_manifest, rewrite


@pytest.fixture
def bundle(no_topic_folder: Path) -> Bundle:
    return load_bundle(no_topic_folder)


@pytest.fixture
def copy(bundle: Bundle, tmp_path: Path) -> Path:
    save_bundle(bundle, tmp_path / "1", {})
    return tmp_path / "1"


def test_saved_bundle_is_loaded_unchanged(bundle: Bundle, copy: Path) -> None:
    manifest = bundle.manifest
    assert (manifest.format_version, manifest.no_topic) == (FORMAT_VERSION, True)
    assert manifest.topic_min_confidence == TOPIC_MIN_CONFIDENCE
    assert bundle.n_outputs == 4
    assert load_bundle(copy) == bundle


@pytest.mark.parametrize("folder", [RELEASED / "1", RELEASED / "4"])
def test_a_bundle_of_version_1_is_saved_as_the_latest(folder: Path, tmp_path: Path) -> None:
    first = load_bundle(folder)
    assert (first.manifest.no_topic, first.manifest.topic_min_confidence) == (False, {})
    assert first.n_outputs == len(first.topics)
    assert save_bundle(first, tmp_path / "1", {}).format_version == FORMAT_VERSION
    again = load_bundle(tmp_path / "1")
    assert again.goldens == first.goldens
    assert again.drift_baseline == first.drift_baseline


@pytest.mark.parametrize(
    ("text", "topic", "abstained"),
    [
        ("oil", "crude", None),
        ("18", "earn", None),
        ("rose", "crude", Abstention.NO_TOPIC),
        ("oil rose", "crude", Abstention.LOW_CONFIDENCE),
        ("zxcv qwer", "crude", Abstention.TOO_FEW_KNOWN_WORDS),
    ],
)
def test_no_topic_is_not_ranked(
    no_topic_classifier: TopicClassifier, text: str, topic: str, abstained: Abstention | None
) -> None:
    (prediction,) = no_topic_classifier.classify([text], top_k=3)
    assert prediction.topics[0].topic.code == topic
    assert prediction.abstained == abstained
    assert prediction.no_topic is not None
    assert sum(item.score for item in prediction.topics) + prediction.no_topic == pytest.approx(1)
    (row,) = no_topic_classifier.infer([no_topic_classifier.encode(text)])
    assert row.shape == (4,)
    assert prediction.no_topic == row[3]
    assert [item.score for item in prediction.topics] == sorted(row[:3], reverse=True)


@pytest.mark.parametrize(
    ("text", "min_confidence", "abstained"),
    [
        ("rose", 0.0, Abstention.NO_TOPIC),
        ("oil rose", 0.4, None),
        ("oil", 0.9, Abstention.LOW_CONFIDENCE),
        ("18", 0.9, Abstention.LOW_CONFIDENCE),
    ],
)
def test_min_confidence_does_not_affect_no_topic(
    no_topic_classifier: TopicClassifier,
    text: str,
    min_confidence: float,
    abstained: Abstention | None,
) -> None:
    (prediction,) = no_topic_classifier.classify([text], min_confidence=min_confidence)
    assert prediction.abstained == abstained


def test_no_topic_is_in_no_group(no_topic_classifier: TopicClassifier) -> None:
    (prediction,) = no_topic_classifier.classify(["oil rose"])
    assert prediction.group is not None
    assert prediction.group.name == "Commodities"
    scores = {ranked.topic.code: ranked.score for ranked in prediction.topics}
    assert prediction.group.score == pytest.approx(scores["crude"] + scores["wheat"])
    (other,) = no_topic_classifier.classify(["rose"])
    assert other.group is None


def test_top_k_is_at_most_all_topics(no_topic_classifier: TopicClassifier) -> None:
    with pytest.raises(ValueError, match="top_k: expected 1 to 3, got 4"):
        no_topic_classifier.classify(["oil"], top_k=4)


def test_large_batch_keeps_its_order(no_topic_classifier: TopicClassifier) -> None:
    texts = ["oil", "rose", "oil rose", "18 oil rose zxcv"] * 2_000
    encoded = [no_topic_classifier.encode(text) for text in texts]
    together = no_topic_classifier.infer(encoded)
    alone = np.concatenate([no_topic_classifier.infer([one]) for one in encoded[:4]] * 2_000)
    np.testing.assert_allclose(together, alone, atol=1e-6)


@pytest.mark.parametrize(
    "row", [[1.0, 0, 0, 0.5], [0.5, 0.5, 0.5, -0.5], [0.5, 0.5, 0, float("nan")], [0.5, 0, 0, 0]]
)
def test_topics_and_no_topic_sum_to_1(
    no_topic_classifier: TopicClassifier, row: list[float]
) -> None:
    probabilities = np.array(row, dtype=np.float32)
    with pytest.raises(InferenceError, match="expected 4 probabilities"):
        rank_topics(no_topic_classifier.topics, probabilities[np.newaxis], top_k=[1])
    with pytest.raises(InferenceError, match="expected 4 probabilities"):
        check_rows(probabilities[np.newaxis])


def test_explanation_is_for_a_topic(no_topic_classifier: TopicClassifier) -> None:
    explanation = no_topic_classifier.explain("oil rose")
    assert explanation.topic.code == "crude"
    oil, rose = explanation.words
    assert oil.score_change > 0 > rose.score_change
    assert no_topic_classifier.explain("").words == []


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda m: m.update(no_topic=False), "goldens.json, entry 0: expected 3 probabilities"),
        (lambda m: m.pop("no_topic"), "goldens.json, entry 0: expected 3 probabilities"),
        (lambda m: m.update(format_version=1), "expected format_version 2 with the fields"),
        (lambda m: m.update(topic_min_confidence={"tea": 0.5}), "expected codes of topics, got"),
        (lambda m: m.update(topic_min_confidence={"crude": 2.0}), "crude: expected 0 to 1"),
    ],
)
def test_manifest_that_contradicts_the_network_is_an_error(
    copy: Path, edit: Callable[[dict[str, Any]], object], message: str
) -> None:
    edit_manifest(copy, edit)
    with pytest.raises(BundleError, match=message):
        load_bundle(copy)


@pytest.mark.parametrize("absent", ["abstentions", "no_topic_ratio"])
def test_a_baseline_of_version_2_is_complete(bundle: Bundle, copy: Path, absent: str) -> None:
    assert bundle.drift_baseline is not None
    values = {name: dict(bins) for name, bins in bundle.drift_baseline.distributions().items()}
    values["topics"] = dict(bundle.drift_baseline.topics)
    values["abstentions"] = dict(bundle.drift_baseline.abstentions)
    rewrite(copy, "drift_baseline.json", values)
    load_bundle(copy)
    if absent == "abstentions":
        del values["abstentions"]["no_topic"]
    else:
        del values[absent]
    rewrite(copy, "drift_baseline.json", values)
    with pytest.raises(BundleError, match=f"{absent}: "):
        load_bundle(copy)


def test_a_network_without_the_output_is_an_error(bundle: Bundle) -> None:
    n_ids = 1 + max(VOCABULARY.values())
    network = network_of_weights(np.zeros((n_ids, len(CODES)), np.float32))
    with pytest.raises(BundleError, match=r"expected 3 topics and none of them .* \(1, 3\)"):
        build_classifier(replace(bundle, network=network))
