"""Calls to a port of this process: statuses, keys, limits, ids, metrics, reload."""

import asyncio
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
from grpc import StatusCode
from prometheus_client import CollectorRegistry

from service import __version__
from service.api.grpc import open_inference_pb2 as pb
from service.api.grpc.calls import CANCELLED, ROUTE_PREFIX
from service.api.grpc.health import HEALTH_SERVICE
from service.api.grpc.routes import INFERENCE_SERVICE
from service.api.middleware import instrumentation
from service.app import NewswireApp, create_app
from service.model import Bundle, InferenceError, TopicClassifier, load_bundle, load_classifier
from service.settings import ServiceSettings
from tests.conftest import LATEST
from tests.service.api.grpc.calling import (
    MODEL,
    Calling,
    Response,
    Scenario,
    calling,
    infer_request,
)
from tests.service.api.routes.test_classify_batch import CRUDE, EARN
from tests.synthetic_bundles import code_of, save_synthetic_bundle, text_of

KEY: Final = "0123456789abcdef"
SENT: Final = "never repeated"
CALLS: Final = (
    *("ServerLive", "ServerReady", "ServerMetadata", "ModelReady", "ModelMetadata", "ModelInfer"),
    "Check",
)
TIMEOUT_SECONDS: Final = 60
REQUEST: Final = infer_request([CRUDE], top_k=1)


class Held(TopicClassifier):
    """A classifier that waits in its thread until it is let go, or fails."""

    error: Exception | None = None

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        self.go_on = threading.Event()
        self.n_inferences = 0

    def infer(self, encoded: Any, output: str = "probabilities") -> Any:
        self.n_inferences += 1
        assert self.go_on.wait(30)
        if self.error is not None:
            raise self.error
        return super().infer(encoded, output)


@pytest.fixture
def held() -> Iterator[Held]:
    held = Held(load_bundle(LATEST))
    yield held
    held.go_on.set()


def build(classifier: TopicClassifier, **values: Any) -> tuple[NewswireApp, ServiceSettings]:
    settings = ServiceSettings(**values)
    return create_app(settings, classifier, CollectorRegistry()), settings


def run(app: NewswireApp, settings: ServiceSettings, scenario: Scenario) -> None:
    async def serve() -> None:
        async with calling(app, settings) as client, asyncio.timeout(TIMEOUT_SECONDS):
            await scenario(client)

    asyncio.run(serve())


def count(app: NewswireApp, call: str, status: int) -> float | None:
    labels = {"route": ROUTE_PREFIX + call, "status": str(status)}
    return app.metrics.registry.get_sample_value("newswire_http_requests_total", labels)


def topics(response: Response) -> list[bytes]:
    assert response.code is StatusCode.OK, response.message
    (topic, *_) = pb.ModelInferResponse.FromString(response.data).raw_output_contents
    return [topic[4:]]


async def wait_for_inference(held: Held) -> None:
    while not held.n_inferences:
        await asyncio.sleep(0.01)


def test_every_call(classifier: TopicClassifier) -> None:
    app, settings = build(classifier)

    async def scenario(client: Calling) -> None:
        live = await client.call("ServerLive")
        assert pb.ServerLiveResponse.FromString(live.data).live
        ready = await client.call("ServerReady")
        assert pb.ServerReadyResponse.FromString(ready.data).ready
        server = await client.call("ServerMetadata")
        about = pb.ServerMetadataResponse.FromString(server.data)
        assert (about.name, about.version) == ("newswire-topics", __version__)
        assert [*about.extensions] == ["classification"]
        for version in ("", LATEST.name):
            asked = pb.ModelMetadataRequest(name=MODEL, version=version).SerializeToString()
            model = pb.ModelMetadataResponse.FromString(
                (await client.call("ModelMetadata", asked)).data
            )
            assert (model.name, [*model.versions]) == (MODEL, [LATEST.name])
            assert [tensor.name for tensor in model.inputs] == ["text", "title"]
            assert [*model.outputs[0].shape] == [-1, -1]
        assert topics(await client.infer(REQUEST)) == [b"crude"]
        assert count(app, "ModelInfer", 200) == 1
        assert count(app, "ModelMetadata", 200) == 2

    run(app, settings, scenario)


@pytest.mark.parametrize(
    ("name", "version", "ready"),
    [(MODEL, "", True), (MODEL, LATEST.name, True), (MODEL, "0", False), (SENT, "", False)],
)
def test_ready_models(classifier: TopicClassifier, name: str, version: str, *, ready: bool) -> None:
    app, settings = build(classifier)

    async def scenario(client: Calling) -> None:
        data = pb.ModelReadyRequest(name=name, version=version).SerializeToString()
        response = await client.call("ModelReady", data)
        assert pb.ModelReadyResponse.FromString(response.data).ready == ready
        app.health.mark_draining()
        response = await client.call("ModelReady", data)
        assert not pb.ModelReadyResponse.FromString(response.data).ready
        ready_now = await client.call("ServerReady")
        assert not pb.ServerReadyResponse.FromString(ready_now.data).ready
        assert topics(await client.infer(REQUEST)) == [b"crude"]  # until the port closes

    run(app, settings, scenario)


def test_statuses(classifier: TopicClassifier) -> None:
    app, settings = build(classifier, max_text_bytes=1_000)

    async def scenario(client: Calling) -> None:
        for message, code, status in (
            (infer_request([CRUDE], model=SENT), StatusCode.NOT_FOUND, 404),
            (infer_request([CRUDE], shape=[2]), StatusCode.INVALID_ARGUMENT, 400),
            (infer_request([CRUDE], top_k=47), StatusCode.INVALID_ARGUMENT, 422),
            (infer_request(["c" * 1_001]), StatusCode.INVALID_ARGUMENT, 413),
        ):
            response = await client.infer(message)
            assert (response.code, count(app, "ModelInfer", status)) == (code, 1)
            assert "xpected" in response.message or "should be" in response.message
            assert SENT not in response.message
        unread = await client.call("ModelInfer", b"\xff" * 100)
        assert unread.code is StatusCode.INVALID_ARGUMENT
        metadata = pb.ModelMetadataRequest(name=SENT).SerializeToString()
        assert (await client.call("ModelMetadata", metadata)).code is StatusCode.NOT_FOUND
        for name in ("RepositoryIndex", "ModelStreamInfer"):
            assert (await client.call(name)).code is StatusCode.UNIMPLEMENTED
        too_long = await client.call("ModelInfer", b"a" * 66_600)
        assert too_long.code is StatusCode.RESOURCE_EXHAUSTED
        assert "larger than max (66600 vs. 66536)" in too_long.message

    run(app, settings, scenario)


def test_a_compressed_message_is_rejected(classifier: TopicClassifier) -> None:
    app, settings = build(classifier)

    async def scenario(client: Calling) -> None:
        method = client.channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await method(REQUEST.SerializeToString(), compression=grpc.Compression.Gzip)
        assert raised.value.code() is StatusCode.UNIMPLEMENTED

    run(app, settings, scenario)


@pytest.mark.parametrize("name", CALLS)
def test_keys(classifier: TopicClassifier, name: str) -> None:
    app, settings = build(classifier, api_keys=KEY)
    data = b"" if name == "Check" else pb.ModelReadyRequest(name=MODEL).SerializeToString()
    if name == "ModelInfer":
        data = REQUEST.SerializeToString()
    service = HEALTH_SERVICE if name == "Check" else INFERENCE_SERVICE
    is_open = name in {"ServerLive", "ServerReady", "Check"}

    async def scenario(client: Calling) -> None:
        wrong: list[list[str]] = [
            [],
            ["Bearer wrong"],
            [KEY],
            [f"Bearer {KEY}"] * 2,
            [f"Basic {KEY}"],
        ]
        for given in wrong:
            metadata = [("authorization", value) for value in given]
            response = await client.call(name, data, metadata, service)
            if is_open:
                assert response.code is StatusCode.OK
            else:
                assert response.code is StatusCode.UNAUTHENTICATED
                assert response.message.startswith("Send a valid key")
        response = await client.call(name, data, [("authorization", f"Bearer {KEY}")], service)
        assert response.code is StatusCode.OK
        assert count(app, name, 401) == (None if is_open else len(wrong))

    run(app, settings, scenario)


def test_without_a_key_the_message_is_not_read(classifier: TopicClassifier) -> None:
    app, settings = build(classifier, api_keys=KEY)

    async def scenario(client: Calling) -> None:
        call = client.channel.stream_unary("/inference.GRPCInferenceService/ModelInfer")()
        assert await call.code() is StatusCode.UNAUTHENTICATED

    run(app, settings, scenario)


def test_overload(held: Held) -> None:
    app, settings = build(held, max_concurrent_requests=2)

    async def scenario(client: Calling) -> None:
        first = asyncio.create_task(client.infer(REQUEST))
        await wait_for_inference(held)
        began = asyncio.get_running_loop().time()
        # the second is rejected before its message is read
        call = client.channel.stream_unary("/inference.GRPCInferenceService/ModelInfer")()
        assert await call.code() is StatusCode.RESOURCE_EXHAUSTED
        assert asyncio.get_running_loop().time() - began >= 0.05
        rejected = await client.infer(REQUEST)
        assert rejected.code is StatusCode.RESOURCE_EXHAUSTED
        assert rejected.message.startswith("Too many concurrent requests.")
        assert int(rejected.trailers["retry-after"]) >= 1
        assert (await client.call("ServerReady")).code is StatusCode.OK
        held.go_on.set()
        assert topics(await first) == [b"crude"]
        assert topics(await client.infer(REQUEST)) == [b"crude"]
        assert count(app, "ModelInfer", 429) == 2

    run(app, settings, scenario)


def test_the_limit_is_shared_with_http(held: Held) -> None:
    app, settings = build(held, max_concurrent_requests=2)

    async def scenario(client: Calling) -> None:
        with app.admission.slow_limit:  # a batch over HTTP
            assert (await client.infer(REQUEST)).code is StatusCode.RESOURCE_EXHAUSTED
        held.go_on.set()
        assert (await client.infer(REQUEST)).code is StatusCode.OK

    run(app, settings, scenario)


def test_deadline_of_the_server(held: Held) -> None:
    app, settings = build(held, request_timeout_seconds=0.2)

    async def scenario(client: Calling) -> None:
        response = await client.infer(REQUEST)
        assert response.code is StatusCode.DEADLINE_EXCEEDED
        assert response.message.startswith("The request took longer than 0.2 seconds.")
        assert "retry-after" in response.trailers
        assert count(app, "ModelInfer", 503) == 1
        held.go_on.set()

    run(app, settings, scenario)


@pytest.mark.parametrize("cancels", [False, True])
def test_a_client_that_gives_up_frees_its_permit(held: Held, *, cancels: bool) -> None:
    app, settings = build(held, max_concurrent_requests=2)

    async def scenario(client: Calling) -> None:
        data = REQUEST.SerializeToString()
        call = client.start("ModelInfer", data, timeout_seconds=30 if cancels else 0.3)
        await asyncio.sleep(0)
        waiting = asyncio.create_task(call.code())
        await wait_for_inference(held)
        if cancels:
            call.cancel()
        expected = StatusCode.CANCELLED if cancels else StatusCode.DEADLINE_EXCEEDED
        assert await waiting is expected
        while app.admission.limit.in_progress:
            await asyncio.sleep(0.01)
        assert count(app, "ModelInfer", CANCELLED) == 1
        held.go_on.set()
        assert topics(await client.infer(REQUEST)) == [b"crude"]

    run(app, settings, scenario)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (InferenceError(SENT), "The model returned no valid scores."),
        (ValueError(SENT), "The request may be valid. Retry later"),
    ],
)
def test_errors_of_the_service(
    held: Held, error: Exception, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    app, settings = build(held)
    held.error = error
    held.go_on.set()

    async def scenario(client: Calling) -> None:
        response = await client.infer(REQUEST, metadata=[("x-request-id", "mine")])
        assert response.code is StatusCode.INTERNAL
        assert response.message.startswith(sentence)
        assert SENT not in response.message
        assert response.trailers["x-request-id"] == "mine"
        assert count(app, "ModelInfer", 500) == 1

    with caplog.at_level(logging.ERROR):
        run(app, settings, scenario)
    (record,) = caplog.records
    assert record.name == "service.api.grpc.calls"
    assert CRUDE not in caplog.text


def test_failing_inferences_end_liveness(held: Held) -> None:
    app, settings = build(held)
    held.error = InferenceError("no")
    held.go_on.set()

    async def scenario(client: Calling) -> None:
        for _ in range(3):
            await client.infer(REQUEST)
        live = await client.call("ServerLive")
        assert not pb.ServerLiveResponse.FromString(live.data).live

    run(app, settings, scenario)


def test_ids(classifier: TopicClassifier) -> None:
    app, settings = build(classifier)

    async def scenario(client: Calling) -> None:
        for name in ("ServerLive", "ModelReady"):
            data = pb.ModelReadyRequest(name=MODEL).SerializeToString()
            own = await client.call(name, data, [("x-request-id", "mine")])
            assert own.trailers["x-request-id"] == "mine"
            new = await client.call(name, data, [("x-request-id", "not valid!")])
            assert new.trailers["x-request-id"] not in {"mine", "not valid!"}

    run(app, settings, scenario)


def test_access_log(classifier: TopicClassifier, caplog: pytest.LogCaptureFixture) -> None:
    app, settings = build(classifier, access_log=True)

    async def scenario(client: Calling) -> None:
        await client.infer(REQUEST)

    with caplog.at_level(logging.INFO, logger=instrumentation.logger.name):
        run(app, settings, scenario)
    (line,) = [it for it in caplog.records if it.name == instrumentation.logger.name]
    assert line.getMessage() == "gRPC grpc/ModelInfer 200"
    assert 0 < vars(line)["seconds"] < 30


def test_counts_begin_at_0(classifier: TopicClassifier) -> None:
    app, settings = build(classifier)

    async def scenario(_: Calling) -> None:
        for call in CALLS:
            assert (count(app, call, 200), count(app, call, 500)) == (0, 0)
        for status in (400, 404, 408, 413, 422, 429, 503, CANCELLED):
            assert count(app, "ModelInfer", status) == 0

    run(app, settings, scenario)


def test_a_reload_changes_the_model(held: Held, tmp_path: Path) -> None:
    app, settings = build(held)
    other = load_classifier(save_synthetic_bundle(tmp_path / "2", 2))

    async def scenario(client: Calling) -> None:
        first = asyncio.create_task(client.infer(REQUEST))
        await wait_for_inference(held)
        app.adopt(app.prepare(other))
        held.go_on.set()
        assert topics(await first) == [b"crude"]  # ends with the model that it began with
        assert (await client.infer(REQUEST)).code is StatusCode.NOT_FOUND
        name = other.manifest.name
        found = await client.infer(infer_request([text_of(1)], model=name, top_k=1))
        assert topics(found) == [code_of(1).encode()]

    run(app, settings, scenario)


def test_many_at_once(classifier: TopicClassifier) -> None:
    app, settings = build(classifier)

    async def scenario(client: Calling) -> None:
        messages = [infer_request([text] * 20, top_k=1) for text in (CRUDE, EARN)] * 5
        responses = await asyncio.gather(*(client.infer(message) for message in messages))
        assert [topics(each)[0][:4] for each in responses] == [b"crud", b"earn"] * 5

    run(app, settings, scenario)
