import asyncio
import sys
import threading

import pytest

from service.scheduling.admission import Admission
from service.scheduling.errors import DeadlineExceededError
from service.scheduling.executor import Workers
from service.scheduling.timeouts import Deadline


def test_what_is_given_up_is_not_kept_until_the_thread_comes_to_it() -> None:
    released = threading.Event()

    def block(body: bytes) -> bytes:
        released.wait(30)
        return body

    async def give_up(body: bytes) -> Admission:
        admission = Admission(max_concurrent_requests=10, max_buffered_bytes=100)
        workers = Workers(admission, Deadline(0.05))
        outcomes = await asyncio.gather(
            workers.run(block, b"first"), workers.run(block, body), return_exceptions=True
        )
        assert [type(outcome) for outcome in outcomes] == [DeadlineExceededError] * 2
        return admission

    body = bytes(range(50))
    before = sys.getrefcount(body)
    try:
        admission = asyncio.run(give_up(body))
        assert sys.getrefcount(body) == before
    finally:
        released.set()
    assert (admission.buffered_bytes, admission.slots.in_progress) == (0, 0)


def test_what_is_done_in_time_is_given() -> None:
    async def run() -> bytes:
        admission = Admission(max_concurrent_requests=2, max_buffered_bytes=100)
        return await Workers(admission, Deadline(30)).run(bytes.upper, b"oil")

    assert asyncio.run(run()) == b"OIL"


def test_an_error_is_raised_and_the_bytes_are_released() -> None:
    def fail(body: bytes) -> bytes:
        raise KeyError(body)

    async def run() -> int:
        admission = Admission(max_concurrent_requests=2, max_buffered_bytes=100)
        with pytest.raises(KeyError):
            await Workers(admission, Deadline(30)).run(fail, b"oil")
        return admission.buffered_bytes

    assert asyncio.run(run()) == 0
