"""Clients that send requests at a steady rate, and keep every response.

They run in a process of their own with one thread, so that work beside them does not delay the
clock.
"""

import asyncio
import json
import subprocess
import sys
import time
from selectors import SelectSelector
from types import TracebackType
from typing import Final, NamedTuple, Self

from tests.conftest import ROOT
from tests.reliability.connection import Connection, CutShortError, NotAnsweredError, to_bytes

CONNECTIONS: Final = 4
REQUESTS_PER_SECOND: Final = 200.0
"""By all together: about a fortieth of what one core answers here."""
OK: Final = 200


class Asked(NamedTuple):
    """A request that was answered, or was not."""

    began: float
    """When it was to be sent; a request that waits for the one before it has waited."""
    ended: float
    version: str
    """Empty if it failed."""
    score: float


class SteadyLoad:
    """Posts a text again and again while it is entered; ``asked`` is what became of it, afterwards.

    Parameters
    ----------
    port : int
    text : str
    rate : float
        Requests a second, by all connections together.
    """

    def __init__(self, port: int, text: str, rate: float = REQUESTS_PER_SECOND) -> None:
        self._command = [sys.executable, "-m", __name__, str(port), text, str(rate)]
        self.asked: list[Asked] = []

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline(), "the clients ended before they began"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._process as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.close()  # which says that it is enough
            answers = process.stdout.read()
        assert process.returncode == 0, "the clients failed"
        self.asked = [Asked(*answer) for answer in json.loads(answers)]


def main(port: str, text: str, rate: str) -> None:
    """Announce the start, send requests until standard input ends, and write the outcomes."""
    body = json.dumps({"text": text, "top_k": 1}).encode()
    request = to_bytes("/classify", body, {"Content-Type": "application/json"})
    sys.stdout.write("beginning\n")
    sys.stdout.flush()
    # select has timeouts of microseconds; those of epoll are whole milliseconds
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(SelectSelector())) as runner:
        asked = runner.run(_ask_all(int(port), request, float(rate)))
    json.dump(asked, sys.stdout)


async def _ask_all(port: int, request: bytes, rate: float) -> list[Asked]:
    enough = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), enough.set)
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        clients = [
            group.create_task(
                _ask(Connection(port), request, enough, began + number / rate, CONNECTIONS / rate)
            )
            for number in range(CONNECTIONS)
        ]
    return [asked for client in clients for asked in client.result()]


async def _ask(
    connection: Connection, request: bytes, enough: asyncio.Event, due: float, interval: float
) -> list[Asked]:
    answers = []
    async with connection:
        while not enough.is_set():
            await asyncio.sleep(due - time.monotonic())
            content = b""
            try:
                answer = await connection.ask(request)
            except (OSError, NotAnsweredError, CutShortError):  # a TimeoutError is an OSError
                pass
            else:
                content = answer.body if answer.status == OK else b""
            answers.append((due, time.monotonic(), content))
            due += interval
    return [_read(*answer) for answer in answers]


def _read(began: float, ended: float, content: bytes) -> Asked:
    if not content:
        return Asked(began, ended, "", 0.0)
    answer = json.loads(content)
    return Asked(began, ended, answer["model"]["version"], answer["topics"][0]["score"])


if __name__ == "__main__":
    main(*sys.argv[1:])
