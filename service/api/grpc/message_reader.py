"""Receives the messages of calls, with a limit of their number and a timeout.

gRPC buffers a message until it is complete, and does not say how much has arrived. So the number of
messages that are received at once is bounded; while one waits, little of it is buffered.
The oldest is dropped for the next one, as a client that sends slowly, or without end, would
otherwise keep its place.
"""

from asyncio import Event, Task, current_task, wait_for
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from time import monotonic
from typing import Any, Final

from starlette.requests import ClientDisconnect

from service.api.errors import BodyTimeoutError
from service.scheduling.errors import OverloadedError
from service.scheduling.timeouts import Timeout

MIN_SECONDS: Final = 0.2
"""Time that a message has before it may be dropped for the next one."""
RETRY_AFTER_SECONDS: Final = 1
TOO_MANY_MESSAGES: Final = (
    "Too many messages are being received. Retry after the number of seconds in Retry-After."
)


class MessageReader:
    """Receives messages, at most ``max_messages`` at once. Belongs to one event loop."""

    def __init__(self, max_messages: int, timeout: Timeout) -> None:
        self._max_messages = max_messages
        self._timeout = timeout
        self._tasks: dict[Task[Any] | None, float] = {}
        """Start time by task, the oldest first."""
        self._is_free = Event()

    async def read(self, messages: AsyncIterator[bytes], *, waits: bool = True) -> bytes:
        """Return the message of a call; if ``waits`` is false, without waiting for a place.

        Raises
        ------
        OverloadedError
            If there is no place, or this message took long and was dropped for the next one.
        BodyTimeoutError
            If it takes too long.
        ClientDisconnect
            If the call ends without one.
        """
        await self._make_room(waits=waits)
        task = current_task()
        self._tasks[task] = monotonic()
        try:
            with self._timeout:
                message = await anext(messages)
        except TimeoutError:
            if task not in self._tasks:
                raise OverloadedError(TOO_MANY_MESSAGES, RETRY_AFTER_SECONDS) from None
            raise BodyTimeoutError(
                f"Expected the whole message within {self._timeout.seconds:g} seconds."
            ) from None
        except StopAsyncIteration:
            raise ClientDisconnect from None
        finally:
            self._tasks.pop(task, None)
            self._is_free.set()
        if isinstance(messages, AsyncGenerator):
            await messages.aclose()  # it would keep the message
        return message

    async def _make_room(self, *, waits: bool) -> None:
        """Wait until there is a place, or until the oldest message may be dropped."""
        while len(self._tasks) >= self._max_messages:
            oldest, began = next(iter(self._tasks.items()))
            seconds = began + MIN_SECONDS - monotonic()
            if seconds <= 0:
                del self._tasks[oldest]
                self._timeout.expire(oldest)
                return
            if not waits:
                raise OverloadedError(TOO_MANY_MESSAGES, RETRY_AFTER_SECONDS)
            self._is_free.clear()
            with suppress(TimeoutError):
                await wait_for(self._is_free.wait(), seconds)
