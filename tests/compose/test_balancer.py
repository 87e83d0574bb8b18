"""Three replicas behind the balancer: ``--profile balanced up --scale service=3``."""

import threading
from collections import Counter
from collections.abc import Iterator

import httpx2
import pytest

from tests.compose.stack import Stack, docker, health, inspect
from tests.waiting import wait_until

TEXT = {"text": "OPEC ministers agreed to cut crude oil production."}
CLIENTS = 8
COUNT = (
    "from urllib.request import urlopen; "
    "print(urlopen('http://127.0.0.1:8000/metrics').read().decode())"
)


@pytest.fixture(scope="module")
def balanced(stack: Stack) -> Iterator[Stack]:
    """Beside the other stack, whose images it uses."""
    del stack
    options = ["--scale", "service=3"]
    services = ("service", "prometheus", "balancer")
    with Stack(*services, options=options, profile="balanced", NEWSWIRE_PORT="0") as balanced:
        yield balanced


class Load:
    """Clients that send the next request when they have the response, until stopped."""

    def __init__(self, url: str) -> None:
        self.outcomes: Counter[str] = Counter()
        self._url = url
        self._stopped = threading.Event()
        self._clients = [threading.Thread(target=self._ask) for _ in range(CLIENTS)]

    def __enter__(self) -> "Load":
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for client in self._clients:
            client.join()

    def wait_for_more(self, n_requests: int) -> None:
        """Wait until this many more requests have an outcome."""
        total = self.outcomes.total() + n_requests
        wait_until(lambda: self.outcomes.total() >= total, f"{n_requests} more requests", 120)

    def _ask(self) -> None:
        with httpx2.Client(base_url=self._url, timeout=30) as client:
            while not self._stopped.is_set():
                try:
                    outcome = str(client.post("/classify", json=TEXT).status_code)
                except httpx2.TransportError as error:
                    outcome = repr(error)
                self.outcomes[outcome] += 1


def n_answered(container: str) -> float:
    shown = docker("exec", container, "python", "-c", COUNT)
    lines = [line for line in shown.splitlines() if line.startswith("newswire_http_requests_total")]
    return sum(float(line.split()[-1]) for line in lines if 'route="/classify"' in line)


def test_prometheus_finds_each_replica(balanced: Stack) -> None:
    wait_until(
        lambda: list(balanced.targets().values()) == ["up"] * 3, "three targets are up", 120, 0.25
    )


def test_every_replica_has_its_share(balanced: Stack) -> None:
    with Load(balanced.url("BALANCER_PORT")) as load:
        load.wait_for_more(500)
    assert set(load.outcomes) == {"200"}
    answered = [n_answered(name) for name in balanced.containers("service")]
    assert sum(answered) == load.outcomes.total()
    assert min(answered) > 0.1 * sum(answered)


def test_stopping_replicas_loses_no_request(balanced: Stack) -> None:
    first, second, _ = balanced.containers("service")
    with Load(balanced.url("BALANCER_PORT")) as load:
        load.wait_for_more(50)
        for name in (first, second):
            docker("stop", name)
            load.wait_for_more(100)
            assert inspect(name)["State"]["ExitCode"] == 0
            docker("start", name)
            wait_until(lambda name=name: health(name) == "healthy", f"{name} is healthy", 120)  # type: ignore[misc]
            load.wait_for_more(100)
    assert set(load.outcomes) == {"200"}, load.outcomes
    assert load.outcomes.total() > 100
