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
SHORT: Final = {
    FAMILY: (OURS, FLOOR),
    PEERS: (OURS, *(f"FastAPI + {name}" for name in ("fastText", "scikit-learn"))),
}
"""Rows of the short table by run, without the model servers."""
MODEL_SERVERS: Final = ("MLServer", "BentoML", "Ray Serve")
NAMES: Final = {OURS: "newswire-topics", FLOOR: "FastAPI alone, constant response"}


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
    """Return requests/s and CPU time of few rows, and the CPU time as a ratio to ours.

    The rows are of two runs, which only the ratio may compare.
    """
    rows = []
    for run, name in enumerate((FAMILY, PEERS), 1):
        found = record(name)["rows"]
        targets = (*SHORT[name], *(MODEL_SERVERS if name == PEERS else ()))
        for target in targets:
            figures = found[target]
            ratio = figures["cpu_microseconds"] / found[OURS]["cpu_microseconds"]
            rows.append(
                (
                    NAMES.get(target, target),
                    str(run),
                    f"{figures['requests_per_second']:,.0f}",
                    f"{figures['cpu_microseconds']:,.0f}",
                    f"{ratio:.1f}",
                )
            )
    header = ("server", "run", "requests/s", "CPU µs a request", "CPU, ours = 1")
    sentences = (f"Run {run}: {_sentence(record(name))}" for run, name in enumerate(SHORT, 1))
    return block(table(header, rows), wrap(" ".join(sentences)))
