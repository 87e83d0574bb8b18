"""Bodies that the server has received as a whole before they are read."""

import asyncio
from typing import Any

import pytest
from starlette.requests import ClientDisconnect

from service.api.errors import BodyTimeoutError, TooLargeError
from service.api.limits import RequestLimits
from service.api.media_type import JSON
from service.api.request_body import COMPLETE_BODY, BodyReader
from service.scheduling.admission import Admission
from service.scheduling.timeouts import Timeout

BODY = b'{"text": "Crude oil rose."}'


def read(message: dict[str, Any], *, is_complete: bool = True, seconds: float = 0.0) -> Any:
    """Read a body that the server passes on as one message, after some seconds."""
    limits = RequestLimits(
        max_text_bytes=1, max_text_words=9, max_batch_size=9, max_explained_words=9, max_top_k=9
    )
    admission = Admission(max_concurrent_requests=1, max_buffered_bytes=9_999)
    scope = {
        "headers": [(b"content-type", JSON.encode())],
        "extensions": {COMPLETE_BODY: {}} if is_complete else {},
    }

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(seconds)
        return message

    reader = BodyReader(limits, admission, Timeout(0.05))
    return asyncio.run(reader.read(scope, receive, admission.limit))


@pytest.mark.parametrize("is_complete", [True, False])
def test_body(is_complete: bool) -> None:  # noqa: FBT001
    message = {"type": "http.request", "body": BODY, "more_body": False}
    assert read(message, is_complete=is_complete) == (JSON, BODY)


@pytest.mark.parametrize("is_complete", [True, False])
@pytest.mark.parametrize(
    ("message", "error"),
    [
        ({"type": "http.disconnect"}, ClientDisconnect),
        ({"type": "http.request", "body": b"x" * 1_031, "more_body": False}, TooLargeError),
    ],
)
def test_errors(message: dict[str, Any], error: type[Exception], is_complete: bool) -> None:  # noqa: FBT001
    with pytest.raises(error):
        read(message, is_complete=is_complete)


def test_only_a_body_that_is_not_complete_has_a_timeout() -> None:
    message = {"type": "http.request", "body": BODY, "more_body": False}
    assert read(message, seconds=0.2) == (JSON, BODY)
    with pytest.raises(BodyTimeoutError):
        read(message, seconds=0.2, is_complete=False)
