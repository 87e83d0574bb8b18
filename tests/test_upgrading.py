"""docs/how-to/upgrade.md: former names are gone, and their successors exist."""

import re

import pytest
import yaml
from prometheus_client import CollectorRegistry

from service.observability.metrics import ServiceMetrics
from service.settings import ServiceSettings
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "how-to" / "upgrade.md").read_text()


def renames(kind: str) -> dict[str, str]:
    """Return the table whose first heading is ``kind before``."""
    (table,) = re.findall(rf"^\| {kind} before \| now \|\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.M)
    return dict(re.findall(r"^\| `(\w+)` \| `(\w+)` \|$", table, re.M))


def alerts() -> set[str]:
    rules = yaml.safe_load((ROOT / "deploy" / "prometheus" / "rules" / "alerts.yml").read_text())
    return {rule["alert"] for group in rules["groups"] for rule in group["rules"]}


def metrics() -> set[str]:
    families = [
        family
        for metric in vars(ServiceMetrics(CollectorRegistry())).values()
        if hasattr(metric, "describe")
        for family in metric.describe()
    ]
    return {"newswire_model_info", *(family.name for family in families)}


def settings() -> set[str]:
    return {name.upper() for name in ServiceSettings.model_fields}


@pytest.mark.parametrize("kind", ["setting", "metric", "alert"])
def test_names(kind: str) -> None:
    table = renames(kind)
    names = {"setting": settings, "metric": metrics, "alert": alerts}[kind]()
    assert len(table) >= 4
    assert set(table.values()) <= names
    assert not table.keys() & names


def test_commands() -> None:
    (table,) = re.findall(r"^\| command before \| now \|\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.M)
    now = " ".join(row.split(" | ")[1] for row in table.splitlines())
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make ([a-z-]+)", now):
        assert re.search(rf"^{target}:", makefile, re.M), target
    (cases,) = re.findall(r"^CASES := ((?:.*\\\n)*.*)$", makefile, re.M)
    for case in re.findall(r"CASE=([a-z-]+)", now):
        assert case in cases.split(), case
