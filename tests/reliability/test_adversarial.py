"""Nobody else notices an attack; ``make reliability CASE=adversarial`` goes on for an hour."""

import subprocess

import pytest

from tests.end_to_end.running_service import RunningService
from tests.reliability.adversarial import MOST_MEGABYTES, suffer
from tests.reliability.attacks import ATTACKS

SECONDS = 2


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("connections", [1, 50])
def test_nobody_else_fails_and_memory_stays_flat(name: str, connections: int) -> None:
    with RunningService(errors=subprocess.PIPE) as service:
        suffered = suffer(service, name, connections=connections, seconds=SECONDS, seed=0)
        errors = service.stop_and_read_errors()
    assert suffered.megabytes < MOST_MEGABYTES
    assert not suffered.health.failed
    assert not suffered.short.failed
    assert suffered.health.milliseconds
    assert "Traceback" not in errors
