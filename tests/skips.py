"""In CI a skipped test fails."""

import os
from collections.abc import Generator, Mapping
from typing import Any, Final

import pytest

ALLOWED: Final[Mapping[str, str]] = {
    "Grafana's image cannot be had here": "no other image stands in for it, where none is reached",
    "Jaeger's image cannot be had here": "tests/service/test_traces.py has a receiver of its own",
    "Keras' own files rank words of equal frequency in another order": "the other files pass it",
    "the sets of modern news are not here": "they may not be redistributed",
}
"""Reasons for which a test may be skipped in CI, each with its justification."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Fail a test that was skipped."""
    return _fail_if_skipped((yield))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    """Fail a module that was skipped whole."""
    return _fail_if_skipped((yield))


def _fail_if_skipped(
    report: pytest.TestReport | pytest.CollectReport,
) -> pytest.TestReport | pytest.CollectReport:
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        told = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = told.removeprefix("Skipped: ")
        if reason not in ALLOWED:
            report.outcome = "failed"
            report.longrepr = f"CI may not skip this test, but did: {reason}"
    return report
