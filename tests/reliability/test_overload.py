"""Short: statuses, and that nothing is lost. ``make try-overload`` holds it to its bounds."""

import pytest

from tests.end_to_end.running_service import RunningService
from tests.reliability.generator import H2LOAD, Requests, send
from tests.reliability.overload import OVERLOAD, figures, probe

pytestmark = pytest.mark.skipif(H2LOAD is None, reason="h2load makes the load: nghttp2-client")


@pytest.fixture(scope="module")
def loads() -> tuple[Requests, Requests, Requests, list[float]]:
    """Honest, too much, and after it, with health checks."""
    with RunningService(
        NEWSWIRE_MAX_CONCURRENT_REQUESTS="16", NEWSWIRE_LOG_LEVEL="warning"
    ) as service:
        root = f"http://127.0.0.1:{service.port}"
        url = f"{root}/classify"
        honest = send(url, seconds=1, connections=16)
        rate = OVERLOAD * honest.rate(200)
        much = send(url, seconds=2, connections=64, rate=rate)
        waits = probe(root, 0.5)
        after = send(url, seconds=1, connections=4, rate=100)
        assert "newswire_requests_in_progress 0.0" in service.client.get("/metrics").text
    return honest, much, after, waits


def test_what_is_too_much_is_refused_and_nothing_is_lost(
    loads: tuple[Requests, Requests, Requests, list[float]],
) -> None:
    honest, much, after, _ = loads
    assert set(honest.counts()) == {200}
    assert set(much.counts()) == {200, 429}
    assert set(after.counts()) == {200}


def test_each_figure_is_told(loads: tuple[Requests, Requests, Requests, list[float]]) -> None:
    honest, much, after, waits = loads
    shown = figures(honest, after, much, after, waits)
    assert len({figure.name for figure in shown}) == len(shown)
    assert all(figure.holds for figure in shown if figure.bound.startswith("only"))
    worse = figures(much, after, much, much, [1e6])
    assert sum(not figure.holds for figure in worse) >= 3
