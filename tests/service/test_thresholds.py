"""What is said of a bundle that cannot abstain."""

from dataclasses import replace

import pytest

from service.model import load_bundle
from service.reloading import warn_of_no_thresholds
from tests.conftest import LATEST, RELEASED


def test_a_bundle_without_thresholds_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    manifest = load_bundle(RELEASED / "1").manifest
    assert not manifest.abstains
    warn_of_no_thresholds(manifest)
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage() == (
        "reuters 1 has no thresholds: it never abstains unless a request sets min_confidence"
    )


def test_any_threshold_or_no_topic_is_enough(caplog: pytest.LogCaptureFixture) -> None:
    plain = load_bundle(RELEASED / "1").manifest
    for manifest in (
        load_bundle(LATEST).manifest,
        replace(plain, no_topic=True),
        replace(plain, min_confidence=0.1),
        replace(plain, min_known_words_ratio=0.1),
        replace(plain, topic_min_confidence={"gold": 0.1}),
    ):
        assert manifest.abstains
        warn_of_no_thresholds(manifest)
    assert caplog.records == []
