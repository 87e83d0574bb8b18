import io
import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Thread

import pytest

from service.observability import logging as logs
from service.observability.logging import JsonLinesFormatter, NonBlockingHandler
from service.observability.request_context import begin_request_context, current_request_context

logger = logging.getLogger("tests.logs")


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What the logger writes, outside of any request."""
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(JsonLinesFormatter())
    logger.addHandler(handler)
    logger.propagate = False
    outside = current_request_context.set(None)
    yield handler.stream
    current_request_context.reset(outside)
    logger.removeHandler(handler)


def lines(written: io.StringIO) -> list[dict[str, str]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_record_is_a_json_line(written: io.StringIO) -> None:
    logger.warning("two\nlines and %s", "ü", extra={"n_texts": 3, "color_message": "x"})
    (line,) = lines(written)
    assert datetime.fromisoformat(line.pop("timestamp")).utcoffset() is not None
    assert line == {
        "level": "WARNING",
        "logger": "tests.logs",
        "message": "two\nlines and ü",
        "n_texts": 3,
    }


def test_request_ids_are_logged(written: io.StringIO) -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    begin_request_context([(b"x-request-id", b"a-1"), (b"traceparent", traceparent.encode())])
    logger.warning("hello")
    (line,) = lines(written)
    assert line["request_id"] == "a-1"
    assert line["traceparent"] == traceparent
    assert line["trace_id"] == "0af7651916cd43dd8448eb211c80319c"


def test_the_trace_of_a_request_is_logged(written: io.StringIO) -> None:
    context = begin_request_context([])
    logger.warning("before")
    current_request_context.set(context._replace(trace_id="12" * 16))
    logger.warning("traced")
    before, traced = lines(written)
    assert "trace_id" not in before
    assert traced["trace_id"] == "12" * 16


def test_exception_message_of_a_request_is_not_logged(written: io.StringIO) -> None:
    def fail(text: str) -> None:
        raise KeyError(text)

    for in_request in (False, True):
        if in_request:
            begin_request_context([])
        try:
            fail(" ".join(["secret", "words"]))
        except KeyError:
            logger.exception("failed")
    outside, inside = (line["exception"] for line in lines(written))
    assert "secret words" in outside
    assert "secret words" not in inside
    assert "in fail" in inside
    assert inside.endswith("KeyError")


@contextmanager
def queued(descriptor: int, count_dropped: Callable[[int], None]) -> Iterator[None]:
    """Let the logger write to a descriptor."""
    handler = NonBlockingHandler(descriptor, count_dropped)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()


def test_lines_are_written_in_order_until_the_last(tmp_path: Path) -> None:
    dropped: list[int] = []
    with (tmp_path / "log").open("wb") as log, queued(log.fileno(), dropped.append):
        for number in range(2_000):
            logger.warning("line %d", number)
    assert (tmp_path / "log").read_text().splitlines() == [f"line {n}" for n in range(2_000)]
    assert dropped == []


def test_record_is_formatted_in_the_context_of_its_request(tmp_path: Path) -> None:
    """The thread that writes knows of no request."""
    with (tmp_path / "log").open("wb") as log:
        handler = NonBlockingHandler(log.fileno(), lambda _: None)
        handler.setFormatter(JsonLinesFormatter())
        begin_request_context([(b"x-request-id", b"a-1")])
        handler.handle(logging.LogRecord("x", logging.INFO, "", 0, "hello", (), None))
        handler.close()
    assert json.loads((tmp_path / "log").read_text())["request_id"] == "a-1"


def test_blocked_pipe_does_not_block_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_QUEUED_LINES", 100)
    dropped: list[int] = []
    reads, writes = os.pipe()
    taken: list[bytes] = []

    def read() -> None:
        with os.fdopen(reads, "rb") as pipe:
            taken.extend(pipe)

    reader = Thread(target=read)
    with queued(writes, dropped.append):
        for number in range(1_000):  # ten times what a pipe takes
            logger.warning("%d %s", number, "x" * 1_000)
        n_dropped = sum(dropped)
        reader.start()  # and what waited is written
    os.close(writes)
    reader.join()
    numbers = [int(line.split()[0]) for line in taken]
    assert numbers == sorted(set(numbers))
    assert n_dropped > 500
    assert len(numbers) == 1_000 - sum(dropped)


def test_unwritable_lines_are_counted() -> None:
    dropped: list[int] = []
    with Path("/dev/full").open("wb", buffering=0) as full, queued(full.fileno(), dropped.append):
        for _ in range(50):
            logger.warning("hello")
    assert sum(dropped) == 50


def test_closed_pipe_is_no_error() -> None:
    dropped: list[int] = []
    reads, writes = os.pipe()
    os.close(reads)
    with queued(writes, dropped.append):
        logger.warning("hello")
    os.close(writes)
    assert sum(dropped) == 1
