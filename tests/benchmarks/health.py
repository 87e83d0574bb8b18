"""``make bench ARGS=health``: the latency of health checks under long texts and batches."""

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from typing import Annotated
from urllib.parse import urlsplit

import numpy as np
import typer

from tests.benchmarks.comparison import check_wrk, console
from tests.benchmarks.corpus import joined, released_corpus
from tests.benchmarks.harness import Server, load, running
from tests.benchmarks.targets import BATCHES, OURS, Target

LONGEST_TEXT = 1_000_000
PAUSE_SECONDS = 0.01


def main(
    seconds: Annotated[int, typer.Option(min=2, help="How long each load lasts.")] = 8,
    connections: Annotated[int, typer.Option(min=1)] = 4,
) -> None:
    """Probe a worker that is loaded with the longest texts, and with batches of 256."""
    check_wrk()
    longest = replace(OURS, name="texts of 1 MB", bodies=longest_bodies)
    for target in (longest, BATCHES):
        with running(target) as server, ThreadPoolExecutor(1) as pool:
            probes = pool.submit(probe, server, seconds)
            load(target, server, seconds=seconds, connections=connections)
            show(target, probes.result())


@cache
def longest_bodies() -> list[bytes]:
    """Return the texts of the corpus, joined to a million characters and from different starts."""
    text = "\n".join(map(joined, released_corpus()))
    starts = range(0, len(text) - LONGEST_TEXT, LONGEST_TEXT // 8)
    return [json.dumps({"text": text[at : at + LONGEST_TEXT]}).encode() for at in starts]


def probe(server: Server, seconds: int) -> list[float]:
    """Send health checks until the load ends; return their latencies in milliseconds."""
    waits = []
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.perf_counter()
        connection.request("GET", "/health/live")
        connection.getresponse().read()
        waits.append((time.perf_counter() - began) * 1e3)
        time.sleep(PAUSE_SECONDS)
    return waits


def show(target: Target, waits: list[float]) -> None:
    """Print how long health checks waited."""
    median, high = np.quantile(waits, [0.5, 0.99])
    console.print(
        f"{target.name}: {len(waits)} health checks, "
        f"p50 {median:.1f} ms, p99 {high:.1f} ms, longest {max(waits):.1f} ms",
        highlight=False,
    )
