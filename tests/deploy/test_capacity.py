"""The capacity page has the figures that follow from the benchmark and the manifests.

``make docs-tables`` writes the first three tables; ``python -m tests.deploy.capacity`` prints the
rows of the others.
"""

import re
from typing import Final

import pytest

from tests.benchmarks.targets import FAMILY, OURS
from tests.conftest import ROOT
from tests.deploy import capacity
from tests.deploy.capacity import Plan, Row

PAGE: Final = (ROOT / "docs" / "explanation" / "capacity.md").read_text()
HOW: Final = "docs/explanation/capacity.md: python -m tests.deploy.capacity prints its rows"


def tables() -> list[list[Row]]:
    """The rows of the page's tables, without their heads."""
    found = re.findall(r"^\|[-|]+\|\n((?:\|.*\n)+)", PAGE, flags=re.MULTILINE)
    split = [[line.strip("|").split("|") for line in table.splitlines()] for table in found]
    return [[tuple(cell.strip() for cell in cells) for cells in table] for table in split]


@pytest.fixture(scope="module")
def plan() -> Plan:
    return Plan.load()


def test_there_are_five_tables() -> None:
    assert len(tables()) == 5


def test_bytes_and_samples(plan: Plan) -> None:
    """Nearly: how many digits a score has, and a path in a metric, differ between machines."""
    *_, network, scrape = tables()
    check_nearly(network, list(capacity.network_rows(capacity.new_client())))
    check_nearly(scrape, list(capacity.scrape_rows(plan, capacity.new_client())))


def check_nearly(shown: list[Row], expected: list[Row]) -> None:
    assert [row[0] for row in shown] == [row[0] for row in expected], HOW
    for row, right in zip(shown, expected, strict=True):
        assert numbers(row) == pytest.approx(numbers(right), rel=0.05, abs=1), HOW


def numbers(row: Row) -> list[float]:
    return [float(cell.replace(",", "")) for cell in row[1:]]


def test_text_states_the_basis_of_the_figures(plan: Plan) -> None:
    words = " ".join(PAGE.split())
    assert f"at {plan.utilisation * 100:.0f} % of the CPU" in words, HOW
    assert f"every {plan.scrape_seconds} seconds" in words, HOW
    assert f"at least {plan.least_replicas} replicas and at most {plan.most_replicas}" in words, HOW


def test_production_may_grow_as_far_as_the_page_says(plan: Plan) -> None:
    most = max(fleet.two_zones for fleet in capacity.fleets(OURS, plan))
    assert most <= plan.most_replicas, "raise maxReplicas of overlays/production"


def test_the_benchmark_has_the_rows() -> None:
    assert capacity.record().keys() == {target.name for target in FAMILY}


def test_fleets() -> None:
    """By hand: 2.8 cores' work at 70 %, three zones."""
    plan = Plan(0.7, 2, 10, cores=1, mebibytes=192, scrape_seconds=15)
    fleet = capacity.Fleet(1_000, 2.8, plan)
    assert (fleet.needed, fleet.run) == (4, 4)
    assert fleet.after_the_loss_of_a_zone == pytest.approx(1.4)  # two of four are left
    assert fleet.two_zones == 6  # two a zone
