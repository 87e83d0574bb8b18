"""``make reliability CASE=overload``: four times the load that a worker can take.

The latency of accepted requests stays low, the others are rejected at once, the health check
succeeds throughout, and afterwards the service is as before.
"""

import http.client
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer

from tests.benchmarks.comparison import describe_machine
from tests.end_to_end.running_service import RunningService
from tests.reliability.generator import WARM_UP_SECONDS, Requests, check_h2load, send
from tests.reliability.report import Figure, below, report

OVERLOAD: Final = 4
"""The load as a multiple of the capacity."""
QUIET: Final = 0.2
"""The share of the capacity that is a quiet load."""
HONEST_CONNECTIONS: Final = 16
"""A burst that is never rejected."""
QUIET_CONNECTIONS: Final = 4
STRETCH_SECONDS: Final = 10
"""Duration of the measurements of capacity and quiet load."""

SLOWER: Final = 5
"""Bound on the p99 of an overload, as a multiple of that of a quiet load."""
HEALTH_MILLISECONDS: Final = 50
PROBE_SECONDS: Final = 0.02
RECOVERY_SECONDS: Final = 1


def main(
    seconds: Annotated[int, typer.Option(min=2, help="How long the overload lasts.")] = 60,
    connections: Annotated[int, typer.Option(min=1, help="That make it.")] = 64,
) -> None:
    """Overload a worker, and see whether it keeps its bounds."""
    check_h2load()
    with RunningService(NEWSWIRE_LOG_LEVEL="warning") as service:
        root = f"http://127.0.0.1:{service.port}"
        url = f"{root}/classify"
        send(url, seconds=WARM_UP_SECONDS, connections=HONEST_CONNECTIONS)
        honest = send(url, seconds=STRETCH_SECONDS, connections=HONEST_CONNECTIONS)
        capacity = honest.rate(200)
        quiet = send_quietly(url, capacity)
        with ThreadPoolExecutor(1) as pool:
            probes = pool.submit(probe, root, seconds)
            much = send(url, seconds=seconds, connections=connections, rate=OVERLOAD * capacity)
            waits = probes.result()
        after = send_quietly(url, capacity)
    much, quiet = much.after(WARM_UP_SECONDS), quiet.after(WARM_UP_SECONDS)
    report(
        f"{OVERLOAD} times the capacity for {seconds} s: {describe_machine()}",
        figures(honest, quiet, much, after.after(RECOVERY_SECONDS), waits),
    )


def send_quietly(url: str, capacity: float) -> Requests:
    """Send a fifth of what can be answered."""
    return send(url, seconds=STRETCH_SECONDS, connections=QUIET_CONNECTIONS, rate=QUIET * capacity)


def probe(root: str, seconds: float) -> list[float]:
    """Send a health check every 20 ms; return the latencies in milliseconds."""
    waits = []
    ends = time.monotonic() + seconds
    with closing(http.client.HTTPConnection(urlsplit(root).netloc, timeout=30)) as connection:
        while (began := time.monotonic()) < ends:
            connection.request("GET", "/health/live")
            response = connection.getresponse()
            response.read()
            assert response.status == http.client.OK
            waits.append((time.monotonic() - began) * 1e3)
            time.sleep(max(0.0, began + PROBE_SECONDS - time.monotonic()))
    return waits


def figures(
    honest: Requests, quiet: Requests, much: Requests, after: Requests, waits: list[float]
) -> list[Figure]:
    """Hold what was measured to its bounds."""
    bound = SLOWER * quiet.quantile(0.99)
    return [
        Figure(f"answered a second, {HONEST_CONNECTIONS} connections", f"{honest.rate(200):,.0f}"),
        only(f"statuses, {HONEST_CONNECTIONS} connections", honest, {200}),
        Figure("p99, a fifth of that", f"{quiet.quantile(0.99):.1f} ms"),
        only("statuses, a fifth of that", quiet, {200}),
        Figure("sent a second, overload", f"{much.rate():,.0f}"),
        Figure("answered a second, overload", f"{much.rate(200):,.0f}"),
        only("statuses, overload", much, {200, 429}),
        below("p99 of those answered, overload", much.quantile(0.99), bound, "ms"),
        below(f"longest of {len(waits)} health checks", max(waits), HEALTH_MILLISECONDS, "ms"),
        only(f"statuses, {RECOVERY_SECONDS} s after it", after, {200}),
        below(f"p99, {RECOVERY_SECONDS} s after it", after.quantile(0.99), bound, "ms"),
    ]


def only(name: str, requests: Requests, statuses: set[int]) -> Figure:
    """Return a figure with the counts of statuses; only some are allowed."""
    counts = requests.counts()
    shown = ", ".join(f"{status}: {count:,}" for status, count in counts.items())
    holds = bool(counts) and set(counts) <= statuses
    return Figure(name, shown, f"only {' and '.join(map(str, sorted(statuses)))}", holds)


if __name__ == "__main__":
    typer.run(main)
