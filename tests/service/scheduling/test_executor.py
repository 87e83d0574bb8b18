import asyncio
import sys
import threading

import pytest

from service.scheduling.admission import Admission
from service.scheduling.errors import DeadlineExceededError
from service.scheduling.executor import InferenceExecutor
from service.scheduling.timeouts import Timeout


def test_expired_request_is_released_before_the_thread_gets_to_it() -> None:
    released = threading.Event()

    def block(body: bytes) -> bytes:
        released.wait(30)
        return body

    async def expire(body: bytes) -> Admission:
        admission = Admission(max_concurrent_requests=10, max_buffered_bytes=100)
        executor = InferenceExecutor(admission, Timeout(0.05))
        outcomes = await asyncio.gather(
            executor.run(block, b"first", 5),
            executor.run(block, body, len(body)),
            return_exceptions=True,
        )
        assert [type(outcome) for outcome in outcomes] == [DeadlineExceededError] * 2
        return admission

    body = bytes(range(50))
    before = sys.getrefcount(body)
    try:
        admission = asyncio.run(expire(body))
        assert sys.getrefcount(body) == before
    finally:
        released.set()
    assert (admission.buffered_bytes, admission.limit.in_progress) == (0, 0)


def test_result_is_returned() -> None:
    async def run() -> bytes:
        admission = Admission(max_concurrent_requests=2, max_buffered_bytes=100)
        return await InferenceExecutor(admission, Timeout(30)).run(bytes.upper, b"oil", 3)

    assert asyncio.run(run()) == b"OIL"


def test_error_is_raised_and_bytes_are_released() -> None:
    def fail(body: bytes) -> bytes:
        raise KeyError(body)

    async def run() -> int:
        admission = Admission(max_concurrent_requests=2, max_buffered_bytes=100)
        with pytest.raises(KeyError):
            await InferenceExecutor(admission, Timeout(30)).run(fail, b"oil", 3)
        return admission.buffered_bytes

    assert asyncio.run(run()) == 0
