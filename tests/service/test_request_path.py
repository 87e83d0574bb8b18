"""The path of a short request: which functions of the service run from socket to response."""

import asyncio
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPResponse
from types import FrameType
from typing import Any, Final

import pytest
import uvicorn

from service.__main__ import build_app, server_config
from service.model import TopicClassifier
from service.server.listeners import listen
from service.settings import ServiceSettings
from tests.conftest import ROOT

MAX_FUNCTIONS: Final = 34
"""Of ours. Comprehensions are parts of the function that they are in."""
MAX_FILES: Final = 20
SERVICE: Final = f"{ROOT}/service/"
BODY: Final = b'{"text": "OPEC ministers agreed to cut crude oil output, and prices rose."}'
REQUEST: Final = (
    b"POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
)
N_WARM_UP: Final = 130
"""Not on the path is what happens once, or every hundredth time."""


class ServerThread:
    """The service on an event loop in a thread."""

    def __init__(self, classifier: TopicClassifier) -> None:
        settings = ServiceSettings()
        self._listeners = listen("127.0.0.1", 0, send_timeout_seconds=10)
        self._server = uvicorn.Server(server_config(build_app(settings, classifier).asgi, settings))
        self._loop = asyncio.new_event_loop()
        serving = self._server.serve(sockets=self._listeners)
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(serving))
        self._thread.start()

    def connect(self) -> socket.socket:
        """The backlog keeps the connection until the server has started."""
        return socket.create_connection(self._listeners[0].getsockname())

    def call(self, function: Callable[[], object]) -> None:
        """Call a function on the event loop, and wait for it."""
        done = threading.Event()
        self._loop.call_soon_threadsafe(function)
        self._loop.call_soon_threadsafe(done.set)
        assert done.wait(10)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._loop.close()


@pytest.fixture
def server(classifier: TopicClassifier) -> Iterator[ServerThread]:
    server = ServerThread(classifier)
    yield server
    server.stop()


def classify(connection: socket.socket) -> None:
    """Send headers and body in one segment, and read the response."""
    connection.sendall(REQUEST)
    response = HTTPResponse(connection)
    response.begin()
    response.read()
    assert response.status == 200


def test_short_request_runs_few_functions(server: ServerThread) -> None:
    functions: dict[tuple[str, str], None] = {}

    def note(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(SERVICE) and code.co_name[0] != "<":
            functions[code.co_filename.removeprefix(SERVICE), code.co_qualname] = None

    connection = server.connect()
    for _ in range(N_WARM_UP):
        classify(connection)
    server.call(lambda: sys.setprofile(note))
    classify(connection)
    server.call(lambda: sys.setprofile(None))
    connection.close()
    path = [f"{file}: {name}" for file, name in functions]
    n_files = len({file for file, _ in functions})
    sys.stdout.write("\n".join([*path, f"{len(path)} functions in {n_files} files\n"]))
    for module in ("api/parsing.py", "scheduling/batching.py", "api/predictor.py"):
        assert any(line.startswith(module) for line in path)
    assert len(path) <= MAX_FUNCTIONS
    assert n_files <= MAX_FILES
