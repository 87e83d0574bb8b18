"""What is said of a bundle that cannot abstain."""

from dataclasses import replace
from pathlib import Path

import pytest

from service.model import Manifest, load_bundle
from service.reload.watcher import log_warnings
from tests.conftest import LATEST, RELEASED


def without_thresholds() -> Manifest:
    manifest = load_bundle(RELEASED / "1").manifest
    return replace(manifest, min_confidence=0.0, min_known_words_ratio=0.0)


@pytest.mark.parametrize("path", sorted(RELEASED.glob("[0-9]*")), ids=lambda path: path.name)
def test_every_released_bundle_abstains(path: Path) -> None:
    assert load_bundle(path).manifest.abstains


def test_bundle_without_thresholds_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    manifest = without_thresholds()
    assert not manifest.abstains
    log_warnings(RELEASED / manifest.version, manifest)
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage() == (
        "model reuters 1 has no thresholds: it never abstains unless a request sets min_confidence"
    )


def test_any_threshold_or_no_topic_is_enough(caplog: pytest.LogCaptureFixture) -> None:
    plain = without_thresholds()
    for manifest in (
        load_bundle(LATEST).manifest,
        replace(plain, no_topic=True),
        replace(plain, min_confidence=0.1),
        replace(plain, min_known_words_ratio=0.1),
        replace(plain, topic_min_confidence={"gold": 0.1}),
    ):
        assert manifest.abstains
        log_warnings(RELEASED / manifest.version, manifest)
    assert caplog.records == []
