import asyncio
from collections.abc import Sequence

import pytest

from service.scheduling.admission import Slots
from service.scheduling.batching import Answer, Gathering


class Recorder:
    """Answers a body with its capitals; what starts with ``!`` fails."""

    def __init__(self) -> None:
        self.turns: list[list[bytes]] = []

    def __call__(self, bodies: Sequence[bytes]) -> list[Answer]:
        self.turns.append(list(bodies))
        return [KeyError(body) if body.startswith(b"!") else body.upper() for body in bodies]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


async def answer_all(gathering: Gathering, *bodies: bytes) -> list[bytes | BaseException]:
    return await asyncio.gather(*map(gathering.answer, bodies), return_exceptions=True)


def test_what_comes_together_is_answered_together(recorder: Recorder) -> None:
    answers = asyncio.run(
        answer_all(Gathering(recorder, Slots(9), max_bytes=100), b"a", b"b", b"c")
    )
    assert answers == [b"A", b"B", b"C"]
    assert recorder.turns == [[b"a", b"b", b"c"]]


def test_nobody_waits_for_others(recorder: Recorder) -> None:
    async def one_after_the_other() -> None:
        gathering = Gathering(recorder, Slots(9), max_bytes=100)
        for body in (b"a", b"b"):
            assert await gathering.answer(body) == body.upper()

    asyncio.run(one_after_the_other())
    assert recorder.turns == [[b"a"], [b"b"]]


def test_a_turn_is_bounded(recorder: Recorder) -> None:
    bodies = (b"aaaa", b"bb", b"c", b"dddddddd", b"e")
    answers = asyncio.run(answer_all(Gathering(recorder, Slots(9), max_bytes=6), *bodies))
    assert answers == [body.upper() for body in bodies]
    assert recorder.turns == [[b"aaaa", b"bb"], [b"c"], [b"dddddddd"], [b"e"]]


def test_others_have_their_turn_in_between(recorder: Recorder) -> None:
    async def watch() -> list[int]:
        loop = asyncio.get_running_loop()
        seen: list[int] = []

        def look() -> None:
            seen.append(len(recorder.turns))
            if len(seen) < 6:
                loop.call_soon(look)

        loop.call_soon(look)
        await answer_all(Gathering(recorder, Slots(9), max_bytes=1), b"a", b"b", b"c")
        return seen

    seen = asyncio.run(watch())
    assert {1, 2} <= set(seen)


def test_each_fails_by_itself(recorder: Recorder) -> None:
    first, failed, last = asyncio.run(
        answer_all(Gathering(recorder, Slots(9), max_bytes=100), b"a", b"!b", b"c")
    )
    assert (first, last) == (b"A", b"C")
    assert isinstance(failed, KeyError)


def test_nobody_is_left_waiting() -> None:
    def break_down(bodies: Sequence[bytes]) -> list[Answer]:
        raise KeyError(len(bodies))

    outcomes = asyncio.run(answer_all(Gathering(break_down, Slots(9), max_bytes=100), b"a", b"b"))
    assert [type(outcome) for outcome in outcomes] == [KeyError, KeyError]


def test_who_went_away_is_left_out(recorder: Recorder) -> None:
    async def leave() -> bytes:
        gathering = Gathering(recorder, Slots(9), max_bytes=100)
        leaving = asyncio.create_task(gathering.answer(b"a"))
        staying = asyncio.create_task(gathering.answer(b"b"))
        await asyncio.sleep(0)
        leaving.cancel()
        return await staying

    assert asyncio.run(leave()) == b"B"
