"""Clients that ask at a steady rate, whatever the service does, and remember every answer.

They are a process of their own, one thread that only sends and receives: what replaces bundles
meanwhile, or many threads of clients in one interpreter, would keep them from looking at the clock.
"""

import asyncio
import json
import multiprocessing
import time
from multiprocessing.connection import Connection as Pipe
from selectors import SelectSelector
from types import TracebackType
from typing import Final, NamedTuple, Self

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
        body = json.dumps({"text": text, "top_k": 1}).encode()
        self._request = to_bytes("/classify", body, {"Content-Type": "application/json"})
        self._port = port
        self._rate = rate
        self.asked: list[Asked] = []

    def __enter__(self) -> Self:
        processes = multiprocessing.get_context("spawn")
        self._pipe, theirs = processes.Pipe()
        arguments = (theirs, self._port, self._request, self._rate)
        self._process = processes.Process(target=_ask_until_told, args=arguments, daemon=True)
        self._process.start()
        theirs.close()  # so that its end is heard here
        self._pipe.recv()  # it begins
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pipe.send("enough")
        self.asked = self._pipe.recv()
        self._process.join()


def _ask_until_told(pipe: Pipe, port: int, request: bytes, rate: float) -> None:
    # select has timeouts of microseconds; those of epoll are whole milliseconds
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(SelectSelector())) as runner:
        pipe.send("beginning")
        pipe.send(runner.run(_ask_all(pipe, port, request, rate)))


async def _ask_all(pipe: Pipe, port: int, request: bytes, rate: float) -> list[Asked]:
    enough = asyncio.Event()
    asyncio.get_running_loop().add_reader(pipe.fileno(), enough.set)
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
