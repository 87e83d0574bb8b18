"""``make bench ARGS=tracing``: the CPU that traces take, in process and in pairs of one round.

Two applications in one process take turns with the same hundred requests, eight at a time: one with
traces and one without. Of a turn's repetitions the fastest counts, for others use the machine too.
The thread that exports is counted beside them, over the whole run.
"""

import os
from asyncio import gather, run
from collections.abc import Sequence
from contextlib import nullcontext
from itertools import zip_longest
from math import inf
from statistics import median, quantiles
from time import process_time, thread_time
from typing import Annotated, Final, NamedTuple
from unittest.mock import patch

import typer
from prometheus_client import CollectorRegistry
from rich.table import Table
from starlette.types import ASGIApp, Message

from service.app import create_app
from service.model import load_classifier
from service.observability.tracing.startup import ENDPOINTS, start_tracing
from service.settings import ServiceSettings
from tests.benchmarks.comparison import check_wrk, console, describe_machine
from tests.benchmarks.corpus import ROOT, classify_bodies
from tests.benchmarks.harness import load, running
from tests.benchmarks.ratio import SERVED
from tests.benchmarks.targets import NO_OP

CONCURRENCY: Final = 8
TURN: Final = 100
"""Requests in a turn."""
SERVED_ROUNDS: Final = 6
"""The first warms up."""
SAMPLED: Final = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
NOT_SAMPLED: Final = SAMPLED[:-1] + b"0"
CASES: Final[dict[str, tuple[str, list[bytes]]]] = {
    "without, again": ("", []),
    "none sampled": ("parentbased_always_off", []),
    "1 % sampled": ("parentbased_always_off", [SAMPLED, *[NOT_SAMPLED] * (TURN - 1)]),
    "all sampled": ("parentbased_always_on", []),
}
"""Sampler, or nothing for no traces; and the ``traceparent`` of each request of a turn."""


class Figures(NamedTuple):
    """CPU time in µs a request; of each turn the least of its repetitions."""

    without: list[float]
    traced: list[float]
    exporter: float


def main(
    repetitions: Annotated[int, typer.Option(min=1, help="Of each turn.")] = 20,
) -> None:
    """Compare the CPU of a request with traces to that without."""
    check_wrk()
    table = Table(title=f"µs of CPU a request, median of turns (quartiles), {describe_machine()}")
    for column in ("", "without", "added", "by the exporter", "added in process", "to a response"):
        table.add_column(column, justify="right" if column else "left")
    for name in CASES:
        table.add_row(name, *cells(measure(name, repetitions), served_microseconds()))
    console.print(table)


def cells(figures: Figures, served: float) -> list[str]:
    """Return the cells of a row: medians over the pairs, the quartiles in brackets.

    The last is the share of a request that is served over HTTP, ``served`` µs of CPU.
    """
    low, without, high = _quartiles(figures.without)
    pairs = zip(figures.traced, figures.without, strict=True)
    least, added, most = _quartiles([traced - without for traced, without in pairs])
    in_all = added + figures.exporter
    return [
        f"{without:.0f} ({low:.0f} to {high:.0f})",
        f"{added:.1f} ({least:.1f} to {most:.1f})",
        f"{figures.exporter:.1f}",
        f"{in_all / without:.1%}",
        f"{in_all / served:.1%} of {served:.0f}",
    ]


def served_microseconds() -> float:
    """Return the CPU time of a request over HTTP without traces."""
    with running(SERVED) as server:
        results = [
            load(SERVED, server, seconds=2, connections=CONCURRENCY) for _ in range(SERVED_ROUNDS)
        ]
    return median(result.cpu_microseconds for result in results[1:])


def measure(name: str, repetitions: int) -> Figures:
    """Measure a case, with a collector in a process of its own."""
    sampler, traceparents = CASES[name]
    classifier = load_classifier(ROOT / "models" / "reuters")
    settings = ServiceSettings()
    with running(NO_OP) as collector:
        variables = {"OTEL_TRACES_SAMPLER": sampler, ENDPOINTS[0]: collector.url if sampler else ""}
        with patch.dict(os.environ, variables):
            tracing = start_tracing(os.environ)
        other = create_app(settings, classifier, CollectorRegistry(), tracing).asgi
        plain = create_app(settings, classifier, CollectorRegistry()).asgi
        began, own = process_time(), thread_time()
        with tracing or nullcontext():
            without, traced, n_requests = run(
                _take_turns([plain, other], traceparents, repetitions)
            )
        exporter = (process_time() - began) - (thread_time() - own)
    return Figures(without, traced, exporter / n_requests * 1e6)


async def _take_turns(
    apps: Sequence[ASGIApp], traceparents: Sequence[bytes], repetitions: int
) -> tuple[list[float], list[float], int]:
    """Return the least CPU time of each turn of both, in µs a request; and how many one served."""
    bodies = classify_bodies()
    turns = [bodies[at : at + TURN] for at in range(0, len(bodies) - TURN + 1, TURN)]
    times = [[inf] * len(turns) for _ in apps]
    for number in range(repetitions + 1):  # the first warms up
        for index, turn in enumerate(turns):
            requests = list(zip_longest(turn, traceparents))
            for which in (0, 1) if (number + index) % 2 else (1, 0):
                began = thread_time()
                for at in range(0, TURN, CONCURRENCY):
                    chunk = requests[at : at + CONCURRENCY]
                    await gather(*(_post(apps[which], *request) for request in chunk))
                if number:
                    spent = (thread_time() - began) / TURN * 1e6
                    times[which][index] = min(times[which][index], spent)
    return times[0], times[1], (repetitions + 1) * len(turns) * TURN


async def _post(app: ASGIApp, body: bytes, traceparent: bytes | None) -> None:
    scope = {
        "type": "http",
        "scheme": "http",
        "method": "POST",
        "path": "/classify",
        "query_string": b"",
        "headers": [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            *([(b"traceparent", traceparent)] if traceparent else []),
        ],
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            assert message["status"] == 200, message

    await app(scope, receive, send)


def _quartiles(values: Sequence[float]) -> list[float]:
    return quantiles(values, n=4, method="inclusive")
