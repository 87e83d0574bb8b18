import asyncio
from collections.abc import Sequence

import pytest

from service.scheduling import batching
from service.scheduling.admission import ConcurrencyLimit
from service.scheduling.batching import DynamicBatcher
from service.scheduling.errors import OverloadedError


class Upper:
    """Responds with capitals, and records the batches; what starts with ``!`` fails."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def __call__(self, requests: Sequence[str]) -> list[str | Exception]:
        self.batches.append(list(requests))
        return [
            KeyError(request) if request.startswith("!") else request.upper()
            for request in requests
        ]


@pytest.fixture
def upper() -> Upper:
    return Upper()


@pytest.fixture
def batcher(upper: Upper) -> DynamicBatcher[str, str]:
    return DynamicBatcher(upper, ConcurrencyLimit(20))


async def submit_all(
    batcher: DynamicBatcher[str, str], *requests: str
) -> list[str | BaseException]:
    submitted = (batcher.submit(request, len(request)) for request in requests)
    return await asyncio.gather(*submitted, return_exceptions=True)


def test_requests_of_one_turn_are_one_batch(
    batcher: DynamicBatcher[str, str], upper: Upper
) -> None:
    assert asyncio.run(submit_all(batcher, "a", "b", "c")) == ["A", "B", "C"]
    assert upper.batches == [["a", "b", "c"]]


async def submit_in_turns(batcher: DynamicBatcher[str, str], *requests: str) -> list[str]:
    """Submit each request a turn of the event loop after the one before."""
    tasks = []
    for request in requests:
        tasks.append(asyncio.create_task(batcher.submit(request, len(request))))
        await asyncio.sleep(0)
    return await asyncio.gather(*tasks)


def test_requests_of_successive_turns_are_one_batch(
    batcher: DynamicBatcher[str, str], upper: Upper
) -> None:
    assert asyncio.run(submit_in_turns(batcher, "a", "b", "c")) == ["A", "B", "C"]
    assert upper.batches == [["a", "b", "c"]]


def test_batch_waits_for_a_bounded_number_of_turns(upper: Upper) -> None:
    requests = [*"abcdefghijklmnopqrst"]
    batcher = DynamicBatcher(upper, ConcurrencyLimit(len(requests) + batching.MIN_FREE_PERMITS))
    asyncio.run(submit_in_turns(batcher, *requests))
    assert [request for batch in upper.batches for request in batch] == requests
    assert batching.MAX_TURNS <= max(map(len, upper.batches)) <= batching.MAX_TURNS + 1


def test_full_batch_does_not_wait(
    batcher: DynamicBatcher[str, str], upper: Upper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "MAX_BATCH_BYTES", 4)

    async def submit() -> list[list[str]]:
        tasks = asyncio.gather(batcher.submit("aa", 2), batcher.submit("bb", 2))
        await asyncio.sleep(0)  # they are in the queue
        await asyncio.sleep(0)
        batches = [*upper.batches]
        await tasks
        return batches

    assert asyncio.run(submit()) == [["aa", "bb"]]


def test_batch_does_not_wait_where_permits_are_few(upper: Upper) -> None:
    """Requests that the server reads in one turn more still find a permit."""
    batcher = DynamicBatcher(upper, ConcurrencyLimit(batching.MIN_FREE_PERMITS + 2))
    asyncio.run(submit_in_turns(batcher, *"abcdefgh"))
    assert max(map(len, upper.batches)) <= 4
    assert sum(map(len, upper.batches)) == 8


def test_request_does_not_wait_for_others(batcher: DynamicBatcher[str, str], upper: Upper) -> None:
    async def submit_one_after_the_other() -> None:
        for request in ("a", "b"):
            assert await batcher.submit(request, 1) == request.upper()

    asyncio.run(submit_one_after_the_other())
    assert upper.batches == [["a"], ["b"]]


def test_batch_is_bounded_by_bytes(
    batcher: DynamicBatcher[str, str], upper: Upper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "MAX_BATCH_BYTES", 6)
    requests = ("aaaa", "bb", "c", "dddddddd", "e")
    responses = asyncio.run(submit_all(batcher, *requests))
    assert responses == [request.upper() for request in requests]
    assert upper.batches == [["aaaa", "bb"], ["c"], ["dddddddd"], ["e"]]


def test_other_callbacks_run_between_batches(
    batcher: DynamicBatcher[str, str], upper: Upper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "MAX_BATCH_BYTES", 1)

    async def watch() -> list[int]:
        loop = asyncio.get_running_loop()
        seen: list[int] = []

        def look() -> None:
            seen.append(len(upper.batches))
            if len(seen) < 6:
                loop.call_soon(look)

        loop.call_soon(look)
        await submit_all(batcher, "a", "b", "c")
        return seen

    assert {1, 2} <= set(asyncio.run(watch()))


def test_request_fails_alone(batcher: DynamicBatcher[str, str]) -> None:
    first, failed, last = asyncio.run(submit_all(batcher, "a", "!b", "c"))
    assert (first, last) == ("A", "C")
    assert isinstance(failed, KeyError)


def test_error_of_the_batch_is_raised_for_each_request() -> None:
    def fail(requests: Sequence[str]) -> list[str | Exception]:
        raise KeyError(len(requests))

    outcomes = asyncio.run(submit_all(DynamicBatcher(fail, ConcurrencyLimit(9)), "a", "b"))
    assert [type(outcome) for outcome in outcomes] == [KeyError, KeyError]


def test_cancelled_request_is_dropped(batcher: DynamicBatcher[str, str]) -> None:
    async def cancel_one() -> str:
        cancelled = asyncio.create_task(batcher.submit("a", 1))
        other = asyncio.create_task(batcher.submit("b", 1))
        await asyncio.sleep(0)
        cancelled.cancel()
        return await other

    assert asyncio.run(cancel_one()) == "B"


def test_request_without_a_permit_is_rejected(upper: Upper) -> None:
    batcher = DynamicBatcher(upper, ConcurrencyLimit(2))
    outcomes = asyncio.run(submit_all(batcher, "a", "b", "c"))
    assert outcomes[:2] == ["A", "B"]
    assert isinstance(outcomes[2], OverloadedError)
    assert asyncio.run(submit_all(batcher, "c")) == ["C"]
