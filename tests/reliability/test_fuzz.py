"""Responses are as the OpenAPI document says, for generated requests."""

import re
import subprocess

import pytest

from tests.conftest import ROOT
from tests.end_to_end.running_service import RunningService
from tests.reliability.fuzz import fuzz

N_REQUESTS = 200


@pytest.fixture(scope="module", autouse=True)
def schemathesis() -> None:
    subprocess.run(["make", ".venv/interface/.installed"], cwd=ROOT, check=True)


def test_responses_are_as_documented() -> None:
    with RunningService() as service:
        done = fuzz(service.port, n_requests=N_REQUESTS, seed=1)
        metrics = service.client.get("/metrics").text
        paths = service.client.get("/openapi.json").json()["paths"]
    n_operations = sum(len(operations) for operations in paths.values())
    assert done.returncode == 0, done.stdout
    assert f"{n_operations} selected / {n_operations} total" in done.stdout
    answered = re.findall(r'http_requests_total\{route="(\S+)",status="(\d+)"\}', metrics)
    for route in ("/classify", "/classify/batch", "/predict"):  # both sides were tried
        assert {(route, "200"), (route, "422")} <= set(answered)
