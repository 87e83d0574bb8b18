"""The tables of benchmarks, from the records that ``make bench`` wrote."""

import json
from typing import Any, Final

from tests.benchmarks.comparison import COLUMNS, cells
from tests.conftest import ROOT
from tests.docs.markdown import block, table, wrap

FAMILY: Final = "benchmark"
PEERS: Final = "benchmark_peers"
OURS: Final = "ours"
FLOOR: Final = "floor"
SHORT: Final = (
    *(OURS, FLOOR, "FastAPI + fastText", "FastAPI + scikit-learn"),
    *("MLServer", "BentoML", "Ray Serve"),
)
"""Rows of the short table."""
NAMES: Final = {OURS: "newswire-topics", FLOOR: "FastAPI, a constant response"}


def record(name: str) -> dict[str, Any]:
    """Return a record of a benchmark."""
    found: dict[str, Any] = json.loads((ROOT / "docs" / f"{name}.json").read_text())
    return found


def family() -> str:
    """Return the service beside a no-op server and the framework alone."""
    return _full(FAMILY)


def peers() -> str:
    """Return the service beside other model servers."""
    return _full(PEERS)


def _full(name: str) -> str:
    found = record(name)
    header = [f"{found['connections']} connections", *(title for title, _ in COLUMNS.values())]
    rows = ((target, *cells(figures)) for target, figures in found["rows"].items())
    return block(_sentence(found), table(header, rows))


def _sentence(found: dict[str, Any]) -> str:
    return (
        f"Measured on {found['measured']}: {found['machine']}, {found['connections']} connections, "
        f"medians of {found['rounds']} rounds of {found['seconds']} seconds."
    )


def short_table() -> str:
    """Return requests/s and CPU time of few rows beside the service."""
    found = record(PEERS)
    ours = found["rows"][OURS]["cpu_microseconds"]
    rows = [
        (
            NAMES.get(target, target),
            f"{figures['requests_per_second']:,.0f}",
            f"{figures['cpu_microseconds']:,.0f}",
            f"{figures['cpu_microseconds'] / ours:.1f}",
        )
        for target in SHORT
        for figures in (found["rows"][target],)
    ]
    header = ("server", "requests/s", "CPU µs a request", "CPU, ours = 1")
    return block(table(header, rows), wrap(_sentence(found)))
