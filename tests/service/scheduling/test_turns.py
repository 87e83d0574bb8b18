import asyncio

from service.scheduling.turns import TurnCounter


async def count_in_two_turns(counter: TurnCounter) -> list[bool]:
    seen = []
    for _ in range(2):
        for _ in range(3):
            seen.append(counter.has_reached(2))
            counter.count()
        await asyncio.sleep(0)
    return seen


def test_counts_begin_again_in_each_turn() -> None:
    assert asyncio.run(count_in_two_turns(TurnCounter())) == [False, False, True] * 2


def test_each_event_loop_has_its_own_counts() -> None:
    counter = TurnCounter()

    async def count() -> None:  # the loop ends within the turn
        counter.count()
        counter.count()

    asyncio.run(count())
    assert asyncio.run(count_in_two_turns(counter)) == [False, False, True] * 2
