"""The cells of ``make bench ARGS=tracing``, and the turns that it measures."""

from asyncio import run
from collections import Counter

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.benchmarks import tracing
from tests.benchmarks.tracing import CASES, NOT_SAMPLED, SAMPLED, TURN, Figures, cells


def test_the_median_of_the_differences_and_the_exporter_are_added() -> None:
    figures = Figures([100.0, 200.0, 300.0], [101.0, 203.0, 302.0], exporter=2.0)
    assert cells(figures, served=400.0) == [
        "200 (150 to 250)",
        "2.0 (1.5 to 2.5)",
        "2.0",
        "2.0%",
        "1.0% of 400",
    ]


def test_both_serve_the_same_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    served: tuple[Counter[bytes], Counter[bytes]] = (Counter(), Counter())
    flags: Counter[bytes | None] = Counter()

    def application(which: int) -> ASGIApp:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            served[which][(await receive())["body"]] += 1
            flags[dict(scope["headers"]).get(b"traceparent")] += 1

        return app

    bodies = [b"%d" % number for number in range(2 * TURN)]
    monkeypatch.setattr(tracing, "classify_bodies", lambda: bodies)
    _, traceparents = CASES["1 % sampled"]
    apps = [application(0), application(1)]
    without, traced, n_requests = run(tracing._take_turns(apps, traceparents, 2))
    assert served[0] == served[1] == Counter(dict.fromkeys(bodies, 3))
    assert flags == {SAMPLED: 12, NOT_SAMPLED: 12 * (TURN - 1)}
    assert len(without) == len(traced) == 2
    assert n_requests == 3 * len(bodies)
    assert max(without) < 1e6
