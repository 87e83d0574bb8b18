"""The ratios of `make bench ARGS=ratio`, and the process that shares the caches."""

import os
from pathlib import Path

from tests.benchmarks import ratio
from tests.benchmarks.harness import Result


def figures(cpu_microseconds: float) -> Result:
    return Result(1_000.0, 1_000.0, 1.0, 2.0, cpu_microseconds, 100.0, 1.0, failed=0)


def test_a_ratio_is_the_median_over_pairs() -> None:
    """The ratio of the medians would be 100 / 125: rounds differ, and pairs do not."""
    pairs = [(figures(ours), figures(floor)) for ours, floor in ((100, 125), (50, 100), (400, 400))]
    assert ratio.show_ratio(pairs, "cpu_microseconds") == "0.80 (0.65 to 0.90)"
    assert ratio.show_ratio(pairs, "p99") == "1.00 (1.00 to 1.00)"


def test_the_process_that_walks_memory_ends_with_the_benchmark() -> None:
    before = children()
    with ratio.walking():
        assert len(children() - before) == 1
    assert children() == before


def children() -> set[str]:
    return set(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())
