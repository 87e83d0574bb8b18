"""The tables of the README are those that the benchmarks wrote."""

import json

import pytest

from tests.benchmarks.comparison import COLUMNS, cells
from tests.benchmarks.peers import PEERS
from tests.benchmarks.targets import FAMILY, OURS
from tests.conftest import ROOT
from tests.test_documentation import rows

ROWS = r"no-op|floor|ours.*|LitServe|MLServer.*|BentoML|Ray Serve|FastAPI \+ Keras predict"
RECORDS = {"benchmark": FAMILY, "benchmark_peers": (OURS, *PEERS)}


@pytest.mark.parametrize("name", RECORDS)
def test_the_readme_shows_the_record(name: str) -> None:
    record = json.loads((ROOT / "docs" / f"{name}.json").read_text())
    assert list(record["rows"]) == [target.name for target in RECORDS[name]]
    documented = list(rows(ROWS))
    for target, figures in record["rows"].items():
        assert (target, *cells(figures)) in documented
        assert figures["failed"] == 0


def test_the_readme_names_machine_and_day() -> None:
    readme = " ".join((ROOT / "README.md").read_text().split())
    for name in RECORDS:
        record = json.loads((ROOT / "docs" / f"{name}.json").read_text())
        assert f"{record['machine']}, {record['connections']} connections" in readme
    assert len(COLUMNS) == 7
