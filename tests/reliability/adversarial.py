"""``make reliability CASE=adversarial``: attacks on the service, and their effect on others.

Each attack comes from one connection, then from many, with fresh random choices. Meanwhile the
memory of the service is measured, and other clients send health checks, short and long texts.
"""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Annotated, Final, Self

import typer

from tests.benchmarks.harness import Server
from tests.conftest import ROOT
from tests.end_to_end.running_service import RunningService
from tests.reliability.attacks import ATTACKS
from tests.reliability.report import Figure, below, report

CONNECTIONS: Final = (1, 50)
MAX_MEGABYTES: Final = 160
MAX_HEALTH_MILLISECONDS: Final = 100
MAX_LONG_FAILED: Final = 0.01
BETWEEN_SECONDS: Final = 0.02
LONG_ITEMS: Final = 100
TEXT: Final = "OPEC ministers agreed to cut crude oil output, and prices rose. "
SHORT: Final = ("/classify", json.dumps({"text": TEXT}))
LONG: Final = ("/classify/batch", json.dumps({"items": [{"text": TEXT * 10}] * LONG_ITEMS}))
OK: Final = 200


class Client:
    """Sends the same request again and again, each on a new connection.

    Attributes
    ----------
    milliseconds : list of float
        Of each request that was answered with status 200.
    failed : list of str
        What became of the others.
    """

    def __init__(self, port: int, path: str, body: str | None = None) -> None:
        self.milliseconds: list[float] = []
        self.failed: list[str] = []
        self._port = port
        self._asked = (path, body)
        self._stopped = Event()
        self._thread = Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(BETWEEN_SECONDS):
            began = time.monotonic()
            try:
                status = self._ask()
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(repr(error))
                continue
            if status == OK:
                self.milliseconds.append(1e3 * (time.monotonic() - began))
            else:
                self.failed.append(str(status))

    def _ask(self) -> int:
        path, body = self._asked
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)) as connection:
            headers = {"Content-Type": "application/json"}
            connection.request("GET" if body is None else "POST", path, body, headers)
            response = connection.getresponse()
            response.read()
            return response.status


@dataclass
class Suffered:
    """The effect of an attack.

    Attributes
    ----------
    megabytes : float
        Most memory of the service.
    health_milliseconds : list of float
    short, long : Client
    """

    megabytes: float
    health: Client
    short: Client
    long: Client
    errors: list[str] = field(default_factory=list)

    def figures(self, name: str) -> list[Figure]:
        """Return what must hold."""
        health = max(self.health.milliseconds, default=float("inf"))
        n_long = len(self.long.milliseconds) + len(self.long.failed)
        return [
            below(f"{name}: memory", self.megabytes, MAX_MEGABYTES, "MB"),
            below(f"{name}: health, longest", health, MAX_HEALTH_MILLISECONDS, "ms"),
            _none_failed(f"{name}: health", self.health),
            _none_failed(f"{name}: short texts", self.short),
            Figure(
                f"{name}: batches of {LONG_ITEMS}",
                f"{len(self.long.failed)} of {n_long} failed {_sample(self.long)}",
                f"at most {MAX_LONG_FAILED:.0%}",
                len(self.long.failed) <= MAX_LONG_FAILED * n_long,
            ),
        ]


def _none_failed(name: str, client: Client) -> Figure:
    n_asked = len(client.milliseconds) + len(client.failed)
    measured = f"{len(client.failed)} of {n_asked} failed {_sample(client)}"
    return Figure(name, measured, "none", n_asked > 0 and not client.failed)


def _sample(client: Client) -> str:
    return ", ".join(sorted(set(client.failed))[:3])


def suffer(
    service: RunningService, name: str, *, connections: int, seconds: float, seed: int
) -> Suffered:
    """Carry out an attack, and measure what others notice of it."""
    server = Server(service.process.pid, "", 0.0)
    command = ["tests.reliability.attacks", service.port, name, connections, seconds, seed]
    memory: Callable[[], float] = server.memory_megabytes
    with (
        Client(service.port, "/health/ready") as health,
        Client(service.port, *SHORT) as short,
        Client(service.port, *LONG) as long,
        subprocess.Popen([sys.executable, "-m", *map(str, command)], cwd=ROOT) as attacker,
    ):
        most = memory()
        while attacker.poll() is None:
            most = max(most, memory())
            time.sleep(BETWEEN_SECONDS)
    if attacker.returncode:
        raise RuntimeError(f"the attack {name} failed")
    return Suffered(most, health, short, long)


def main(
    minutes: Annotated[float, typer.Option(help="How long all attacks last together.")] = 60,
    seed: Annotated[int, typer.Option(help="Other numbers give other attacks.")] = 0,
    attack: Annotated[list[str] | None, typer.Option(help="Only these.")] = None,
) -> None:
    """Attack a service, and report what it did to others."""
    names = attack or list(ATTACKS)
    seconds = minutes * 60 / len(names) / len(CONNECTIONS)
    figures: list[Figure] = []
    for name in names:
        for connections in CONNECTIONS:
            with RunningService(errors=subprocess.DEVNULL) as service:
                suffered = suffer(
                    service, name, connections=connections, seconds=seconds, seed=seed
                )
            figures += suffered.figures(f"{name} x {connections}")
    report(f"Attacked for {minutes:g} minutes, seed {seed}", figures)


if __name__ == "__main__":
    typer.run(main)
