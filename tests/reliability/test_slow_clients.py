"""Slow clients are disconnected; ``make reliability CASE=slow-clients`` compares latencies."""

import time

import pytest

from tests.benchmarks.harness import Result
from tests.end_to_end.running_service import RunningService
from tests.reliability.slow_clients import SlowClients, compare

WAYS = {"send_head", "send_body", "keep", "leave_unread"}


def test_slow_clients_are_disconnected_and_others_served() -> None:
    with (
        RunningService(
            NEWSWIRE_HEADER_TIMEOUT_SECONDS="0.5",
            NEWSWIRE_REQUEST_TIMEOUT_SECONDS="0.5",
            NEWSWIRE_KEEP_ALIVE_SECONDS="1",
        ) as service,
        SlowClients(service.port, 40) as clients,
    ):
        ends = time.monotonic() + 30
        while set(clients.seconds) < WAYS:
            assert time.monotonic() < ends, f"only these were cut: {set(clients.seconds)}"
            answer = service.client.post("/classify", json={"text": "Crude oil rose."})
            assert answer.status_code == 200
            time.sleep(0.01)


@pytest.mark.parametrize(("beside", "holds"), [(100, True), (109, True), (111, False), (50, True)])
def test_only_regressions_fail(beside: float, holds: bool) -> None:  # noqa: FBT001
    def result(cpu_microseconds: float) -> Result:
        return Result(1, 1, 1, 1, cpu_microseconds, 1, 1, 0)

    alone = [result(value) for value in (90, 100, 120)]
    figure = compare("CPU", alone, [result(beside)], "cpu_microseconds", sign=1)
    assert figure.holds is holds
