from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.model import BundleError, DriftBaseline
from service.model.drift import (
    BOUNDS,
    bin_names,
    check_drift_baseline,
    count_bins,
)

CODES = ["earn", "acq"]


def baseline() -> DriftBaseline:
    return DriftBaseline(
        topics={"earn": 2, "acq": 1},
        abstentions={"too_few_known_words": 0, "low_confidence": 1, "no_topic": 0},
        text_words=count_bins("text_words", [5, 10, 11]),
        known_words_ratio=count_bins("known_words_ratio", [1.0, 0.99, 0.0]),
        top_score_ratio=count_bins("top_score_ratio", [0.5, 0.51, 0.995]),
    )


def test_bounds_are_inclusive() -> None:
    assert count_bins("text_words", [10, 11, 25, 10**6]) == {
        **dict.fromkeys(bin_names("text_words"), 0),
        "10": 1,
        "25": 2,
        "inf": 1,
    }


@given(st.lists(st.floats(0, 1)))
def test_bins_hold_the_values_between_their_bounds(values: list[float]) -> None:
    counts = count_bins("top_score_ratio", values)
    above = float("-inf")
    for name, count in counts.items():
        assert count == sum(above < value <= float(name) for value in values)
        above = float(name)


def test_valid_baseline() -> None:
    check_drift_baseline(baseline(), CODES)
    assert baseline().n_texts == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"topics": {"earn": 3}}, "topics: expected 'acq' as entry 2 of 2, got None"),
        ({"topics": {"earn": 3, "acq": 0, "a": 0}}, "expected None as entry 3 of 2, got 'a'"),
        ({"topics": {"earn": 4, "acq": -1}}, "topics: expected counts"),
        ({"topics": {"earn": 0, "acq": 0}}, "expected counts of 0 newswires"),
        (
            {"abstentions": {"too_few_known_words": 2, "low_confidence": 2, "no_topic": 0}},
            "got a sum of 4",
        ),
        ({"abstentions": {"boredom": 0}}, "abstentions: expected .*too_few_known_words"),
        ({"text_words": {"10": 3}}, "text_words: expected .*25"),
        ({"top_score_ratio": count_bins("top_score_ratio", [0.5])}, "top_score_ratio: .* sum of 1"),
    ],
)
def test_invalid_baselines_are_errors(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BundleError, match=f"drift_baseline.json: .*{message}"):
        check_drift_baseline(replace(baseline(), **changes), CODES)


def test_every_distribution_has_bounds() -> None:
    assert asdict(baseline()).keys() == {"topics", "abstentions", *BOUNDS}
    assert baseline().distributions().keys() == BOUNDS.keys() - {"no_topic_ratio"}


def test_no_topic_ratio_requires_a_model_with_no_topic() -> None:
    measured = replace(baseline(), no_topic_ratio=count_bins("no_topic_ratio", [0.1, 0.2, 1]))
    check_drift_baseline(measured, CODES, no_topic=True)
    assert measured.distributions().keys() == BOUNDS.keys()
    with pytest.raises(BundleError, match="no_topic_ratio: is missing"):
        check_drift_baseline(baseline(), CODES, no_topic=True)
    with pytest.raises(BundleError, match="no_topic_ratio: expected only where the manifest"):
        check_drift_baseline(measured, CODES)
    few = replace(measured, no_topic_ratio=count_bins("no_topic_ratio", [0.1]))
    with pytest.raises(BundleError, match=r"no_topic_ratio: .* sum of 1"):
        check_drift_baseline(few, CODES, no_topic=True)
