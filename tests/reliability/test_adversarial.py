"""Attacks do not affect other clients; ``make reliability CASE=adversarial`` runs for an hour."""

import subprocess

import pytest

from tests.end_to_end.running_service import RunningService
from tests.reliability.adversarial import CONNECTIONS, MAX_MEGABYTES, suffer
from tests.reliability.attacks import ATTACKS

SECONDS = 1
TOO_MANY_REQUESTS = "429"


@pytest.mark.parametrize("name", ATTACKS)
def test_other_clients_succeed_and_memory_stays_flat(name: str) -> None:
    with RunningService(errors=subprocess.PIPE) as service:
        for connections in CONNECTIONS:
            suffered = suffer(service, name, connections=connections, seconds=SECONDS, seed=0)
            assert suffered.megabytes < MAX_MEGABYTES
            assert not suffered.health.failed
            assert suffered.health.milliseconds
            # as many valid requests as there may be are no trick: others are told to come later
            assert not {*suffered.short.failed} - {TOO_MANY_REQUESTS}
        errors = service.stop_and_read_errors()
    assert "Traceback" not in errors
