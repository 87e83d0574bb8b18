"""Dashboard, rules and alerts: they are well formed, and read only what is there to be read.

That each expression answers is for a running Prometheus to say: tests/compose.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from service.observability.metrics import ServiceMetrics, make_registry
from tests.conftest import ROOT
from tests.deploy.expressions import (
    DASHBOARD,
    DEPLOY,
    PROMETHEUS,
    alert_expressions,
    load_dashboard,
    load_panels,
    load_rules,
    metric_names,
    panel_expressions,
    rule_expressions,
)

OF_PROMETHEUS = {"up", "ALERTS"}
GRAFANA = DEPLOY / "grafana" / "provisioning"
COLUMNS = 24
PROMTOOL = os.environ.get("PROMTOOL") or shutil.which("promtool")

ALERTS = [rule for rule in load_rules() if "alert" in rule]
PANELS = load_panels()
EXPRESSIONS = panel_expressions() + rule_expressions() + alert_expressions()


def ids_of(expressions: list[tuple[str, str]]) -> list[str]:
    return [name for name, _ in expressions]


# The dashboard


def as_grafana_reads(dashboard: dict[str, Any]) -> Any:
    register_default_plugins()
    return json.loads(JSONEncoder().encode(Dashboard.from_json(dashboard)))


def lost(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Name what is not the same after reading: Grafana's types leave out what they do not know."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            yield from lost(value, after.get(key), f"{path}/{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for position, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from lost(old, new, f"{path}/{position}")
    elif before != after:
        yield f"{path}: {before} is read as {after}"


def test_grafana_knows_every_field_of_the_dashboard() -> None:
    dashboard = load_dashboard()
    assert list(lost(dashboard, as_grafana_reads(dashboard))) == []


def test_a_field_that_grafana_does_not_know_is_seen() -> None:
    dashboard = load_dashboard()
    dashboard["panels"][1]["options"]["colourMode"] = "value"
    assert list(lost(dashboard, as_grafana_reads(dashboard))) == [
        "/panels/1/options/colourMode: value is read as None"
    ]


def test_dashboard_is_formatted() -> None:
    """Sorted and indented, as Grafana exports it, so that a change shows as what it is."""
    written = json.dumps(load_dashboard(), indent=1, sort_keys=True, ensure_ascii=False)
    assert DASHBOARD.read_text() == written + "\n"


def test_panels_have_unique_ids_and_do_not_overlap() -> None:
    panels = load_dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells: dict[tuple[int, int], str] = {}
    for panel in panels:
        grid = panel["gridPos"]
        assert grid["x"] + grid["w"] <= COLUMNS, panel["title"]
        for x in range(grid["x"], grid["x"] + grid["w"]):
            for y in range(grid["y"], grid["y"] + grid["h"]):
                assert (x, y) not in cells, f"{panel['title']} covers {cells[x, y]}"
                cells[x, y] = panel["title"]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_panels_have_descriptions(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["targets"]
    known = {unit for unit in vars(units).values() if isinstance(unit, str)}
    defaults = panel["fieldConfig"]["defaults"]
    unit = defaults.get("unit") or panel["options"]["yAxis"]["unit"]
    assert unit in known
    for asked in [panel, *panel["targets"]]:
        assert asked["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    references = [target["refId"] for target in panel["targets"]]
    assert len(set(references)) == len(references)
    values = [step["value"] for step in defaults.get("thresholds", {}).get("steps", [])]
    assert values[:1] in ([], [None])
    assert values[1:] == sorted(values[1:])


def test_the_dashboard_finds_its_data_source() -> None:
    (source,) = load(GRAFANA / "datasources" / "prometheus.yml")["datasources"]
    choice, _ = load_dashboard()["templating"]["list"]
    assert choice["current"] == {"text": source["name"], "value": source["uid"]}
    assert choice["query"] == source["type"]
    interval = load(PROMETHEUS / "prometheus.yml")["global"]["scrape_interval"]
    assert source["jsonData"]["timeInterval"] == interval


def test_the_dashboard_is_provisioned() -> None:
    (provider,) = load(GRAFANA / "dashboards" / "newswire.yml")["providers"]
    assert provider["type"] == "file"
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"
    assert [path.name for path in DASHBOARD.parent.iterdir()] == ["newswire.json"]


# Expressions


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        (
            'sum by (le) (rate(a_bucket{b="c }"}[5m])) / on (x) group_left () j:e:f',
            "a_bucket j:e:f",
        ),
        ("1e6 * a or on () vector(NaN) # b", "a"),
        ('label_replace(a, "b", "$1", "c", "(.*)") and on (d) e >= bool 200', "a e"),
        ("count(count by (x) (a)) > 0.5 unless sum(b offset 5m)", "a b"),
    ],
)
def test_names_of_series(expression: str, names: str) -> None:
    assert metric_names(expression) == set(names.split())


@pytest.mark.parametrize(("name", "expression"), EXPRESSIONS, ids=ids_of(EXPRESSIONS))
def test_expressions_use_existing_metrics(name: str, expression: str) -> None:
    names = metric_names(expression)
    assert names
    recorded = {record for record, _ in rule_expressions()}
    assert names <= declared_series() | recorded | OF_PROMETHEUS, name


def test_recorded_rules_are_used() -> None:
    read = set().union(*(metric_names(expression) for _, expression in EXPRESSIONS))
    assert {record for record, _ in rule_expressions()} <= read


def declared_series() -> set[str]:
    registry = make_registry()
    ServiceMetrics(registry)
    suffixes = {
        "counter": ["_total"],
        "histogram": ["_bucket", "_count", "_sum"],
        "info": ["_info"],
    }
    return {
        family.name + suffix
        for family in registry.collect()
        for suffix in suffixes.get(family.type, [""])
    }


# Alerts


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_alerts_have_severity_and_annotations(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in {"page", "ticket"}
    assert set(alert["annotations"]) == {"summary", "description", "runbook"}
    for text in alert["annotations"].values():
        assert text.endswith(".")
    runbook = alert["annotations"]["runbook"]
    assert runbook.startswith("Check ")
    assert runbook.endswith(f"See {alert['alert']} in docs/how-to/respond-to-alerts.md.")


def test_every_alert_has_its_section() -> None:
    page = (ROOT / "docs" / "how-to" / "respond-to-alerts.md").read_text()
    sections = re.findall(r"^## (\w+)\n\n\*(page|ticket)\.\*", page, flags=re.MULTILINE)
    assert sections == [(alert["alert"], alert["labels"]["severity"]) for alert in ALERTS]


def test_every_alert_is_tested_firing_and_not() -> None:
    tested = set()
    for path in (PROMETHEUS / "tests").glob("*.yml"):
        for case in load(path)["tests"]:
            for asked in case.get("promql_expr_test", []):
                if name := re.match(
                    r'ALERTS\{alertname="(\w+)", alertstate="firing"\}', asked["expr"]
                ):
                    tested.add((name[1], bool(asked["exp_samples"])))
    names = [alert["alert"] for alert in ALERTS]
    assert tested == {(name, firing) for name in names for firing in (True, False)}


def test_no_two_rules_or_alerts_are_alike() -> None:
    for one, other in combinations(load_rules(), 2):
        assert one["expr"] != other["expr"]


# What Prometheus' own tool says


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "config", "prometheus.yml"],
        ["check", "rules", "rules/alerts.yml", "rules/recording.yml"],
        ["test", "rules", "tests/recording.yml"],
        ["test", "rules", "tests/alerts.yml"],
    ],
    ids=" ".join,
)
@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not on PATH, nor named by PROMTOOL")
def test_promtool(arguments: list[str]) -> None:
    done = subprocess.run(
        [str(PROMTOOL), *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())
