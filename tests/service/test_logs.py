import io
import json
import logging
from collections.abc import Iterator
from datetime import datetime

import pytest

from service.logs import JsonLinesFormatter
from service.tracing import begin_trace, current_trace

logger = logging.getLogger("tests.logs")


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What the logger writes, outside of any request."""
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(JsonLinesFormatter())
    logger.addHandler(handler)
    logger.propagate = False
    outside = current_trace.set(None)
    yield handler.stream
    current_trace.reset(outside)
    logger.removeHandler(handler)


def lines(written: io.StringIO) -> list[dict[str, str]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_record_is_an_object_on_a_line(written: io.StringIO) -> None:
    logger.warning("two\nlines and %s", "ü", extra={"n_texts": 3, "color_message": "x"})
    (line,) = lines(written)
    assert datetime.fromisoformat(line.pop("timestamp")).utcoffset() is not None
    assert line == {
        "level": "WARNING",
        "logger": "tests.logs",
        "message": "two\nlines and ü",
        "n_texts": 3,
    }


def test_the_request_is_named(written: io.StringIO) -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    begin_trace([(b"x-request-id", b"a-1"), (b"traceparent", traceparent.encode())])
    logger.warning("hello")
    (line,) = lines(written)
    assert line["request_id"] == "a-1"
    assert line["traceparent"] == traceparent


def test_what_an_exception_says_of_a_request_is_not_logged(written: io.StringIO) -> None:
    def fail(text: str) -> None:
        raise KeyError(text)

    for in_request in (False, True):
        if in_request:
            begin_trace([])
        try:
            fail(" ".join(["secret", "words"]))
        except KeyError:
            logger.exception("failed")
    outside, inside = (line["exception"] for line in lines(written))
    assert "secret words" in outside
    assert "secret words" not in inside
    assert "in fail" in inside
    assert inside.endswith("KeyError")
