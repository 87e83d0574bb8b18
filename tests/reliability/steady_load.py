"""Clients that ask at a steady rate, whatever the service does, and remember every answer."""

import http.client
import json
import threading
import time
from types import TracebackType
from typing import Final, NamedTuple, Self

CONNECTIONS: Final = 4
REQUESTS_PER_SECOND: Final = 200
"""By all together: about a tenth of what one core answers here, with the clients beside it."""


class Asked(NamedTuple):
    """A request that was answered, or was not."""

    began: float
    """When it was to be sent; a request that waits for the one before it has waited."""
    ended: float
    version: str
    """Empty if it failed."""
    score: float


class SteadyLoad:
    """Posts a text again and again while it is entered; ``asked`` grows meanwhile.

    Parameters
    ----------
    port : int
    text : str
    """

    def __init__(self, port: int, text: str) -> None:
        self._port = port
        self._body = json.dumps({"text": text, "top_k": 1})
        self._stopping = threading.Event()
        self.asked: list[Asked] = []

    def __enter__(self) -> Self:
        self._threads = [threading.Thread(target=self._ask) for _ in range(CONNECTIONS)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        due = time.monotonic()
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            version, score = "", 0.0
            try:
                connection.request(
                    "POST", "/classify", self._body, {"Content-Type": "application/json"}
                )
                response = connection.getresponse()
                answer = json.loads(response.read())
                if response.status == http.client.OK:
                    version, score = answer["model"]["version"], answer["topics"][0]["score"]
            except (OSError, http.client.HTTPException):
                connection.close()
            self.asked.append(Asked(due, time.monotonic(), version, score))
            due += CONNECTIONS / REQUESTS_PER_SECOND
        connection.close()
