import asyncio
import time

import pytest

from service.scheduling import admission as admission_module
from service.scheduling.admission import REJECTION_DELAY_SECONDS, Admission, ConcurrencyLimit
from service.scheduling.errors import OverloadedError


def test_limit_is_not_exceeded() -> None:
    limit = ConcurrencyLimit(2)
    with limit:
        assert limit.n_free == 1
        with limit:
            assert (limit.in_progress, limit.n_free) == (2, 0)
            with pytest.raises(OverloadedError) as rejected, limit:
                pytest.fail("there was no permit")
            assert rejected.value.retry_after == 1
        assert limit.n_free == 1
    assert limit.in_progress == 0


def test_permit_is_returned_after_an_error() -> None:
    limit = ConcurrencyLimit(1)
    with pytest.raises(KeyError), limit:
        raise KeyError
    assert limit.n_free == 1


def test_retry_after_grows_with_queue_and_duration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr("service.scheduling.admission.perf_counter", lambda: now)
    limit = ConcurrencyLimit(100)
    for _ in range(500):  # of two seconds each
        limit.__enter__()
        now += 2
        limit.__exit__()
    assert limit.retry_after == 1
    seen = []
    for _ in range(3):
        limit.__enter__()
        seen.append(limit.retry_after)
    assert seen == [2, 4, 6]


def test_time_without_work_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("service.scheduling.admission.perf_counter", lambda: now)
    limit = ConcurrencyLimit(100)
    for _ in range(500):
        now += 60
        limit.__enter__()
        now += 0.01
        limit.__exit__()
    for _ in range(50):
        limit.__enter__()
    assert limit.retry_after == 1


def test_requests_of_one_turn_share_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten requests that are done together in a second take a tenth of it each."""
    now = 0.0
    monkeypatch.setattr("service.scheduling.admission.perf_counter", lambda: now)
    limit = ConcurrencyLimit(100)
    for _ in range(100):
        for _ in range(10):
            limit.__enter__()
        now += 1
        for _ in range(10):
            limit.__exit__()
    for _ in range(40):
        limit.__enter__()
    assert limit.retry_after in {4, 5}


def test_long_requests_leave_half_to_the_short_ones() -> None:
    admission = Admission(max_concurrent_requests=4, max_buffered_bytes=1)
    with admission.slow_limit, admission.slow_limit:
        assert admission.limit.in_progress == 2
        with pytest.raises(OverloadedError), admission.slow_limit:
            pytest.fail("there was no permit")
        assert (admission.limit.in_progress, admission.slow_limit.n_free) == (2, 0)
        with admission.limit:
            assert admission.limit.in_progress == 3
    assert (admission.limit.in_progress, admission.slow_limit.in_progress) == (0, 0)


def test_short_requests_may_fill_it_and_then_no_long_one_enters() -> None:
    admission = Admission(max_concurrent_requests=2, max_buffered_bytes=1)
    with admission.limit, admission.limit, pytest.raises(OverloadedError), admission.slow_limit:
        pytest.fail("there was no permit")
    assert (admission.limit.n_free, admission.slow_limit.n_free) == (2, 1)


def test_slow_requests_have_at_least_one_permit() -> None:
    with Admission(max_concurrent_requests=1, max_buffered_bytes=1).slow_limit:
        pass


def test_bytes_are_bounded() -> None:
    admission = Admission(max_concurrent_requests=1, max_buffered_bytes=10)
    admission.buffer(6)
    with pytest.raises(OverloadedError):
        admission.buffer(5)
    assert admission.buffered_bytes == 6
    admission.buffer(4)
    admission.release(10)
    assert admission.buffered_bytes == 0


def test_rejections_are_delayed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def seconds_of_delay(admission: Admission) -> float:
        began = time.monotonic()
        with pytest.raises(OverloadedError):
            await admission.reject(admission.limit)
        return time.monotonic() - began

    async def reject(n_requests: int) -> list[float]:
        admission = Admission(max_concurrent_requests=1, max_buffered_bytes=1)
        return await asyncio.gather(*(seconds_of_delay(admission) for _ in range(n_requests)))

    monkeypatch.setattr(admission_module, "MAX_DELAYED_REJECTIONS", 3)
    delayed = [seconds >= 0.9 * REJECTION_DELAY_SECONDS for seconds in asyncio.run(reject(5))]
    assert delayed == [True] * 3 + [False] * 2


def test_cancelled_rejection_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    async def cancel_twice() -> None:
        admission = Admission(max_concurrent_requests=1, max_buffered_bytes=1)
        for _ in range(2):
            with pytest.raises(TimeoutError):  # the second one is delayed, too
                await asyncio.wait_for(admission.reject(admission.limit), 0.001)

    monkeypatch.setattr(admission_module, "MAX_DELAYED_REJECTIONS", 1)
    asyncio.run(cancel_twice())
