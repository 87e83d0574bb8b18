"""The metrics of the service, the recording rules and the alerts."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from service.observability.metrics import ServiceMetrics
from tests.conftest import ROOT
from tests.docs.markdown import block, code, codes, load_yaml, slug, table
from tests.docs.served_app import classifier

ALERTS: Final = "deploy/prometheus/rules/alerts.yml"
RECORDING: Final = "deploy/prometheus/rules/recording.yml"
RUNBOOK: Final = "../how-to/respond-to-alerts.md"
SUFFIXES: Final = {"counter": "_total", "info": "_info"}
TEMPLATES: Final = {r"\{\{ \$labels\.(\w+) \}\}": r"*\1*", r"\{\{ \$value[^}]*\}\}": "*value*"}
COMMENT: Final = re.compile(r"((?:^ *# .*\n)+) *- record: (\S+)", re.MULTILINE)


@cache
def _metrics() -> list[tuple[str, str, MetricWrapperBase, str]]:
    """Return name, type, metric and description of each metric."""
    metrics = ServiceMetrics(CollectorRegistry())
    metrics.set_model(classifier())
    found = []
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            (family,) = metric.describe()
            name = family.name + SUFFIXES.get(family.type, "")
            found.append((name, family.type, metric, family.documentation))
    return found


def names() -> list[str]:
    """Return the names of the metrics."""
    return [name for name, *_ in _metrics()]


def table_of_metrics() -> str:
    """Return every metric: name, type, labels, description."""
    return block(
        table(
            ("metric", "type", "labels", "description"),
            (
                (code(name), kind, codes(_labels(kind, metric)), description)
                for name, kind, metric, description in _metrics()
            ),
        )
    )


def table_of_buckets() -> str:
    """Return the upper bounds of the buckets of every histogram."""
    return block(
        table(
            ("histogram", "upper bounds of the buckets"),
            (
                (code(name), ", ".join(f"{bound:,g}" for bound in _bounds(metric)))
                for name, kind, metric, _ in _metrics()
                if kind == "histogram"
            ),
        )
    )


def _labels(kind: str, metric: MetricWrapperBase) -> list[str]:
    if kind == "info":  # its value has its labels
        (family,) = metric.collect()
        return list(family.samples[0].labels)
    return list(metric._labelnames)


def _bounds(metric: Any) -> list[float]:
    bounds: list[float] = metric._kwargs.get("buckets") or metric._upper_bounds
    return [bound for bound in bounds if bound != float("inf")]


def rules(path: str) -> Iterator[dict[str, Any]]:
    """Yield the rules of a file for Prometheus."""
    content: Any = load_yaml(path)
    for group in content["groups"]:
        yield from group["rules"]


def table_of_alerts() -> str:
    """Return every alert: severity, how long its condition must hold, summary; with its runbook."""
    return block(
        table(
            ("alert", "severity", "for", "summary"),
            (
                (
                    f"[{rule['alert']}]({RUNBOOK}#{slug(rule['alert'])})",
                    rule["labels"]["severity"],
                    rule.get("for", "0"),
                    _fill(rule["annotations"]["summary"]),
                )
                for rule in rules(ALERTS)
            ),
        )
    )


def alert_names() -> list[str]:
    """Return the names of the alerts."""
    return [rule["alert"] for rule in rules(ALERTS)]


def _fill(summary: str) -> str:
    for template, replacement in TEMPLATES.items():
        summary = re.sub(template, replacement, summary)
    return summary


def recording_rules() -> dict[str, list[str]]:
    """Return the operations of each level and metric of the recording rules."""
    found: dict[str, list[str]] = {}
    for rule in rules(RECORDING):
        level, metric, operation = rule["record"].split(":")
        operations = found.setdefault(f"{level}:{metric}", [])
        if operation not in operations:
            operations.append(operation)
    return found


def table_of_recording_rules() -> str:
    """Return the recording rules; the comment before the first of a metric describes it."""
    comments: dict[str, str] = {}
    for comment, name in COMMENT.findall((ROOT / RECORDING).read_text()):
        text = " ".join(line.strip().removeprefix("# ") for line in comment.splitlines())
        comments.setdefault(name.rpartition(":")[0], text)
    return block(
        table(
            ("level and metric", "operations", "description"),
            (
                (code(name), codes(operations), comments[name])
                for name, operations in recording_rules().items()
            ),
        )
    )
