"""The health checks of gRPC: ``grpc.health.v1.Health``. They need no key."""

from asyncio import Event, wait_for
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Final

import grpc
from grpc.aio import ServicerContext
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from starlette.exceptions import HTTPException

from service.api.grpc.calls import Calls, Messages, describe, serialize
from service.api.grpc.message_reader import MessageReader
from service.api.grpc.messages import parse_message
from service.api.grpc.routes import INFERENCE_SERVICE, OF_MESSAGES
from service.observability.health import ServiceHealth
from service.scheduling.errors import OverloadedError

HEALTH_SERVICE: Final = "grpc.health.v1.Health"
MAX_HEALTH_MESSAGES: Final = 4
"""Messages received at once; each may be as long as that of an inference, and needs no key."""
MAX_WATCHERS: Final = 50
TOO_MANY_WATCHES: Final = f"Expected at most {MAX_WATCHERS} watches. Use Check, or try again later."
WATCH_SECONDS: Final = 0.5
"""Interval at which a watched status is checked."""
UNKNOWN: Final = HealthCheckResponse.SERVICE_UNKNOWN


class HealthCalls:
    """Reports the readiness of the server, named ``""``, and of the inference service."""

    def __init__(self, health: ServiceHealth, reader: MessageReader) -> None:
        self._health = health
        self._reader = reader
        self._n_watchers = 0
        self._closed = Event()

    def handlers(self, calls: Calls) -> dict[str, Any]:
        """Return the handlers by the name of the call."""
        statuses = OF_MESSAGES - {429} | {404}
        return {
            "Check": calls.handler("Check", self.check, statuses=statuses, is_open=True),
            # not in the metrics: it lasts as long as the client wants
            "Watch": grpc.stream_stream_rpc_method_handler(
                self.watch, response_serializer=serialize
            ),
        }

    def close(self) -> None:
        """End the watches, before the server stops."""
        self._closed.set()

    async def check(self, messages: Messages) -> HealthCheckResponse:
        """Return the status of a service; the server's while too many messages are received."""
        try:
            service = await self._read_service(messages, waits=False)
        except OverloadedError:  # a failed probe would restart the container
            service = ""
        status = self._status(service)
        if status == UNKNOWN:
            raise HTTPException(404, f"Expected no service, or {INFERENCE_SERVICE}.")
        return HealthCheckResponse(status=status)

    async def watch(
        self, messages: Messages, context: ServicerContext
    ) -> AsyncIterator[HealthCheckResponse]:
        """Yield the status of a service, and each change of it."""
        if self._n_watchers >= MAX_WATCHERS:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, TOO_MANY_WATCHES)
        self._n_watchers += 1
        try:
            try:
                service = await self._read_service(messages)
            except Exception as error:
                _, code, message = describe(error)
                await context.abort(code, message)
            shown = None
            while not self._closed.is_set():
                if (status := self._status(service)) != shown:
                    shown = status
                    yield HealthCheckResponse(status=status)
                with suppress(TimeoutError):
                    await wait_for(self._closed.wait(), WATCH_SECONDS)
        finally:
            self._n_watchers -= 1

    async def _read_service(self, messages: Messages, *, waits: bool = True) -> str:
        data = await self._reader.read(messages, waits=waits)
        return str(parse_message(HealthCheckRequest, data).service)

    def _status(self, service: str) -> int:
        if service not in ("", INFERENCE_SERVICE):
            return int(UNKNOWN)
        ready = self._health.ready
        return int(HealthCheckResponse.SERVING if ready else HealthCheckResponse.NOT_SERVING)
