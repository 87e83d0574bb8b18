import asyncio
from collections import Counter

import pytest

from tests.benchmarks.harness import running
from tests.benchmarks.targets import OURS
from tests.reliability.soak import STRETCHES, WARM, Soak, Stretch, broken, describe

RATE = 100
SECONDS = 12


def test_short_soak() -> None:
    async def run(soak: Soak) -> list[str]:
        stretches = [stretch async for stretch in soak.run(RATE)]
        return [describe(number, stretch, 1) for number, stretch in enumerate(stretches, 1)]

    with running(OURS) as server:
        soak = Soak(server, SECONDS / STRETCHES)
        lines = asyncio.run(run(soak))
    assert len(lines) == STRETCHES
    assert sum(len(stretch.latencies) for stretch in soak.stretches) > 100
    # so short a run is all warm-up
    assert broken(soak.stretches, most_growth=1) == []


def stretches() -> list[Stretch]:
    return [
        Stretch(own_megabytes=[80, 80], descriptors=[20, 21], threads=[7, 7])
        for _ in range(STRETCHES)
    ]


def test_steady_state_passes() -> None:
    assert broken(stretches(), most_growth=0.02) == []


@pytest.mark.parametrize(
    ("last", "message"),
    [
        (Stretch(own_megabytes=[82], descriptors=[20], threads=[7]), "memory grew by 2.50%"),
        (Stretch(own_megabytes=[80], descriptors=[25], threads=[7]), "descriptors: from 20 to 25"),
        (Stretch(own_megabytes=[80], descriptors=[20], threads=[8]), "threads: from 7 to 8"),
    ],
)
def test_growth_is_found(last: Stretch, message: str) -> None:
    (found,) = broken([*stretches()[:-1], last], most_growth=0.02)
    assert found.startswith(message)


def test_growth_during_warm_up_is_ignored() -> None:
    before = [Stretch(own_megabytes=[40], descriptors=[9], threads=[3]) for _ in range(WARM)]
    assert broken([*before, *stretches()[WARM:]], most_growth=0.02) == []


def test_unexpected_responses_are_found() -> None:
    seen = stretches()
    seen[3].unexpected = Counter({"short: 500": 2})
    assert broken(seen, most_growth=0.02) == ["2 times short: 500"]
