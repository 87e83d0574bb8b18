"""A service starts with the newest valid bundle and reports those it skipped."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from service.model import BundleError
from service.reload.startup import load_newest
from tests.conftest import LATEST, RELEASED
from tests.end_to_end.running_service import RunningService

pytestmark = pytest.mark.slow


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with a valid, a damaged, an incomplete and an empty bundle."""
    models = tmp_path / "models"
    for name in ("1", "51", "52"):
        shutil.copytree(RELEASED / "1", models / name)
    (models / "51" / "vocabulary.json").write_text("{}")
    (models / "52" / "manifest.sha256").unlink()
    (models / "53").mkdir()
    return models


def test_newest_valid_bundle_is_loaded(models: Path) -> None:
    model = load_newest(models)
    assert model.path == models / "1"
    assert model.classifier.manifest.version == "1"
    assert [path.name for path in model.skipped] == ["53", "52", "51"]


def test_no_valid_bundle_is_one_error_with_each_reason(models: Path) -> None:
    shutil.rmtree(models / "1")
    with pytest.raises(BundleError) as raised:
        load_newest(models)
    message = str(raised.value)
    assert f"{models / '53'}: has no manifest.json and no manifest.sha256: empty" in message
    assert f"{models / '52'}: has no manifest.sha256: empty or incomplete" in message
    assert f"{models / '51'}: vocabulary.json: altered" in message
    assert "\n" not in message


def test_nothing_is_skipped_if_the_newest_is_valid() -> None:
    model = load_newest(RELEASED)
    assert model.path == LATEST
    assert model.skipped == {}
    assert model.errors == []


def test_skipped_bundles_are_reported(models: Path) -> None:
    """By an error line each and a metric; none is loaded again until it changes."""
    (models / "1" / ".54").mkdir()
    with RunningService(
        errors=subprocess.PIPE, NEWSWIRE_MODEL_DIR=str(models), NEWSWIRE_MODEL_POLL_SECONDS="0.1"
    ) as service:
        response = service.client.post("/classify", json={"text": "Crude oil rose."}).json()
        assert response["model"]["version"] == "1"
        metrics = service.client.get("/metrics").text
        assert "newswire_skipped_bundles 3.0" in metrics.splitlines()
        assert 'newswire_reloads_total{outcome="failed"} 0.0' in metrics.splitlines()
        lines = [json.loads(line) for line in service.stop_and_read_errors().splitlines()]
    errors = [line["message"] for line in lines if line["level"] == "ERROR"]
    for message, name in zip(errors, ("53", "52", "51"), strict=True):
        assert message.startswith(f"bundle skipped, serving {models / '1'}: {models / name}: ")
    (warning,) = [line["message"] for line in lines if line["level"] == "WARNING"]
    assert "'.54'" in warning
