"""A service that has as much to do as it may, and requests that take too long."""

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry
from starlette.types import Message, Scope

from service.api.problems import TYPE_PREFIX
from service.api.routes.classify import MAX_INVALID_PER_TURN
from service.api.unfinished_bodies import FREE_BYTES, MIN_SECONDS
from service.app import NewswireApp, create_app
from service.model import Bundle, TopicClassifier, load_bundle
from service.settings import ServiceSettings
from tests.conftest import LATEST

TEXT = "OPEC ministers agreed to cut crude oil output."
CLASSIFY = json.dumps({"text": TEXT}).encode()
BATCH = json.dumps({"items": [{"text": TEXT}]}).encode()
INFER = json.dumps(
    {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": [TEXT]}]}
).encode()
PREDICT = json.dumps({"inputs": TEXT}).encode()
BODIES = {
    "/classify": CLASSIFY,
    "/classify/batch": BATCH,
    "/predict": PREDICT,
    "/v2/models/reuters/infer": INFER,
    f"/v2/models/reuters/versions/{LATEST.name}/infer": INFER,
}
EXEMPT = ("/health/live", "/health/ready", "/metrics", "/topics", "/model", "/", "/openapi.json")


class HeldUp(TopicClassifier):
    """A classifier that waits in its thread until it is let go."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        self.reset()

    def reset(self) -> None:
        self.go_on = threading.Event()
        self.n_inferences = 0

    def infer(self, encoded: Any, output: str = "probabilities") -> Any:
        self.n_inferences += 1
        if threading.current_thread().name.startswith("classify"):
            assert self.go_on.wait(30)
        return super().infer(encoded, output)


@pytest.fixture(scope="module")
def module_held_up() -> HeldUp:
    return HeldUp(load_bundle(LATEST))


@pytest.fixture
def held_up(module_held_up: HeldUp) -> Iterator[HeldUp]:
    module_held_up.reset()
    yield module_held_up
    module_held_up.go_on.set()


class Request:
    """A request to an application, whose body comes piece by piece.

    A piece that is None ends the connection; after the last one nothing comes any more.
    """

    def __init__(
        self,
        app: NewswireApp,
        path: str,
        *pieces: bytes | None,
        whole: bool = True,
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        self._app = app
        self._path = path
        self._pieces = list(pieces)
        self._whole = whole
        self._headers = headers
        self.sent: list[Message] = []
        self.n_received = 0

    async def receive(self) -> Message:
        if not self._pieces:
            await asyncio.sleep(60)
        self.n_received += 1
        piece = self._pieces.pop(0)
        if piece is None:
            return {"type": "http.disconnect"}
        more = bool(self._pieces) or not self._whole
        return {"type": "http.request", "body": piece, "more_body": more}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def run(self) -> "Request":
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET" if self._path in EXEMPT else "POST",
            "scheme": "http",
            "path": self._path,
            "raw_path": self._path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [(b"content-type", b"application/json"), *self._headers],
            "client": None,
            "server": ("localhost", 80),
        }
        await self._app(scope, self.receive, self.send)
        return self

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return {name.lower(): value for name, value in self.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)

    def json(self) -> Any:
        return json.loads(self.body)


def build(classifier: TopicClassifier, **settings: Any) -> tuple[NewswireApp, CollectorRegistry]:
    registry = CollectorRegistry()
    return create_app(ServiceSettings(**settings), classifier, registry), registry


def in_progress(registry: CollectorRegistry) -> float | None:
    return registry.get_sample_value("newswire_requests_in_progress")


async def fill(app: NewswireApp, registry: CollectorRegistry, n_batches: int) -> list[Any]:
    """Have so many batches in progress."""
    tasks = [
        asyncio.create_task(Request(app, "/classify/batch", BATCH).run()) for _ in range(n_batches)
    ]
    while in_progress(registry) != n_batches:
        await asyncio.sleep(0.001)
    return tasks


@pytest.mark.parametrize("path", ["/classify", "/classify/batch"])
def test_invalid_requests_take_no_permit(classifier: TopicClassifier, path: str) -> None:
    app, _ = build(classifier, max_concurrent_requests=2)
    item = b"{%b}" % b",".join(b'"%x":0' % number for number in range(1_000))
    body = item if path == "/classify" else b'{"items": [%b]}' % item

    async def send() -> list[Request]:
        return await asyncio.gather(*(Request(app, path, body).run() for _ in range(50)))

    assert {request.status for request in asyncio.run(send())} == {422}


@pytest.mark.parametrize("body", [b'{"text": 1}', b'{"text": " "}', b"{"])
def test_turn_of_the_event_loop_takes_few_invalid_requests(
    classifier: TopicClassifier, body: bytes
) -> None:
    app, _ = build(classifier)

    async def send() -> list[int]:
        """Return how many responses there are after each turn."""
        requests = [Request(app, "/classify", body) for _ in range(4 * MAX_INVALID_PER_TURN)]
        tasks = [asyncio.create_task(request.run()) for request in requests]
        counts = [0]
        while counts[-1] < len(requests):
            await asyncio.sleep(0)
            counts.append(sum(bool(request.sent) for request in requests))
        await asyncio.gather(*tasks)
        assert {request.status for request in requests} <= {400, 422}
        return counts

    counts = asyncio.run(send())
    steps = [later - earlier for earlier, later in pairwise(counts)]
    assert max(steps) <= MAX_INVALID_PER_TURN


@pytest.mark.parametrize("path", BODIES)
def test_excess_is_rejected_before_the_body_is_read(held_up: HeldUp, path: str) -> None:
    app, registry = build(held_up, max_concurrent_requests=1)

    async def reject() -> tuple[Request, list[Request]]:
        tasks = await fill(app, registry, 1)
        rejected = await Request(app, path).run()
        held_up.go_on.set()
        return rejected, list(await asyncio.gather(*tasks))

    rejected, answered = asyncio.run(reject())
    assert rejected.n_received == 0
    assert rejected.status == 429
    assert int(rejected.headers[b"retry-after"]) >= 1
    assert rejected.headers[b"x-request-id"]
    if path.startswith("/v2"):
        assert list(rejected.json()) == ["error"]
    else:
        assert rejected.json()["type"] == f"{TYPE_PREFIX}overloaded"
        assert rejected.headers[b"content-type"] == b"application/problem+json"
    assert [request.status for request in answered] == [200]
    assert in_progress(registry) == 0
    route = path.replace("reuters", "{name}").replace(f"/{LATEST.name}/", "/{version}/")
    labels = {"route": route, "status": "429"}
    assert registry.get_sample_value("newswire_http_requests_total", labels) == 1


@pytest.mark.parametrize("path", EXEMPT)
def test_other_routes_work_all_the_same(held_up: HeldUp, path: str) -> None:
    app, registry = build(held_up, max_concurrent_requests=1)

    async def ask() -> Request:
        tasks = await fill(app, registry, 1)
        answer = await Request(app, path, b"").run()
        held_up.go_on.set()
        await asyncio.gather(*tasks)
        return answer

    assert asyncio.run(ask()).status == 200


def test_batches_leave_room_for_short_texts(held_up: HeldUp) -> None:
    app, registry = build(held_up, max_concurrent_requests=4)

    async def ask() -> tuple[int, int]:
        tasks = await fill(app, registry, 2)
        batch = await Request(app, "/classify/batch").run()
        short = await Request(app, "/classify", CLASSIFY).run()
        held_up.go_on.set()
        await asyncio.gather(*tasks)
        return batch.status, short.status

    assert asyncio.run(ask()) == (429, 200)


def test_burst_within_the_limit_succeeds(classifier: TopicClassifier) -> None:
    app, registry = build(classifier)

    async def burst(n_requests: int) -> list[int]:
        requests = [Request(app, "/classify", CLASSIFY).run() for _ in range(n_requests)]
        return [request.status for request in await asyncio.gather(*requests)]

    assert set(asyncio.run(burst(16))) == {200}
    statuses = asyncio.run(burst(100))
    assert statuses.count(200) == ServiceSettings().max_concurrent_requests
    assert set(statuses) == {200, 429}
    assert in_progress(registry) == 0


@pytest.mark.parametrize("path", ["/classify", "/classify/batch", "/v2/models/reuters/infer"])
@pytest.mark.parametrize(
    "pieces", [(b"{",), (b"{", b'"', b"}"), (b"{", None), (b"x" * 7_000_000,)], ids=range(4)
)
def test_permits_and_bytes_are_released_after_errors(
    classifier: TopicClassifier, path: str, pieces: tuple[bytes | None, ...]
) -> None:
    app, registry = build(classifier, max_concurrent_requests=1, max_buffered_bytes=7_000_000)
    for _ in range(3):
        assert asyncio.run(Request(app, path, *pieces).run()).status in {400, 413, 422}
    assert in_progress(registry) == 0
    assert asyncio.run(Request(app, path, BODIES[path]).run()).status == 200


def test_cancelled_request_returns_its_permit(held_up: HeldUp) -> None:
    app, registry = build(held_up, max_concurrent_requests=4)

    async def cancel() -> None:
        first, second = await fill(app, registry, 2)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert in_progress(registry) == 1
        held_up.go_on.set()
        await first

    asyncio.run(cancel())
    assert in_progress(registry) == 0
    assert held_up.n_inferences == 1  # the second was still waiting for the thread


def test_late_request_is_503_and_does_not_run(held_up: HeldUp) -> None:
    app, registry = build(held_up, request_timeout_seconds=0.2)

    async def wait() -> list[Request]:
        tasks = await fill(app, registry, 3)
        done = await asyncio.gather(*tasks)
        held_up.go_on.set()
        return list(done)

    late = asyncio.run(wait())
    assert [request.status for request in late] == [503] * 3
    for request in late:
        assert request.json()["type"] == f"{TYPE_PREFIX}deadline-exceeded"
        assert int(request.headers[b"retry-after"]) >= 1
    assert in_progress(registry) == 0
    assert asyncio.run(Request(app, "/classify/batch", BATCH).run()).status == 200
    assert held_up.n_inferences == 2  # that of the first, which had begun, and that of the last


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("pieces", [(), (b"{", b'"')], ids=["nothing", "a part"])
def test_a_body_that_is_not_there_in_time_is_408(
    classifier: TopicClassifier, path: str, pieces: tuple[bytes, ...]
) -> None:
    app, registry = build(classifier, request_timeout_seconds=0.1)
    late = asyncio.run(Request(app, path, *pieces, whole=False).run())
    assert late.status == 408
    assert late.headers[b"connection"] == b"close"
    sentence = late.json()["error" if path.startswith("/v2") else "detail"]
    assert sentence == "Expected the whole body within 0.1 seconds."
    assert in_progress(registry) == 0


def test_slow_body_holds_no_permit(classifier: TopicClassifier) -> None:
    app, registry = build(classifier, max_concurrent_requests=1, request_timeout_seconds=5)

    async def ask() -> tuple[float | None, int]:
        slow = [
            asyncio.create_task(Request(app, "/classify", b"{", whole=False).run())
            for _ in range(20)
        ]
        await asyncio.sleep(0.01)
        held = in_progress(registry)
        answer = await Request(app, "/classify", CLASSIFY).run()
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
        return held, answer.status

    assert asyncio.run(ask()) == (0, 200)


@pytest.mark.parametrize("path", BODIES)
def test_slow_bodies_are_bounded_together(
    classifier: TopicClassifier, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new one is rejected; after a while the one that began first is, and short ones never."""
    app, registry = build(classifier, max_buffered_bytes=12 * FREE_BYTES)
    long = b" " * 4 * FREE_BYTES
    now = 0.0
    monkeypatch.setattr("service.api.unfinished_bodies.monotonic", lambda: now)

    async def ask() -> list[int | None]:
        nonlocal now
        slow = asyncio.create_task(Request(app, path, long, whole=False).run())
        await asyncio.sleep(0.01)
        rejected = await Request(app, path, long, whole=False).run()
        half = len(BODIES[path]) // 2
        short = await Request(app, path, BODIES[path][:half], BODIES[path][half:]).run()
        now += MIN_SECONDS
        assert not slow.done()
        later = await Request(app, path, long, BODIES[path]).run()
        return [item.status for item in (rejected, short, later, await slow)]

    assert asyncio.run(ask()) == [429, 200, 200, 429]
    assert in_progress(registry) == 0


@pytest.mark.parametrize("path", BODIES)
def test_complete_bodies_have_room_beside_unfinished_ones(
    classifier: TopicClassifier, path: str
) -> None:
    app, _ = build(classifier, max_buffered_bytes=9 * FREE_BYTES)

    async def ask() -> int | None:
        slow = asyncio.create_task(Request(app, path, b" " * 4 * FREE_BYTES, whole=False).run())
        await asyncio.sleep(0.01)
        whole = await Request(app, path, b" " * 5 * FREE_BYTES + BODIES[path]).run()
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)
        return whole.status

    assert asyncio.run(ask()) == 200


@pytest.mark.parametrize("path", BODIES)
def test_too_high_content_length_is_rejected_before_100_continue(
    classifier: TopicClassifier, path: str
) -> None:
    app, _ = build(classifier, request_timeout_seconds=30)
    request = Request(app, path, whole=False, headers=[(b"content-length", b"10000000000")])
    assert asyncio.run(request.run()).status == 413
    assert request.n_received == 0


def test_a_text_of_many_words_is_too_large(classifier: TopicClassifier) -> None:
    app, _ = build(classifier, max_text_words=10)
    client = TestClient(app)
    for title, n_words, status in (
        (None, 10, 200),
        (None, 11, 413),
        ("a b", 8, 200),
        ("a", 10, 413),
    ):
        request = {"title": title, "text": " ".join("a" * n_words)}
        assert client.post("/classify", json=request).status_code == status
        batch = client.post("/classify/batch", json={"items": [request, {"text": "oil"}]}).json()
        assert batch["answers"][0].get("status", 200) == status
        assert "topic" in batch["answers"][1]
    for text, status in (("a²" * 5, 200), ("a²" * 6, 413)):  # words of one character
        assert client.post("/classify", json={"text": text}).status_code == status
    long_words = {"text": " ".join(["crude"] * 10)}
    assert client.post("/classify", json=long_words).status_code == 200
    answer = client.post("/classify", json={"text": "a " * 11})
    assert answer.json()["detail"] == "Expected at most 10 words, title included."
