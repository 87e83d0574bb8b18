"""Hostile requests get their status in time and do not change the service."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.benchmarks.harness import Server
from tests.end_to_end.running_service import RunningService
from tests.reliability.hostile_corpus import CORPUS, TEXT, Hostile
from tests.reliability.hostile_input import attack
from tests.reliability.raw_sockets import send_raw

MAX_SECONDS = 5
"""Of a busy machine; `make reliability CASE=hostile-input` measures."""
MAX_GROWTH_MEGABYTES = 30
ROUNDS = 3


@pytest.fixture(scope="module")
def service() -> Iterator[RunningService]:
    with RunningService(errors=subprocess.DEVNULL) as service:
        yield service


@pytest.mark.parametrize("hostile", CORPUS.values(), ids=CORPUS)
def test_hostile_requests_get_their_status(service: RunningService, hostile: Hostile) -> None:
    answered = send_raw(service.port, hostile.sent, len(hostile.statuses))
    assert answered.statuses == hostile.statuses
    assert answered.seconds < MAX_SECONDS
    answer = service.client.post("/classify", json={"text": TEXT})
    assert answer.json()["topic"] == "crude"


def test_requests_hidden_in_a_body_are_not_served(service: RunningService) -> None:
    hidden = CORPUS["frame: length and chunks"]
    assert send_raw(service.port, hidden.sent, 2).statuses == (400,)


def test_memory_stays_flat(service: RunningService) -> None:
    tried = attack(service, rounds=ROUNDS)
    assert not tried.wrong
    assert tried.megabytes_after - tried.megabytes_before < MAX_GROWTH_MEGABYTES
    assert Server(service.process.pid, "", 0.0).processes() == [service.process.pid]
