import asyncio
import time

import pytest

from service.scheduling import admission as admission_module
from service.scheduling.admission import REFUSAL_SECONDS, Admission, Slots
from service.scheduling.errors import OverloadedError


def test_no_more_than_so_many() -> None:
    slots = Slots(2)
    with slots:
        slots.check()
        with slots:
            assert slots.in_progress == 2
            with pytest.raises(OverloadedError) as refused:
                slots.check()
            assert refused.value.retry_after == 1
            with pytest.raises(OverloadedError), slots:
                pytest.fail("there was no slot")
        slots.check()
    assert slots.in_progress == 0


def test_a_slot_is_given_back_after_an_error() -> None:
    slots = Slots(1)
    with pytest.raises(KeyError), slots:
        raise KeyError
    slots.check()


def test_when_to_try_again_grows_with_what_waits_and_how_long_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr("service.scheduling.admission.perf_counter", lambda: now)
    slots = Slots(100)
    for _ in range(500):  # of two seconds each
        slots.__enter__()
        now += 2
        slots.__exit__()
    assert slots.retry_after == 1
    seen = []
    for _ in range(3):
        slots.__enter__()
        seen.append(slots.retry_after)
    assert seen == [2, 4, 6]


def test_time_without_work_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("service.scheduling.admission.perf_counter", lambda: now)
    slots = Slots(100)
    for _ in range(500):
        now += 60
        slots.__enter__()
        now += 0.01
        slots.__exit__()
    for _ in range(50):
        slots.__enter__()
    assert slots.retry_after == 1


def test_requests_of_one_turn_share_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten requests that are done together in a second take a tenth of it each."""
    now = 0.0
    monkeypatch.setattr("service.scheduling.admission.perf_counter", lambda: now)
    slots = Slots(100)
    for _ in range(100):
        for _ in range(10):
            slots.__enter__()
        now += 1
        for _ in range(10):
            slots.__exit__()
    for _ in range(40):
        slots.__enter__()
    assert slots.retry_after in {4, 5}


def test_long_requests_leave_half_to_the_short_ones() -> None:
    admission = Admission(max_concurrent_requests=4, max_buffered_bytes=1)
    with admission.long_slots, admission.long_slots:
        assert admission.slots.in_progress == 2
        with pytest.raises(OverloadedError):
            admission.long_slots.check()
        with pytest.raises(OverloadedError), admission.long_slots:
            pytest.fail("there was no slot")
        assert admission.slots.in_progress == 2
        admission.slots.check()
    assert (admission.slots.in_progress, admission.long_slots.in_progress) == (0, 0)


def test_short_requests_may_fill_it_and_then_no_long_one_enters() -> None:
    admission = Admission(max_concurrent_requests=2, max_buffered_bytes=1)
    with admission.slots, admission.slots, pytest.raises(OverloadedError):
        admission.long_slots.check()


def test_one_slot_is_for_long_requests_too() -> None:
    with Admission(max_concurrent_requests=1, max_buffered_bytes=1).long_slots:
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


def test_it_costs_next_to_nothing() -> None:
    slots, n_requests = Slots(1), 10_000
    began = time.process_time()
    for _ in range(n_requests):
        slots.check()
        with slots:
            pass
    assert (time.process_time() - began) / n_requests < 50e-6


def test_refusals_are_held_back_so_that_they_come_less_often() -> None:
    async def seconds_until_refused(admission: Admission) -> float:
        began = time.monotonic()
        with pytest.raises(OverloadedError):
            await admission.admit(admission.slots)
        return time.monotonic() - began

    async def refuse(n_requests: int) -> list[float]:
        admission = Admission(max_concurrent_requests=1, max_buffered_bytes=1)
        await admission.admit(admission.slots)
        with admission.slots:
            refusals = [seconds_until_refused(admission) for _ in range(n_requests)]
            return await asyncio.gather(*refusals)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(admission_module, "MOST_HELD_BACK", 3)
        waits = asyncio.run(refuse(5))
    assert [seconds >= 0.9 * REFUSAL_SECONDS for seconds in waits] == [True] * 3 + [False] * 2


def test_what_is_held_back_and_goes_away_is_held_back_no_more() -> None:
    async def go_away() -> None:
        admission = Admission(max_concurrent_requests=1, max_buffered_bytes=1)
        with admission.slots:
            for _ in range(2):
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(admission.admit(admission.slots), 0.001)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(admission_module, "MOST_HELD_BACK", 1)
        asyncio.run(go_away())
