"""The health checks of gRPC, with the stock client."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import grpc
import pytest
from grpc import StatusCode
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from service.api.grpc import health, message_reader
from service.api.grpc.health import HEALTH_SERVICE, MAX_HEALTH_MESSAGES, MAX_WATCHERS
from service.api.grpc.routes import INFERENCE_SERVICE
from service.model import TopicClassifier
from tests.service.api.grpc.calling import Calling
from tests.service.api.grpc.test_calls import REQUEST, build, run

SERVING: Final = HealthCheckResponse.SERVING
NOT_SERVING: Final = HealthCheckResponse.NOT_SERVING


def stub(client: Calling) -> Any:
    return HealthStub(client.channel)


async def first_status(client: Calling) -> int | None:
    """The first status of a watch, or None if it is rejected."""
    try:
        return int((await stub(client).Watch(HealthCheckRequest()).read()).status)
    except grpc.aio.AioRpcError:
        return None


@pytest.mark.parametrize("service", ["", INFERENCE_SERVICE])
def test_check(classifier: TopicClassifier, service: str) -> None:
    app, settings = build(classifier)

    async def scenario(client: Calling) -> None:
        request = HealthCheckRequest(service=service)
        assert (await stub(client).Check(request)).status == SERVING
        app.health.mark_draining()
        assert (await stub(client).Check(request)).status == NOT_SERVING

    run(app, settings, scenario)


def test_errors(classifier: TopicClassifier) -> None:
    app, settings = build(classifier)

    async def scenario(client: Calling) -> None:
        with pytest.raises(grpc.aio.AioRpcError, match="Expected no service, or") as raised:
            await stub(client).Check(HealthCheckRequest(service="other"))
        assert raised.value.code() is StatusCode.NOT_FOUND
        for name in ("Check", "Watch"):
            response = await client.call(name, b"\xff", service=HEALTH_SERVICE)
            assert response.code is StatusCode.INVALID_ARGUMENT

    run(app, settings, scenario)


def test_watch(classifier: TopicClassifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "WATCH_SECONDS", 0.01)
    app, settings = build(classifier)

    async def scenario(client: Calling) -> None:
        watch = stub(client).Watch(HealthCheckRequest(service=INFERENCE_SERVICE))
        assert (await watch.read()).status == SERVING
        app.health.mark_draining()
        assert (await watch.read()).status == NOT_SERVING
        other = stub(client).Watch(HealthCheckRequest(service="other"))
        assert (await other.read()).status == HealthCheckResponse.SERVICE_UNKNOWN
        # a watch does not hold the stop back
        began = asyncio.get_running_loop().time()
        await client.server.stop(lambda: False)
        assert asyncio.get_running_loop().time() - began < settings.shutdown_timeout_seconds / 2
        assert await watch.read() is grpc.aio.EOF

    run(app, settings, scenario)


def test_watches_are_bounded(classifier: TopicClassifier, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many that begin at once wait for each other."""
    monkeypatch.setattr(message_reader, "MIN_SECONDS", 30)
    app, settings = build(classifier)

    async def scenario(client: Calling) -> None:
        watches = [stub(client).Watch(HealthCheckRequest()) for _ in range(MAX_WATCHERS)]
        for watch in watches:
            assert (await watch.read()).status == SERVING
        more = stub(client).Watch(HealthCheckRequest())
        assert await more.code() is StatusCode.RESOURCE_EXHAUSTED
        watches[0].cancel()
        assert (await stub(client).Check(HealthCheckRequest())).status == SERVING
        while await first_status(client) != SERVING:
            await asyncio.sleep(0.01)  # until the server knows that the first has ended

    run(app, settings, scenario)


async def take_every_place(client: Calling, start: Callable[[], Any]) -> list[Any]:
    """Start calls without a message until a check is of the server, whatever service it names.

    A call that arrives during such a check may find no place, and end.
    """
    other = HealthCheckRequest(service="other").SerializeToString()
    silent: list[Any] = []
    while (await client.call("Check", other, service=HEALTH_SERVICE)).code is not StatusCode.OK:
        silent = [call for call in silent if not call.done()]
        silent += [start() for _ in range(MAX_HEALTH_MESSAGES - len(silent))]
        await asyncio.sleep(0.01)
    return silent


def test_watch_waits_for_a_place(
    classifier: TopicClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_reader, "MIN_SECONDS", 30)
    app, settings = build(classifier)

    async def scenario(client: Calling) -> None:
        watch = client.channel.stream_stream(f"/{HEALTH_SERVICE}/Watch")
        silent = await take_every_place(client, watch)
        waiting = stub(client).Watch(HealthCheckRequest())
        await asyncio.sleep(0.1)
        assert not waiting.done()
        for call in silent:
            call.cancel()
        async with asyncio.timeout(10):
            assert (await waiting.read()).status == SERVING

    run(app, settings, scenario)


def test_slow_health_checks(classifier: TopicClassifier, monkeypatch: pytest.MonkeyPatch) -> None:
    """They need no key: they keep out neither inferences nor other checks."""
    monkeypatch.setattr(message_reader, "MIN_SECONDS", 30)
    app, settings = build(classifier, max_concurrent_requests=MAX_HEALTH_MESSAGES)

    async def scenario(client: Calling) -> None:
        check = client.channel.stream_unary(f"/{HEALTH_SERVICE}/Check")
        slow = await take_every_place(client, check)
        assert (await stub(client).Check(HealthCheckRequest())).status == SERVING
        assert (await client.infer(REQUEST)).code is StatusCode.OK
        for call in slow:
            call.cancel()

    run(app, settings, scenario)
