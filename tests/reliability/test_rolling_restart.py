import asyncio
import signal

from tests.reliability.rolling_restart import Stops

SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGTERM]


def test_rolling_restart_loses_no_request() -> None:
    stops = Stops()
    asyncio.run(stops.run(SIGNALS))
    assert stops.holds, stops.report()
    assert stops.statuses == {0: len(SIGNALS)}
    for kind, tally in stops.fleet.tallies.items():
        assert tally.asked > 100, kind
    # who stays to the end has to; the others need not
    assert stops.fleet.tallies["leaving"].asked_again == 0


def test_killed_worker_loses_requests() -> None:
    """So what is counted as failed can be seen to be counted."""
    stops = Stops()
    asyncio.run(stops.run([signal.SIGKILL]))
    assert not stops.holds
    assert stops.fleet.tallies["leaving"].failed
