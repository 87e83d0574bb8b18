"""Messages that come slowly, or not at all."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from typing import Self

import pytest
from starlette.requests import ClientDisconnect

from service.api.errors import BodyTimeoutError
from service.api.grpc.message_reader import MIN_SECONDS, MessageReader
from service.scheduling.errors import OverloadedError
from service.scheduling.timeouts import Timeout


async def message(seconds: float = 0) -> AsyncIterator[bytes]:
    await asyncio.sleep(seconds)
    yield b"whole"


class Nothing:
    """The messages of a call that ends without one."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        raise StopAsyncIteration


def test_a_message_is_returned() -> None:
    async def read() -> list[bytes]:
        reader = MessageReader(2, Timeout(5))
        return await asyncio.gather(*(reader.read(message()) for _ in range(2)))

    assert asyncio.run(read()) == [b"whole", b"whole"]


def test_a_call_without_a_message() -> None:
    with pytest.raises(ClientDisconnect):
        asyncio.run(MessageReader(1, Timeout(5)).read(Nothing()))


def test_a_message_that_takes_too_long() -> None:
    with pytest.raises(BodyTimeoutError, match=r"the whole message within 0\.1 seconds"):
        asyncio.run(MessageReader(1, Timeout(0.1)).read(message(60)))


def test_the_oldest_is_dropped_for_the_next() -> None:
    async def read() -> None:
        reader = MessageReader(2, Timeout(50))
        slow = [asyncio.create_task(reader.read(message(60))) for _ in range(2)]
        await asyncio.sleep(0)
        began = monotonic()
        assert await reader.read(message()) == b"whole"  # none was old
        assert monotonic() - began >= 0.9 * MIN_SECONDS
        with pytest.raises(OverloadedError, match="Too many messages are being received"):
            await slow[0]
        assert await reader.read(message()) == b"whole"
        assert not slow[1].done()
        slow[1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow[1]

    asyncio.run(read())


def test_more_messages_than_places_wait_for_one() -> None:
    async def read() -> list[bytes]:
        reader = MessageReader(2, Timeout(50))
        return await asyncio.gather(*(reader.read(message(0.01)) for _ in range(20)))

    assert asyncio.run(read()) == [b"whole"] * 20


def test_a_read_that_does_not_wait_is_rejected() -> None:
    async def read() -> None:
        reader = MessageReader(1, Timeout(50))
        slow = asyncio.create_task(reader.read(message(60)))
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError, match="Too many messages are being received"):
            await reader.read(message(), waits=False)  # none is old
        await asyncio.sleep(1.1 * MIN_SECONDS)
        assert await reader.read(message(), waits=False) == b"whole"
        with pytest.raises(OverloadedError, match="Too many messages are being received"):
            await slow

    asyncio.run(read())


def test_a_call_that_is_cancelled_keeps_no_place() -> None:
    async def read() -> None:
        reader = MessageReader(1, Timeout(50))
        task = asyncio.create_task(reader.read(message(60)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await reader.read(message()) == b"whole"

    asyncio.run(read())
