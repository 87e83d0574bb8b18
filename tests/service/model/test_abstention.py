from pathlib import Path

import pytest

from service.model import Abstention, AbstentionThresholds, load_classifier
from tests.hostile_bundles import edit_manifest
from tests.synthetic_bundles import code_of, save_synthetic_bundle, text_of

THRESHOLDS = AbstentionThresholds(
    known_words_ratio=0.8, confidence=0.6, topic_confidence={"earn": 0.9}
)


@pytest.mark.parametrize(
    ("known_words_ratio", "score", "min_confidence", "expected"),
    [
        (0.8, 0.6, None, None),
        (0.79, 1.0, None, Abstention.TOO_FEW_KNOWN_WORDS),
        (0.79, 0.1, None, Abstention.TOO_FEW_KNOWN_WORDS),
        (0.9, 0.59, None, Abstention.LOW_CONFIDENCE),
        (0.9, 0.59, 0.5, None),
        (0.9, 0.89, 0.9, Abstention.LOW_CONFIDENCE),
        (0.9, 0.01, 0.0, None),
        (0.79, 1.0, 0.0, Abstention.TOO_FEW_KNOWN_WORDS),
    ],
)
def test_reasons_to_abstain(
    known_words_ratio: float,
    score: float,
    min_confidence: float | None,
    expected: Abstention | None,
) -> None:
    reason = THRESHOLDS.decide(
        known_words_ratio=known_words_ratio, score=score, min_confidence=min_confidence
    )
    assert reason == expected


@pytest.mark.parametrize(
    ("no_topic", "min_confidence", "expected"),
    [
        (None, None, None),
        (0.5, None, None),
        (0.51, None, Abstention.NO_TOPIC),
        (0.51, 0.0, Abstention.NO_TOPIC),
        (0.4, 0.71, Abstention.LOW_CONFIDENCE),
    ],
)
def test_no_topic_is_a_reason(
    no_topic: float | None, min_confidence: float | None, expected: Abstention | None
) -> None:
    reason = THRESHOLDS.decide(
        known_words_ratio=0.8, score=0.7, no_topic=no_topic, min_confidence=min_confidence
    )
    assert reason == expected


def test_order_of_reasons() -> None:
    assert THRESHOLDS.decide(known_words_ratio=0, score=0, no_topic=1) == "too_few_known_words"
    assert THRESHOLDS.decide(known_words_ratio=1, score=0, no_topic=1) == "no_topic"


@pytest.mark.parametrize(
    ("topic", "min_confidence", "expected"),
    [
        ("earn", None, Abstention.LOW_CONFIDENCE),
        ("acq", None, None),
        (None, None, None),
        ("earn", 0.8, None),
        ("acq", 0.85, Abstention.LOW_CONFIDENCE),
    ],
)
def test_threshold_of_a_topic(
    topic: str | None, min_confidence: float | None, expected: Abstention | None
) -> None:
    reason = THRESHOLDS.decide(
        known_words_ratio=1, score=0.8, topic=topic, min_confidence=min_confidence
    )
    assert reason == expected


def test_a_threshold_of_1_is_never_reached(tmp_path: Path) -> None:
    """Also by a score that is rounded to 1, of a topic or of a group."""
    folder = save_synthetic_bundle(tmp_path / "1", 4, groups=("One", "Two"))
    certain = 4 * text_of(1)
    edit_manifest(folder, lambda manifest: manifest["topic_min_confidence"].clear())
    assert [each.abstained for each in load_classifier(folder).classify([certain])] == [None]
    for edit in (
        lambda manifest: manifest["topic_min_confidence"].update({code_of(1): 1.0}),
        lambda manifest: manifest.update(min_confidence=1.0, topic_min_confidence={}),
    ):
        edit_manifest(folder, edit)
        (found,) = load_classifier(folder).classify([certain])
        assert found.topics[0].score == 1
        assert found.abstained is Abstention.LOW_CONFIDENCE
    assert found.group is None
    (found,) = load_classifier(folder).classify([certain], min_confidence=1)
    assert found.abstained is None
