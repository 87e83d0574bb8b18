import asyncio

import pytest

from service.scheduling.timeouts import Timeout


async def wait(deadline: Timeout, seconds: float) -> str:
    with deadline:
        await asyncio.sleep(seconds)
    return "done"


def test_block_beyond_the_timeout_is_ended() -> None:
    async def both() -> tuple[str | BaseException, str | BaseException]:
        deadline = Timeout(0.2)
        return await asyncio.gather(
            wait(deadline, 60), wait(deadline, 0.01), return_exceptions=True
        )

    late, quick = asyncio.run(both())
    assert isinstance(late, TimeoutError)
    assert quick == "done"


def test_each_has_its_own_time() -> None:
    async def one_after_the_other() -> list[str]:
        deadline = Timeout(1)
        return [await wait(deadline, 0.3) for _ in range(5)]

    assert asyncio.run(one_after_the_other()) == ["done"] * 5


def test_cancellation_by_others_is_passed_on() -> None:
    async def cancel() -> None:
        task = asyncio.create_task(wait(Timeout(60), 60))
        await asyncio.sleep(0.01)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancel())


def test_both_at_once_is_a_cancellation() -> None:
    async def cancel() -> None:
        deadline = Timeout(0.1)
        task = asyncio.create_task(wait(deadline, 60))
        await asyncio.sleep(0.01)
        asyncio.get_running_loop().call_later(0.1, task.cancel)
        while not task.cancelling():
            await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancel())


def test_task_continues_after_its_timeout() -> None:
    async def go_on() -> int:
        deadline = Timeout(0.05)
        for _ in range(2):
            with pytest.raises(TimeoutError):
                await wait(deadline, 60)
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    assert asyncio.run(go_on()) == 0


def test_it_serves_one_event_loop_after_the_other() -> None:
    deadline = Timeout(0.05)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            asyncio.run(wait(deadline, 60))


def test_no_check_without_waiting_tasks() -> None:
    async def count_looks() -> int:
        deadline = Timeout(0.1)
        await wait(deadline, 0)
        await asyncio.sleep(0.05)
        loop = asyncio.get_running_loop()
        return sum(not handle.cancelled() for handle in loop._scheduled)  # type: ignore[attr-defined]

    assert asyncio.run(count_looks()) == 0
