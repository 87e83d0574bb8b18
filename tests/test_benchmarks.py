"""The tables of the README are those that the benchmarks wrote; what these start exists."""

import json
import re
from importlib.util import find_spec

import pytest

from tests.benchmarks.comparison import COLUMNS, cells
from tests.benchmarks.harness import WRK_SCRIPT
from tests.benchmarks.peers import PEERS
from tests.benchmarks.targets import FAMILY, OURS, SERVERS, Target
from tests.conftest import ROOT
from tests.test_documentation import rows

ROWS = r"no-op|floor|ours.*|LitServe|MLServer.*|BentoML|Ray Serve|FastAPI \+ .*"
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
