"""``make reliability CASE=crash``: kill a worker under load, and let its supervisor restart it.

The supervisor waits for the process to end and starts it again at once, as ``restart: always`` of
containers and systemd do.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Annotated, Final

import httpx2
import typer

from tests.benchmarks.targets import CLASSIFY
from tests.end_to_end.running_service import RunningService

CLIENTS: Final = 4
LOADED_SECONDS: Final = 0.5
RETRY_SECONDS: Final = 0.05
"""Pause of a client after a request without a response."""
LOOK_SECONDS: Final = 0.01
MAX_SECONDS: Final = 2.0
JSON: Final = {"Content-Type": "application/json"}


class Supervised(RunningService):
    """A service that is started again whenever it ends.

    Attributes
    ----------
    starts : int
        How often it was.
    """

    starts = 1

    def supervise(self) -> None:
        """Start it again whenever it ends, until `end`."""
        self._over = False
        self._watching = threading.Thread(target=self._watch)
        self._watching.start()

    def _watch(self) -> None:
        while True:
            self.process.wait()
            if self._over:
                return
            self.process = self.start()
            self.starts += 1

    def end(self) -> None:
        """Start it no more, and stop it."""
        self._over = True
        self.stop()
        self._watching.join()


class Load:
    """Clients that ask without a pause, whatever happens.

    Attributes
    ----------
    answered : int
        Requests with an answer of status 200.
    """

    def __init__(self, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}/classify"
        self._over = threading.Event()
        self._clients = [threading.Thread(target=self._ask) for _ in range(CLIENTS)]
        self.answered = 0
        self._counting = threading.Lock()
        for client in self._clients:
            client.start()

    def _ask(self) -> None:
        with httpx2.Client(timeout=30) as client:
            while not self._over.is_set():
                try:
                    answer = client.post(self._address, content=CLASSIFY, headers=JSON)
                except httpx2.TransportError:
                    time.sleep(RETRY_SECONDS)
                    continue
                if answer.status_code == httpx2.codes.OK:
                    with self._counting:
                        self.answered += 1

    def wait_for_more(self) -> None:
        """Wait for an answer to a request that is sent after now."""
        with httpx2.Client(timeout=30) as client:
            while True:
                try:
                    if client.post(self._address, content=CLASSIFY, headers=JSON).is_success:
                        return
                except httpx2.TransportError:
                    time.sleep(LOOK_SECONDS)

    def end(self) -> None:
        """Let the clients go."""
        self._over.set()
        for client in self._clients:
            client.join()


@contextmanager
def loaded() -> Iterator[tuple[Supervised, Load]]:
    """Yield a supervised service under load."""
    with Supervised(errors=subprocess.DEVNULL) as service:
        service.supervise()
        load = Load(service.port)
        try:
            yield service, load
        finally:
            load.end()
            service.end()


def kill(service: Supervised, load: Load) -> float:
    """Kill the service; give the seconds until it answers again."""
    time.sleep(LOADED_SECONDS)
    before, began = service.starts, time.monotonic()
    service.process.kill()
    while service.starts == before:
        time.sleep(LOOK_SECONDS)
    load.wait_for_more()
    return time.monotonic() - began


def main(kills: Annotated[int, typer.Option(min=1, help="How many.")] = 10) -> None:
    """Kill a worker under load again and again."""
    with loaded() as (service, load):
        seconds = [kill(service, load) for _ in range(kills)]
    typer.echo(
        f"{kills} kills, {load.answered:,} requests answered; from the kill to the next answer "
        f"{median(seconds):.2f} s, {max(seconds):.2f} s at the longest"
    )
    sys.exit(0 if max(seconds) <= MAX_SECONDS else 1)


if __name__ == "__main__":
    typer.run(main)
