"""``make serve``, as a newcomer types it, in its environment of the service alone."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.conftest import ROOT
from tests.end_to_end.running_service import RunningService

TRAINING_ONLY = {"tensorflow", "keras", "onnx", "tf2onnx", "scikit-learn", "matplotlib"}


@pytest.fixture(scope="module")
def service() -> Iterator[RunningService]:
    subprocess.run(["make", ".venv/service/.installed"], cwd=ROOT, check=True)
    with RunningService(["make", "serve"]) as service:
        yield service


def test_released_model_classifies(service: RunningService) -> None:
    answer = service.client.post(
        "/classify", json={"text": "Net profit rose to 3.1 mln dlrs or 40 cts a share."}
    )
    assert answer.json()["topic"] == "earn"


def test_the_environment_holds_no_training_library(service: RunningService) -> None:
    shown = subprocess.run(
        [".venv/service/bin/python", "-m", "pip", "list", "--format=freeze"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    installed = {line.partition("==")[0].lower() for line in shown.stdout.splitlines()}
    assert {"onnxruntime", "fastapi"} <= installed
    assert not installed & TRAINING_ONLY
