"""The records of the benchmarks are complete; what the benchmarks start exists."""

import re
from importlib.util import find_spec

import pytest

from tests.benchmarks.harness import WRK_SCRIPT
from tests.benchmarks.peers import PEERS
from tests.benchmarks.targets import FAMILY, FLOOR, OURS, SERVERS, Target
from tests.conftest import ROOT
from tests.docs import benchmarks

RECORDS = {"benchmark": FAMILY, "benchmark_peers": (OURS, FLOOR, *PEERS)}


@pytest.mark.parametrize("name", RECORDS)
def test_records_have_all_rows(name: str) -> None:
    """`tests.docs.benchmarks` writes them into docs/explanation/performance.md."""
    record = benchmarks.record(name)
    assert list(record["rows"]) == [target.name for target in RECORDS[name]]
    assert [target for target, figures in record["rows"].items() if figures["failed"]] == []


def test_short_table_has_the_rows_of_the_records() -> None:
    table = benchmarks.short_table()
    assert table.count("\n| ") == 1 + len(benchmarks.SHORT)
    ours = benchmarks.record(benchmarks.PEERS)["rows"]["ours"]["requests_per_second"]
    assert f"| newswire-topics | {ours:,.0f} |" in table


def test_the_walking_process_exists() -> None:
    assert find_spec(f"{SERVERS}.cache_pressure") is not None


def test_wrk_has_its_script() -> None:
    assert 'os.getenv("BENCH_BODIES")' in WRK_SCRIPT.read_text()


@pytest.mark.parametrize("target", [*FAMILY, *PEERS], ids=lambda target: target.name)
def test_modules_of_the_benchmarks_exist(target: Target) -> None:
    python, option, module, *_ = target.command
    assert (python, option) == ("python", "-m")
    assert find_spec(module) is not None
    if target in PEERS:
        venv = target.python.parents[1].name.removeprefix("peers-")
        assert (ROOT / "requirements" / "peers" / f"{venv}.txt").exists()
        assert venv in makefile_peers()


def makefile_peers() -> list[str]:
    """The peers whose environments the Makefile makes."""
    (names,) = re.findall(r"^PEERS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return str(names).split()


def test_every_pinned_peer_is_installed_by_the_makefile() -> None:
    pinned = [path.stem for path in (ROOT / "requirements" / "peers").glob("*.txt")]
    assert sorted(pinned) == sorted(makefile_peers())


@pytest.mark.parametrize("target", [*FAMILY, *PEERS], ids=lambda target: target.name)
def test_every_request_of_a_benchmark_fits_a_line(target: Target) -> None:
    assert not any(b"\n" in body for body in target.bodies())
